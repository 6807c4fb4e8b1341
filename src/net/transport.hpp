#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/limits.hpp"
#include "memberlist/address.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/engine.hpp"
#include "memberlist/error.hpp"
#include "memberlist/time.hpp"
#include "net/loop.hpp"

namespace memberlist::net {

/// One received datagram. The bytes may be overwritten.
struct ReceivedPacket {
  Address from;
  std::span<std::byte> bytes;
};

/// Whom a Transport tells. Called from the loop's thread only, and never from within a call to the
/// Transport, so that the callee may hold a lock while it calls the Transport. Any of them may call
/// the Transport, except where it says otherwise.
class TransportHandler {
 public:
  TransportHandler() = default;
  TransportHandler(const TransportHandler&) = delete;
  TransportHandler& operator=(const TransportHandler&) = delete;
  virtual ~TransportHandler() = default;

  /// Datagrams that came together, at least one. The views are valid during the call.
  virtual void on_packets(std::span<const ReceivedPacket> packets) = 0;
  /// A datagram could not be sent, or the network says that it could not be delivered.
  virtual void on_send_error(const Address& to, const Error& error) = 0;
  /// A peer has connected. The id that it gets, which is known to the Transport once this has
  /// returned (so it must not be used within); `std::nullopt`: close it.
  virtual std::optional<StreamId> on_accept(const Address& from) = 0;
  /// Something happened to a stream. After StreamFailed its id is forgotten.
  virtual void on_stream(StreamId id, const StreamEvent& event) = 0;
  /// Peers cannot be accepted for now (e.g. no descriptors are left); told once for each such
  /// spell, and tried again by itself.
  virtual void on_accept_error(const Error& error) = 0;
};

/// Asked of the kernel for received datagrams, and halved until it is granted (protocol 8).
inline constexpr std::size_t kReceiveBufferBytes = 2 * limits::kMiB;
/// Attempts to find a port that is free for UDP and TCP at once (protocol 8).
inline constexpr int kPortAttempts = 10;

struct TransportOptions {
  Address bind;  ///< port 0: the kernel chooses one that is free for UDP and TCP
  /// How long a closed stream may take to write what is left and to hear the peer's end.
  Duration close_timeout = std::chrono::seconds(10);
  /// Bytes that all streams may have to write.
  std::size_t total_queue_bytes = limits::kTotalStreamQueueBytes;
  /// Closed streams that still write, or wait for the peer's end; beyond that the oldest is
  /// aborted.
  std::size_t closing_streams = limits::kClosingStreams;
};

struct TransportCounters {
  std::uint64_t packets_dropped = 0;  ///< could not be sent in time: the send buffer was full
};

/// A UDP socket and a TCP listener at one address, and the streams of both directions. All calls
/// from the loop's thread, or while nobody runs the loop; none blocks.
class Transport {
 public:
  /// Binds and listens; nothing is received before `start`. The loop and the handler must outlive
  /// the Transport. Errors: `address_in_use`, `invalid_argument` (not an address of this machine),
  /// `system`.
  [[nodiscard]] static Result<std::unique_ptr<Transport>> open(Loop& loop,
                                                               const TransportOptions& options,
                                                               TransportHandler& handler);
  /// Closes everything, without a word to the handler.
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  /// Begins to receive and to accept.
  void start();
  /// The bound address, with the port that the kernel chose if it did.
  [[nodiscard]] const Address& local_address() const noexcept;
  /// Whether the UDP socket can send to this family of addresses.
  [[nodiscard]] bool reaches(const IpAddress& ip) const noexcept;

  /// Queues a datagram; the bytes must stay until `flush`.
  void send(const Address& to, BytesView bytes);
  /// Sends the queued datagrams. Best effort: what the socket does not take is tried again from a
  /// bounded queue, and then dropped and counted.
  void flush();

  // For an id that is unknown (or no longer known) these do nothing.
  /// Connects; StreamConnected or StreamFailed comes later. There is no deadline: abort it.
  void dial(StreamId id, const Address& to);
  /// Writes after what was written before. Over limits::kStreamQueueBytes the stream fails.
  void write(StreamId id, Bytes bytes);
  /// Forgets the id at once; writes what is left, then ends the stream. It lingers until the peer
  /// has ended it too (a reset would destroy what is still on its way), or `close_timeout`.
  void close(StreamId id);
  /// Forgets the id and resets the stream at once.
  void abort(StreamId id);

  /// Frees the ports; streams that were closed and still have bytes to write go on, all others are
  /// aborted. Calls `done` (from the loop) once none is left, at the latest after `limit`. Nothing
  /// else is told to the handler from now on.
  void finish(Duration limit, Loop::Task done);

  [[nodiscard]] TransportCounters counters() const noexcept;

 private:
  class Impl;
  explicit Transport(std::shared_ptr<Impl> impl) noexcept;
  std::shared_ptr<Impl> impl_;
};

}  // namespace memberlist::net
