#include <algorithm>
#include <functional>

#include "engine_fixture.hpp"

// Each switch of Behaviour: what an engine does with it and without it.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

/// An engine with these switches.
struct Switched : Bench {
  explicit Switched(const Behaviour& behaviour, Config config = quiet_config())
      : Bench(std::move(config), nullptr, 1,
              [behaviour](EngineEnvironment& environment) { environment.behaviour = behaviour; }) {}

  /// Others accuse this node, which makes it distrust itself.
  void accuse_self(std::uint32_t times) {
    for (std::uint32_t i = 0; i < times; ++i) {
      receive(kPeer, {suspect_message("self", incarnation("self"), "somebody")});
    }
  }
};

Behaviour with(bool Behaviour::* part, bool on) {
  Behaviour behaviour;
  behaviour.*part = on;
  return behaviour;
}

// --- Lifeguard ----------------------------------------------------------------------------------

TEST(EngineBehaviour, LhaProbeKeepsAHealthScoreAndAsksForNacks) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::lha_probe, on));
    bench.meet("silent").answers_pings = false;
    for (const char* name : {"a", "b", "c"}) bench.meet(name);
    ASSERT_TRUE(wait_for(bench, "silent", suspect));
    ASSERT_EQ(bench.sent(Type::indirect_ping).size(), 3u);
    for (const SeenMessage* asked : bench.sent(Type::indirect_ping)) {
      EXPECT_EQ(asked->indirect_ping().nack, on);
    }
    EXPECT_EQ(bench.engine().health_score(), on ? 3u : 0u);
    bench.accuse_self(2);
    EXPECT_EQ(bench.engine().health_score(), on ? 5u : 0u);
  }
}

TEST(EngineBehaviour, LhaSuspicionBeginsWithTheGreatestTime) {
  const SuspicionFormula formula{.members = 6};
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::lha_suspicion, on), no_probes());
    for (const char* name : {"a", "b", "c", "d", "e"}) bench.meet(name);
    bench.receive(kPeer, {suspect_message("a", 1, "b")});
    const TimePoint accused = bench.now();
    ASSERT_TRUE(wait_for(bench, "a", dead));
    EXPECT_EQ(bench.change("a", dead)->at - accused, on ? formula.max() : formula.min());
  }
}

TEST(EngineBehaviour, LhaSuspicionPassesLaterAccusersOn) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::lha_suspicion, on), no_probes());
    for (const char* name : {"a", "b", "c", "d", "e"}) bench.meet(name);
    bench.receive(kPeer, {suspect_message("a", 1, "b")});
    bench.receive(kPeer, {suspect_message("a", 1, "c")});
    bench.run_for(1s);
    const auto news = bench.sent_about(Type::suspect, "a");
    ASSERT_FALSE(news.empty());
    for (const SeenMessage* message : news) EXPECT_EQ(message->suspect().from, on ? "c" : "b");
  }
}

TEST(EngineBehaviour, BuddySystemTellsASuspectWithThePing) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::buddy_system, on));
    const ScriptedPeer& peer = bench.meet("a");
    bench.receive(kPeer, {suspect_message("a", 1, "x")});
    ASSERT_TRUE(wait_for_ping(bench, peer));
    // Gossip names the other accuser.
    const auto told = bench.sent_about(Type::suspect, "a");
    const auto by_itself = [](const SeenMessage* message) {
      return message->suspect().from == "self";
    };
    EXPECT_EQ(std::ranges::any_of(told, by_itself), on);
  }
}

// --- this library's additions -------------------------------------------------------------------

TEST(EngineBehaviour, TheStallRuleNoticesAPause) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Config config = EngineBench::quiet_config();
    config.name = "self";
    EngineEnvironment environment;
    environment.advertise = {IpAddress::v4(10, 9, 0, 1), 7946};
    environment.now = VirtualTimeline::kStart;
    environment.behaviour.stall_rule = on;
    Engine engine = Engine::create(config, environment).value();
    engine.handle_deadline(engine.next_deadline() + 10s);
    EXPECT_EQ(engine.counters().stalls, on ? 1u : 0u);
  }
}

TEST(EngineBehaviour, NackPercentSaysWhenAHelperGivesUp) {
  const auto nack_after = [](std::size_t percent, Duration probe_timeout) {
    Behaviour behaviour;
    behaviour.nack_percent = percent;
    Config config = EngineBench::quiet_config();
    config.probe_timeout = probe_timeout;
    Switched bench(behaviour, config);
    const Address nobody{IpAddress::v4(10, 9, 5, 5), 7946};
    bench.receive(kPeer, {indirect_ping_message(1, "m", nobody, true)});
    const TimePoint asked = bench.now();
    EXPECT_TRUE(bench.run_until([&] { return !bench.sent(Type::nack).empty(); }, 5s));
    return bench.sent(Type::nack).front()->at - asked;
  };
  EXPECT_EQ(nack_after(80, 500ms), 400ms);
  EXPECT_EQ(nack_after(50, 500ms), 250ms);
  EXPECT_EQ(nack_after(80, 600ms), 320ms) << "of the 400 ms that are left of the interval";
  EXPECT_EQ(nack_after(0, 600ms), 600ms) << "as the Go library";
}

TEST(EngineBehaviour, TheIntervalOfANodeThatDistrustsItselfIsSlowed) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::slowed_interval, on));
    bench.meet("a");
    bench.accuse_self(2);
    ASSERT_TRUE(bench.run_until([&] { return bench.sent(Type::ping).size() == 2; }, 20s));
    const auto pings = bench.sent(Type::ping);
    EXPECT_EQ(pings[1]->at - pings[0]->at, on ? 3s : 1s);
  }
}

TEST(EngineBehaviour, WithoutThatALongProbeLeavesOutTheNextOnes) {
  Switched bench(with(&Behaviour::slowed_interval, false));
  for (const char* name : {"a", "b", "c"}) bench.meet(name).answers_pings = false;
  bench.accuse_self(2);
  ASSERT_TRUE(bench.run_until([&] { return bench.sent(Type::ping).size() == 2; }, 20s));
  const auto pings = bench.sent(Type::ping);
  EXPECT_EQ(pings[1]->at - pings[0]->at, 3s) << "its deadline is scaled all the same";
}

TEST(EngineBehaviour, TheTimeoutOfANodeThatDistrustsItselfIsScaled) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::scaled_timeout, on));
    for (const char* name : {"a", "b"}) bench.meet(name).answers_pings = false;
    bench.accuse_self(1);
    ASSERT_TRUE(bench.run_until([&] { return !bench.sent(Type::indirect_ping).empty(); }, 20s));
    const Duration waited =
        bench.sent(Type::indirect_ping).front()->at - bench.sent(Type::ping).front()->at;
    EXPECT_EQ(waited, on ? 1s : 500ms);
  }
}

}  // namespace
}  // namespace memberlist::testing
