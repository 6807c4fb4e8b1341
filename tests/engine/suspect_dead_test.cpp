#include <algorithm>

#include "engine_fixture.hpp"

// Protocol 6, 'suspect', 'dead' and 'refute', rule by rule, seen through gossip.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

TEST(EngineSuspect, UnknownNameIsIgnored) {
  AnsweringBench bench;
  bench.forget();
  bench.receive(kPeer, {suspect_message("m", 1, "x")});
  EXPECT_FALSE(bench.status("m").has_value());
  bench.run_for(60s);
  EXPECT_TRUE(bench.events<MemberEvent>().empty());
}

TEST(EngineSuspect, StartsATimerAndIsPassedOnAndEndsInDeath) {
  AnsweringBench bench;
  bench.receive(kPeer, {alive_m(3)});
  bench.run_for(10s);
  bench.forget();
  const TimePoint accused = bench.now();
  bench.receive(kPeer, {suspect_message("m", 4, "x")});
  EXPECT_EQ(bench.status("m"), MemberStatus::suspect);
  EXPECT_EQ(bench.incarnation("m"), 4u) << "taken over";
  EXPECT_EQ(bench.engine().live_count(), 2u) << "a suspect still counts as live";
  const SeenChange first = bench.change("m", suspect).value();
  EXPECT_EQ(first.event.cause.kind, Cause::Kind::gossip);
  EXPECT_EQ(first.event.cause.accuser, "x");
  EXPECT_EQ(first.event.cause.source, kPeer);

  ASSERT_TRUE(wait_for(bench, "m", dead));
  EXPECT_EQ(bench.now() - accused, 4s) << "two members: the least time";
  EXPECT_EQ(bench.kinds("m"), (Kinds{suspect, dead, leave})) << "in this order";
  const SeenChange last = bench.change("m", dead).value();
  EXPECT_EQ(last.event.cause.kind, Cause::Kind::suspicion_expired);
  EXPECT_EQ(last.event.cause.accusers, (std::vector<std::string>{"x"}));
  EXPECT_EQ(last.event.cause.confirmations, 0u);
  EXPECT_EQ(bench.change("m", leave)->at, last.at);
  EXPECT_EQ(bench.change("m", leave)->event.member.status, MemberStatus::dead);
  EXPECT_EQ(bench.status("m"), MemberStatus::dead);
  EXPECT_EQ(bench.engine().live_count(), 1u);

  const auto suspicions = bench.sent_about(Type::suspect, "m");
  ASSERT_FALSE(suspicions.empty());
  EXPECT_EQ(suspicions.front()->suspect().from, "x") << "passed on as it came";
  EXPECT_EQ(suspicions.front()->suspect().incarnation, 4u);
  bench.run_for(2s);
  const auto deaths = bench.sent_about(Type::dead, "m");
  ASSERT_FALSE(deaths.empty());
  EXPECT_EQ(deaths.front()->dead().from, "self");
  EXPECT_EQ(deaths.front()->dead().incarnation, 4u);
}

TEST(EngineSuspect, SecondOneDoesNotStartAgain) {
  AnsweringBench bench;
  bench.receive(kPeer, {alive_m(1)});
  const TimePoint accused = bench.now();
  bench.receive(kPeer, {suspect_message("m", 1, "x")});
  bench.run_for(3s);
  bench.receive(kPeer, {suspect_message("m", 1, "x"), suspect_message("m", 1, "y")});
  ASSERT_TRUE(wait_for(bench, "m", dead));
  EXPECT_EQ(bench.now() - accused, 4s);
  EXPECT_EQ(bench.kinds("m"), (Kinds{join, suspect, dead, leave}));
}

TEST(EngineSuspect, OnlyNewAccusersArePassedOn) {
  AnsweringBench bench;
  for (const char* name : {"a", "b", "c", "d"}) bench.meet(name);
  bench.receive(kPeer, {alive_m(1), suspect_message("m", 1, "a")});
  bench.run_for(5s);
  const auto passed_on = [&](std::string_view from) {
    // Not those that ride on our own pings of `m`.
    return std::ranges::count_if(bench.sent_about(Type::suspect, "m"), [&](const auto* message) {
      return message->suspect().from == from;
    });
  };
  EXPECT_GT(passed_on("a"), 0);
  bench.forget();
  bench.receive(kPeer, {suspect_message("m", 1, "a")});
  bench.run_for(2s);
  EXPECT_EQ(passed_on("a"), 0);
  bench.receive(kPeer, {suspect_message("m", 1, "b")});
  bench.run_for(2s);
  EXPECT_GT(passed_on("b"), 0) << "a new confirmation is news";
}

TEST(EngineSuspect, OlderIncarnationIsIgnored) {
  AnsweringBench bench;
  bench.receive(kPeer, {alive_m(3), suspect_message("m", 2, "x")});
  EXPECT_EQ(bench.status("m"), MemberStatus::alive);
  bench.run_for(60s);
  EXPECT_EQ(bench.kinds("m"), (Kinds{join}));
}

TEST(EngineSuspect, DeadAndLeftMembersAreNotSuspected) {
  for (const char* from : {"x", "m"}) {
    AnsweringBench bench;
    bench.receive(kPeer, {alive_m(1), dead_message("m", 1, from)});
    const auto before = bench.status("m");
    bench.forget();
    bench.receive(kPeer, {suspect_message("m", 5, "x")});
    EXPECT_EQ(bench.status("m"), before);
    bench.run_for(29s);
    EXPECT_TRUE(bench.changes("m").empty());
  }
}

TEST(EngineRefute, SuspicionAgainstUsIsRefuted) {
  AnsweringBench bench;
  bench.meet("a");
  bench.run_for(10s);
  bench.forget();
  bench.receive(kPeer, {suspect_message("self", 1, "a")});
  EXPECT_EQ(bench.engine().local_member().status, MemberStatus::alive);
  EXPECT_EQ(bench.engine().local_member().incarnation, 2u);
  EXPECT_EQ(bench.engine().health_score(), 1u);
  EXPECT_EQ(bench.engine().counters().refutations, 1u);
  bench.run_for(1s);
  const auto sent = bench.sent_about(Type::alive, "self");
  ASSERT_FALSE(sent.empty());
  EXPECT_EQ(sent.front()->alive().incarnation, 2u);
  EXPECT_TRUE(bench.sent_about(Type::suspect, "self").empty()) << "the accusation stops here";
}

TEST(EngineRefute, DeathOfOursIsRefuted) {
  AnsweringBench bench;
  bench.meet("a");
  bench.receive(kPeer, {dead_message("self", 1, "a")});
  EXPECT_EQ(bench.engine().local_member().status, MemberStatus::alive);
  EXPECT_EQ(bench.engine().local_member().incarnation, 2u);
  bench.run_for(1s);
  ASSERT_FALSE(bench.sent_about(Type::alive, "self").empty());
  EXPECT_TRUE(bench.sent_about(Type::dead, "self").empty());
}

TEST(EngineRefute, IncarnationGoesAboveTheAccusedOne) {
  AnsweringBench bench;
  bench.receive(kPeer, {suspect_message("self", 7, "a")});
  EXPECT_EQ(bench.engine().local_member().incarnation, 8u);
  bench.receive(kPeer, {dead_message("self", 100, "a")});
  EXPECT_EQ(bench.engine().local_member().incarnation, 101u);
}

TEST(EngineRefute, OldAccusationsAreIgnored) {
  AnsweringBench bench;
  bench.receive(kPeer, {suspect_message("self", 7, "a")});
  bench.receive(kPeer, {suspect_message("self", 7, "b"), dead_message("self", 6, "b")});
  EXPECT_EQ(bench.engine().local_member().incarnation, 8u);
  EXPECT_EQ(bench.engine().counters().refutations, 1u);
}

TEST(EngineRefute, TheGreatestIncarnationDoesNotBreakIt) {
  AnsweringBench bench;
  bench.receive(kPeer, {suspect_message("self", 0xffff'ffff, "a")});
  bench.receive(kPeer, {suspect_message("self", 0xffff'fffe, "a")});
  EXPECT_EQ(bench.engine().local_member().status, MemberStatus::alive);
}

TEST(EngineDead, UnknownNameIsIgnored) {
  AnsweringBench bench;
  bench.forget();
  bench.receive(kPeer, {dead_message("m", 1, "x"), dead_message("n", 1, "n")});
  EXPECT_EQ(bench.engine().members()->size(), 1u);
  bench.run_for(5s);
  EXPECT_TRUE(bench.packets().empty());
  EXPECT_TRUE(bench.log().empty());
}

TEST(EngineDead, DeathIsToldAndPassedOn) {
  AnsweringBench bench;
  bench.meet("a");
  bench.receive(kPeer, {alive_m(1)});
  bench.run_for(10s);
  bench.forget();
  bench.receive(kPeer, {dead_message("m", 2, "x")});
  EXPECT_EQ(bench.status("m"), MemberStatus::dead);
  EXPECT_EQ(bench.engine().live_count(), 2u) << "remembered, but not a live member";
  EXPECT_EQ(bench.incarnation("m"), 2u);
  EXPECT_EQ(bench.engine().member("m")->since, bench.now());
  ASSERT_EQ(bench.kinds("m"), (Kinds{dead, leave}));
  EXPECT_EQ(bench.changes("m")[0].event.cause.accuser, "x");
  EXPECT_EQ(bench.changes("m")[1].event.member.status, MemberStatus::dead);
  bench.run_for(1s);
  ASSERT_FALSE(bench.sent_about(Type::dead, "m").empty());
  EXPECT_EQ(bench.sent_about(Type::dead, "m").front()->dead().from, "x");
}

TEST(EngineDead, FromItselfMeansLeft) {
  AnsweringBench bench;
  bench.receive(kPeer, {alive_m(1), dead_message("m", 1, "m")});
  EXPECT_EQ(bench.status("m"), MemberStatus::left);
  ASSERT_EQ(bench.kinds("m"), (Kinds{join, leave})) << "no death is told";
  EXPECT_EQ(bench.changes("m")[1].event.member.status, MemberStatus::left);
  EXPECT_EQ(bench.engine().live_count(), 1u);
  bench.receive(kPeer, {alive_m(2)});
  EXPECT_EQ(bench.status("m"), MemberStatus::alive);
  EXPECT_EQ(bench.kinds("m"), (Kinds{join, leave, alive, join}));
}

TEST(EngineDead, LeaveOfVersion01HasNoFromAndReadsAsADeath) {
  AnsweringBench bench;
  bench.receive(kPeer, {alive_m(1)});
  // {Incarnation: 1, Node: "m"}
  Bytes message{std::byte{5}, std::byte{0x82}};
  ByteWriter writer(message);
  writer.u8(0xab);
  writer.bytes(as_bytes("Incarnation"));
  writer.u8(1);
  writer.u8(0xa4);
  writer.bytes(as_bytes("Node"));
  writer.u8(0xa1);
  writer.bytes(as_bytes("m"));
  bench.receive(kPeer, {message});
  EXPECT_EQ(bench.status("m"), MemberStatus::dead);
  EXPECT_EQ(bench.kinds("m"), (Kinds{join, dead, leave}));
}

TEST(EngineDead, DoubleDeathIsOneEvent) {
  AnsweringBench bench;
  const ScriptedPeer& a = bench.meet("a");
  bench.receive(kPeer, {alive_m(1), dead_message("m", 1, "x")});
  bench.run_for(10s);
  bench.forget();
  bench.receive(kPeer,
                {dead_message("m", 1, "x"), dead_message("m", 2, "y"), dead_message("m", 2, "m")});
  bench.run_for(5s);
  EXPECT_TRUE(bench.changes("m").empty());
  EXPECT_TRUE(bench.sent(Type::dead, a.address).empty()) << "others hear it once";
  EXPECT_EQ(bench.status("m"), MemberStatus::dead) << "who is dead does not leave any more";
}

TEST(EngineDead, OlderIncarnationIsIgnored) {
  AnsweringBench bench;
  bench.receive(kPeer, {alive_m(5), dead_message("m", 4, "x")});
  EXPECT_EQ(bench.status("m"), MemberStatus::alive);
  EXPECT_EQ(bench.kinds("m"), (Kinds{join}));
}

TEST(EngineDead, AliveReplayedAtTheSameIncarnationRevivesNobody) {
  AnsweringBench bench;
  bench.receive(kPeer, {alive_m(5), dead_message("m", 5, "x"), alive_m(5)});
  EXPECT_EQ(bench.status("m"), MemberStatus::dead);
}

TEST(EngineDead, DropsTheSuspicionTimer) {
  AnsweringBench bench;
  bench.receive(kPeer, {alive_m(1), suspect_message("m", 1, "x"), dead_message("m", 1, "y")});
  bench.run_for(29s);
  EXPECT_EQ(bench.kinds("m"), (Kinds{join, suspect, dead, leave}));
  EXPECT_EQ(bench.changes("m")[2].event.cause.kind, Cause::Kind::gossip);
}

TEST(EngineDead, SuspectMayLeave) {
  AnsweringBench bench;
  bench.receive(kPeer, {alive_m(1), suspect_message("m", 1, "x"), dead_message("m", 1, "m")});
  EXPECT_EQ(bench.status("m"), MemberStatus::left);
  bench.run_for(29s);
  EXPECT_EQ(bench.kinds("m"), (Kinds{join, suspect, leave}));
}

}  // namespace
}  // namespace memberlist::testing
