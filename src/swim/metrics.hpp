#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "memberlist/metrics.hpp"
#include "swim/context.hpp"

// What the engine tells a metrics sink. Where nobody listens, each of these is one test of a flag.
namespace memberlist::swim {

inline void note_sample(Context& context, std::string_view name, std::uint64_t value) {
  if (!context.metrics) return;
  context.out.push(MetricRecord{MetricKind::sample, name, static_cast<double>(value)});
}

inline void note_gauge(Context& context, std::string_view name, std::uint64_t value) {
  if (!context.metrics) return;
  context.out.push(MetricRecord{MetricKind::gauge, name, static_cast<double>(value)});
}

/// A sample in milliseconds.
inline void note_time(Context& context, std::string_view name, Duration time) {
  if (!context.metrics) return;
  const std::chrono::duration<double, std::milli> milliseconds = time;
  context.out.push(MetricRecord{MetricKind::sample, name, milliseconds.count()});
}

/// What was told last.
struct MetricsState {
  EngineCounters told_;
  std::optional<std::uint32_t> told_health_;
  std::array<std::optional<std::size_t>, kMemberStatuses> told_members_;
};

/// Tells what has changed since it was told last. So a packet with a hundred messages makes one
/// record and not a hundred, and whoever counts does not know of metrics.
class Metrics : MetricsState {
 public:
  explicit Metrics(Context& context) : context_(context) {}
  Metrics(const Metrics& other, Context& context) : MetricsState(other), context_(context) {}

  /// Every counter by what was added, every gauge that is another now; at first all gauges.
  void report();

 private:
  void report_counters();
  void report_members();

  Context& context_;
};

}  // namespace memberlist::swim
