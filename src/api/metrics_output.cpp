#include "api/metrics_output.hpp"

#include <utility>

namespace memberlist {

MetricsSink::~MetricsSink() = default;

namespace api {

MetricsOutput::MetricsOutput(std::shared_ptr<MetricsSink> sink, std::vector<MetricLabel> labels)
    : sink_(std::move(sink)), labels_(std::move(labels)) {
  labels_.push_back({std::string(kNodeStateLabel), {}});
}

void MetricsOutput::deliver() {
  for (const MetricRecord& record : waiting_) {
    const std::span<const MetricLabel> labels = labels_of(record);
    switch (record.kind) {
      case MetricKind::counter:
        sink_->add_to_counter(record.name, record.value, labels);
        break;
      case MetricKind::gauge:
        sink_->set_gauge(record.name, record.value, labels);
        break;
      case MetricKind::sample:
        sink_->add_sample(record.name, record.value, labels);
        break;
    }
  }
  waiting_.clear();
}

std::span<const MetricLabel> MetricsOutput::labels_of(const MetricRecord& record) {
  const std::span<const MetricLabel> all = labels_;
  if (!record.node_state) return all.first(all.size() - 1);
  labels_.back().value = to_string(*record.node_state);
  return all;
}

}  // namespace api
}  // namespace memberlist
