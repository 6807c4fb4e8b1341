#include "net/udp_batch.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/limits.hpp"
#include "net/packet_info.hpp"

#if defined(__linux__)
#include <linux/errqueue.h>
#endif

namespace memberlist::net {
namespace {

#if defined(__linux__) && !defined(MEMBERLIST_PORTABLE_UDP)
using Message = mmsghdr;

int receive_many(int descriptor, std::span<Message> messages) {
  return ::recvmmsg(descriptor, messages.data(), static_cast<unsigned>(messages.size()),
                    MSG_DONTWAIT, nullptr);
}

int send_many(int descriptor, std::span<Message> messages) {
  return ::sendmmsg(descriptor, messages.data(), static_cast<unsigned>(messages.size()),
                    MSG_DONTWAIT);
}
#else
struct Message {
  msghdr msg_hdr;
  unsigned msg_len;
};

// The same contract as recvmmsg: an error is reported only if there is no datagram before it.
int receive_many(int descriptor, std::span<Message> messages) {
  int count = 0;
  for (Message& message : messages) {
    const ssize_t size = ::recvmsg(descriptor, &message.msg_hdr, MSG_DONTWAIT);
    if (size < 0) return count > 0 ? count : -1;
    message.msg_len = static_cast<unsigned>(size);
    ++count;
  }
  return count;
}

int send_many(int descriptor, std::span<Message> messages) {
  int count = 0;
  for (Message& message : messages) {
    if (::sendmsg(descriptor, &message.msg_hdr, MSG_DONTWAIT) < 0) return count > 0 ? count : -1;
    ++count;
  }
  return count;
}
#endif

// The socket reports an ICMP error about one packet as the result of the next call, whatever that
// is for. Reporting such an error clears it, so that repeating the call succeeds.
constexpr int kStaleErrors = 2;

bool may_be_about_another_packet(int error) {
  return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
         error == EHOSTDOWN || error == EACCES || error == EPROTO || error == ENOPROTOOPT ||
         error == EOPNOTSUPP || error == EMSGSIZE;
}

}  // namespace

// --- receiving ----------------------------------------------------------------------------------

struct UdpReceiver::Buffers {
  std::unique_ptr<std::byte[]> bytes =
      std::make_unique_for_overwrite<std::byte[]>(kBatchPackets * limits::kPacketBytes);
  std::array<Message, kBatchPackets> messages{};
  std::array<iovec, kBatchPackets> pieces{};
  std::array<sockaddr_storage, kBatchPackets> sources{};
  std::array<PacketInfo, kBatchPackets> infos{};
};

UdpReceiver::UdpReceiver() : buffers_(std::make_unique<Buffers>()) {
  packets_.reserve(kBatchPackets);
}

UdpReceiver::~UdpReceiver() = default;

std::span<const ReceivedPacket> UdpReceiver::receive(int descriptor, bool packet_info, int& error) {
  error = 0;
  packets_.clear();
  Buffers& b = *buffers_;
  if (std::exchange(packet_info_, packet_info) != packet_info) used_ = kBatchPackets;
  const std::size_t used = std::exchange(used_, 0);
  for (std::size_t i = 0; i < used; ++i) {
    b.pieces[i] = {b.bytes.get() + i * limits::kPacketBytes, limits::kPacketBytes};
    msghdr& header = b.messages[i].msg_hdr;
    header = {};
    header.msg_name = &b.sources[i];
    header.msg_namelen = sizeof b.sources[i];
    header.msg_iov = &b.pieces[i];
    header.msg_iovlen = 1;
    if (!packet_info) continue;
    header.msg_control = b.infos[i].control.data();
    header.msg_controllen = b.infos[i].control.size();
  }
  const int count = receive_many(descriptor, b.messages);
  if (count < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK) error = errno;
    return {};
  }
  used_ = static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < used_; ++i) {
    const auto from = from_socket_address(reinterpret_cast<const sockaddr*>(&b.sources[i]));
    if (!from) continue;
    packets_.push_back({*from,
                        {b.bytes.get() + i * limits::kPacketBytes, b.messages[i].msg_len},
                        packet_info ? sent_to(b.messages[i].msg_hdr) : IpAddress{}});
  }
  return packets_;
}

// --- sending ------------------------------------------------------------------------------------

struct UdpBatch {
  std::array<Message, kBatchPackets> messages{};
  std::array<iovec, kBatchPackets> pieces{};
  std::array<SocketAddress, kBatchPackets> targets{};
  std::array<Address, kBatchPackets> addresses{};
  std::array<IpAddress, kBatchPackets> sources{};
  std::array<PacketInfo, kBatchPackets> infos{};
  std::size_t count = 0;
  std::vector<Address> unreachable;  // of a family that the socket does not support
};

void UdpBatchDeleter::operator()(UdpBatch* batch) const noexcept { delete batch; }

UdpBatchPointer UdpBatches::take() {
  if (free_.empty()) {
    free_.reserve(1);
    return UdpBatchPointer(new UdpBatch);
  }
  UdpBatchPointer batch = std::move(free_.back());
  free_.pop_back();
  return batch;
}

UdpBatch& UdpSender::batch() {
  if (!batch_) batch_ = batches_ != nullptr ? batches_->take() : UdpBatchPointer(new UdpBatch);
  return *batch_;
}

void UdpSender::end_batch() {
  batch_->count = 0;
  if (batches_ != nullptr) {
    batches_->give_back(std::move(batch_));
  } else {
    batch_.reset();
  }
}

bool UdpSender::add(const Address& to, BytesView bytes, const IpAddress& from) {
  UdpBatch& b = batch();
  if (!reaches(family_, to.ip)) {
    b.unreachable.push_back(to);
    return b.unreachable.size() >= kBatchPackets;
  }
  assert(b.count < kBatchPackets);  // a full one is flushed first
  const std::size_t i = b.count++;
  b.addresses[i] = to;
  b.sources[i] = from;
  b.targets[i] = to_socket_address(to, family_);
  // The parameter of the system call is not const, but is only read.
  b.pieces[i] = {const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr& header = b.messages[i].msg_hdr;
  header = {};
  header.msg_name = &b.targets[i].storage;
  header.msg_namelen = b.targets[i].length;
  header.msg_iov = &b.pieces[i];
  header.msg_iovlen = 1;
  set_source(header, b.infos[i], family_, from, to.ip);
  return b.count == kBatchPackets;
}

void UdpSender::flush(int descriptor, std::vector<SendFailure>& failures) {
  if (!batch_) return;
  UdpBatch& b = *batch_;
  for (const Address& to : b.unreachable) {
    failures.push_back({to, unreachable("send to", to,
                                        family_ == Family::v4 ? "this node listens on IPv4 only"
                                                              : "this node listens on IPv6 only")});
  }
  b.unreachable.clear();
  std::size_t done = 0;
  if (waiting_.empty()) send_batch(descriptor, failures, done);
  for (; done < b.count; ++done) {
    const iovec& piece = b.pieces[done];
    keep(b.addresses[done], b.sources[done],
         {static_cast<const std::byte*>(piece.iov_base), piece.iov_len});
  }
  end_batch();
}

void UdpSender::retry(int descriptor, std::vector<SendFailure>& failures) {
  flush(descriptor, failures);  // packets added since are sent after the waiting ones
  while (!waiting_.empty()) {
    const std::size_t count = std::min(waiting_.size(), kBatchPackets);
    for (std::size_t i = 0; i < count; ++i) {
      add(waiting_[i].to, waiting_[i].bytes, waiting_[i].from);
    }
    std::size_t done = 0;
    const Sent sent = send_batch(descriptor, failures, done);
    end_batch();
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(done));
    if (sent == Sent::would_block) return;
  }
}

UdpSender::Sent UdpSender::send_batch(int descriptor, std::vector<SendFailure>& failures,
                                      std::size_t& done) {
  UdpBatch& b = *batch_;
  int stale = 0;
  std::optional<IpAddress> refused;  // the source of the packet that is now sent without one
  while (done < b.count) {
    const int sent = send_many(descriptor, std::span(b.messages).subspan(done, b.count - done));
    if (sent > 0) {
      done += static_cast<std::size_t>(sent);
      stale = 0;
      // It was sent: the source was the problem, not the target.
      if (refused) clear_source_from(done, *refused);
      refused.reset();
      continue;
    }
    const int error = errno;
    if (error == EINTR) continue;
    if (error == EAGAIN || error == EWOULDBLOCK) return Sent::would_block;
    if (may_be_about_another_packet(error) && stale++ < kStaleErrors) continue;
    if (refuses_source(error) && clear_source(done)) {
      refused = b.sources[done];
      continue;
    }
    handle_failure(done++, error, failures);
    stale = 0;
    refused.reset();
  }
  return Sent::all;
}

// The address may have left the machine, or be that of a NAT. False: the packet names none.
bool UdpSender::clear_source(std::size_t index) noexcept {
  msghdr& header = batch_->messages[index].msg_hdr;
  if (header.msg_controllen == 0) return false;
  header.msg_control = nullptr;
  header.msg_controllen = 0;
  return true;
}

// For the rest of the batch, so that not each of its packets causes a failing call.
void UdpSender::clear_source_from(std::size_t index, const IpAddress& source) noexcept {
  for (std::size_t i = index; i < batch_->count; ++i) {
    if (batch_->sources[i] == source) clear_source(i);
  }
}

void UdpSender::handle_failure(std::size_t index, int error, std::vector<SendFailure>& failures) {
  const Address& to = batch_->addresses[index];
  if (error == ENOBUFS || error == ENOMEM || error == ECONNREFUSED) {
    // The system's queues are full, or this is an error of another packet, which the error queue
    // describes better.
    ++dropped_;
    return;
  }
  if (error == EMSGSIZE) {
    failures.push_back({to, Error{ErrorCode::too_large,
                                  fmt::format("a packet of {} bytes to {} is larger than the "
                                              "network accepts; lower udp_buffer_size",
                                              batch_->pieces[index].iov_len, to.to_string()),
                                  to.to_string()}});
    return;
  }
  failures.push_back({to, unreachable("send to", to, system_text(error))});
}

void UdpSender::keep(const Address& to, const IpAddress& from, BytesView bytes) {
  if (waiting_.size() >= limits::kRetryPackets) {
    ++dropped_;
    return;
  }
  waiting_.push_back({to, from, to_bytes(bytes)});
}

// --- the error queue ----------------------------------------------------------------------------

#if defined(__linux__)

void enable_error_queue(int descriptor, Family family) noexcept {
  // The socket also works without it; failures are then detected only by timeouts.
  const int on = 1;
  if (family != Family::v6) ::setsockopt(descriptor, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
  if (family != Family::v4) ::setsockopt(descriptor, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
}

namespace {

std::optional<int> icmp_errno(msghdr& header) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    const bool v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR;
    const bool v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;
    if ((!v4 && !v6) || c->cmsg_len < CMSG_LEN(sizeof(sock_extended_err))) continue;
    sock_extended_err extended{};
    std::memcpy(&extended, CMSG_DATA(c), sizeof extended);
    const bool icmp =
        extended.ee_origin == SO_EE_ORIGIN_ICMP || extended.ee_origin == SO_EE_ORIGIN_ICMP6;
    // The kernel handles changes of the path MTU: it fragments from then on.
    if (icmp && extended.ee_errno != EMSGSIZE) return static_cast<int>(extended.ee_errno);
  }
  return std::nullopt;
}

}  // namespace

std::optional<SendFailure> next_queued_error(int descriptor) {
  for (;;) {
    std::array<std::byte, 1> packet{};  // the content of the failed packet is not needed
    alignas(cmsghdr) std::array<std::byte, 512> control{};
    sockaddr_storage target{};
    iovec piece{packet.data(), packet.size()};
    msghdr header{};
    header.msg_name = &target;
    header.msg_namelen = sizeof target;
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    if (::recvmsg(descriptor, &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return std::nullopt;
    const auto error = icmp_errno(header);
    const auto to = from_socket_address(reinterpret_cast<const sockaddr*>(&target));
    if (error && to) return SendFailure{*to, unreachable("reach", *to, system_text(*error))};
  }
}

#else

void enable_error_queue(int /*descriptor*/, Family /*family*/) noexcept {}
std::optional<SendFailure> next_queued_error(int /*descriptor*/) { return std::nullopt; }

#endif

}  // namespace memberlist::net
