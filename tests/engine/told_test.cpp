#include <algorithm>

#include "engine_fixture.hpp"

// Protocol 6, 'Told at once': a node that contacts one which has an outdated view of it is told so
// at once.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

const Address kOwn{IpAddress::v4(10, 9, 3, 1), 7946};
const Address kElsewhere{IpAddress::v4(10, 9, 3, 2), 7946};

Claim claim(std::uint32_t incarnation, const Address& address = kOwn) {
  return {.name = "m", .address = address, .incarnation = incarnation};
}

Bytes ping_from_m(const Address& claimed = kOwn) {
  return message_bytes(
      wire::Ping{7, "self", claimed.ip.wire_bytes(), claimed.port, std::string_view("m")});
}

// This node knows `m` as alive with incarnation 7, and then heard `news`.
class Knows : public Bench {
 public:
  explicit Knows(const std::vector<Bytes>& news = {}, Config config = silent())
      : Bench(std::move(config)) {
    receive(kPeer, {alive_message(claim(7))});
    for (const Bytes& message : news) receive(kPeer, {message});
    forget();
  }
  // What it was told, which is a packet of its own; not what rode along with an ack.
  [[nodiscard]] std::vector<const SeenMessage*> told(const Address& to) const {
    std::vector<const SeenMessage*> found;
    for (const SeenPacket& packet : packets()) {
      if (packet.to != to || packet.messages.front().type == Type::ack) continue;
      for (const SeenMessage& message : packet.messages) found.push_back(&message);
    }
    return found;
  }
};

TEST(EngineTold, AMemberThatPingsAndIsHeldDeadLeftOrSuspectHearsSo) {
  {
    Knows bench({dead_message("m", 7, "x")});
    bench.receive(kOwn, {ping_from_m()});
    ASSERT_EQ(bench.sent(Type::ack, kOwn).size(), 1u);
    ASSERT_EQ(bench.told(kOwn).size(), 1u);
    EXPECT_EQ(bench.told(kOwn)[0]->dead().incarnation, 7u);
    EXPECT_EQ(bench.told(kOwn)[0]->dead().from, "self");
  }
  {
    Knows bench({dead_message("m", 7, "m")});
    bench.receive(kOwn, {ping_from_m()});
    ASSERT_EQ(bench.told(kOwn).size(), 1u);
    EXPECT_EQ(bench.told(kOwn)[0]->dead().from, "m");
  }
  {
    Knows bench({suspect_message("m", 7, "x")});
    bench.receive(kOwn, {ping_from_m()});
    ASSERT_EQ(bench.told(kOwn).size(), 1u);
    EXPECT_EQ(bench.told(kOwn)[0]->suspect().node, "m");
  }
  Knows bench;
  bench.receive(kOwn, {ping_from_m()});
  EXPECT_EQ(bench.packets().size(), 1u) << "an ack, and nothing to tell";
}

TEST(EngineTold, AMemberThatPingsAndIsForgottenHearsWhatIsRemembered) {
  Config config = silent();
  config.gossip_to_the_dead_time = 1s;
  config.queue_check_interval = 1s;
  Knows bench({dead_message("m", 7, "x")}, config);
  ASSERT_TRUE(bench.run_until([&] { return !bench.status("m").has_value(); }, 60s));
  bench.forget();
  bench.receive(kOwn, {ping_from_m()});
  ASSERT_EQ(bench.sent(Type::dead, kOwn).size(), 1u);
  EXPECT_EQ(bench.sent(Type::dead, kOwn)[0]->dead().incarnation, 7u);
}

TEST(EngineTold, WhatIsTooOldToBeRememberedIsNotTold) {
  Config config = silent();
  config.gossip_to_the_dead_time = 1s;
  config.queue_check_interval = 1s;
  Knows bench({dead_message("m", 7, "x")}, config);
  ASSERT_TRUE(bench.run_until([&] { return !bench.status("m").has_value(); }, 60s));
  bench.run_for(2h);  // a tombstone's time is one hour here
  bench.forget();
  bench.receive(kOwn, {ping_from_m()});
  EXPECT_TRUE(bench.sent(Type::dead, kOwn).empty());
}

TEST(EngineTold, WhoeverUsesTheNameOfAnotherHearsWhereThatOneIs) {
  Knows bench;
  bench.receive(kElsewhere, {ping_from_m(kElsewhere)});
  ASSERT_EQ(bench.sent(Type::alive, kElsewhere).size(), 1u);
  EXPECT_EQ(IpAddress::from_bytes(bench.sent(Type::alive, kElsewhere)[0]->alive().addr), kOwn.ip);
  bench.forget();
  bench.receive(kPeer, {alive_message(claim(9, kElsewhere))});
  EXPECT_EQ(bench.sent(Type::alive, kElsewhere).size(), 1u);
}

TEST(EngineTold, AClaimOfAMemberThatIsHeldDeadOrLeftIsAnsweredWhereItIs) {
  for (const std::string_view accuser : {"x", "m"}) {
    Knows bench({dead_message("m", 7, accuser)});
    bench.receive(kPeer, {alive_message(claim(1))});
    ASSERT_EQ(bench.sent(Type::dead, kOwn).size(), 1u) << accuser;
    EXPECT_EQ(bench.sent(Type::dead, kOwn)[0]->dead().incarnation, 7u);
    bench.receive(kOwn, {alive_message(claim(8))});
    EXPECT_EQ(bench.status("m"), MemberStatus::alive) << "it has refuted";
  }
}

TEST(EngineTold, AMemberThatBeginsAgainFromAnOlderIncarnationHearsTheLatest) {
  Knows bench;
  bench.receive(kPeer, {alive_message(claim(3))});
  EXPECT_TRUE(bench.packets().empty()) << "old news by somebody else are nothing to tell";
  bench.receive(kOwn, {alive_message(claim(3))});
  ASSERT_EQ(bench.sent(Type::alive, kOwn).size(), 1u);
  EXPECT_EQ(bench.sent(Type::alive, kOwn)[0]->alive().incarnation, 7u);
}

TEST(EngineTold, WhoAccusesThisNodeOfAnOldIncarnationHearsTheLatest) {
  Knows bench;
  bench.receive(kPeer, {suspect_message("self", 1, "x")});
  ASSERT_EQ(bench.incarnation("self"), 2u);
  bench.forget();
  bench.receive(kOwn, {dead_message("self", 1, "m")});
  EXPECT_EQ(bench.incarnation("self"), 2u) << "there is nothing to refute";
  ASSERT_EQ(bench.sent(Type::alive, kOwn).size(), 1u);
  EXPECT_EQ(bench.sent(Type::alive, kOwn)[0]->alive().incarnation, 2u);
}

TEST(EngineTold, AMemberIsToldOnceAProbeInterval) {
  Knows bench({dead_message("m", 7, "x")});
  for (int i = 0; i < 50; ++i) bench.receive(kOwn, {ping_from_m()});
  EXPECT_EQ(bench.told(kOwn).size(), 1u);
  bench.run_for(1s);
  bench.receive(kOwn, {ping_from_m()});
  EXPECT_EQ(bench.told(kOwn).size(), 2u);
}

TEST(EngineTold, StrangersAreToldSoOftenASecond) {
  Knows bench;
  for (int i = 0; i < 200; ++i) bench.receive(kElsewhere, {ping_from_m(kElsewhere)});
  EXPECT_EQ(bench.sent(Type::alive, kElsewhere).size(), 64u);
}

TEST(EngineTold, TwoNodesOfOneNameDoNotAnswerEachOtherForEver) {
  Cluster cluster({.size = 3});
  cluster.config(1).name = cluster.config(2).name = "twin";
  cluster.kill(1);
  cluster.kill(2);
  cluster.restart(1);
  cluster.restart(2);
  ASSERT_TRUE(cluster.join(1, {0}).has_value());
  ASSERT_TRUE(cluster.join(2, {1}).has_value());
  cluster.run_for(10s);
  const std::uint64_t before = cluster.network().packets_sent();
  cluster.run_for(60s);
  EXPECT_LT(cluster.network().packets_sent() - before, 1500u);
}

// --- in clusters --------------------------------------------------------------------------------

// A newcomer knows nothing of the past, so it takes the member that comes back as it is. The others
// remember that it left.
TEST(EngineTold, AMemberThatReturnsThroughANewcomerIsBackWithinAGossipRound) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    Cluster cluster({.size = 4, .seed = seed});
    constexpr HostId kA = 0;
    constexpr HostId kB = 1;
    constexpr HostId kReturns = 2;
    constexpr HostId kNewcomer = 3;
    ASSERT_TRUE(cluster.join(kB, {kA}).has_value());
    ASSERT_TRUE(cluster.join(kReturns, {kA}).has_value());
    cluster.run_for(5s);
    ASSERT_TRUE(cluster.leave(kReturns).has_value());
    cluster.run_for(2s);
    cluster.kill(kReturns);
    ASSERT_TRUE(cluster.join(kNewcomer, {kA}).has_value());
    cluster.run_for(2s);
    ASSERT_EQ(cluster.status(kA, kReturns), MemberStatus::left);
    ASSERT_EQ(cluster.status(kB, kReturns), MemberStatus::left);
    cluster.restart(kReturns);
    ASSERT_TRUE(cluster.join(kReturns, {kNewcomer}).has_value());
    EXPECT_TRUE(cluster.run_until([&] { return cluster.agree(4); }, 2s));
  }
}

// The others consider a member dead that slept, and have no updates to gossip any more. No stream
// gets through, so only its pings and their answers can carry the information.
TEST(EngineTold, AMemberThatIsHeldDeadAndPingsIsBackWithinAGossipRound) {
  Cluster cluster({.size = 5});
  ASSERT_TRUE(cluster.assemble());
  cluster.network().set_group(4, 1);
  const auto buried = [&] {
    for (HostId node = 0; node < 4; ++node) {
      if (cluster.status(node, 4) != MemberStatus::dead) return false;
    }
    return true;
  };
  cluster.pause(4);
  ASSERT_TRUE(cluster.run_until(buried, 60s));
  cluster.run_for(10s);
  for (HostId node = 0; node < 4; ++node) {
    cluster.network().both_ways(node, 4, [](Link& rule) { rule.tcp_cut = true; });
  }
  cluster.network().heal_partitions();
  cluster.resume(4);
  EXPECT_TRUE(cluster.run_until([&] { return cluster.agree(5); }, 5s));
}

TEST(EngineTold, ANodeThatAdvertisesTheAddressOfAnotherIsWarned) {
  Bench bench(silent());
  bench.receive(kPeer, {alive_message({.name = "e", .address = bench.address()})});
  EXPECT_EQ(bench.log_lines(LogLevel::warning, "the address that this node advertises"), 1u);
}

}  // namespace
}  // namespace memberlist::testing
