#include "base/random.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include <gtest/gtest.h>

namespace memberlist {
namespace {

TEST(Random, IsTheSameEverywhere) {
  // The published vector of splitmix64 from seed 0 fills the state; then xoshiro256**'s first two
  // numbers by its definition.
  const std::uint64_t s0 = 0xe220a8397b1dcdafU;
  const std::uint64_t s1 = 0x6e789e6aa1b965f4U;
  const std::uint64_t s2 = 0x06c45d188009454fU;
  const std::uint64_t next_s1 = s1 ^ s2 ^ s0;
  const auto scramble = [](std::uint64_t word) {
    const std::uint64_t five = word * 5;
    return (five << 7 | five >> 57) * 9;
  };
  Random random(0);
  EXPECT_EQ(random.next(), scramble(s1));
  EXPECT_EQ(random.next(), scramble(next_s1));
}

TEST(Random, SeedsDiffer) {
  Random a(1);
  Random b(1);
  Random c(2);
  const std::uint64_t first = a.next();
  EXPECT_EQ(first, b.next());
  EXPECT_NE(first, c.next());
}

TEST(Random, BelowStaysBelowAndReachesAll) {
  Random random(7);
  std::array<int, 7> hits{};
  for (int i = 0; i < 7000; ++i) ++hits.at(random.below(std::uint64_t{7}));
  EXPECT_GT(std::ranges::min(hits), 800);
  EXPECT_LT(std::ranges::max(hits), 1200);
  EXPECT_EQ(random.below(std::uint64_t{0}), 0U);
  EXPECT_EQ(random.below(std::uint64_t{1}), 0U);
}

TEST(Random, DurationsAndUnits) {
  Random random(3);
  const Duration second = std::chrono::seconds(1);
  for (int i = 0; i < 1000; ++i) {
    const Duration drawn = random.below(second);
    EXPECT_GE(drawn, Duration::zero());
    EXPECT_LT(drawn, second);
    const double unit = random.unit();
    EXPECT_GE(unit, 0.0);
    EXPECT_LT(unit, 1.0);
  }
  EXPECT_EQ(random.below(Duration::zero()), Duration::zero());
  EXPECT_EQ(random.below(Duration(-5)), Duration::zero());
}

TEST(Random, ShuffleKeepsAllAndMovesThem) {
  std::array<int, 50> items{};
  for (std::size_t i = 0; i < items.size(); ++i) items[i] = static_cast<int>(i);
  auto shuffled = items;
  Random random(11);
  random.shuffle(std::span<int>(shuffled));
  EXPECT_NE(shuffled, items);
  EXPECT_TRUE(std::ranges::is_permutation(shuffled, items));
}

}  // namespace
}  // namespace memberlist
