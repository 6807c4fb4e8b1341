#include "swim/tombstones.hpp"

#include <cassert>
#include <iterator>

namespace memberlist::swim {

Tombstones::Tombstones(const Tombstones& other)
    : max_count_(other.max_count_),
      by_age_(other.by_age_),
      by_name_(0, other.by_name_.hash_function()) {
  for (auto at = by_age_.begin(); at != by_age_.end(); ++at) by_name_.emplace(at->name, at);
}

void Tombstones::bury(std::string_view name, std::uint32_t incarnation, bool left, TimePoint now) {
  assert(find(name) == nullptr);
  assert(by_age_.empty() || by_age_.back().buried <= now);
  if (max_count_ == 0) return;
  if (by_age_.size() >= max_count_) remove_oldest();
  by_age_.push_back({std::string(name), incarnation, left, now});
  by_name_.emplace(by_age_.back().name, std::prev(by_age_.end()));
}

const Tombstone* Tombstones::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &*found->second;
}

void Tombstones::remove(std::string_view name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return;
  const auto tombstone = found->second;
  by_name_.erase(found);
  by_age_.erase(tombstone);
}

void Tombstones::forget_before(TimePoint cutoff) {
  while (!by_age_.empty() && by_age_.front().buried < cutoff) remove_oldest();
}

void Tombstones::remove_oldest() {
  by_name_.erase(by_age_.front().name);
  by_age_.pop_front();
}

}  // namespace memberlist::swim
