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

/// The name of a metric of this kind. One that has no such row in kMetrics does not compile.
template <MetricKind Kind>
struct MetricName {
  // Not explicit: the callers write the name alone.
  consteval MetricName(std::string_view name) : text(name) {
    if (!is_known(name)) throw "this metric has no row of this kind in kMetrics";
  }

  static consteval bool is_known(std::string_view name) {
    for (const MetricInfo& info : kMetrics) {
      if (info.name == name) return info.kind == Kind;
    }
    return false;
  }

  std::string_view text;
};

using SampleName = MetricName<MetricKind::sample>;
using GaugeName = MetricName<MetricKind::gauge>;
using CounterName = MetricName<MetricKind::counter>;

inline void note_sample(Context& context, SampleName name, std::uint64_t value) {
  if (!context.metrics) return;
  context.out.push(MetricRecord{MetricKind::sample, name.text, static_cast<double>(value)});
}

inline void note_gauge(Context& context, GaugeName name, std::uint64_t value) {
  if (!context.metrics) return;
  context.out.push(MetricRecord{MetricKind::gauge, name.text, static_cast<double>(value)});
}

/// A sample in milliseconds.
inline void note_time(Context& context, SampleName name, Duration time) {
  if (!context.metrics) return;
  const std::chrono::duration<double, std::milli> milliseconds = time;
  context.out.push(MetricRecord{MetricKind::sample, name.text, milliseconds.count()});
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
