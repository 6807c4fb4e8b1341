#include "engine_fixture.hpp"

// What an engine reports about its own node, so that an application needs no other source for it.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

TEST(EngineOwnEvents, BeginWithItsJoin) {
  Bench bench;
  const auto own = bench.changes("self");
  ASSERT_EQ(own.size(), 1U);
  EXPECT_EQ(own[0].event.kind, join);
  EXPECT_TRUE(own[0].event.self);
  EXPECT_EQ(own[0].event.cause.kind, Cause::Kind::command);
  EXPECT_EQ(own[0].event.member.address(), bench.address());
}

TEST(EngineOwnEvents, AreMarkedAndThoseOfOthersAreNot) {
  Bench bench;
  bench.meet("a");
  ASSERT_EQ(bench.changes("a").size(), 1U);
  EXPECT_FALSE(bench.changes("a")[0].event.self);
}

TEST(EngineOwnEvents, ReportNewMetaDataAndNothingWhereItIsTheSame) {
  Bench bench;
  for (const char* meta : {"role=db", "role=db", "role=cache"}) {
    const auto id = bench.act(
        [&](Engine& engine, TimePoint now) { return engine.update_meta(now, as_bytes(meta), 1s); });
    ASSERT_TRUE(id.has_value());
  }
  EXPECT_EQ(bench.kinds("self"), (std::vector{join, update, update}));
  EXPECT_EQ(as_text(bench.changes("self")[2].event.member.meta()), "role=cache");
}

TEST(EngineOwnEvents, ReportALeaveOnceAndAsLeft) {
  Bench bench;
  bench.meet("a");
  for (int i = 0; i < 2; ++i) {
    const auto id = bench.act([](Engine& engine, TimePoint now) { return engine.leave(now, 1s); });
    ASSERT_TRUE(id.has_value());
  }
  EXPECT_EQ(bench.kinds("self"), (std::vector{join, leave}));
  EXPECT_EQ(bench.changes("self")[1].event.member.status, MemberStatus::left);
}

TEST(EngineOwnEvents, ReportAMoveAsALeaveAndAJoinElsewhere) {
  Bench bench;
  bench.meet("a");
  const Address elsewhere{IpAddress::v4(10, 9, 0, 99), 7946};
  const auto id = bench.act(
      [&](Engine& engine, TimePoint now) { return engine.advertise(now, elsewhere, 10s); });
  ASSERT_TRUE(id.has_value());
  ASSERT_TRUE(bench.run_until([&] { return bench.kinds("self").size() == 3; }, 20s));
  EXPECT_EQ(bench.kinds("self"), (std::vector{join, leave, join}));
  EXPECT_EQ(bench.changes("self")[2].event.member.address(), elsewhere);
}

TEST(EngineOwnEvents, ReportAMoveThatNobodyHasToBeToldOfInTheSameWay) {
  Bench bench;
  const Address elsewhere{IpAddress::v4(10, 9, 0, 99), 7946};
  const auto id = bench.act(
      [&](Engine& engine, TimePoint now) { return engine.advertise(now, elsewhere, 10s); });
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(bench.kinds("self"), (std::vector{join, leave, join}));
  EXPECT_EQ(bench.changes("self")[1].event.member.status, MemberStatus::left);
  EXPECT_EQ(bench.changes("self")[2].event.member.address(), elsewhere);
}

TEST(EngineOwnEvents, ReportALeaveInTheMiddleOfAMoveOnce) {
  Bench bench;
  bench.meet("a");
  const Address elsewhere{IpAddress::v4(10, 9, 0, 99), 7946};
  const auto move = bench.act(
      [&](Engine& engine, TimePoint now) { return engine.advertise(now, elsewhere, 10s); });
  const auto id = bench.act([](Engine& engine, TimePoint now) { return engine.leave(now, 1s); });
  ASSERT_TRUE(move.has_value());
  ASSERT_TRUE(id.has_value());
  bench.run_for(20s);
  EXPECT_EQ(bench.kinds("self"), (std::vector{join, leave}));
}

}  // namespace
}  // namespace memberlist::testing
