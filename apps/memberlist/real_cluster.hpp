#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "memberlist/sim/scenario.hpp"
#include "output.hpp"
#include "real_agent.hpp"
#include "real_network.hpp"
#include "real_process.hpp"
#include "real_rules.hpp"
#include "real_score.hpp"

namespace memberlist::cli {

/// A cluster of real agents in a network of its own, in real time. All that it has started ends
/// with it. One thread.
///
/// What fails in the middle of a run makes all waiting end: `failure` says what it was.
class RealCluster {
 public:
  /// No agent runs yet. `going_on` is asked now and then; once it is false, waiting ends early.
  RealCluster(const sim::Scenario& scenario, RealNetwork network, std::function<bool()> going_on);
  RealCluster(const RealCluster&) = delete;
  RealCluster& operator=(const RealCluster&) = delete;
  ~RealCluster() = default;

  /// @name Agents
  /// @{

  void start(sim::NodeId node, std::optional<sim::NodeId> contact);
  /// Whether others can reach it. Precondition: it was started.
  [[nodiscard]] bool is_ready(sim::NodeId node) const { return agents_[node]->is_ready(); }
  /// Kills it; `machine_too`: nothing answers in its place.
  void end(sim::NodeId node, bool machine_too);
  void leave(sim::NodeId node);
  /// The process stands still, or goes on, for this fault of the scenario.
  void stop(sim::NodeId node, std::size_t fault);
  void resume(sim::NodeId node, std::size_t fault);
  /// A fault of the network begins, or ends.
  void begin_fault(std::size_t fault, const std::vector<sim::NodeId>& nodes);
  void end_fault(std::size_t fault);
  /// Nothing stands still, and the network is well.
  void heal();
  /// A command of the program for the node's agent, which goes on by itself.
  void tell(sim::NodeId node, std::vector<std::string> words);
  void tell_to_join(sim::NodeId node, sim::NodeId contact);

  [[nodiscard]] RealScore& score() noexcept { return score_; }
  [[nodiscard]] const RealScore& score() const noexcept { return score_; }

  /// @}
  /// @name Time
  /// @{

  /// Time is counted from now on, and so is what happens.
  void begin();
  /// Since then; before, it is negative.
  [[nodiscard]] Duration elapsed() const;
  void after(Duration delay, std::function<void()> action);
  /// Waits, and lets happen what happens: false if it ended early.
  bool run_for(Duration time);
  /// The same until `done` holds, asked every `step`; false if it does not within `limit`.
  bool run_until(const std::function<bool()>& done, Duration limit, Duration step);

  /// @}
  /// @name What is known
  /// @{

  /// Of all agents, since the beginning.
  [[nodiscard]] std::uint64_t datagrams_sent();
  /// The time that processes have run, all together, since the beginning.
  [[nodiscard]] double node_seconds();
  [[nodiscard]] const std::optional<CommandError>& failure() const noexcept { return failure_; }
  /// The run has failed.
  void fail(CommandError error);

  /// @}
 private:
  void need(const std::expected<void, CommandError>& done);
  void count_time();
  void forget(sim::NodeId node);
  void ended_by_itself(sim::NodeId node);
  std::uint64_t count_datagrams();

  const sim::Scenario& scenario_;
  std::function<bool()> going_on_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  RealNetwork network_;
  RealScore score_;
  NetworkFaults network_faults_;
  std::vector<std::unique_ptr<RealAgent>> agents_;
  std::vector<ChildProcess> clients_;
  std::optional<std::chrono::steady_clock::time_point> begun_;
  Duration counted_until_{};
  double node_seconds_ = 0;
  std::uint64_t datagrams_before_ = 0;
  std::optional<CommandError> failure_;
};

}  // namespace memberlist::cli
