#include "engine_fixture.hpp"
#include "support/sanitizers.hpp"

// Protocol 6, 'Move': a node whose address changes while it runs.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

const Address kGossiper{IpAddress::v4(10, 9, 7, 7), 7946};
const Address kElsewhere{IpAddress::v4(10, 9, 8, 8), 7946};
const Address kYonder{IpAddress::v4(10, 9, 8, 9), 7946};

Result<OperationId> advertise(EngineBench& bench, const Address& address, Duration timeout = 10s) {
  return bench.act(
      [&](Engine& engine, TimePoint now) { return engine.advertise(now, address, timeout); });
}

Result<OperationId> update_meta(EngineBench& bench, std::string_view meta) {
  return bench.act(
      [&](Engine& engine, TimePoint now) { return engine.update_meta(now, as_bytes(meta), 10s); });
}

bool ends(EngineBench& bench, OperationId id) {
  return bench.run_until([&] { return bench.completion(id) != nullptr; }, 20s);
}

TEST(EngineMove, OthersSeeItLeaveAndReturnAtItsNewAddress) {
  Cluster cluster({.size = 40});
  ASSERT_TRUE(cluster.assemble());
  const TimePoint since = cluster.now();
  cluster.readdress(2, kElsewhere);
  const auto id = cluster.act(
      2, [](Engine& engine, TimePoint now) { return engine.advertise(now, kElsewhere, 30s); });
  ASSERT_TRUE(id.has_value());
  ASSERT_TRUE(cluster.run_until([&] { return cluster.completion(2, *id) != nullptr; }, 30s));
  EXPECT_TRUE(cluster.completion(2, *id)->result.has_value());
  EXPECT_TRUE(cluster.run_until([&] { return cluster.agree(40); }, 10s));
  for (HostId node = 0; node < 40; ++node) {
    const auto member = cluster.engine(node).member("n02");
    EXPECT_EQ(member->address(), kElsewhere) << node;
    EXPECT_EQ(member->incarnation, 2u) << node;
    if (node == 2) continue;
    EXPECT_EQ(cluster.count(node, 2, leave, since), 1u) << node;
    EXPECT_EQ(cluster.count(node, 2, join, since), 1u) << node;
    EXPECT_EQ(cluster.count(node, 2, conflict, since), 0u) << node;
  }
  cluster.run_for(60s);
  EXPECT_EQ(cluster.count(dead, since), 0u) << "it is reached at its new address";
}

// In a large cluster, and where packets are lost, the leave must be everywhere before the return.
TEST(EngineMove, IsNoConflictToAnybody) {
  constexpr HostId kMany = kSanitized ? 100 : 200;
  constexpr std::uint64_t kSeeds = kSanitized ? 1 : 2;
  for (const auto& [size, loss] : {std::pair{kMany, 0.0}, std::pair{HostId{60}, 0.1}}) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      SCOPED_TRACE(std::to_string(size) + " nodes, seed " + std::to_string(seed));
      Cluster cluster({.size = size, .seed = seed});
      ASSERT_TRUE(cluster.assemble());
      for (HostId from = 0; from < size; ++from) {
        for (HostId to = 0; to < size; ++to) cluster.network().rule(from, to).loss = loss;
      }
      cluster.readdress(2, kElsewhere);
      const auto id = cluster.act(
          2, [](Engine& engine, TimePoint now) { return engine.advertise(now, kElsewhere, 30s); });
      ASSERT_TRUE(cluster.run_until([&] { return cluster.completion(2, *id) != nullptr; }, 30s));
      const auto known = [&] {
        for (HostId node = 0; node < size; ++node) {
          if (cluster.engine(node).member("n02")->address() != kElsewhere) return false;
        }
        return true;
      };
      EXPECT_TRUE(cluster.run_until(known, 20s));
      EXPECT_EQ(cluster.count(conflict), 0U);
    }
  }
}

TEST(EngineMove, SaysThatItIsBackOnceItsLeaveWasSent) {
  Bench bench;
  bench.meet("a");
  bench.meet("b");
  bench.run_for(20s);
  bench.forget();
  const auto id = advertise(bench, kElsewhere);
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(bench.engine().local_member().status, MemberStatus::left);
  EXPECT_EQ(bench.sent_about(Type::dead, "self").size(), 2u) << "the first round goes at once";
  EXPECT_TRUE(bench.run_until([&] { return bench.sent_about(Type::dead, "self").size() == 8; }, 5s))
      << "twice retransmit_mult * ceil(log10(3 + 1))";
  EXPECT_TRUE(bench.sent_about(Type::alive, "self").empty());
  EXPECT_EQ(bench.engine().local_member().status, MemberStatus::alive);
  EXPECT_EQ(bench.completion(*id), nullptr) << "it is not known yet to be back";
  ASSERT_TRUE(ends(bench, *id));
  EXPECT_TRUE(bench.completion(*id)->result.has_value());
  for (const SeenMessage* message : bench.sent_about(Type::dead, "self")) {
    EXPECT_EQ(message->dead().from, "self");
    EXPECT_EQ(message->dead().incarnation, 1u);
  }
  const auto sent = bench.sent_about(Type::alive, "self");
  EXPECT_GE(sent.size(), 4u);
  for (const SeenMessage* message : sent) {
    EXPECT_EQ(message->alive().incarnation, 2u);
    EXPECT_EQ(IpAddress::from_bytes(message->alive().addr), kElsewhere.ip);
  }
  EXPECT_TRUE(bench.events<LeaveFinished>().empty());
  EXPECT_EQ(bench.kinds("self"), (std::vector{MemberEventKind::leave, MemberEventKind::join}));
}

TEST(EngineMove, IsNotRefutedOnTheWay) {
  Bench bench;
  bench.meet("a");
  bench.run_for(20s);
  bench.forget();
  const auto id = advertise(bench, kElsewhere);
  bench.receive(kGossiper, {dead_message("self", 1, "self"), suspect_message("self", 3, "x"),
                            alive_message({.name = "self", .address = kYonder, .incarnation = 5})});
  EXPECT_EQ(bench.engine().local_member().status, MemberStatus::left);
  ASSERT_TRUE(ends(bench, *id));
  EXPECT_EQ(bench.engine().local_member().address(), kElsewhere);
  bench.receive(kGossiper, {suspect_message("self", 5, "x")});
  EXPECT_EQ(bench.engine().local_member().incarnation, 6u) << "but afterwards it is";
}

TEST(EngineMove, NewMetaDataGoesWithIt) {
  Bench bench;
  bench.meet("a");
  bench.run_for(20s);
  bench.forget();
  const auto id = advertise(bench, kElsewhere);
  EXPECT_EQ(update_meta(bench, "new"), id);
  EXPECT_EQ(update_meta(bench, std::string(513, 'x')).error().code, ErrorCode::too_large);
  EXPECT_EQ(advertise(bench, kYonder), id) << "and so does yet another address";
  ASSERT_TRUE(ends(bench, *id));
  const auto sent = bench.sent_about(Type::alive, "self");
  ASSERT_FALSE(sent.empty());
  for (const SeenMessage* message : sent) {
    EXPECT_EQ(as_text(message->alive().meta), "new");
    EXPECT_EQ(IpAddress::from_bytes(message->alive().addr), kYonder.ip);
  }
}

TEST(EngineMove, IsOverAtItsTimeoutAndStands) {
  Config config = EngineBench::quiet_config();
  config.gossip_interval = Duration::zero();
  config.probe_interval = Duration::zero();
  Bench bench(config);
  bench.meet("a");
  const TimePoint start = bench.now();
  const auto id = advertise(bench, kElsewhere, 3s);
  ASSERT_TRUE(ends(bench, *id));
  EXPECT_EQ(bench.now() - start, 3s);
  EXPECT_EQ(bench.completion(*id)->result.error().code, ErrorCode::timed_out);
  EXPECT_EQ(bench.engine().local_member().status, MemberStatus::alive);
  EXPECT_EQ(bench.engine().local_member().address(), kElsewhere);
}

TEST(EngineMove, IsOverOnceTheLastOtherHasLeft) {
  Bench bench;
  bench.meet("a");
  bench.run_for(20s);
  const auto id = advertise(bench, kElsewhere);
  ASSERT_EQ(bench.completion(*id), nullptr);
  bench.receive(kGossiper, {dead_message("a", 1, "a")});
  ASSERT_TRUE(bench.run_until([&] { return bench.completion(*id) != nullptr; }, 2s));
  EXPECT_TRUE(bench.completion(*id)->result.has_value());
  EXPECT_EQ(bench.engine().local_member().address(), kElsewhere);
}

TEST(EngineMove, IsEndedByALeave) {
  Bench bench;
  bench.meet("a");
  bench.run_for(20s);
  const auto moving = advertise(bench, kElsewhere);
  const auto leaving =
      bench.act([](Engine& engine, TimePoint now) { return engine.leave(now, 10s); });
  ASSERT_NE(bench.completion(*moving), nullptr);
  EXPECT_EQ(bench.completion(*moving)->result.error().code, ErrorCode::shut_down);
  ASSERT_TRUE(ends(bench, *leaving));
  EXPECT_TRUE(bench.completion(*leaving)->result.has_value());
  bench.run_for(20s);
  EXPECT_EQ(bench.engine().local_member().status, MemberStatus::left);
  EXPECT_EQ(advertise(bench, kElsewhere).error().code, ErrorCode::shut_down);
}

TEST(EngineMove, AloneOrToTheSameAddressItCompletesAtOnce) {
  Bench alone;
  const auto first = advertise(alone, kElsewhere);
  ASSERT_NE(alone.completion(*first), nullptr);
  EXPECT_TRUE(alone.completion(*first)->result.has_value());
  EXPECT_EQ(alone.engine().local_member().address(), kElsewhere);
  EXPECT_EQ(alone.engine().local_member().incarnation, 2u);

  Bench bench;
  bench.meet("a");
  bench.run_for(20s);
  bench.forget();
  const auto same = advertise(bench, bench.address());
  ASSERT_NE(bench.completion(*same), nullptr);
  EXPECT_TRUE(bench.completion(*same)->result.has_value());
  bench.run_for(5s);
  EXPECT_TRUE(bench.sent_about(Type::alive, "self").empty());
  EXPECT_EQ(bench.engine().local_member().incarnation, 1u);
}

TEST(EngineMove, RefusesWhatNobodyCanReach) {
  Bench bench;
  for (const Address& address : {Address{IpAddress::v4(0, 0, 0, 0), 1}, Address{kElsewhere.ip, 0},
                                 Address{IpAddress::v4(224, 0, 0, 1), 1}}) {
    const auto id = advertise(bench, address);
    ASSERT_FALSE(id.has_value()) << address.to_string();
    EXPECT_EQ(id.error().code, ErrorCode::no_address);
  }
  EXPECT_EQ(bench.engine().local_member().incarnation, 1u);
}

}  // namespace
}  // namespace memberlist::testing
