// What a run of a scenario does, in virtual time.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "memberlist/sim/scenario.hpp"
#include "sim/faults.hpp"

namespace memberlist::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Six nodes with quick probes, for half a minute.
Scenario small() {
  Scenario scenario;
  scenario.name = "small";
  scenario.nodes = 6;
  scenario.profile = Profile::local;
  scenario.config = Config::local();
  scenario.lasts = seconds(30);
  return scenario;
}

RunReport played(const Scenario& scenario, std::uint64_t seed = 1) {
  const auto valid = scenario.validate();
  EXPECT_TRUE(valid) << valid.error().message;
  return play(scenario, seed);
}

RunReport played_with(Fault fault) {
  Scenario scenario = small();
  scenario.faults.push_back(std::move(fault));
  return played(scenario);
}

/// What became of the fault of this kind that node 2 suffers from the fifth second on.
RunReport played_with(FaultKind kind, void (*change)(Fault&) = [](Fault&) {}) {
  Fault fault = fault_of(kind);
  fault.at = seconds(5);
  if (kind == FaultKind::swap) {
    fault.nodes = {.ids = {2, 3}};
  } else if (kind != FaultKind::join) {
    fault.nodes = {.ids = {2}};
  }
  change(fault);
  return played_with(std::move(fault));
}

double least_converged(const RunReport& report) {
  const auto worst = std::ranges::min_element(report.samples, {}, &Sample::converged);
  return worst->converged;
}

std::string first_finding(const RunReport& report) {
  return report.checks.findings.empty() ? "" : report.checks.findings.front().check;
}

// --- a run ---------------------------------------------------------------------------------------

TEST(Play, ASeedDeterminesTheRun) {
  Scenario scenario = small();
  scenario.encrypted = true;
  for (const FaultKind kind : fault_kinds()) {
    if (kind == FaultKind::swap || kind == FaultKind::move) continue;
    scenario.faults.push_back(fault_of(kind));
    scenario.faults.back().nodes.count = 1;
    scenario.faults.back().at = seconds(3 + 3 * static_cast<int>(scenario.faults.size() % 8));
    const bool goes =
        kind == FaultKind::crash || kind == FaultKind::kill || kind == FaultKind::leave;
    if (goes) scenario.faults.back().lasts = seconds(2);
  }
  const RunReport first = played(scenario, 7);
  const RunReport again = played(scenario, 7);
  EXPECT_EQ(first.trace_hash, again.trace_hash);
  EXPECT_EQ(first.suspicions, again.suspicions);
  EXPECT_EQ(first.stats.events, again.stats.events);
  EXPECT_NE(played(scenario, 8).trace_hash, first.trace_hash);
}

TEST(Play, AHealthyClusterStaysWhole) {
  const RunReport report = played(small());
  EXPECT_TRUE(report.complete);
  EXPECT_EQ(report.suspicions, 0U);
  EXPECT_EQ(report.false_positives, 0U);
  EXPECT_EQ(report.converged_after, seconds(0));
  EXPECT_EQ(report.formed_after, std::nullopt);
  EXPECT_NEAR(report.stats.node_seconds, 180, 0.001);
  ASSERT_EQ(report.samples.size(), 30U);
  EXPECT_EQ(report.samples.back().at, seconds(30));
  EXPECT_EQ(least_converged(report), 1);
  std::uint64_t packets = 0;
  for (const Sample& sample : report.samples) packets += sample.packets;
  EXPECT_EQ(packets, report.stats.packets_sent);
}

TEST(Play, NodesThatDoNotKnowOneAnotherJoin) {
  Scenario scenario = small();
  scenario.formed = false;
  scenario.join_within = seconds(2);
  const RunReport report = played(scenario);
  ASSERT_TRUE(report.formed_after);
  EXPECT_GT(*report.formed_after, seconds(0));
  EXPECT_LT(*report.formed_after, seconds(10));
  EXPECT_LT(report.stats.node_seconds, 180);
  EXPECT_EQ(report.samples.back().converged, 1);
}

TEST(Play, AnEncryptedClusterWorks) {
  Scenario scenario = small();
  scenario.encrypted = true;
  EXPECT_EQ(least_converged(played(scenario)), 1);
  EXPECT_NE(played(scenario).stats.bytes_sent, played(small()).stats.bytes_sent);
}

TEST(Play, ZonesHaveALinkBetweenThem) {
  for (const bool formed : {true, false}) {
    Scenario scenario = small();
    scenario.formed = formed;
    scenario.zones = 2;
    scenario.zone_link.emplace();
    scenario.zone_link->udp_cut = true;
    const RunReport cut = played(scenario);
    EXPECT_GT(cut.stats.packets_lost, 0U) << formed;
    scenario.zone_link->udp_cut = false;
    EXPECT_EQ(played(scenario).stats.packets_lost, 0U) << formed;
  }
}

TEST(Play, ProgressMayEndARun) {
  std::vector<double> shares;
  const RunReport report = play(small(), 1, [&](double share) {
    shares.push_back(share);
    return shares.size() < 3;
  });
  EXPECT_FALSE(report.complete);
  EXPECT_EQ(report.samples.size(), 3U);
  ASSERT_EQ(shares.size(), 3U);
  EXPECT_DOUBLE_EQ(shares.back(), 0.1);
}

TEST(Play, AFaultThatIsAddedDrawsForItself) {
  Scenario scenario = small();
  scenario.faults = {{.kind = FaultKind::crash, .at = seconds(5)}};
  const NodeId before = played(scenario).detections.front().node;
  scenario.faults.push_back(
      {.kind = FaultKind::duplicate, .at = seconds(1), .nodes = {.count = 2}, .rate = 0.5});
  EXPECT_EQ(played(scenario).detections.front().node, before);
}

// --- step by step --------------------------------------------------------------------------------

/// Everybody loses packets, and one crashes.
Scenario lossy() {
  Scenario scenario = small();
  scenario.link.loss = 0.2;
  scenario.faults = {{.kind = FaultKind::crash, .at = seconds(12)}};
  scenario.heal_at_end = true;
  return scenario;
}

TEST(ScenarioRun, InPiecesIsTheSameRun) {
  Scenario scenario = lossy();
  scenario.formed = false;
  scenario.join_within = seconds(2);
  const RunReport whole = played(scenario, 3);
  ScenarioRun run(scenario, 3);
  for (const auto until : {0, 1, 777, 1'000, 1'003, 900, 12'345, 29'999}) {
    run.play_until(milliseconds(until));
  }
  EXPECT_EQ(run.world().elapsed(), milliseconds(29'999));
  const RunReport pieces = run.finish();
  EXPECT_EQ(pieces.trace_hash, whole.trace_hash);
  EXPECT_EQ(pieces.formed_after, whole.formed_after);
  EXPECT_EQ(pieces.converged_after, whole.converged_after);
  EXPECT_EQ(pieces.stats.events, whole.stats.events);
  ASSERT_EQ(pieces.samples.size(), whole.samples.size());
  for (std::size_t i = 0; i < whole.samples.size(); ++i) {
    EXPECT_EQ(pieces.samples[i].at, whole.samples[i].at);
    EXPECT_EQ(pieces.samples[i].converged, whole.samples[i].converged);
    EXPECT_EQ(pieces.samples[i].packets, whole.samples[i].packets);
  }
}

TEST(ScenarioRun, EndsWithItsScenario) {
  const Scenario scenario = small();
  ScenarioRun run(scenario, 1);
  run.play_until(seconds(100));
  EXPECT_EQ(run.world().elapsed(), scenario.lasts);
}

TEST(ScenarioRun, TellsOfEachChange) {
  const Scenario scenario = lossy();
  ScenarioRun run(scenario, 1);
  std::size_t suspicions = 0;
  run.on_event([&](NodeId, const MemberEvent& event) {
    suspicions += event.kind == MemberEventKind::suspect ? 1 : 0;
  });
  const RunReport report = run.finish();
  EXPECT_GT(suspicions, 0U);
  EXPECT_EQ(suspicions, report.suspicions);
}

TEST(ScenarioRun, AnotherFutureHasTheSameFaults) {
  const Scenario scenario = lossy();
  const auto future = [&](std::uint64_t seed) {
    ScenarioRun run(scenario, 1);
    run.play_until(seconds(10));
    const std::uint64_t before = run.world().trace_hash();
    if (seed != 0) run.world().reseed(seed);
    const RunReport report = run.finish();
    EXPECT_EQ(report.detections.front().node, played(scenario, 1).detections.front().node);
    return std::pair(before, report.trace_hash);
  };
  EXPECT_EQ(future(0).second, played(scenario, 1).trace_hash);
  EXPECT_EQ(future(1), future(1));
  EXPECT_EQ(future(1).first, future(2).first);
  EXPECT_NE(future(1).second, future(2).second);
  EXPECT_NE(future(1).second, future(0).second);
}

// --- faults --------------------------------------------------------------------------------------

TEST(Play, EveryKindOfFaultMakesADifference) {
  const std::uint64_t none = played(small()).trace_hash;
  for (const FaultKind kind : fault_kinds()) {
    if (kind == FaultKind::keys) continue;  // below
    // These show only where streams are.
    if (kind == FaultKind::tcp_stall || kind == FaultKind::tcp_reset) continue;
    EXPECT_NE(played_with(kind).trace_hash, none) << to_string(kind);
  }
}

TEST(Play, AChangeOfTheKeyIsNotFeltAndAllPacketsAreRead) {
  Scenario scenario = small();
  scenario.encrypted = true;
  scenario.lasts = seconds(60);
  const RunReport before = played(scenario);
  scenario.faults = {{.kind = FaultKind::keys, .at = seconds(5), .time = seconds(4)},
                     {.kind = FaultKind::keys, .at = seconds(6), .time = milliseconds(100)},
                     {.kind = FaultKind::join, .at = seconds(12), .time = seconds(30)}};
  scenario.faults.back().nodes.count = 3;
  for (const CheckLevel checks : {CheckLevel::packets, CheckLevel::inside}) {
    scenario.checks = checks;
    const RunReport report = played(scenario);
    EXPECT_NE(report.trace_hash, before.trace_hash);
    EXPECT_EQ(report.suspicions, 0U);
    EXPECT_EQ(first_finding(report), "");
    const auto packets = std::ranges::find(report.checks.counts, "packets", &CheckCount::check);
    EXPECT_GE(packets->exercised, 2 * report.stats.packets_sent) << "some were left out";
  }
}

TEST(Play, WhoIsAwayWhileTheKeyIsChangedHasTheNewOneAfterwards) {
  Scenario scenario = small();
  scenario.encrypted = true;
  scenario.lasts = seconds(60);
  scenario.faults = {
      {.kind = FaultKind::crash, .at = seconds(2), .lasts = seconds(40), .nodes = {.ids = {1}}},
      {.kind = FaultKind::pause, .at = seconds(4), .lasts = seconds(20), .nodes = {.ids = {2}}},
      {.kind = FaultKind::keys, .at = seconds(5), .time = seconds(1)}};
  ScenarioRun run(scenario, 1);
  const auto fingerprints = [&](NodeId node) {
    std::vector<std::string> all;
    for (const KeyInfo& key : run.world().engine(node).keys()) all.push_back(key.fingerprint);
    return all;
  };
  run.play_until(seconds(4));
  const std::vector<std::string> old = fingerprints(0);
  run.play_until(seconds(23));
  EXPECT_EQ(fingerprints(0).size(), 2U) << "the others wait for who stands still";
  EXPECT_EQ(fingerprints(2), old);
  const RunReport report = run.finish();
  for (NodeId node = 0; node < scenario.nodes; ++node) {
    ASSERT_EQ(fingerprints(node).size(), 1U) << node;
    EXPECT_EQ(fingerprints(node), fingerprints(0)) << node;
  }
  EXPECT_NE(fingerprints(0), old);
  EXPECT_EQ(report.samples.back().converged, 1);
}

TEST(Play, WhoCrashesIsDetected) {
  for (const FaultKind kind : {FaultKind::crash, FaultKind::kill, FaultKind::block}) {
    const RunReport report = played_with(kind);
    ASSERT_EQ(report.detections.size(), 1U) << to_string(kind);
    const Detection& detection = report.detections.front();
    EXPECT_EQ(detection.node, 2U);
    EXPECT_EQ(detection.at, seconds(5));
    ASSERT_TRUE(detection.first && detection.half && detection.all) << to_string(kind);
    EXPECT_LE(*detection.first, *detection.half);
    EXPECT_LE(*detection.half, *detection.all);
    EXPECT_EQ(report.false_positives_healthy, 0U) << "it was right to hold it for dead";
    EXPECT_TRUE(report.converged_after) << to_string(kind);
  }
}

TEST(Play, WhoComesBackIsNotToBeDetected) {
  for (const FaultKind kind : {FaultKind::crash, FaultKind::kill, FaultKind::leave}) {
    const RunReport report = played_with(kind, [](Fault& fault) { fault.lasts = seconds(2); });
    EXPECT_TRUE(report.detections.empty()) << to_string(kind);
    EXPECT_LT(report.stats.node_seconds, 179) << to_string(kind);
    EXPECT_GT(report.stats.node_seconds, 177) << to_string(kind);
    EXPECT_EQ(report.samples.back().converged, 1) << to_string(kind);
    EXPECT_EQ(report.false_positives, 0U) << to_string(kind);
  }
}

TEST(Play, WhoStandsStillIsSuspectedAndNoFalsePositive) {
  for (const FaultKind kind : {FaultKind::pause, FaultKind::block}) {
    const RunReport report = played_with(kind, [](Fault& fault) { fault.lasts = seconds(3); });
    EXPECT_GT(report.suspicions, 0U) << to_string(kind);
    EXPECT_EQ(report.false_positives, 0U) << to_string(kind);
    EXPECT_EQ(report.samples.back().converged, 1) << to_string(kind);
  }
}

TEST(Play, AHiccupComesAgainAndAgain) {
  const RunReport report = played_with(FaultKind::hiccup, [](Fault& fault) {
    fault.time = seconds(3);
    fault.every = seconds(6);
    fault.lasts = seconds(12);
  });
  EXPECT_GT(report.suspicions, 5U);
  EXPECT_EQ(report.false_positives, 0U);
  EXPECT_EQ(report.samples.back().converged, 1);
}

TEST(Play, WhoCannotBeReachedIsSuspected) {
  const auto suspicions = [](FaultKind kind, void (*change)(Fault&)) {
    return played_with(kind, change).suspicions;
  };
  EXPECT_GT(suspicions(FaultKind::cut, [](Fault&) {}), 0U);
  EXPECT_GT(suspicions(FaultKind::loss, [](Fault& f) { f.rate = 1; }), 0U);
  EXPECT_GT(suspicions(FaultKind::bursts, [](Fault& f) { f.rate = 1; }), 0U);
  EXPECT_GT(suspicions(FaultKind::latency, [](Fault& f) { f.time = seconds(3); }), 0U);
  EXPECT_GT(suspicions(FaultKind::slow, [](Fault& f) { f.time = seconds(1); }), 0U);
}

TEST(Play, WhatIsSlowOrLossyCanBeReached) {
  const RunReport report = played_with(FaultKind::slow, [](Fault& f) { f.time = seconds(1); });
  EXPECT_GT(report.false_positives, 0U) << "its deaths count";
}

TEST(Play, DatagramsAndStreamsAreCutApart) {
  // Without datagrams TCP pings keep it alive, without streams datagrams do.
  EXPECT_EQ(played_with(FaultKind::cut, [](Fault& f) { f.tcp = false; }).detections.size(), 0U);
  EXPECT_GT(played_with(FaultKind::cut, [](Fault& f) { f.tcp = false; }).stats.packets_lost, 0U);
  EXPECT_EQ(played_with(FaultKind::cut, [](Fault& f) { f.udp = false; }).suspicions, 0U);
}

TEST(Play, LinksAreWorseInOneDirection) {
  const auto lost = [](Fault::Direction direction) {
    Fault fault = fault_of(FaultKind::loss);
    fault.rate = 1;
    fault.nodes = {.ids = {2}};
    fault.direction = direction;
    return played_with(fault).trace_hash;
  };
  EXPECT_NE(lost(Fault::Direction::incoming), lost(Fault::Direction::outgoing));
  EXPECT_NE(lost(Fault::Direction::incoming), lost(Fault::Direction::both));
}

TEST(Play, FaultsOfOneLinkCompose) {
  const auto lost = [](std::vector<Fault> faults) {
    Scenario scenario = small();
    scenario.faults = std::move(faults);
    return played(scenario).stats.packets_lost;
  };
  Fault half = fault_of(FaultKind::loss);
  half.nodes = {.ids = {2}};
  half.rate = 0.5;
  Fault short_one = half;
  short_one.lasts = seconds(1);
  EXPECT_GT(lost({half, half}), lost({half}));
  EXPECT_GT(lost({half, short_one}), lost({short_one}) + 10) << "the longer one goes on";
}

TEST(Play, AClockThatIsFastProbesMore) {
  EXPECT_GT(played_with(FaultKind::drift, [](Fault& f) { f.rate = 1; }).stats.packets_sent,
            played(small()).stats.packets_sent);
}

TEST(Play, DuplicatesAreNoMorePacketsSent) {
  const RunReport report = played_with(FaultKind::duplicate, [](Fault& f) { f.rate = 1; });
  EXPECT_EQ(report.suspicions, 0U);
  EXPECT_EQ(least_converged(report), 1);
}

TEST(Play, ALargeDatagramVanishesAtASmallMtu) {
  EXPECT_GT(played_with(FaultKind::mtu, [](Fault& f) { f.bytes = 64; }).stats.packets_lost, 0U);
}

TEST(Play, APartitionDividesTheViewsAndEnds) {
  Scenario scenario = small();
  scenario.faults = {{.kind = FaultKind::partition,
                      .at = seconds(2),
                      .lasts = seconds(15),
                      .nodes = {.ids = {0, 1}}}};
  scenario.heal_at_end = true;
  scenario.expect.converged_within = seconds(30);
  const RunReport report = played(scenario);
  EXPECT_EQ(least_converged(report), 0);
  EXPECT_EQ(report.false_positives, 0U);
  EXPECT_TRUE(report.converged_after);
  EXPECT_EQ(first_finding(report), "");
}

TEST(Play, AFlapComesAndGoes) {
  const RunReport report = played_with(FaultKind::flap, [](Fault& f) {
    f.every = seconds(4);
    f.lasts = seconds(12);
  });
  EXPECT_GT(report.stats.packets_lost, 0U);
  EXPECT_GT(report.suspicions, 0U);
  EXPECT_EQ(report.false_positives, 0U);
}

TEST(Play, WhoLeavesIsNotDead) {
  const RunReport report = played_with(FaultKind::leave);
  EXPECT_EQ(report.suspicions, 0U);
  EXPECT_TRUE(report.detections.empty());
  EXPECT_TRUE(report.converged_after);
  EXPECT_LT(report.stats.node_seconds, 160) << "its process has ended";
}

TEST(Play, NewNodesJoin) {
  const RunReport report = played_with(FaultKind::join, [](Fault& f) {
    f.nodes.count = 4;
    f.time = seconds(2);
  });
  EXPECT_GT(report.stats.node_seconds, 180 + 4 * 22);
  EXPECT_EQ(report.samples.back().converged, 1);
}

TEST(Play, WhoMovesComesBackAtAnotherAddress) {
  const RunReport report = played_with(FaultKind::move);
  EXPECT_NEAR(report.stats.node_seconds, 180, 0.001);
  EXPECT_EQ(report.false_positives, 0U);
}

TEST(Play, ANamesakeIsOneMoreProcessAndNoMoreMember) {
  const RunReport report = played_with(FaultKind::namesake);
  EXPECT_NEAR(report.stats.node_seconds, 180 + 25, 0.001);
  EXPECT_EQ(report.false_positives, 0U);
}

TEST(Play, MetaDataAndBroadcastsAreTold) {
  const std::uint64_t quiet = played(small()).stats.bytes_sent;
  for (const FaultKind kind : {FaultKind::meta, FaultKind::broadcast}) {
    const std::uint64_t once = played_with(kind).stats.bytes_sent;
    EXPECT_GT(once, quiet) << to_string(kind);
    const std::uint64_t often =
        played_with(kind, [](Fault& f) { f.every = seconds(1); }).stats.bytes_sent;
    EXPECT_GT(often, once) << to_string(kind);
  }
}

TEST(Play, FaultsOfStreamsShowWhereNodesJoin) {
  for (const FaultKind kind : {FaultKind::tcp_stall, FaultKind::tcp_reset}) {
    Scenario scenario = small();
    scenario.formed = false;
    scenario.join_within = seconds(5);
    const std::uint64_t none = played(scenario).trace_hash;
    scenario.faults = {fault_of(kind)};
    scenario.faults.front().rate = 1;
    scenario.faults.front().nodes = {.ids = {0}};
    scenario.faults.front().at = milliseconds(1);
    scenario.faults.front().lasts = seconds(10);
    const RunReport report = played(scenario);
    EXPECT_NE(report.trace_hash, none) << to_string(kind);
    EXPECT_EQ(report.samples.back().converged, 1) << "they try again";
  }
}

// --- what is expected ----------------------------------------------------------------------------

TEST(Play, ALateDetectionIsAFinding) {
  Scenario scenario = small();
  scenario.faults = {{.kind = FaultKind::crash, .at = seconds(5)}};
  scenario.expect.detected_within = seconds(20);
  const RunReport good = played(scenario);
  EXPECT_TRUE(good.checks.passed());
  EXPECT_EQ(good.checks.counts.back().check, "expect_detected");
  EXPECT_EQ(good.checks.counts.back().exercised, 1U);
  scenario.expect.detected_within = milliseconds(10);
  const RunReport late = played(scenario);
  EXPECT_EQ(first_finding(late), "expect_detected");
  EXPECT_EQ(late.checks.counts.back().findings, 1U);
  EXPECT_TRUE(late.checks.findings.front().node.starts_with("node-0000"));
}

TEST(Play, ViewsThatDifferAreAFinding) {
  Scenario scenario = small();
  scenario.faults = {{.kind = FaultKind::crash, .at = seconds(29)}};
  scenario.expect.converged_within = milliseconds(500);
  EXPECT_EQ(first_finding(played(scenario)), "expect_converged");
}

TEST(Play, FalsePositivesAreAFinding) {
  Scenario scenario = small();
  scenario.faults = {
      {.kind = FaultKind::slow, .at = seconds(1), .nodes = {.ids = {2}}, .time = seconds(1)}};
  scenario.expect.false_positives = 0;
  EXPECT_EQ(first_finding(played(scenario)), "expect_false_positives");
}

// Who stands still at the moment of a crash is one of those that are to detect it.
TEST(Play, ThoseThatStandStillForAMomentDetectACrashToo) {
  Scenario scenario;
  scenario.name = "hiccups";
  scenario.nodes = 4;
  scenario.lasts = std::chrono::minutes(3);
  Fault hiccup;
  hiccup.kind = FaultKind::hiccup;
  hiccup.nodes.ids = {0, 1, 2};
  hiccup.time = std::chrono::milliseconds(900);
  hiccup.every = std::chrono::seconds(1);
  Fault crash;
  crash.at = std::chrono::seconds(5);
  crash.nodes.ids = {3};
  scenario.faults = {hiccup, crash};
  ASSERT_TRUE(scenario.validate());
  const RunReport report = play(scenario, 1);
  ASSERT_EQ(report.detections.size(), 1U);
  EXPECT_TRUE(report.detections.front().all);
}

}  // namespace
}  // namespace memberlist::sim
