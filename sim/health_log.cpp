#include "sim/health_log.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace memberlist::sim {

Duration longest_aftermath(const Scenario& scenario) {
  const Config& config = scenario.config;
  const double nodes = static_cast<double>(scenario.nodes);
  const double scale = std::ceil(std::max(1.0, std::log10(std::max(1.0, nodes))));
  const auto intervals = static_cast<std::int64_t>(scale) * config.suspicion_mult *
                         std::max(1U, config.suspicion_max_timeout_mult);
  return config.probe_interval * (intervals + config.awareness_max_multiplier);
}

void HealthLog::begin(NodeId node, FaultEffect effect) {
  if (node >= nodes_.size()) nodes_.resize(node + 1);
  if (Span* span = span_of(nodes_[node], effect)) ++span->active;
}

void HealthLog::end(NodeId node, FaultEffect effect, Duration now) {
  Span* span = node < nodes_.size() ? span_of(nodes_[node], effect) : nullptr;
  if (span == nullptr || span->active == 0) return;
  --span->active;
  span->until = now + aftermath_;
}

bool HealthLog::may_die(NodeId observer, NodeId subject, Duration now) const {
  const Node state = node(subject);
  return state.down.covers(now) || state.cut_off.covers(now) || node(observer).cut_off.covers(now);
}

bool HealthLog::is_healthy(NodeId id, Duration now) const {
  const Node state = node(id);
  return !state.down.covers(now) && !state.cut_off.covers(now) && !state.impaired.covers(now);
}

HealthLog::Span* HealthLog::span_of(Node& node, FaultEffect effect) noexcept {
  switch (effect) {
    case FaultEffect::down:
      return &node.down;
    case FaultEffect::cut_off:
      return &node.cut_off;
    case FaultEffect::impaired:
      return &node.impaired;
    case FaultEffect::none:
      return nullptr;
  }
  return nullptr;
}

}  // namespace memberlist::sim
