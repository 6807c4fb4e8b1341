#include "real_score.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "real_agent.hpp"

namespace memberlist::cli {
namespace {

using std::chrono::seconds;

sim::Scenario three() {
  sim::Scenario scenario;
  scenario.name = "three";
  scenario.nodes = 3;
  return scenario;
}

// Three nodes that know one another.
RealScore formed() {
  RealScore score(three(), 3);
  for (sim::NodeId node = 0; node < 3; ++node) score.started(node);
  for (sim::NodeId observer = 0; observer < 3; ++observer) {
    for (sim::NodeId subject = 0; subject < 3; ++subject) {
      if (observer == subject) continue;
      score.take(observer, {.kind = MemberEventKind::join, .subject = subject, .member = true},
                 Duration(-1));
    }
  }
  return score;
}

MemberChange dead(sim::NodeId subject) {
  return {.kind = MemberEventKind::dead, .subject = subject, .member = false};
}

// --- what agents say -----------------------------------------------------------------------------

TEST(RealAgents, EventsAreReadAsTheyArePrinted) {
  const auto change = read_change(
      R"({"event":"suspect","time":"x","member":{"name":"node-00012","status":"suspect"}})");
  ASSERT_TRUE(change);
  EXPECT_EQ(change->kind, MemberEventKind::suspect);
  EXPECT_EQ(change->subject, 12U);
  EXPECT_TRUE(change->member);
  const auto left =
      read_change(R"({"event":"leave","member":{"name":"node-00000","status":"left"}})");
  ASSERT_TRUE(left);
  EXPECT_FALSE(left->member);
  for (const char* other :
       {"", "[]", R"({"event":"ready","name":"node-00001"})",
        R"({"event":"conflict","member":{"name":"node-00001","status":"alive"}})",
        R"({"event":"join","member":{"name":"somebody","status":"alive"}})"}) {
    EXPECT_FALSE(read_change(other)) << other;
  }
}

TEST(RealAgents, HaveTheKnobsOfTheScenario) {
  sim::Scenario scenario = three();
  scenario.profile = Profile::local;
  scenario.config = Config::local();
  scenario.config.probe_interval = std::chrono::milliseconds(250);
  scenario.config.enable_compression = !scenario.config.enable_compression;
  const auto command = agent_command(scenario, 2, 0);
  const auto has = [&](const std::string& option, const std::string& value) {
    for (std::size_t i = 0; i + 1 < command.size(); ++i) {
      if (command[i] == option && command[i + 1] == value) return true;
    }
    return false;
  };
  EXPECT_TRUE(has("--name", "node-00002"));
  EXPECT_TRUE(has("--bind", "10.0.0.3:7946"));
  EXPECT_TRUE(has("--join", "10.0.0.1:7946"));
  EXPECT_TRUE(has("--profile", "local"));
  EXPECT_TRUE(has("--set", "probe_interval=250ms"));
  EXPECT_EQ(std::ranges::count(command, "--set"), 2) << "what is as in the profile is not said";
  EXPECT_EQ(std::ranges::count(agent_command(scenario, 0, std::nullopt), "--join"), 0);
}

// --- the account ---------------------------------------------------------------------------------

TEST(RealScore, AViewIsTheTruthOnceAllHaveComeIn) {
  RealScore score(three(), 3);
  score.started(0);
  EXPECT_EQ(score.converged(), 1);
  score.started(1);
  EXPECT_EQ(score.converged(), 0);
  score.take(0, {.kind = MemberEventKind::join, .subject = 1, .member = true}, Duration(-1));
  EXPECT_EQ(score.converged(), 0.5);
  EXPECT_EQ(formed().converged(), 1);
}

TEST(RealScore, ADetectionHasItsFirstHalfAndAll) {
  RealScore score = formed();
  score.ended(2, seconds(5));
  score.watch(2, seconds(5));
  score.take(0, dead(2), seconds(8));
  score.take(1, dead(2), seconds(9));
  ASSERT_EQ(score.detections().size(), 1U);
  const sim::Detection& detection = score.detections().front();
  EXPECT_EQ(detection.node, 2U);
  EXPECT_EQ(detection.first, seconds(3));
  EXPECT_EQ(detection.half, seconds(3));
  EXPECT_EQ(detection.all, seconds(4));
  EXPECT_EQ(score.false_positives(), 0U);
  EXPECT_EQ(score.converged(), 1);
}

TEST(RealScore, DeathsAreMistakesUnlessAFaultExcusesThem) {
  RealScore score = formed();
  score.take(0, {.kind = MemberEventKind::suspect, .subject = 1, .member = true}, seconds(1));
  score.take(0, dead(1), seconds(2));
  EXPECT_EQ(score.suspicions(), 1U);
  EXPECT_EQ(score.false_positives(), 1U);
  EXPECT_EQ(score.false_positives_healthy(), 1U);
  score.health().begin(2, sim::FaultEffect::down);
  score.take(0, dead(2), seconds(3));
  EXPECT_EQ(score.false_positives(), 1U);
}

TEST(RealScore, WhoStandsStillHasNoPartInAgreement) {
  RealScore score = formed();
  score.begin_stop(1, 0);
  score.begin_stop(1, 1);
  score.take(0, dead(1), seconds(1));
  EXPECT_EQ(score.converged(), 1);
  score.end_stop(1, 0);
  EXPECT_TRUE(score.is_stopped(1));
  score.end_stop(1, 1);
  EXPECT_LT(score.converged(), 1) << "it is a member again";
}

TEST(RealScore, WhoLeavesRunsOnWithoutTakingPart) {
  RealScore score = formed();
  score.leaves(1, seconds(1));
  EXPECT_EQ(score.running(), (std::vector<sim::NodeId>{0, 2}));
  EXPECT_EQ(score.processes(), 3U);
  score.ended(1, seconds(2));
  EXPECT_EQ(score.processes(), 2U);
  score.started(1);
  EXPECT_EQ(score.running().size(), 3U);
  EXPECT_LT(score.converged(), 1) << "it knows nobody yet";
}

}  // namespace
}  // namespace memberlist::cli
