#include <gtest/gtest.h>

#include <string>

#include "memberlist/memberlist.hpp"
#include "node.hpp"

namespace memberlist::facade_test {
namespace {

class Messages : public ::testing::Test {
 protected:
  void SetUp() override {
    b_.join(a_);
    ASSERT_TRUE(a_.record().heard(MemberEventKind::join, "b"));
  }
  Node a_{"a"};
  Node b_{"b"};
};

TEST_F(Messages, TravelBothWaysAndBothKinds) {
  for (const Delivery delivery : {Delivery::best_effort, Delivery::reliable}) {
    const bool reliable = delivery == Delivery::reliable;
    ASSERT_TRUE(a_->send("b", as_bytes(reliable ? "stream" : "packet"), delivery));
    ASSERT_TRUE(b_->send("a", as_bytes(reliable ? "stream" : "packet"), delivery));
    for (Node* node : {&a_, &b_}) {
      EXPECT_TRUE(node->record().heard<UserMessage>([&](const UserMessage& message) {
        return as_text(message.payload) == (reliable ? "stream" : "packet") &&
               message.reliable == reliable;
      }));
    }
  }
}

TEST_F(Messages, TellWhoSentThem) {
  ASSERT_TRUE(a_->send("b", as_bytes("hello")));
  EXPECT_TRUE(b_.record().heard<UserMessage>([&](const UserMessage& message) {
    return message.from == "a" && message.source == a_->local_address();
  }));
}

TEST_F(Messages, MayBeLargeIfReliable) {
  const std::string large(3'000'000, 'm');
  ASSERT_TRUE(a_->send("b", as_bytes(large), Delivery::reliable));
  EXPECT_TRUE(b_.record().heard_message(large));
}

TEST_F(Messages, ArriveThoughTheSenderIsShutDownAtOnce) {
  const std::string large(3'000'000, 'm');
  ASSERT_TRUE(a_->send("b", as_bytes(large), Delivery::reliable));
  a_->shutdown();
  EXPECT_TRUE(b_.record().heard_message(large));
}

TEST_F(Messages, MayBeManyAtOnce) {
  for (int i = 0; i < 5000; ++i) ASSERT_TRUE(a_->send("a", as_bytes("storm")));
  EXPECT_TRUE(a_.record().heard_message("storm"));
}

TEST_F(Messages, AreRefusedWithAReason) {
  const Bytes over(a_->max_packet_payload() + 1);
  for (const auto& refused : {a_->send("b", over), a_->broadcast(over),
                              a_->send("b", Bytes(20 * 1024 * 1024 + 1), Delivery::reliable)}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::too_large);
  }
  EXPECT_TRUE(a_->send("b", Bytes(a_->max_packet_payload())));
  for (const auto& refused : {a_->send("nobody", {}), a_->send("nobody", {}, Delivery::reliable)}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::unknown_member);
    EXPECT_EQ(refused.error().subject, "nobody");
  }
}

TEST_F(Messages, CannotBeReliableToWhoIsGone) {
  b_->shutdown();
  const auto sent = a_->send("b", as_bytes("hello"), Delivery::reliable);
  ASSERT_FALSE(sent);
  EXPECT_TRUE(sent.error().code == ErrorCode::unreachable ||
              sent.error().code == ErrorCode::member_not_alive)
      << sent.error().message;
}

TEST_F(Messages, ReachEverybodyByBroadcast) {
  Node c("c");
  c.join(a_);
  ASSERT_TRUE(b_.record().heard(MemberEventKind::join, "c"));
  const auto heard = [](Node& node, std::string_view payload) {
    return node.record().count<UserMessage>([payload](const UserMessage& message) {
      return as_text(message.payload) == payload;
    }) > 0;
  };
  // One broadcast is sent a few times, to random members: it may miss one.
  EXPECT_TRUE(eventually([&] {
    EXPECT_TRUE(b_->broadcast(as_bytes("to all")));
    EXPECT_TRUE(b_->broadcast(as_bytes("named"), "name"));
    return heard(a_, "to all") && heard(c, "to all") && heard(a_, "named") && heard(c, "named");
  }));
}

TEST_F(Messages, PingsTakeTheirTime) {
  const auto answered = a_->ping("b");
  ASSERT_TRUE(answered) << answered.error().message;
  EXPECT_GT(answered->round_trip, Duration::zero());
  const auto unknown = a_->ping("nobody");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::unknown_member);
  b_->shutdown();
  EXPECT_FALSE(a_->ping("b"));
}

TEST_F(Messages, AreCounted) {
  ASSERT_TRUE(a_->send("b", as_bytes("counted")));
  ASSERT_TRUE(b_.record().heard_message("counted"));
  EXPECT_GE(b_->counters().user_messages, 1U);
  EXPECT_GE(b_->counters().packets_received, 1U);
  EXPECT_GE(a_->counters().packets_sent, 1U);
  EXPECT_EQ(a_->counters().dropped_malformed, 0U);
}

}  // namespace
}  // namespace memberlist::facade_test
