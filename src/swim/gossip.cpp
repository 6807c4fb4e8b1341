#include "swim/gossip.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace memberlist::swim {
namespace {

// Only who sends a user message passes it on, so all members are its targets: they have heard it
// twice after about this many ticks, however many they are.
constexpr std::size_t kUserMessageTicks = 64;

}  // namespace

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
  const bool user_messages = !context_.user_broadcasts.empty();
  if (!user_messages && context_.member_broadcasts.empty() && context_.policy == nullptr) return;

  std::size_t count = context_.config.gossip_nodes;
  if (user_messages) count = std::max(count, 2 * context_.table.live_count() / kUserMessageTicks);
  for (std::size_t sent = 0; sent < count; ++sent) {
    const MemberIndex target = next_target();
    if (target == kNoMember) return;
    packets_.send_broadcasts(context_.table.at(target).record->address);
  }
}

/// Goes through everybody in a random order before anybody is taken again: what is sent k times
/// reaches k members, and a user message sent often enough reaches all.
MemberIndex Gossiper::next_target() {
  for (int pass = 0; pass < 2; ++pass) {
    while (!upcoming_.empty()) {
      const MemberIndex candidate = upcoming_.back();
      upcoming_.pop_back();
      if (wanted(candidate)) return candidate;
    }
    if (pass == 1) break;
    upcoming_ = context_.table.probe_list();
    context_.random.shuffle(std::span(upcoming_));
  }
  return kNoMember;
}

bool Gossiper::wanted(MemberIndex index) const {
  const MemberEntry& entry = context_.table.at(index);
  if (entry.record == nullptr || index == context_.self) return false;
  if (entry.status == MemberStatus::left) return false;
  return entry.status != MemberStatus::dead ||
         context_.now - entry.since <= context_.config.gossip_to_the_dead_time;
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
