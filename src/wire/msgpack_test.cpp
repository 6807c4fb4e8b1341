#include "wire/msgpack.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "support/golden.hpp"
#include "wire/messages.hpp"

namespace memberlist::wire::msgpack {
namespace {

using testing::from_hex;
using testing::to_hex;

std::string signed_hex(std::int64_t value) {
  Bytes bytes(16);
  const auto* end = put_signed(bytes.data(), value);
  bytes.resize(static_cast<std::size_t>(end - bytes.data()));
  EXPECT_EQ(bytes.size(), signed_size(value));
  return to_hex(bytes);
}

std::string unsigned_hex(std::uint32_t value) {
  Bytes bytes(16);
  const auto* end = put_unsigned(bytes.data(), value);
  bytes.resize(static_cast<std::size_t>(end - bytes.data()));
  EXPECT_EQ(bytes.size(), unsigned_size(value));
  return to_hex(bytes);
}

TEST(MsgpackEncode, UnsignedInTheSmallestForm) {
  EXPECT_EQ(unsigned_hex(0), "00");
  EXPECT_EQ(unsigned_hex(127), "7f");
  EXPECT_EQ(unsigned_hex(128), "cc80");
  EXPECT_EQ(unsigned_hex(255), "ccff");
  EXPECT_EQ(unsigned_hex(256), "cd0100");
  EXPECT_EQ(unsigned_hex(65535), "cdffff");
  EXPECT_EQ(unsigned_hex(65536), "ce00010000");
  EXPECT_EQ(unsigned_hex(4294967295), "ceffffffff");
}

TEST(MsgpackEncode, SignedAsGoDoes) {
  EXPECT_EQ(signed_hex(0), "00");
  EXPECT_EQ(signed_hex(127), "7f");
  EXPECT_EQ(signed_hex(128), "d10080");
  EXPECT_EQ(signed_hex(32767), "d17fff");
  EXPECT_EQ(signed_hex(32768), "d200008000");
  EXPECT_EQ(signed_hex(2147483647), "d27fffffff");
  EXPECT_EQ(signed_hex(2147483648), "d30000000080000000");
  EXPECT_EQ(signed_hex(-1), "ff");
  EXPECT_EQ(signed_hex(-32), "e0");
  EXPECT_EQ(signed_hex(-33), "d0df");
  EXPECT_EQ(signed_hex(-128), "d080");
  EXPECT_EQ(signed_hex(-129), "d1ff7f");
  EXPECT_EQ(signed_hex(-32769), "d2ffff7fff");
  EXPECT_EQ(signed_hex(std::numeric_limits<std::int64_t>::min()), "d38000000000000000");
}

TEST(MsgpackEncode, RawFamilyOnly) {
  for (const auto& [size, head] : std::vector<std::pair<std::size_t, std::string>>{
           {0, "a0"}, {31, "bf"}, {32, "da0020"}, {65535, "daffff"}, {65536, "db00010000"}}) {
    const Bytes value(size, std::byte{0x55});
    Bytes bytes(size + 8);
    const auto* end = put_raw(bytes.data(), value);
    const std::size_t total = static_cast<std::size_t>(end - bytes.data());
    EXPECT_EQ(total, raw_header_size(size) + size);
    EXPECT_EQ(to_hex(BytesView(bytes).first(head.size() / 2)), head);
  }
}

template <class T>
std::string read(const std::string& hex, T& out) {
  const Bytes bytes = from_hex(hex);
  Decoder in(bytes);
  if (!in.value(out)) return in.error().what;
  EXPECT_EQ(in.position(), bytes.size()) << hex;
  return "";
}

TEST(MsgpackDecode, UnsignedFieldsTakeEveryWidth) {
  for (const char* hex : {"05", "cc05", "cd0005", "ce00000005", "cf0000000000000005", "d005",
                          "d10005", "d200000005", "d30000000000000005"}) {
    std::uint32_t wide = 0;
    EXPECT_EQ(read(hex, wide), "") << hex;
    EXPECT_EQ(wide, 5U);
    std::uint16_t half = 0;
    EXPECT_EQ(read(hex, half), "");
    EXPECT_EQ(half, 5U);
    std::uint8_t byte = 0;
    EXPECT_EQ(read(hex, byte), "");
    EXPECT_EQ(byte, 5U);
    std::int64_t count = 0;
    EXPECT_EQ(read(hex, count), "");
    EXPECT_EQ(count, 5);
  }
}

TEST(MsgpackDecode, NilIsTheZeroValue) {
  std::uint32_t number = 7;
  EXPECT_EQ(read("c0", number), "");
  EXPECT_EQ(number, 0U);
  std::int64_t count = 7;
  EXPECT_EQ(read("c0", count), "");
  EXPECT_EQ(count, 0);
  bool flag = true;
  EXPECT_EQ(read("c0", flag), "");
  EXPECT_FALSE(flag);
  std::string_view text = "x";
  EXPECT_EQ(read("c0", text), "");
  EXPECT_TRUE(text.empty());
  BytesView bytes = as_bytes("x");
  EXPECT_EQ(read("c0", bytes), "");
  EXPECT_EQ(bytes.data(), nullptr);
}

TEST(MsgpackDecode, IntegersThatDoNotFitAreErrors) {
  std::uint32_t wide = 0;
  EXPECT_EQ(read("cf0000000100000000", wide), "integer is too large for the field");
  EXPECT_EQ(read("ff", wide), "field is negative");
  EXPECT_EQ(read("d0ff", wide), "field is negative");
  EXPECT_EQ(read("d1ffff", wide), "field is negative");
  EXPECT_EQ(read("d280000000", wide), "field is negative");
  EXPECT_EQ(read("d3ffffffffffffffff", wide), "field is negative");
  std::uint16_t half = 0;
  EXPECT_EQ(read("cdffff", half), "");
  EXPECT_EQ(read("ce00010000", half), "integer is too large for the field");
  std::uint8_t byte = 0;
  EXPECT_EQ(read("cd0100", byte), "integer is too large for the field");
  std::int64_t count = 0;
  EXPECT_EQ(read("cf8000000000000000", count), "integer is too large for the field");
}

TEST(MsgpackDecode, SignedCountsTakeEveryWidth) {
  std::int64_t count = 0;
  for (const auto& [hex, value] : std::vector<std::pair<const char*, std::int64_t>>{
           {"ff", -1},
           {"e0", -32},
           {"d080", -128},
           {"d18000", -32768},
           {"d280000000", -2147483648LL},
           {"d38000000000000000", std::numeric_limits<std::int64_t>::min()},
           {"cf7fffffffffffffff", std::numeric_limits<std::int64_t>::max()},
           {"ceffffffff", 4294967295}}) {
    EXPECT_EQ(read(hex, count), "") << hex;
    EXPECT_EQ(count, value) << hex;
  }
}

TEST(MsgpackDecode, ByteArraysInEveryFamily) {
  for (const char* hex : {"a26869", "d9026869", "da00026869", "db000000026869", "c4026869",
                          "c500026869", "c6000000026869"}) {
    const Bytes bytes = from_hex(hex);
    BytesView view;
    Decoder in(bytes);
    ASSERT_TRUE(in.value(view)) << hex;
    EXPECT_EQ(as_text(view), "hi");
    EXPECT_EQ(in.position(), bytes.size());
  }
}

TEST(MsgpackDecode, AnEmptyByteArrayIsNotAnAbsentOne) {
  for (const char* hex : {"a0", "d900", "da0000", "db00000000", "c400"}) {
    const Bytes bytes = from_hex(hex);
    BytesView view;
    Decoder in(bytes);
    ASSERT_TRUE(in.value(view));
    EXPECT_TRUE(view.empty());
    EXPECT_NE(view.data(), nullptr);
  }
}

TEST(MsgpackDecode, WrongTypesAreErrors) {
  for (const char* hex : {"80", "90", "c2", "ca00000000", "cb0000000000000000", "a161", "d40000"}) {
    std::uint32_t number = 0;
    EXPECT_EQ(read(hex, number), "field is not an integer") << hex;
    std::int64_t count = 0;
    EXPECT_EQ(read(hex, count), "field is not an integer") << hex;
  }
  for (const char* hex : {"05", "80", "90", "c2", "ca00000000", "cc05", "d40000", "ff"}) {
    BytesView bytes;
    EXPECT_EQ(read(hex, bytes), "field is not a string or byte array") << hex;
  }
  for (const char* hex : {"00", "01", "a0", "80"}) {
    bool flag = false;
    EXPECT_EQ(read(hex, flag), "field is not a boolean") << hex;
  }
}

// One value of every type there is.
const std::vector<std::string> kAnyValues = {
    "00",
    "7f",
    "80",
    "81a16101",
    "82a1610102c0",
    "90",
    "93010203",
    "a0",
    "a3616263",
    "c0",
    "c2",
    "c3",
    "c403616263",
    "c50003616263",
    "c600000003616263",
    "c70301616263",
    "c8000301616263",
    "c90000000301616263",
    "ca3f800000",
    "cb3ff0000000000000",
    "ccff",
    "cdffff",
    "ceffffffff",
    "cfffffffffffffffff",
    "d0ff",
    "d1ffff",
    "d2ffffffff",
    "d3ffffffffffffffff",
    "d401ff",
    "d501ffff",
    "d601ffffffff",
    "d701ffffffffffffffff",
    "d801ffffffffffffffffffffffffffffffff",
    "d903616263",
    "da0003616263",
    "db00000003616263",
    "dc000201a161",
    "dd0000000201a161",
    "de000101a161",
    "df0000000101a161",
    "e0",
    "ff",
    "930181a1619190c0",  // nested
};

TEST(MsgpackSkip, StepsOverEveryType) {
  for (const std::string& hex : kAnyValues) {
    const Bytes bytes = from_hex(hex + "2a");
    Decoder in(bytes);
    ASSERT_TRUE(in.skip()) << hex;
    EXPECT_EQ(in.position(), bytes.size() - 1) << hex;
  }
}

TEST(MsgpackSkip, CutOffAnywhereIsTruncated) {
  for (const std::string& hex : kAnyValues) {
    const Bytes bytes = from_hex(hex);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      Decoder in(BytesView(bytes).first(size));
      EXPECT_FALSE(in.skip()) << hex << " " << size;
      EXPECT_EQ(in.error().what, kTruncated);
    }
  }
}

TEST(MsgpackSkip, RefusesTheByteThatIsNoValue) {
  const Bytes bytes = from_hex("92c0c1");
  Decoder in(bytes);
  EXPECT_FALSE(in.skip());
  EXPECT_EQ(in.error().kind, WireErrorKind::malformed);
  EXPECT_EQ(in.error().offset, 2U);
}

TEST(MsgpackSkip, NestingIsLimited) {
  for (const char* opening : {"91", "8100"}) {
    std::string hex;
    for (std::size_t i = 0; i < limits::kMsgpackNesting; ++i) hex += opening;
    const Bytes deepest = from_hex(hex + "c0");
    Decoder fits(deepest);
    EXPECT_TRUE(fits.skip());
    const Bytes deeper = from_hex(hex + opening + "c0");
    Decoder in(deeper);
    EXPECT_FALSE(in.skip());
    EXPECT_EQ(in.error().kind, WireErrorKind::limit);
  }
}

// A count of four thousand million is no reason to go on when the bytes are not there.
TEST(MsgpackSkip, AnnouncedCountsAreNotBelieved) {
  for (const char* hex : {"ddffffffff", "dfffffffff", "dbffffffff", "c6ffffffff", "c9ffffffff01"}) {
    const Bytes bytes = from_hex(std::string(hex) + "0000");
    Decoder in(bytes);
    EXPECT_FALSE(in.skip());
    EXPECT_EQ(in.error().what, kTruncated);
  }
}

TEST(MsgpackScanner, FindsTheEndByteByByte) {
  for (const std::string& hex : kAnyValues) {
    const Bytes bytes = from_hex(hex + "00");
    Scanner scanner;
    for (std::size_t size = 0; size + 1 < bytes.size(); ++size) {
      const auto ended = scanner.scan(BytesView(bytes).first(size));
      ASSERT_TRUE(ended) << hex;
      EXPECT_FALSE(*ended) << hex << " " << size;
    }
    const auto ended = scanner.scan(bytes);
    ASSERT_TRUE(ended);
    EXPECT_TRUE(*ended);
    EXPECT_EQ(scanner.size(), bytes.size() - 1);
  }
}

TEST(MsgpackScanner, RefusesWhatIsAnnouncedOverItsLimit) {
  for (const char* hex : {"db00000065", "c60000ffff", "dd00000065", "df00000033", "c90000ffff"}) {
    const Bytes bytes = from_hex(hex);
    Scanner scanner(100);
    const auto ended = scanner.scan(bytes);
    ASSERT_FALSE(ended) << hex;
    EXPECT_EQ(ended.error().kind, WireErrorKind::limit);
  }
  const Bytes fits = from_hex("db0000005f");  // 5 and 95
  Scanner scanner(100);
  EXPECT_EQ(scanner.scan(fits).value(), false);
}

TEST(MsgpackDecoder, MapHeadersInEveryWidth) {
  for (const char* hex : {"82", "de0002", "df00000002"}) {
    const Bytes bytes = from_hex(hex);
    Decoder in(bytes);
    std::uint32_t fields = 0;
    ASSERT_TRUE(in.map_header(fields));
    EXPECT_EQ(fields, 2U);
    EXPECT_EQ(in.position(), bytes.size());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      Decoder cut(BytesView(bytes).first(size));
      EXPECT_FALSE(cut.map_header(fields));
      EXPECT_EQ(cut.error().what, kTruncated);
    }
  }
}

TEST(MsgpackDecoder, AnythingElseIsNoBody) {
  for (unsigned tag = 0; tag < 256; ++tag) {
    if ((tag & 0xf0U) == 0x80 || tag == 0xde || tag == 0xdf) continue;
    const Bytes bytes(8, static_cast<std::byte>(tag));
    Decoder in(bytes);
    std::uint32_t fields = 0;
    EXPECT_FALSE(in.map_header(fields)) << tag;
    EXPECT_STREQ(in.error().what, "message body is not a map");
  }
}

}  // namespace
}  // namespace memberlist::wire::msgpack
