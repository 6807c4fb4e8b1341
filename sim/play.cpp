#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "memberlist/sim/scenario.hpp"
#include "memberlist/sim/world.hpp"
#include "sim/fault_rules.hpp"
#include "sim/health_log.hpp"
#include "sim/key_changes.hpp"
#include "sim/population.hpp"

namespace memberlist::sim {
namespace {

constexpr Duration kSamplePeriod = std::chrono::seconds(1);
// While something is waited for, it is looked for this often.
constexpr Duration kLook = std::chrono::milliseconds(100);
constexpr Duration kHealPatience = std::chrono::minutes(2);
constexpr Duration kMetaTimeout = std::chrono::seconds(10);
constexpr std::size_t kMaxFindings = 100;

using Progress = std::function<bool(double)>;

/// How long so many queued broadcasts can take to be sent: each goes about twice to each node, in
/// one packet of a gossip tick or more. Applications may send more than that for a while.
Duration drain_time(const Scenario& scenario, std::size_t nodes, std::uint64_t queued) {
  constexpr std::size_t kOverhead = 128;  // of a message and of its packet, with encryption
  std::size_t largest = 0;
  for (const Fault& fault : scenario.faults) {
    if (fault.kind == FaultKind::broadcast) largest = std::max(largest, fault.bytes);
  }
  const std::size_t in_a_packet =
      std::max<std::size_t>(1, scenario.config.udp_buffer_size / (largest + kOverhead));
  // Each goes to all members in turn, however many a packet holds.
  const std::size_t ticks = 3 * nodes * (1 + queued / in_a_packet);
  return static_cast<Duration::rep>(ticks) * scenario.config.gossip_interval;
}

WorldOptions world_options(const Scenario& scenario, std::uint64_t seed) {
  WorldOptions options;
  options.seed = seed;
  options.config = scenario.config;
  options.behaviour = scenario.behaviour;
  if (scenario.encrypted) options.config.keys = {KeyChanges::first_key()};
  options.link = scenario.link;
  options.checks = scenario.checks;
  return options;
}

}  // namespace

/// Plays one run of a scenario.
class Player {
 public:
  Player(const Scenario& scenario, std::uint64_t seed)
      : scenario_(scenario),
        seed_(seed),
        world_(world_options(scenario, seed)),
        population_(world_, scenario, seed),
        health_(longest_aftermath(scenario)) {
    report_.seed = seed;
  }

  RunReport finish(const Progress& progress) {
    const bool played = play_until(scenario_.lasts, progress);
    if (played && scenario_.heal_at_end) heal();
    report_.complete = played;
    report_.detections = population_.detections();
    report_.stats = world_.stats();
    report_.checks = world_.check_report();
    report_.trace_hash = world_.trace_hash();
    if (played) check_expectations();
    return std::move(report_);
  }

  /// False if it was ended early.
  bool play_until(Duration when, const Progress& progress);

  World& world() noexcept { return world_; }
  void on_event(std::function<void(NodeId, const MemberEvent&)> handler) {
    on_event_ = std::move(handler);
  }

 private:
  void begin();
  void advance_to(Duration when);
  void look();
  void sample();
  void heal();
  void take(NodeId observer, const MemberEvent& event);

  // What happens.
  void start(std::size_t index);
  std::vector<NodeId> draw(std::size_t index) const;
  void touch(const std::vector<NodeId>& nodes, const Fault& fault);
  void release(const std::vector<NodeId>& nodes, const Fault& fault);
  void start_hosts(std::size_t index, const std::vector<NodeId>& nodes);
  void start_processes(std::size_t index, const std::vector<NodeId>& nodes);
  void start_leave(const Fault& fault, const std::vector<NodeId>& nodes);
  void start_swap(const Fault& fault, const std::vector<NodeId>& nodes);
  void start_move(const Fault& fault, const std::vector<NodeId>& nodes);
  void start_step(const Fault& fault, const std::vector<NodeId>& nodes);
  void start_joins(std::size_t index);
  void start_hiccups(std::size_t index, const std::vector<NodeId>& nodes);
  void start_namesake(const Fault& fault, const std::vector<NodeId>& nodes);
  void pulse(std::size_t index, const std::vector<NodeId>& nodes, Duration on);
  void speak(std::size_t index, const std::vector<NodeId>& nodes);
  void after_fault(const Fault& fault, std::move_only_function<void()> action);
  [[nodiscard]] bool is_over(const Fault& fault) const {
    return healed_ || (fault.lasts && world_.elapsed() >= fault.at + *fault.lasts);
  }

  // What was expected.
  void check_expectations();
  void expect(std::string_view check, std::uint64_t exercised, std::vector<Finding> findings);
  void expect_detected(Duration within);
  void expect_converged(Duration within);
  void expect_false_positives(std::size_t most);

  const Scenario& scenario_;
  std::uint64_t seed_;
  World world_;
  Population population_;
  KeyChanges keys_{world_, population_};
  HealthLog health_;
  RunReport report_;
  std::function<void(NodeId, const MemberEvent&)> on_event_;
  WorldStats sampled_;  // until the last sample
  std::uint64_t sampled_suspicions_ = 0;
  std::uint64_t sampled_false_positives_ = 0;
  Duration faults_end_{};
  std::size_t spoken_ = 0;
  std::uint32_t moved_ = 0;
  bool begun_ = false;
  bool healed_ = false;
};

// --- the run -----------------------------------------------------------------------------------

void Player::begin() {
  begun_ = true;
  world_.on_event([this](NodeId observer, const Event& event) {
    if (const auto* change = std::get_if<MemberEvent>(&event)) take(observer, *change);
  });
  world_.on_completion(
      [this](NodeId node, const Completion& completion) { population_.take(node, completion); });
  if (scenario_.zone_link) {
    for (std::size_t from = 0; from < scenario_.zones; ++from) {
      for (std::size_t to = 0; to < scenario_.zones; ++to) {
        if (from != to) world_.set_zone_link(from, to, *scenario_.zone_link);
      }
    }
  }
  population_.begin();
  for (std::size_t i = 0; i < scenario_.faults.size(); ++i) {
    world_.after(scenario_.faults[i].at, [this, i] { start(i); });
    faults_end_ = std::max(faults_end_, end_of(scenario_.faults[i]));
  }
  if (scenario_.faults.empty()) look();
}

bool Player::play_until(Duration when, const Progress& progress) {
  if (!begun_) begin();
  const Duration end = std::min(when, scenario_.lasts);
  while (world_.elapsed() < end) {
    const Duration to_sample =
        std::min((world_.elapsed() / kSamplePeriod + 1) * kSamplePeriod, scenario_.lasts);
    advance_to(std::min(to_sample, end));
    if (world_.elapsed() < to_sample) return true;
    sample();
    const auto share =
        static_cast<double>(to_sample.count()) / static_cast<double>(scenario_.lasts.count());
    if (progress && !progress(share)) return to_sample == scenario_.lasts;
  }
  return true;
}

void Player::advance_to(Duration when) {
  while (world_.elapsed() < when) {
    const bool forming = !scenario_.formed && !report_.formed_after;
    const bool waiting = forming || !report_.converged_after;
    const Duration to_look = std::min((world_.elapsed() / kLook + 1) * kLook, scenario_.lasts);
    world_.run_for((waiting ? std::min(to_look, when) : when) - world_.elapsed());
    if (waiting && world_.elapsed() == to_look) look();
  }
}

void Player::look() {
  const Duration now = world_.elapsed();
  const bool formed = population_.all_started() && population_.converged() == 1;
  if (!formed) return;
  if (!scenario_.formed && !report_.formed_after) report_.formed_after = now;
  if (!report_.converged_after && now >= faults_end_) {
    report_.converged_after = now - faults_end_;
  }
}

void Player::sample() {
  const WorldStats stats = world_.stats();
  report_.samples.push_back({
      .at = world_.elapsed(),
      .converged = population_.converged(),
      .suspicions = report_.suspicions - sampled_suspicions_,
      .false_positives = report_.false_positives - sampled_false_positives_,
      .packets = stats.packets_sent - sampled_.packets_sent,
      .bytes = stats.bytes_sent - sampled_.bytes_sent,
  });
  sampled_ = stats;
  sampled_suspicions_ = report_.suspicions;
  sampled_false_positives_ = report_.false_positives;
}

void Player::heal() {
  healed_ = true;
  population_.heal();
  population_.join_all();
  const Duration begun = world_.elapsed();
  const Duration patience = scenario_.expect.converged_within.value_or(kHealPatience);
  const bool agreed =
      world_.run_until([this] { return population_.converged() == 1; }, patience, kLook);
  report_.converged_after.reset();
  if (!agreed) return;
  report_.converged_after = world_.elapsed() - begun;
  if (faults_end_ > scenario_.lasts) return;  // somebody is still to come back
  // What was asked of the others while they could not be reached ends by its own timeout: that of
  // the connection, and that of the exchange.
  world_.run_for(std::max(longest_aftermath(scenario_), 2 * scenario_.config.tcp_timeout));
  // Each probe that succeeds makes a node healthier by one, and the sick probe slowly. They may
  // know a node at an address that it has left, and suspect it only then.
  const auto most = static_cast<Duration::rep>(scenario_.config.awareness_max_multiplier);
  const Duration recovery = patience + most * (most + 1) * scenario_.config.probe_interval;
  (void)world_.run_until([this] { return population_.is_quiet(); },
                         recovery + drain_time(scenario_, world_.size(), population_.most_queued()),
                         scenario_.config.probe_interval);
  world_.check_rest();
}

void Player::take(NodeId observer, const MemberEvent& event) {
  population_.take(observer, event);
  if (on_event_) on_event_(observer, event);
  if (event.kind == MemberEventKind::suspect) ++report_.suspicions;
  if (event.kind != MemberEventKind::dead || event.self) return;
  const auto subject = population_.subject_of(event.member.name());
  if (!subject || healed_) return;
  const Duration now = world_.elapsed();
  if (!population_.takes_part(*subject) || health_.may_die(observer, *subject, now)) return;
  ++report_.false_positives;
  if (health_.is_healthy(observer, now)) ++report_.false_positives_healthy;
}

// --- what happens ------------------------------------------------------------------------------

void Player::start(std::size_t index) {
  const Fault& fault = scenario_.faults[index];
  if (fault.kind == FaultKind::join) return start_joins(index);
  if (fault.kind == FaultKind::keys) {
    return keys_.change(fault.time, random_for(seed_, Purpose::first_fault, index));
  }
  const std::vector<NodeId> nodes = draw(index);
  touch(nodes, fault);
  switch (fault.kind) {
    case FaultKind::crash:
    case FaultKind::kill:
      return start_processes(index, nodes);
    case FaultKind::leave:
      return start_leave(fault, nodes);
    case FaultKind::move:
      return start_move(fault, nodes);
    case FaultKind::swap:
      return start_swap(fault, nodes);
    case FaultKind::step:
      return start_step(fault, nodes);
    case FaultKind::hiccup:
      return start_hiccups(index, nodes);
    case FaultKind::flap:
      return pulse(index, nodes, fault.every / 2);
    case FaultKind::namesake:
      return start_namesake(fault, nodes);
    case FaultKind::rejoin:
      for (const NodeId node : nodes) population_.join(node, nodes);
      return;
    case FaultKind::meta:
    case FaultKind::broadcast:
      return speak(index, nodes);
    default:
      return start_hosts(index, nodes);
  }
}

std::vector<NodeId> Player::draw(std::size_t index) const {
  const NodeChoice& choice = scenario_.faults[index].nodes;
  std::vector<NodeId> nodes = choice.ids;
  if (nodes.empty()) {
    nodes = population_.running();
    random_for(seed_, Purpose::first_fault, index).shuffle(std::span(nodes));
    nodes.resize(std::min(nodes.size(), choice.count));
  }
  std::erase_if(nodes, [&](NodeId node) {
    return node >= population_.size() || !population_.takes_part(node);
  });
  return nodes;
}

void Player::touch(const std::vector<NodeId>& nodes, const Fault& fault) {
  for (const NodeId node : nodes) health_.begin(node, rule_of(fault.kind).effect);
}

void Player::release(const std::vector<NodeId>& nodes, const Fault& fault) {
  for (const NodeId node : nodes) {
    health_.end(node, rule_of(fault.kind).effect, world_.elapsed());
  }
}

/// What is to be done when the fault is over, if it ever is.
void Player::after_fault(const Fault& fault, std::move_only_function<void()> action) {
  if (fault.lasts) world_.after(*fault.lasts, std::move(action));
}

void Player::start_hosts(std::size_t index, const std::vector<NodeId>& nodes) {
  const Fault& fault = scenario_.faults[index];
  for (const NodeId node : nodes) population_.begin_fault(node, index);
  const bool stops = fault.kind == FaultKind::pause || fault.kind == FaultKind::block;
  if (stops && !fault.lasts) {
    for (const NodeId node : nodes) population_.lose(node);
  }
  if (is_detected(fault)) {
    for (const NodeId node : nodes) population_.watch(node);
  }
  after_fault(fault, [this, index, nodes] {
    for (const NodeId node : nodes) population_.end_fault(node, index);
    release(nodes, scenario_.faults[index]);
  });
}

void Player::start_processes(std::size_t index, const std::vector<NodeId>& nodes) {
  const Fault& fault = scenario_.faults[index];
  for (const NodeId node : nodes) population_.end(node, fault.kind == FaultKind::crash);
  if (is_detected(fault)) {
    for (const NodeId node : nodes) population_.watch(node);
  }
  after_fault(fault, [this, index, nodes] {
    for (const NodeId node : nodes) population_.restart(node);
    release(nodes, scenario_.faults[index]);
  });
}

void Player::start_leave(const Fault& fault, const std::vector<NodeId>& nodes) {
  for (const NodeId node : nodes) population_.leave(node);
  after_fault(fault, [this, &fault, nodes] {
    for (const NodeId node : nodes) {
      population_.end(node, false);  // if it has not left yet
      population_.restart(node);
    }
    release(nodes, fault);
  });
}

void Player::start_move(const Fault& fault, const std::vector<NodeId>& nodes) {
  for (const NodeId node : nodes) {
    // A network of its own, in which no other node is.
    ++moved_;
    Address address = world_.address(node);
    address.ip = IpAddress::v4(172, 16, static_cast<std::uint8_t>(moved_ >> 8),
                               static_cast<std::uint8_t>(moved_));
    population_.end(node, false);
    population_.restart(node, address);
  }
  release(nodes, fault);
}

void Player::start_swap(const Fault& fault, const std::vector<NodeId>& nodes) {
  const auto swap = [this, nodes] {
    for (std::size_t i = 0; i + 1 < nodes.size(); i += 2) {
      world_.swap_addresses(nodes[i], nodes[i + 1]);
    }
  };
  swap();
  after_fault(fault, [this, &fault, nodes, swap] {
    swap();
    release(nodes, fault);
  });
}

void Player::start_step(const Fault& fault, const std::vector<NodeId>& nodes) {
  for (const NodeId node : nodes) world_.step_clock(node, fault.time);
  release(nodes, fault);
}

void Player::start_joins(std::size_t index) {
  const Fault& fault = scenario_.faults[index];
  Random random = random_for(seed_, Purpose::first_fault, index);
  for (std::size_t i = 0; i < fault.nodes.count; ++i) {
    world_.after(random.below(fault.time), [this] { population_.add_joining(); });
  }
}

/// Of two of one name, each is right to be held for dead at times.
void Player::start_namesake(const Fault& fault, const std::vector<NodeId>& nodes) {
  if (nodes.empty()) return;
  const NodeId twin = population_.add_namesake(nodes.front());
  touch({twin}, fault);
}

/// They do not stand still all at once.
void Player::start_hiccups(std::size_t index, const std::vector<NodeId>& nodes) {
  const Fault& fault = scenario_.faults[index];
  Random random = random_for(seed_, Purpose::phases, index);
  for (const NodeId node : nodes) {
    world_.after(random.below(fault.every),
                 [this, index, node, on = fault.time] { pulse(index, {node}, on); });
  }
}

/// Suffers for the time `on`, again and again.
void Player::pulse(std::size_t index, const std::vector<NodeId>& nodes, Duration on) {
  const Fault& fault = scenario_.faults[index];
  if (is_over(fault)) return release(nodes, fault);
  for (const NodeId node : nodes) population_.begin_fault(node, index);
  const Duration left = fault.lasts ? fault.at + *fault.lasts - world_.elapsed() : on;
  world_.after(std::min(on, left), [this, index, nodes] {
    for (const NodeId node : nodes) population_.end_fault(node, index);
  });
  world_.after(fault.every, [this, index, nodes, on] { pulse(index, nodes, on); });
}

/// Changes meta data or sends broadcasts, again and again.
void Player::speak(std::size_t index, const std::vector<NodeId>& nodes) {
  const Fault& fault = scenario_.faults[index];
  if (is_over(fault)) return;
  for (const NodeId node : nodes) {
    if (!population_.takes_part(node)) continue;
    // What is too large for this configuration is refused, and no other node hears of it.
    if (fault.kind == FaultKind::meta) {
      const Bytes meta = to_bytes(fmt::format("meta-{}", ++spoken_));
      static_cast<void>(world_.act(node, [&](Engine& engine, TimePoint now) {
        return engine.update_meta(now, meta, kMetaTimeout);
      }));
    } else {
      const Bytes payload(fault.bytes, static_cast<std::byte>(++spoken_));
      static_cast<void>(world_.act(
          node, [&](Engine& engine, TimePoint now) { return engine.broadcast(now, payload); }));
    }
  }
  if (fault.every == Duration::zero()) return;
  world_.after(fault.every, [this, index, nodes] { speak(index, nodes); });
}

// --- what was expected -------------------------------------------------------------------------

void Player::check_expectations() {
  const Expectations& expected = scenario_.expect;
  if (expected.detected_within) expect_detected(*expected.detected_within);
  if (expected.converged_within || scenario_.heal_at_end) {
    expect_converged(expected.converged_within.value_or(kHealPatience));
  }
  if (expected.false_positives) expect_false_positives(*expected.false_positives);
}

void Player::expect(std::string_view check, std::uint64_t exercised,
                    std::vector<Finding> findings) {
  report_.checks.counts.push_back({std::string(check), exercised, findings.size()});
  for (Finding& finding : findings) {
    finding.check = check;
    if (report_.checks.findings.size() < kMaxFindings) {
      report_.checks.findings.push_back(std::move(finding));
    }
  }
}

void Player::expect_detected(Duration within) {
  std::vector<Finding> findings;
  for (const Detection& detection : report_.detections) {
    if (detection.all && *detection.all <= within) continue;
    findings.push_back(
        {.at = detection.at + within,
         .node = world_.name(detection.node),
         .text = detection.all ? fmt::format("it was dead to all others only {} after it was gone",
                                             format_duration(*detection.all))
                               : fmt::format("it is not dead to all others, {} after it was gone",
                                             format_duration(world_.elapsed() - detection.at))});
  }
  expect("expect_detected", report_.detections.size(), std::move(findings));
}

void Player::expect_converged(Duration within) {
  std::vector<Finding> findings;
  if (!report_.converged_after || *report_.converged_after > within) {
    findings.push_back(
        {.at = world_.elapsed(),
         .text = report_.converged_after
                     ? fmt::format("all agreed only {} after the last fault",
                                   format_duration(*report_.converged_after))
                     : fmt::format("at the end {:.1f} % of the nodes have the right view",
                                   100 * population_.converged())});
  }
  expect("expect_converged", 1, std::move(findings));
}

void Player::expect_false_positives(std::size_t most) {
  std::vector<Finding> findings;
  if (report_.false_positives > most) {
    findings.push_back(
        {.at = world_.elapsed(),
         .text = fmt::format("{} deaths of nodes that run, and at most {} were expected",
                             report_.false_positives, most)});
  }
  expect("expect_false_positives", 1, std::move(findings));
}

// --- from outside --------------------------------------------------------------------------------

ScenarioRun::ScenarioRun(const Scenario& scenario, std::uint64_t seed)
    : player_(std::make_unique<Player>(scenario, seed)) {}
ScenarioRun::~ScenarioRun() = default;

World& ScenarioRun::world() noexcept { return player_->world(); }

void ScenarioRun::on_event(std::function<void(NodeId, const MemberEvent&)> handler) {
  player_->on_event(std::move(handler));
}

void ScenarioRun::play_until(Duration when) { (void)player_->play_until(when, {}); }

RunReport ScenarioRun::finish(const std::function<bool(double)>& progress) {
  return player_->finish(progress);
}

RunReport play(const Scenario& scenario, std::uint64_t seed,
               const std::function<bool(double)>& progress) {
  return ScenarioRun(scenario, seed).finish(progress);
}

}  // namespace memberlist::sim
