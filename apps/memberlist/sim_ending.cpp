#include "sim_ending.hpp"

namespace memberlist::cli {

void DeathCount::take(sim::NodeId observer, Duration at, const MemberEvent& event) {
  if (event.kind != MemberEventKind::dead || event.self || event.member.name() != member_) return;
  if (!declared_.insert(observer).second) return;  // it did before
  if (!first_) first_ = at;
  last_ = at;
}

// Whether it declared it dead, or has no such member.
bool DeathCount::is_gone(const sim::World& world, sim::NodeId observer) const {
  if (declared_.contains(observer)) return true;
  const auto member = world.engine(observer).member(member_);
  return !member ||
         (member->status != MemberStatus::alive && member->status != MemberStatus::suspect);
}

Ending DeathCount::ending(const sim::World& world) const {
  Ending ending{.trace_hash = world.trace_hash(), .declared = declared_.size()};
  std::size_t gone = 0;
  for (sim::NodeId node = 0; node < world.size(); ++node) {
    if (!world.running(node) || world.name(node) == member_) continue;
    ++ending.others;
    gone += is_gone(world, node) ? 1 : 0;
  }
  ending.by_one = first_.has_value();
  ending.by_all = ending.by_one && gone == ending.others;
  if (first_) ending.first_dead_ns = first_->count();
  return ending;
}

}  // namespace memberlist::cli
