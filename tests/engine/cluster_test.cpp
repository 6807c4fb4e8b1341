#include <algorithm>
#include <map>
#include <set>

#include "engine_fixture.hpp"
#include "support/sanitizers.hpp"

// Whole clusters: faults are seen by everyone in the time of the formulas, and nothing else is.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

// The latest time at which a crash must be reported everywhere: the round in which its turn comes,
// the probe, the suspicion, and gossip.
Duration latest_death(std::size_t members) {
  const SuspicionFormula formula{.members = members};
  return static_cast<std::int64_t>(members) * 1s + 2s + formula.max() + 5s;
}

TEST(EngineCluster, SixteenJoinAtRandomAndOneLeaves) {
  Cluster cluster({.size = 16});
  Random random(5);
  for (HostId node = 1; node < 16; ++node) {
    ASSERT_TRUE(cluster.join(node, {random.below(node)}).has_value());
    cluster.run_for(20ms);
  }
  ASSERT_TRUE(cluster.run_until([&] { return cluster.agree(16); }, 60s));
  for (HostId node = 0; node < 16; ++node) {
    EXPECT_EQ(cluster.engine(node).members()->size(), 16u);
  }
  ASSERT_TRUE(cluster.leave(9).has_value());
  EXPECT_TRUE(cluster.run_until(
      [&] {
        for (HostId node = 0; node < 16; ++node) {
          if (cluster.status(node, 9) != MemberStatus::left) return false;
        }
        return true;
      },
      10s));
  cluster.run_for(60s);
  EXPECT_EQ(cluster.count(suspect), 0u);
}

TEST(EngineCluster, JoinThenDeathOfTheOtherIsSeenAsFailed) {
  for (const bool refusing : {false, true}) {
    Cluster cluster({.size = 2});
    ASSERT_TRUE(cluster.assemble());
    const TimePoint died = cluster.now();
    refusing ? cluster.kill(1) : cluster.crash(1);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.status(0, 1) == MemberStatus::dead; }, 20s));
    EXPECT_LE(cluster.now() - died, 1s + 1s + 4s + 100ms) << "a tick, a probe, the least suspicion";
    EXPECT_GE(cluster.now() - died, 4s);
    EXPECT_EQ(cluster.engine(0).live_count(), 1u);
    const LoggedOutput* suspected = cluster.find(0, 1, suspect, died);
    ASSERT_NE(suspected, nullptr);
    EXPECT_EQ(*cluster.when(0, 1, dead) - *cluster.when(0, 1, suspect), 4s);
  }
}

// With a sanitizer a minute takes as long as ten.
constexpr Duration kWhile = kSanitized ? 1min : 10min;

TEST(EngineCluster, HundredNodesStayFreeOfFalseAlarms) {
  Cluster cluster({.size = 100});
  ASSERT_TRUE(cluster.assemble());
  const TimePoint agreed = cluster.now();
  EXPECT_LT(cluster.timeline().elapsed(), 20s);
  cluster.run_for(kWhile);
  EXPECT_EQ(cluster.count(suspect), 0u);
  EXPECT_EQ(cluster.count(dead), 0u);
  EXPECT_EQ(cluster.count(leave), 0u);
  EXPECT_TRUE(cluster.agree(100));
  EXPECT_EQ(cluster.count(join, agreed), 0u);
}

TEST(EngineCluster, HundredNodesAtFivePercentLossLoseNobody) {
  Link link;
  link.loss = 0.05;
  link.latency = 2ms;
  link.jitter = 5ms;
  Cluster cluster({.size = 100, .link = link});
  ASSERT_TRUE(cluster.assemble(120s));
  cluster.run_for(kWhile);
  EXPECT_GT(cluster.network().packets_lost(), 100 * kWhile / 1min);
  EXPECT_EQ(cluster.count(dead), 0u);
  EXPECT_EQ(cluster.count(leave), 0u);
  for (HostId node = 0; node < 100; ++node) {
    EXPECT_EQ(cluster.engine(node).live_count(), 100u);
  }
}

TEST(EngineCluster, FiveCrashesAreSeenByEveryone) {
  constexpr std::size_t kSize = 40;
  Cluster cluster({.size = kSize});
  ASSERT_TRUE(cluster.assemble());
  cluster.run_for(10s);
  const TimePoint crashed = cluster.now();
  const std::set<HostId> victims{3, 11, 12, 25, 39};
  for (const HostId victim : victims) cluster.crash(victim);
  const bool agreed =
      cluster.run_until([&] { return cluster.agree(kSize - victims.size()); }, latest_death(kSize));
  EXPECT_TRUE(agreed);
  const SuspicionFormula formula{.members = kSize};
  for (HostId node = 0; node < kSize; ++node) {
    if (victims.contains(node)) continue;
    for (const HostId victim : victims) {
      const auto dead_at = cluster.when(node, victim, dead, crashed);
      ASSERT_TRUE(dead_at.has_value()) << node << " about " << victim;
      EXPECT_GE(*dead_at - crashed, formula.min());
      EXPECT_EQ(cluster.when(node, victim, leave, crashed), dead_at) << "at once";
      EXPECT_EQ(cluster.count(node, victim, leave), 1u) << "once for each death";
    }
  }
  for (const LoggedOutput& line : cluster.log()) {
    const auto* event = std::get_if<Event>(&line.what);
    const auto* change = event == nullptr ? nullptr : std::get_if<MemberEvent>(event);
    if (change == nullptr || change->kind != dead) continue;
    const HostId about = std::stoul(change->member.name().substr(1));
    EXPECT_TRUE(victims.contains(about)) << change->member.name() << " is well";
  }
}

TEST(EngineCluster, DeathsCarryTheirEvidence) {
  Cluster cluster({.size = 10});
  ASSERT_TRUE(cluster.assemble());
  cluster.run_for(10s);
  const TimePoint crashed = cluster.now();
  cluster.crash(4);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.agree(9); }, latest_death(10)));
  std::size_t by_probe = 0;
  std::size_t by_expiry = 0;
  for (HostId node = 0; node < 10; ++node) {
    if (node == 4) continue;
    const LoggedOutput* suspected = cluster.find(node, 4, suspect, crashed);
    ASSERT_NE(suspected, nullptr);
    const Cause& cause = std::get<MemberEvent>(std::get<Event>(suspected->what)).cause;
    by_probe += cause.kind == Cause::Kind::probe_failed;
    EXPECT_EQ(cause.indirect_probes, cause.kind == Cause::Kind::probe_failed ? 3u : 0u);
    EXPECT_FALSE(cause.accuser.empty());
    const LoggedOutput* died = cluster.find(node, 4, dead, crashed);
    ASSERT_NE(died, nullptr);
    const Cause& end = std::get<MemberEvent>(std::get<Event>(died->what)).cause;
    if (end.kind != Cause::Kind::suspicion_expired) continue;
    ++by_expiry;
    EXPECT_EQ(end.accusers.size(), end.confirmations + 1u);
    EXPECT_EQ(std::set(end.accusers.begin(), end.accusers.end()).size(), end.accusers.size());
  }
  EXPECT_GE(by_probe, 1u);
  EXPECT_GE(by_expiry, 1u);
}

TEST(EngineCluster, PauseShorterThanTheSuspicionIsRefuted) {
  Cluster cluster({.size = 8});
  ASSERT_TRUE(cluster.assemble());
  cluster.run_for(10s);
  const TimePoint start = cluster.now();
  cluster.pause(3);
  ASSERT_TRUE(
      cluster.run_until([&] { return cluster.when(0, 3, suspect, start).has_value(); }, 10s));
  cluster.run_for(500ms);
  cluster.resume(3);
  cluster.run_for(60s);
  EXPECT_TRUE(cluster.agree(8));
  EXPECT_EQ(cluster.count(dead), 0u);
  EXPECT_GE(cluster.count(0, 3, alive, start), 1u) << "suspect, then alive again";
  EXPECT_GT(cluster.engine(0).member("n03")->incarnation, 1u);
  EXPECT_GE(cluster.engine(3).counters().refutations, 1u);
}

TEST(EngineCluster, RestartedNodeComesBackByRefutingUpward) {
  Cluster cluster({.size = 6});
  ASSERT_TRUE(cluster.assemble());
  cluster.run_for(5s);
  cluster.crash(2);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.agree(5); }, latest_death(6)));
  const TimePoint restarted = cluster.now();
  cluster.restart(2);
  EXPECT_EQ(cluster.engine(2).local_member().incarnation, 1u);
  ASSERT_TRUE(cluster.join(2, {0}).has_value());
  ASSERT_TRUE(cluster.run_until([&] { return cluster.agree(6); }, 10s));
  EXPECT_GT(cluster.engine(2).local_member().incarnation, 1u);
  EXPECT_EQ(cluster.count(4, 2, alive, restarted), 1u);
  EXPECT_EQ(cluster.count(4, 2, join, restarted), 1u) << "alive, then join";
}

TEST(EngineCluster, UdpCutToOneNodeIsBridgedByTcp) {
  Cluster cluster({.size = 2});
  ASSERT_TRUE(cluster.assemble());
  const TimePoint start = cluster.now();
  cluster.network().both_ways(0, 1, [](Link& rule) { rule.udp_cut = true; });
  cluster.run_for(60s);
  EXPECT_EQ(cluster.count(suspect, start), 0u);
  EXPECT_GE(cluster.engine(0).counters().probes_saved_by_tcp, 20u);
  EXPECT_GE(cluster.log_lines(0, LogLevel::warning, "UDP"), 1u);
}

TEST(EngineCluster, CutBetweenTwoIsBridgedByTheOthers) {
  Cluster cluster({.size = 6});
  ASSERT_TRUE(cluster.assemble());
  const TimePoint start = cluster.now();
  cluster.network().both_ways(0, 1, [](Link& rule) { rule.udp_cut = rule.tcp_cut = true; });
  cluster.run_for(120s);
  EXPECT_EQ(cluster.count(suspect, start), 0u);
  EXPECT_GE(cluster.engine(0).counters().probes_saved_by_indirect, 10u);
}

TEST(EngineCluster, OneWayCutIsBridgedToo) {
  Cluster cluster({.size = 6});
  ASSERT_TRUE(cluster.assemble());
  const TimePoint start = cluster.now();
  cluster.network().rule(0, 1).udp_cut = true;
  cluster.network().rule(0, 1).tcp_cut = true;
  cluster.run_for(120s);
  EXPECT_EQ(cluster.count(suspect, start), 0u);
}

TEST(EngineCluster, UnreachableNetworkLeadsToSuspicionWithinTheProbe) {
  Cluster cluster({.size = 2});
  ASSERT_TRUE(cluster.assemble());
  const TimePoint start = cluster.now();
  cluster.network().both_ways(0, 1, [](Link& rule) {
    rule.udp_refused = true;
    rule.tcp_refused = true;
  });
  ASSERT_TRUE(
      cluster.run_until([&] { return cluster.when(0, 1, suspect, start).has_value(); }, 5s));
  EXPECT_GE(cluster.engine(0).counters().send_errors, 1u);
}

TEST(EngineCluster, APartitionIsOneLeaveAndOneJoinOfEachMember) {
  Config config = Config::lan();
  config.gossip_to_the_dead_time = 120s;
  Cluster cluster({.size = 10, .config = config});
  ASSERT_TRUE(cluster.assemble());
  cluster.run_for(10s);
  const TimePoint cut = cluster.now();
  for (HostId node = 5; node < 10; ++node) cluster.network().set_group(node, 1);
  ASSERT_TRUE(cluster.run_until(
      [&] {
        for (HostId node = 0; node < 10; ++node) {
          if (cluster.engine(node).live_count() != 5) return false;
        }
        return true;
      },
      60s))
      << "each half takes the other for dead";
  cluster.network().heal_partitions();
  const TimePoint healed = cluster.now();
  EXPECT_LT(healed - cut, 60s);
  EXPECT_TRUE(cluster.run_until([&] { return cluster.agree(10); }, 60s));
  for (HostId node = 0; node < 10; ++node) {
    for (HostId other = 0; other < 10; ++other) {
      if ((node < 5) == (other < 5)) continue;
      EXPECT_EQ(cluster.count(node, other, leave), 1u);
      EXPECT_EQ(cluster.count(node, other, join), 2u);
    }
  }
}

TEST(EngineCluster, StreamsOfOneByteSegmentsMakeNoDifference) {
  Cluster cluster({.size = 5});
  cluster.network().set_stream_piece_bytes(1);
  ASSERT_TRUE(cluster.assemble());
  cluster.run_for(120s);
  EXPECT_TRUE(cluster.agree(5));
  EXPECT_GE(cluster.engine(0).counters().push_pulls_served, 4u);
  EXPECT_EQ(cluster.engine(0).counters().push_pulls_failed, 0u);
}

TEST(EngineCluster, EncryptedLabelledCompressedClusterWorksAsWell) {
  Config config = Config::lan();
  config.keys = {to_bytes("0123456789abcdef0123456789abcdef")};
  config.label = "production";
  config.meta = to_bytes(std::string(200, 'm'));
  Cluster cluster({.size = 10, .config = config});
  ASSERT_TRUE(cluster.assemble());
  cluster.crash(7);
  EXPECT_TRUE(cluster.run_until([&] { return cluster.agree(9); }, latest_death(10)));
  EXPECT_EQ(cluster.count(0, 7, dead), 1u);
  for (HostId node = 0; node < 10; ++node) {
    if (node == 7) continue;
    EXPECT_EQ(cluster.engine(node).counters().dropped_undecryptable, 0u);
  }
}

}  // namespace
}  // namespace memberlist::testing
