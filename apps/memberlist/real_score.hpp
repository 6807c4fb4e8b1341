#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include "memberlist/sim/scenario.hpp"
#include "real_agent.hpp"
#include "sim/convergence.hpp"
#include "sim/detections.hpp"
#include "sim/health_log.hpp"

namespace memberlist::cli {

/// Keeps account of who runs in a cluster of real agents, and of who knows whom. The books are the
/// simulator's own, so that each figure means what it means there.
class RealScore {
 public:
  /// `nodes`: all that there will ever be; none runs.
  RealScore(const sim::Scenario& scenario, std::size_t nodes);

  /// @name What becomes of the nodes
  /// @{
  void started(sim::NodeId node);
  void leaves(sim::NodeId node, Duration now);
  void ended(sim::NodeId node, Duration now);
  /// A fault of the scenario stops the process, or does not any more.
  void begin_stop(sim::NodeId node, std::size_t fault);
  void end_stop(sim::NodeId node, std::size_t fault);
  /// It is no observer any more, although its process may run.
  void lose(sim::NodeId node, Duration now);
  /// It is to be detected from now on.
  void watch(sim::NodeId node, Duration now);
  /// All faults are over; what happens from now on is not counted.
  void heal();
  /// @}

  /// By which faults deaths are excused.
  [[nodiscard]] sim::HealthLog& health() noexcept { return health_; }
  /// What a node reports. Only what comes in the run is counted.
  void take(sim::NodeId observer, const MemberChange& change, Duration now);

  [[nodiscard]] bool runs(sim::NodeId node) const { return nodes_[node].runs; }
  [[nodiscard]] bool takes_part(sim::NodeId node) const {
    return nodes_[node].runs && !nodes_[node].leaving;
  }
  [[nodiscard]] bool is_stopped(sim::NodeId node) const { return !nodes_[node].stops.empty(); }
  /// Those that take part.
  [[nodiscard]] std::vector<sim::NodeId> running() const;
  [[nodiscard]] std::size_t processes() const;
  /// The share of the nodes that take part whose view is the truth.
  [[nodiscard]] double converged() const;

  [[nodiscard]] const std::vector<sim::Detection>& detections() const { return detections_.all(); }
  [[nodiscard]] std::uint64_t suspicions() const noexcept { return suspicions_; }
  [[nodiscard]] std::uint64_t false_positives() const noexcept { return false_positives_; }
  [[nodiscard]] std::uint64_t false_positives_healthy() const noexcept {
    return false_positives_healthy_;
  }

 private:
  struct Node {
    bool runs = false;
    bool leaving = false;
    bool lost = false;
    std::set<std::size_t> stops{};  // faults
  };
  void update_truth(sim::NodeId node);
  void count(sim::NodeId observer, const MemberChange& change, Duration now);

  sim::HealthLog health_;
  sim::Convergence convergence_;
  sim::Detections detections_;
  std::vector<Node> nodes_;
  std::uint64_t suspicions_ = 0;
  std::uint64_t false_positives_ = 0;
  std::uint64_t false_positives_healthy_ = 0;
  bool healed_ = false;
};

}  // namespace memberlist::cli
