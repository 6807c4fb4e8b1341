#include "swim/scaling.hpp"

#include <algorithm>
#include <bit>
#include <chrono>

namespace memberlist::swim {
namespace {

// The C library's logarithms may differ in the last bit from one machine to another, and the same
// inputs have to give the same outputs on all of them: so they are made of integers here.
constexpr int kFraction = 40;  // bits after the binary point

__extension__ using Wide = unsigned __int128;

/// log2 of `value`, at least 1, with `kFraction` bits after the binary point, truncated.
std::uint64_t log2_fixed(std::uint64_t value) noexcept {
  const int whole = static_cast<int>(std::bit_width(value)) - 1;
  auto result = static_cast<std::uint64_t>(whole);
  // The rest is in [1, 2), with 63 bits after the binary point. Squaring doubles its logarithm.
  Wide mantissa = Wide{value} << (63 - whole);
  for (int i = 0; i < kFraction; ++i) {
    mantissa = mantissa * mantissa >> 63;
    const bool one = mantissa >> 64 != 0;
    if (one) mantissa >>= 1;
    result = result << 1 | std::uint64_t{one};
  }
  return result;
}

/// floor(1000 * log10(n)).
std::int64_t log10_per_mille(std::size_t n) noexcept {
  // Only where it is a power of ten is the value whole, so that what was cut off would matter.
  std::int64_t digits = 0;
  std::size_t power = 1;
  while (power <= n / 10) {
    power *= 10;
    ++digits;
  }
  if (power == n) return 1000 * digits;
  constexpr Wide kLog2Of10 = 3'652'498'566'964U;  // with kFraction bits
  return static_cast<std::int64_t>(Wide{log2_fixed(n)} * 1000 / kLog2Of10);
}

}  // namespace

std::uint32_t retransmit_limit(std::uint32_t mult, std::size_t n) noexcept {
  // ceil(log10(n + 1)) is the number of n's decimal digits, and none for 0.
  std::uint32_t digits = 0;
  for (; n > 0; n /= 10) ++digits;
  return mult * digits;
}

Duration spreading_time(std::uint32_t retransmit_mult, std::size_t n,
                        Duration gossip_interval) noexcept {
  return gossip_interval * std::max(1U, retransmit_limit(retransmit_mult, n));
}

Duration suspicion_min_timeout(std::uint32_t mult, std::size_t n,
                               Duration probe_interval) noexcept {
  const std::int64_t per_mille =
      std::max<std::int64_t>(1000, log10_per_mille(std::max<std::size_t>(n, 1)));
  return probe_interval * per_mille / 1000 * mult;
}

Duration suspicion_timeout(std::uint32_t confirmations, std::uint32_t k, Duration min,
                           Duration max) noexcept {
  if (k == 0 || confirmations >= k) return min;
  // The share is never too large, so that what is whole milliseconds stays that.
  const auto spread = static_cast<Wide>((max - min).count());
  const auto shorter = static_cast<Duration::rep>(spread * log2_fixed(confirmations + 1ULL) /
                                                  (log2_fixed(k + 1ULL) + 1));
  return std::max<Duration>(min,
                            std::chrono::floor<std::chrono::milliseconds>(max - Duration(shorter)));
}

Duration push_pull_interval(Duration base, std::size_t n) noexcept {
  constexpr std::size_t kUnscaledMembers = 32;
  if (n <= kUnscaledMembers) return base;
  // ceil(log2(n)) in integers.
  const auto doublings = static_cast<int>(std::bit_width(n - 1)) -
                         static_cast<int>(std::bit_width(kUnscaledMembers - 1));
  return base * (doublings + 1);
}

Duration tombstone_time(Duration push_pull_base, Duration probe_interval, std::size_t n) noexcept {
  constexpr Duration kLeast = std::chrono::hours(1);
  constexpr int kPushPulls = 10;
  constexpr std::int64_t kRounds = 2;
  return std::max({kLeast, kPushPulls * push_pull_interval(push_pull_base, n),
                   kRounds * static_cast<std::int64_t>(n) * probe_interval});
}

std::uint32_t expected_confirmations(std::uint32_t suspicion_mult, std::size_t n) noexcept {
  if (suspicion_mult <= 2 || n < suspicion_mult) return 0;
  return suspicion_mult - 2;
}

}  // namespace memberlist::swim
