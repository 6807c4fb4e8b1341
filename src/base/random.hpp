#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "memberlist/time.hpp"

namespace memberlist {

/// The protocol's source of choices: xoshiro256** seeded by splitmix64. The same seed gives the
/// same numbers with every compiler, which `<random>`'s distributions do not promise. Not secure.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept;

  [[nodiscard]] std::uint64_t next() noexcept;
  /// Uniform in [0, bound), without bias; 0 if bound is 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept;
  /// Uniform in [0, bound).
  [[nodiscard]] Duration below(Duration bound) noexcept;
  /// Uniform in [0, 1).
  [[nodiscard]] double unit() noexcept;

  /// Fisher-Yates.
  template <class T>
  void shuffle(std::span<T> items) noexcept {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  std::uint64_t state_[4];
};

}  // namespace memberlist
