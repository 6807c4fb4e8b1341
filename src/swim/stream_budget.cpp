#include "swim/stream_budget.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace memberlist::swim {

StreamBudget::Verdict StreamBudget::admit(const IpAddress& source) {
  if (streams_ >= limits::kInboundStreams) return Verdict::too_many;
  Share& share = shares_[source_of(source)];
  if (share.streams >= limits::kInboundStreamsPerSource) return Verdict::too_many_from_source;
  ++share.streams;
  ++streams_;
  return Verdict::admitted;
}

void StreamBudget::closed(const IpAddress& source) {
  const auto found = shares_.find(source_of(source));
  --found->second.streams;
  --streams_;
  drop_if_empty(found);
}

bool StreamBudget::admit_push_pull(const IpAddress& source) {
  Share& share = shares_.find(source_of(source))->second;
  if (share.push_pulls >= limits::kPushPullsPerSource) return false;
  ++share.push_pulls;
  return true;
}

void StreamBudget::push_pull_closed(const IpAddress& source) {
  --shares_.find(source_of(source))->second.push_pulls;
}

void StreamBudget::hold(const IpAddress& peer, std::ptrdiff_t bytes) {
  const auto found = shares_.try_emplace(source_of(peer)).first;
  // Unsigned arithmetic wraps, so that adding what is below 0 takes away.
  found->second.bytes += static_cast<std::size_t>(bytes);
  bytes_ += static_cast<std::size_t>(bytes);
  drop_if_empty(found);
}

bool StreamBudget::over() const noexcept { return bytes_ > limits::kIncompleteStreamBytes; }

std::optional<IpAddress> StreamBudget::heaviest() const {
  const auto most = std::ranges::max_element(
      shares_, {}, [](const auto& address_and_share) { return address_and_share.second.bytes; });
  if (most == shares_.end() || most->second.bytes == 0) return std::nullopt;
  return most->first;
}

void StreamBudget::worked(const IpAddress& source, std::size_t received, std::size_t work_bytes,
                          TimePoint now) {
  const std::size_t paid = received * limits::kWorkPaidByByte;
  if (work_bytes > paid) accounts_.charge(source, work_bytes - paid, now);
}

void StreamBudget::drop_if_empty(std::map<IpAddress, Share>::iterator share) {
  if (share->second.streams == 0 && share->second.bytes == 0) shares_.erase(share);
}

TimePoint StreamPatience::end(Duration timeout) const {
  if (!first_byte) return opened + timeout / 2;
  if (received < limits::kStreamHeadBytes) {
    return std::min(opened + timeout, *first_byte + timeout / 2);
  }
  const Duration at_least_rate = std::chrono::duration_cast<Duration>(std::chrono::seconds(1)) *
                                 static_cast<std::int64_t>(received) /
                                 static_cast<std::int64_t>(limits::kLeastStreamBytesPerSecond);
  return opened + std::clamp<Duration>(at_least_rate, timeout, 4 * timeout);
}

}  // namespace memberlist::swim
