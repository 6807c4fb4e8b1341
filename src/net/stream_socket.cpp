#include "net/stream_socket.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <cstring>
#include <utility>

#include "net/listen.hpp"
#include "net/loop_context.hpp"
#include "net/socket_address.hpp"

namespace memberlist::net {
namespace {

// Reads of one turn, so that one busy stream does not hold up all others.
constexpr int kReadsPerTurn = 4;
// Reads of what a peer sent before the connection failed.
constexpr int kLastReads = 64;

asio::ip::tcp::endpoint to_endpoint(const Address& address) {
  // Each dialled socket has its target's family, whatever the listener is bound to.
  const SocketAddress raw =
      to_socket_address(address, address.ip.is_v4() ? Family::v4 : Family::v6);
  asio::ip::tcp::endpoint endpoint;
  endpoint.resize(raw.length);
  std::memcpy(endpoint.data(), raw.get(), raw.length);
  return endpoint;
}

}  // namespace

StreamSocket::StreamSocket(asio::io_context& io, StreamId id, Address peer, StreamOwner& owner)
    : socket_(io), timer_(io), owner_(owner), id_(id), peer_(peer) {}

StreamSocket::StreamSocket(asio::ip::tcp::socket socket, StreamId id, Address peer,
                           StreamOwner& owner)
    : socket_(std::move(socket)),
      timer_(socket_.get_executor()),
      owner_(owner),
      id_(id),
      peer_(peer),
      phase_(Phase::open) {}

// --- beginning ----------------------------------------------------------------------------------

void StreamSocket::dial(const IpAddress& from) {
  const auto endpoint = to_endpoint(peer_);
  asio::error_code error;
  socket_.open(endpoint.protocol(), error);
  if (error) {
    Error why = unreachable("open a socket to", peer_, error.message());
    why.code = ErrorCode::system;
    return fail_soon(std::move(why));
  }
  close_on_exec(socket_.native_handle());
  leave_from(from);
  socket_.async_connect(endpoint, [self = shared_from_this()](const asio::error_code& result) {
    self->connected(result);
  });
}

// So that others recognise the sender of the stream. If this is not an address of this machine, the
// connection is made anyway.
void StreamSocket::leave_from(const IpAddress& from) {
  if (from.is_unspecified() || from.is_v4() != peer_.ip.is_v4()) return;
#if defined(IP_BIND_ADDRESS_NO_PORT)
  // The kernel chooses the port when it connects; otherwise each port could be used only once.
  const int on = 1;
  if (::setsockopt(socket_.native_handle(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) !=
      0) {
    return;
  }
#endif
  asio::error_code ignored;
  socket_.bind(to_endpoint({from, 0}), ignored);
}

void StreamSocket::connected(const asio::error_code& error) {
  if (phase_ != Phase::connecting && phase_ != Phase::closing) return;
  if (error) return fail("connect to", error);
  const bool told = phase_ == Phase::connecting;
  if (told) phase_ = Phase::open;
  start();
  write_some();
  if (told && phase_ == Phase::open) owner_.stream_event(*this, StreamConnected{});
}

void StreamSocket::start() {
  asio::error_code ignored;
  // Whole messages are written at once; waiting for more would only delay them.
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
  wait_readable();
}

// --- reading ------------------------------------------------------------------------------------

void StreamSocket::wait_readable() {
  socket_.async_wait(asio::ip::tcp::socket::wait_read,
                     [self = shared_from_this()](const asio::error_code& error) {
                       if (error) return;
                       if (self->phase_ == Phase::open || self->phase_ == Phase::closing) {
                         self->read();
                       }
                     });
}

void StreamSocket::read() {
  for (int i = 0; i < kReadsPerTurn; ++i) {
    if (!read_once()) break;
  }
  if (!read_ended_ && (phase_ == Phase::open || phase_ == Phase::closing)) wait_readable();
}

// Reads available bytes, at most one buffer. False: nothing is left for now.
bool StreamSocket::read_once() {
  const std::span<std::byte> room = owner_.read_buffer();
  asio::error_code error;
  const std::size_t count = socket_.read_some(asio::buffer(room.data(), room.size()), error);
  if (error == asio::error::would_block || error == asio::error::try_again) return false;
  if (error == asio::error::eof) {
    read_ended_ = true;
    if (phase_ == Phase::open || phase_ == Phase::failing) {
      owner_.stream_event(*this, StreamEnd{});
    } else if (write_ended_) {
      drop();
    }
    return false;
  }
  if (error) {
    if (phase_ != Phase::failing) fail("read from", error);
    return false;
  }
  if (phase_ == Phase::open || phase_ == Phase::failing) {
    owner_.stream_event(*this, StreamData{room.first(count)});
  }
  return phase_ != Phase::gone && count == room.size();
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
  if (waits_writable_) return;
  while (!queue_.empty()) {
    const Bytes& front = queue_.front();
    asio::error_code error;
    const std::size_t count = socket_.write_some(
        asio::buffer(front.data() + front_sent_, front.size() - front_sent_), error);
    if (error == asio::error::would_block || error == asio::error::try_again) {
      waits_writable_ = true;
      socket_.async_wait(asio::ip::tcp::socket::wait_write,
                         [self = shared_from_this()](const asio::error_code& result) {
                           self->waits_writable_ = false;
                           if (result) return;
                           if (self->phase_ == Phase::open || self->phase_ == Phase::closing) {
                             self->write_some();
                           }
                         });
      return;
    }
    if (error) return fail("write to", error);
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

void StreamSocket::fail(const char* verb, const asio::error_code& error) {
  if (phase_ == Phase::closing) return drop();
  fail_soon(unreachable(verb, peer_, error.message()));
}

void StreamSocket::fail_soon(Error error) {
  if (phase_ == Phase::gone || phase_ == Phase::failing) return;
  if (phase_ == Phase::closing) return drop();
  const bool readable = phase_ == Phase::open && !read_ended_;
  phase_ = Phase::failing;
  asio::post(socket_.get_executor(),
             [self = shared_from_this(), readable, error = std::move(error)] {
               // A peer that has answered (with an error, for instance) and closed makes our
               // writes fail while its answer waits to be read.
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
  timer_.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(timeout));
  timer_.async_wait([self = shared_from_this()](const asio::error_code& error) {
    if (!error) self->abort();
  });
  if (!connecting && queue_.empty()) finish_writing();
}

void StreamSocket::close_when_written() {
  hurry_ = true;
  if (write_ended_) drop();
}

void StreamSocket::finish_writing() {
  if (write_ended_) return;
  write_ended_ = true;
  asio::error_code error;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, error);
  if (error || read_ended_ || hurry_) drop();
}

void StreamSocket::abort() {
  if (phase_ == Phase::gone) return;
  asio::error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  drop();
}

void StreamSocket::drop() {
  if (phase_ == Phase::gone) return;
  phase_ = Phase::gone;
  asio::error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
  owner_.queue_changed(-static_cast<std::ptrdiff_t>(queued_bytes_));
  queue_.clear();
  queued_bytes_ = 0;
  owner_.stream_gone(*this);
}

}  // namespace memberlist::net
