#include <algorithm>

#include "engine_fixture.hpp"

// Protocol 6, 'Join': a node that learns from the cluster it joins that its name is taken.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

const Address kHolder{IpAddress::v4(10, 9, 8, 8), 7946};
const Address kStranger{IpAddress::v4(10, 9, 7, 7), 40'000};
constexpr HostId kA = 0;
constexpr HostId kW = 1;
constexpr HostId kB = 2;
constexpr HostId kSecondB = 3;
constexpr HostId kThird = 4;

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// a, w and b are a cluster; another b and a third one are not in it yet.
class TwoOfOneName : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const HostId node : {kW, kB}) {
      cluster_.run_for(7ms);
      ASSERT_TRUE(cluster_.join(node, {kA}).has_value());
    }
    ASSERT_TRUE(cluster_.run_until(
        [&] {
          return std::ranges::all_of(std::vector{kA, kW, kB}, [&](HostId node) {
            return cluster_.engine(node).live_count() == 3;
          });
        },
        10s));
  }
  // A join of `node` that fails.
  Error join_error(HostId node, std::vector<HostId> through) {
    const auto id = cluster_.join(node, std::move(through));
    EXPECT_TRUE(cluster_.run_until([&] { return cluster_.completion(node, *id) != nullptr; }, 30s));
    const Completion* done = cluster_.completion(node, *id);
    if (!done->result) return done->result.error();
    return Error{ErrorCode::system, "the join succeeded", {}};
  }
  void expect_b_untouched() {
    for (const HostId node : {kA, kW, kB}) {
      for (const MemberEventKind kind : {leave, dead, suspect, update}) {
        EXPECT_EQ(cluster_.count(node, kB, kind), 0u) << to_string(kind) << " at " << node;
      }
      EXPECT_EQ(cluster_.engine(node).member("n02")->address(), cluster_.address(kB));
      EXPECT_EQ(cluster_.engine(node).member("n02")->incarnation, 1u) << "it had nothing to refute";
    }
  }

  Cluster cluster_{{.size = 5, .tweak = [](HostId node, Config& config) {
                      if (node == kSecondB) config.name = "n02";
                    }}};
};

TEST_F(TwoOfOneName, TheSecondHearsBothAddressesAndMergesNothing) {
  const Error error = join_error(kSecondB, {kA});
  EXPECT_EQ(error.code, ErrorCode::name_taken);
  for (const HostId node : {kB, kSecondB}) {
    EXPECT_TRUE(contains(error.message, cluster_.address(node).to_string())) << error.message;
  }
  EXPECT_EQ(cluster_.engine(kSecondB).members()->size(), 1u);
  cluster_.run_for(60s);
  EXPECT_EQ(cluster_.count(kA, kB, conflict), 1u);
  expect_b_untouched();
}

TEST_F(TwoOfOneName, TheSecondHearsItFromTheFirstAsWell) {
  EXPECT_EQ(join_error(kSecondB, {kB}).code, ErrorCode::name_taken);
  expect_b_untouched();
}

TEST_F(TwoOfOneName, TheSecondLeavesWithoutAWord) {
  join_error(kSecondB, {kA});
  const auto left = cluster_.leave(kSecondB);
  ASSERT_NE(cluster_.completion(kSecondB, *left), nullptr) << "there is nothing to wait for";
  EXPECT_TRUE(cluster_.completion(kSecondB, *left)->result.has_value());
  EXPECT_EQ(cluster_.engine(kSecondB).local_member().status, MemberStatus::left);
  cluster_.run_for(60s);
  expect_b_untouched();
}

TEST_F(TwoOfOneName, TheSecondServesNoJoins) {
  join_error(kSecondB, {kA});
  const Error error = join_error(kThird, {kSecondB});
  EXPECT_EQ(error.code, ErrorCode::refused_by_peer) << "no island that reports success";
  EXPECT_TRUE(contains(error.message, "its name n02 is taken by the member at 10.0.0.3:7946"))
      << error.message;
  EXPECT_EQ(cluster_.engine(kThird).members()->size(), 1u);
  EXPECT_EQ(cluster_.engine(kSecondB).members()->size(), 1u);
  const auto joined = cluster_.join(kThird, {kSecondB, kA});
  cluster_.run_for(1s);
  EXPECT_EQ(cluster_.completion(kThird, *joined)->result.value().contacted, 1u);
  EXPECT_TRUE(cluster_.engine(kThird).member("n02").has_value());
}

TEST_F(TwoOfOneName, AfterAMinuteTheSecondServesJoinsAgain) {
  join_error(kSecondB, {kA});
  cluster_.run_for(59s);
  EXPECT_EQ(join_error(kThird, {kSecondB}).code, ErrorCode::refused_by_peer);
  cluster_.run_for(1s);
  const auto id = cluster_.join(kThird, {kSecondB});
  cluster_.run_for(1s);
  EXPECT_EQ(cluster_.completion(kThird, *id)->result.value().contacted, 1u);
  const TimePoint since = cluster_.now();
  (void)cluster_.leave(kSecondB);
  cluster_.run_for(5s);
  EXPECT_EQ(cluster_.count(kThird, kSecondB, leave, since), 1u) << "they are a cluster now";
  expect_b_untouched();
}

TEST_F(TwoOfOneName, TheSecondComesInOnceTheFirstHasLeft) {
  join_error(kSecondB, {kA});
  (void)cluster_.leave(kB);
  cluster_.run_for(5s);
  cluster_.kill(kB);
  const auto id = cluster_.join(kSecondB, {kA});
  cluster_.run_for(1s);
  EXPECT_EQ(cluster_.completion(kSecondB, *id)->result.value().contacted, 1u);
  EXPECT_EQ(cluster_.engine(kW).member("n02")->address(), cluster_.address(kSecondB));
  const auto third = cluster_.join(kThird, {kSecondB});
  cluster_.run_for(1s);
  EXPECT_EQ(cluster_.completion(kThird, *third)->result.value().contacted, 1u);
  const TimePoint since = cluster_.now();
  (void)cluster_.leave(kSecondB);
  cluster_.run_for(5s);
  EXPECT_EQ(cluster_.count(kA, kSecondB, leave, since), 1u) << "its leave is its own again";
}

Result<OperationId> leave_cluster(EngineBench& bench) {
  return bench.act([](Engine& engine, TimePoint now) { return engine.leave(now, 10s); });
}

Claim claim_of_self(const Address& address, MemberStatus status = MemberStatus::alive,
                    std::uint32_t incarnation = 1) {
  return {.name = "self", .address = address, .incarnation = incarnation, .status = status};
}

// A peer whose answers say who is called `self`.
ScriptedPeer& add_witness(EngineBench& bench, const Claim& claim) {
  ScriptedPeer& peer = bench.add_peer("witness");
  peer.tcp = Tcp::answers;
  peer.claims = {peer.claim(), claim};
  return peer;
}

ErrorCode outcome(EngineBench& bench, const Result<OperationId>& id) {
  EXPECT_TRUE(bench.run_until([&] { return bench.completion(*id) != nullptr; }, 60s));
  const auto& result = bench.completion(*id)->result;
  return result ? ErrorCode{255} : result.error().code;
}
constexpr ErrorCode kNone{255};

// Whether a join through the engine is served.
bool serves_joins(EngineBench& bench, bool is_join = true) {
  const auto id = bench.accept(kStranger);
  bench.feed(*id, bench.sealed(push_pull_message(is_join, {}), true));
  const auto reply = bench.read(*id);
  return reply != nullptr && std::holds_alternative<wire::PushPullMessage>(reply->message());
}

TEST(EngineNameTaken, ByWhoIsSuspectToo) {
  for (const MemberStatus status : {MemberStatus::alive, MemberStatus::suspect}) {
    Bench bench;
    const ScriptedPeer& peer = add_witness(bench, claim_of_self(kHolder, status));
    EXPECT_EQ(outcome(bench, join_through(bench, {peer.address})), ErrorCode::name_taken);
    EXPECT_FALSE(bench.status("witness").has_value()) << "nothing of the answer is merged";
    EXPECT_FALSE(serves_joins(bench));
    EXPECT_TRUE(serves_joins(bench, false)) << "others' periodic push/pulls are";
  }
}

TEST(EngineNameTaken, EachAnswerThatSaysSoCounts) {
  Bench bench;
  const ScriptedPeer& peer = add_witness(bench, claim_of_self(kHolder));
  EXPECT_EQ(outcome(bench, join_through(bench, {peer.address})), ErrorCode::name_taken);
  bench.run_for(50s);
  EXPECT_EQ(outcome(bench, join_through(bench, {peer.address})), ErrorCode::name_taken);
  bench.run_for(50s);
  EXPECT_FALSE(serves_joins(bench));
  bench.run_for(10s);
  EXPECT_TRUE(serves_joins(bench));
}

// Its state would say that the member with the name has left.
TEST(EngineNameTaken, WhoHasLeftServesNoJoinsHoweverLongAgo) {
  Bench bench;
  const ScriptedPeer& peer = add_witness(bench, claim_of_self(kHolder));
  EXPECT_EQ(outcome(bench, join_through(bench, {peer.address})), ErrorCode::name_taken);
  ASSERT_TRUE(leave_cluster(bench));
  bench.run_for(120s);
  EXPECT_FALSE(serves_joins(bench));
}

TEST(EngineNameTaken, NotByWhoIsDeadOrHasLeft) {
  for (const MemberStatus status : {MemberStatus::dead, MemberStatus::left}) {
    Bench bench;
    const ScriptedPeer& peer = add_witness(bench, claim_of_self(kHolder, status));
    EXPECT_EQ(outcome(bench, join_through(bench, {peer.address})), kNone);
    EXPECT_TRUE(serves_joins(bench));
  }
}

TEST(EngineNameTaken, NotByOneselfInAnotherFormOfTheAddress) {
  Config config = EngineBench::quiet_config();
  Bench bench(config, nullptr, 1, [](EngineEnvironment& environment) {
    IpAddress link_local = IpAddress::parse("fe80::1").value();
    link_local.set_scope_id(3);
    environment.advertise = {link_local, 7946};
  });
  const Address on_the_wire{IpAddress::parse("fe80::1").value(), 7946};
  const ScriptedPeer& peer = add_witness(bench, claim_of_self(on_the_wire));
  EXPECT_EQ(outcome(bench, join_through(bench, {peer.address})), kNone)
      << "zones are no peer's affair";
}

TEST(EngineNameTaken, NotByOneselfAtAFormerAddress) {
  Bench bench;
  ScriptedPeer& peer = add_witness(bench, claim_of_self(bench.address()));
  const auto moved = bench.act(
      [](Engine& engine, TimePoint now) { return engine.advertise(now, kStranger, 10s); });
  ASSERT_TRUE(moved.has_value());
  EXPECT_EQ(outcome(bench, join_through(bench, {peer.address})), kNone)
      << "it has not heard of the move";
  EXPECT_TRUE(serves_joins(bench));
  peer.claims[1].incarnation = 9;
  EXPECT_EQ(outcome(bench, join_through(bench, {peer.address})), ErrorCode::name_taken)
      << "somebody else is there now";
}

TEST(EngineNameTaken, FormerAddressesAreBounded) {
  Bench bench;
  ScriptedPeer& peer = add_witness(bench, claim_of_self(bench.address()));
  for (std::size_t i = 0; i <= limits::kFormerAddresses; ++i) {
    const Address next{IpAddress::v4(10, 9, 5, static_cast<std::uint8_t>(i + 1)), 7946};
    ASSERT_TRUE(
        bench.act([&](Engine& engine, TimePoint now) { return engine.advertise(now, next, 10s); })
            .has_value());
  }
  EXPECT_EQ(outcome(bench, join_through(bench, {peer.address})), ErrorCode::name_taken);
  peer.claims[1].address = {IpAddress::v4(10, 9, 5, 1), 7946};
  EXPECT_EQ(outcome(bench, join_through(bench, {peer.address})), kNone);
}

TEST(EngineNameTaken, ByATwinAtTheVerySameAddress) {
  Bench bench;
  ScriptedPeer& peer = bench.add_peer("twin");
  peer.tcp = Tcp::answers;
  peer.claims = {claim_of_self(bench.address())};
  EXPECT_EQ(outcome(bench, join_through(bench, {peer.address})), ErrorCode::name_taken)
      << "whoever answers is in its answer";
}

TEST(EngineNameTaken, IsSaidByAnswersToOwnJoinsOnly) {
  Bench bench;
  bench.let_strangers_answer();
  const Claim claim = claim_of_self(kHolder, MemberStatus::alive, 7);
  bench.receive(kStranger, {alive_message(claim)});
  const auto inbound = bench.accept(kStranger);
  bench.feed(*inbound, bench.sealed(push_pull_message(true, {claim}), true));
  EXPECT_TRUE(serves_joins(bench)) << "anybody could say so";
  bench.meet("a");
  (void)leave_cluster(bench);
  bench.run_for(1s);
  EXPECT_FALSE(bench.sent_about(Type::dead, "self").empty()) << "and it leaves aloud";
}

TEST(EngineNameTaken, EndsTheWholeJoin) {
  Bench bench;
  ScriptedPeer& good = bench.add_peer("good");
  good.tcp = Tcp::answers;
  good.claims = {good.claim()};
  ScriptedPeer& silent = bench.add_peer("silent");
  silent.tcp = Tcp::silent;
  const ScriptedPeer& witness = add_witness(bench, claim_of_self(kHolder));
  const TimePoint start = bench.now();
  const auto id = join_through(bench, {good.address, silent.address, witness.address});
  EXPECT_EQ(outcome(bench, id), ErrorCode::name_taken);
  EXPECT_LT(bench.now() - start, 1s) << "the silent one is not waited for";
  EXPECT_TRUE(bench.streams()[1].aborted);
  ASSERT_EQ(bench.events<JoinFinished>().size(), 1u);
  EXPECT_EQ(bench.events<JoinFinished>()[0]->failures.at(0).code, ErrorCode::name_taken);
}

TEST(EngineNameTaken, LeavesWithoutAWordThoughOthersAreThere) {
  Bench bench;
  bench.meet("a");
  const ScriptedPeer& witness = add_witness(bench, claim_of_self(kHolder));
  outcome(bench, join_through(bench, {witness.address}));
  bench.forget();
  const auto left = leave_cluster(bench);
  EXPECT_EQ(outcome(bench, left), kNone);
  EXPECT_EQ(bench.events<LeaveFinished>().size(), 1u);
  bench.receive(kStranger, {message_bytes(wire::Ping{7, "self", kStranger.ip.wire_bytes(),
                                                     kStranger.port, std::string_view("self")})});
  bench.run_for(10s);
  EXPECT_TRUE(bench.sent_about(Type::dead, "self").empty()) << "also not to whoever asks for it";
  EXPECT_FALSE(serves_joins(bench, false)) << "its state would say that `self` has left";
}

TEST(EngineNameTaken, ALeaveThatWaitedForTheJoinIsNotTold) {
  Bench bench;
  ScriptedPeer& witness = bench.add_peer("witness");
  witness.tcp = Tcp::silent;
  const auto joined = join_through(bench, {witness.address});
  bench.run_for(100ms);
  const auto left = leave_cluster(bench);
  bench.feed(
      bench.dialled().id,
      bench.sealed(push_pull_message(true, {witness.claim(), claim_of_self(kHolder)}), false));
  EXPECT_EQ(outcome(bench, joined), ErrorCode::name_taken);
  EXPECT_EQ(outcome(bench, left), kNone);
  EXPECT_EQ(bench.events<LeaveFinished>().size(), 1u);
  bench.introduce(bench.add_peer("late"));
  bench.run_for(10s);
  EXPECT_TRUE(bench.sent_about(Type::dead, "self").empty());
}

TEST(EngineNameTaken, AJoinUnderWayDoesNotTellTheLeaveEither) {
  Bench bench;
  const ScriptedPeer& witness = add_witness(bench, claim_of_self(kHolder));
  outcome(bench, join_through(bench, {witness.address}));
  const Address later{IpAddress::v4(10, 9, 6, 6), 7946};
  const auto again = join_through(bench, {later});
  (void)leave_cluster(bench);
  EXPECT_EQ(outcome(bench, again), ErrorCode::shut_down);
  EXPECT_TRUE(bench.dialled().aborted) << "its request would hold the state `left`";
  EXPECT_EQ(bench.events<LeaveFinished>().size(), 1u);
}

TEST(EngineNameTaken, AMoveUnderWayEndsAtOnce) {
  Bench bench;
  bench.meet("a");
  const ScriptedPeer& witness = add_witness(bench, claim_of_self(kHolder));
  const auto moved = bench.act(
      [](Engine& engine, TimePoint now) { return engine.advertise(now, kStranger, 10s); });
  EXPECT_EQ(outcome(bench, join_through(bench, {witness.address})), ErrorCode::name_taken);
  const std::size_t told = bench.sent_about(Type::dead, "self").size();
  EXPECT_EQ(outcome(bench, moved), kNone);
  EXPECT_EQ(bench.engine().local_member().address(), kStranger);
  bench.run_for(10s);
  EXPECT_EQ(bench.sent_about(Type::dead, "self").size(), told);
}

TEST(EngineNameTaken, AMoveTellsNoLeave) {
  Bench bench;
  bench.meet("a");
  const ScriptedPeer& witness = add_witness(bench, claim_of_self(kHolder));
  outcome(bench, join_through(bench, {witness.address}));
  bench.forget();
  const auto moved = bench.act(
      [](Engine& engine, TimePoint now) { return engine.advertise(now, kStranger, 10s); });
  EXPECT_EQ(outcome(bench, moved), kNone);
  EXPECT_TRUE(bench.sent_about(Type::dead, "self").empty());
  EXPECT_FALSE(bench.sent_about(Type::alive, "self").empty());
}

}  // namespace
}  // namespace memberlist::testing
