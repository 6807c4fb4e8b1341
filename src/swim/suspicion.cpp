#include "swim/suspicion.hpp"

#include <algorithm>

#include "swim/scaling.hpp"

namespace memberlist::swim {

Suspicion::Suspicion(TimePoint start, std::string_view accuser, std::uint32_t k, Duration min,
                     Duration max)
    : start_(start), min_(min), max_(max), k_(k) {
  accusers_.emplace_back(accuser);
}

bool Suspicion::confirm(std::string_view from) {
  if (from.empty()) return false;
  if (accusers_.front().empty()) {
    accusers_.front() = from;
    return true;
  }
  if (confirmations() >= k_ || std::ranges::find(accusers_, from) != accusers_.end()) return false;
  accusers_.emplace_back(from);
  return true;
}

TimePoint Suspicion::deadline() const noexcept {
  return start_ + suspicion_timeout(confirmations(), k_, min_, max_);
}

std::uint32_t Suspicion::confirmations() const noexcept {
  return static_cast<std::uint32_t>(accusers_.size() - 1);
}

}  // namespace memberlist::swim
