#include "wire/crc32.hpp"

#include <gtest/gtest.h>

#include <cstddef>

namespace memberlist::wire {
namespace {

// The definition, a bit at a time.
std::uint32_t crc32_by_bits(BytesView bytes) {
  std::uint32_t crc = ~0U;
  for (const std::byte byte : bytes) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320U : 0U);
  }
  return ~crc;
}

TEST(Crc32, KnownValues) {
  EXPECT_EQ(crc32({}), 0U);
  EXPECT_EQ(crc32(as_bytes("123456789")), 0xcbf43926U);
  EXPECT_EQ(crc32(as_bytes("The quick brown fox jumps over the lazy dog")), 0x414fa339U);
}

TEST(Crc32, EqualsTheDefinitionForEveryLengthAndAlignment) {
  Bytes bytes(300);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 37 + 11);
  for (std::size_t from = 0; from < 9; ++from) {
    for (std::size_t size = 0; from + size <= bytes.size(); ++size) {
      const auto part = BytesView(bytes).subspan(from, size);
      EXPECT_EQ(crc32(part), crc32_by_bits(part)) << from << " " << size;
    }
  }
}

}  // namespace
}  // namespace memberlist::wire
