#include "sim/links.hpp"

#include <algorithm>

namespace memberlist::sim {

// --- which link

Link& Links::link(HostId from, HostId to) {
  return pairs_.try_emplace({from, to}, in_force(from, to)).first->second;
}

const Link& Links::in_force(HostId from, HostId to) const {
  if (!pairs_.empty()) {
    if (const auto pair = pairs_.find({from, to}); pair != pairs_.end()) return pair->second;
  }
  if (zones_.empty()) return default_;
  const auto zone = zones_.find({hosts_[from].zone, hosts_[to].zone});
  return zone == zones_.end() ? default_ : zone->second;
}

void Links::impair(HostId host, const Link& outgoing, const Link& incoming) {
  Impairment& impairment = hosts_.at(host).impairment.emplace();
  impairment.outgoing = outgoing;
  impairment.incoming = incoming;
}

void Links::join_groups() {
  for (Host& host : hosts_) host.group = 0;
}

void Links::heal() {
  join_groups();
  for (Host& host : hosts_) host.impairment.reset();
  pairs_.clear();
  states_.clear();
}

LinkState* Links::state_of(HostId from, HostId to, const Link& link) {
  const bool remembers = link.bandwidth > 0 || link.bursts.begin > 0;
  return remembers ? &states_[{from, to}] : nullptr;
}

std::size_t Links::stages(HostId from, HostId to, Stages& out) {
  const Link& link = in_force(from, to);
  out[0] = {&link, state_of(from, to, link), 0};
  std::size_t count = 1;
  if (auto& sender = hosts_[from].impairment) {
    out[count++] = {&sender->outgoing, &sender->outgoing_state, std::uint64_t{1} << 62};
  }
  if (auto& receiver = hosts_[to].impairment) {
    out[count++] = {&receiver->incoming, &receiver->incoming_state, std::uint64_t{1} << 63};
  }
  return count;
}

// --- what becomes of a packet

Duration Links::latency(const Stage& stage, HostId from, std::uint64_t packet) const {
  const Link& link = *stage.link;
  const std::uint64_t sender = from ^ stage.salt;
  if (!link.latencies.empty()) {
    return link.latencies.at(draws_.unit(Draw::latency, sender, packet));
  }
  if (link.jitter <= Duration::zero()) return link.latency;
  const auto range = static_cast<std::uint64_t>(link.jitter.count());
  const std::uint64_t drawn = draws_.number(Draw::latency, sender, packet) % range;
  return link.latency + Duration(static_cast<Duration::rep>(drawn));
}

bool Links::is_lost(const Stage& stage, HostId from, std::uint64_t packet) const {
  const Link& link = *stage.link;
  const std::uint64_t sender = from ^ stage.salt;
  const bool lost = draws_.happens(link.loss, Draw::loss, sender, packet);
  if (link.bursts.begin <= 0 || stage.state == nullptr) return lost;
  bool& bad = stage.state->bad;
  const double turns = bad ? link.bursts.end : link.bursts.begin;
  if (draws_.happens(turns, Draw::burst, sender, 2 * packet)) bad = !bad;
  return lost || (bad && draws_.happens(link.bursts.loss, Draw::burst, sender, 2 * packet + 1));
}

/// How long a packet waits until it has been sent; nothing if there is no room for it.
std::optional<Duration> Links::queued(const Stage& stage, std::size_t bytes, TimePoint now,
                                      bool drops) {
  const Link& link = *stage.link;
  if (link.bandwidth == 0 || stage.state == nullptr) return Duration::zero();
  const auto time_of = [&](std::size_t amount) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(
        static_cast<double>(amount) / static_cast<double>(link.bandwidth)));
  };
  TimePoint& free_at = stage.state->free_at;
  const TimePoint begins = std::max(now, free_at);
  if (drops && begins - now > time_of(link.queue_bytes)) return std::nullopt;
  free_at = begins + time_of(bytes);
  return free_at - now;
}

void Links::pass(const Stage& stage, HostId from, std::uint64_t packet, std::size_t bytes,
                 TimePoint now, Fate& fate) const {
  const Link& link = *stage.link;
  const std::uint64_t sender = from ^ stage.salt;
  fate.refused = fate.refused || link.udp_refused;
  const std::optional<Duration> wait = queued(stage, bytes, now, true);
  const bool lost = is_lost(stage, from, packet);
  const bool too_large = link.mtu > 0 && bytes > link.mtu;
  if (link.udp_cut || lost || too_large || !wait) fate.arrives = false;
  if (!fate.arrives) return;
  fate.delay += latency(stage, from, packet) + *wait;
  if (draws_.happens(link.reorder, Draw::reorder, sender, packet)) fate.delay += link.reorder_delay;
  if (draws_.happens(link.duplicate, Draw::duplicate, sender, packet)) fate.second = Duration(1);
  if (draws_.happens(link.corrupt, Draw::corrupt, sender, packet)) {
    fate.flipped = draws_.number(Draw::corrupt_where, sender, packet);
  }
}

Links::Fate Links::datagram(HostId from, HostId to, std::size_t bytes, TimePoint now) {
  const std::uint64_t packet = hosts_[from].packets++;
  Stages all;
  const std::size_t count = stages(from, to, all);
  Fate fate;
  fate.arrives = hosts_[from].group == hosts_[to].group;
  for (std::size_t i = 0; i < count; ++i) pass(all[i], from, packet, bytes, now, fate);
  // A copy takes another way.
  if (fate.second) fate.second = fate.delay + latency(all[0], from, ~packet) / 2;
  return fate;
}

Links::SegmentFate Links::segment(HostId from, HostId to, std::size_t bytes, TimePoint now,
                                  bool is_handshake) {
  // What Linux waits until it sends a segment again; RFC 6298 has a second for the first one.
  const Duration again =
      is_handshake ? Duration(std::chrono::seconds(1)) : Duration(std::chrono::milliseconds(200));
  const std::uint64_t packet = hosts_[from].packets++;
  Stages all;
  const std::size_t count = stages(from, to, all);
  SegmentFate fate;
  fate.arrives = hosts_[from].group == hosts_[to].group;
  for (std::size_t i = 0; i < count; ++i) {
    const Link& link = *all[i].link;
    const std::uint64_t sender = from ^ all[i].salt;
    if (link.tcp_cut) fate.arrives = false;
    fate.delay += retransmission(all[i], from, packet, again);
    fate.delay += latency(all[i], from, packet) + queued(all[i], bytes, now, false).value();
    if (draws_.happens(link.tcp_reset, Draw::reset, sender, packet)) fate.reset = true;
    if (draws_.happens(link.tcp_half_close, Draw::half_close, sender, packet)) {
      fate.half_close = true;
    }
  }
  return fate;
}

/// Each time that it is lost, the system waits twice as long; the connection's own timeout ends
/// that.
Duration Links::retransmission(const Stage& stage, HostId from, std::uint64_t packet,
                               Duration again) {
  constexpr int kTries = 7;
  Duration late{};
  for (int tries = 0; tries < kTries && is_lost(stage, from, packet); ++tries) {
    late += again;
    again *= 2;
    packet = hosts_[from].packets++;
  }
  return late;
}

bool Links::refuses_streams(HostId from, HostId to) {
  Stages all;
  const std::size_t count = stages(from, to, all);
  return std::any_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count),
                     [](const Stage& stage) { return stage.link->tcp_refused; });
}

bool Links::stalls_stream(HostId from, HostId to) {
  const std::uint64_t packet = hosts_[from].packets++;
  Stages all;
  const std::size_t count = stages(from, to, all);
  bool stalls = false;
  for (std::size_t i = 0; i < count; ++i) {
    const double share = all[i].link->tcp_stall;
    stalls = stalls || draws_.happens(share, Draw::stall, from ^ all[i].salt, packet);
  }
  return stalls;
}

}  // namespace memberlist::sim
