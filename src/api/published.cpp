#include "api/published.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "base/limits.hpp"

namespace memberlist::api {

void Published::publish(Engine& engine, std::uint64_t packets_dropped) {
  std::vector<MemberChange> changes = engine.take_member_changes();
  std::vector<KeyInfo> keys = engine.keys();
  Member self = engine.local_member();
  EngineCounters counters = engine.counters();
  counters.send_errors += packets_dropped;
  bool many = false;
  {
    const std::lock_guard lock(latest_);
    changes_.insert(changes_.end(), std::make_move_iterator(changes.begin()),
                    std::make_move_iterator(changes.end()));
    many = changes_.size() > limits::kUnseenMemberChanges;
    std::swap(keys_, keys);
    std::swap(self_, self);
    counters_ = counters;
  }
  if (!many) return;
  // Where a reader holds it, it takes the changes, or has taken others just now.
  const std::unique_lock merging(merging_, std::try_to_lock);
  if (merging) merge();
}

void Published::merge() const {
  std::vector<MemberChange> changes;
  {
    const auto lock = hold(latest_);
    if (lock) changes.swap(changes_);
  }
  if (!changes.empty()) members_ = members_.with(std::move(changes));
}

MemberSnapshot Published::members() const {
  const auto merging = hold(merging_);
  if (!merging) return {};
  merge();
  return members_;
}

Member Published::self() const {
  const auto lock = hold(latest_);
  if (lock) return self_;
  Member nobody;
  nobody.record = std::make_shared<const MemberRecord>();
  return nobody;
}

EngineCounters Published::counters() const {
  const auto lock = hold(latest_);
  return lock ? counters_ : EngineCounters{};
}

std::vector<KeyInfo> Published::keys() const {
  const auto lock = hold(latest_);
  return lock ? keys_ : std::vector<KeyInfo>();
}

}  // namespace memberlist::api
