#include "swim/scaling.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>

namespace memberlist::swim {

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
  const double scale = std::max(1.0, std::log10(std::max(1.0, static_cast<double>(n))));
  const auto per_mille = static_cast<std::int64_t>(scale * 1000.0);
  return probe_interval * per_mille / 1000 * mult;
}

Duration suspicion_timeout(std::uint32_t confirmations, std::uint32_t k, Duration min,
                           Duration max) noexcept {
  if (k == 0 || confirmations >= k) return min;
  const double share =
      std::log(static_cast<double>(confirmations) + 1.0) / std::log(static_cast<double>(k) + 1.0);
  const auto max_ns = static_cast<double>(max.count());
  const auto spread_ns = static_cast<double>((max - min).count());
  const auto exact = Duration(static_cast<std::int64_t>(max_ns - share * spread_ns));
  return std::max<Duration>(min, std::chrono::floor<std::chrono::milliseconds>(exact));
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
