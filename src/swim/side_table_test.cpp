#include "swim/side_table.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>

namespace memberlist::swim {
namespace {

TEST(SideTableTest, HasWhatRowsWereGiven) {
  SideTable<std::string> table;
  EXPECT_EQ(table.find(0), nullptr);
  EXPECT_EQ(table.take(0), std::nullopt);
  for (std::uint32_t row = 0; row < 100; ++row) table.add(3 * row, std::to_string(row));
  ASSERT_NE(table.find(30), nullptr);
  EXPECT_EQ(*table.find(30), "10");
  EXPECT_EQ(table.find(31), nullptr);
  EXPECT_EQ(table.take(30), "10");
  EXPECT_EQ(table.find(30), nullptr);
  EXPECT_EQ(*table.find(297), "99") << "the last, which took the place";
  EXPECT_EQ(table.size(), 99U);
}

TEST(SideTableTest, MakesWhatIsAskedFor) {
  SideTable<int> table;
  table[5] = 1;
  ++table[5];
  EXPECT_EQ(table.take(5), 2);
  EXPECT_EQ(table[5], 0);
}

TEST(SideTableTest, RemovesWhatIsUnwanted) {
  SideTable<std::uint32_t> table;
  for (std::uint32_t row = 0; row < 100; ++row) table.add(row, row);
  table.remove_if([](std::uint32_t value) { return value % 3 != 0; });
  EXPECT_EQ(table.size(), 34U);
  for (std::uint32_t row = 0; row < 100; ++row) EXPECT_EQ(table.find(row) != nullptr, row % 3 == 0);
  table.remove_if([](std::uint32_t) { return true; });
  EXPECT_TRUE(table.empty());
}

TEST(SideTableTest, ACopyIsAnother) {
  SideTable<int> table;
  table[1] = 1;
  SideTable<int> copy = table;
  copy[1] = 2;
  copy[2] = 3;
  EXPECT_EQ(table[1], 1);
  EXPECT_EQ(table.find(2), nullptr);
  EXPECT_EQ(copy[1], 2);
}

}  // namespace
}  // namespace memberlist::swim
