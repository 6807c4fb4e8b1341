// How an update spreads: by pings and acks alone (SWIM, section 4.1), by rounds of gossip alone
// (the convergence page of Serf), and by both, as members do it.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "experiments.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/config.hpp"
#include "memberlist/event.hpp"
#include "memberlist/sim/world.hpp"

namespace memberlist::bench {
namespace {

using sim::NodeId;
using sim::World;

constexpr Duration kQuiet = std::chrono::seconds(5);
constexpr std::size_t kRounds = 24;
constexpr std::size_t kMostRuns = 100;

struct Way {
  std::string_view name;
  bool pings = false;
  bool gossip = false;
};
constexpr std::array kWays{Way{"pings", true, false}, Way{"gossip", false, true},
                           Way{"both", true, true}};

struct Case {
  std::size_t nodes = 0;
  Way way;
  std::uint64_t seed = 0;
};

Config config_of(const Way& way) {
  Config config = Config::lan();
  config.push_pull_interval = Duration::zero();
  if (!way.pings) config.probe_interval = Duration::zero();
  if (!way.gossip) config.gossip_interval = Duration::zero();
  return config;
}

/// What one round of it takes.
Duration round_of(const Way& way) {
  return way.gossip ? Config::lan().gossip_interval : Config::lan().probe_interval;
}

/// When each of the others heard of one member's new meta data, in rounds, in order.
std::vector<double> play(const Case& run) {
  World world({.seed = run.seed,
               .config = config_of(run.way),
               .link = data_centre(),
               .checks = sim::CheckLevel::none});
  std::vector<double> heard;
  Duration told_at{};
  const Duration round = round_of(run.way);
  world.on_event([&](NodeId, const Event& event) {
    const auto* change = std::get_if<MemberEvent>(&event);
    if (change == nullptr || change->self || change->kind != MemberEventKind::update) return;
    heard.push_back(seconds(world.elapsed() - told_at) / seconds(round));
  });
  world.add_cluster(run.nodes);
  world.run_for(kQuiet);
  told_at = world.elapsed();
  static_cast<void>(world.act(0, [](Engine& engine, TimePoint now) {
    return engine.update_meta(now, Bytes(8, std::byte{1}), std::chrono::seconds(60));
  }));
  world.run_for(static_cast<Duration::rep>(kRounds) * round);
  return heard;
}

/// The mean share of members who know after each number of rounds; who began counts.
std::vector<double> shares(const std::vector<std::vector<double>>& runs, std::size_t nodes) {
  std::vector<double> known(kRounds + 1, 0);
  for (const std::vector<double>& heard : runs) {
    for (std::size_t round = 0; round <= kRounds; ++round) {
      const auto until = std::ranges::upper_bound(heard, static_cast<double>(round));
      known[round] += 1 + static_cast<double>(until - heard.begin());
    }
  }
  for (double& sum : known) sum /= static_cast<double>(runs.size() * nodes);
  return known;
}

/// The median of the rounds until this share knows, and of how many runs that came to be.
double rounds_until(const std::vector<std::vector<double>>& runs, std::size_t nodes, double share) {
  const auto others = std::max<std::size_t>(
      1, static_cast<std::size_t>(share * static_cast<double>(nodes) + 0.5) - 1);
  std::vector<double> reached;
  for (const std::vector<double>& heard : runs) {
    reached.push_back(heard.size() >= others ? heard[others - 1] : kRounds);
  }
  return quantile(reached, 0.5);
}

}  // namespace

void dissemination(const Effort& effort) {
  const auto sizes = by_effort<std::vector<std::size_t>>(effort, {32, 128, 1000}, {32});
  constexpr std::size_t kMembers = 20'000;  // of all runs of one kind
  for (const std::size_t nodes : sizes) {
    const std::size_t runs =
        by_effort<std::size_t>(effort, std::min(kMembers / nodes, kMostRuns), 20);
    for (const Way& way : kWays) {
      std::vector<Case> cases;
      for (std::size_t i = 0; i < runs; ++i) cases.push_back({nodes, way, seed_of(effort, i)});
      const auto heard = play_all<std::vector<double>>("dissemination", cases, effort, play);
      std::size_t complete = 0;
      for (const auto& one : heard) complete += one.size() == nodes - 1 ? 1 : 0;
      Line("dissemination")
          .add("nodes", std::uint64_t{nodes})
          .add("way", way.name)
          .add("runs", std::uint64_t{runs})
          .add("complete", std::uint64_t{complete})
          .add("half", rounds_until(heard, nodes, 0.5))
          .add("ninety", rounds_until(heard, nodes, 0.9))
          .add("ninety_nine", rounds_until(heard, nodes, 0.99))
          .add("all", rounds_until(heard, nodes, 1))
          .add("shares", shares(heard, nodes))
          .print();
    }
  }
}

}  // namespace memberlist::bench
