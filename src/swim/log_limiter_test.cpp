#include "swim/log_limiter.hpp"

#include <chrono>

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace memberlist::swim {
namespace {

using namespace std::chrono_literals;

TEST(LogLimiter, LetsAFewLinesOfEachCauseThroughEachSecond) {
  LogLimiter limiter;
  const TimePoint start{5s};
  for (std::uint32_t i = 0; i < limits::kLogLinesPerCausePerSecond; ++i) {
    const auto verdict = limiter.admit(start + 100ms * i, 3);
    EXPECT_TRUE(verdict.emit);
    EXPECT_EQ(verdict.suppressed_before, 0U);
  }
  EXPECT_FALSE(limiter.admit(start + 900ms, 3).emit);
  EXPECT_FALSE(limiter.admit(start + 999ms, 3).emit);
  EXPECT_TRUE(limiter.admit(start + 999ms, 0).emit);  // another cause
  const auto next = limiter.admit(start + 1s, 3);
  EXPECT_TRUE(next.emit);
  EXPECT_EQ(next.suppressed_before, 2U);
  EXPECT_EQ(limiter.admit(start + 1s, 3).suppressed_before, 0U);
}

TEST(LogLimiter, TheFirstLineGoesOutWheneverItComes) {
  LogLimiter limiter;
  EXPECT_TRUE(limiter.admit(TimePoint{}, 0).emit);
  EXPECT_TRUE(limiter.admit(TimePoint{-10s}, 1).emit);
}

}  // namespace
}  // namespace memberlist::swim
