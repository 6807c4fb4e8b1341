#include "base/edit_distance.hpp"

#include <gtest/gtest.h>

namespace memberlist {
namespace {

TEST(EditDistance, CountsEachKindOfMistakeOnce) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("probe", "probe"), 0U);
  EXPECT_EQ(edit_distance("", "probe"), 5U);
  EXPECT_EQ(edit_distance("probe", ""), 5U);
  EXPECT_EQ(edit_distance("prob", "probe"), 1U) << "inserted";
  EXPECT_EQ(edit_distance("probes", "probe"), 1U) << "deleted";
  EXPECT_EQ(edit_distance("prabe", "probe"), 1U) << "replaced";
  EXPECT_EQ(edit_distance("porbe", "probe"), 1U) << "swapped";
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

}  // namespace
}  // namespace memberlist
