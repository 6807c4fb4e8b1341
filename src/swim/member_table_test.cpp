#include "swim/member_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "swim/test_start.hpp"

namespace memberlist::swim {
namespace {

using std::chrono::seconds;

std::shared_ptr<const MemberRecord> record(const std::string& name, std::uint16_t port,
                                           std::string_view meta = "") {
  return std::make_shared<const MemberRecord>(
      MemberRecord{name, {IpAddress::v4(10, 0, 0, 1), port}, to_bytes(meta), {1, 5, 2}, {0, 0, 0}});
}

class MemberTableTest : public ::testing::Test {
 protected:
  MemberIndex add(const std::string& name, std::uint16_t port,
                  MemberStatus status = MemberStatus::alive) {
    const MemberIndex index = table.insert(record(name, port), kStart, random);
    table.set_status(index, status, kStart);
    return index;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const Member& member : *table.snapshot()) all.push_back(member.name());
    return all;
  }

  MemberTable table;
  Random random{1};
};

TEST_F(MemberTableTest, FindsByNameAndByAddress) {
  const MemberIndex a = add("a", 1);
  const MemberIndex b = add("b", 2);
  EXPECT_EQ(table.find("a"), a);
  EXPECT_EQ(table.find(Address{IpAddress::v4(10, 0, 0, 1), 2}), b);
  EXPECT_EQ(table.find("c"), kNoMember);
  EXPECT_EQ(table.find(Address{IpAddress::v4(10, 0, 0, 2), 2}), kNoMember);
}

TEST_F(MemberTableTest, RoomThatIsMadeLaterKeepsThoseWhoAreThere) {
  const MemberIndex a = add("a", 1);
  table.reserve(500);
  const MemberIndex b = add("b", 2);
  EXPECT_EQ(table.find("a"), a);
  EXPECT_EQ(table.find(Address{IpAddress::v4(10, 0, 0, 1), 1}), a);
  EXPECT_EQ(table.find("b"), b);
  EXPECT_EQ(table.size(), 2U);
}

TEST_F(MemberTableTest, OfSeveralAtOneAddressTheNewestIsFoundThatIsLeft) {
  const Address shared{IpAddress::v4(10, 0, 0, 1), 7};
  const MemberIndex a = add("a", 7);
  const MemberIndex b = add("b", 7);
  const MemberIndex c = add("c", 7);
  EXPECT_EQ(table.find(shared), c);
  table.replace_record(b, record("b", 8));
  EXPECT_EQ(table.find(shared), c);
  table.replace_record(c, record("c", 9));
  EXPECT_EQ(table.find(shared), a);
  table.replace_record(b, record("b", 7));
  EXPECT_EQ(table.find(shared), b);
  table.set_status(b, MemberStatus::dead, kStart);
  std::vector<ForgottenMember> forgotten;
  table.reset_probe_list(kStart + seconds(1), a, random, forgotten);
  ASSERT_EQ(forgotten.size(), 1U);
  EXPECT_EQ(table.find(shared), a) << "the older of two, the newer being forgotten";
  table.replace_record(a, record("a", 9));
  EXPECT_EQ(table.find(shared), kNoMember);
}

TEST_F(MemberTableTest, WhoClaimsASharedAddressAgainIsFoundByIt) {
  const Address shared{IpAddress::v4(10, 0, 0, 1), 7};
  const MemberIndex a = add("a", 7);
  const MemberIndex b = add("b", 7);
  const MemberIndex c = add("c", 7);
  table.replace_record(a, record("a", 7));
  EXPECT_EQ(table.find(shared), a);
  table.set_status(a, MemberStatus::dead, kStart);
  std::vector<ForgottenMember> forgotten;
  table.reset_probe_list(kStart + seconds(1), kNoMember, random, forgotten);
  ASSERT_EQ(forgotten.size(), 1U);
  EXPECT_EQ(table.find(shared), c);
  table.replace_record(c, record("c", 8));
  EXPECT_EQ(table.find(shared), b);
}

TEST_F(MemberTableTest, FindsByIpOnlyWhereItIsUnique) {
  add("a", 1);
  EXPECT_EQ(table.find_unique(IpAddress::v4(10, 0, 0, 1)), table.find("a"));
  add("b", 2);
  EXPECT_EQ(table.find_unique(IpAddress::v4(10, 0, 0, 1)), kNoMember);
}

TEST_F(MemberTableTest, AReplacedRecordIsFoundUnderItsNewAddressAndOldName) {
  const MemberIndex a = add("a", 1);
  table.replace_record(a, record("a", 9, "meta"));
  EXPECT_EQ(table.find("a"), a);
  EXPECT_EQ(table.find(Address{IpAddress::v4(10, 0, 0, 1), 9}), a);
  EXPECT_EQ(table.find(Address{IpAddress::v4(10, 0, 0, 1), 1}), kNoMember);
  EXPECT_EQ(as_text(table.view(a).meta()), "meta");
}

TEST_F(MemberTableTest, TwoAtOneAddressLeaveTheLastThere) {
  const MemberIndex a = add("a", 1);
  const MemberIndex b = add("b", 1);
  EXPECT_EQ(table.find(Address{IpAddress::v4(10, 0, 0, 1), 1}), b);
  table.replace_record(a, record("a", 3));
  EXPECT_EQ(table.find(Address{IpAddress::v4(10, 0, 0, 1), 1}), b);
}

TEST_F(MemberTableTest, StatusCountsTheLiveAndKeepsSinceWhileItDoesNotChange) {
  const MemberIndex a = add("a", 1);
  add("b", 2, MemberStatus::left);
  EXPECT_EQ(table.live_count(), 1U);
  table.set_status(a, MemberStatus::alive, kStart + seconds(5));
  EXPECT_EQ(table.view(a).since, kStart);
  table.set_status(a, MemberStatus::suspect, kStart + seconds(6));
  EXPECT_EQ(table.view(a).since, kStart + seconds(6));
  EXPECT_EQ(table.live_count(), 1U);
  table.set_status(a, MemberStatus::dead, kStart + seconds(7));
  EXPECT_EQ(table.live_count(), 0U);
}

TEST_F(MemberTableTest, SnapshotIsSortedSharedAndDoesNotChangeAfterwards) {
  add("c", 3);
  add("a", 1);
  const MemberSnapshot before = table.snapshot();
  EXPECT_EQ(before, table.snapshot()) << "made anew without a change";
  const MemberIndex b = add("b", 2);
  EXPECT_EQ(names(), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(before->size(), 2U);
  table.set_incarnation(b, 7);
  EXPECT_EQ((*table.snapshot())[1].incarnation, 7U);
}

TEST_F(MemberTableTest, TellsWhatHasChangedOncePerMember) {
  add("before", 9);
  table.follow_changes();
  const MemberIndex a = add("a", 1);
  table.set_incarnation(a, 7);
  std::vector<MemberChange> changes = table.take_changes();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].member.name(), "a");
  EXPECT_EQ(changes[0].member.incarnation, 7U);
  EXPECT_FALSE(changes[0].forgotten);
  EXPECT_TRUE(table.take_changes().empty());
}

TEST_F(MemberTableTest, TellsWhoWasForgottenAndWhoCameToItsPlace) {
  table.follow_changes();
  MemberSnapshot followed;
  const MemberIndex self = add("self", 1);
  const MemberIndex old = add("old", 2, MemberStatus::dead);
  followed = followed.with(table.take_changes());
  EXPECT_EQ(followed.size(), 2U);
  std::vector<ForgottenMember> forgotten;
  table.reset_probe_list(kStart + seconds(10), self, random, forgotten);
  EXPECT_EQ(add("new", 3), old);
  followed = followed.with(table.take_changes());
  EXPECT_EQ(followed.size(), 2U);
  EXPECT_EQ(followed.find("old"), nullptr);
  EXPECT_NE(followed.find("new"), nullptr);
}

// Parity 94 and 140: the old dead go, the young dead and the kept one stay, all others are
// shuffled.
TEST_F(MemberTableTest, ResetForgetsTheOldDeadOnly) {
  const MemberIndex self = add("self", 1, MemberStatus::left);
  const MemberIndex old_dead = add("old dead", 2, MemberStatus::dead);
  add("alive", 3);
  add("young dead", 4);
  table.set_status(table.find("young dead"), MemberStatus::dead, kStart + seconds(20));
  std::vector<ForgottenMember> forgotten;
  table.reset_probe_list(kStart + seconds(10), self, random, forgotten);
  ASSERT_EQ(forgotten.size(), 1U);
  EXPECT_EQ(forgotten[0].index, old_dead);
  EXPECT_EQ(forgotten[0].entry.record->name, "old dead");
  EXPECT_EQ(forgotten[0].entry.status, MemberStatus::dead);
  EXPECT_EQ(names(), (std::vector<std::string>{"alive", "self", "young dead"}));
  EXPECT_EQ(table.find("old dead"), kNoMember);
  EXPECT_EQ(table.find(Address{IpAddress::v4(10, 0, 0, 1), 2}), kNoMember);
  EXPECT_EQ(table.size(), 3U);
}

TEST_F(MemberTableTest, AForgottenPlaceIsUsedAgainFresh) {
  const MemberIndex a = add("a", 1, MemberStatus::dead);
  std::vector<ForgottenMember> forgotten;
  table.reset_probe_list(kStart + seconds(1), kNoMember, random, forgotten);
  const MemberIndex b = table.insert(record("b", 2), kStart, random);
  EXPECT_EQ(b, a);
  EXPECT_EQ(table.view(b).incarnation, 0U);
  EXPECT_EQ(table.view(b).status, MemberStatus::dead);
}

// Parity 138.
TEST_F(MemberTableTest, AMemberMayBeToldAgainAtItsTime) {
  const MemberIndex a = add("a", 1);
  EXPECT_TRUE(table.may_tell(a, kStart, kStart + seconds(1)));
  EXPECT_FALSE(table.may_tell(a, kStart, kStart + seconds(1)));
  // Many others, so that those whose time has come are no longer remembered.
  for (std::uint16_t port = 2; port < 100; ++port) {
    const MemberIndex other = add("other" + std::to_string(port), port);
    EXPECT_TRUE(table.may_tell(other, kStart + seconds(2), kStart + seconds(3)));
    EXPECT_FALSE(table.may_tell(other, kStart + seconds(2), kStart + seconds(3)));
  }
  EXPECT_TRUE(table.may_tell(a, kStart + seconds(2), kStart + seconds(4)));
  EXPECT_FALSE(table.may_tell(a, kStart + seconds(3), kStart + seconds(4)));
}

TEST_F(MemberTableTest, ManyAreFoundByNameAndAddressWhileOthersComeAndGo) {
  constexpr std::uint16_t kMany = 500;
  for (std::uint16_t port = 0; port < kMany; ++port) {
    add("m" + std::to_string(port), static_cast<std::uint16_t>(port + 1));
  }
  for (std::uint16_t port = 0; port < kMany; port = static_cast<std::uint16_t>(port + 2)) {
    table.set_status(table.find("m" + std::to_string(port)), MemberStatus::dead, kStart);
  }
  std::vector<ForgottenMember> forgotten;
  table.reset_probe_list(kStart + seconds(1), kNoMember, random, forgotten);
  EXPECT_EQ(forgotten.size(), kMany / 2U);
  for (std::uint16_t port = 0; port < kMany; ++port) {
    const MemberIndex index = table.find("m" + std::to_string(port));
    EXPECT_EQ(index != kNoMember, port % 2 == 1);
    const Address address{IpAddress::v4(10, 0, 0, 1), static_cast<std::uint16_t>(port + 1)};
    EXPECT_EQ(table.find(address), index);
  }
}

TEST_F(MemberTableTest, TheOneThatIsLeftAtAnIpAddressIsUniqueAgain) {
  const IpAddress ip = IpAddress::v4(10, 0, 0, 1);
  const MemberIndex a = add("a", 1);
  add("b", 2, MemberStatus::dead);
  add("c", 3, MemberStatus::dead);
  EXPECT_EQ(table.find_unique(ip), kNoMember);
  std::vector<ForgottenMember> forgotten;
  table.reset_probe_list(kStart + seconds(1), kNoMember, random, forgotten);
  EXPECT_EQ(forgotten.size(), 2U);
  EXPECT_EQ(table.find_unique(ip), a);
}

TEST_F(MemberTableTest, ResetShufflesWithoutLosingAnybody) {
  for (int i = 0; i < 50; ++i) add("m" + std::to_string(i), static_cast<std::uint16_t>(i + 1));
  std::vector<MemberIndex> before = table.probe_list();
  std::vector<ForgottenMember> forgotten;
  table.reset_probe_list(kStart, kNoMember, random, forgotten);
  std::vector<MemberIndex> after = table.probe_list();
  EXPECT_NE(before, after);
  std::ranges::sort(before);
  std::ranges::sort(after);
  EXPECT_EQ(before, after);
}

TEST_F(MemberTableTest, NewMembersGoToRandomPlacesOfTheProbeList) {
  std::set<std::size_t> places;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    MemberTable fresh;
    Random seeded(seed);
    for (std::uint16_t i = 0; i < 4; ++i) {
      fresh.insert(record("m" + std::to_string(i), static_cast<std::uint16_t>(i + 1)), kStart,
                   seeded);
    }
    const auto& list = fresh.probe_list();
    places.insert(static_cast<std::size_t>(std::ranges::find(list, MemberIndex{3}) - list.begin()));
  }
  EXPECT_EQ(places, (std::set<std::size_t>{0, 1, 2, 3}));
}

// Parity 141.
TEST_F(MemberTableTest, PickRandomExcludesAndNeverPicksTwice) {
  for (int i = 0; i < 100; ++i) {
    add("m" + std::to_string(i), static_cast<std::uint16_t>(i + 1),
        i % 3 == 0 ? MemberStatus::alive : MemberStatus::dead);
  }
  const auto alive = [](const MemberEntry& entry) { return entry.status == MemberStatus::alive; };
  std::set<MemberIndex> ever;
  for (int round = 0; round < 200; ++round) {
    std::vector<MemberIndex> picked;
    table.pick_random(3, random, alive, picked);
    ASSERT_EQ(picked.size(), 3U);
    EXPECT_EQ(std::set(picked.begin(), picked.end()).size(), 3U);
    for (const MemberIndex index : picked) {
      EXPECT_EQ(table.at(index).status, MemberStatus::alive);
      ever.insert(index);
    }
  }
  EXPECT_EQ(ever.size(), 34U) << "somebody is never picked";
}

// However many have become known or were forgotten since the groups were last asked for, and
// whoever has a former member's place now.
TEST_F(MemberTableTest, EveryMemberIsInTheGroupOfItsName) {
  std::set<std::string> known;
  const auto check = [&] {
    std::set<std::string> seen;
    for (std::size_t number = 0; number < table.groups().size(); ++number) {
      std::string last;
      for (const MemberIndex index : table.group(number)) {
        const std::string& name = table.at(index).record->name;
        EXPECT_EQ(table.groups().of(name), number);
        EXPECT_EQ(table.at(index).group, number);
        EXPECT_LT(last, name);
        EXPECT_TRUE(seen.insert(name).second) << name << " is there twice";
        last = name;
      }
    }
    EXPECT_EQ(seen, known);
  };
  std::uint16_t next = 1;
  for (const std::size_t more : {1U, 3U, 100U, 5U, 1000U, 700U, 2U, 65U}) {
    for (std::size_t i = 0; i < more; ++i, ++next) {
      const std::string name = "m" + std::to_string(next);
      const bool stays = next % 3 != 0;
      add(name, next, stays ? MemberStatus::alive : MemberStatus::left);
      if (stays) known.insert(name);
      if (i % 50 != 7) continue;
      std::vector<ForgottenMember> forgotten;
      table.reset_probe_list(kStart + seconds(1), kNoMember, random, forgotten);
    }
    std::vector<ForgottenMember> forgotten;
    table.reset_probe_list(kStart + seconds(1), kNoMember, random, forgotten);
    check();
  }
}

TEST_F(MemberTableTest, AChangeIsOneOfItsGroup) {
  for (std::uint16_t port = 1; port <= 600; ++port) add("m" + std::to_string(port), port);
  std::vector<std::uint64_t> before;
  for (std::size_t i = 0; i < table.groups().size(); ++i) {
    before.push_back(table.groups().change(i));
  }
  ASSERT_EQ(before.size(), 4U);
  const MemberIndex changed = table.find("m7");
  table.set_incarnation(changed, 9);
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(table.groups().change(i) != before[i], i == table.at(changed).group) << i;
  }
}

// Parity 141: in a small cluster no suitable member is missed.
TEST_F(MemberTableTest, PickRandomFindsAllThereAreInSmallClusters) {
  for (std::uint16_t size = 0; size < 6; ++size) {
    for (std::size_t count = 0; count < 8; ++count) {
      std::vector<MemberIndex> picked;
      table.pick_random(count, random, [](const MemberEntry&) { return true; }, picked);
      EXPECT_EQ(picked.size(), std::min<std::size_t>(count, size));
    }
    add("m" + std::to_string(size), static_cast<std::uint16_t>(size + 1));
  }
}

}  // namespace
}  // namespace memberlist::swim
