#include "base/byte_reader.hpp"

#include <gtest/gtest.h>

namespace memberlist {
namespace {

TEST(ByteReader, ReadsBigEndian) {
  ByteReader reader(as_bytes("\x01\x02\x03\x04\x05\x06\x07"));
  EXPECT_EQ(reader.u8(), 0x01);
  EXPECT_EQ(reader.u16(), 0x0203);
  EXPECT_EQ(reader.u32(), 0x04050607U);
  EXPECT_EQ(reader.remaining(), 0U);
  EXPECT_EQ(reader.position(), 7U);
}

TEST(ByteReader, ConsumesNothingWhereTooLittleIsLeft) {
  ByteReader reader(as_bytes("abc"));
  EXPECT_FALSE(reader.u32());
  EXPECT_FALSE(reader.bytes(4));
  EXPECT_EQ(reader.position(), 0U);
  ASSERT_TRUE(reader.bytes(3));
  EXPECT_FALSE(reader.u8());
  ASSERT_TRUE(reader.bytes(0));
  EXPECT_TRUE(reader.rest().empty());
}

}  // namespace
}  // namespace memberlist
