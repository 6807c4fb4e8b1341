#include "real_play.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "real_cluster.hpp"
#include "sim/choices.hpp"
#include "sim/fault_rules.hpp"

namespace memberlist::cli {

namespace {

using sim::Fault;
using sim::FaultKind;
using sim::NodeId;

constexpr Duration kSamplePeriod = std::chrono::seconds(1);
// As the simulator does, see docs/simulator.md.
constexpr Duration kLook = std::chrono::milliseconds(100);
// Each look comes a little after what happens at that time.
constexpr Duration kLookDelay = std::chrono::milliseconds(20);
constexpr Duration kHealPatience = std::chrono::minutes(2);
constexpr Duration kFormPatience = std::chrono::minutes(1);

// The time until a cluster that has just formed is at rest: news are sent in a few rounds of
// gossip; who was slow at the start is well again after a few probes.
Duration settling_time(const Config& config) {
  constexpr int kGossips = 20;
  constexpr int kProbes = 3;
  return kGossips * config.gossip_interval + kProbes * config.probe_interval;
}

// Plays one run. What happens is what the simulator's player does.
class RealPlayer {
 public:
  RealPlayer(const sim::Scenario& scenario, std::uint64_t seed, RealNetwork network,
             const std::function<bool(double)>& progress)
      : scenario_(scenario),
        seed_(seed),
        progress_(progress),
        contacts_(sim::random_for(seed, sim::Purpose::contacts)),
        cluster_(scenario, std::move(network), [this] { return goes_on(); }) {
    report_.seed = seed;
  }

  std::expected<sim::RunReport, CommandError> run() {
    report_.complete = form() && play_to_end() && (!scenario_.heal_at_end || heal());
    const RealScore& score = cluster_.score();
    report_.detections = score.detections();
    report_.suspicions = score.suspicions();
    report_.false_positives = score.false_positives();
    report_.false_positives_healthy = score.false_positives_healthy();
    report_.stats.packets_sent = cluster_.datagrams_sent();
    report_.stats.node_seconds = cluster_.node_seconds();
    if (const auto& failure = cluster_.failure()) return std::unexpected(*failure);
    return std::move(report_);
  }

 private:
  bool form();
  bool wait_for(const std::function<bool()>& done, std::string_view otherwise);
  bool play_to_end();
  bool heal();
  void begin();
  void tick();
  void look();
  void sample();
  [[nodiscard]] bool goes_on() const;

  // How nodes come in.
  void add_joining();
  void restart(NodeId node);
  [[nodiscard]] std::optional<NodeId> contact_of(NodeId node, const std::vector<NodeId>& avoided);

  // What happens.
  void start(std::size_t index);
  [[nodiscard]] std::vector<NodeId> draw(std::size_t index) const;
  void release(const std::vector<NodeId>& nodes, const Fault& fault);
  void start_stay(std::size_t index, const std::vector<NodeId>& nodes);
  void start_processes(const Fault& fault, const std::vector<NodeId>& nodes);
  void start_leave(const Fault& fault, const std::vector<NodeId>& nodes);
  void start_joins(std::size_t index);
  void start_hiccups(std::size_t index, const std::vector<NodeId>& nodes);
  void pulse(std::size_t index, const std::vector<NodeId>& nodes, Duration on);
  void speak(std::size_t index, const std::vector<NodeId>& nodes);
  void begin_suffering(std::size_t index, const std::vector<NodeId>& nodes);
  void end_suffering(std::size_t index, const std::vector<NodeId>& nodes);
  void after_fault(const Fault& fault, std::function<void()> action);
  [[nodiscard]] bool is_over(const Fault& fault) const {
    return healed_ || (fault.lasts && cluster_.elapsed() >= fault.at + *fault.lasts);
  }

  const sim::Scenario& scenario_;
  std::uint64_t seed_;
  const std::function<bool(double)>& progress_;
  Random contacts_;
  RealCluster cluster_;
  sim::RunReport report_;
  NodeId next_node_ = 0;  // that starts for the first time
  Duration faults_end_{};
  sim::Sample before_;  // all until the last sample
  std::size_t spoken_ = 0;
  bool healed_ = false;
};

// --- the run -------------------------------------------------------------------------------------

bool RealPlayer::goes_on() const {
  const double share = std::chrono::duration<double>(cluster_.elapsed()) /
                       std::chrono::duration<double>(scenario_.lasts);
  return progress_(std::clamp(share, 0.0, 1.0));
}

// The nodes that are there as time begins: all, which know one another and have nothing new to
// tell; or the first one, as far as others can reach it.
bool RealPlayer::form() {
  add_joining();
  const auto reached = [this] { return !cluster_.failure() && cluster_.is_ready(0); };
  if (!wait_for(reached, "the first agent is not ready")) return false;
  if (!scenario_.formed) return true;
  while (next_node_ < scenario_.nodes) add_joining();
  const auto formed = [this] { return cluster_.score().converged() == 1; };
  return wait_for(formed, "the agents do not all know one another") &&
         cluster_.run_for(settling_time(scenario_.config));
}

bool RealPlayer::wait_for(const std::function<bool()>& done, std::string_view otherwise) {
  if (cluster_.run_until(done, kFormPatience, kLook)) return true;
  if (goes_on()) cluster_.fail({kExitFailed, fmt::format("{} after a minute", otherwise)});
  return false;
}

void RealPlayer::begin() {
  cluster_.begin();
  if (!scenario_.formed) {
    auto starts = sim::random_for(seed_, sim::Purpose::starts);
    for (NodeId node = 1; node < scenario_.nodes; ++node) {
      cluster_.after(starts.below(scenario_.join_within), [this] { add_joining(); });
    }
  }
  for (std::size_t i = 0; i < scenario_.faults.size(); ++i) {
    cluster_.after(scenario_.faults[i].at, [this, i] { start(i); });
    faults_end_ = std::max(faults_end_, sim::end_of(scenario_.faults[i]));
  }
}

bool RealPlayer::play_to_end() {
  begin();
  tick();
  if (!cluster_.run_for(scenario_.lasts - cluster_.elapsed())) return false;
  sample();
  return true;
}

void RealPlayer::tick() {
  look();
  const Duration now = cluster_.elapsed();
  if (now >= kSamplePeriod * (report_.samples.size() + 1)) sample();
  const Duration next = kLook + kLookDelay - now % kLook;
  if (now + next < scenario_.lasts) cluster_.after(next, [this] { tick(); });
}

void RealPlayer::look() {
  const Duration now = cluster_.elapsed();
  if (next_node_ < scenario_.nodes || cluster_.score().converged() != 1) return;
  if (!scenario_.formed && !report_.formed_after) report_.formed_after = now;
  if (!report_.converged_after && now >= faults_end_) {
    report_.converged_after = now - faults_end_;
  }
}

void RealPlayer::sample() {
  const RealScore& score = cluster_.score();
  const sim::Sample all{.at = cluster_.elapsed(),
                        .converged = score.converged(),
                        .suspicions = score.suspicions(),
                        .false_positives = score.false_positives(),
                        .packets = cluster_.datagrams_sent()};
  report_.samples.push_back({.at = all.at,
                             .converged = all.converged,
                             .suspicions = all.suspicions - before_.suspicions,
                             .false_positives = all.false_positives - before_.false_positives,
                             .packets = all.packets - before_.packets});
  before_ = all;
}

bool RealPlayer::heal() {
  healed_ = true;
  cluster_.heal();
  // All through one, so that there is one cluster.
  const std::vector<NodeId> nodes = cluster_.score().running();
  for (std::size_t i = 1; i < nodes.size(); ++i) cluster_.tell_to_join(nodes[i], nodes.front());
  if (nodes.size() > 1) cluster_.tell_to_join(nodes.front(), nodes[1]);
  const Duration begun = cluster_.elapsed();
  const bool agreed =
      cluster_.run_until([this] { return cluster_.score().converged() == 1; },
                         scenario_.expect.converged_within.value_or(kHealPatience), kLook);
  report_.converged_after.reset();
  if (agreed) report_.converged_after = cluster_.elapsed() - begun;
  return goes_on();
}

// --- how nodes come in ---------------------------------------------------------------------------

void RealPlayer::add_joining() {
  const NodeId node = next_node_++;
  if (node > 0 && cluster_.score().takes_part(0)) return cluster_.start(node, 0);
  cluster_.start(node, contact_of(node, {}));
}

void RealPlayer::restart(NodeId node) {
  if (!cluster_.score().runs(node)) cluster_.start(node, contact_of(node, {}));
}

std::optional<NodeId> RealPlayer::contact_of(NodeId node, const std::vector<NodeId>& avoided) {
  std::vector<NodeId> contacts = cluster_.score().running();
  std::erase_if(contacts, [&](NodeId other) {
    return other == node || std::ranges::find(avoided, other) != avoided.end();
  });
  if (contacts.empty()) return std::nullopt;
  return contacts[contacts_.below(contacts.size())];
}

// --- what happens --------------------------------------------------------------------------------

void RealPlayer::start(std::size_t index) {
  const Fault& fault = scenario_.faults[index];
  if (fault.kind == FaultKind::join) return start_joins(index);
  const std::vector<NodeId> nodes = draw(index);
  const sim::FaultEffect effect = sim::rule_of(fault.kind).effect;
  for (const NodeId node : nodes) cluster_.score().health().begin(node, effect);
  switch (fault.kind) {
    case FaultKind::crash:
    case FaultKind::kill:
      return start_processes(fault, nodes);
    case FaultKind::leave:
      return start_leave(fault, nodes);
    case FaultKind::hiccup:
      return start_hiccups(index, nodes);
    case FaultKind::flap:
      return pulse(index, nodes, fault.every / 2);
    case FaultKind::rejoin:
      for (const NodeId node : nodes) {
        if (const auto contact = contact_of(node, nodes)) cluster_.tell_to_join(node, *contact);
      }
      return;
    case FaultKind::meta:
    case FaultKind::broadcast:
      return speak(index, nodes);
    default:
      return start_stay(index, nodes);
  }
}

std::vector<NodeId> RealPlayer::draw(std::size_t index) const {
  const sim::NodeChoice& choice = scenario_.faults[index].nodes;
  std::vector<NodeId> nodes = choice.ids;
  if (nodes.empty()) {
    nodes = cluster_.score().running();
    sim::random_for(seed_, sim::Purpose::first_fault, index).shuffle(std::span(nodes));
    nodes.resize(std::min(nodes.size(), choice.count));
  }
  std::erase_if(
      nodes, [&](NodeId node) { return node >= next_node_ || !cluster_.score().takes_part(node); });
  return nodes;
}

void RealPlayer::release(const std::vector<NodeId>& nodes, const Fault& fault) {
  const sim::FaultEffect effect = sim::rule_of(fault.kind).effect;
  for (const NodeId node : nodes) {
    cluster_.score().health().end(node, effect, cluster_.elapsed());
  }
}

void RealPlayer::after_fault(const Fault& fault, std::function<void()> action) {
  if (!fault.lasts) return;
  cluster_.after(fault.at + *fault.lasts - cluster_.elapsed(), std::move(action));
}

void RealPlayer::begin_suffering(std::size_t index, const std::vector<NodeId>& nodes) {
  if (is_of_network(scenario_.faults[index].kind)) return cluster_.begin_fault(index, nodes);
  for (const NodeId node : nodes) cluster_.stop(node, index);
}

void RealPlayer::end_suffering(std::size_t index, const std::vector<NodeId>& nodes) {
  if (is_of_network(scenario_.faults[index].kind)) return cluster_.end_fault(index);
  for (const NodeId node : nodes) cluster_.resume(node, index);
}

// A pause, or a fault of the network.
void RealPlayer::start_stay(std::size_t index, const std::vector<NodeId>& nodes) {
  const Fault& fault = scenario_.faults[index];
  begin_suffering(index, nodes);
  if (fault.kind == FaultKind::pause && !fault.lasts) {
    for (const NodeId node : nodes) cluster_.score().lose(node, cluster_.elapsed());
  }
  after_fault(fault, [this, index, nodes] {
    end_suffering(index, nodes);
    release(nodes, scenario_.faults[index]);
  });
}

void RealPlayer::start_processes(const Fault& fault, const std::vector<NodeId>& nodes) {
  for (const NodeId node : nodes) cluster_.end(node, fault.kind == FaultKind::crash);
  if (sim::is_detected(fault)) {
    for (const NodeId node : nodes) cluster_.score().watch(node, cluster_.elapsed());
  }
  after_fault(fault, [this, &fault, nodes] {
    for (const NodeId node : nodes) restart(node);
    release(nodes, fault);
  });
}

void RealPlayer::start_leave(const Fault& fault, const std::vector<NodeId>& nodes) {
  for (const NodeId node : nodes) cluster_.leave(node);
  after_fault(fault, [this, &fault, nodes] {
    for (const NodeId node : nodes) {
      cluster_.end(node, false);  // if it has not left yet
      restart(node);
    }
    release(nodes, fault);
  });
}

void RealPlayer::start_joins(std::size_t index) {
  const Fault& fault = scenario_.faults[index];
  auto random = sim::random_for(seed_, sim::Purpose::first_fault, index);
  for (std::size_t i = 0; i < fault.nodes.count; ++i) {
    cluster_.after(random.below(fault.time), [this] { add_joining(); });
  }
}

// They do not stand still all at once.
void RealPlayer::start_hiccups(std::size_t index, const std::vector<NodeId>& nodes) {
  const Fault& fault = scenario_.faults[index];
  auto random = sim::random_for(seed_, sim::Purpose::phases, index);
  for (const NodeId node : nodes) {
    cluster_.after(random.below(fault.every),
                   [this, index, node, on = fault.time] { pulse(index, {node}, on); });
  }
}

// Suffers for the time `on`, again and again.
void RealPlayer::pulse(std::size_t index, const std::vector<NodeId>& nodes, Duration on) {
  const Fault& fault = scenario_.faults[index];
  if (is_over(fault)) return release(nodes, fault);
  begin_suffering(index, nodes);
  const Duration left = fault.lasts ? fault.at + *fault.lasts - cluster_.elapsed() : on;
  cluster_.after(std::min(on, left), [this, index, nodes] { end_suffering(index, nodes); });
  cluster_.after(fault.every, [this, index, nodes, on] { pulse(index, nodes, on); });
}

// Changes meta data or sends broadcasts, again and again.
void RealPlayer::speak(std::size_t index, const std::vector<NodeId>& nodes) {
  const Fault& fault = scenario_.faults[index];
  if (is_over(fault)) return;
  for (const NodeId node : nodes) {
    if (!cluster_.score().takes_part(node)) continue;
    if (fault.kind == FaultKind::meta) {
      cluster_.tell(node, {"meta", fmt::format("meta-{}", ++spoken_)});
    } else {
      cluster_.tell(node, {"broadcast", std::string(fault.bytes, 'x')});
    }
  }
  if (fault.every == Duration::zero()) return;
  cluster_.after(fault.every, [this, index, nodes] { speak(index, nodes); });
}

}  // namespace

std::expected<sim::RunReport, CommandError> play_real(const sim::Scenario& scenario,
                                                      std::uint64_t seed, const NetworkTools& tools,
                                                      const std::function<bool(double)>& progress) {
  auto network = RealNetwork::build(tools, nodes_in_all(scenario));
  if (!network) return std::unexpected(network.error());
  return RealPlayer(scenario, seed, std::move(*network), progress).run();
}

}  // namespace memberlist::cli
