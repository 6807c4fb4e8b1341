#include "sim/virtual_timeline.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace memberlist::sim {

TimerHandle VirtualTimeline::at(TimePoint when, Action action, BytesView memory) {
  return heap_.schedule(std::max(when, now_), {std::move(action), memory});
}

bool VirtualTimeline::reschedule(TimerHandle planned, TimePoint when) {
  return heap_.reschedule(planned, std::max(when, now_));
}

bool VirtualTimeline::step(TimePoint end) {
  const TimePoint next = heap_.next();
  std::optional<Planned> planned = heap_.pop_due(end);
  if (!planned) return false;
  now_ = next;
  ++steps_;
  fetch_next();
  planned->action();
  return true;
}

/// A thousand engines are more than the caches hold, and most of the time of an idle one is spent
/// on waiting for its memory.
void VirtualTimeline::fetch_next() const {
  constexpr std::size_t kCacheLine = 64;
  const Planned* const next = heap_.next_payload();
  if (next == nullptr) return;
  for (std::size_t at = 0; at < next->memory.size(); at += kCacheLine) {
    __builtin_prefetch(next->memory.data() + at);
  }
}

void VirtualTimeline::run_until(TimePoint end) {
  while (step(end)) {
  }
  now_ = std::max(now_, end);
}

bool VirtualTimeline::run_until(const std::function<bool()>& done, Duration limit) {
  const TimePoint end = now_ + limit;
  if (done()) return true;
  while (step(end)) {
    if (done()) return true;
  }
  now_ = std::max(now_, end);
  return false;
}

}  // namespace memberlist::sim
