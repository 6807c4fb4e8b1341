#include "swim/tombstones.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "swim/test_start.hpp"

namespace memberlist::swim {
namespace {

using std::chrono::seconds;

TEST(TombstonesTest, KeepsWhatIsKnownOfTheForgotten) {
  Tombstones tombstones(10);
  EXPECT_TRUE(tombstones.empty());
  tombstones.bury("a", 7, false, kStart);
  tombstones.bury("b", 3, true, kStart);
  ASSERT_NE(tombstones.find("a"), nullptr);
  EXPECT_EQ(tombstones.find("a")->incarnation, 7U);
  EXPECT_FALSE(tombstones.find("a")->left);
  EXPECT_TRUE(tombstones.find("b")->left);
  EXPECT_EQ(tombstones.find("c"), nullptr);
  EXPECT_EQ(tombstones.size(), 2U);
}

TEST(TombstonesTest, ACopyStandsAlone) {
  Tombstones tombstones(10);
  tombstones.bury("a", 7, false, kStart);
  tombstones.bury("b", 3, true, kStart);
  Tombstones copy(tombstones);
  tombstones.remove("a");
  ASSERT_NE(copy.find("a"), nullptr);
  EXPECT_EQ(copy.find("a")->incarnation, 7U);
  copy.remove("b");
  EXPECT_EQ(copy.size(), 1U);
  EXPECT_NE(tombstones.find("b"), nullptr);
}

TEST(TombstonesTest, RemovedOnesCanBeBuriedAgain) {
  Tombstones tombstones(10);
  tombstones.bury("a", 7, false, kStart);
  tombstones.remove("a");
  tombstones.remove("unknown");
  EXPECT_EQ(tombstones.find("a"), nullptr);
  tombstones.bury("a", 8, false, kStart);
  EXPECT_EQ(tombstones.find("a")->incarnation, 8U);
}

TEST(TombstonesTest, TheOldestMakeRoom) {
  Tombstones tombstones(3);
  for (int i = 0; i < 100; ++i) {
    tombstones.bury("n" + std::to_string(i), 1, false, kStart + seconds(i));
    EXPECT_LE(tombstones.size(), 3U);
  }
  EXPECT_EQ(tombstones.find("n96"), nullptr);
  for (const char* young : {"n97", "n98", "n99"}) EXPECT_NE(tombstones.find(young), nullptr);
}

TEST(TombstonesTest, AreForgottenAtTheirTime) {
  Tombstones tombstones(10);
  for (int i = 0; i < 5; ++i) {
    tombstones.bury("n" + std::to_string(i), 1, false, kStart + seconds(i));
  }
  tombstones.remove("n1");
  tombstones.forget_before(kStart + seconds(3));
  EXPECT_EQ(tombstones.find("n2"), nullptr);
  EXPECT_NE(tombstones.find("n3"), nullptr) << "buried at that very moment";
  EXPECT_EQ(tombstones.size(), 2U);
}

}  // namespace
}  // namespace memberlist::swim
