#include "swim/suspicion.hpp"

#include <algorithm>

#include "swim/scaling.hpp"

namespace memberlist::swim {

Suspicion::Suspicion(TimePoint start, std::string_view accuser, std::uint32_t k, Duration min,
                     Duration max, std::uint64_t input)
    : start_(start), min_(min), max_(max), forgivable_(max - min), k_(k), input_(input) {
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

void Suspicion::forgive(TimePoint now, Duration stood_still, Duration least) noexcept {
  Duration by = std::max(stood_still, now + least - deadline());
  if (forgiven_) {
    by = std::min(stood_still, forgivable_);
    forgivable_ -= by;
  }
  forgiven_ = true;
  start_ += by;
}

TimePoint Suspicion::deadline() const noexcept {
  return start_ + suspicion_timeout(confirmations(), k_, min_, max_);
}

bool Suspicion::accused_by(std::string_view name) const noexcept {
  return std::ranges::find(accusers_, name) != accusers_.end();
}

bool Suspicion::accused_by_others(std::string_view self) const noexcept {
  return std::ranges::any_of(accusers_, [self](const std::string& accuser) {
    return !accuser.empty() && accuser != self;
  });
}

std::uint32_t Suspicion::confirmations() const noexcept {
  return static_cast<std::uint32_t>(accusers_.size() - 1);
}

}  // namespace memberlist::swim
