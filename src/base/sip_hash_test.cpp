#include "base/sip_hash.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "memberlist/bytes.hpp"

namespace memberlist {
namespace {

// The key of the published vectors: bytes 0 to 15.
constexpr SipKey kPublished{.low = 0x0706050403020100U, .high = 0x0f0e0d0c0b0a0908U};

// Vectors of the authors' reference implementation: of so many bytes 0, 1, 2 ...
TEST(SipHash, TwoFourHasThePublishedValues) {
  std::array<std::byte, 16> input{};
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<std::byte>(i);
  const auto of = [&](std::size_t size) {
    return sip_hash_2_4(kPublished, BytesView(input).first(size));
  };
  EXPECT_EQ(of(0), 0x726fdb47dd0e0e31U);
  EXPECT_EQ(of(1), 0x74f839c593dc67fdU);
  EXPECT_EQ(of(7), 0xab0200f58b01d137U);
  EXPECT_EQ(of(8), 0x93f5f5799a932462U);
  EXPECT_EQ(of(15), 0xa129ca6149be45e5U);
}

// CPython's hash of byte strings is SipHash-1-3, with the key 0 under PYTHONHASHSEED=0.
TEST(SipHash, OneThreeHasTheValuesOfAnotherImplementation) {
  const auto of = [](std::string_view text) { return sip_hash_1_3({}, as_bytes(text)); };
  EXPECT_EQ(of("a"), 0x407448d2b89b1813U);
  EXPECT_EQ(of("node-1"), 0x5843a44a2aeba279U);
  EXPECT_EQ(of("12345678"), 0x3489982430560a87U);
  EXPECT_EQ(of("123456789abcdef"), 0xf3543d992ba71328U);
  EXPECT_EQ(of("the quick brown fox jumps"), 0xc98b97e4f70042U);
  EXPECT_EQ(sip_hash_1_3(kPublished, {}), 0xabac0158050fc4dcU);
}

TEST(SipHash, DependsOnEveryBitOfTheKey) {
  const auto of = [](const SipKey& key) { return sip_hash_1_3(key, as_bytes("name")); };
  for (int bit = 0; bit < 64; ++bit) {
    EXPECT_NE(of({.low = std::uint64_t{1} << bit, .high = 0}), of({}));
    EXPECT_NE(of({.low = 0, .high = std::uint64_t{1} << bit}), of({}));
  }
}

}  // namespace
}  // namespace memberlist
