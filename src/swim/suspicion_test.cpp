#include "swim/suspicion.hpp"

#include <chrono>
#include <vector>

#include <gtest/gtest.h>

#include "swim/test_start.hpp"

namespace memberlist::swim {
namespace {

using namespace std::chrono_literals;

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

// --- pauses of the node that holds the suspicion ------------------------------------------------

TEST(Suspicion, TheFirstPauseDoesNotCountAtAll) {
  for (const Duration pause : {1s, 3600s}) {
    Suspicion suspicion(kStart, "first", 3, 2s, 30s);
    suspicion.forgive(kStart + 10s + pause, pause, 1s);
    EXPECT_EQ(suspicion.deadline(), kStart + 30s + pause);
  }
}

TEST(Suspicion, TheFirstPauseLeavesAtLeastSoMuch) {
  Suspicion suspicion(kStart, "first", 0, 2s, 30s);
  suspicion.forgive(kStart + 5s, 3s, 1s);
  EXPECT_EQ(suspicion.deadline(), kStart + 6s);
}

TEST(Suspicion, LaterPausesAreForgivenUpToMaxLessMin) {
  Suspicion suspicion(kStart, "first", 3, 2s, 30s);
  suspicion.forgive(kStart + 5s, 3s, 1s);
  ASSERT_EQ(suspicion.deadline(), kStart + 33s);
  suspicion.forgive(kStart + 20s, 10s, 1s);
  EXPECT_EQ(suspicion.deadline(), kStart + 43s);
  suspicion.forgive(kStart + 60s, 30s, 1s);
  EXPECT_EQ(suspicion.deadline(), kStart + 61s) << "28 s in all";
  suspicion.forgive(kStart + 90s, 30s, 1s);
  EXPECT_EQ(suspicion.deadline(), kStart + 61s);
}

TEST(Suspicion, KnowsWhoAccuses) {
  Suspicion suspicion(kStart, "", 3, 2s, 30s);
  EXPECT_FALSE(suspicion.accused_by_others("self"));
  EXPECT_TRUE(suspicion.confirm("self"));
  EXPECT_TRUE(suspicion.accused_by("self"));
  EXPECT_FALSE(suspicion.accused_by_others("self"));
  EXPECT_TRUE(suspicion.confirm("b"));
  EXPECT_TRUE(suspicion.accused_by_others("self"));
}

}  // namespace
}  // namespace memberlist::swim
