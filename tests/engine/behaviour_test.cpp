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

// --- probing ------------------------------------------------------------------------------------

TEST(EngineBehaviour, HelpersAreChosenAmongTheEstablished) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::chosen_helpers, on));
    ScriptedPeer& target = bench.meet("target");
    for (const char* name : {"a", "b", "c"}) bench.meet(name);
    bench.run_for(40s);
    std::vector<Address> newcomers;
    for (const char* name : {"new1", "new2", "new3"}) {
      newcomers.push_back(bench.meet(name).address);
    }
    target.answers_pings = false;
    ASSERT_TRUE(bench.run_until([&] { return !bench.sent(Type::indirect_ping).empty(); }, 8s));
    const auto asked = bench.sent(Type::indirect_ping);
    ASSERT_EQ(asked.size(), 3u);
    const auto is_new = [&](const SeenMessage* message) {
      return std::ranges::find(newcomers, message->to) != newcomers.end();
    };
    EXPECT_EQ(std::ranges::any_of(asked, is_new), !on);
  }
}

TEST(EngineBehaviour, AnAccusedTargetCostsNothing) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::chosen_helpers, on));
    bench.meet("silent").answers_pings = false;
    for (const char* name : {"a", "b", "c"}) bench.meet(name);
    bench.receive(kPeer, {suspect_message("silent", 1, "x")});
    ASSERT_TRUE(bench.run_until([&] { return bench.engine().counters().probes_failed == 1; }, 10s));
    EXPECT_EQ(bench.engine().health_score(), on ? 0u : 3u);
  }
}

TEST(EngineBehaviour, TheAccusedArePassedOver) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::skipped_accused, on));
    ScriptedPeer& silent = bench.meet("silent");
    silent.answers_pings = false;
    bench.meet("helper").nacks = true;
    ASSERT_TRUE(wait_for(bench, "silent", suspect));
    const std::size_t pings = silent.pings_seen;
    ASSERT_TRUE(wait_for(bench, "silent", dead));
    EXPECT_EQ(silent.pings_seen == pings, on);
  }
}

TEST(EngineBehaviour, AcksBehindTheNackAreRelayed) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::late_acks, on));
    ScriptedPeer& slow = bench.meet("slow");
    slow.round_trip = 700ms;
    bench.receive(kPeer, {indirect_ping_message(9, "slow", slow.address, true)});
    bench.run_for(900ms);
    EXPECT_EQ(bench.sent(Type::nack, kPeer).size(), 1u);
    EXPECT_EQ(bench.sent(Type::ack, kPeer).size(), on ? 1u : 0u);
  }
}

// --- members ------------------------------------------------------------------------------------

TEST(EngineBehaviour, AMergedSuspicionHasNoAccuser) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::unnamed_merges, on), no_probes());
    bench.receive(kPeer, {alive_m(1)});
    const auto id = bench.accept(kPeer);
    ASSERT_TRUE(id.has_value());
    const Claim claim{.name = "m", .address = kAddress, .status = MemberStatus::suspect};
    bench.feed(*id, bench.sealed(push_pull_message(false, {claim}), true));
    bench.end(*id);
    bench.run_for(1s);
    const auto news = bench.sent_about(Type::suspect, "m");
    ASSERT_FALSE(news.empty());
    for (const SeenMessage* message : news) {
      EXPECT_EQ(message->suspect().from, on ? "" : "self");
    }
  }
}

TEST(EngineBehaviour, ATakeoverOfAnAddressNeedsAGreaterIncarnation) {
  const Address other{IpAddress::v4(10, 9, 4, 4), 4444};
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::checked_takeover, on), no_probes());
    bench.receive(kPeer, {alive_m(5), dead_message("m", 5, "m")});
    ASSERT_EQ(bench.status("m"), MemberStatus::left);
    bench.receive(kPeer, {alive_m(3, other)});
    EXPECT_EQ(bench.status("m"), on ? MemberStatus::left : MemberStatus::alive);
    EXPECT_EQ(bench.incarnation("m"), on ? 5u : 3u);
  }
}

TEST(EngineBehaviour, TombstonesKeepTheForgottenAway) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::tombstones, on));
    bench.let_strangers_answer();
    bench.receive(kPeer, {alive_m(7), dead_message("m", 7, "x")});
    ASSERT_TRUE(bench.run_until([&] { return !bench.status("m").has_value(); }, 60s));
    EXPECT_EQ(bench.engine().counters().tombstones, on ? 1u : 0u);
    bench.receive(kPeer, {alive_m(6)});
    EXPECT_EQ(bench.status("m").has_value(), !on);
  }
}

// How often this node itself has told an address that `member` is dead.
std::size_t told_dead(EngineBench& bench, std::string_view member, const Address& to) {
  const auto about = bench.sent_about(Type::dead, member);
  return static_cast<std::size_t>(std::ranges::count_if(about, [&](const SeenMessage* message) {
    return message->to == to && message->dead().from == "self";
  }));
}

TEST(EngineBehaviour, AContactIsTold) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::told_contacts, on), silent());
    const ScriptedPeer& peer = bench.meet("a");
    bench.receive(kPeer, {dead_message("a", 1, "x")});
    bench.receive(peer.address, {ping_message(1, "self")});
    EXPECT_EQ(told_dead(bench, "a", peer.address), on ? 1u : 0u);
    bench.run_for(2s);
    bench.forget();
    bench.receive(peer.address, {suspect_message("self", 0, "a")});
    EXPECT_EQ(bench.sent_about(Type::alive, "self").empty(), !on) << "an old accusation";
  }
}

TEST(EngineBehaviour, AStaleClaimIsToldWhatIsRemembered) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::told_contacts, on), silent());
    bench.receive(kPeer, {alive_m(5), dead_message("m", 5, "x")});
    bench.receive(kPeer, {alive_m(4)});
    EXPECT_EQ(told_dead(bench, "m", kAddress), on ? 1u : 0u);
    const Address other{IpAddress::v4(10, 9, 4, 4), 4444};
    bench.receive(kPeer, {alive_m(9, other)});
    EXPECT_EQ(bench.change("m", conflict).has_value(), true);
    EXPECT_EQ(told_dead(bench, "m", other), on ? 1u : 0u);
  }
}

TEST(EngineBehaviour, OneOfTheDeadIsTold) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Config config = EngineBench::quiet_config();
    config.gossip_interval = Duration::zero();
    Switched bench(with(&Behaviour::told_dead, on), config);
    bench.meet("b");
    const ScriptedPeer& peer = bench.meet("a");
    bench.receive(kPeer, {dead_message("a", 1, "x")});
    bench.run_for(5s);
    EXPECT_EQ(told_dead(bench, "a", peer.address) > 0, on);
  }
}

TEST(EngineBehaviour, AnAccuserThatIsDeadGetsTheRefutation) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::answered_accusers, on), silent());
    const ScriptedPeer& peer = bench.meet("a");
    bench.receive(kPeer, {dead_message("a", 1, "x")});
    bench.receive(peer.address, {suspect_message("self", 1, "a")});
    EXPECT_EQ(bench.incarnation("self"), 2u);
    EXPECT_EQ(bench.sent(Type::alive, peer.address).size(), on ? 1u : 0u);
  }
}

// --- gossip -------------------------------------------------------------------------------------

TEST(EngineBehaviour, TheTargetsOfGossipAreAlive) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::living_targets, on), no_probes());
    std::vector<Address> living;
    for (const char* name : {"a", "b", "c"}) living.push_back(bench.meet(name).address);
    for (int i = 0; i < 20; ++i) {
      const std::string name = "dead" + std::to_string(i);
      bench.meet(name);
      bench.receive(kPeer, {dead_message(name, 1, "x")});
    }
    bench.run_for(1s);
    ASSERT_GE(bench.packets().size(), 6u);
    const auto lives = [&](const SeenPacket& packet) {
      return std::ranges::find(living, packet.to) != living.end();
    };
    const auto share = static_cast<double>(std::ranges::count_if(bench.packets(), lives)) /
                       static_cast<double>(bench.packets().size());
    EXPECT_EQ(share > 0.5, on) << share;
  }
}

TEST(EngineBehaviour, AllTargetsOfATickGetTheSameNews) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::same_news, on), no_probes());
    for (int i = 0; i < 100; ++i) bench.meet("member" + std::to_string(i));
    ASSERT_TRUE(bench.run_until([&] { return bench.packets().size() >= 2; }, 1s));
    EXPECT_EQ(bench.packets()[0].bytes == bench.packets()[1].bytes, on);
  }
}

TEST(EngineBehaviour, UserBroadcastsGoToAllInTurn) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::user_turns, on), no_probes());
    for (const char* name : {"a", "b", "c"}) bench.meet(name);
    bench.run_for(5s);
    bench.forget();
    for (const char* text : {"one", "two"}) {
      ASSERT_TRUE(bench.act([&](Engine& engine, TimePoint now) {
        return engine.broadcast(now, as_bytes(std::string_view(text)));
      }));
    }
    bench.run_for(5s);
    const auto sent = bench.sent(Type::user);
    ASSERT_FALSE(sent.empty());
    EXPECT_EQ(sent.front()->user(), on ? "one" : "two") << "first in, first out";
    EXPECT_EQ(sent.size(), on ? 2u * 8 : 2u * 6) << "twice to all four, or as often as updates";
    bench.receive(kPeer, {alive_m(1)});
    ASSERT_TRUE(bench.act([](Engine& engine, TimePoint now) {
      return engine.broadcast(now, as_bytes(std::string_view("beside an update")));
    }));
    bench.forget();
    bench.run_for(1s);
    const auto mixed = [](const SeenPacket& packet) { return packet.messages.size() == 2; };
    EXPECT_EQ(std::ranges::any_of(bench.packets(), mixed), !on);
  }
}

TEST(EngineBehaviour, WithoutTurnsUserBroadcastsRideOnAnswers) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::user_turns, on), silent());
    const ScriptedPeer& peer = bench.meet("a");
    ASSERT_TRUE(bench.act([](Engine& engine, TimePoint now) {
      return engine.broadcast(now, as_bytes(std::string_view("hello")));
    }));
    bench.receive(peer.address, {ping_message(1, "self")});
    EXPECT_EQ(bench.sent(Type::user, peer.address).size(), on ? 0u : 1u);
  }
}

TEST(EngineBehaviour, APushPullFollowsAJoin) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Config config = no_probes();
    config.push_pull_interval = 1h;
    Switched bench(with(&Behaviour::push_pull_after_join, on), config);
    ScriptedPeer& contact = bench.add_peer("contact");
    contact.tcp = Tcp::answers;
    contact.claims = {contact.claim(), {.name = "m", .address = kAddress}};
    ASSERT_TRUE(join_through(bench, {contact.address}));
    bench.run_for(30s);
    EXPECT_EQ(bench.streams().size(), on ? 2u : 1u);
  }
}

TEST(EngineBehaviour, NewcomersTellOnceWhatTheyLearn) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::told_once_by_newcomers, on), no_probes());
    ScriptedPeer& contact = bench.add_peer("contact");
    contact.tcp = Tcp::answers;
    contact.claims = {contact.claim(), {.name = "m", .address = kAddress}};
    ASSERT_TRUE(join_through(bench, {contact.address}));
    bench.run_for(30s);
    EXPECT_EQ(bench.sent_about(Type::alive, "m").size(), on ? 2u : 4u);
  }
}

TEST(EngineBehaviour, JoinsContactSeveralAtOnce) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::parallel_joins, on), no_probes());
    std::vector<Address> addresses;
    for (const char* name : {"a", "b", "c"}) {
      ScriptedPeer& peer = bench.add_peer(name);
      peer.tcp = Tcp::black_hole;
      addresses.push_back(peer.address);
    }
    ASSERT_TRUE(join_through(bench, addresses));
    EXPECT_EQ(bench.streams().size(), on ? 3u : 1u);
    bench.run_for(11s);
    EXPECT_EQ(bench.streams().size(), on ? 3u : 2u) << "the first one has timed out";
  }
}

TEST(EngineBehaviour, ALeaveDoesNotWaitForTheNextTick) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::prompt_leave, on), no_probes());
    bench.meet("a");
    bench.run_for(20s);
    ASSERT_TRUE(bench.act([](Engine& engine, TimePoint now) { return engine.leave(now, 10s); }));
    EXPECT_EQ(bench.sent_about(Type::dead, "self").empty(), !on);
    bench.run_for(200ms);
    EXPECT_FALSE(bench.sent_about(Type::dead, "self").empty());
  }
}

TEST(EngineBehaviour, FormulasCountTheLiving) {
  for (const bool on : {true, false}) {
    SCOPED_TRACE(on);
    Switched bench(with(&Behaviour::counts_the_living, on), no_probes());
    for (int i = 0; i < 48; ++i) bench.meet("member" + std::to_string(i));
    for (int i = 1; i < 48; ++i) {
      bench.receive(kPeer, {dead_message("member" + std::to_string(i), 1, "first")});
    }
    ASSERT_EQ(bench.engine().live_count(), 2u);
    bench.receive(kPeer, {suspect_message("member0", 1, "first")});
    const TimePoint accused = bench.now();
    ASSERT_TRUE(wait_for(bench, "member0", dead));
    const SuspicionFormula alone{.members = 2};
    const SuspicionFormula all{.members = 49};
    EXPECT_EQ(bench.change("member0", dead)->at - accused, on ? alone.min() : all.max())
        << "nobody could confirm, or many could";
  }
}

TEST(EngineBehaviour, IsThatOfTheEngineAndOfItsClones) {
  Switched bench(Behaviour::go());
  EXPECT_EQ(bench.engine().behaviour(), Behaviour::go());
  EXPECT_EQ(bench.engine().clone({}).behaviour(), Behaviour::go());
  EXPECT_EQ(Switched(Behaviour{}).engine().behaviour(), Behaviour{});
  EXPECT_NE(Behaviour::go(), Behaviour{});
}

}  // namespace
}  // namespace memberlist::testing
