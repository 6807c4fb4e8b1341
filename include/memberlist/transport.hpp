#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "memberlist/address.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/error.hpp"
#include "memberlist/stream.hpp"
#include "memberlist/time.hpp"

namespace memberlist {

/// One received datagram.
struct ReceivedPacket {
  Address from{};                ///< the address that an answer goes to
  std::span<std::byte> bytes{};  ///< valid during the call
  IpAddress asked{};             ///< the local address it was sent to; unspecified: unknown
};

/// Receives what a Transport reports. Called on the executor's thread only, and never from within a
/// call to the Transport (the caller is in the middle of a turn): post a task for results that are
/// known immediately. Each function may call the Transport, unless its comment
/// says otherwise.
class TransportHandler {
 public:
  TransportHandler() = default;
  TransportHandler(const TransportHandler&) = delete;             ///< one object, one identity
  TransportHandler& operator=(const TransportHandler&) = delete;  ///< one object, one identity

  /// Datagrams that were received together, at least one. The views are valid during the call.
  virtual void on_packets(std::span<const ReceivedPacket> packets) = 0;
  /// A datagram could not be sent, or the network reported that it could not be delivered.
  virtual void on_send_error(const Address& to, const Error& error) = 0;
  /// A peer has connected. Returns the id of the stream, which the Transport knows only after this
  /// has returned (so the handler must not use it within the call), or `std::nullopt`: close it.
  [[nodiscard]] virtual std::optional<StreamId> on_accept(const Address& from) = 0;
  /// A stream event. After StreamFailed the id is forgotten.
  virtual void on_stream(StreamId id, const StreamEvent& event) = 0;
  /// Connections cannot be accepted at the moment (e.g. no descriptors are left). Reported once;
  /// the Transport retries by itself.
  virtual void on_accept_error(const Error& error) = 0;

 protected:
  ~TransportHandler() = default;  ///< the Transport does not own it
};

/// The thread that runs a member's protocol, as a Transport sees it.
class Executor {
 public:
  Executor() = default;
  Executor(const Executor&) = delete;             ///< one object, one identity
  Executor& operator=(const Executor&) = delete;  ///< one object, one identity
  virtual ~Executor() = default;                  ///< drops posted tasks that have not run

  /// Runs a task soon, after those posted before, never within this call. May be called from any
  /// thread. Tasks must be short: they delay the probes and answers of every member of this thread.
  virtual void post(std::function<void()> task) = 0;
};

/// Carries bytes between members: as datagrams, which may be lost, and as streams, which are
/// reliable and ordered. The library has one for UDP and TCP, the default of `Hosting::transport`,
/// and an in-memory one (MemoryNetwork). Implement another to use a proxy, a service mesh, TLS or
/// an unusual network; `examples/` has one.
///
/// All functions are called on the executor's thread, except those before `start`, which are called
/// on the thread that creates the member. None may block or throw.
class Transport {
 public:
  Transport() = default;
  Transport(const Transport&) = delete;             ///< one object, one identity
  Transport& operator=(const Transport&) = delete;  ///< one object, one identity
  /// Closes everything, without calling the handler.
  virtual ~Transport() = default;

  /// Starts to receive and to accept. The handler is not called before.
  virtual void start() = 0;
  /// The address at which others reach this member unless another is advertised; never port 0.
  [[nodiscard]] virtual Address local_address() const = 0;

  /// Queues a datagram of at most `Config::udp_buffer_size` bytes, which stay valid until `flush`.
  /// Best effort.
  virtual void send(const Address& to, BytesView bytes) = 0;
  /// The same, from this address of the machine if possible. Firewalls and NATs pass answers only
  /// if they come from the address that was asked. A Transport with a single address need not
  /// override it.
  virtual void send_from(const IpAddress& from, const Address& to, BytesView bytes) {
    (void)from;
    send(to, bytes);
  }
  /// Sends the queued datagrams.
  virtual void flush() = 0;

  // These functions ignore unknown ids.
  /// Connects; StreamConnected or StreamFailed is reported later. There is no timeout: the caller
  /// aborts.
  virtual void dial(StreamId id, const Address& to) = 0;
  /// The same, from this address of the machine if possible.
  virtual void dial_from(const IpAddress& from, StreamId id, const Address& to) {
    (void)from;
    dial(id, to);
  }
  /// Writes after earlier writes. The queue must be bounded: a stream whose peer does not read
  /// fails.
  virtual void write(StreamId id, Bytes bytes) = 0;
  /// Forgets the id at once; writes the remaining bytes, then ends the stream, so that the peer
  /// receives all of them and then StreamEnd.
  virtual void close(StreamId id) = 0;
  /// Forgets the id and breaks the stream at once.
  virtual void abort(StreamId id) = 0;

  /// Stops: nothing more is received or reported. Closed streams with remaining bytes continue to
  /// write, all others are aborted. Calls `done` (through the executor) when none is left, at the
  /// latest after `limit`; the Transport is destroyed next.
  virtual void finish(Duration limit, std::function<void()> done) = 0;

  /// Datagrams dropped so far because they could not be sent in time.
  [[nodiscard]] virtual std::uint64_t packets_dropped() const noexcept { return 0; }
};

/// The parameters of a new Transport.
struct TransportSetup {
  Address bind{};            ///< `Config::bind`; port 0: any
  Duration close_timeout{};  ///< how long a closed stream may take to end: `tcp_timeout`
  std::shared_ptr<Executor> executor{};  ///< where to call the handler
  TransportHandler* handler{};           ///< never null; valid until the Transport is destroyed
  /// Creates the library's own Transport, over UDP and TCP at `bind`, for a Transport that wraps
  /// it; the handler must outlive it. Errors: `address_in_use`, `invalid_argument` (not an address
  /// of this machine), `system`.
  std::function<Result<std::unique_ptr<Transport>>(TransportHandler& handler)> sockets{};
};

/// Creates the Transport of one member; called once by `Memberlist::create`, which passes its error
/// on.
using TransportFactory =
    std::function<Result<std::unique_ptr<Transport>>(const TransportSetup& setup)>;

}  // namespace memberlist
