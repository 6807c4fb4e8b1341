#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "memberlist/metrics.hpp"
#include "swim/cluster_view.hpp"
#include "swim/journal.hpp"
#include "swim/local_health.hpp"
#include "swim/output_queue.hpp"

namespace memberlist::swim {

/// What was told last.
struct MetricsState {
  EngineCounters told_;
  std::optional<std::uint32_t> told_health_;
  std::array<std::optional<std::size_t>, kMemberStatuses> told_members_;
};

/// What a Metrics reads and changes.
struct MetricsUses {
  const ClusterView& cluster_;
  const LocalHealth& health_;
  Journal& journal_;
  OutputQueue& out_;
};

/// Tells what has changed since it was told last. So a packet with a hundred messages makes one
/// record and not a hundred, and whoever counts does not know of metrics.
class Metrics : MetricsState, MetricsUses {
 public:
  explicit Metrics(const MetricsUses& uses) : MetricsUses(uses) {}
  Metrics(const Metrics& other, const MetricsUses& uses) : MetricsState(other), MetricsUses(uses) {}

  /// Every counter by what was added, every gauge that is another now; at first all gauges.
  void report();

 private:
  void report_counters();
  void report_members();
};

}  // namespace memberlist::swim
