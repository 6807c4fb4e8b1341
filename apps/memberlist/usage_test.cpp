#include "usage.hpp"

#include <gtest/gtest.h>

namespace memberlist::cli {
namespace {

TEST(ClosestWord, FindsMisspellingsAndBeginnings) {
  const std::vector<std::string> words{"agent", "members", "monitor", "--name", "--bind", "--http"};
  EXPECT_EQ(closest_word("agnet", words), "agent");
  EXPECT_EQ(closest_word("member", words), "members");
  EXPECT_EQ(closest_word("memebrs", words), "members");
  EXPECT_EQ(closest_word("mon", words), "monitor");
  EXPECT_EQ(closest_word("--nam", words), "--name");
  EXPECT_EQ(closest_word("--nmae", words), "--name");
}

TEST(ClosestWord, SaysNothingWhereNothingIsClose) {
  const std::vector<std::string> words{"agent", "members", "--name"};
  for (const char* word : {"", "-", "--", "x", "frobnicate", "--frobnicate"}) {
    EXPECT_EQ(closest_word(word, words), "") << word;
  }
  EXPECT_EQ(closest_word(std::string(100000, 'a'), words), "");
}

TEST(HabitHint, DependsOnTheCommand) {
  EXPECT_NE(habit_hint("", "rtt").find("memberlist ping"), std::string_view::npos);
  EXPECT_EQ(habit_hint("keys", "rtt"), "");
  EXPECT_NE(habit_hint("agent", "--node").find("--name"), std::string_view::npos);
  EXPECT_EQ(habit_hint("members", "--node"), "");
  EXPECT_NE(habit_hint("members", "--rpc-addr").find("--http"), std::string_view::npos);
}

}  // namespace
}  // namespace memberlist::cli
