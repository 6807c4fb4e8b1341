#include "swim/gossip.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace memberlist::swim {
namespace {

// Only the sender of a user message transmits it, so all members are its targets: each has been
// sent it twice after about this many ticks, whatever the cluster size.
constexpr std::size_t kUserMessageTicks = 64;

}  // namespace

void Gossiper::start() {
  if (gossips()) next_tick_ = clock_.now + node_.random.below(node_.config.gossip_interval);
  const Duration check = node_.config.queue_check_interval;
  if (check > Duration::zero()) {
    clock_.timers.schedule(clock_.now + check, {TimerEvent::Kind::queue_check, 0});
  }
}

void Gossiper::tick() {
  journal_.timed(metric::kGossip, [this] { round(); });
  next_tick_ = clock_.now + node_.config.gossip_interval;
  ticks_ = false;
}

/// The next one in time, so that news wait no longer than if no tick had been left out.
void Gossiper::resume_ticks() {
  if (!gossips()) return;
  const Duration interval = node_.config.gossip_interval;
  if (next_tick_ <= clock_.now) {
    const auto left_out = (clock_.now - next_tick_) / interval + 1;
    next_tick_ += left_out * interval;
  }
  clock_.timers.schedule(next_tick_, {TimerEvent::Kind::gossip_tick, 0});
  ticks_ = true;
}

void Gossiper::round() {
  const bool has_user_messages = !queues_.user_broadcasts.empty();
  const bool in_turn = node_.behaviour.user_turns;
  const bool has_updates = queues_.about_members() || node_.policy != nullptr;
  if (has_updates || (has_user_messages && !in_turn)) gossip_about_members();
  if (has_user_messages && in_turn) gossip_user_messages();
}

void Gossiper::gossip_about_members() {
  const std::size_t count = node_.config.gossip_nodes;
  const std::size_t any_state = node_.behaviour.living_targets ? 1 : count;
  const std::size_t alive = count - std::min(count, any_state);
  targets_.clear();
  cluster_.table.pick_random(
      alive, node_.random,
      [this](const MemberEntry& entry) {
        return entry.status == MemberStatus::alive && wanted(entry);
      },
      targets_);
  cluster_.table.pick_random(
      count - targets_.size(), node_.random,
      [this](const MemberEntry& entry) {
        return wanted(entry) && std::ranges::none_of(targets_, [&](MemberIndex target) {
                 return &cluster_.table.at(target) == &entry;
               });
      },
      targets_);
  if (node_.behaviour.same_news) return packets_.send_member_broadcasts(targets_);
  for (const MemberIndex target : targets_) packets_.send_member_broadcasts({&target, 1});
}

/// Goes through all members in random order before any is chosen again, in separate packets: a
/// message that is sent often enough reaches all, and updates about members cannot crowd it out.
void Gossiper::gossip_user_messages() {
  const std::size_t live = cluster_.table.live_count();
  const std::size_t count =
      std::max<std::size_t>(node_.config.gossip_nodes, 2 * live / kUserMessageTicks);
  if (upcoming_.empty()) {
    upcoming_ = cluster_.table.probe_list();
    node_.random.shuffle(std::span(upcoming_));
  }
  for (std::size_t sent = 0; sent < count && !upcoming_.empty(); upcoming_.pop_back()) {
    const MemberEntry& entry = cluster_.table.at(upcoming_.back());
    if (entry.record == nullptr || !wanted(entry)) continue;
    packets_.send_user_broadcasts(entry.record->address);
    ++sent;
  }
}

bool Gossiper::wanted(const MemberEntry& entry) const {
  if (&entry == &cluster_.self_entry() || entry.status == MemberStatus::left) return false;
  return entry.status != MemberStatus::dead ||
         clock_.now - entry.since <= node_.config.gossip_to_the_dead_time;
}

void Gossiper::check_queues() {
  queues_.member_broadcasts.trim();
  queues_.user_broadcasts.trim();
  journal_.sample(metric::kQueueBroadcasts, queues_.size());
  journal_.log(LogLevel::debug,
               fmt::format("queued for gossip: {} messages about members ({} bytes), {} of "
                           "users ({} bytes)",
                           queues_.member_broadcasts.size(), queues_.member_broadcasts.bytes(),
                           queues_.user_broadcasts.size(), queues_.user_broadcasts.bytes()),
               {},
               {{"member_messages", std::to_string(queues_.member_broadcasts.size())},
                {"member_bytes", std::to_string(queues_.member_broadcasts.bytes())},
                {"user_messages", std::to_string(queues_.user_broadcasts.size())},
                {"user_bytes", std::to_string(queues_.user_broadcasts.bytes())}});
  clock_.timers.schedule(clock_.now + node_.config.queue_check_interval,
                         {TimerEvent::Kind::queue_check, 0});
}

}  // namespace memberlist::swim
