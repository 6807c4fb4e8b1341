#pragma once

// Private to this room: one TCP connection.

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <span>

#include "memberlist/address.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/error.hpp"
#include "memberlist/stream.hpp"
#include "memberlist/time.hpp"
#include "net/descriptor.hpp"
#include "net/loop_context.hpp"

namespace memberlist::net {

class StreamSocket;

/// Receives the events of a StreamSocket; never called from within one of its calls.
class StreamOwner {
 public:
  StreamOwner() = default;
  StreamOwner(const StreamOwner&) = delete;
  StreamOwner& operator=(const StreamOwner&) = delete;

  /// Not called any more once the stream was closed, was aborted or has failed.
  virtual void stream_event(StreamSocket& stream, const StreamEvent& event) = 0;
  /// The socket is closed for good; may be called from within a call.
  virtual void stream_gone(StreamSocket& stream) = 0;
  /// The write queue grew by this many bytes, or shrank (less than 0).
  virtual void queue_changed(std::ptrdiff_t bytes) = 0;
  /// A buffer to read into; its content is consumed within `stream_event`.
  [[nodiscard]] virtual std::span<std::byte> read_buffer() = 0;

 protected:
  ~StreamOwner() = default;
};

/// One connection, dialled or accepted: reads whenever bytes arrive, writes from a queue,
/// ends gracefully. Its owner keeps it until it is gone. On the loop's thread.
class StreamSocket : public std::enable_shared_from_this<StreamSocket> {
 public:
  /// Call `dial` next.
  StreamSocket(Loop& loop, StreamId id, Address peer, StreamOwner& owner);
  /// Takes over an accepted connection; call `start` next.
  StreamSocket(Loop& loop, Descriptor socket, StreamId id, Address peer, StreamOwner& owner);

  [[nodiscard]] StreamId id() const noexcept { return id_; }
  [[nodiscard]] std::size_t queued_bytes() const noexcept { return queued_bytes_; }
  [[nodiscard]] bool closing() const noexcept { return phase_ == Phase::closing; }

  /// From the address `from`, if it is given and available.
  void dial(const IpAddress& from);
  /// Starts reading from an accepted connection.
  void start();
  void write(Bytes bytes);
  /// Fails the stream with the caller's error, asynchronously.
  void fail_soon(Error error);
  /// Writes the remaining bytes, ends the sending side, and waits for the peer to end its own.
  void close(Duration timeout);
  /// Like `close`, but does not wait for the peer once all is written.
  void close_when_written();
  /// Resets the connection.
  void abort();

 private:
  enum class Phase : std::uint8_t {
    connecting,
    open,
    failing,  ///< an error has not been reported yet
    closing,  ///< the owner receives no more events
    gone,
  };

  void leave_from(const IpAddress& from);
  void connect();
  void connected(int error);
  void on_ready(Readiness ready);
  void want(Readiness readiness);
  void read();
  bool read_once();
  void end_reading();
  void write_some();
  void finish_writing();
  void fail(const char* verb, int error);
  void tell_failure(const Error& error);
  void drop();

  Loop& loop_;
  Descriptor socket_;
  std::optional<Watch> watch_;  // before the socket is closed, it goes
  std::optional<Deadline> closing_time_;
  StreamOwner& owner_;
  StreamId id_;
  Address peer_;
  Phase phase_ = Phase::connecting;
  std::deque<Bytes> queue_;
  std::size_t front_sent_ = 0;    // sent bytes of the first in the queue
  std::size_t queued_bytes_ = 0;  // of the whole queue, unsent
  bool connected_ = false;
  bool read_ended_ = false;
  bool write_ended_ = false;
  bool hurry_ = false;  // do not wait for the peer's end
};

}  // namespace memberlist::net
