#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "memberlist/time.hpp"

namespace memberlist::sim {

/// A distribution of latencies, as a table of quantiles. An immutable value, cheap to copy.
class LatencyTable {
 public:
  /// No table: the link has a constant or uniform latency.
  LatencyTable() noexcept = default;
  /// Log-normal: half of the packets take less than `median`, and a share of 16 % more than
  /// `median` times e to the power of `sigma`. Round-trip times inside of a data centre have a
  /// sigma of about 0.5. Precondition: `median` is positive, `sigma` between 0 and 3.
  [[nodiscard]] static LatencyTable log_normal(Duration median, double sigma);
  /// What was measured: any number of latencies, in any order, each as likely as the others.
  /// Precondition: not empty, none negative.
  [[nodiscard]] static LatencyTable measured(std::span<const Duration> latencies);

  /// Whether there is no table.
  [[nodiscard]] bool empty() const noexcept { return quantiles_ == nullptr; }
  /// The latency at this share of all, from 0 to 1. Precondition: not empty.
  [[nodiscard]] Duration at(double share) const noexcept;

 private:
  explicit LatencyTable(std::vector<Duration> sorted);

  std::shared_ptr<const std::vector<Duration>> quantiles_;  // sorted
};

/// Losses that come in bursts (Gilbert-Elliott): a link changes between a good and a bad state, by
/// chance at each datagram.
struct Bursts {
  double begin = 0;   ///< probability that a good link turns bad, for each datagram
  double end = 0.25;  ///< probability that a bad link turns good, for each datagram
  double loss = 1;    ///< of datagrams, while it is bad
};

/// How bytes fare on the way from one host to another. Each direction has a link of its own.
/// Probabilities are from 0 to 1.
struct Link {
  /// No latency, and no fault.
  [[nodiscard]] static Link perfect() {
    Link link;
    link.latency = Duration::zero();
    return link;
  }

  Duration latency = std::chrono::milliseconds(1);  ///< one way
  Duration jitter{};         ///< up to this much more, uniform, for each packet
  LatencyTable latencies{};  ///< in place of both, unless it is empty

  double loss = 0;       ///< of datagrams; a segment of a stream is late instead
  Bursts bursts{};       ///< more losses; none while `begin` is 0
  double duplicate = 0;  ///< of datagrams that arrive twice
  double reorder = 0;    ///< of datagrams that take `reorder_delay` longer
  Duration reorder_delay = std::chrono::milliseconds(10);  ///< so that later ones overtake them
  double corrupt = 0;   ///< of datagrams in which one bit is flipped
  std::size_t mtu = 0;  ///< larger datagrams vanish, as in a path that drops fragments; 0: none
  /// Bytes a second; more wait in a queue. 0: no limit. Streams are slowed in the same way.
  std::uint64_t bandwidth = 0;
  std::size_t queue_bytes = 256 * 1024;  ///< datagrams that find more waiting are dropped

  bool udp_cut = false;       ///< datagrams vanish
  bool udp_refused = false;   ///< sending fails at once, as for an unreachable network
  bool tcp_cut = false;       ///< segments and connection attempts vanish
  bool tcp_refused = false;   ///< connection attempts are refused
  double tcp_stall = 0;       ///< of connections that are made, and then carry nothing
  double tcp_reset = 0;       ///< of segments at which the connection is reset
  double tcp_half_close = 0;  ///< of segments after which this direction ends early
};

}  // namespace memberlist::sim
