#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "memberlist/member.hpp"

namespace memberlist {
namespace {

Member member(const std::string& name, std::uint32_t incarnation = 0) {
  auto record = std::make_shared<MemberRecord>();
  record->name = name;
  return {.record = std::move(record),
          .status = MemberStatus::alive,
          .incarnation = incarnation,
          .since = {}};
}

// Sorted as text.
std::string name(std::size_t number) {
  std::string digits = std::to_string(number);
  return "node-" + std::string(6 - digits.size(), '0') + digits;
}

MemberSnapshot of(std::size_t count) {
  std::vector<Member> members;
  for (std::size_t i = 0; i < count; ++i) members.push_back(member(name(i)));
  return MemberSnapshot(std::move(members));
}

std::map<std::string, std::uint32_t> content(const MemberSnapshot& snapshot) {
  std::map<std::string, std::uint32_t> all;
  std::string before;
  for (const Member& one : snapshot) {
    EXPECT_LT(before, one.name());
    before = one.name();
    all[one.name()] = one.incarnation;
  }
  EXPECT_EQ(all.size(), snapshot.size());
  return all;
}

TEST(MemberSnapshot, MayBeEmpty) {
  const MemberSnapshot none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.begin(), none.end());
  EXPECT_EQ(none.find("a"), nullptr);
  EXPECT_EQ(none.with({}), none);
  EXPECT_TRUE(none.with({{member("a"), true}}).empty());
  EXPECT_EQ(none.with({{member("a"), false}}).size(), 1U);
}

TEST(MemberSnapshot, FindsByNameAndByPlace) {
  const MemberSnapshot all = of(1000);
  ASSERT_EQ(all.size(), 1000U);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].name(), name(i));
    EXPECT_EQ(all.find(name(i)), &all[i]);
  }
  for (const char* absent : {"", "node-", "node-000500x", "z"}) {
    EXPECT_EQ(all.find(absent), nullptr) << absent;
  }
}

TEST(MemberSnapshot, StaysAsItIsWhileOthersAreMadeOfIt) {
  const MemberSnapshot before = of(500);
  const MemberSnapshot after = before.with(
      {{member(name(7), 1), false}, {member(name(7), 2), false}, {member(name(9)), true}});
  EXPECT_NE(before, after);
  EXPECT_EQ(before.find(name(7))->incarnation, 0U);
  EXPECT_TRUE(before.find(name(9)));
  EXPECT_EQ(after.find(name(7))->incarnation, 2U) << "the last change counts";
  EXPECT_FALSE(after.find(name(9)));
  EXPECT_EQ(after.size(), 499U);
}

TEST(MemberSnapshot, CopiesOneChunkForOneChange) {
  const MemberSnapshot before = of(10'000);
  const MemberSnapshot after = before.with({{member(name(5000), 1), false}});
  std::size_t copied = 0;
  for (std::size_t i = 0; i < before.size(); ++i) copied += &before[i] == &after[i] ? 0U : 1U;
  EXPECT_GT(copied, 0U);
  EXPECT_LE(copied, 128U);
}

// Whatever changes, it is what a map would hold.
TEST(MemberSnapshot, HoldsWhatAMapWould) {
  Random random(1);
  MemberSnapshot snapshot;
  std::map<std::string, std::uint32_t> expected;
  for (std::uint32_t round = 1; round <= 400; ++round) {
    const bool grows = round < 200;
    std::vector<MemberChange> changes;
    for (std::size_t i = 0; i < 1 + random.below(std::size_t{60}); ++i) {
      const bool forgotten = random.below(std::size_t{10}) < (grows ? 2U : 9U);
      const std::string who = name(random.below(std::size_t{2000}));
      changes.push_back({member(who, round), forgotten});
      if (forgotten) {
        expected.erase(who);
      } else {
        expected[who] = round;
      }
    }
    snapshot = snapshot.with(std::move(changes));
    ASSERT_EQ(content(snapshot), expected) << "round " << round;
  }
}

TEST(MemberSnapshot, IsKeptByALoopOverIt) {
  std::size_t seen = 0;
  for (const Member& one : *of(300)) seen += one.name().empty() ? 0U : 1U;
  EXPECT_EQ(seen, 300U);
}

}  // namespace
}  // namespace memberlist
