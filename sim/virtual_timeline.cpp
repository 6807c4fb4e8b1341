#include "sim/virtual_timeline.hpp"

#include <algorithm>
#include <utility>

namespace memberlist::sim {

void VirtualTimeline::at(TimePoint when, Action action) {
  heap_.push_back({std::max(when, now_), next_sequence_++, std::move(action)});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

bool VirtualTimeline::due(TimePoint end) const noexcept {
  return !heap_.empty() && heap_.front().at <= end;
}

void VirtualTimeline::step() {
  std::pop_heap(heap_.begin(), heap_.end(), later);
  Planned next = std::move(heap_.back());
  heap_.pop_back();
  now_ = next.at;
  ++steps_;
  next.action();
}

void VirtualTimeline::run_until(TimePoint end) {
  while (due(end)) step();
  now_ = std::max(now_, end);
}

bool VirtualTimeline::run_until(const std::function<bool()>& done, Duration limit) {
  const TimePoint end = now_ + limit;
  if (done()) return true;
  while (due(end)) {
    step();
    if (done()) return true;
  }
  now_ = std::max(now_, end);
  return false;
}

}  // namespace memberlist::sim
