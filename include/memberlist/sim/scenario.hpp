#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "memberlist/behaviour.hpp"
#include "memberlist/config.hpp"
#include "memberlist/error.hpp"
#include "memberlist/event.hpp"
#include "memberlist/sim/check.hpp"
#include "memberlist/sim/link.hpp"
#include "memberlist/sim/world.hpp"
#include "memberlist/time.hpp"

namespace memberlist::sim {

class Player;

/// The largest cluster of a scenario, with all that join later.
inline constexpr std::size_t kMaxNodes = 100'000;
/// The largest number of faults in a scenario.
inline constexpr std::size_t kMaxFaults = 1'000;
/// The largest number of zones.
inline constexpr std::size_t kMaxZones = 64;

/// What can happen to a cluster. The comment says which fields of a Fault it reads, beside `at`,
/// `lasts` and `nodes`.
enum class FaultKind : std::uint8_t {
  // Hosts and processes.
  crash,   ///< the machine is off; `lasts`: then it starts again
  kill,    ///< the process is gone, its machine is not; `lasts` as above
  pause,   ///< the process stands still
  block,   ///< the network does not reach the process, its timers go on (Lifeguard's anomaly)
  hiccup,  ///< stands still for `time`, again and again: each `every` from the beginning of one
  slow,    ///< each input takes `time`
  drift,   ///< the clock runs at another rate: `rate`
  step,    ///< the clock jumps ahead by `time`
  move,    ///< killed, and started again at another address
  swap,    ///< pairs of the nodes have each other's address
  // The links of the nodes, in the direction that `direction` says.
  cut,        ///< `udp`, `tcp`
  loss,       ///< `rate`
  bursts,     ///< bursts of losses: `rate` of beginning one, for each datagram
  duplicate,  ///< `rate`
  reorder,    ///< `rate`, `time` later
  corrupt,    ///< `rate`
  latency,    ///< `time` more
  bandwidth,  ///< `bytes` a second
  mtu,        ///< datagrams of more than `bytes` vanish
  tcp_stall,  ///< `rate` of connections
  tcp_reset,  ///< `rate` of segments
  // The network.
  partition,  ///< the nodes on one side, all others on the other
  flap,       ///< a partition that comes and goes: each `every`, for half of that
  // What applications and operators do.
  leave,      ///< leaves; `lasts`: then the process starts again and joins
  join,       ///< `nodes` new ones start within `time`, and join through node 0
  rejoin,     ///< joins again, through a node of the rest
  meta,       ///< changes its meta data, each `every`; 0: once
  broadcast,  ///< sends a user broadcast of `bytes`, each `every`; 0: once
  namesake,   ///< a new node with the name of the first of `nodes` starts, and joins
  keys,       ///< the key is changed on all nodes, in three steps of `time`; reads no `nodes`
};

/// The kind as it is spelled above.
[[nodiscard]] std::string_view to_string(FaultKind kind) noexcept;
/// Every kind, in the order above.
[[nodiscard]] std::span<const FaultKind> fault_kinds() noexcept;

/// Which nodes. They are drawn from those that run when the fault begins, and not twice. Of those
/// that are named, the ones that do not run then are left out.
struct NodeChoice {
  std::size_t count = 1;      ///< how many, unless `ids` names them
  std::vector<NodeId> ids{};  ///< these
};

/// One thing that happens.
struct Fault {
  /// Of the links of a host, those that are worse.
  enum class Direction : std::uint8_t { both, incoming, outgoing };

  FaultKind kind = FaultKind::crash;      ///< what
  Duration at{};                          ///< when, since the beginning of the run
  std::optional<Duration> lasts{};        ///< until it is over; unset: it stays
  NodeChoice nodes{};                     ///< who
  double rate = 0;                        ///< a probability or a rate, see the kind
  Duration time{};                        ///< a time, see the kind
  Duration every{};                       ///< a period, see the kind
  std::size_t bytes = 0;                  ///< an amount, see the kind
  Direction direction = Direction::both;  ///< of the links of the nodes
  bool udp = true;                        ///< `cut`: datagrams
  bool tcp = true;                        ///< `cut`: streams
};

/// What can be drawn.
enum class Plot : std::uint8_t {
  detection,        ///< the share of crashes that are detected, over time
  convergence,      ///< the share of nodes whose view is the truth, over time
  false_positives,  ///< over time, all so far
  packets,          ///< of one node in one second, over time
};

/// The plot as it is spelled above.
[[nodiscard]] std::string_view to_string(Plot plot) noexcept;
/// Every plot, in the order above.
[[nodiscard]] std::span<const Plot> all_plots() noexcept;

/// What a run must hold, beside the rules that hold for all (docs/simulator.md). Unset: not
/// checked.
struct Expectations {
  std::optional<Duration> detected_within{};  ///< who crashed is dead to all others by then
  /// After the last fault has ended (one that stays: has begun), all views are equal by then.
  std::optional<Duration> converged_within{};
  std::optional<std::size_t> false_positives{};  ///< at most so many deaths of nodes that run
};

/// A cluster, its network, what happens to it, and what is measured: the same as a scenario's file
/// (docs/simulator.md).
struct Scenario {
  std::string name{};         ///< one word
  std::string description{};  ///< one sentence

  std::size_t nodes = 10;  ///< at the beginning
  /// They know one another at the beginning; else node 0 begins, and the others join through it.
  bool formed = true;
  Duration join_within{};          ///< not formed: all start within this time
  Profile profile = Profile::lan;  ///< the knobs that are not set
  Config config = Config::lan();   ///< of all nodes
  Behaviour behaviour{};           ///< of all nodes but `go_nodes`
  std::size_t go_nodes = 0;        ///< so many of `nodes`, the last ones, have Behaviour::go
  std::size_t zones = 1;           ///< nodes are dealt out to them in turn
  bool encrypted = false;          ///< the cluster has a key

  Link link{};                      ///< between nodes of one zone
  std::optional<Link> zone_link{};  ///< between nodes of different zones; unset: as `link`

  std::vector<Fault> faults{};               ///< what happens
  Duration lasts = std::chrono::minutes(1);  ///< of virtual time
  /// Then everything is healed, all join again through one node, and all must agree within
  /// `Expectations::converged_within` (unset: two minutes).
  bool heal_at_end = false;
  Expectations expect{};                    ///< what must hold
  CheckLevel checks = CheckLevel::cluster;  ///< what is verified on the way
  std::vector<Plot> plots{};                ///< what is drawn; empty: all that it measures

  /// Whether it can be played. Error: `invalid_argument`, which names what is wrong and what would
  /// do; its subject is the place, such as `fault 3: nodes`.
  [[nodiscard]] Result<void> validate() const;
  /// All that `validate` would name, one after the other.
  [[nodiscard]] std::vector<Error> mistakes() const;
};

/// Whether who suffers from it is to be detected: a crash, kill or block that stays.
[[nodiscard]] bool is_detected(const Fault& fault) noexcept;

/// When one node was detected, after a crash, kill, or block that never ended. 'The others' are the
/// nodes whose processes ran, and could be reached, from then on.
struct Detection {
  NodeId node = 0;                  ///< who
  Duration at{};                    ///< of the fault, since the beginning of the run
  std::optional<Duration> first{};  ///< from there until the first other node held it for dead
  std::optional<Duration> half{};   ///< until half of the others did
  std::optional<Duration> all{};    ///< until all did
};

/// How many, at one moment. A node's view is the truth if it has all those members that run and
/// have not left, and no others. Who stands still or is blocked at that moment has no part in it,
/// neither as a node nor as a member.
struct Sample {
  Duration at{};                      ///< since the beginning of the run
  double converged = 0;               ///< share of the nodes whose view is the truth, see above
  std::uint64_t suspicions = 0;       ///< that began since the last sample
  std::uint64_t false_positives = 0;  ///< since the last sample
  std::uint64_t packets = 0;          ///< that were sent since the last sample
  std::uint64_t bytes = 0;            ///< that were sent since the last sample
};

/// The outcome of one run.
///
/// A *false positive* is a `dead` event, at a node that runs, about another one that is well: its
/// process runs and has not left, and no crash, kill, pause, block, hiccup, move, swap, leave, cut,
/// partition or flap keeps it, or the observer by a cut, partition or flap, from being reached, or
/// did so within the longest time that a suspicion can take before. Nodes whose link is bad, who
/// are slow or whose clock is wrong can be reached: their deaths count. Every observer counts, as
/// in Lifeguard's paper (arXiv 1707.00788); `false_positives_healthy` are the events at observers
/// that no fault has touched, within the same time.
struct RunReport {
  std::uint64_t seed = 0;                     ///< of this run
  std::vector<Detection> detections{};        ///< in the order of the faults
  std::uint64_t false_positives = 0;          ///< deaths, at any node, of nodes that ran
  std::uint64_t false_positives_healthy = 0;  ///< of these, at nodes without a fault of their own
  std::uint64_t suspicions = 0;               ///< that began, at any node
  std::optional<Duration> formed_after{};     ///< not `formed`: until all nodes saw all
  std::optional<Duration> converged_after{};  ///< from the end of the last fault until all agreed
  std::vector<Sample> samples{};              ///< one for each second
  WorldStats stats{};                         ///< what was simulated
  CheckReport checks{};                       ///< what was found
  bool complete = true;                       ///< it was played to its end
  std::uint64_t trace_hash = 0;               ///< of the whole run
};

/// Plays one run. `progress` is called now and then with the share that is done, from 0 to 1;
/// if it returns false the run ends, and the report is about what was done so far.
/// Precondition: the scenario is valid.
[[nodiscard]] RunReport play(const Scenario& scenario, std::uint64_t seed,
                             const std::function<bool(double)>& progress = {});

/// A run of a scenario, step by step: to look into it on the way, or to change its future by
/// `World::reseed`. Played to its end in one go, it is what `play` does.
class ScenarioRun {
 public:
  /// Preconditions: the scenario is valid, and outlives this.
  ScenarioRun(const Scenario& scenario, std::uint64_t seed);
  ScenarioRun(const ScenarioRun&) = delete;
  ScenarioRun& operator=(const ScenarioRun&) = delete;
  ~ScenarioRun();

  /// What it is played on. Its handlers of events and completions belong to this.
  [[nodiscard]] World& world() noexcept;
  /// Called with each change of a member that a node reports. Set it before the first step.
  void on_event(std::function<void(NodeId, const MemberEvent&)> handler);
  /// Plays on until this time since the beginning, or to the end of the scenario; a time that has
  /// passed changes nothing. In how many steps a run is played changes nothing in it.
  void play_until(Duration when);
  /// Plays the rest, heals if the scenario says so, and verifies what was expected. To be called
  /// once, as the last step. `progress` is as for `play`.
  [[nodiscard]] RunReport finish(const std::function<bool(double)>& progress = {});

 private:
  std::unique_ptr<Player> player_;
};

/// The scenarios that come with the library, and those of the papers.
[[nodiscard]] std::span<const Scenario> named_scenarios();

}  // namespace memberlist::sim
