#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "memberlist/metrics.hpp"

namespace memberlist::api {

/// The way of the engine's metrics to the application's sink: collected while the engine is locked,
/// delivered after. Both on one thread at a time.
class MetricsOutput {
 public:
  /// Without a sink nothing is taken.
  MetricsOutput(std::shared_ptr<MetricsSink> sink, std::vector<MetricLabel> labels);

  [[nodiscard]] bool wanted() const noexcept { return sink_ != nullptr; }
  void collect(const MetricRecord& record) {
    if (wanted()) waiting_.push_back(record);
  }
  void deliver();

 private:
  [[nodiscard]] std::span<const MetricLabel> labels_of(const MetricRecord& record);

  std::shared_ptr<MetricsSink> sink_;
  std::vector<MetricLabel> labels_;  // the application's, and one of ours
  std::vector<MetricRecord> waiting_;
};

}  // namespace memberlist::api
