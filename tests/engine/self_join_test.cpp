#include <algorithm>

#include "engine_fixture.hpp"

// Protocol 6, 'Join': a join that reaches the node that it comes from.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

const Address kNat{IpAddress::v4(203, 0, 113, 9), 7946};

Result<OperationId> join_through(Cluster& cluster, HostId node, const std::vector<HostId>& through,
                                 const JoinLimits& limits) {
  std::vector<JoinTarget> targets;
  for (const HostId other : through) targets.push_back({"", cluster.address(other)});
  return cluster.act(
      node, [&](Engine& engine, TimePoint now) { return engine.join(now, targets, limits); });
}

// What the engine has written to `dialled` comes in from `from`; gives back what it answers.
Bytes echo(EngineBench& bench, StreamId dialled, const Address& from) {
  const Bytes request = bench.stream(dialled).written;
  const auto inbound = bench.accept(from);
  bench.feed(*inbound, request);
  EXPECT_TRUE(bench.stream(*inbound).ended_at.has_value());
  return bench.stream(*inbound).written;
}

StreamId connect_to(EngineBench& bench, const Address& peer) {
  const auto found =
      std::ranges::find_if(bench.streams(), [&](const SeenStream& s) { return s.peer == peer; });
  bench.connected(found->id);
  return found->id;
}

TEST(EngineSelfJoin, IsNoSuccess) {
  for (const bool encrypted : {false, true}) {
    Config config = Config::lan();
    if (encrypted) config.keys = {to_bytes("0123456789abcdef")};
    Cluster cluster({.size = 1, .config = config});
    const auto id = cluster.join(0, {0});
    cluster.run_for(5s);
    const Completion* done = cluster.completion(0, *id);
    ASSERT_NE(done, nullptr);
    ASSERT_FALSE(done->result.has_value());
    EXPECT_EQ(done->result.error().code, ErrorCode::own_address);
    EXPECT_EQ(done->result.error().message, "10.0.0.1:7946 is this node itself");
    EXPECT_EQ(cluster.engine(0).members()->size(), 1u);
    EXPECT_EQ(cluster.engine(0).local_member().incarnation, 1u);
    EXPECT_EQ(cluster.count(0, 0, join), 1u) << "that of the creation, and no other";
    EXPECT_EQ(cluster.log_lines(0, LogLevel::warning, ""), 0u) << "a list may have oneself in it";
  }
}

TEST(EngineSelfJoin, OthersAreEnough) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Cluster cluster({.size = 2, .seed = seed});
    const auto id = join_through(cluster, 1, {1, 0}, {.enough = 1});
    cluster.run_for(1s);
    const Completion* done = cluster.completion(1, *id);
    ASSERT_NE(done, nullptr);
    ASSERT_TRUE(done->result.has_value()) << done->result.error().message;
    EXPECT_EQ(done->result->contacted, 1u);
    EXPECT_FALSE(done->result->attempts[0].merged);
    EXPECT_TRUE(done->result->attempts[1].merged);
    EXPECT_TRUE(cluster.agree(2)) << "seed " << seed;
  }
}

TEST(EngineSelfJoin, OfAMemberOfAClusterIsNoSuccessEither) {
  Cluster cluster({.size = 5});
  ASSERT_TRUE(cluster.assemble());
  const auto alone = cluster.join(2, {2});
  const auto with_another = cluster.join(3, {3, 4});
  cluster.run_for(1s);
  ASSERT_NE(cluster.completion(2, *alone), nullptr);
  EXPECT_EQ(cluster.completion(2, *alone)->result.error().code, ErrorCode::own_address);
  const Completion* done = cluster.completion(3, *with_another);
  ASSERT_NE(done, nullptr);
  EXPECT_EQ(done->result.value().contacted, 1u);
  EXPECT_EQ(done->result->failures.at(0).code, ErrorCode::own_address);
}

TEST(EngineSelfJoin, IsSaidBesideWhatTheOthersDid) {
  Cluster cluster({.size = 3});
  cluster.kill(1);
  const auto id = cluster.join(0, {0, 1});
  cluster.run_for(1s);
  const Completion* done = cluster.completion(0, *id);
  ASSERT_NE(done, nullptr);
  EXPECT_EQ(done->result.error().code, ErrorCode::unreachable) << "that one may come up";
  EXPECT_NE(done->result.error().message.find("10.0.0.1:7946 is this node itself"),
            std::string::npos);
}

// The address that was dialled, and the one that the connection comes from, are both others'.
TEST(EngineSelfJoin, IsRecognisedThroughNat) {
  VirtualPolicy policy;
  policy.on_local_state = [](bool) { return to_bytes("own user state"); };
  Bench bench(EngineBench::quiet_config(), &policy);
  const auto id = join_through(bench, {kNat});
  const StreamId dialled = connect_to(bench, kNat);
  const Bytes reply = echo(bench, dialled, {IpAddress::v4(203, 0, 113, 1), 40'000});
  bench.feed(dialled, reply);
  ASSERT_NE(bench.completion(*id), nullptr);
  EXPECT_EQ(bench.completion(*id)->result.error().code, ErrorCode::own_address);
  EXPECT_TRUE(bench.events<StateMerged>().empty()) << "nothing is taken from oneself";
}

// The dialled peer may send the request back to us, learn the mark, and answer with it. So may an
// observer of the request on its way to others: their exchanges are not ended by that.
TEST(EngineSelfJoin, WhoRepeatsOurRequestEndsOnlyItsOwnExchange) {
  Bench bench;
  ScriptedPeer& honest = bench.add_peer("honest");
  honest.tcp = Tcp::silent;
  const Address hostile{IpAddress::v4(10, 9, 6, 6), 7946};
  const auto id = join_through(bench, {honest.address, hostile});
  bench.run_for(1s);
  const StreamId to_honest = bench.streams().front().id;
  const StreamId to_hostile = connect_to(bench, hostile);
  EXPECT_EQ(bench.stream(to_honest).written, bench.stream(to_hostile).written);
  const Bytes mark = echo(bench, to_hostile, hostile);
  EXPECT_EQ(bench.completion(*id), nullptr);
  bench.feed(to_hostile, mark);
  bench.feed(to_honest, bench.sealed(push_pull_message(true, {honest.claim()}), false));
  const Completion* done = bench.completion(*id);
  ASSERT_NE(done, nullptr);
  ASSERT_TRUE(done->result.has_value()) << done->result.error().message;
  EXPECT_TRUE(done->result->attempts[0].merged);
  EXPECT_EQ(done->result->attempts[1].failure.value().code, ErrorCode::own_address);
  EXPECT_EQ(bench.status("honest"), MemberStatus::alive);
}

TEST(EngineSelfJoin, ARequestThatIsOverIsServedLikeAnybodys) {
  Bench bench;
  const auto id = join_through(bench, {kNat});
  const StreamId dialled = connect_to(bench, kNat);
  bench.fail_stream(dialled);
  ASSERT_NE(bench.completion(*id), nullptr);
  echo(bench, dialled, kNat);
  EXPECT_EQ(bench.engine().counters().push_pulls_served, 1u);
}

// Two members with equal tables that join each other at the same moment send the same states, each
// its own first.
TEST(EngineSelfJoin, TwoThatKnowTheSameMayJoinEachOtherAtOnce) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Config config = Config::lan();
    config.push_pull_interval = Duration::zero();  // no others than those of the joins
    Cluster cluster({.size = 2, .seed = seed, .config = config});
    ASSERT_TRUE(cluster.assemble());
    const std::uint64_t served = cluster.engine(0).counters().push_pulls_served;
    const auto first = cluster.join(0, {1});
    const auto second = cluster.join(1, {0});
    cluster.run_for(1s);
    for (const auto& [node, id] : {std::pair{HostId{0}, *first}, std::pair{HostId{1}, *second}}) {
      ASSERT_NE(cluster.completion(node, id), nullptr);
      EXPECT_EQ(cluster.completion(node, id)->result.value().contacted, 1u);
    }
    EXPECT_EQ(cluster.engine(0).counters().push_pulls_served, served + 1) << "not for itself";
  }
}

}  // namespace
}  // namespace memberlist::testing
