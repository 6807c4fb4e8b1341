#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "memberlist/engine.hpp"
#include "sim/recording.hpp"
#include "sim/virtual_network.hpp"
#include "sim/virtual_timeline.hpp"
#include "sim/world_impl.hpp"

namespace memberlist::sim {

/// Something that one engine reported, and when.
struct LoggedOutput {
  TimePoint at;
  HostId node = 0;
  std::variant<Event, Completion, LogRecord> what;
  std::size_t process = 1;  ///< of the node: the first, or one after a restart

  /// One line, everything in it, for comparing runs and for reading.
  [[nodiscard]] std::string to_string() const;
};

struct ClusterOptions {
  std::size_t size = 0;
  std::uint64_t seed = 1;
  Config config = Config::lan();
  Link link = {};
  /// Changes one node's configuration before it is made.
  std::function<void(HostId, Config&)> tweak = {};
  /// Decisions of one node; may give null. Must outlive the cluster.
  std::function<Policy*(HostId)> policy = {};
  /// Checks the invariants of each engine after each of its steps (Watch).
  bool watched = false;
  /// Records what each engine is given, and the digest of its outputs.
  bool recorded = false;
};

/// What one process was given, and the digest of its outputs.
struct ProcessRecord {
  HostId node = 0;
  Recorder recorder;
  std::uint64_t digest = 0;
};

/// Engines on a VirtualNetwork, their outputs carried out and their reports kept. Nodes are called
/// `n00`, `n01`... and have the addresses 10.0.x.y:7946. The engines' contract is checked on the
/// way; `violations()` must be empty in the end.
class VirtualCluster {
 public:
  explicit VirtualCluster(ClusterOptions options);
  VirtualCluster(const VirtualCluster&) = delete;
  VirtualCluster& operator=(const VirtualCluster&) = delete;
  ~VirtualCluster();

  // --- nodes ------------------------------------------------------------------------------------
  HostId add();
  [[nodiscard]] std::size_t size() const noexcept { return world_.hosts_.size(); }
  [[nodiscard]] Engine& engine(HostId node);
  [[nodiscard]] const Address& address(HostId node) const;
  [[nodiscard]] const std::string& name(HostId node) const;
  [[nodiscard]] bool running(HostId node) const;
  [[nodiscard]] bool paused(HostId node) const;
  /// What the next process of a node will be made with.
  [[nodiscard]] Config& config(HostId node);

  /// The machine is off; nothing tells the others.
  void crash(HostId node);
  /// The process is gone, its machine refuses connections.
  void kill(HostId node);
  /// A new process with the old name and address, after `crash` or `kill`.
  void restart(HostId node);
  /// The process stands still; its timers are late afterwards.
  void pause(HostId node);
  /// The machine gets another address; its engine is told nothing.
  void readdress(HostId node, const Address& address);
  void resume(HostId node);

  // --- time -------------------------------------------------------------------------------------
  [[nodiscard]] VirtualTimeline& timeline() noexcept { return world_.timeline_; }
  [[nodiscard]] VirtualNetwork& network() noexcept { return world_.network_; }
  [[nodiscard]] TimePoint now() const noexcept { return world_.timeline_.now(); }
  void run_for(Duration duration) { world_.timeline_.run_for(duration); }
  /// Runs until `done` holds (asked every 5 ms); false if it does not before `limit` is over.
  bool run_until(const std::function<bool()>& done, Duration limit);

  // --- commands ---------------------------------------------------------------------------------
  /// Runs a command on a node's engine and carries out what it wants done.
  template <class Command>
  auto act(HostId node, Command command) {
    auto result = command(engine(node), now());
    if constexpr (std::is_same_v<decltype(result), Result<OperationId>>) note_started(node, result);
    world_.perform(node);
    return result;
  }
  Result<OperationId> join(HostId node, std::vector<HostId> through);
  Result<OperationId> leave(HostId node, Duration timeout = std::chrono::seconds(10));
  /// Everyone joins through node 0, and time runs until all agree; false if they do not in time.
  [[nodiscard]] bool assemble(Duration limit = std::chrono::seconds(60));

  // --- what is known ----------------------------------------------------------------------------
  /// Whether all running nodes hold the same view, of `live` members each.
  [[nodiscard]] bool agree(std::size_t live);
  [[nodiscard]] std::optional<MemberStatus> status(HostId observer, HostId subject);
  [[nodiscard]] const std::vector<LoggedOutput>& log() const noexcept { return log_; }
  /// The first such event at `observer` about `subject`, at or after `since`.
  [[nodiscard]] const LoggedOutput* find(HostId observer, HostId subject, MemberEventKind kind,
                                         TimePoint since = VirtualTimeline::kStart) const;
  /// When that was.
  [[nodiscard]] std::optional<TimePoint> when(HostId observer, HostId subject, MemberEventKind kind,
                                              TimePoint since = VirtualTimeline::kStart) const;
  /// All such events at all nodes.
  [[nodiscard]] std::size_t count(MemberEventKind kind,
                                  TimePoint since = VirtualTimeline::kStart) const;
  [[nodiscard]] std::size_t count(HostId observer, HostId subject, MemberEventKind kind,
                                  TimePoint since = VirtualTimeline::kStart) const;
  [[nodiscard]] const Completion* completion(HostId node, OperationId id) const;
  [[nodiscard]] std::vector<const UserMessage*> user_messages(HostId node) const;
  /// Log lines of a node at a level that contain a text.
  [[nodiscard]] std::size_t log_lines(HostId node, LogLevel level, std::string_view part) const;
  /// The whole log as text.
  [[nodiscard]] std::string transcript() const;
  /// The records of all processes so far, in the order of their starts, if they are recorded.
  [[nodiscard]] const std::vector<std::unique_ptr<ProcessRecord>>& records() const noexcept {
    return records_;
  }
  /// Breaches of contract by the engines.
  [[nodiscard]] std::vector<std::string> violations() const;

 private:
  class Log;

  void note_started(HostId node, const Result<OperationId>& operation);

  ClusterOptions options_;
  WorldImpl world_;
  std::unique_ptr<Log> tap_;
  std::vector<LoggedOutput> log_;
  std::vector<std::unique_ptr<ProcessRecord>> records_;
};

}  // namespace memberlist::sim
