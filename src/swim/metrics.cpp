#include "swim/metrics.hpp"

#include <iterator>
#include <utility>

#include "base/field_count.hpp"
#include "memberlist/counter_table.hpp"

namespace memberlist::swim {
namespace {

constexpr std::size_t kCountersWithoutRow = 1;  // health_score
static_assert(std::size(kEngineCounters) + kCountersWithoutRow == field_count<EngineCounters>(),
              "each member of EngineCounters has a row in memberlist/counter_table.hpp");

struct CounterMetric {
  CounterName name;
  std::uint64_t EngineCounters::* counter;
};

constexpr std::array kCounterMetrics{
    CounterMetric{metric::kMsgAlive, &EngineCounters::alive_believed},
    CounterMetric{metric::kMsgSuspect, &EngineCounters::suspicions_started},
    CounterMetric{metric::kMsgDead, &EngineCounters::dead_believed},
    CounterMetric{metric::kUdpSent, &EngineCounters::packet_bytes_sent},
    CounterMetric{metric::kUdpReceived, &EngineCounters::packet_bytes_received},
    CounterMetric{metric::kTcpAccept, &EngineCounters::streams_accepted},
    CounterMetric{metric::kTcpConnect, &EngineCounters::streams_dialled},
    CounterMetric{metric::kTcpSent, &EngineCounters::stream_bytes_sent},
    CounterMetric{metric::kDegradedProbe, &EngineCounters::probes_degraded},
    CounterMetric{metric::kDegradedTimeout, &EngineCounters::suspicions_degraded},
};

}  // namespace

void Metrics::report() {
  report_counters();
  if (told_health_ != health_.score()) {
    told_health_ = health_.score();
    journal_.gauge(metric::kHealthScore, health_.score());
  }
  report_members();
}

void Metrics::report_counters() {
  for (const CounterMetric& metric : kCounterMetrics) {
    const std::uint64_t now = journal_.counters.*metric.counter;
    const std::uint64_t before = std::exchange(told_.*metric.counter, now);
    if (now == before) continue;
    out_.push(
        MetricRecord{MetricKind::counter, metric.name.text, static_cast<double>(now - before)});
  }
}

void Metrics::report_members() {
  for (const MemberStatus status :
       {MemberStatus::alive, MemberStatus::suspect, MemberStatus::dead, MemberStatus::left}) {
    std::optional<std::size_t>& told = told_members_[static_cast<std::size_t>(status)];
    const std::size_t count = cluster_.table.count(status);
    if (told == count) continue;
    told = count;
    out_.push(MetricRecord{MetricKind::gauge, metric::kNodeInstances, static_cast<double>(count),
                           status});
  }
}

}  // namespace memberlist::swim
