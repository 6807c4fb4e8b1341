#include "swim/push_pull_schedule.hpp"

#include <vector>

#include "swim/scaling.hpp"

namespace memberlist::swim {

void PushPullSchedule::start() {
  // Whom it knows from the start (EngineEnvironment::members), it has known for long.
  const Duration interval =
      swim::push_pull_interval(node_.config.push_pull_interval, cluster_.counted());
  if (interval <= Duration::zero()) return;
  timer_ = clock_.timers.schedule(clock_.now + node_.random.below(interval),
                                  {TimerEvent::Kind::push_pull_tick, 0});
}

void PushPullSchedule::tick() {
  plan();
  with_anybody();
}

void PushPullSchedule::plan() {
  const Duration interval =
      swim::push_pull_interval(node_.config.push_pull_interval, cluster_.counted());
  clock_.timers.cancel(timer_);
  timer_ = clock_.timers.schedule(clock_.now + interval, {TimerEvent::Kind::push_pull_tick, 0});
}

void PushPullSchedule::after_stall() {
  const Duration interval = node_.config.push_pull_interval;
  if (interval <= Duration::zero()) return;
  if (asked_after_stall_ && clock_.now - *asked_after_stall_ < interval) return;
  asked_after_stall_ = clock_.now;
  tick();
}

/// Members that joined a moment later are known here by gossip only, and gossip occasionally misses
/// one (docs/differences.md). A random time and a random member: where many have joined at once,
/// they do not all ask the same one at the same time.
void PushPullSchedule::plan_after_join() {
  if (!node_.behaviour.push_pull_after_join) return;
  if (planned_after_join_ || node_.config.push_pull_interval <= Duration::zero()) return;
  planned_after_join_ = true;
  const Duration spread = cluster_.spreading_time();
  clock_.timers.schedule(clock_.now + spread + node_.random.below(spread),
                         {TimerEvent::Kind::push_pull_after_join, 0});
}

void PushPullSchedule::after_join() {
  constexpr std::size_t kNothingToAsk = 2;  // with two members there is no other to learn of
  planned_after_join_ = false;
  if (cluster_.table.live_count() > kNothingToAsk) with_anybody();
}

void PushPullSchedule::with_anybody() {
  if (node_.life == Life::left) return;
  std::vector<MemberIndex> target;
  const auto wanted = [this](const MemberEntry& entry) {
    return entry.status == MemberStatus::alive && &entry != &cluster_.self_entry();
  };
  // Members that are likely to be up, because an attempt with a dead one costs the whole interval.
  cluster_.table.pick_random(
      1, node_.random,
      [&](const MemberEntry& entry) { return wanted(entry) && cluster_.established(entry); },
      target);
  if (target.empty()) cluster_.table.pick_random(1, node_.random, wanted, target);
  if (!target.empty()) streams_.dial_push_pull(cluster_.table.at(target[0]).record->address, false);
}

}  // namespace memberlist::swim
