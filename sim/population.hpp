#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/sim/scenario.hpp"
#include "memberlist/sim/world.hpp"
#include "sim/choices.hpp"
#include "sim/convergence.hpp"
#include "sim/detections.hpp"
#include "sim/health_log.hpp"
#include "sim/host_faults.hpp"

namespace memberlist::sim {

/// The nodes of a scenario: starts and ends their processes, makes them join, and keeps account of
/// who runs and who knows whom.
class Population {
 public:
  /// All must outlive this.
  Population(World& world, const Scenario& scenario, std::uint64_t seed);
  Population(const Population&) = delete;  // the world refers to it
  Population& operator=(const Population&) = delete;
  ~Population() = default;

  /// The nodes of the beginning: they know one another, or start in time, and join.
  void begin();
  /// A new node starts, and joins through node 0.
  void add_joining();
  /// A new node starts with the name of another one, and joins through a third one.
  NodeId add_namesake(NodeId original);

  /// The process ends; `machine_too`: nothing answers in its place.
  void end(NodeId node, bool machine_too);
  /// A new process, if there is none, which joins.
  void restart(NodeId node, const std::optional<Address>& address = std::nullopt);
  /// Leaves, and then the process ends.
  void leave(NodeId node);
  /// Joins through another one that runs, if there is any which is not in `avoided`.
  void join(NodeId node, const std::vector<NodeId>& avoided = {});
  /// Whether no node that runs holds itself for slow, suspects another one, or has news to tell.
  [[nodiscard]] bool is_quiet() const;
  /// The most broadcasts that wait at any node that runs.
  [[nodiscard]] std::uint64_t most_queued() const;
  /// Every node that runs joins again, so that all are in one cluster.
  void join_all();
  /// A fault of the host begins or ends.
  void begin_fault(NodeId node, std::size_t fault);
  void end_fault(NodeId node, std::size_t fault);
  /// Ends all faults of hosts and of the network.
  void heal();

  /// What the nodes whose processes start from now on have as keys.
  void set_keys(const std::vector<Bytes>& keys);
  /// Whether its process does not stand still, and can be reached.
  [[nodiscard]] bool is_reached(NodeId node) const {
    return world_.running(node) && !host_faults_.is_stopped(node);
  }

  /// What the node says of others, and of its commands.
  void take(NodeId observer, const MemberEvent& event);
  void take(NodeId node, const Completion& completion);

  /// The subject of the name: of namesakes the first.
  [[nodiscard]] std::optional<NodeId> subject_of(std::string_view name) const;
  /// Those that run, and do not leave.
  [[nodiscard]] std::vector<NodeId> running() const;
  [[nodiscard]] bool takes_part(NodeId node) const {
    return world_.running(node) && !nodes_[node].leaving;
  }
  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
  /// Whether all nodes of the beginning have started.
  [[nodiscard]] bool all_started() const noexcept { return nodes_.size() >= scenario_.nodes; }
  /// The share of the nodes that take part whose view is the truth.
  [[nodiscard]] double converged() const;

  /// The subject's crash, kill or block is to be detected from now on.
  void watch(NodeId subject);
  /// The node is no observer any more, although its process may run.
  void lose(NodeId node) {
    nodes_[node].lost = true;
    detections_.lose(node, world_.elapsed());
  }
  [[nodiscard]] const std::vector<Detection>& detections() const { return detections_.all(); }

 private:
  struct Node {
    NodeId identity = 0;        // the first node of the same name
    std::size_t processes = 1;  // that it has had
    bool leaving = false;
    bool lost = false;                // it will see nothing more
    std::optional<NodeId> contact{};  // that it has tried to join through
    std::optional<OperationId> join{};
    std::optional<OperationId> leave{};
  };

  [[nodiscard]] NodeOptions options_of(NodeId node) const;
  NodeId enter(NodeId node);
  void join_through(NodeId node, NodeId contact);
  void follow(NodeId node, std::optional<OperationId> Node::* place,
              const Result<OperationId>& operation);
  void retry_join(NodeId node);
  void start_later();
  void update_truth(NodeId node);

  World& world_;
  const Scenario& scenario_;
  Random starts_;
  Random contacts_;
  HostFaults host_faults_;
  Convergence convergence_;
  Detections detections_;
  std::vector<Node> nodes_;
  std::vector<Bytes> keys_;                             // other ones than the world's; none: those
  std::optional<std::pair<NodeId, Completion>> ended_;  // that is of no command which is followed
};

}  // namespace memberlist::sim
