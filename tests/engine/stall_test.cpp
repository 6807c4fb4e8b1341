#include <algorithm>

#include "engine_fixture.hpp"
#include "support/sanitizers.hpp"

// A node that was paused (a suspended machine, a starved process) distrusts itself and accuses no
// other (protocol 5, 'Stalls').
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

// An engine alone with its deadlines, which are handled as late as a test wants. A member `m` that
// never answers is in its table.
class Late {
 public:
  explicit Late(const std::function<void(Config&)>& tweak = {}) {
    Config config = EngineBench::quiet_config();
    config.name = "self";
    if (tweak) tweak(config);
    EngineEnvironment environment;
    environment.advertise = {IpAddress::v4(10, 9, 0, 1), 7946};
    environment.now = now;
    engine.emplace(Engine::create(config, environment).value());
    receive(alive_message({.name = "m", .address = {IpAddress::v4(10, 9, 3, 1), 7946}}));
  }

  void receive(Bytes message) {
    engine->handle_packet(now, kPeer, message);
    collect();
  }
  /// Handles all deadlines until `duration` is over, each this much too late.
  void run(Duration duration, Duration lateness = {}) {
    for (const TimePoint end = now + duration; engine->next_deadline() + lateness <= end;) {
      handle_at(std::max(now, engine->next_deadline()) + lateness);
    }
  }
  void handle_at(TimePoint at) {
    now = at;
    engine->handle_deadline(now);
    collect();
  }
  void run_until_probe() {
    for (const std::uint64_t before = probes(); probes() == before;) run_step();
  }
  void run_step() { handle_at(engine->next_deadline()); }

  [[nodiscard]] std::uint64_t probes() const { return engine->counters().probes; }
  [[nodiscard]] std::uint64_t failed() const { return engine->counters().probes_failed; }
  [[nodiscard]] MemberStatus status() const { return engine->member("m")->status; }

  TimePoint now = VirtualTimeline::kStart;
  std::optional<Engine> engine;
  std::size_t packets = 0;
  std::size_t dials = 0;
  std::vector<std::string> log;

 private:
  void collect() {
    for (const Output& output : engine->outputs()) {
      packets += std::holds_alternative<SendPacket>(output);
      dials += std::holds_alternative<DialStream>(output);
      if (const auto* record = std::get_if<LogRecord>(&output)) log.push_back(record->text);
    }
    engine->clear_outputs();
  }
};

TEST(EngineStall, ProbesThatEndedMeanwhileAreNoFailuresButCountAgainstUs) {
  Late late;
  late.run_until_probe();
  late.handle_at(late.now + 10s);
  EXPECT_EQ(late.failed(), 0u);
  EXPECT_EQ(late.status(), MemberStatus::alive);
  EXPECT_EQ(late.engine->health_score(), 7u) << "more than nine probes were missed";
  EXPECT_EQ(late.engine->counters().stalls, 1u);
  ASSERT_FALSE(late.log.empty());
  EXPECT_NE(late.log.back().find("process was paused for 9."), std::string::npos)
      << late.log.back();
}

TEST(EngineStall, ItIsFoundOutByWhateverComesFirst) {
  Late late;
  late.run_until_probe();
  late.now += 10s;
  late.receive(suspect_message("unknown", 1, "x"));
  EXPECT_EQ(late.engine->counters().stalls, 1u);
  late.receive(suspect_message("unknown", 1, "x"));
  late.handle_at(late.now + 1ms);
  EXPECT_EQ(late.engine->counters().stalls, 1u) << "once";
  EXPECT_EQ(late.failed(), 0u);
}

// A command that fails has changed nothing, whenever it comes.
TEST(EngineStall, ACommandNeitherFindsNorHidesIt) {
  Late late;
  late.run_until_probe();
  late.now += 10s;
  EXPECT_FALSE(late.engine->join(late.now, {}).has_value());
  EXPECT_TRUE(late.engine->outputs().empty());
  EXPECT_EQ(late.engine->counters().stalls, 0u);
  late.handle_at(late.now);
  EXPECT_EQ(late.engine->counters().stalls, 1u);
  EXPECT_EQ(late.failed(), 0u);
}

TEST(EngineStall, HalfAProbeIntervalTooLateIsOne) {
  for (const auto& [lateness, stalls] : {std::pair{499ms, 0u}, std::pair{500ms, 1u}}) {
    Late late;
    late.run(5s);
    late.handle_at(late.engine->next_deadline() + lateness);
    EXPECT_EQ(late.engine->counters().stalls, stalls);
    EXPECT_EQ(late.engine->health_score() > 0, late.failed() > 0 || stalls > 0);
  }
}

TEST(EngineStall, SilenceWithNothingPlannedIsNone) {
  Late late([](Config& config) {
    config.probe_interval = config.gossip_interval = config.queue_check_interval = Duration::zero();
  });
  ASSERT_EQ(late.engine->next_deadline(), kNever);
  late.now += 1h;
  late.receive(suspect_message("unknown", 1, "x"));
  EXPECT_EQ(late.engine->counters().stalls, 0u);
}

TEST(EngineStall, TheSuspectHaveThatMuchMoreTime) {
  const auto silent = [](Config& config) { config.probe_interval = Duration::zero(); };
  const SuspicionFormula formula{.members = 2};
  for (const Duration stall : {1s, 60s}) {
    SCOPED_TRACE(stall / 1s);
    Late late(silent);
    late.receive(suspect_message("m", 1, "x"));
    const TimePoint start = late.now;
    late.handle_at(late.engine->next_deadline() + stall);
    ASSERT_EQ(late.engine->counters().stalls, 1u);
    ASSERT_EQ(late.status(), MemberStatus::suspect);
    while (late.status() == MemberStatus::suspect) late.run_step();
    EXPECT_EQ(late.now - start, formula.after(0) + stall);
  }
}

TEST(EngineStall, TheSuspectHaveAProbesTimeInAnyCase) {
  Late late([](Config& config) { config.probe_interval = Duration::zero(); });
  late.receive(suspect_message("m", 1, "x"));
  const SuspicionFormula formula{.members = 2};
  const TimePoint end = late.now + formula.after(0);
  while (late.engine->next_deadline() < end) late.run_step();
  late.handle_at(end + 5s);
  ASSERT_EQ(late.status(), MemberStatus::suspect) << "a refutation may wait to be read";
  late.receive(alive_message(
      {.name = "m", .address = {IpAddress::v4(10, 9, 3, 1), 7946}, .incarnation = 2}));
  EXPECT_EQ(late.status(), MemberStatus::alive);

  late.receive(suspect_message("m", 2, "x"));
  const TimePoint second = late.now + formula.after(0);
  while (late.engine->next_deadline() < second) late.run_step();
  late.handle_at(second + 5s);
  const TimePoint woken = late.now;
  while (late.status() == MemberStatus::suspect) late.run_step();
  EXPECT_EQ(late.now - woken, 1s);
}

TEST(EngineStall, TicksThatWereMissedAreNotMadeUpFor) {
  Late late([](Config& config) {
    config.push_pull_interval = 5s;
    config.awareness_max_multiplier = 1;
  });
  late.run(10s);
  const std::uint64_t probes = late.probes();
  late.packets = late.dials = 0;
  late.handle_at(late.now + 1h);
  EXPECT_LE(late.probes() - probes, 1u);
  EXPECT_LE(late.packets, 4u);
  EXPECT_LE(late.dials, 2u) << "the one that asks what has happened, and the periodic one";
  EXPECT_GT(late.engine->next_deadline(), late.now);
  late.run(10s);
  EXPECT_LE(late.probes() - probes, 11u) << "one each second, as ever";
}

TEST(EngineStall, ANodeAsksWhatHasHappenedMeanwhile) {
  Late late([](Config& config) {
    config.push_pull_interval = 30min;
    config.disable_tcp_pings = true;
  });
  late.run_until_probe();
  late.dials = 0;
  late.handle_at(late.now + 10s);
  EXPECT_EQ(late.dials, 1u);
}

TEST(EngineStall, ANodeThatStandsStillAgainAndAgainAsksOnceAPushPullInterval) {
  Late late([](Config& config) {
    config.push_pull_interval = 30s;
    config.probe_interval = Duration::zero();  // so that there is a live member to ask
    config.queue_check_interval = 200ms;       // so that a deadline is near
  });
  late.run(60s);
  late.dials = 0;
  for (int i = 0; i < 100; ++i) {
    late.run(600ms);
    late.handle_at(late.engine->next_deadline() + 600ms);
  }
  EXPECT_GE(late.engine->counters().stalls, 90u);
  EXPECT_GE(late.dials, 2u);
  EXPECT_LE(late.dials, 10u) << "in 140 s: each 30 s the one that is due, and one more";
}

TEST(EngineStall, AProbeIsRepeatedOnceAndThenHasABound) {
  Late late;
  late.run_until_probe();
  const TimePoint began = late.now;
  std::size_t rounds = 0;
  for (; late.failed() == 0 && rounds < 50; ++rounds) {
    late.handle_at(late.engine->next_deadline() + 600ms);
  }
  EXPECT_EQ(late.failed(), 1u) << "each deadline is late, and yet it ends";
  EXPECT_LE(late.now - began, 5s);
}

TEST(EngineStall, PausesRaiseTheScoreToTheProbesThatWereMissedAndNoFurther) {
  for (const auto& [pause, score] : {std::pair{Duration(3500ms), 3u}, {Duration(700ms), 0u}}) {
    Late late;
    late.receive(dead_message("m", 1, "x"));  // so that no probe has a say
    for (int i = 0; i < 20; ++i) late.handle_at(late.engine->next_deadline() + pause);
    EXPECT_EQ(late.engine->counters().stalls, 20u);
    EXPECT_EQ(late.engine->health_score(), score);
  }
}

TEST(EngineStall, FailingProbesDelayNoTick) {
  Late late([](Config& config) { config.awareness_max_multiplier = 1; });
  late.receive(dead_message("m", 1, "x"));
  for (int i = 0; i < 40; ++i) {
    late.receive(alive_message(
        {.name = "n" + std::to_string(i),
         .address = {IpAddress::v4(10, 9, 4, 1), static_cast<std::uint16_t>(i + 1)}}));
  }
  late.run_until_probe();
  const TimePoint first = late.now;
  for (int i = 1; i <= 30; ++i) {
    late.run_until_probe();
    EXPECT_EQ(late.now - first, i * 1s);
  }
  EXPECT_EQ(late.failed(), 30u);
}

TEST(EngineStall, ANodeThatIsAlwaysALittleLateStillFindsTheDead) {
  Late late;
  late.run(60s, 100ms);
  EXPECT_EQ(late.engine->counters().stalls, 0u);
  EXPECT_GE(late.failed(), 1u);
  EXPECT_FALSE(late.engine->member("m").has_value() && late.status() != MemberStatus::dead);
}

// --- in clusters --------------------------------------------------------------------------------

class EngineStallCluster : public ::testing::TestWithParam<Duration> {};

TEST_P(EngineStallCluster, OneOfTwentyWakesAndDeclaresNobodyDead) {
  // Each is the same everywhere: a sanitizer sees the same code in one.
  constexpr std::uint64_t kSeeds = kSanitized ? 1 : 5;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    Cluster cluster({.size = 20, .seed = seed});
    ASSERT_TRUE(cluster.assemble());
    cluster.run_for(10s);
    cluster.pause(7);
    cluster.run_for(GetParam());
    const TimePoint woken = cluster.now();
    cluster.resume(7);
    EXPECT_TRUE(cluster.run_until([&] { return cluster.agree(20); }, 15s));
    cluster.run_for(60s);
    for (HostId other = 0; other < 20; ++other) {
      EXPECT_EQ(cluster.count(7, other, dead, woken), 0u);
      EXPECT_EQ(cluster.count(7, other, suspect, woken), 0u) << "it does not even accuse";
      if (other == 7) continue;
      for (HostId third = 0; third < 20; ++third) {
        if (third == 7) continue;
        EXPECT_EQ(cluster.count(other, third, suspect), 0u);
      }
    }
    EXPECT_EQ(cluster.engine(7).counters().stalls, 1u);
    EXPECT_GT(cluster.engine(0).member("n07")->incarnation, 1u) << "it has refuted";
    EXPECT_EQ(cluster.engine(7).health_score(), 0u) << "and trusts itself again";
  }
}

INSTANTIATE_TEST_SUITE_P(Sleeps, EngineStallCluster, ::testing::Values(10s, 60s, 1h),
                         [](const auto& test) { return std::to_string(test.param / 1s) + "s"; });

// Two thirds of the time it does nothing.
TEST(EngineStall, AMemberThatIsSlowByATenthOfASecondEachTimeWorks) {
  Cluster cluster({.size = 6});
  ASSERT_TRUE(cluster.assemble());
  const auto run_haltingly = [&](Duration duration) {
    for (const TimePoint end = cluster.now() + duration; cluster.now() < end;) {
      cluster.pause(5);
      cluster.run_for(100ms);
      cluster.resume(5);
      cluster.run_for(50ms);
    }
  };
  run_haltingly(60s);
  EXPECT_TRUE(cluster.agree(6));
  EXPECT_EQ(cluster.count(suspect), 0u);
  EXPECT_EQ(cluster.engine(5).counters().stalls, 0u);
  EXPECT_EQ(cluster.engine(5).health_score(), 0u);
  EXPECT_GE(cluster.engine(5).counters().probes, 50u);
  for (HostId node = 0; node < 5; ++node) cluster.crash(node);
  run_haltingly(120s);
  EXPECT_EQ(cluster.engine(5).live_count(), 1u) << "it still finds who is dead";
}

// The machine sleeps: what was sent to it meanwhile is lost.
TEST(EngineStall, AMachineThatSleptLosesWhatWasSentToIt) {
  for (const Duration sleep : {Duration(10s), Duration(60s)}) {
    SCOPED_TRACE(sleep / 1s);
    Cluster cluster({.size = 20});
    ASSERT_TRUE(cluster.assemble());
    cluster.run_for(10s);
    cluster.network().set_group(7, 1);
    cluster.pause(7);
    cluster.run_for(sleep);
    const TimePoint woken = cluster.now();
    cluster.network().heal_partitions();
    cluster.resume(7);
    EXPECT_TRUE(cluster.run_until([&] { return cluster.agree(20); }, 15s));
    for (HostId other = 0; other < 20; ++other) {
      EXPECT_EQ(cluster.count(7, other, dead, woken), 0u);
    }
  }
}

}  // namespace
}  // namespace memberlist::testing
