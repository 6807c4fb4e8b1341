#include "wire/crc32.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace memberlist::wire {
namespace {

constexpr std::uint32_t kPolynomial = 0xedb88320U;

// --- by tables, eight bytes a step ---------------------------------------------------------------

constexpr std::size_t kSlices = 8;
using Tables = std::array<std::array<std::uint32_t, 256>, kSlices>;

constexpr std::uint32_t times_x(std::uint32_t value) {
  return (value >> 1) ^ ((value & 1) != 0 ? kPolynomial : 0U);
}

// tables[k][b]: the contribution of byte b if k more bytes follow it in the same step.
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = times_x(crc);
    tables[0][byte] = crc;
  }
  for (std::size_t slice = 1; slice < kSlices; ++slice) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[slice - 1][byte];
      tables[slice][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

std::uint32_t little_endian(const std::byte* at) noexcept {
  std::uint32_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return std::endian::native == std::endian::little ? value : __builtin_bswap32(value);
}

// Goes on from `crc`, which is not inverted.
std::uint32_t by_tables(std::uint32_t crc, BytesView bytes) noexcept {
  const Tables& t = kTables;
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= kSlices; left -= kSlices, at += kSlices) {
    const std::uint32_t low = little_endian(at) ^ crc;
    const std::uint32_t high = little_endian(at + 4);
    crc = t[7][low & 0xff] ^ t[6][(low >> 8) & 0xff] ^ t[5][(low >> 16) & 0xff] ^ t[4][low >> 24] ^
          t[3][high & 0xff] ^ t[2][(high >> 8) & 0xff] ^ t[1][(high >> 16) & 0xff] ^
          t[0][high >> 24];
  }
  for (; left > 0; --left, ++at) {
    crc = (crc >> 8) ^ t[0][(crc ^ std::to_integer<std::uint32_t>(*at)) & 0xff];
  }
  return crc;
}

// --- by carry-less multiplication, 64 bytes a step -----------------------------------------------

#if defined(__x86_64__)

// The bytes are a polynomial over GF(2), reflected: the first bit is the one of the highest power.
// A block of 16 bytes that is followed by n more bits is worth as much, modulo the polynomial of
// the CRC, as its two halves, each multiplied by the remainder of a fixed power of x, and added to
// the 16 bytes that come n bits later (Gopal et al., "Fast CRC Computation for Generic Polynomials
// Using PCLMULQDQ Instruction", Intel 2009). So long input is folded to 16 bytes, whose CRC, by the
// tables, is that of all.

// The remainder of x^power, reflected, as a factor: a product of reflected numbers is one bit
// short.
constexpr std::uint64_t remainder_of_power(unsigned power) {
  std::uint32_t remainder = 0x80000000U;  // x^0
  for (unsigned i = 0; i < power; ++i) remainder = times_x(remainder);
  return std::uint64_t{remainder} << 1;
}

// What the halves of a block are multiplied by to be moved by so many bits: the first half is worth
// 64 bits more than the second, and each factor has 32 bits of its own.
constexpr std::uint64_t first_factor(unsigned bits) { return remainder_of_power(bits + 32); }
constexpr std::uint64_t second_factor(unsigned bits) { return remainder_of_power(bits - 32); }
// As in the paper.
static_assert(first_factor(512) == 0x154442bd4 && second_factor(512) == 0x1c6e41596);
static_assert(first_factor(128) == 0x1751997d0 && second_factor(128) == 0x0ccaa009e);

constexpr std::size_t kBlockBytes = 16;
constexpr std::size_t kLanes = 4;  // blocks that are folded side by side
constexpr std::size_t kStepBytes = kLanes * kBlockBytes;

struct Lane {
  __m128i block;
};

[[gnu::target("pclmul")]] __m128i load(const std::byte* at) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}

[[gnu::target("pclmul")]] __m128i fold(__m128i block, __m128i factors, __m128i onto) noexcept {
  const __m128i first = _mm_clmulepi64_si128(block, factors, 0x00);
  const __m128i second = _mm_clmulepi64_si128(block, factors, 0x11);
  return _mm_xor_si128(_mm_xor_si128(first, second), onto);
}

[[gnu::target("pclmul")]] __m128i factors_for(std::uint64_t first, std::uint64_t second) noexcept {
  return _mm_set_epi64x(static_cast<long long>(second), static_cast<long long>(first));
}

// Precondition: there are at least kStepBytes.
[[gnu::target("pclmul")]] std::uint32_t by_folding(std::uint32_t crc, BytesView bytes) noexcept {
  constexpr unsigned kStepBits = 8 * kStepBytes;
  constexpr unsigned kBlockBits = 8 * kBlockBytes;
  constexpr std::uint64_t kStepFirst = first_factor(kStepBits);
  constexpr std::uint64_t kStepSecond = second_factor(kStepBits);
  constexpr std::uint64_t kBlockFirst = first_factor(kBlockBits);
  constexpr std::uint64_t kBlockSecond = second_factor(kBlockBits);
  const std::byte* at = bytes.data();
  std::array<Lane, kLanes> lanes;
  for (std::size_t i = 0; i < kLanes; ++i) lanes[i].block = load(at + i * kBlockBytes);
  lanes[0].block = _mm_xor_si128(lanes[0].block, _mm_cvtsi32_si128(static_cast<int>(crc)));
  std::size_t left = bytes.size() - kStepBytes;
  at += kStepBytes;
  const __m128i by_step = factors_for(kStepFirst, kStepSecond);
  for (; left >= kStepBytes; left -= kStepBytes, at += kStepBytes) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      lanes[i].block = fold(lanes[i].block, by_step, load(at + i * kBlockBytes));
    }
  }
  const __m128i by_block = factors_for(kBlockFirst, kBlockSecond);
  __m128i folded = lanes[0].block;
  for (std::size_t i = 1; i < kLanes; ++i) folded = fold(folded, by_block, lanes[i].block);
  for (; left >= kBlockBytes; left -= kBlockBytes, at += kBlockBytes) {
    folded = fold(folded, by_block, load(at));
  }
  std::array<std::byte, kBlockBytes> last;
  _mm_storeu_si128(reinterpret_cast<__m128i*>(last.data()), folded);
  return by_tables(by_tables(0, last), {at, left});
}

bool folds() noexcept {
  static const bool can = __builtin_cpu_supports("pclmul") != 0;
  return can;
}

#endif

}  // namespace

std::uint32_t crc32(BytesView bytes) noexcept {
#if defined(__x86_64__)
  if (bytes.size() >= kStepBytes && folds()) return ~by_folding(~0U, bytes);
#endif
  return ~by_tables(~0U, bytes);
}

}  // namespace memberlist::wire
