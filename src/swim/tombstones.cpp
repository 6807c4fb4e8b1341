#include "swim/tombstones.hpp"

#include <cassert>

namespace memberlist::swim {

void Tombstones::bury(std::string_view name, std::uint32_t incarnation, bool left, TimePoint now) {
  assert(find(name) == nullptr);
  assert(by_age_.empty() || by_age_.rbegin()->second.buried <= now);
  if (max_count_ == 0) return;
  if (by_age_.size() >= max_count_) remove_oldest();
  by_age_.emplace(++burials_, Tombstone{std::string(name), incarnation, left, now});
  by_name_.emplace(name, burials_);
}

const Tombstone* Tombstones::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &by_age_.at(found->second);
}

void Tombstones::remove(std::string_view name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return;
  by_age_.erase(found->second);
  by_name_.erase(found);
}

void Tombstones::forget_before(TimePoint cutoff) {
  while (!by_age_.empty() && by_age_.begin()->second.buried < cutoff) remove_oldest();
}

void Tombstones::remove_oldest() {
  by_name_.erase(by_age_.begin()->second.name);
  by_age_.erase(by_age_.begin());
}

}  // namespace memberlist::swim
