#include "wire/lzw.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <vector>

namespace memberlist::wire {
namespace {

constexpr std::uint32_t kClear = 256;
constexpr std::uint32_t kEnd = 257;

// Codes of 9 bits, least significant bit first.
Bytes pack(const std::vector<std::uint32_t>& codes, unsigned width = 9) {
  Bytes bytes;
  std::uint64_t bits = 0;
  unsigned count = 0;
  for (const std::uint32_t code : codes) {
    bits |= std::uint64_t{code} << count;
    for (count += width; count >= 8; count -= 8, bits >>= 8) {
      bytes.push_back(static_cast<std::byte>(bits));
    }
  }
  if (count > 0) bytes.push_back(static_cast<std::byte>(bits));
  return bytes;
}

WireResult<Bytes> unpack(BytesView packed, std::size_t max_bytes = 1U << 20) {
  Bytes out;
  if (auto done = lzw_decode(packed, out, max_bytes); !done) return std::unexpected(done.error());
  return out;
}

Bytes packed(BytesView plain) {
  Bytes out;
  LzwEncoder lzw;
  EXPECT_TRUE(lzw.encode(plain, out));
  return out;
}

// Pseudo-random bytes from an alphabet of the given size, so that they compress more or less.
Bytes noise(std::size_t size, std::uint32_t alphabet) {
  Bytes bytes(size);
  std::uint32_t state = 12345;
  for (std::byte& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::byte>((state >> 16) % alphabet);
  }
  return bytes;
}

TEST(Lzw, PartsOneBehindTheOtherAreWhatTheyHold) {
  LzwEncoder lzw;
  for (const std::uint32_t alphabet : {1U, 7U, 256U}) {
    Bytes plain;
    Bytes parts;
    // Sizes around those at which codes widen and the table is cleared.
    for (const std::size_t size :
         {0U, 1U, 2U, 253U, 254U, 255U, 256U, 3837U, 3838U, 3839U, 20'000U}) {
      const Bytes part = noise(size, alphabet);
      Bytes packed;
      lzw.encode_part(part, packed);
      plain.insert(plain.end(), part.begin(), part.end());
      parts.insert(parts.end(), packed.begin(), packed.end());
      Bytes whole = parts;
      whole.insert(whole.end(), LzwEncoder::kEndOfParts.begin(), LzwEncoder::kEndOfParts.end());
      EXPECT_EQ(unpack(whole).value(), plain) << alphabet << " " << size;
    }
  }
}

TEST(Lzw, RoundTripOfEveryLengthAndAlphabet) {
  LzwEncoder lzw;
  Bytes compressed;
  for (const std::uint32_t alphabet : {1U, 2U, 7U, 64U, 256U}) {
    for (std::size_t size = 0; size < 2000; size += 1 + size / 40) {
      const Bytes plain = noise(size, alphabet);
      compressed.clear();
      ASSERT_TRUE(lzw.encode(plain, compressed));
      const auto back = unpack(compressed, size);
      ASSERT_TRUE(back) << back.error().to_string() << " " << size << " of " << alphabet;
      ASSERT_EQ(*back, plain);
    }
  }
}

// Long enough for the codes to run out several times.
TEST(Lzw, RoundTripOverClearedTables) {
  for (const std::uint32_t alphabet : {1U, 3U, 256U}) {
    const Bytes plain = noise(300'000, alphabet);
    const auto back = unpack(packed(plain), plain.size());
    ASSERT_TRUE(back) << back.error().to_string();
    EXPECT_EQ(*back, plain);
  }
}

TEST(Lzw, AppendsBehindWhatIsThere) {
  LzwEncoder lzw;
  Bytes out = to_bytes("before");
  ASSERT_TRUE(lzw.encode(as_bytes("hello"), out));
  EXPECT_EQ(as_text(BytesView(out).first(6)), "before");
  EXPECT_EQ(Bytes(out.begin() + 6, out.end()), packed(as_bytes("hello")));

  Bytes plain = to_bytes("old ");
  ASSERT_TRUE(lzw_decode(BytesView(out).subspan(6), plain, 5));
  EXPECT_EQ(as_text(plain), "old hello");
}

TEST(Lzw, EncoderStopsOverTheLimit) {
  LzwEncoder lzw;
  const Bytes plain = noise(5000, 256);
  const std::size_t size = packed(plain).size();
  for (const std::size_t limit : {std::size_t{0}, std::size_t{1}, size / 2, size - 1}) {
    Bytes out = to_bytes("x");
    EXPECT_FALSE(lzw.encode(plain, out, limit)) << limit;
    EXPECT_LT(out.size(), 2 * limit + 4096) << "it went on for long";
  }
  Bytes out;
  EXPECT_TRUE(lzw.encode(plain, out, size));
  EXPECT_EQ(out.size(), size);
}

TEST(Lzw, DecodesCodesWithoutAClearAtTheStart) {
  const auto plain = unpack(pack({'h', 'i', kEnd}));
  ASSERT_TRUE(plain);
  EXPECT_EQ(as_text(*plain), "hi");
}

TEST(Lzw, DecodesTheCodeThatIsJustBeingMade) {
  const auto plain = unpack(pack({kClear, 'a', 258, 259, kEnd}));
  ASSERT_TRUE(plain);
  EXPECT_EQ(as_text(*plain), "aaaaaa");
}

TEST(Lzw, IgnoresWhatFollowsTheEnd) {
  Bytes bytes = pack({kClear, 'a', kEnd});
  bytes.insert(bytes.end(), 9, std::byte{0xff});
  const auto plain = unpack(bytes);
  ASSERT_TRUE(plain);
  EXPECT_EQ(as_text(*plain), "a");
}

TEST(Lzw, RefusesImpossibleCodes) {
  for (const auto& codes : std::vector<std::vector<std::uint32_t>>{
           {kClear, 258, kEnd},            // nothing before it
           {258},                          // nor here
           {kClear, 'a', 259, kEnd},       // one too far
           {kClear, 'a', 'b', 300, kEnd},  // many too far
           {kClear, 'a', kClear, 258},     // forgotten
       }) {
    const auto plain = unpack(pack(codes));
    ASSERT_FALSE(plain);
    EXPECT_STREQ(plain.error().what, "compressed data has an invalid code");
    EXPECT_EQ(plain.error().kind, WireErrorKind::malformed);
  }
}

TEST(Lzw, CutOffAnywhereIsAnError) {
  const Bytes whole = packed(noise(3000, 5));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto plain = unpack(BytesView(whole).first(size));
    ASSERT_FALSE(plain) << size;
    EXPECT_STREQ(plain.error().what, "compressed data is cut off");
    EXPECT_LE(plain.error().offset, size);
  }
}

// parity 147: decompress limit
TEST(Lzw, DecompressedSizeIsLimited) {
  const Bytes plain(5'000'000);
  const Bytes bomb = packed(plain);
  EXPECT_LT(bomb.size(), plain.size() / 100);
  EXPECT_TRUE(unpack(bomb, plain.size()));
  for (const std::size_t limit : {std::size_t{0}, std::size_t{1000}, plain.size() - 1}) {
    Bytes out;
    const auto done = lzw_decode(bomb, out, limit);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, WireErrorKind::limit);
    EXPECT_LE(out.capacity(), std::max<std::size_t>(2 * limit, 8192)) << "memory over the limit";
  }
}

TEST(Lzw, IntoAFixedBuffer) {
  const Bytes plain = noise(1000, 4);
  const Bytes compressed = packed(plain);
  for (const std::size_t room : {1000U, 1001U, 1007U, 1008U, 5000U}) {
    Bytes out(room);
    const auto size = lzw_decode_into(compressed, out);
    ASSERT_TRUE(size) << size.error().to_string();
    EXPECT_EQ(*size, plain.size());
    EXPECT_EQ(Bytes(out.begin(), out.begin() + 1000), plain);
  }
  for (const std::size_t room : {0U, 1U, 500U, 999U}) {
    Bytes out(room);
    const auto size = lzw_decode_into(compressed, out);
    ASSERT_FALSE(size);
    EXPECT_EQ(size.error().kind, WireErrorKind::limit);
  }
}

// An encoder may go on with a full table instead of clearing it.
TEST(Lzw, DecodesWithAFullTable) {
  Bytes bytes;
  std::uint64_t bits = 0;
  unsigned count = 0;
  unsigned width = 9;
  const auto put = [&](std::uint32_t code) {
    bits |= std::uint64_t{code} << count;
    for (count += width; count >= 8; count -= 8, bits >>= 8) {
      bytes.push_back(static_cast<std::byte>(bits));
    }
  };
  Bytes expected;
  for (std::uint32_t i = 0; i < 6000; ++i) {
    put(i % 256);
    expected.push_back(static_cast<std::byte>(i % 256));
    if (258 + i >= (1U << width) && width < 12) ++width;
  }
  put(kEnd);
  bytes.push_back(static_cast<std::byte>(bits));
  const auto plain = unpack(bytes);
  ASSERT_TRUE(plain) << plain.error().to_string();
  EXPECT_EQ(*plain, expected);
}

TEST(Lzw, RandomBytesNeitherCrashNorGoOverTheLimit) {
  for (std::uint32_t seed = 0; seed < 2000; ++seed) {
    Bytes bytes = noise(200, 256);
    for (std::byte& byte : bytes) byte ^= static_cast<std::byte>(seed * 2654435761U >> (seed % 24));
    Bytes out;
    (void)lzw_decode(bytes, out, 1000);
    EXPECT_LE(out.size(), 1000U);
  }
}

}  // namespace
}  // namespace memberlist::wire
