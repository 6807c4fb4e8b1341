#include "swim/gossip.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "swim/metrics.hpp"

namespace memberlist::swim {
namespace {

// Only the sender of a user message transmits it, so all members are its targets: each has been
// sent it twice after about this many ticks, whatever the cluster size.
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
  if (context_.metrics && context_.stopwatch) {
    const TimePoint began = context_.stopwatch();
    round();
    note_time(context_, metric::kGossip, context_.stopwatch() - began);
  } else {
    round();
  }
  context_.timers.schedule(context_.now + context_.config.gossip_interval,
                           {TimerEvent::Kind::gossip_tick, 0});
}

void Gossiper::round() {
  if (!context_.member_broadcasts.empty() || context_.policy != nullptr) gossip_about_members();
  if (!context_.user_broadcasts.empty()) gossip_user_messages();
}

void Gossiper::gossip_about_members() {
  const std::size_t count = context_.config.gossip_nodes;
  const std::size_t alive = count - std::min<std::size_t>(count, 1);
  targets_.clear();
  context_.table.pick_random(
      alive, context_.random,
      [this](const MemberEntry& entry) {
        return entry.status == MemberStatus::alive && wanted(entry);
      },
      targets_);
  context_.table.pick_random(
      count - targets_.size(), context_.random,
      [this](const MemberEntry& entry) {
        return wanted(entry) && std::ranges::none_of(targets_, [&](MemberIndex target) {
                 return &context_.table.at(target) == &entry;
               });
      },
      targets_);
  packets_.send_member_broadcasts(targets_);
}

/// Goes through all members in random order before any is chosen again, in separate packets: a
/// message that is sent often enough reaches all, and updates about members cannot crowd it out.
void Gossiper::gossip_user_messages() {
  const std::size_t live = context_.table.live_count();
  const std::size_t count =
      std::max<std::size_t>(context_.config.gossip_nodes, 2 * live / kUserMessageTicks);
  if (upcoming_.empty()) {
    upcoming_ = context_.table.probe_list();
    context_.random.shuffle(std::span(upcoming_));
  }
  for (std::size_t sent = 0; sent < count && !upcoming_.empty(); upcoming_.pop_back()) {
    const MemberEntry& entry = context_.table.at(upcoming_.back());
    if (entry.record == nullptr || !wanted(entry)) continue;
    packets_.send_user_broadcasts(entry.record->address);
    ++sent;
  }
}

bool Gossiper::wanted(const MemberEntry& entry) const {
  if (&entry == &context_.self_entry() || entry.status == MemberStatus::left) return false;
  return entry.status != MemberStatus::dead ||
         context_.now - entry.since <= context_.config.gossip_to_the_dead_time;
}

void Gossiper::check_queues() {
  note_sample(context_, metric::kQueueBroadcasts,
              context_.member_broadcasts.size() + context_.user_broadcasts.size());
  context_.out.log(
      LogLevel::debug,
      fmt::format("queued for gossip: {} messages about members ({} bytes), {} of "
                  "users ({} bytes)",
                  context_.member_broadcasts.size(), context_.member_broadcasts.bytes(),
                  context_.user_broadcasts.size(), context_.user_broadcasts.bytes()),
      {},
      {{"member_messages", std::to_string(context_.member_broadcasts.size())},
       {"member_bytes", std::to_string(context_.member_broadcasts.bytes())},
       {"user_messages", std::to_string(context_.user_broadcasts.size())},
       {"user_bytes", std::to_string(context_.user_broadcasts.bytes())}});
  context_.timers.schedule(context_.now + context_.config.queue_check_interval,
                           {TimerEvent::Kind::queue_check, 0});
}

}  // namespace memberlist::swim
