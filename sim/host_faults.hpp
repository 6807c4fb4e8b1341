#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "memberlist/sim/scenario.hpp"
#include "memberlist/sim/world.hpp"

namespace memberlist::sim {

/// The faults that hosts of a world suffer from at the moment. Those of one host compose: what it
/// suffers is worked out from all of them, whenever one begins or ends.
class HostFaults {
 public:
  /// Both must outlive this.
  HostFaults(World& world, const std::vector<Fault>& faults) : world_(world), faults_(faults) {}

  void add_node() { hosts_.emplace_back(); }
  /// The fault with this number in the scenario begins, or ends, for a node.
  void begin(NodeId node, std::size_t fault);
  void end(NodeId node, std::size_t fault);
  /// The node has a new process.
  void restarted(NodeId node);
  /// No host suffers from anything.
  void heal();

  /// Whether the process stands still, or the network does not reach it.
  [[nodiscard]] bool is_stopped(NodeId node) const {
    return hosts_[node].paused || hosts_[node].blocked;
  }

 private:
  struct Host {
    std::vector<std::size_t> faults;  // sorted
    bool paused = false;
    bool blocked = false;
  };

  [[nodiscard]] bool suffers(const Host& host, FaultKind kind) const;
  /// Works out what the host suffers from faults like this one.
  void apply(NodeId node, FaultKind kind);
  void apply_stops(NodeId node);
  void apply_clock(NodeId node);
  void apply_links(NodeId node);
  void apply_group(NodeId node);

  World& world_;
  const std::vector<Fault>& faults_;
  std::vector<Host> hosts_;
  // Nodes behind the same partitions are of one group.
  std::map<std::vector<std::size_t>, int> groups_{{{}, 0}};
};

}  // namespace memberlist::sim
