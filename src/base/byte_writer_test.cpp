#include "base/byte_writer.hpp"

#include <array>

#include <gtest/gtest.h>

namespace memberlist {
namespace {

TEST(ByteWriter, AppendsToAVector) {
  Bytes out = to_bytes("x");
  ByteWriter writer(out);
  writer.u8(1);
  writer.u16(0x0203);
  writer.u32(0x04050607);
  writer.bytes(as_bytes("yz"));
  writer.bytes({});
  EXPECT_EQ(as_text(out), "x\x01\x02\x03\x04\x05\x06\x07yz");
  EXPECT_EQ(writer.size(), out.size());
  EXPECT_FALSE(writer.overflowed());
}

TEST(ByteWriter, StopsAtTheEndOfAFixedSpan) {
  std::array<std::byte, 4> room{};
  ByteWriter writer(room);
  writer.u16(0x6162);
  EXPECT_FALSE(writer.overflowed());
  writer.bytes(as_bytes("cde"));
  EXPECT_TRUE(writer.overflowed());
  writer.u8('f');  // nothing after the first that did not fit
  EXPECT_EQ(writer.size(), 2U);
  EXPECT_EQ(as_text(room), std::string_view("ab\0\0", 4));
}

}  // namespace
}  // namespace memberlist
