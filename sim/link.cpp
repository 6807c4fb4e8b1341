#include "memberlist/sim/link.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>
#include <utility>

namespace memberlist::sim {
namespace {

constexpr std::size_t kQuantiles = 1024;

/// The standard normal distribution's share below `x`.
double normal_share(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

/// Its inverse, by bisection: it is needed a thousand times for each table, and only then.
double normal_quantile(double share) {
  double low = -8;
  double high = 8;
  for (int step = 0; step < 50; ++step) {
    const double middle = (low + high) / 2;
    (normal_share(middle) < share ? low : high) = middle;
  }
  return low;
}

}  // namespace

LatencyTable::LatencyTable(std::vector<Duration> sorted)
    : quantiles_(std::make_shared<const std::vector<Duration>>(std::move(sorted))) {}

LatencyTable LatencyTable::log_normal(Duration median, double sigma) {
  assert(median > Duration::zero() && sigma >= 0 && sigma <= 3);
  std::vector<Duration> sorted;
  sorted.reserve(kQuantiles);
  for (std::size_t i = 0; i < kQuantiles; ++i) {
    const double share = (static_cast<double>(i) + 0.5) / static_cast<double>(kQuantiles);
    const double factor = std::exp(sigma * normal_quantile(share));
    // Whole microseconds: the last bits of a logarithm are not the same everywhere.
    const auto microseconds = std::chrono::duration<double, std::micro>(median) * factor;
    sorted.push_back(std::chrono::round<std::chrono::microseconds>(microseconds));
  }
  return LatencyTable(std::move(sorted));
}

LatencyTable LatencyTable::measured(std::span<const Duration> latencies) {
  assert(!latencies.empty());
  std::vector<Duration> sorted(latencies.begin(), latencies.end());
  std::ranges::sort(sorted);
  return LatencyTable(std::move(sorted));
}

Duration LatencyTable::at(double share) const noexcept {
  const std::size_t count = quantiles_->size();
  const auto index = static_cast<std::size_t>(share * static_cast<double>(count));
  return (*quantiles_)[std::min(index, count - 1)];
}

}  // namespace memberlist::sim
