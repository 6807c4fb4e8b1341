#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "base/random.hpp"
#include "base/secrets.hpp"
#include "base/text.hpp"
#include "memberlist/engine.hpp"
#include "swim/awareness.hpp"
#include "swim/broadcast_queue.hpp"
#include "swim/keyed_hash.hpp"
#include "swim/lasting_states.hpp"
#include "swim/log_cause.hpp"
#include "swim/log_limiter.hpp"
#include "swim/member_table.hpp"
#include "swim/output_queue.hpp"
#include "swim/scaling.hpp"
#include "swim/timer_heap.hpp"
#include "swim/tombstones.hpp"
#include "wire/packet.hpp"

namespace memberlist::swim {

/// What a timer is about, with the number that says which.
struct TimerEvent {
  enum class Kind : std::uint8_t {
    probe_tick,
    gossip_tick,
    push_pull_tick,
    push_pull_after_join,
    queue_check,
    probe_timeout,   // number: sequence number
    probe_deadline,  // number: sequence number
    relay_timeout,   // number: sequence number
    relay_end,       // number: sequence number
    ping_timeout,    // number: sequence number
    suspicion,       // number: member index
    refutation,
    stream,     // number: stream id
    operation,  // number: operation id
    lasting_states,
  };
  Kind kind = Kind::probe_tick;
  std::uint64_t number = 0;
};

/// The peer of a log line, as text; created only if the line is written.
[[nodiscard]] inline std::string text_of(std::string_view peer) { return std::string(peer); }
[[nodiscard]] inline std::string text_of(const Address& peer) { return peer.to_string(); }
[[nodiscard]] inline std::string text_of(const Address* peer) {
  return peer != nullptr ? peer->to_string() : std::string{};
}

/// The keys, and how packets and streams are sealed with them. A copy has its own keys.
struct SealingKeys {
  wire::Keyring keyring;
  wire::Sealing sealing;  // with this keyring

  explicit SealingKeys(wire::Keyring keys) : keyring(std::move(keys)) {
    sealing.keyring = &keyring;
  }
  SealingKeys(const SealingKeys& other) : keyring(other.keyring), sealing(other.sealing) {
    sealing.keyring = &keyring;
  }
  SealingKeys& operator=(const SealingKeys&) = delete;
  ~SealingKeys() = default;
};

/// What all parts of one engine share. Plain state, which can be copied: the rules live in the
/// parts.
struct Context : SealingKeys {
  Config config;
  Address advertise;
  TimePoint now;
  Secrets secrets;
  Random random{secrets.choices};
  Policy* policy = nullptr;
  bool metrics = false;
  std::function<TimePoint()> stopwatch;

  MemberTable table{secrets.hash_tables};
  MemberIndex self = kNoMember;
  Tombstones tombstones{limits::kTombstones, secrets.hash_tables};
  BroadcastQueue member_broadcasts{BroadcastQueue::Order::largest_first};
  BroadcastQueue user_broadcasts{BroadcastQueue::Order::oldest_first, secrets.hash_tables};
  Awareness awareness;
  TimerHeap<TimerEvent> timers;
  OutputQueue out;
  EngineCounters counters;
  LogLimiter log_limiter;
  LastingStates lasting_states;
  bool leaving = false;
  bool away = false;  // on the way from one address to another: gone for the others, soon back
  // Where this node was before, the latest last.
  std::vector<Address> former_addresses;
  // The member that has this node's name at another address, according to the answer to a join of
  // this node. The next successful join clears it.
  std::optional<Address> name_holder;

  Context(Config chosen, const EngineEnvironment& environment, wire::Keyring keys)
      : SealingKeys(std::move(keys)),
        config(std::move(chosen)),
        advertise(environment.advertise),
        now(environment.now),
        secrets(environment.seed, environment.secret),
        policy(environment.policy),
        metrics(environment.metrics),
        stopwatch(environment.stopwatch),
        awareness(config.awareness_max_multiplier) {
    sealing.label = config.label;
    sealing.encryption_version = config.protocol_version == 1 ? 0 : 1;
    sealing.compress = config.enable_compression;
    sealing.verify_incoming = config.gossip_verify_incoming;
    sealing.verify_outgoing = config.gossip_verify_outgoing;
    sealing.skip_inbound_label_check = config.skip_inbound_label_check;
    sealing.nonce_source = environment.nonce_source;
  }

  [[nodiscard]] MemberEntry& self_entry() noexcept { return table.at(self); }
  [[nodiscard]] const std::string& self_name() const noexcept {
    return table.at(self).record->name;
  }

  [[nodiscard]] bool allowed(const IpAddress& ip) const noexcept {
    if (!config.allowed_networks) return true;
    for (const Network& network : *config.allowed_networks) {
      if (network.contains(ip)) return true;
    }
    return false;
  }
  /// The moment that is `time` from now. `Duration::max()` is a way to say 'no limit'.
  [[nodiscard]] TimePoint after(Duration time) const noexcept {
    return time > kNever - now ? kNever : now + time;
  }
  /// The port that a peer means when it says 0, or when we speak protocol 1 (protocol 4).
  [[nodiscard]] std::uint16_t port_or_default(std::uint16_t port) const noexcept {
    if (port != 0 && config.protocol_version > 1) return port;
    return config.bind.port != 0 ? config.bind.port : advertise.port;
  }
  /// An IP address from a message. The zone of a link-local one is never sent: it is that of this
  /// node, because other nodes are reachable at such an address only on the same link.
  [[nodiscard]] IpAddress on_this_link(IpAddress ip) const noexcept {
    if (ip.is_link_local() && !ip.is_v4()) ip.set_scope_id(advertise.ip.scope_id());
    return ip;
  }
  /// Where a member is, by what a message says of it.
  [[nodiscard]] Address member_address(const IpAddress& ip, std::uint16_t port) const noexcept {
    return {on_this_link(ip), port_or_default(port)};
  }
  /// Whether any other member could receive messages from this node.
  [[nodiscard]] bool others_alive() const noexcept {
    const std::size_t own = table.at(self).live() ? 1 : 0;
    return table.live_count() > own;
  }

  /// Whether a member is very likely to be up: it is not new, and was heard from recently. In the
  /// steady state each member pings one, and is pinged by one, in each probe interval.
  [[nodiscard]] bool established(const MemberEntry& entry) const noexcept {
    constexpr int kIntervals = 10;
    const Duration time = kIntervals * probe_interval();
    return now <= entry.heard + time && entry.heard >= entry.since + time;
  }

  /// What times of others are measured by: the probe interval, and where this node does not probe,
  /// that of the LAN profile.
  [[nodiscard]] Duration probe_interval() const noexcept {
    constexpr Duration kWithoutProbes = std::chrono::seconds(1);
    return config.probe_interval > Duration::zero() ? config.probe_interval : kWithoutProbes;
  }

  /// How long an update takes to reach all members, or nearly all.
  [[nodiscard]] Duration spreading_time() const noexcept {
    const bool gossips = config.gossip_interval > Duration::zero();
    return swim::spreading_time(config.retransmit_mult, table.live_count(),
                                gossips ? config.gossip_interval : probe_interval());
  }

  void forget_old_tombstones() {
    if (tombstones.empty()) return;
    tombstones.forget_before(
        now - tombstone_time(config.push_pull_interval, config.probe_interval, table.live_count()));
  }

  void add_health(int delta) {
    if (!awareness.apply_delta(delta)) return;
    out.push(Event{HealthChanged{awareness.score()}});
  }

  /// Logs what a peer provoked, within the limits of its cause. `peer` is a text, an address or a
  /// pointer to one. `make_line` gives a text or a LogLine, and is called only if the line goes
  /// out.
  template <class Peer, class MakeLine>
  void log_peer(LogCause cause, LogLevel level, const Peer& peer, MakeLine&& make_line) {
    const LogLimiter::Verdict verdict = log_limiter.admit(now, static_cast<std::size_t>(cause));
    if (!verdict.emit) return;
    write_line(cause, level, verdict, text_of(peer), std::forward<MakeLine>(make_line)());
  }

  /// Distinguishes a lasting condition from others of its cause.
  [[nodiscard]] std::uint64_t subject(std::string_view name) const {
    return NameHash{secrets.hash_tables}(name);
  }
  [[nodiscard]] std::uint64_t subject(const Address& address) const {
    return AddressHash{secrets.hash_tables}(address);
  }

  /// Logs a condition that lasts or recurs in the same way, but not each time that it is observed
  /// (LastingStates).
  template <class Peer, class MakeLine>
  void log_state(LogCause cause, std::uint64_t subject, LogLevel level, const Peer& peer,
                 MakeLine&& make_line) {
    LastingStates::State* state = lasting_states.seen(now, cause, subject);
    if (state == nullptr) return log_peer(cause, level, peer, make_line);
    plan_end_of_states();
    if (!state->is_due(now)) return;
    const LogLimiter::Verdict verdict = log_limiter.admit(now, static_cast<std::size_t>(cause));
    if (!verdict.emit) return;
    tell_state(cause, level, verdict, *state, text_of(peer), std::forward<MakeLine>(make_line)());
  }
  /// There is a sign that a lasting state is over: `make_text` says of what there is an end.
  template <class MakeText>
  void end_state(LogCause cause, std::uint64_t subject, MakeText&& make_text) {
    const auto over = lasting_states.well(now, cause, subject);
    if (over) tell_end(*over, std::forward<MakeText>(make_text)());
  }
  /// Tells which lasting states have not shown for long.
  void end_quiet_states();

 private:
  void write_line(LogCause cause, LogLevel level, const LogLimiter::Verdict& verdict,
                  std::string peer, LogLine line);
  void tell_state(LogCause cause, LogLevel level, const LogLimiter::Verdict& verdict,
                  LastingStates::State& state, std::string peer, LogLine line);
  void tell_end(const LastingStates::State& state, std::string text);
  void plan_end_of_states();

  bool end_of_states_planned_ = false;
};

/// What is known about the origin of a claim, without copying it. The public Cause is made of it
/// only if an event goes out.
struct Evidence {
  Cause::Kind kind = Cause::Kind::command;
  std::string_view accuser;
  const Address* source = nullptr;
  const Address* speaker = nullptr;  // set if the member at that address makes the claim itself
  const Suspicion* suspicion = nullptr;
  std::uint32_t indirect_probes = 0;
  std::uint32_t nacks = 0;

  [[nodiscard]] Cause to_cause() const;
};

}  // namespace memberlist::swim
