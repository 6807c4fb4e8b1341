#include "swim/member_groups.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace memberlist::swim {
namespace {

TEST(MemberGroups, AreAsManyAsTheMembersNeed) {
  constexpr std::size_t kFew = MemberGroups::kFewest;
  EXPECT_EQ(MemberGroups::wanted(0), 1U);
  EXPECT_EQ(MemberGroups::wanted(2 * kFew - 1), 1U);
  EXPECT_EQ(MemberGroups::wanted(2 * kFew), 2U);
  EXPECT_EQ(MemberGroups::wanted(4 * kFew - 1), 2U);
  EXPECT_EQ(MemberGroups::wanted(4 * kFew), 4U);
  EXPECT_EQ(MemberGroups::wanted(limits::kPushPullNodes), limits::kPushPullNodes / kFew);
  EXPECT_EQ(MemberGroups::wanted(2 * limits::kPushPullNodes), limits::kPushPullNodes / kFew);
}

TEST(MemberGroups, AnHonestNameIsInAnyOfThem) {
  MemberGroups groups;
  groups.clear(8);
  for (MemberIndex i = 0; i < 1000; ++i) groups.add(groups.of("node-" + std::to_string(i)), i);
  for (std::size_t group = 0; group < groups.size(); ++group) {
    EXPECT_GT(groups.members(group).size(), 80U);
    EXPECT_LT(groups.members(group).size(), 170U);
  }
}

TEST(MemberGroups, NumberTheirChanges) {
  MemberGroups groups;
  EXPECT_EQ(groups.change(0), 0U) << "nobody was there";
  groups.clear(2);
  groups.add(0, 7);
  groups.add(1, 8);
  const std::uint64_t first = groups.change(0);
  const std::uint64_t second = groups.change(1);
  EXPECT_EQ(groups.last_change(), std::max(first, second));
  groups.note_change(0);
  EXPECT_GT(groups.change(0), first);
  EXPECT_EQ(groups.change(1), second);
  groups.remove_if([](MemberIndex member) { return member == 8; });
  EXPECT_TRUE(groups.members(1).empty());
  EXPECT_EQ(groups.members(0).size(), 1U);
  const std::uint64_t last = groups.last_change();
  groups.clear(1);
  EXPECT_GT(groups.change(0), last) << "no earlier number comes back";
}

}  // namespace
}  // namespace memberlist::swim
