#include <gtest/gtest.h>

#include <csignal>

#include "../support/own_loopback.hpp"
#include "interop_test.hpp"

namespace memberlist::interop {
namespace {

using namespace std::chrono_literals;

/// first: the member that gets into trouble; second: the one that watches.
class FailureTest : public InteropTest, public ::testing::WithParamInterface<Roles> {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_GO();
    PeerOptions options;
    most(GetParam()).apply_to(options);
    FastTimings::apply_to(options);
    options.name = "watcher";
    watcher = &start(GetParam().second, options);
    options.name = "victim";
    victim = &start(GetParam().first, options);
    join(*victim, *watcher);
    watcher->watch();
  }

  Peer* victim = nullptr;
  Peer* watcher = nullptr;
};

TEST_P(FailureTest, AKilledMemberIsSuspectedThenDeadInTime) {
  const auto killed = Clock::now();
  victim->signal(SIGKILL);

  // A probe begins within one interval and fails at the end of the next.
  ASSERT_TRUE(
      watcher->wait_for_status("victim", "suspect", 2 * FastTimings::kProbeInterval + kSlack));
  const auto suspected = Clock::now();
  ASSERT_TRUE(watcher->wait_for_status("victim", "dead", FastTimings::kSuspicion + kSlack));
  const auto dead = Clock::now();

  EXPECT_GE(dead - killed, FastTimings::kSuspicion);
  RecordProperty("suspect_after_ms", static_cast<int>((suspected - killed) / 1ms));
  RecordProperty("dead_after_ms", static_cast<int>((dead - killed) / 1ms));
  EXPECT_TRUE(watcher->wait_for_event("leave", "victim", kSlack));
  EXPECT_EQ(watcher->members().at("victim").status, "dead");
}

TEST_P(FailureTest, AMemberThatSleepsForLessThanTheSuspicionRefutes) {
  const std::uint64_t before = watcher->members().at("victim").incarnation;
  victim->signal(SIGSTOP);
  ASSERT_TRUE(
      watcher->wait_for_status("victim", "suspect", 2 * FastTimings::kProbeInterval + kSlack));
  victim->signal(SIGCONT);

  // Asked of the table: that it was shown alive once is true since the join.
  ASSERT_TRUE(eventually(FastTimings::kSuspicion + kSlack, [&] {
    const MemberView seen = watcher->members().at("victim");
    return seen.status == "alive" && seen.incarnation > before;
  }));
  // Whatever timer was left over would run out in this time.
  EXPECT_TRUE(throughout(FastTimings::kSuspicion + 500ms,
                         [&] { return status_of(watcher->members(), "victim") != "dead"; }));
  EXPECT_FALSE(watcher->wait_for_event("leave", "victim", 0ms));
  EXPECT_TRUE(eventually_agree({victim, watcher}));
}

INSTANTIATE_TEST_SUITE_P(Pairs, FailureTest,
                         ::testing::Values(kOursAndGo, kGoAndOurs, kOursAndOurs, kGoAndGo),
                         [](const auto& test) { return to_name(test.param); });
INSTANTIATE_TEST_SUITE_P(OlderGo, FailureTest,
                         ::testing::Values(kOursAndGoV05, kGoV05AndOurs, kOursAndGoV02,
                                           kGoV02AndOurs),
                         [](const auto& test) { return to_name(test.param); });

/// Four members are enough for indirect probes and for two confirmations of a suspicion.
class CrowdFailureTest : public InteropTest, public ::testing::WithParamInterface<Kind> {};

TEST_P(CrowdFailureTest, EachOfAMixedCrowdSeesTheKilledOneSuspectedThenDead) {
  SKIP_WITHOUT_GO();
  PeerOptions options;
  kAll.apply_to(options);
  FastTimings::apply_to(options);
  options.name = "ours-a";
  Peer& a = start(Kind::ours, options);
  options.name = "go-b";
  Peer& b = start(Kind::go, options);
  options.name = "third";
  Peer& c = start(GetParam() == Kind::ours ? Kind::go : Kind::ours, options);
  options.name = "victim";
  Peer& victim = start(GetParam(), options);
  for (Peer* peer : {&b, &c, &victim}) ASSERT_TRUE(peer->join(a.address()).has_value());
  ASSERT_TRUE(eventually_agree({&a, &b, &c, &victim}, 2 * kSlack));
  for (Peer* peer : {&a, &b, &c}) peer->watch();

  const auto killed = Clock::now();
  victim.signal(SIGKILL);
  ASSERT_TRUE(a.wait_for_status("victim", "suspect", kSlack));
  ASSERT_TRUE(a.wait_for_status("victim", "dead", FastTimings::kMaxSuspicion + kSlack));
  EXPECT_GE(Clock::now() - killed, FastTimings::kSuspicion);
  for (Peer* peer : {&b, &c}) {
    EXPECT_TRUE(peer->wait_for_event("leave", "victim", FastTimings::kMaxSuspicion + kSlack));
    EXPECT_EQ(peer->members().at("victim").status, "dead");
    EXPECT_EQ(count_status(peer->members(), "alive"), 3U);
  }
}

INSTANTIATE_TEST_SUITE_P(Victims, CrowdFailureTest, ::testing::Values(Kind::ours, Kind::go),
                         [](const auto& test) { return test.param == Kind::ours ? "Ours" : "Go"; });

/// A member that comes back under its name and address.
class ReturnTest : public InteropTest, public ::testing::WithParamInterface<Roles> {};

TEST_P(ReturnTest, AMemberThatRestartsIsAliveAgainWithAHigherIncarnation) {
  SKIP_WITHOUT_GO();
  PeerOptions options;
  FastTimings::apply_to(options);
  options.name = "watcher";
  Peer& watcher = start(GetParam().second, options);
  options.name = "victim";
  // Nothing connects from there, so its port stays free.
  options.bind = testing::own_loopback_text(true) + ":0";
  Peer& victim = start(GetParam().first, options);
  join(victim, watcher);
  watcher.watch();
  victim.signal(SIGKILL);
  ASSERT_TRUE(watcher.wait_for_status("victim", "dead", FastTimings::kSuspicion + 2 * kSlack));

  options.bind = victim.address();
  Peer& restarted = start(GetParam().first, options);
  join(restarted, watcher);
  EXPECT_GT(watcher.members().at("victim").incarnation, 1U);
  EXPECT_TRUE(watcher.wait_for_event("join", "victim", kSlack));
}

INSTANTIATE_TEST_SUITE_P(Pairs, ReturnTest, ::testing::Values(kOursAndGo, kGoAndOurs, kGoAndGo),
                         [](const auto& test) { return to_name(test.param); });

}  // namespace
}  // namespace memberlist::interop
