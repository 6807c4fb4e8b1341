#include "memberlist/sim/swarm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "base/random.hpp"
#include "sim/fault_rules.hpp"
#include "swim/scaling.hpp"

// Draws a scenario from a seed. A run with a few kinds of faults finds more than one with all of
// them, which hide each other: so a scenario has a subset of the kinds, and knobs that may be
// extreme.
namespace memberlist::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kMostFaults = 8;

template <class T, std::size_t N>
T one_of(Random& random, const std::array<T, N>& values) {
  return values[random.below(N)];
}

bool happens(Random& random, double probability) { return random.unit() < probability; }

Duration between(Random& random, Duration least, Duration most) {
  const Duration drawn = least + random.below(most - least + milliseconds(1));
  return std::chrono::floor<milliseconds>(drawn);
}

/// From `least` to `most`, small ones more often.
std::size_t skewed(Random& random, std::size_t least, std::size_t most) {
  const double share = random.unit() * random.unit();
  return least + static_cast<std::size_t>(share * static_cast<double>(most - least + 1));
}

double rounded(double rate) { return std::round(rate * 1000) / 1000; }

// --- cluster and knobs --------------------------------------------------------------------------

Profile draw_profile(Random& random) {
  return one_of(random,
                std::array{Profile::lan, Profile::lan, Profile::lan, Profile::local, Profile::wan});
}

/// Each knob is moved with a small probability, to one end of what makes sense or the other.
void draw_knobs(Random& random, Config& config) {
  constexpr double kMoved = 0.15;
  const auto move = [&](auto& knob, auto values) {
    if (happens(random, kMoved)) knob = one_of(random, values);
  };
  move(config.indirect_checks, std::array{0U, 1U, 10U});
  move(config.retransmit_mult, std::array{2U, 8U});
  move(config.suspicion_mult, std::array{2U, 3U, 8U});
  move(config.suspicion_max_timeout_mult, std::array{1U, 2U, 10U});
  move(config.awareness_max_multiplier, std::array{1U, 2U, 16U});
  move(config.gossip_nodes, std::array{1U, 2U, 8U});
  move(config.gossip_to_the_dead_time,
       std::array<Duration, 3>{seconds(0), seconds(5), seconds(90)});
  move(config.dead_node_reclaim_time, std::array<Duration, 2>{milliseconds(1), seconds(20)});
  move(config.push_pull_interval, std::array<Duration, 2>{seconds(5), seconds(90)});
  move(config.udp_buffer_size, std::array{512U, 9000U});
  move(config.enable_compression, std::array{false});
  move(config.disable_tcp_pings, std::array{true});
  if (happens(random, kMoved)) {
    config.probe_interval *= static_cast<Duration::rep>(one_of(random, std::array{1, 2, 3}));
    config.probe_timeout = config.probe_interval / one_of(random, std::array{2, 4, 10});
  }
  if (happens(random, kMoved)) config.gossip_interval *= one_of(random, std::array{2, 5});
}

Link draw_link(Random& random, Profile profile) {
  Link link;
  if (profile == Profile::wan) link.latency = between(random, milliseconds(5), milliseconds(100));
  if (happens(random, 0.3)) link.jitter = between(random, milliseconds(1), milliseconds(30));
  if (happens(random, 0.2)) link.loss = rounded(random.unit() * 0.1);
  if (happens(random, 0.1)) link.duplicate = rounded(random.unit() * 0.2);
  if (happens(random, 0.1)) link.reorder = rounded(random.unit() * 0.2);
  if (happens(random, 0.1)) link.corrupt = rounded(random.unit() * 0.05);
  return link;
}

// --- faults -------------------------------------------------------------------------------------

/// What must be kept apart: two nodes of one name end in a state that only an operator resolves.
/// A change of the key is drawn for itself, where there is a key.
bool is_drawn(FaultKind kind) { return kind != FaultKind::namesake && kind != FaultKind::keys; }

/// What is no fault: a cluster in which nothing else happens must stay accurate.
constexpr std::array kCalmKinds{FaultKind::leave, FaultKind::join, FaultKind::rejoin,
                                FaultKind::meta, FaultKind::broadcast};

std::vector<FaultKind> draw_kinds(Random& random, SwarmStrategy strategy, bool calm) {
  constexpr double kIncluded = 0.25;
  if (calm) return {kCalmKinds.begin(), kCalmKinds.end()};
  std::vector<FaultKind> kinds;
  for (const FaultKind kind : fault_kinds()) {
    if (kind == FaultKind::keys) continue;
    const bool included = strategy == SwarmStrategy::random || happens(random, kIncluded);
    if (is_drawn(kind) && included) kinds.push_back(kind);
  }
  if (kinds.empty()) kinds.push_back(FaultKind::crash);
  return kinds;
}

Duration draw_time(Random& random, FaultKind kind, const Config& config) {
  switch (kind) {
    case FaultKind::hiccup:
      return between(random, config.probe_timeout / 2, 4 * config.probe_interval);
    case FaultKind::slow:
      return between(random, milliseconds(1), config.probe_timeout / 2);
    case FaultKind::step:
      return between(random, milliseconds(100), 20 * config.probe_interval);
    case FaultKind::latency:
      return between(random, milliseconds(1), 2 * config.probe_timeout);
    default:
      return between(random, milliseconds(1), seconds(2));
  }
}

double draw_rate(Random& random, const FaultRule& rule) {
  if (rule.kind == FaultKind::drift) return rounded(random.unit() * 0.6 - 0.3) + 0.001;
  // Often low, at times so high that hardly anything passes.
  const double rate = happens(random, 0.3) ? random.unit() : random.unit() * 0.3;
  return std::max(0.001, rounded(rate * rule.rate_max));
}

void draw_nodes(Random& random, const Scenario& scenario, Fault& fault) {
  // A cluster in which most are sick has nobody left who could be right.
  const std::size_t most = std::max<std::size_t>(1, scenario.nodes / 2);
  fault.nodes.count = skewed(random, 1, most);
  if (fault.kind == FaultKind::swap) fault.nodes.count = 2;
  if (fault.kind == FaultKind::join) fault.nodes.count = skewed(random, 1, 5);
}

Fault draw_fault(Random& random, const Scenario& scenario, FaultKind kind) {
  const FaultRule& rule = rule_of(kind);
  Fault fault;
  fault.kind = kind;
  fault.at = between(random, milliseconds(0), scenario.lasts * 2 / 3);
  if (rule.lasts != FieldUse::no && happens(random, 0.7)) {
    fault.lasts = between(random, milliseconds(100), scenario.lasts / 2);
  }
  // A host that keeps another one's address needs an operator.
  if (kind == FaultKind::swap) fault.lasts = between(random, milliseconds(100), scenario.lasts / 3);
  draw_nodes(random, scenario, fault);
  if (rule.time != FieldUse::no) fault.time = draw_time(random, kind, scenario.config);
  if (rule.every != FieldUse::no) {
    fault.every = between(random, fault.time + milliseconds(50), fault.time + seconds(10));
  }
  if (rule.rate_max != rule.rate_min) fault.rate = draw_rate(random, rule);
  if (kind == FaultKind::bandwidth) fault.bytes = skewed(random, 2'000, 200'000);
  if (kind == FaultKind::mtu) fault.bytes = skewed(random, 300, 1400);
  if (kind == FaultKind::broadcast) {
    // Often so many that packets are full.
    fault.bytes = skewed(random, 1, 400);
    fault.every = between(random, milliseconds(20), seconds(2));
  }
  if (rule.link)
    fault.direction = one_of(random, std::array{Fault::Direction::both, Fault::Direction::incoming,
                                                Fault::Direction::outgoing});
  if (kind == FaultKind::cut && happens(random, 0.5)) {
    (happens(random, 0.5) ? fault.udp : fault.tcp) = false;
  }
  return fault;
}

/// Whether a process ends up at an address for good that it does not advertise: it begins, or
/// moves, while its host has the address of another one.
bool mixes_addresses(const Scenario& scenario, const Fault& fault) {
  const auto swaps = [](const Fault& other) { return other.kind == FaultKind::swap; };
  const auto begins = [&](const Fault& other) {
    const bool restarts = other.kind == FaultKind::crash || other.kind == FaultKind::kill ||
                          other.kind == FaultKind::leave;
    return swaps(other) || other.kind == FaultKind::move || (restarts && other.lasts);
  };
  if (swaps(fault)) return std::ranges::any_of(scenario.faults, begins);
  return begins(fault) && std::ranges::any_of(scenario.faults, swaps);
}

/// In a few scenarios some members choose as the Go library does. This has a generator of its own,
/// so that nothing else depends on it that is drawn. Not where nodes change addresses: until the
/// former one is forgotten, a Go member sends its refutations there, and nowhere else.
void draw_go_nodes(std::uint64_t seed, Scenario& scenario) {
  constexpr double kMixed = 0.08;
  const auto moves = [](const Fault& fault) {
    return fault.kind == FaultKind::move || fault.kind == FaultKind::swap;
  };
  if (std::ranges::any_of(scenario.faults, moves)) return;
  Random random(seed ^ 0x6d69'7865'6400'0000);
  if (happens(random, kMixed)) scenario.go_nodes = 1 + random.below(scenario.nodes - 1);
}

/// From numbers of its own, so that the rest of the scenario is as it was without.
void draw_key_change(std::uint64_t seed, Scenario& scenario) {
  Random random(seed ^ 0x6b65'7973'0000'0000);
  if (!happens(random, 0.5)) return;
  Fault change;
  change.kind = FaultKind::keys;
  change.at = between(random, milliseconds(0), scenario.lasts / 3);
  const Duration left = scenario.lasts - change.at - (kKeySteps - 1) * kKeyPause;
  const Duration most = std::min<Duration>(left / kKeySteps, std::chrono::minutes(1));
  change.time = between(random, milliseconds(1), most);
  scenario.faults.push_back(change);
}

// --- what must hold -----------------------------------------------------------------------------

/// Within what time all agree on a network that is well, whatever came before: suspicions have run
/// out, those that were slowed have probed all others, news have spread by gossip or push/pull, and
/// joins are served again by those whose names were taken.
Duration convergence_bound(const Scenario& scenario) {
  const Config& config = scenario.config;
  const std::size_t nodes = scenario.nodes + 16;
  const Duration suspicion =
      config.suspicion_max_timeout_mult *
      swim::suspicion_min_timeout(config.suspicion_mult, nodes, config.probe_interval);
  const Duration probes = config.awareness_max_multiplier * 2 * config.probe_interval +
                          2 * static_cast<Duration::rep>(nodes) * config.probe_interval;
  const Duration exchanges = 4 * swim::push_pull_interval(config.push_pull_interval, nodes);
  const Duration news =
      4 * swim::spreading_time(config.retransmit_mult, nodes, config.gossip_interval);
  const Duration joins = config.tcp_timeout + limits::kNameTakenTime;
  return std::chrono::ceil<seconds>(suspicion + probes + exchanges + news + joins);
}

// --- completeness while members are sick --------------------------------------------------------

/// All stand still again and again, and one of them crashes: the others must find it all the same.
/// What forgives the sick must not forgive for ever.
void draw_chronic_hiccups(Random& random, Scenario& scenario) {
  const Duration interval = scenario.config.probe_interval;
  const std::size_t victim = scenario.nodes - 1;
  Fault hiccup;
  hiccup.kind = FaultKind::hiccup;
  for (NodeId node = 0; node < victim; ++node) hiccup.nodes.ids.push_back(node);
  hiccup.time = between(random, interval / 2, 3 * interval);
  hiccup.every = hiccup.time + between(random, interval / 3, 4 * interval);
  Fault crash;
  crash.nodes.ids = {victim};
  crash.at = 5 * interval;
  scenario.faults = {hiccup, crash};
  scenario.formed = true;
  scenario.join_within = Duration::zero();
  scenario.zones = 1;
  scenario.zone_link.reset();
  // They are there for a part of the time only, and may forgive a suspicion twice its length.
  const double share = static_cast<double>((hiccup.every - hiccup.time).count()) /
                       static_cast<double>(hiccup.every.count());
  const auto needed = 3 * std::chrono::duration<double>(convergence_bound(scenario)) / share;
  scenario.expect.detected_within = std::chrono::ceil<seconds>(needed);
  scenario.lasts = std::chrono::ceil<seconds>(crash.at + *scenario.expect.detected_within);
}

}  // namespace

Scenario draw_scenario(std::uint64_t seed, SwarmStrategy strategy) {
  Random random(seed ^ 0x7377'6172'6d00'0000);
  Scenario scenario;
  scenario.name = fmt::format("swarm-{}", seed);
  scenario.description = "Drawn by swarm testing.";
  const bool varied = strategy == SwarmStrategy::swarm;
  scenario.nodes = varied && happens(random, 0.1) ? skewed(random, 24, 80) : skewed(random, 2, 20);
  if (varied) scenario.profile = draw_profile(random);
  scenario.config = Config::for_profile(scenario.profile);
  if (varied) draw_knobs(random, scenario.config);
  scenario.formed = happens(random, 0.7);
  if (!scenario.formed) scenario.join_within = between(random, milliseconds(1), seconds(10));
  scenario.encrypted = happens(random, 0.2);
  const bool calm = varied && happens(random, 0.05);
  if (!calm) scenario.link = draw_link(random, scenario.profile);
  if (scenario.nodes > 3 && happens(random, 0.15)) {
    scenario.zones = 2;
    scenario.zone_link = scenario.link;
    scenario.zone_link->latency += between(random, milliseconds(1), milliseconds(50));
  }
  scenario.lasts = 20 * scenario.config.probe_interval + between(random, seconds(10), seconds(60));
  scenario.lasts = std::chrono::ceil<seconds>(scenario.lasts);
  const std::vector<FaultKind> kinds = draw_kinds(random, strategy, calm);
  const std::size_t faults = 1 + random.below(kMostFaults);
  for (std::size_t i = 0; i < faults; ++i) {
    const FaultKind kind = kinds[random.below(kinds.size())];
    const Fault fault = draw_fault(random, scenario, kind);
    if (!mixes_addresses(scenario, fault)) scenario.faults.push_back(fault);
  }
  // Those who went before may leave too few for a fault.
  while (!scenario.faults.empty() && !scenario.validate()) scenario.faults.pop_back();
  if (varied && !calm && scenario.nodes > 2 && happens(random, 0.1))
    draw_chronic_hiccups(random, scenario);
  if (varied) draw_go_nodes(seed, scenario);
  if (varied && scenario.encrypted) draw_key_change(seed, scenario);
  scenario.heal_at_end = true;
  scenario.expect.converged_within = convergence_bound(scenario);
  constexpr std::size_t kSmall = 16;
  scenario.checks = scenario.nodes <= kSmall ? CheckLevel::inside : CheckLevel::packets;
  return scenario;
}

}  // namespace memberlist::sim
