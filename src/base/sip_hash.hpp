#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "memberlist/bytes.hpp"

namespace memberlist {

/// The secret of a keyed hash.
struct SipKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

namespace sip {

inline constexpr std::size_t kWord = sizeof(std::uint64_t);

inline std::uint64_t little_endian(const std::byte* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, kWord);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

// The bytes after the whole words, and the length in the highest byte.
inline std::uint64_t last_word(BytesView bytes) noexcept {
  const std::size_t left = bytes.size() % kWord;
  std::uint64_t word = std::uint64_t{bytes.size()} << 56;
  if (left != 0 && bytes.size() > kWord) {  // in one read, which overlaps the last word
    return word | little_endian(bytes.data() + bytes.size() - kWord) >> (8 * (kWord - left));
  }
  for (std::size_t i = bytes.size() - left; i < bytes.size(); ++i) {
    word |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * (i % kWord));
  }
  return word;
}

class State {
 public:
  explicit State(const SipKey& key) noexcept
      : v0_(key.low ^ 0x736f6d6570736575U),
        v1_(key.high ^ 0x646f72616e646f6dU),
        v2_(key.low ^ 0x6c7967656e657261U),
        v3_(key.high ^ 0x7465646279746573U) {}

  template <int kRounds>
  void take(std::uint64_t word) noexcept {
    v3_ ^= word;
    rounds<kRounds>();
    v0_ ^= word;
  }
  template <int kRounds>
  [[nodiscard]] std::uint64_t finish() noexcept {
    v2_ ^= 0xff;
    rounds<kRounds>();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  template <int kRounds>
  void rounds() noexcept {
    for (int i = 0; i < kRounds; ++i) {
      v0_ += v1_;
      v1_ = std::rotl(v1_, 13) ^ v0_;
      v0_ = std::rotl(v0_, 32);
      v2_ += v3_;
      v3_ = std::rotl(v3_, 16) ^ v2_;
      v0_ += v3_;
      v3_ = std::rotl(v3_, 21) ^ v0_;
      v2_ += v1_;
      v1_ = std::rotl(v1_, 17) ^ v2_;
      v2_ = std::rotl(v2_, 32);
    }
  }

  std::uint64_t v0_;
  std::uint64_t v1_;
  std::uint64_t v2_;
  std::uint64_t v3_;
};

template <int kPerWord, int kAtTheEnd>
std::uint64_t hash(const SipKey& key, BytesView bytes) noexcept {
  State state(key);
  for (std::size_t at = 0; at + kWord <= bytes.size(); at += kWord) {
    state.take<kPerWord>(little_endian(bytes.data() + at));
  }
  state.take<kPerWord>(last_word(bytes));
  return state.finish<kAtTheEnd>();
}

}  // namespace sip

/// SipHash (Aumasson, Bernstein, 2012): without the key, it is infeasible to predict the value of a
/// new input or to find two inputs with the same value, however many values are known.
[[nodiscard]] inline std::uint64_t sip_hash_2_4(const SipKey& key, BytesView bytes) noexcept {
  return sip::hash<2, 4>(key, bytes);
}

/// The same with fewer rounds, for hash tables, whose values are not visible. In the header,
/// because every message uses it.
[[nodiscard]] inline std::uint64_t sip_hash_1_3(const SipKey& key, BytesView bytes) noexcept {
  return sip::hash<1, 3>(key, bytes);
}

}  // namespace memberlist
