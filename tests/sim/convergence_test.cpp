// Whose view is the truth.

#include "sim/convergence.hpp"

#include <gtest/gtest.h>

namespace memberlist::sim {
namespace {

using Truth = Convergence::Truth;

Convergence formed(std::size_t nodes) {
  Convergence convergence;
  for (std::size_t i = 0; i < nodes; ++i) convergence.add_node();
  convergence.form();
  return convergence;
}

TEST(Convergence, AFormedClusterIsRight) {
  const Convergence convergence = formed(3);
  EXPECT_TRUE(convergence.is_right(0));
  EXPECT_TRUE(convergence.holds(0, 2));
}

TEST(Convergence, WhoEndsMakesTheOthersWrongUntilTheySeeIt) {
  Convergence convergence = formed(3);
  convergence.set_truth(2, Truth::gone);
  EXPECT_FALSE(convergence.is_right(0));
  convergence.saw(0, 2, false);
  EXPECT_TRUE(convergence.is_right(0));
  EXPECT_FALSE(convergence.is_right(1));
  convergence.saw(0, 2, false);
  EXPECT_TRUE(convergence.is_right(0)) << "to see it again changes nothing";
  convergence.saw(0, 1, false);
  EXPECT_FALSE(convergence.is_right(0)) << "one that is still there";
}

TEST(Convergence, WhatIsOpenIsNeverWrong) {
  Convergence convergence = formed(2);
  convergence.set_truth(1, Truth::open);
  EXPECT_TRUE(convergence.is_right(0));
  convergence.saw(0, 1, false);
  EXPECT_TRUE(convergence.is_right(0));
  convergence.set_truth(1, Truth::member);
  EXPECT_FALSE(convergence.is_right(0));
}

TEST(Convergence, ANewNodeIsUnknownAndKnowsNobody) {
  Convergence convergence = formed(2);
  convergence.add_node();
  EXPECT_TRUE(convergence.is_right(0)) << "it does not run yet";
  convergence.set_truth(2, Truth::member);
  EXPECT_FALSE(convergence.is_right(0));
  convergence.restart(2, 2);
  EXPECT_FALSE(convergence.is_right(2));
  convergence.saw(2, 0, true);
  convergence.saw(2, 1, true);
  EXPECT_TRUE(convergence.is_right(2));
}

TEST(Convergence, ANewProcessHasForgotten) {
  Convergence convergence = formed(2);
  convergence.restart(0, 0);
  EXPECT_FALSE(convergence.is_right(0));
  EXPECT_FALSE(convergence.holds(0, 1));
  EXPECT_TRUE(convergence.holds(0, 0));
}

}  // namespace
}  // namespace memberlist::sim
