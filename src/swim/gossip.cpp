#include "swim/gossip.hpp"

#include <fmt/format.h>

namespace memberlist::swim {

void Gossiper::start() {
  const Duration interval = context_.config.gossip_interval;
  if (interval > Duration::zero() && context_.config.gossip_nodes > 0) {
    context_.timers.schedule(context_.now + context_.random.below(interval),
                             {TimerEvent::Kind::gossip_tick, 0});
  }
  const Duration check = context_.config.queue_check_interval;
  if (check > Duration::zero()) {
    context_.timers.schedule(context_.now + check, {TimerEvent::Kind::queue_check, 0});
  }
}

void Gossiper::tick() {
  round();
  context_.timers.schedule(context_.now + context_.config.gossip_interval,
                           {TimerEvent::Kind::gossip_tick, 0});
}

void Gossiper::round() {
  const bool nothing_queued =
      context_.member_broadcasts.empty() && context_.user_broadcasts.empty();
  if (nothing_queued && context_.policy == nullptr) return;

  const auto wanted = [this](const MemberEntry& entry) {
    if (&entry == &context_.self_entry() || entry.status == MemberStatus::left) return false;
    return entry.status != MemberStatus::dead ||
           context_.now - entry.since <= context_.config.gossip_to_the_dead_time;
  };
  targets_.clear();
  context_.table.pick_random(context_.config.gossip_nodes, context_.random, wanted, targets_);
  for (const MemberIndex target : targets_) {
    packets_.send_broadcasts(context_.table.at(target).record->address);
  }
}

void Gossiper::check_queues() {
  context_.out.log(
      LogLevel::debug,
      fmt::format("queued for gossip: {} messages about members ({} bytes), {} of "
                  "users ({} bytes)",
                  context_.member_broadcasts.size(), context_.member_broadcasts.bytes(),
                  context_.user_broadcasts.size(), context_.user_broadcasts.bytes()));
  context_.timers.schedule(context_.now + context_.config.queue_check_interval,
                           {TimerEvent::Kind::queue_check, 0});
}

}  // namespace memberlist::swim
