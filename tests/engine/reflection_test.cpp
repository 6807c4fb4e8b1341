#include "base/limits.hpp"
#include "engine_fixture.hpp"

// What a message may make this node send, and to which addresses: SourceAddr and indirect pings
// must not turn it into a tool for floods (docs/threat-model.md).
namespace memberlist::testing {
namespace {

const Address kAsker{IpAddress::v4(10, 9, 7, 7), 7946};
const Address kVictim{IpAddress::v4(203, 0, 113, 5), 53};

std::size_t packets_to(const Bench& bench, const Address& to) {
  return static_cast<std::size_t>(std::ranges::count(bench.packets(), to, &SeenPacket::to));
}

TEST(EngineReflection, AnswersToStrangersAreFew) {
  Bench bench(silent());
  for (std::uint32_t i = 0; i < 1000; ++i) {
    bench.receive(kAsker, {ping_message(i, "self", kVictim)});
  }
  EXPECT_EQ(packets_to(bench, kVictim), limits::kAnswersToStrangersPerSecond);
  EXPECT_EQ(bench.engine().counters().dropped_limit, 1000u - limits::kAnswersToStrangersPerSecond);
  bench.run_for(1s);
  bench.receive(kAsker, {ping_message(1, "self", kVictim)});
  EXPECT_EQ(packets_to(bench, kVictim), limits::kAnswersToStrangersPerSecond + 1);
}

TEST(EngineReflection, AnswersToTheAskerAndToMembersAreNotCounted) {
  Bench bench(silent());
  ScriptedPeer& member = bench.meet("a");
  const Address other_port{kAsker.ip, 9999};
  for (std::uint32_t i = 0; i < 200; ++i) {
    bench.receive(kAsker, {ping_message(i, "self")});
    bench.receive(kAsker, {ping_message(i, "self", other_port)});
    bench.receive(kAsker, {ping_message(i, "self", member.address)});
  }
  EXPECT_EQ(packets_to(bench, kAsker), 200u);
  EXPECT_EQ(packets_to(bench, other_port), 200u);
  EXPECT_EQ(packets_to(bench, member.address), 200u);
}

TEST(EngineReflection, AnswersToAccusersThatAreNoLiveMembersAreFew) {
  Bench bench(silent());
  const auto accuse = [&](const Address& from) {
    const std::uint32_t incarnation = bench.engine().local_member().incarnation;
    bench.receive(from, {suspect_message("self", incarnation, "accuser")});
  };
  for (int i = 0; i < 1000; ++i) accuse(kVictim);
  EXPECT_EQ(packets_to(bench, kVictim), limits::kAnswersToStrangersPerSecond);
  EXPECT_EQ(bench.engine().counters().dropped_limit, 1000u - limits::kAnswersToStrangersPerSecond);
  bench.run_for(1s);
  accuse(kVictim);
  EXPECT_EQ(packets_to(bench, kVictim), limits::kAnswersToStrangersPerSecond + 1);
}

TEST(EngineReflection, PingsOfStrangersForOthersAreFew) {
  Bench bench(silent());
  for (std::uint32_t i = 0; i < 1000; ++i) {
    bench.receive(kAsker, {indirect_ping_message(i, "b", kVictim, true)});
  }
  EXPECT_EQ(packets_to(bench, kVictim), limits::kPingsOfStrangersPerSecond);
}

TEST(EngineReflection, AckOfARelayIsNoBiggerThanWhatAskedForIt) {
  Bench bench(silent());
  ScriptedPeer& member = bench.meet("a");
  for (const char* name : {"b", "c", "d"}) bench.meet(name);
  bench.forget();
  bench.receive(kAsker, {ping_message(1, "self", kVictim)});
  bench.receive(kAsker, {indirect_ping_message(2, "x", kVictim, false)});
  for (const SeenPacket& packet : bench.packets()) {
    ASSERT_EQ(packet.to, kVictim);
    EXPECT_EQ(packet.messages.size(), 1u) << "no news ride along to a stranger";
  }
  bench.forget();
  bench.receive(member.address, {ping_message(3, "self")});
  ASSERT_EQ(packets_to(bench, member.address), 1u);
  EXPECT_GT(bench.packets().front().messages.size(), 1u) << "but to a member";
}

TEST(EngineReflection, NobodyIsSentToSeveralMachinesAtOnce) {
  for (const IpAddress ip : {IpAddress::v4(224, 0, 0, 1), IpAddress::v4(255, 255, 255, 255),
                             IpAddress::parse("ff02::1").value()}) {
    Bench bench(silent());
    const Address many{ip, 7946};
    bench.receive(kAsker, {ping_message(1, "self", many)});
    bench.receive(kAsker, {indirect_ping_message(2, "b", many, true)});
    bench.receive(kAsker, {indirect_ping_message(3, "b", kAsker, true, many)});
    bench.receive(kAsker, {alive_message({.name = "m", .address = many})});
    bench.run_for(2s);
    EXPECT_EQ(packets_to(bench, many), 0u);
    EXPECT_FALSE(bench.status("m").has_value());
    EXPECT_EQ(bench.engine().counters().dropped_poison, 1u);
  }
}

TEST(EngineReflection, AcksThatNobodyAskedForAreCountedAndDoNothing) {
  Bench bench;
  ScriptedPeer& a = bench.meet("a");
  a.answers_pings = false;
  ASSERT_TRUE(wait_for_ping(bench, a));
  for (std::uint32_t i = 0; i < 1000; ++i) bench.receive(kAsker, {ack_message(i)});
  EXPECT_EQ(bench.engine().counters().acks_unexpected, 1000u);
  EXPECT_TRUE(wait_for(bench, "a", MemberEventKind::suspect));
}

TEST(EngineReflection, SequenceNumbersCannotBeGuessedFromTheLast) {
  Bench bench;
  ScriptedPeer& a = bench.meet("a");
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(wait_for_ping(bench, a));
  const auto pings = bench.sent(Type::ping, a.address);
  std::vector<std::uint32_t> steps;
  for (std::size_t i = 1; i < pings.size(); ++i) {
    steps.push_back(pings[i]->ping().seq_no - pings[i - 1]->ping().seq_no);
  }
  std::ranges::sort(steps);
  EXPECT_EQ(std::ranges::adjacent_find(steps), steps.end()) << "no step comes twice";
}

}  // namespace
}  // namespace memberlist::testing
