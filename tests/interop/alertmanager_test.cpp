#include <gtest/gtest.h>

#include <csignal>

#include "alertmanager_peer.hpp"
#include "interop_test.hpp"

namespace memberlist::interop {
namespace {

using namespace std::chrono_literals;

/// An Alertmanager and a plain member (protocol 13): ours, or one of the Go library as the control.
class AlertmanagerTest : public InteropTest, public ::testing::WithParamInterface<Kind> {
 protected:
  void SetUp() override {
    if (!AlertmanagerPeer::available()) {
      GTEST_SKIP() << "Alertmanager is not installed (Debian: apt install prometheus-alertmanager)";
    }
    if (GetParam() == Kind::go) SKIP_WITHOUT_GO();
    PeerOptions options;
    options.name = "plain";
    FastTimings::apply_to(options);
    plain = &start(GetParam(), options);
  }

  void TearDown() override {
    if (HasFailure() && alertmanager) {
      std::cerr << "--- log of Alertmanager ---\n" << alertmanager->log() << "\n";
    }
    InteropTest::TearDown();
  }

  void join_alertmanager() {
    alertmanager.emplace();
    const Outcome joined = plain->join(alertmanager->address());
    ASSERT_TRUE(joined.has_value()) << joined.error();
    expect_both_seen();
  }

  void expect_both_seen() {
    ASSERT_TRUE(alertmanager->wait_for_peer("plain", true, kSlack));
    EXPECT_EQ(alertmanager->peers().at("plain"), plain->address());
    ASSERT_TRUE(eventually(
        kSlack, [&] { return status_of(plain->members(), alertmanager->name()) == "alive"; }));
    EXPECT_EQ(plain->members().at(alertmanager->name()).address, alertmanager->address());
  }

  Peer* plain = nullptr;
  std::optional<AlertmanagerPeer> alertmanager;
};

TEST_P(AlertmanagerTest, IsJoinedAndItsStateArrives) {
  join_alertmanager();
  const auto merged = plain->wait_for(
      [](const nlohmann::json& event) {
        return event.at("event") == "merge" && event.at("state_bytes").get<int>() > 0;
      },
      kSlack);
  EXPECT_TRUE(merged.has_value());
}

TEST_P(AlertmanagerTest, Joins) {
  alertmanager.emplace(plain->address());
  expect_both_seen();
}

TEST_P(AlertmanagerTest, IsKilledAndSeenSuspectThenDead) {
  join_alertmanager();
  const auto killed = Clock::now();
  alertmanager->signal(SIGKILL);
  EXPECT_TRUE(plain->wait_for_status(alertmanager->name(), "suspect", kSlack));
  EXPECT_TRUE(
      plain->wait_for_status(alertmanager->name(), "dead", FastTimings::kSuspicion + kSlack));
  EXPECT_GE(Clock::now() - killed, FastTimings::kSuspicion);
}

TEST_P(AlertmanagerTest, DropsAKilledMember) {
  join_alertmanager();
  plain->signal(SIGKILL);
  EXPECT_TRUE(alertmanager->wait_for_peer("plain", false, 2s + kSlack));
}

TEST_P(AlertmanagerTest, DropsAMemberThatLeaves) {
  join_alertmanager();
  ASSERT_TRUE(plain->leave().has_value());
  EXPECT_TRUE(alertmanager->wait_for_peer("plain", false, kSlack));
}

TEST_P(AlertmanagerTest, EndsInGoodOrderAndIsSeenToLeave) {
  join_alertmanager();
  alertmanager->signal(SIGTERM);
  EXPECT_TRUE(plain->wait_for_event("leave", alertmanager->name(), 2 * kSlack));
  EXPECT_EQ(plain->members().at(alertmanager->name()).status, "left");
}

TEST_P(AlertmanagerTest, ProbesAndIsProbed) {
  join_alertmanager();
  EXPECT_TRUE(throughout(2s, [&] { return alertmanager->peers().contains("plain"); }));
  const MemberTable table = plain->members();
  EXPECT_EQ(count_status(table, "alive"), 2U);
  EXPECT_EQ(table.at("plain").incarnation, 1U) << "it had to refute";
}

INSTANTIATE_TEST_SUITE_P(Member, AlertmanagerTest, ::testing::Values(Kind::ours, Kind::go),
                         [](const auto& test) { return to_name(test.param); });

}  // namespace
}  // namespace memberlist::interop
