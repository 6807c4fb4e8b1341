#include "engine_fixture.hpp"

// Protocol 5, 'Health score' (Lifeguard: local health), and the rules for nacks that feed it.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

void accuse_self(EngineBench& bench, std::uint32_t times) {
  const Address somebody{IpAddress::v4(10, 9, 1, 1), 7946};
  for (std::uint32_t i = 0; i < times; ++i) {
    bench.receive(somebody, {suspect_message("self", bench.incarnation("self"), "somebody")});
  }
}

TEST(EngineHealth, EachRefutationCostsOneUpToTheLimit) {
  Bench bench;
  accuse_self(bench, 20);
  EXPECT_EQ(bench.engine().health_score(), 7u) << "awareness_max_multiplier - 1";
  std::vector<std::uint32_t> heard;
  for (const HealthChanged* event : bench.events<HealthChanged>()) heard.push_back(event->score);
  EXPECT_EQ(heard, (std::vector<std::uint32_t>{1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(bench.engine().counters().health_score, 7u);
}

TEST(EngineHealth, ScoreOfAFailedProbeScalesTheVeryNextOne) {
  Bench bench;
  for (const char* name : {"a", "b", "c", "d", "e"}) bench.meet(name).answers_pings = false;
  ASSERT_TRUE(bench.run_until([&] { return bench.engine().health_score() == 3; }, 20s));
  const TimePoint failed = bench.now();
  const std::size_t pings_so_far = bench.sent(Type::ping).size();
  ASSERT_TRUE(bench.run_until([&] { return bench.sent(Type::ping).size() > pings_so_far; }, 20s));
  EXPECT_GT(bench.now() - failed, 3s) << "three points make the interval four times as long";
}

TEST(EngineHealth, SuccessfulProbesImproveItDownToZero) {
  Bench bench;
  ScriptedPeer& peer = bench.meet("a");
  accuse_self(bench, 2);
  ASSERT_EQ(bench.engine().health_score(), 2u);
  ASSERT_TRUE(wait_for_ping(bench, peer));
  bench.run_for(100ms);
  EXPECT_EQ(bench.engine().health_score(), 1u);
  ASSERT_TRUE(wait_for_ping(bench, peer));
  bench.run_for(100ms);
  EXPECT_EQ(bench.engine().health_score(), 0u);
  bench.run_for(10s);
  EXPECT_EQ(bench.engine().health_score(), 0u);
}

TEST(EngineHealth, ScoreScalesTheProbeIntervalAndItsTimeout) {
  Bench bench;
  for (const char* name : {"a", "b", "c", "d"}) {
    ScriptedPeer& peer = bench.meet(name);
    peer.answers_pings = false;
    peer.nacks = true;
  }
  accuse_self(bench, 1);
  ASSERT_TRUE(bench.run_until([&] { return bench.sent(Type::ping).size() == 2; }, 20s));
  const auto pings = bench.sent(Type::ping);
  EXPECT_EQ(pings[1]->at - pings[0]->at, 2s) << "interval * (score + 1)";
  const auto asked = bench.sent(Type::indirect_ping);
  ASSERT_FALSE(asked.empty());
  EXPECT_EQ(asked.front()->at - pings[0]->at, 1s) << "timeout * (score + 1)";
  const std::string first(pings[0]->ping().node);
  const auto change = bench.change(first, suspect);
  ASSERT_TRUE(change.has_value());
  EXPECT_EQ(change->at - pings[0]->at, 2s) << "the deadline of the probe is scaled";
  EXPECT_EQ(bench.engine().health_score(), 1u) << "every nack came, so it is not our fault";
}

// One silent member among helpers that send `nacks` of the three nacks asked for.
std::uint32_t score_after_failed_probe(std::size_t nacks, const Bytes& helper_versions) {
  Bench bench;
  ScriptedPeer& silent = bench.meet("silent");
  silent.answers_pings = false;
  for (std::size_t i = 0; i < 3; ++i) {
    ScriptedPeer& helper = bench.add_peer("helper" + std::to_string(i));
    helper.vsn = helper_versions;
    helper.nacks = i < nacks;
    bench.introduce(helper);
  }
  EXPECT_TRUE(wait_for(bench, "silent", suspect));
  const std::size_t asked = bench.sent(Type::indirect_ping).size();
  EXPECT_EQ(asked, 3u);
  for (const SeenMessage* message : bench.sent(Type::indirect_ping)) {
    EXPECT_EQ(message->indirect_ping().nack, std::to_integer<int>(helper_versions[1]) >= 4);
  }
  EXPECT_EQ(bench.change("silent", suspect)->event.cause.nacks, nacks);
  return bench.engine().health_score();
}

TEST(EngineHealth, MissedNacksCountAgainstUs) {
  EXPECT_EQ(score_after_failed_probe(3, versions(1, 5, 2)), 0u);
  EXPECT_EQ(score_after_failed_probe(2, versions(1, 5, 2)), 1u);
  EXPECT_EQ(score_after_failed_probe(1, versions(1, 5, 2)), 2u);
  EXPECT_EQ(score_after_failed_probe(0, versions(1, 4, 2)), 3u);
}

TEST(EngineHealth, PeersTooOldForNacksCostOneAFailure) {
  EXPECT_EQ(score_after_failed_probe(0, versions(1, 3, 2)), 1u);
}

TEST(EngineHealth, FailureWithNobodyToAskCostsOne) {
  Bench bench;
  bench.meet("a").answers_pings = false;
  ASSERT_TRUE(wait_for(bench, "a", suspect));
  EXPECT_EQ(bench.engine().health_score(), 1u);
}

// Helpers that were silent for ten probe intervals may be as dead as the target. Their nacks are
// not counted as missing, as long as any other member is heard.
TEST(EngineHealth, NacksOfHelpersThatWereNotHeardLatelyAreNotMissed) {
  for (const bool one_is_heard : {true, false}) {
    SCOPED_TRACE(one_is_heard);
    Config config = EngineBench::quiet_config();
    config.probe_interval = 1s;
    Bench bench(config);
    ScriptedPeer& heard = bench.meet("heard");
    heard.nacks = true;
    heard.answers_pings = one_is_heard;
    bench.let_strangers_answer();
    bench.run_for(12s);
    const std::vector<std::string> silent{"silent0", "silent1", "silent2", "target"};
    const Address gossiper{IpAddress::v4(10, 9, 7, 7), 7946};
    for (const std::string& name : silent) {
      ScriptedPeer& peer = bench.add_peer(name);
      peer.answers_pings = false;
      bench.receive(gossiper, {alive_message(peer.claim())});
    }
    if (!one_is_heard) bench.receive(gossiper, {dead_message("heard", 1, "x")});
    const std::uint32_t before = bench.engine().health_score();
    const std::uint64_t failed = bench.engine().counters().probes_failed;
    ASSERT_TRUE(
        bench.run_until([&] { return bench.engine().counters().probes_failed > failed; }, 20s));
    const std::uint32_t after = bench.engine().health_score();
    EXPECT_EQ(after, one_is_heard ? 0u : before + 3) << "three were asked";
  }
}

TEST(EngineHealth, AFailedProbeOfAMemberThatOthersAccuseCostsNothing) {
  Bench bench;
  bench.meet("a").answers_pings = false;
  bench.receive({IpAddress::v4(10, 9, 7, 7), 7946}, {suspect_message("a", 1, "x")});
  ASSERT_TRUE(bench.run_until([&] { return bench.engine().counters().probes_failed == 1; }, 20s));
  EXPECT_EQ(bench.engine().health_score(), 0u);
}

struct Profile {
  const char* name;
  Config config;
  Duration latency;  // one way
};

void PrintTo(const Profile& profile, std::ostream* out) { *out << profile.name; }

class EngineHealthCluster : public ::testing::TestWithParam<Profile> {};

// Its helpers say in time that they got no answer either, so a prober does not blame itself.
TEST_P(EngineHealthCluster, ADeadMemberCostsItsProbersNothing) {
  Link link;
  link.latency = GetParam().latency;
  Cluster cluster({.size = 10, .config = GetParam().config, .link = link});
  ASSERT_TRUE(cluster.assemble());
  cluster.run_for(60s);
  cluster.crash(9);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.agree(9); }, 300s));
  std::size_t changes = 0;
  for (const LoggedOutput& line : cluster.log()) {
    const auto* event = std::get_if<Event>(&line.what);
    changes += event != nullptr && std::holds_alternative<HealthChanged>(*event);
  }
  EXPECT_EQ(changes, 0u);
}

INSTANTIATE_TEST_SUITE_P(Profiles, EngineHealthCluster,
                         ::testing::Values(Profile{"lan", Config::lan(), 10ms},
                                           Profile{"wan", Config::wan(), 60ms},
                                           Profile{"local", Config::local(), 1ms}),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace memberlist::testing
