#pragma once

#include <cstddef>
#include <vector>

#include "memberlist/sim/scenario.hpp"
#include "memberlist/sim/world.hpp"
#include "memberlist/time.hpp"
#include "sim/fault_rules.hpp"

namespace memberlist::sim {

/// The longest time for which a suspicion can go on, and a slow node can still be probing.
[[nodiscard]] Duration longest_aftermath(const Scenario& scenario);

/// Which nodes are, or were a while ago, under a fault: by that a death is right or wrong (see
/// RunReport).
class HealthLog {
 public:
  /// `aftermath`: the longest time for which a fault can still cause deaths once it is over.
  explicit HealthLog(Duration aftermath) noexcept : aftermath_(aftermath) {}

  void begin(NodeId node, FaultEffect effect);
  void end(NodeId node, FaultEffect effect, Duration now);

  /// Whether it is no mistake if the observer holds the subject for dead.
  [[nodiscard]] bool may_die(NodeId observer, NodeId subject, Duration now) const;
  /// Whether no fault has touched the node.
  [[nodiscard]] bool is_healthy(NodeId id, Duration now) const;

 private:
  struct Span {
    std::size_t active = 0;
    Duration until{};  // the aftermath of those that are over

    [[nodiscard]] bool covers(Duration now) const noexcept { return active > 0 || now < until; }
  };
  struct Node {
    Span down;
    Span cut_off;
    Span impaired;
  };
  [[nodiscard]] Node node(NodeId id) const { return id < nodes_.size() ? nodes_[id] : Node{}; }
  [[nodiscard]] static Span* span_of(Node& node, FaultEffect effect) noexcept;

  Duration aftermath_;
  std::vector<Node> nodes_;  // no fault has touched those behind its end
};

}  // namespace memberlist::sim
