#include "swim/versions.hpp"

#include <gtest/gtest.h>

namespace memberlist::swim {
namespace {

TEST(Versions, AreSoundWhereTheCurrentOneIsInTheRange) {
  EXPECT_TRUE(is_sound({1, 5, 1}));
  EXPECT_TRUE(is_sound({1, 5, 5}));
  EXPECT_TRUE(is_sound({0, 0, 0}));
  EXPECT_FALSE(is_sound({1, 5, 6}));
  EXPECT_FALSE(is_sound({1, 5, 0}));
  EXPECT_FALSE(is_sound({5, 1, 3}));
}

TEST(Versions, FitWhereEachUnderstandsWhatTheOtherSpeaks) {
  const MemberVersions ours{{1, 5, 2}, {2, 5, 4}};
  const auto fit = [&](VersionRange protocol, VersionRange delegate_protocol) {
    const MemberVersions theirs{protocol, delegate_protocol};
    EXPECT_EQ(ours.fit(theirs), theirs.fit(ours));
    return ours.fit(theirs);
  };
  EXPECT_TRUE(fit({1, 5, 5}, {2, 5, 2}));
  EXPECT_TRUE(fit({2, 2, 2}, {4, 4, 4}));
  EXPECT_FALSE(fit({3, 5, 3}, {2, 5, 4})) << "does not understand us";
  EXPECT_FALSE(fit({1, 9, 6}, {2, 5, 4})) << "we do not understand it";
  EXPECT_FALSE(fit({1, 5, 2}, {0, 0, 0}));
  EXPECT_FALSE(fit({1, 5, 2}, {2, 3, 3}));
}

}  // namespace
}  // namespace memberlist::swim
