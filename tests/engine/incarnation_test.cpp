#include "swim/incarnation.hpp"
#include "engine_fixture.hpp"

// Incarnations near the end of their range must not wedge a member (docs/threat-model.md).
namespace memberlist::testing {
namespace {

constexpr std::uint32_t kLast = ~std::uint32_t{0};
constexpr std::uint32_t kJump = std::uint32_t{1} << 30;
const Address kLiar{IpAddress::v4(10, 9, 7, 7), 7946};

TEST(EngineIncarnation, AnAbsurdAccusationIsOlder) {
  AnsweringBench bench;
  bench.meet("a");
  bench.receive(kLiar, {suspect_message("a", kLast, "liar"), dead_message("a", kLast, "liar")});
  EXPECT_EQ(bench.status("a"), MemberStatus::alive);
  EXPECT_EQ(bench.incarnation("a"), 1u);
}

TEST(EngineIncarnation, AnAbsurdClaimIsOlder) {
  AnsweringBench bench;
  ScriptedPeer& a = bench.meet("a");
  Claim absurd = a.claim();
  absurd.incarnation = kLast;
  absurd.meta = to_bytes("forged");
  bench.receive(kLiar, {alive_message(absurd)});
  EXPECT_EQ(bench.incarnation("a"), 1u);
  a.meta = to_bytes("its own");
  a.incarnation = 2;
  bench.introduce(a);
  EXPECT_EQ(as_text(bench.engine().member("a").value().meta()), "its own");
}

TEST(EngineIncarnation, NobodyFollowsAnAccusationBeyondTheLongestJump) {
  for (const auto accuse : {suspect_message, dead_message}) {
    for (const std::uint32_t beyond : {kJump + 1, kJump + kJump, kJump + kJump + 1}) {
      SCOPED_TRACE(beyond);
      AnsweringBench bench;
      bench.meet("a");
      bench.run_for(5s);
      bench.forget();
      bench.receive(kLiar, {accuse("self", 1 + beyond, "liar"), accuse("a", 1 + beyond, "liar")});
      bench.run_for(2s);
      EXPECT_EQ(bench.incarnation("self"), 1u);
      EXPECT_EQ(bench.incarnation("a"), 1u);
      EXPECT_EQ(bench.status("a"), MemberStatus::alive);
      for (const SeenMessage* message : bench.sent(Type::alive)) {
        EXPECT_EQ(message->to, kLiar) << "which is told what is so";
      }
      EXPECT_TRUE(bench.sent(Type::suspect).empty());
      EXPECT_TRUE(bench.sent(Type::dead).empty());
    }
  }
}

TEST(EngineIncarnation, AccusationOfTheLongestJumpIsAnsweredAtOnce) {
  AnsweringBench bench;
  bench.meet("a");
  bench.receive(kLiar, {suspect_message("self", 1 + kJump, "liar")});
  EXPECT_EQ(bench.incarnation("self"), 2 + kJump);
  bench.receive(kLiar, {suspect_message("a", 1 + kJump, "liar")});
  EXPECT_EQ(bench.status("a"), MemberStatus::suspect);
}

// What counts is what the others have received, not what this node has not sent yet.
TEST(EngineIncarnation, JumpsInARowAreAnsweredStepByStep) {
  AnsweringBench bench;
  bench.meet("a");
  bench.receive(kLiar, {suspect_message("self", 1 + kJump, "liar")});
  bench.receive(kLiar, {suspect_message("self", 2 + kJump + kJump, "liar")});
  EXPECT_LT(bench.incarnation("self"), 2 * kJump) << "all take it for newer than 1";
  bench.run_for(2s);
  EXPECT_EQ(bench.incarnation("self"), 3 + kJump + kJump);
  EXPECT_EQ(bench.engine().counters().refutations, 2u);
}

// Three members, and no push/pull that could help gossip.
class ThreeWithoutPushPull {
 public:
  ThreeWithoutPushPull() : cluster({.size = 3, .config = config()}) {
    EXPECT_TRUE(cluster.assemble());
  }
  static Config config() {
    Config config = Config::lan();
    config.push_pull_interval = Duration::zero();
    return config;
  }
  void tell(HostId node, Bytes message) {
    cluster.act(node, [&](Engine& engine, TimePoint now) {
      engine.handle_packet(now, kLiar, message);
      return true;
    });
  }
  std::uint32_t own_incarnation(HostId node) {
    return cluster.engine(node).local_member().incarnation;
  }
  // Whether all hear of new meta data, by gossip.
  bool hear_the_next_update_of(HostId node, Duration limit) {
    const auto id = cluster.act(node, [](Engine& engine, TimePoint now) {
      return engine.update_meta(now, as_bytes("new"), 5s);
    });
    return id && cluster.run_until([&] { return all_know(node, "new"); }, limit);
  }
  bool all_know(HostId node, std::string_view meta) {
    for (HostId observer = 0; observer < cluster.size(); ++observer) {
      const auto member = cluster.engine(observer).member(cluster.name(node));
      if (!member || member->status != MemberStatus::alive) return false;
      if (as_text(member->meta()) != meta) return false;
    }
    return cluster.agree(cluster.size());
  }
  Cluster cluster;
};

TEST(EngineIncarnation, AMemberIsHeardAfterEveryJump) {
  for (const std::uint32_t jump :
       {kJump, kJump + 1, 2 * kJump - 2, 2 * kJump - 1, 2 * kJump, 3 * kJump, kLast - 1}) {
    SCOPED_TRACE(jump);
    ThreeWithoutPushPull three;
    three.tell(1, suspect_message("n01", 1 + jump, "liar"));
    EXPECT_TRUE(three.hear_the_next_update_of(1, 2s));
  }
}

TEST(EngineIncarnation, AMemberIsHeardAfterManyJumpsAtOnce) {
  for (const std::size_t jumps : {1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U, 20U}) {
    SCOPED_TRACE(jumps);
    ThreeWithoutPushPull three;
    for (std::size_t i = 0; i < jumps; ++i) {
      three.tell(1, suspect_message("n01", three.own_incarnation(1) + kJump, "liar"));
    }
    EXPECT_TRUE(three.hear_the_next_update_of(1, 10s));
    EXPECT_EQ(three.cluster.count(MemberEventKind::dead), 0u);
  }
}

TEST(EngineIncarnation, AMemberIsHeardAfterJumpsThatGoOn) {
  ThreeWithoutPushPull three;
  for (int i = 0; i < 50; ++i) {
    three.tell(1, suspect_message("n01", three.own_incarnation(1) + kJump, "liar"));
    three.cluster.run_for(300ms);
  }
  EXPECT_TRUE(three.hear_the_next_update_of(1, 10s));
}

TEST(EngineIncarnation, AccusationsOfWhatNobodyHasHeardYetAreAnsweredInTime) {
  ThreeWithoutPushPull three;
  three.tell(1, suspect_message("n01", 1 + kJump, "liar"));
  const Bytes second = suspect_message("n01", 2 + kJump + kJump, "liar");
  three.cluster.run_for(600ms);
  for (const HostId node : {HostId{0}, HostId{1}, HostId{2}}) three.tell(node, second);
  EXPECT_TRUE(three.hear_the_next_update_of(1, 10s));
  EXPECT_EQ(three.cluster.count(MemberEventKind::dead), 0u);
}

TEST(EngineIncarnation, ForgedClaimsOfEveryNumberAreOutdone) {
  for (const std::uint32_t jump : {kJump, 2 * kJump - 1, 2 * kJump, 2 * kJump + 1, 3 * kJump}) {
    SCOPED_TRACE(jump);
    ThreeWithoutPushPull three;
    three.tell(2, alive_message({.name = "n01",
                                 .address = three.cluster.address(1),
                                 .incarnation = 1 + jump,
                                 .meta = to_bytes("forged")}));
    EXPECT_TRUE(three.cluster.run_until([&] { return three.all_know(1, ""); }, 10s));
    EXPECT_TRUE(three.hear_the_next_update_of(1, 3s));
  }
}

// It begins again with 1, and the others remember a number that it does not follow.
TEST(EngineIncarnation, ARestartedMemberIsHeardWhateverIsRememberedOfIt) {
  for (const int jumps : {1, 2, 3, 4}) {
    // Before it is found dead, while it is known to be dead, and when it has but a tombstone.
    for (const Duration away : {Duration(500ms), Duration(25s), Duration(90s)}) {
      SCOPED_TRACE(::testing::Message() << jumps << " jumps, away for " << away.count());
      ThreeWithoutPushPull three;
      for (int i = 0; i < jumps; ++i) {
        three.tell(1, suspect_message("n01", three.own_incarnation(1) + kJump - 9, "liar"));
        three.cluster.run_for(3s);
      }
      three.cluster.kill(1);
      three.cluster.run_for(away);
      three.cluster.restart(1);
      ASSERT_TRUE(three.cluster.join(1, {0}));
      EXPECT_TRUE(three.hear_the_next_update_of(1, 10s));
    }
  }
}

TEST(EngineIncarnation, OfTwoNumbersExactlyOneIsNewer) {
  for (const std::uint32_t known : {0u, 1u, kJump, 2 * kJump - 1, 2 * kJump, 3 * kJump, kLast}) {
    for (const std::uint32_t other : {0u, 1u, kJump, 2 * kJump - 1, 2 * kJump, 3 * kJump, kLast}) {
      EXPECT_EQ(swim::is_newer(known, other) != swim::is_newer(other, known), known != other);
    }
  }
}

TEST(EngineIncarnation, BehindTheLastComesTheFirstAgain) {
  AnsweringBench bench;
  ScriptedPeer& a = bench.add_peer("a");
  a.incarnation = kLast;
  bench.introduce(a);
  ASSERT_EQ(bench.incarnation("a"), kLast);
  a.incarnation = 0;
  a.meta = to_bytes("news");
  bench.introduce(a);
  EXPECT_EQ(bench.incarnation("a"), 0u);
  EXPECT_EQ(as_text(bench.engine().member("a").value().meta()), "news");
  a.incarnation = kLast;
  a.meta = {};
  bench.introduce(a);
  EXPECT_EQ(as_text(bench.engine().member("a").value().meta()), "news") << "a late packet";
}

}  // namespace
}  // namespace memberlist::testing
