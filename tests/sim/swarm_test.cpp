#include "memberlist/sim/swarm.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>

namespace memberlist::sim {
namespace {

using std::chrono::seconds;

bool has(const Scenario& scenario, FaultKind kind) {
  return std::ranges::find(scenario.faults, kind, &Fault::kind) != scenario.faults.end();
}

TEST(Swarm, EverySeedHasAValidScenario) {
  std::set<FaultKind> drawn;
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    for (const auto strategy : {SwarmStrategy::swarm, SwarmStrategy::random}) {
      const Scenario scenario = draw_scenario(seed, strategy);
      const auto valid = scenario.validate();
      ASSERT_TRUE(valid) << "seed " << seed << ": " << valid.error().message;
      for (const Fault& fault : scenario.faults) drawn.insert(fault.kind);
    }
  }
  for (const FaultKind kind : fault_kinds()) {
    EXPECT_EQ(drawn.contains(kind), kind != FaultKind::namesake) << to_string(kind);
  }
}

TEST(Swarm, AFewClustersAreMixed) {
  std::size_t mixed = 0;
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    const Scenario scenario = draw_scenario(seed);
    if (scenario.go_nodes == 0) continue;
    ++mixed;
    EXPECT_LT(scenario.go_nodes, scenario.nodes) << "seed " << seed;
  }
  EXPECT_GT(mixed, 40u);
  EXPECT_LT(mixed, 160u);
}

TEST(Swarm, ASeedAlwaysHasTheSameScenario) {
  const RunReport first = play(draw_scenario(11), 11);
  const RunReport second = play(draw_scenario(11), 11);
  EXPECT_EQ(first.trace_hash, second.trace_hash);
  EXPECT_NE(first.trace_hash, play(draw_scenario(12), 12).trace_hash);
}

// A few here; .ci/run plays more of them.
TEST(Swarm, TheEngineKeepsItsPromises) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const RunReport report = play(draw_scenario(seed), seed);
    for (const Finding& finding : report.checks.findings) {
      ADD_FAILURE() << "seed " << seed << ": " << finding.check << " at " << finding.node << ": "
                    << finding.text;
    }
  }
}

Scenario troubled() {
  Scenario scenario;
  scenario.name = "troubled";
  scenario.nodes = 20;
  scenario.lasts = seconds(60);
  scenario.config.gossip_nodes = 8;
  scenario.encrypted = true;
  scenario.link.loss = 0.05;
  scenario.go_nodes = 6;
  scenario.behaviour.stall_rule = false;
  for (const FaultKind kind :
       {FaultKind::pause, FaultKind::crash, FaultKind::block, FaultKind::crash, FaultKind::kill}) {
    Fault fault;
    fault.kind = kind;
    fault.at = seconds(5);
    fault.nodes.count = 3;
    scenario.faults.push_back(fault);
  }
  return scenario;
}

TEST(Shrink, LeavesOutAllThatIsNotNeeded) {
  std::size_t plays = 0;
  const Shrunk shrunk = shrink(troubled(), [&](const Scenario& scenario) {
    ++plays;
    EXPECT_TRUE(scenario.validate());
    return has(scenario, FaultKind::block) && scenario.nodes >= 3;
  });
  EXPECT_TRUE(shrunk.complete);
  EXPECT_EQ(shrunk.plays, plays);
  ASSERT_EQ(shrunk.scenario.faults.size(), 1U);
  EXPECT_EQ(shrunk.scenario.faults.front().kind, FaultKind::block);
  EXPECT_EQ(shrunk.scenario.faults.front().nodes.count, 1U);
  EXPECT_EQ(shrunk.scenario.nodes, 3U);
  EXPECT_EQ(shrunk.scenario.config.gossip_nodes, Config::lan().gossip_nodes);
  EXPECT_EQ(shrunk.scenario.link.loss, 0);
  EXPECT_FALSE(shrunk.scenario.encrypted);
  EXPECT_EQ(shrunk.scenario.go_nodes, 0U);
  EXPECT_EQ(shrunk.scenario.behaviour, Behaviour{});
  EXPECT_LE(shrunk.scenario.lasts, seconds(10));
}

TEST(Shrink, KeepsTwoFaultsThatAreNeededTogether) {
  const Shrunk shrunk = shrink(troubled(), [&](const Scenario& scenario) {
    return has(scenario, FaultKind::pause) && has(scenario, FaultKind::kill);
  });
  EXPECT_EQ(shrunk.scenario.faults.size(), 2U);
}

TEST(Shrink, EndsAfterSoManyPlays) {
  const Shrunk shrunk = shrink(troubled(), [](const Scenario&) { return true; }, 3);
  EXPECT_FALSE(shrunk.complete);
  EXPECT_EQ(shrunk.plays, 3U);
}

}  // namespace
}  // namespace memberlist::sim
