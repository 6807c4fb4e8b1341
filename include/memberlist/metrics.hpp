#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "memberlist/export.hpp"
#include "memberlist/member.hpp"

namespace memberlist {

/// What kind of number a metric is.
enum class MetricKind : std::uint8_t {
  counter,  ///< an amount that is added to what was counted before
  gauge,    ///< how much it is from now on
  sample,   ///< one observation of many, e.g. for a histogram
};

/// The kind as it is spelled above.
[[nodiscard]] MEMBERLIST_API std::string_view to_string(MetricKind kind) noexcept;

/// The metrics' names: those of the Go library, and, where it says so, one of ours.
/// docs/metrics.md tells what brings each of them about.
namespace metric {

// Counters.
inline constexpr std::string_view kMsgAlive = "memberlist.msg.alive";            ///< messages
inline constexpr std::string_view kMsgSuspect = "memberlist.msg.suspect";        ///< messages
inline constexpr std::string_view kMsgDead = "memberlist.msg.dead";              ///< messages
inline constexpr std::string_view kUdpSent = "memberlist.udp.sent";              ///< bytes
inline constexpr std::string_view kUdpReceived = "memberlist.udp.received";      ///< bytes
inline constexpr std::string_view kTcpAccept = "memberlist.tcp.accept";          ///< connections
inline constexpr std::string_view kTcpConnect = "memberlist.tcp.connect";        ///< connections
inline constexpr std::string_view kTcpSent = "memberlist.tcp.sent";              ///< bytes
inline constexpr std::string_view kDegradedProbe = "memberlist.degraded.probe";  ///< probes
inline constexpr std::string_view kDegradedTimeout = "memberlist.degraded.timeout";  ///< deaths
// Gauges.
inline constexpr std::string_view kHealthScore = "memberlist.health.score";      ///< 0 is healthy
inline constexpr std::string_view kNodeInstances = "memberlist.node.instances";  ///< by node_state
inline constexpr std::string_view kSizeLocal = "memberlist.size.local";          ///< bytes
// Samples.
inline constexpr std::string_view kQueueBroadcasts = "memberlist.queue.broadcasts";  ///< messages
inline constexpr std::string_view kSizeRemote = "memberlist.size.remote";            ///< bytes
inline constexpr std::string_view kProbeNode = "memberlist.probeNode";        ///< milliseconds
inline constexpr std::string_view kGossip = "memberlist.gossip";              ///< milliseconds
inline constexpr std::string_view kPushPullNode = "memberlist.pushPullNode";  ///< milliseconds
/// Milliseconds. Ours: the Go library has no such metric.
inline constexpr std::string_view kProbeRoundTrip = "memberlist.probe.roundTrip";

}  // namespace metric

/// A metric's name and kind.
struct MetricInfo {
  std::string_view name{};                ///< one of `metric`
  MetricKind kind = MetricKind::counter;  ///< of every record of that name
};

/// All metrics.
inline constexpr MetricInfo kMetrics[] = {
    {metric::kMsgAlive, MetricKind::counter},      {metric::kMsgSuspect, MetricKind::counter},
    {metric::kMsgDead, MetricKind::counter},       {metric::kUdpSent, MetricKind::counter},
    {metric::kUdpReceived, MetricKind::counter},   {metric::kTcpAccept, MetricKind::counter},
    {metric::kTcpConnect, MetricKind::counter},    {metric::kTcpSent, MetricKind::counter},
    {metric::kDegradedProbe, MetricKind::counter}, {metric::kDegradedTimeout, MetricKind::counter},
    {metric::kHealthScore, MetricKind::gauge},     {metric::kNodeInstances, MetricKind::gauge},
    {metric::kSizeLocal, MetricKind::gauge},       {metric::kQueueBroadcasts, MetricKind::sample},
    {metric::kSizeRemote, MetricKind::sample},     {metric::kProbeNode, MetricKind::sample},
    {metric::kGossip, MetricKind::sample},         {metric::kPushPullNode, MetricKind::sample},
    {metric::kProbeRoundTrip, MetricKind::sample},
};

/// The only label that the library sets itself: of `metric::kNodeInstances`.
inline constexpr std::string_view kNodeStateLabel = "node_state";

/// A name and a value that a metric has beside its own name.
struct MetricLabel {
  std::string name{};   ///< what it distinguishes
  std::string value{};  ///< which one this is

  /// Equal in both.
  friend bool operator==(const MetricLabel&, const MetricLabel&) = default;
};

/// One number for the metrics, as the engine puts it out.
struct MetricRecord {
  MetricKind kind = MetricKind::counter;  ///< what the value means
  std::string_view name{};                ///< one of `metric`
  double value = 0;                       ///< in the name's unit; of a counter, what to add
  std::optional<MemberStatus> node_state = std::nullopt;  ///< `metric::kNodeInstances` only
};

/// Where a member's metrics go: the way to whatever collects them.
///
/// Called by one thread at a time, the one that runs the protocol, outside any lock. It waits for
/// the call to return: add to a number, or hand it on, and no more. Functions of the Memberlist
/// that do not block may be called. Must not throw. Names and labels are views, good during the
/// call.
class MEMBERLIST_API MetricsSink {
 public:
  /// The configured labels, and for `metric::kNodeInstances` ours behind them.
  using Labels = std::span<const MetricLabel>;

  MetricsSink() = default;
  MetricsSink(const MetricsSink&) = delete;
  MetricsSink& operator=(const MetricsSink&) = delete;
  virtual ~MetricsSink();

  /// So much more was counted. `value` is greater than 0.
  virtual void add_to_counter(std::string_view name, double value, Labels labels) = 0;
  /// So much it is now.
  virtual void set_gauge(std::string_view name, double value, Labels labels) = 0;
  /// So much it was this time.
  virtual void add_sample(std::string_view name, double value, Labels labels) = 0;
};

}  // namespace memberlist
