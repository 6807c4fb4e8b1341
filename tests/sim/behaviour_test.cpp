#include "memberlist/behaviour.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "memberlist/sim/scenario.hpp"
#include "memberlist/sim/world.hpp"
#include "sim/population.hpp"

// Clusters in which some members choose as the Go library does, or all; tests/engine has each
// switch for itself.
namespace memberlist::sim {
namespace {

using namespace std::chrono_literals;

/// Ten nodes with quick probes, the last five as in the Go library.
Scenario mixed() {
  Scenario scenario;
  scenario.name = "mixed";
  scenario.nodes = 10;
  scenario.go_nodes = 5;
  scenario.profile = Profile::local;
  scenario.config = Config::local();
  scenario.lasts = std::chrono::minutes(1);
  scenario.checks = CheckLevel::inside;
  return scenario;
}

Fault fault_of(FaultKind kind, Duration at, std::vector<NodeId> nodes) {
  Fault fault;
  fault.kind = kind;
  fault.at = at;
  fault.nodes.ids = std::move(nodes);
  return fault;
}

void expect_passed(const RunReport& report) {
  for (const Finding& finding : report.checks.findings) {
    ADD_FAILURE() << finding.check << " at " << finding.node << ": " << finding.text;
  }
}

RunReport played(const Scenario& scenario, std::uint64_t seed = 1) {
  const auto valid = scenario.validate();
  EXPECT_TRUE(valid) << valid.error().message;
  return play(scenario, seed);
}

TEST(MixedCluster, TheLastNodesOfTheBeginningFollowTheGoLibrary) {
  for (const bool formed : {true, false}) {
    SCOPED_TRACE(formed);
    Scenario scenario = mixed();
    scenario.formed = formed;
    scenario.behaviour.stall_rule = false;
    World world({.config = scenario.config, .behaviour = scenario.behaviour});
    Population population(world, scenario, 1);
    population.begin();
    world.run_for(1s);
    population.add_joining();
    ASSERT_EQ(world.size(), 11u);
    for (NodeId node = 0; node < world.size(); ++node) {
      const bool is_go = node >= 5 && node < 10;
      EXPECT_EQ(world.engine(node).behaviour(), is_go ? Behaviour::go() : scenario.behaviour)
          << node;
    }
    world.crash(7);
    world.restart(7);
    EXPECT_EQ(world.engine(7).behaviour(), Behaviour::go()) << "it is still the same program";
  }
}

TEST(MixedCluster, FindsOutWhoCrashed) {
  Scenario scenario = mixed();
  scenario.faults = {fault_of(FaultKind::crash, 5s, {2}), fault_of(FaultKind::crash, 6s, {8})};
  scenario.expect.detected_within = 40s;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) expect_passed(played(scenario, seed));
}

TEST(MixedCluster, FormsAndLetsMembersLeave) {
  Scenario scenario = mixed();
  scenario.formed = false;
  scenario.join_within = 2s;
  scenario.faults = {fault_of(FaultKind::leave, 20s, {3, 9})};
  scenario.expect.converged_within = 40s;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const RunReport report = played(scenario, seed);
    expect_passed(report);
    EXPECT_TRUE(report.formed_after.has_value());
  }
}

/// Whether two and two nodes find each other again that were parted until they were dead to each
/// other, and had no news any more.
bool heals(const std::vector<Behaviour>& behaviours, std::uint64_t seed) {
  World world({.seed = seed, .checks = CheckLevel::inside});
  std::vector<NodeOptions> nodes(behaviours.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) nodes[i].behaviour = behaviours[i];
  world.add_cluster(std::move(nodes));
  for (NodeId node = 0; node < world.size() / 2; ++node) world.set_group(node, 1);
  const auto apart = [&] {
    for (NodeId node = 0; node < world.size(); ++node) {
      if (world.engine(node).live_count() != world.size() / 2) return false;
    }
    return true;
  };
  EXPECT_TRUE(world.run_until(apart, 60s));
  world.run_for(5s);
  for (NodeId node = 0; node < world.size(); ++node) world.set_group(node, 0);
  const bool healed = world.run_until([&] { return world.converged(); }, 2min);
  for (const Finding& finding : world.check_report().findings) {
    ADD_FAILURE() << finding.check << " at " << finding.node << ": " << finding.text;
  }
  return healed;
}

TEST(MixedCluster, HealsAfterAPartitionIfOneOnEachSideTellsTheDead) {
  constexpr Behaviour kOwn;
  constexpr Behaviour kGo = Behaviour::go();
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    EXPECT_TRUE(heals({kOwn, kOwn, kOwn, kOwn}, seed));
    EXPECT_TRUE(heals({kOwn, kGo, kOwn, kGo}, seed));
    EXPECT_FALSE(heals({kGo, kGo, kGo, kGo}, seed));
  }
}

}  // namespace
}  // namespace memberlist::sim
