#include "base/secrets.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <set>
#include <vector>

namespace memberlist {
namespace {

using Secret = std::array<std::byte, 16>;

std::vector<std::uint64_t> all_of(const Secrets& secrets) {
  return {secrets.choices, secrets.hash_tables.low, secrets.hash_tables.high,
          secrets.sequence_numbers.low, secrets.sequence_numbers.high};
}

TEST(Secrets, AreTheSameForTheSameSeedAndSecret) {
  EXPECT_EQ(all_of(Secrets(7, Secret{})), all_of(Secrets(7, Secret{})));
}

TEST(Secrets, AreAllDifferentForEverySeedAndSecret) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    for (const std::uint64_t value : all_of(Secrets(seed, Secret{}))) seen.insert(value);
  }
  for (std::size_t i = 0; i < 16; ++i) {
    Secret secret{};
    secret[i] = std::byte{0x80};
    for (const std::uint64_t value : all_of(Secrets(7, secret))) seen.insert(value);
  }
  EXPECT_EQ(seen.size(), 5U * (100 + 16));
}

TEST(SecretNumbers, AreTheSameForTheSameKeyAndDoNotRepeat) {
  SecretNumbers a({.low = 1, .high = 2});
  SecretNumbers b({.low = 1, .high = 2});
  SecretNumbers c({.low = 1, .high = 3});
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t number = a.next();
    EXPECT_EQ(number, b.next());
    seen.insert(number);
    seen.insert(c.next());
  }
  EXPECT_EQ(seen.size(), 2000U);
}

}  // namespace
}  // namespace memberlist
