#include "swim/suspicion.hpp"

#include <chrono>
#include <vector>

#include <gtest/gtest.h>

namespace memberlist::swim {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{100s};

TEST(Suspicion, EachConfirmationBringsTheDeadlineNearer) {
  Suspicion suspicion(kStart, "first", 3, 2s, 30s);
  EXPECT_EQ(suspicion.deadline(), kStart + 30s);
  EXPECT_TRUE(suspicion.confirm("b"));
  EXPECT_EQ(suspicion.deadline(), kStart + 16s);
  EXPECT_TRUE(suspicion.confirm("c"));
  EXPECT_EQ(suspicion.deadline(), kStart + 7810ms);
  EXPECT_TRUE(suspicion.confirm("d"));
  EXPECT_EQ(suspicion.deadline(), kStart + 2s);
  EXPECT_EQ(suspicion.confirmations(), 3U);
}

TEST(Suspicion, CountsOnlyDistinctOthers) {
  Suspicion suspicion(kStart, "first", 3, 2s, 30s);
  EXPECT_FALSE(suspicion.confirm("first"));
  EXPECT_TRUE(suspicion.confirm("b"));
  EXPECT_FALSE(suspicion.confirm("b"));
  EXPECT_FALSE(suspicion.confirm("first"));
  EXPECT_EQ(suspicion.confirmations(), 1U);
  EXPECT_EQ(suspicion.deadline(), kStart + 16s);
}

TEST(Suspicion, TooLateCountsNothing) {
  Suspicion suspicion(kStart, "first", 1, 2s, 30s);
  EXPECT_TRUE(suspicion.confirm("b"));
  EXPECT_FALSE(suspicion.confirm("c"));
  const std::vector<std::string> expected = {"first", "b"};
  EXPECT_EQ(std::vector(suspicion.accusers().begin(), suspicion.accusers().end()), expected);
}

TEST(Suspicion, WithNobodyToConfirmItLastsTheMinimum) {
  Suspicion suspicion(kStart, "first", 0, 25ms, 30s);
  EXPECT_EQ(suspicion.deadline(), kStart + 25ms);
  EXPECT_FALSE(suspicion.confirm("b"));
  EXPECT_EQ(suspicion.deadline(), kStart + 25ms);
}

TEST(Suspicion, AnUnnamedFirstAccuserIsNamedWithoutShortening) {
  Suspicion suspicion(kStart, "", 3, 2s, 30s);
  EXPECT_FALSE(suspicion.confirm(""));
  EXPECT_TRUE(suspicion.confirm("b"));
  EXPECT_EQ(suspicion.confirmations(), 0U);
  EXPECT_EQ(suspicion.deadline(), kStart + 30s);
  EXPECT_EQ(suspicion.accusers().front(), "b");
  EXPECT_FALSE(suspicion.confirm("b"));
  EXPECT_TRUE(suspicion.confirm("c"));
  EXPECT_EQ(suspicion.deadline(), kStart + 16s);
}

}  // namespace
}  // namespace memberlist::swim
