#include "swim/work_accounts.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <span>

#include "base/limits.hpp"

namespace memberlist::swim {
namespace {

constexpr auto kPerSecond = static_cast<std::int64_t>(limits::kSourceWorkBytesPerSecond);
constexpr std::size_t kNetworkBytes = 8;  // a /64

// The time in which this many bytes of work are paid back.
Duration time_of(std::size_t bytes) {
  constexpr std::int64_t kMost = std::int64_t{1} << 32;
  const auto count = std::min(static_cast<std::int64_t>(bytes), kMost);
  return std::chrono::duration_cast<Duration>(std::chrono::seconds(1)) * count / kPerSecond;
}

}  // namespace

IpAddress source_of(const IpAddress& ip) {
  if (ip.is_v4()) return ip;
  std::array<std::byte, 16> bytes{};
  std::ranges::transform(std::span(ip.bytes()).first(kNetworkBytes), bytes.begin(),
                         [](std::uint8_t byte) { return std::byte{byte}; });
  IpAddress network = IpAddress::from_bytes(bytes).value_or(ip);
  network.set_scope_id(ip.scope_id());
  return network;
}

std::size_t WorkAccounts::left(const IpAddress& ip, TimePoint now) const {
  const auto found = paid_back_.find(source_of(ip));
  if (found == paid_back_.end() || found->second <= now) return limits::kSourceWorkBytes;
  const Duration owed = found->second - now;
  const Duration most = time_of(limits::kSourceWorkBytes);
  if (owed >= most) return 0;
  return static_cast<std::size_t>(
      static_cast<double>(limits::kSourceWorkBytes) *
      (static_cast<double>((most - owed).count()) / static_cast<double>(most.count())));
}

void WorkAccounts::charge(const IpAddress& ip, std::size_t bytes, TimePoint now) {
  const Duration time = time_of(bytes);
  if (time <= Duration::zero()) return;
  make_room(now);
  const auto [account, is_new] = paid_back_.try_emplace(source_of(ip), now);
  if (!is_new) by_moment_.erase({account->second, account->first});
  account->second = std::max(account->second, now) + time;
  by_moment_.emplace(account->second, account->first);
}

void WorkAccounts::make_room(TimePoint now) {
  while (!by_moment_.empty() &&
         (by_moment_.begin()->first <= now || by_moment_.size() >= limits::kWorkingSources)) {
    paid_back_.erase(by_moment_.begin()->second);
    by_moment_.erase(by_moment_.begin());
  }
}

}  // namespace memberlist::swim
