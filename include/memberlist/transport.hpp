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
  Address from;                ///< the address that an answer goes to
  std::span<std::byte> bytes;  ///< valid during the call
  IpAddress asked{};           ///< the own address that it was sent to; unspecified: not known
};

/// Whom a Transport tells. Called from the executor's thread only, and never from within a call to
/// the Transport (its callee holds a lock while it calls the Transport): what is known at once is
/// told by a posted task. Any of them may call the Transport, except where it says otherwise.
class TransportHandler {
 public:
  TransportHandler() = default;
  TransportHandler(const TransportHandler&) = delete;             ///< one object, one identity
  TransportHandler& operator=(const TransportHandler&) = delete;  ///< one object, one identity

  /// Datagrams that came together, at least one. The views are valid during the call.
  virtual void on_packets(std::span<const ReceivedPacket> packets) = 0;
  /// A datagram could not be sent, or the network says that it could not be delivered.
  virtual void on_send_error(const Address& to, const Error& error) = 0;
  /// A peer has connected. The id that it gets, which is known to the Transport once this has
  /// returned (so it must not be used within); `std::nullopt`: close it.
  [[nodiscard]] virtual std::optional<StreamId> on_accept(const Address& from) = 0;
  /// Something happened to a stream. After StreamFailed its id is forgotten.
  virtual void on_stream(StreamId id, const StreamEvent& event) = 0;
  /// Peers cannot be accepted for now (e.g. no descriptors are left); told once for each such
  /// spell, and tried again by itself.
  virtual void on_accept_error(const Error& error) = 0;

 protected:
  ~TransportHandler() = default;  ///< it is not the Transport's to destroy
};

/// The thread that a member's protocol runs on, as a Transport sees it.
class Executor {
 public:
  Executor() = default;
  Executor(const Executor&) = delete;             ///< one object, one identity
  Executor& operator=(const Executor&) = delete;  ///< one object, one identity
  virtual ~Executor() = default;                  ///< what was posted and has not run is dropped

  /// Runs a task soon, behind those posted before, never within this call. From any thread. Be
  /// quick in it: probes and answers of every member of this thread wait meanwhile.
  virtual void post(std::function<void()> task) = 0;
};

/// How bytes travel between members: datagrams, which may be lost, and streams, which are ordered
/// and whole. The library brings one over UDP and TCP, which is used unless `Hosting::transport`
/// says otherwise, and one in memory (MemoryNetwork). Write another to go through a proxy, a
/// service mesh, TLS or an unusual network; `examples/` has one.
///
/// All calls come from the executor's thread, but for those before `start`, which come from the
/// thread that creates the member. None may block, and none may throw.
class Transport {
 public:
  Transport() = default;
  Transport(const Transport&) = delete;             ///< one object, one identity
  Transport& operator=(const Transport&) = delete;  ///< one object, one identity
  /// Closes everything, without a word to the handler.
  virtual ~Transport() = default;

  /// Begins to receive and to accept. Nothing is told to the handler before.
  virtual void start() = 0;
  /// Where others reach this member, if nothing else is advertised; never port 0.
  [[nodiscard]] virtual Address local_address() const = 0;

  /// Queues a datagram of at most `Config::udp_buffer_size` bytes, which stay until `flush`. Best
  /// effort.
  virtual void send(const Address& to, BytesView bytes) = 0;
  /// The same, leaving from this address of the machine if that is possible. What stands between a
  /// member and others (a firewall, a NAT) lets answers through that come from the address that was
  /// asked. A Transport with a single address need not override it.
  virtual void send_from(const IpAddress& from, const Address& to, BytesView bytes) {
    (void)from;
    send(to, bytes);
  }
  /// Sends the queued datagrams.
  virtual void flush() = 0;

  // For an id that is unknown (or no longer known) these do nothing.
  /// Connects; StreamConnected or StreamFailed comes later. There is no deadline: the caller
  /// aborts.
  virtual void dial(StreamId id, const Address& to) = 0;
  /// The same, from this address of the machine if that is possible.
  virtual void dial_from(const IpAddress& from, StreamId id, const Address& to) {
    (void)from;
    dial(id, to);
  }
  /// Writes after what was written before. Without bound it must not queue: a stream whose peer
  /// does not read fails.
  virtual void write(StreamId id, Bytes bytes) = 0;
  /// Forgets the id at once; writes what is left, then ends the stream, so that the peer hears all
  /// of it and then StreamEnd.
  virtual void close(StreamId id) = 0;
  /// Forgets the id and breaks the stream at once.
  virtual void abort(StreamId id) = 0;

  /// The end: no more is received or told. Streams that were closed and still have bytes to write
  /// go on, all others are aborted. Calls `done` (by the executor) once none is left, at the latest
  /// after `limit`; the Transport is destroyed next.
  virtual void finish(Duration limit, std::function<void()> done) = 0;

  /// Datagrams so far that were dropped since they could not be sent in time.
  [[nodiscard]] virtual std::uint64_t packets_dropped() const noexcept { return 0; }
};

/// What a Transport is made of.
struct TransportSetup {
  Address bind;                        ///< `Config::bind`; port 0: any
  Duration close_timeout{};            ///< what a closed stream may take to end: `tcp_timeout`
  std::shared_ptr<Executor> executor;  ///< where the handler is to be called
  TransportHandler* handler{};         ///< never null; valid until the Transport is destroyed
  /// Makes the library's own, over UDP and TCP at `bind`, for a Transport that wraps it; the
  /// handler must outlive it. Errors: `address_in_use`, `invalid_argument` (not an address of this
  /// machine), `system`.
  std::function<Result<std::unique_ptr<Transport>>(TransportHandler& handler)> sockets;
};

/// Makes the Transport of one member; called once by `Memberlist::create`, which hands on its
/// error.
using TransportFactory =
    std::function<Result<std::unique_ptr<Transport>>(const TransportSetup& setup)>;

}  // namespace memberlist
