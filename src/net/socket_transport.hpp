#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/limits.hpp"
#include "memberlist/address.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/error.hpp"
#include "memberlist/time.hpp"
#include "memberlist/transport.hpp"
#include "net/loop.hpp"

namespace memberlist::net {

/// The requested receive buffer, halved until the kernel grants it (protocol 8).
inline constexpr std::size_t kReceiveBufferBytes = 2 * limits::kMiB;

struct SocketTransportOptions {
  Address bind;  ///< port 0: the kernel chooses one that is free for UDP and TCP
  /// How long a closed stream may take to write its remaining bytes and to receive the peer's end.
  Duration close_timeout = std::chrono::seconds(10);
  /// Unsent bytes of all streams together.
  std::size_t total_queue_bytes = limits::kTotalStreamQueueBytes;
  /// Closed streams that still write, or wait for the peer's end; beyond that the oldest is
  /// aborted.
  std::size_t closing_streams = limits::kClosingStreams;
};

/// A UDP socket and a TCP listener at one address, and the streams of both directions. All calls
/// from the loop's thread, or while nothing of it is started; none blocks.
class SocketTransport final : public Transport {
 public:
  /// Binds and listens; nothing is received before `start`. The loop and the handler must outlive
  /// the transport. Errors: `address_in_use`, `invalid_argument` (not an address of this machine),
  /// `system`.
  [[nodiscard]] static Result<std::unique_ptr<SocketTransport>> open(
      Loop& loop, const SocketTransportOptions& options, TransportHandler& handler);
  ~SocketTransport() override;

  void start() override;
  /// The bound address, with the port that the kernel chose if it did.
  [[nodiscard]] Address local_address() const override;

  void send(const Address& to, BytesView bytes) override;
  /// Has an effect only if the socket is bound to all addresses.
  void send_from(const IpAddress& from, const Address& to, BytesView bytes) override;
  /// Datagrams that the socket does not accept are retried from a bounded queue, and then dropped
  /// and counted.
  void flush() override;

  void dial(StreamId id, const Address& to) override;
  void dial_from(const IpAddress& from, StreamId id, const Address& to) override;
  /// Over limits::kStreamQueueBytes the stream fails.
  void write(StreamId id, Bytes bytes) override;
  /// The stream lingers until the peer has ended it too (a reset would destroy bytes still under
  /// way), or `close_timeout`.
  void close(StreamId id) override;
  void abort(StreamId id) override;

  /// Frees the ports at once.
  void finish(Duration limit, std::function<void()> done) override;

  [[nodiscard]] std::uint64_t packets_dropped() const noexcept override;

 private:
  class Impl;
  explicit SocketTransport(std::shared_ptr<Impl> impl) noexcept;
  std::shared_ptr<Impl> impl_;
};

}  // namespace memberlist::net
