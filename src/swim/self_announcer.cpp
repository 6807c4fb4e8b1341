#include "swim/self_announcer.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "swim/alive_message.hpp"
#include "swim/incarnation.hpp"

namespace memberlist::swim {
namespace {

/// Whether this node has not reached its goal yet, which is at most the furthest newer number.
bool is_ahead(std::uint32_t goal, std::uint32_t own) noexcept {
  constexpr std::uint32_t kFurthest = (std::uint32_t{1} << 31) + 1;
  return goal != own && goal - own <= kFurthest;
}

}  // namespace

void SelfAnnouncer::appear(std::shared_ptr<const MemberRecord> record) {
  cluster_.self = cluster_.table.insert(std::move(record), clock_.now, node_.random);
  cluster_.table.set_incarnation(cluster_.self, 1);
  cluster_.table.set_status(cluster_.self, MemberStatus::alive, clock_.now);
  news_.emit(MemberEventKind::join, cluster_.self, {});
  broadcast_self(0);
}

void SelfAnnouncer::announce_leave(BroadcastToken token) {
  const MemberEntry& self = cluster_.self_entry();
  const std::string& name = self.record->name;
  take_leave();
  news_.broadcast(cluster_.self, wire::Dead{self.incarnation, name, name}, token);
}

void SelfAnnouncer::leave_silently() {
  take_leave();
  queues_.member_broadcasts.forget_member(cluster_.self);
}

void SelfAnnouncer::announce_update(std::shared_ptr<const MemberRecord> record,
                                    BroadcastToken token) {
  const bool changed = as_text(record->meta) != as_text(cluster_.self_entry().record->meta);
  announce(std::move(record), token);
  if (changed) news_.emit(MemberEventKind::update, cluster_.self, {});
}

void SelfAnnouncer::announce_return(std::shared_ptr<const MemberRecord> record,
                                    BroadcastToken token) {
  take_leave();  // it has, unless nobody had to be told
  cluster_.table.set_status(cluster_.self, MemberStatus::alive, clock_.now);
  announce(std::move(record), token);
  news_.emit(MemberEventKind::join, cluster_.self, {});
}

/// Reported once, however often it is announced: a move does so twice.
void SelfAnnouncer::take_leave() {
  if (cluster_.self_entry().status == MemberStatus::left) return;
  cluster_.table.set_status(cluster_.self, MemberStatus::left, clock_.now);
  news_.emit(MemberEventKind::leave, cluster_.self, {});
}

void SelfAnnouncer::announce(std::shared_ptr<const MemberRecord> record, BroadcastToken token) {
  cluster_.table.replace_record(cluster_.self, std::move(record));
  cluster_.table.set_incarnation(cluster_.self, cluster_.self_entry().incarnation + 1);
  broadcast_self(token);
}

/// Own incarnation above the accused one (protocol 6, refute).
void SelfAnnouncer::refute(std::uint32_t accused_incarnation) {
  if (node_.life == Life::left) return;
  const std::uint32_t own = cluster_.self_entry().incarnation;
  const std::uint32_t base = is_newer(accused_incarnation, own) ? accused_incarnation : own;
  step_towards(base + 1);
  ++journal_.counters.refutations;
  health_.add(1);
  broadcast_self(0);
}

/// Several far accusations in a row would carry this node so far from what others have received
/// that they would treat its answer as old. So it goes one step, and the next one once all have
/// received it.
void SelfAnnouncer::step_towards(std::uint32_t goal) {
  constexpr std::uint32_t kNoJump = 1024;  // so short that it does not restart the wait
  const std::uint32_t own = cluster_.self_entry().incarnation;
  const bool all_heard = clock_.now >= heard_at_;
  if (all_heard) heard_incarnation_ = own;
  std::uint32_t distance = goal - own;
  if (goal_ && is_ahead(*goal_, own)) distance = std::max(distance, *goal_ - own);
  const std::uint32_t gone = std::min(own - heard_incarnation_, kLongestStep);
  const std::uint32_t step = std::min(distance, std::max(1U, kLongestStep - gone));
  cluster_.table.set_incarnation(cluster_.self, own + step);
  if (all_heard || step > kNoJump) heard_at_ = clock_.now + cluster_.spreading_time();
  goal_.reset();
  if (step == distance) return;
  goal_ = own + distance;
  plan_step();
}

void SelfAnnouncer::plan_step() {
  if (std::exchange(step_planned_, true)) return;
  clock_.timers.schedule(heard_at_, {TimerEvent::Kind::refutation, 0});
}

void SelfAnnouncer::go_on_refuting() {
  step_planned_ = false;
  if (!goal_) return;
  if (clock_.now < heard_at_) return plan_step();
  const std::uint32_t goal = *goal_;
  goal_.reset();
  const bool reached = !is_ahead(goal, cluster_.self_entry().incarnation);
  if (reached || node_.life != Life::here) return;
  step_towards(goal);
  broadcast_self(0);
}

void SelfAnnouncer::broadcast_self(BroadcastToken token) {
  news_.broadcast(cluster_.self, AliveMessage(cluster_.self_entry()).get(), token);
}

}  // namespace memberlist::swim
