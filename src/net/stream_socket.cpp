#include "net/stream_socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "net/socket_address.hpp"
#include "net/sockets.hpp"

namespace memberlist::net {
namespace {

// Reads of one turn, so that one busy stream does not hold up all others.
constexpr int kReadsPerTurn = 4;
// Reads of what a peer sent before the connection failed.
constexpr int kLastReads = 64;

#if defined(MSG_NOSIGNAL)
constexpr int kSendFlags = MSG_NOSIGNAL;
#else
constexpr int kSendFlags = 0;  // the socket has SO_NOSIGPIPE
#endif

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

// Each dialled socket has its target's family, whatever the listener is bound to.
Family family_of_target(const Address& address) {
  return address.ip.is_v4() ? Family::v4 : Family::v6;
}

}  // namespace

StreamSocket::StreamSocket(Loop& loop, StreamId id, Address peer, StreamOwner& owner)
    : loop_(loop), owner_(owner), id_(id), peer_(peer) {}

StreamSocket::StreamSocket(Loop& loop, Descriptor socket, StreamId id, Address peer,
                           StreamOwner& owner)
    : loop_(loop),
      socket_(std::move(socket)),
      owner_(owner),
      id_(id),
      peer_(peer),
      phase_(Phase::open) {}

// --- beginning ----------------------------------------------------------------------------------

void StreamSocket::dial(const IpAddress& from) {
  socket_ = open_socket(family_of_target(peer_), SOCK_STREAM);
  if (!socket_.is_open()) {
    Error why = unreachable("open a socket to", peer_, system_text(errno));
    why.code = ErrorCode::system;
    return fail_soon(std::move(why));
  }
  leave_from(from);
  connect();
}

// So that others recognise the sender of the stream. If this is not an address of this machine, the
// connection is made anyway.
void StreamSocket::leave_from(const IpAddress& from) {
  if (from.is_unspecified() || from.is_v4() != peer_.ip.is_v4()) return;
#if defined(IP_BIND_ADDRESS_NO_PORT)
  // The kernel chooses the port when it connects; otherwise each port could be used only once.
  if (!set_option(socket_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)) return;
#endif
  const SocketAddress raw = to_socket_address({from, 0}, family_of_target(peer_));
  (void)::bind(socket_.get(), raw.get(), raw.length);
}

// Where the outcome is known at once, it is told as if it came later: by the socket's readiness.
void StreamSocket::connect() {
  const SocketAddress raw = to_socket_address(peer_, family_of_target(peer_));
  const int result = ::connect(socket_.get(), raw.get(), raw.length);
  if (result != 0 && errno != EINPROGRESS && errno != EINTR) {
    return fail_soon(unreachable("connect to", peer_, system_text(errno)));
  }
  want({.write = true});
}

void StreamSocket::connected(int error) {
  if (error != 0) return fail("connect to", error);
  const bool told = phase_ == Phase::connecting;
  connected_ = true;
  if (told) phase_ = Phase::open;
  start();
  write_some();
  if (told && phase_ == Phase::open) owner_.stream_event(*this, StreamConnected{});
}

void StreamSocket::start() {
  connected_ = true;
  // Whole messages are written at once; waiting for more would only delay them.
  (void)set_option(socket_, IPPROTO_TCP, TCP_NODELAY, 1);
  want({.read = true});
}

// --- readiness ----------------------------------------------------------------------------------

void StreamSocket::want(Readiness readiness) {
  if (!watch_) {
    watch_.emplace(loop_.context(), socket_.get(), [this](Readiness ready) { on_ready(ready); });
  }
  if (const int error = watch_->want(readiness)) fail("watch the connection to", error);
}

void StreamSocket::on_ready(Readiness ready) {
  const auto kept = shared_from_this();  // the owner may let go of it
  if (!connected_) return connected(connect_result(socket_));
  if (ready.write) {
    want({.read = !read_ended_});
    write_some();
  }
  if (ready.read && !read_ended_ && (phase_ == Phase::open || phase_ == Phase::closing)) read();
}

// --- reading ------------------------------------------------------------------------------------

void StreamSocket::read() {
  for (int i = 0; i < kReadsPerTurn; ++i) {
    if (!read_once()) break;
  }
}

// Reads available bytes, at most one buffer. False: nothing is left for now.
bool StreamSocket::read_once() {
  const std::span<std::byte> room = owner_.read_buffer();
  const ssize_t count = ::recv(socket_.get(), room.data(), room.size(), 0);
  if (count > 0) {
    const auto size = static_cast<std::size_t>(count);
    if (phase_ == Phase::open || phase_ == Phase::failing) {
      owner_.stream_event(*this, StreamData{room.first(size)});
    }
    return phase_ != Phase::gone && size == room.size();
  }
  if (count == 0) {
    end_reading();
  } else if (!would_block(errno) && phase_ != Phase::failing) {
    fail("read from", errno);
  }
  return false;
}

void StreamSocket::end_reading() {
  read_ended_ = true;
  if (watch_) want({.write = watch_->wanted().write});
  if (phase_ == Phase::open || phase_ == Phase::failing) {
    owner_.stream_event(*this, StreamEnd{});
  } else if (write_ended_) {
    drop();
  }
}

// --- writing ------------------------------------------------------------------------------------

void StreamSocket::write(Bytes bytes) {
  if ((phase_ != Phase::open && phase_ != Phase::connecting) || bytes.empty()) return;
  queued_bytes_ += bytes.size();
  owner_.queue_changed(static_cast<std::ptrdiff_t>(bytes.size()));
  queue_.push_back(std::move(bytes));
  if (phase_ == Phase::open) write_some();
}

void StreamSocket::write_some() {
  if (!watch_ || watch_->wanted().write) return;
  while (!queue_.empty()) {
    const Bytes& front = queue_.front();
    const ssize_t result =
        ::send(socket_.get(), front.data() + front_sent_, front.size() - front_sent_, kSendFlags);
    if (result < 0 && would_block(errno)) return want({.read = !read_ended_, .write = true});
    if (result < 0) return fail("write to", errno);
    const auto count = static_cast<std::size_t>(result);
    front_sent_ += count;
    queued_bytes_ -= count;
    owner_.queue_changed(-static_cast<std::ptrdiff_t>(count));
    if (front_sent_ == front.size()) {
      queue_.pop_front();
      front_sent_ = 0;
    }
  }
  if (phase_ == Phase::closing) finish_writing();
}

// --- ends ---------------------------------------------------------------------------------------

void StreamSocket::fail(const char* verb, int error) {
  if (phase_ == Phase::closing) return drop();
  fail_soon(unreachable(verb, peer_, system_text(error)));
}

void StreamSocket::fail_soon(Error error) {
  if (phase_ == Phase::gone || phase_ == Phase::failing) return;
  if (phase_ == Phase::closing) return drop();
  const bool readable = phase_ == Phase::open && !read_ended_;
  phase_ = Phase::failing;
  watch_.reset();  // whose handler may be running
  loop_.post([self = shared_from_this(), readable, error = std::move(error)] {
    // A peer that has answered (with an error, for instance) and closed makes our writes fail while
    // its answer waits to be read.
    for (int i = 0; readable && i < kLastReads; ++i) {
      if (self->phase_ != Phase::failing || !self->read_once()) break;
    }
    self->tell_failure(error);
  });
}

void StreamSocket::tell_failure(const Error& error) {
  if (phase_ != Phase::failing) return;
  owner_.stream_event(*this, StreamFailed{error});
  drop();
}

void StreamSocket::close(Duration timeout) {
  if (phase_ == Phase::gone || phase_ == Phase::closing) return;
  if (phase_ == Phase::failing) return drop();
  const bool connecting = phase_ == Phase::connecting;
  phase_ = Phase::closing;
  closing_time_.emplace(loop_, [this] {
    const auto kept = shared_from_this();
    abort();
  });
  closing_time_->set(Loop::now() + timeout);
  if (!connecting && queue_.empty()) finish_writing();
}

void StreamSocket::close_when_written() {
  hurry_ = true;
  if (write_ended_) drop();
}

void StreamSocket::finish_writing() {
  if (write_ended_) return;
  write_ended_ = true;
  const bool ended = ::shutdown(socket_.get(), SHUT_WR) == 0;
  if (!ended || read_ended_ || hurry_) drop();
}

void StreamSocket::abort() {
  if (phase_ == Phase::gone) return;
  reset_at_close(socket_);
  drop();
}

void StreamSocket::drop() {
  if (phase_ == Phase::gone) return;
  phase_ = Phase::gone;
  watch_.reset();
  socket_.close();
  closing_time_.reset();
  owner_.queue_changed(-static_cast<std::ptrdiff_t>(queued_bytes_));
  queue_.clear();
  queued_bytes_ = 0;
  owner_.stream_gone(*this);
}

}  // namespace memberlist::net
