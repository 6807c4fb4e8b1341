#include "swim/self_recognition.hpp"

#include <gtest/gtest.h>

#include "base/byte_writer.hpp"

namespace memberlist::swim {
namespace {

using Verdict = SelfRecognition::Verdict;

constexpr StreamId kFirst{1};
constexpr StreamId kSecond{2};

// A join request with no node states, which are not looked into.
ContentDigest plain(const wire::PushPullMessage& message) {
  Bytes bytes;
  ByteWriter out(bytes);
  wire::encode(out, message.header);
  out.bytes(message.node_states);
  out.bytes(message.user_state);
  return ContentDigest(bytes);
}

TEST(SelfRecognition, KnowsTheBytesOfRequestsUnderWay) {
  const Bytes states = to_bytes("states");
  const Bytes user_state = to_bytes("state of the user");
  const wire::PushPullMessage message{{1, 17, true}, states, user_state};
  SelfRecognition recognition;
  EXPECT_FALSE(recognition.is_under_way(message));
  recognition.sent(kFirst, plain(message));
  recognition.sent(kSecond, plain(message));
  EXPECT_TRUE(recognition.is_under_way(message));
  const Bytes other = to_bytes("stateS");
  EXPECT_FALSE(recognition.is_under_way({message.header, other, user_state}));
  EXPECT_FALSE(recognition.is_under_way({message.header, states, other}));
  EXPECT_FALSE(recognition.is_under_way({{1, 17, false}, states, user_state}));
  recognition.over(kFirst);
  EXPECT_TRUE(recognition.is_under_way(message));
  recognition.over(kSecond);
  EXPECT_FALSE(recognition.is_under_way(message));
}

TEST(SelfRecognition, JudgesByTheMark) {
  Random random(7);
  SelfRecognition here;
  SelfRecognition there;
  const std::string own = here.answer(random);
  const std::string foreign = there.answer(random);
  EXPECT_EQ(own, here.answer(random)) << "one mark for all";
  EXPECT_EQ(here.judge(kFirst, own), Verdict::other) << "no join of ours";
  here.sent(kFirst, {});
  here.sent(kSecond, {});
  EXPECT_EQ(here.judge(kFirst, own), Verdict::self);
  EXPECT_EQ(here.judge(kSecond, own), Verdict::self);
  EXPECT_EQ(here.judge(kFirst, foreign), Verdict::same_name);
  EXPECT_EQ(here.judge(kSecond, foreign), Verdict::same_name);
  for (const std::string& text :
       {std::string{}, own + "0", own.substr(0, own.size() - 1), "x" + own}) {
    EXPECT_EQ(here.judge(kFirst, text), Verdict::other) << text;
  }
}

}  // namespace
}  // namespace memberlist::swim
