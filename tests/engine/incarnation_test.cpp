#include "engine_fixture.hpp"

// Incarnations near the end of their range must not wedge a member (docs/threat-model.md).
namespace memberlist::testing {
namespace {

constexpr std::uint32_t kLast = ~std::uint32_t{0};
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

TEST(EngineIncarnation, TheAccusedFindsAWayBackFromEveryNumber) {
  for (const std::uint32_t absurd : {0x7fff'ffffu, 0x8000'0000u, kLast - 1, kLast}) {
    SCOPED_TRACE(absurd);
    AnsweringBench bench;
    bench.meet("a");
    // As far as it lets itself be led in one step, and then to the number.
    bench.receive(kLiar, {suspect_message("self", 0x8000'0000u, "liar")});
    bench.receive(kLiar, {suspect_message("self", absurd, "liar")});
    bench.receive(kLiar, {dead_message("self", bench.incarnation("self"), "liar")});
    EXPECT_EQ(bench.status("self"), MemberStatus::alive);

    // Another node that has followed the same way believes its refutation.
    Config config = EngineBench::quiet_config();
    config.name = "other";
    AnsweringBench other(config);
    const Claim claim{
        .name = "self", .address = {IpAddress::v4(10, 9, 2, 2), 7946}, .incarnation = 0x8000'0001u};
    other.receive(kLiar, {alive_message(claim)});
    other.receive(kLiar, {suspect_message("self", absurd, "liar")});
    Claim refutation = claim;
    refutation.incarnation = bench.incarnation("self");
    other.receive(claim.address, {alive_message(refutation)});
    EXPECT_EQ(other.status("self"), MemberStatus::alive);
    EXPECT_EQ(other.incarnation("self"), bench.incarnation("self"));
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
