#include "swim/awareness.hpp"

#include <chrono>
#include <limits>

#include <gtest/gtest.h>

namespace memberlist::swim {
namespace {

using namespace std::chrono_literals;

TEST(Awareness, StaysWithinItsLimits) {
  Awareness awareness(8);
  struct Step {
    int delta;
    std::uint32_t score;
    bool changed;
  };
  for (const auto& [delta, score, changed] :
       std::initializer_list<Step>{{0, 0, false},
                                   {-1, 0, false},
                                   {-10, 0, false},
                                   {1, 1, true},
                                   {-1, 0, true},
                                   {10, 7, true},
                                   {1, 7, false},
                                   {-1, 6, true},
                                   {std::numeric_limits<int>::max(), 7, true},
                                   {std::numeric_limits<int>::min(), 0, true}}) {
    EXPECT_EQ(awareness.apply_delta(delta), changed) << delta;
    EXPECT_EQ(awareness.score(), score) << delta;
    EXPECT_EQ(awareness.scale(1s), 1s * (score + 1));
  }
}

TEST(Awareness, OfOneNeverMoves) {
  for (const std::uint32_t multiplier : {0U, 1U}) {
    Awareness awareness(multiplier);
    EXPECT_FALSE(awareness.apply_delta(5));
    EXPECT_EQ(awareness.scale(3s), 3s);
  }
}

}  // namespace
}  // namespace memberlist::swim
