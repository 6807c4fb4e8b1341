#include "base/random.hpp"

#include <bit>

namespace memberlist {
namespace {

// Spreads a seed, also one such as 0 or 1, over the whole state (splitmix64).
std::uint64_t split_mix(std::uint64_t& state) noexcept {
  state += 0x9e3779b97f4a7c15U;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

}  // namespace

Random::Random(std::uint64_t seed) noexcept {
  for (std::uint64_t& word : state_) word = split_mix(seed);
}

std::uint64_t Random::next() noexcept {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Random::below(std::uint64_t bound) noexcept {
  if (bound == 0) return 0;
  // Numbers under 2^64 mod bound are drawn again: what is left divides evenly.
  const std::uint64_t uneven = (0 - bound) % bound;
  for (;;) {
    if (const std::uint64_t drawn = next(); drawn >= uneven) return drawn % bound;
  }
}

Duration Random::below(Duration bound) noexcept {
  if (bound <= Duration::zero()) return Duration::zero();
  const std::uint64_t drawn = below(static_cast<std::uint64_t>(bound.count()));
  return Duration(static_cast<Duration::rep>(drawn));
}

double Random::unit() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

}  // namespace memberlist
