#include "swim/lasting_states.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <tuple>

#include "base/limits.hpp"
#include "swim/test_start.hpp"

namespace memberlist::swim {
namespace {

using namespace std::chrono_literals;

constexpr LogCause kCause = LogCause::tcp_only;

/// It is observed, and logged if it is time to.
bool tell(LastingStates& states, TimePoint now, std::uint64_t subject = 7) {
  LastingStates::State* state = states.seen(now, kCause, subject);
  if (state == nullptr || !state->is_due(now)) return false;
  state->told = now;
  return true;
}

TEST(LastingStates, AreToldAtFirstAndThenOnceAnHour) {
  LastingStates states;
  int told = 0;
  for (TimePoint now = kStart; now < kStart + 24h; now += 1s) told += tell(states, now) ? 1 : 0;
  EXPECT_EQ(told, 24);
}

TEST(LastingStates, AreTheirOwnForEachCauseAndSubject) {
  LastingStates states;
  EXPECT_TRUE(tell(states, kStart, 1));
  EXPECT_TRUE(tell(states, kStart, 2));
  EXPECT_FALSE(tell(states, kStart, 1));
  EXPECT_FALSE(states.seen(kStart, LogCause::label, 1)->told);
}

TEST(LastingStates, AGoodSignEndsThemOnceTheyHaveNotShownForAWhile) {
  LastingStates states;
  tell(states, kStart);
  tell(states, kStart + 1min);
  EXPECT_FALSE(states.well(kStart + 2min, kCause, 7));
  const auto over = states.well(kStart + 1min + limits::kLastingStateSettles, kCause, 7);
  ASSERT_TRUE(over);
  EXPECT_EQ(over->times, 2u);
  EXPECT_EQ(over->lasted(), Duration(1min));
  EXPECT_FALSE(states.well(kStart + 24h, kCause, 7)) << "told once";
  EXPECT_TRUE(tell(states, kStart + 24h)) << "and may begin again";
}

TEST(LastingStates, WhatWasNeverToldHasNoEndToTell) {
  LastingStates states;
  std::ignore = states.seen(kStart, kCause, 7);
  EXPECT_FALSE(states.well(kStart + 1h, kCause, 7));
  EXPECT_EQ(states.size(), 0u);
}

TEST(LastingStates, EndWhenTheyHaveNotShownForAnHour) {
  LastingStates states;
  tell(states, kStart);
  tell(states, kStart + 30min);
  EXPECT_EQ(states.next_over(), kStart + 90min);
  EXPECT_TRUE(states.take_over(kStart + 89min).empty());
  EXPECT_EQ(states.take_over(kStart + 90min).size(), 1u);
  EXPECT_EQ(states.next_over(), std::nullopt);
}

TEST(LastingStates, WhatHappenedOnceHasNoEndToTell) {
  LastingStates states;
  tell(states, kStart);
  EXPECT_TRUE(states.take_over(kStart + 2h).empty());
  EXPECT_EQ(states.size(), 0u);
}

TEST(LastingStates, AreBoundedAndFollowNoMore) {
  LastingStates states;
  for (std::uint64_t i = 0; i < limits::kLastingStates; ++i) {
    ASSERT_NE(states.seen(kStart, kCause, i), nullptr);
  }
  EXPECT_EQ(states.seen(kStart, kCause, limits::kLastingStates), nullptr);
  EXPECT_NE(states.seen(kStart, kCause, 0), nullptr);
  std::ignore = states.take_over(kStart + 2h);
  EXPECT_NE(states.seen(kStart + 2h, kCause, limits::kLastingStates), nullptr);
}

TEST(LastingStates, TimesAreReadable) {
  EXPECT_EQ(rough_duration(40s), "40 s");
  EXPECT_EQ(rough_duration(12min + 59s), "12 min");
  EXPECT_EQ(rough_duration(200min), "3 h 20 min");
}

}  // namespace
}  // namespace memberlist::swim
