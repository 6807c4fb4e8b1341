#include <gtest/gtest.h>

#include <csignal>

#include "alertmanager_peer.hpp"
#include "interop_test.hpp"

namespace memberlist::interop {
namespace {

using namespace std::chrono_literals;

/// An Alertmanager and a plain member of ours (protocol 13).
class AlertmanagerTest : public InteropTest {
 protected:
  void SetUp() override {
    if (!AlertmanagerPeer::available()) {
      GTEST_SKIP() << "Alertmanager is not installed (Debian: apt install prometheus-alertmanager)";
    }
    PeerOptions options;
    options.name = "ours";
    FastTimings::apply_to(options);
    ours = &start_ours(options);
  }

  void TearDown() override {
    if (HasFailure() && alertmanager) {
      std::cerr << "--- log of Alertmanager ---\n" << alertmanager->log() << "\n";
    }
    InteropTest::TearDown();
  }

  void join_alertmanager() {
    alertmanager.emplace();
    const Outcome joined = ours->join(alertmanager->address());
    ASSERT_TRUE(joined.has_value()) << joined.error();
    expect_both_seen();
    ours->watch();
  }

  void expect_both_seen() {
    ASSERT_TRUE(alertmanager->wait_for_peer("ours", true, kSlack));
    EXPECT_EQ(alertmanager->peers().at("ours"), ours->address());
    ASSERT_TRUE(eventually(
        kSlack, [&] { return status_of(ours->members(), alertmanager->name()) == "alive"; }));
    EXPECT_EQ(ours->members().at(alertmanager->name()).address, alertmanager->address());
  }

  OurAgent* ours = nullptr;
  std::optional<AlertmanagerPeer> alertmanager;
};

TEST_F(AlertmanagerTest, WeJoinItAndItsStateArrives) {
  join_alertmanager();
  const auto merged = ours->lines().wait_for(
      [](const nlohmann::json& event) {
        return event.at("event") == "merge" && event.at("state_bytes").get<int>() > 0;
      },
      kSlack);
  EXPECT_TRUE(merged.has_value());
}

TEST_F(AlertmanagerTest, ItJoinsUs) {
  alertmanager.emplace(ours->address());
  expect_both_seen();
}

TEST_F(AlertmanagerTest, ItIsKilledAndWeSeeItSuspectThenDead) {
  join_alertmanager();
  const auto killed = Clock::now();
  alertmanager->signal(SIGKILL);
  EXPECT_TRUE(ours->wait_for_status(alertmanager->name(), "suspect", kSlack));
  EXPECT_TRUE(
      ours->wait_for_status(alertmanager->name(), "dead", FastTimings::kSuspicion + kSlack));
  EXPECT_GE(Clock::now() - killed, FastTimings::kSuspicion);
}

TEST_F(AlertmanagerTest, WeAreKilledAndItDropsUs) {
  join_alertmanager();
  ours->signal(SIGKILL);
  EXPECT_TRUE(alertmanager->wait_for_peer("ours", false, 2s + kSlack));
}

TEST_F(AlertmanagerTest, WeLeaveAndItDropsUs) {
  join_alertmanager();
  ASSERT_TRUE(ours->leave().has_value());
  EXPECT_TRUE(alertmanager->wait_for_peer("ours", false, kSlack));
}

TEST_F(AlertmanagerTest, ItEndsInGoodOrderAndWeSeeItLeave) {
  join_alertmanager();
  alertmanager->signal(SIGTERM);
  EXPECT_TRUE(ours->wait_for_event("leave", alertmanager->name(), 2 * kSlack));
  EXPECT_EQ(ours->members().at(alertmanager->name()).status, "left");
}

TEST_F(AlertmanagerTest, NeitherDoubtsTheOther) {
  join_alertmanager();
  EXPECT_TRUE(throughout(2s, [&] { return alertmanager->peers().contains("ours"); }));
  const MemberTable table = ours->members();
  EXPECT_EQ(count_status(table, "alive"), 2U);
  EXPECT_EQ(table.at("ours").incarnation, 1U) << "it had to refute";
}

}  // namespace
}  // namespace memberlist::interop
