#include <gtest/gtest.h>

#include <csignal>

#include "interop_test.hpp"

namespace memberlist::interop {
namespace {

/// first: the member that acts; second: the one that observes it.
class PairTest : public InteropTest,
                 public ::testing::WithParamInterface<std::tuple<Roles, Flavour>> {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_GO();
    const auto& [roles, flavour] = GetParam();
    PeerOptions options;
    flavour.apply_to(options);
    FastTimings::apply_to(options);
    options.name = "listener";
    listener = &start(roles.second, options);
    options.name = "actor";
    options.meta = "old";
    actor = &start(roles.first, options);
    join(*actor, *listener);
    listener->watch();
  }

  Peer* actor = nullptr;
  Peer* listener = nullptr;
};

class LeaveTest : public PairTest {};

TEST_P(LeaveTest, IsSeenAsLeft) {
  const Outcome left = actor->leave();
  ASSERT_TRUE(left.has_value()) << left.error();
  EXPECT_TRUE(listener->wait_for_event("leave", "actor", kSlack));
  EXPECT_EQ(listener->members().at("actor").status, "left");
  EXPECT_EQ(count_status(listener->members(), "alive"), 1U);
}

class MetaTest : public PairTest {};

TEST_P(MetaTest, AnUpdateIsSeen) {
  const std::uint64_t before = listener->members().at("actor").incarnation;
  const Outcome updated = actor->set_meta("new");
  ASSERT_TRUE(updated.has_value()) << updated.error();
  EXPECT_TRUE(listener->wait_for_event("update", "actor", kSlack));
  const MemberView view = listener->members().at("actor");
  EXPECT_EQ(view.meta, "new");
  EXPECT_EQ(view.incarnation, before + 1);
  EXPECT_TRUE(eventually_agree({actor, listener}));
}

TEST_P(MetaTest, TheLargestMetaDataIsSeen) {
  const std::string meta(512, 'm');
  const Outcome updated = actor->set_meta(meta);
  ASSERT_TRUE(updated.has_value()) << updated.error();
  EXPECT_TRUE(listener->wait_for_event("update", "actor", kSlack));
  EXPECT_EQ(listener->members().at("actor").meta, meta);
}

class MessageTest : public PairTest {
 protected:
  void expect_heard(const Outcome& sent, const std::string& payload) {
    ASSERT_TRUE(sent.has_value()) << sent.error();
    EXPECT_TRUE(listener->wait_for_message(payload, kSlack));
  }
};

// A datagram on loopback is lost only when a socket's buffer is full: nothing else is on its way.
TEST_P(MessageTest, BestEffortArrives) {
  expect_heard(actor->send("listener", "hello", false), "hello");
}

TEST_P(MessageTest, ReliableArrives) {
  expect_heard(actor->send("listener", "reliable hello", true), "reliable hello");
}

TEST_P(MessageTest, ABinaryReliableMessageOf300KilobytesArrives) {
  std::string payload;
  std::uint32_t state = 1;
  while (payload.size() < 300'000) {
    state = state * 1664525 + 1013904223;
    payload += static_cast<char>(state >> 24);
  }
  expect_heard(actor->send("listener", payload, true), payload);
}

TEST_P(MessageTest, ABroadcastArrives) {
  expect_heard(actor->broadcast("to all of you"), "to all of you");
}

class PingTest : public PairTest {};

TEST_P(PingTest, IsAnswered) {
  const Outcome pinged = actor->ping("listener");
  EXPECT_TRUE(pinged.has_value()) << pinged.error();
}

TEST_P(PingTest, AnUnknownMemberIsAnError) {
  EXPECT_FALSE(actor->ping("nobody").has_value());
  EXPECT_FALSE(actor->send("nobody", "x", false).has_value());
}

const auto kPairs = ::testing::Combine(::testing::Values(kOursAndGo, kGoAndOurs, kGoAndGo),
                                       ::testing::Values(kPlain, kAll));
const auto kPairName = [](const auto& test) {
  return to_name(std::get<0>(test.param)) + std::get<1>(test.param).name;
};

const auto kPairsV05 = ::testing::Combine(::testing::Values(kOursAndGoV05, kGoV05AndOurs),
                                          ::testing::Values(kPlain, kAll));
const auto kPairsV02 = ::testing::Combine(::testing::Values(kOursAndGoV02, kGoV02AndOurs),
                                          ::testing::Values(kPlain, kSealed));

INSTANTIATE_TEST_SUITE_P(Pairs, LeaveTest, kPairs, kPairName);
INSTANTIATE_TEST_SUITE_P(GoV05, LeaveTest, kPairsV05, kPairName);
INSTANTIATE_TEST_SUITE_P(GoV02, LeaveTest, kPairsV02, kPairName);
INSTANTIATE_TEST_SUITE_P(Pairs, MetaTest, kPairs, kPairName);
INSTANTIATE_TEST_SUITE_P(GoV05, MetaTest, kPairsV05, kPairName);
INSTANTIATE_TEST_SUITE_P(GoV02, MetaTest, kPairsV02, kPairName);
INSTANTIATE_TEST_SUITE_P(Pairs, MessageTest, kPairs, kPairName);
INSTANTIATE_TEST_SUITE_P(GoV05, MessageTest, kPairsV05, kPairName);
INSTANTIATE_TEST_SUITE_P(GoV02, MessageTest, kPairsV02, kPairName);
INSTANTIATE_TEST_SUITE_P(Pairs, PingTest, kPairs, kPairName);
INSTANTIATE_TEST_SUITE_P(GoV05, PingTest, kPairsV05, kPairName);
INSTANTIATE_TEST_SUITE_P(GoV02, PingTest, kPairsV02, kPairName);

class SignalTest : public InteropTest {};

TEST_F(SignalTest, SigtermLetsTheAgentLeaveAndExitWithZero) {
  SKIP_WITHOUT_GO();
  PeerOptions options;
  FastTimings::apply_to(options);
  options.name = "go";
  GoPeer& go = start_go(options);
  options.name = "ours";
  OurAgent& ours = start_ours(options);
  join(ours, go);
  go.watch();
  ours.signal(SIGTERM);
  EXPECT_TRUE(go.wait_for_event("leave", "ours", kSlack));
  EXPECT_EQ(go.members().at("ours").status, "left");
  const auto status = ours.process().wait(2 * kSlack);
  ASSERT_TRUE(status.has_value());
  EXPECT_TRUE(status->success());
}

}  // namespace
}  // namespace memberlist::interop
