#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "memberlist/address.hpp"
#include "memberlist/behaviour.hpp"
#include "memberlist/config.hpp"
#include "memberlist/engine.hpp"
#include "memberlist/error.hpp"
#include "memberlist/member.hpp"
#include "memberlist/output.hpp"
#include "memberlist/policy.hpp"
#include "memberlist/sim/check.hpp"
#include "memberlist/sim/link.hpp"
#include "memberlist/time.hpp"
#include "memberlist/trace.hpp"

namespace memberlist::sim {

class WorldImpl;

/// A node of a World: 0 is the first that was added. It stays the same over restarts.
using NodeId = std::size_t;

/// One node, before it is added.
struct NodeOptions {
  std::string name{};                    ///< empty: `node-` and its number, with five digits
  std::optional<Address> address{};      ///< unset: an address of its own in 10.0.0.0/8, port 7946
  std::size_t zone = 0;                  ///< see `World::set_zone_link`
  std::optional<Config> config{};        ///< unset: that of the world; its name is set by the world
  std::optional<Behaviour> behaviour{};  ///< unset: that of the world
  Policy* policy = nullptr;              ///< the application's decisions; must outlive the world
};

/// What a World is made with.
struct WorldOptions {
  /// Determines the whole run: the same seed and the same calls give the same run, in every build.
  std::uint64_t seed = 1;
  Config config = Config::lan();             ///< of all nodes without one of their own
  Behaviour behaviour{};                     ///< of all nodes without one of their own
  Link link{};                               ///< between any two hosts, unless another one is set
  CheckLevel checks = CheckLevel::cluster;   ///< what is verified on the way
  std::size_t receive_buffer_packets = 256;  ///< datagrams that wait for a host that reads late
};

/// How much was simulated, and what went over the network.
struct WorldStats {
  std::uint64_t events = 0;              ///< steps of virtual time
  std::uint64_t packets_sent = 0;        ///< datagrams
  std::uint64_t packets_lost = 0;        ///< of these, lost, cut off or dropped on the way
  std::uint64_t packets_overflowed = 0;  ///< of these, that found a receive buffer full
  std::uint64_t bytes_sent = 0;          ///< by datagrams and streams
  double node_seconds = 0;               ///< seconds of virtual time, for each running node
};

/// A clock of a host, beside the one of the world.
struct HostClock {
  double drift = 0;  ///< 0.01: it gains one second in 100; above -1
};

/// Thousands of production engines in virtual time. A world has hosts, the links between them, and
/// the faults of both; nothing in it uses a clock, a thread or a socket, so the seed determines the
/// run bit by bit. Errors of the caller (a node that does not exist, one that runs already) throw
/// `std::logic_error`.
///
/// Contract: not thread-safe; different worlds are independent. Callbacks are called in the middle
/// of a step; they may read everything, and call everything but `run_for` and `run_until`.
class World {
 public:
  explicit World(WorldOptions options = {});
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  /// @name Nodes
  /// @{

  /// Adds a node and starts it. It knows only itself.
  NodeId add(NodeOptions options = {});
  /// Adds `count` nodes that know one another, as if they had joined long ago: a cluster of
  /// thousands begins at once. No events are reported. The world must be empty, and `options` must
  /// leave name and address open.
  void add_cluster(std::size_t count, const NodeOptions& options = {});
  /// The same with options for each of them.
  void add_cluster(std::vector<NodeOptions> nodes);
  /// The number of nodes that were added.
  [[nodiscard]] std::size_t size() const noexcept;
  /// The engine of a node that runs. Drive it by `act` only.
  [[nodiscard]] Engine& engine(NodeId node);
  /// The same, to read.
  [[nodiscard]] const Engine& engine(NodeId node) const;
  [[nodiscard]] const std::string& name(NodeId node) const;  ///< its name
  [[nodiscard]] const Address& address(NodeId node) const;   ///< where its host is reached
  /// The node with this name that was added last.
  [[nodiscard]] std::optional<NodeId> find(std::string_view name) const;
  /// Whether the node has a process. It has one while it is paused.
  [[nodiscard]] bool running(NodeId node) const;
  /// What the next process of a node is made with.
  [[nodiscard]] Config& config(NodeId node);

  /// @}
  /// @name Commands
  /// What applications do.
  /// @{

  /// Runs a command on the engine of a node, and performs what it wants done.
  /// `command(Engine&, TimePoint)`
  template <class Command>
  auto act(NodeId node, Command command) {
    auto result = command(engine(node), local_time(node));
    if constexpr (std::is_same_v<decltype(result), Result<OperationId>>) {
      perform(node, result ? std::optional(*result) : std::nullopt);
    } else {
      perform(node, std::nullopt);
    }
    return result;
  }
  /// Joins through other nodes. Errors: those of Engine::join (`invalid_argument`, `name_required`,
  /// `shut_down`).
  Result<OperationId> join(NodeId node, const std::vector<NodeId>& through);
  /// Leaves the cluster; the process goes on. Error as an outcome: `timed_out`.
  Result<OperationId> leave(NodeId node, Duration timeout = std::chrono::seconds(10));

  /// @}
  /// @name Faults of hosts
  /// @{

  void crash(NodeId node);    ///< the machine is off; nothing tells the others
  void kill(NodeId node);     ///< the process is gone, its machine refuses connections
  void restart(NodeId node);  ///< a new process, after `crash` or `kill`
  /// A new process on a host with another address.
  void restart_at(NodeId node, const Address& address);
  /// The process stands still: its timers are late, and what comes waits in the receive buffer.
  void pause(NodeId node);
  /// The network does not reach the process, nor the process the network; its timers go on. This is
  /// the anomaly of Lifeguard's experiments (arXiv 1707.00788, section V).
  void block(NodeId node);
  void resume(NodeId node);  ///< ends `pause` and `block`
  /// Each input of the process takes this much time, the next ones wait; zero: none.
  void slow(NodeId node, Duration time_per_input);
  /// The clock of the host runs at another rate from now on.
  void set_clock(NodeId node, const HostClock& clock);
  /// The clock of the host jumps ahead, as after a suspend that nobody saw.
  void step_clock(NodeId node, Duration ahead);
  /// The two hosts have each other's address from now on; their processes are not told.
  void swap_addresses(NodeId a, NodeId b);
  /// Ends what hosts suffer from: all that are paused, blocked or slow are well.
  void heal_hosts();

  /// @}
  /// @name The network
  /// @{

  void set_link(const Link& link);                          ///< of all hosts without another one
  void set_link(NodeId from, NodeId to, const Link& link);  ///< one direction between two hosts
  void set_zone(NodeId host, std::size_t zone);             ///< where it is, see `set_zone_link`
  /// From hosts of one zone to those of another one, or inside of one.
  void set_zone_link(std::size_t from, std::size_t to, const Link& link);
  /// Makes everything worse that a host sends or receives: latencies and probabilities are added to
  /// those of the links, and what is cut there is cut. `Link::perfect()` ends it.
  void impair(NodeId host, const Link& outgoing, const Link& incoming);
  /// Only hosts with the same group reach each other; all are in group 0 at first.
  void set_group(NodeId node, int group);
  /// No host is impaired, all are in group 0, and links between two hosts that were set are gone.
  void heal_network();

  /// @}
  /// @name Time
  /// @{

  [[nodiscard]] TimePoint now() const noexcept;     ///< of the world
  [[nodiscard]] Duration elapsed() const noexcept;  ///< since the beginning
  /// What the clock of a host shows.
  [[nodiscard]] TimePoint local_time(NodeId node) const;
  /// Calls `action` at a time of the world; a time that has passed means now.
  void at(TimePoint when, std::move_only_function<void()> action);
  void after(Duration delay, std::move_only_function<void()> action);  ///< as `at`, from now on
  void run_for(Duration duration);
  /// Runs until `done` holds, asked every `step`; false if it does not before `limit` is over.
  bool run_until(const std::function<bool()>& done, Duration limit,
                 Duration step = std::chrono::milliseconds(10));

  /// @}
  /// @name What is known
  /// @{

  /// Called with each event of each node. Set it before nodes are added.
  void on_event(std::function<void(NodeId, const Event&)> handler);
  /// Called with each end of a command.
  void on_completion(std::function<void(NodeId, const Completion&)> handler);
  /// Called with each step of each engine (docs/trace.md), which costs time. Set it before nodes
  /// are added.
  void on_trace(std::function<void(NodeId, const TraceRecord&)> handler);
  /// Whether all nodes that run, and are not paused, see exactly those that run and have not left.
  [[nodiscard]] bool converged() const;
  /// What a node thinks of another one; unset if it does not know it, or does not run.
  [[nodiscard]] std::optional<MemberStatus> status(NodeId observer, NodeId subject) const;
  [[nodiscard]] WorldStats stats() const;
  /// A digest of each datagram, segment and event so far, with its time: equal in two runs that
  /// were the same.
  [[nodiscard]] std::uint64_t trace_hash() const noexcept;
  /// Verifies that nothing is left behind: to be called when all faults are over, all views agree,
  /// and all news are old.
  void check_rest();
  /// What the checkers found, and how often they could have.
  [[nodiscard]] CheckReport check_report() const;
  /// Other random choices of the network and of the engines from now on: the start of another
  /// future.
  void reseed(std::uint64_t seed);

  /// @}
 private:
  void perform(NodeId node, std::optional<OperationId> operation);
  std::unique_ptr<WorldImpl> impl_;
};

}  // namespace memberlist::sim
