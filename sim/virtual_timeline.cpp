#include "sim/virtual_timeline.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace memberlist::sim {

TimerHandle VirtualTimeline::at(TimePoint when, Action action) {
  return heap_.schedule(std::max(when, now_), std::move(action));
}

bool VirtualTimeline::reschedule(TimerHandle planned, TimePoint when) {
  return heap_.reschedule(planned, std::max(when, now_));
}

bool VirtualTimeline::step(TimePoint end) {
  const TimePoint next = heap_.next();
  std::optional<Action> action = heap_.pop_due(end);
  if (!action) return false;
  now_ = next;
  ++steps_;
  (*action)();
  return true;
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
