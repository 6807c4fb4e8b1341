#include "swim/probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/limits.hpp"
#include "memberlist/name_text.hpp"

// A probe asks one member whether it is there, in up to three ways:
//
//     tick: ping --------------------> ack: it is alive
//       | no ack within probe_timeout
//       v
//     ask helpers, and ping by TCP --> ack (through a helper, or late): it is alive
//       |                              TCP answer alone: alive at the deadline
//       v the interval ends
//     nothing: accuse it (Membership::suspect)
//
// A failed probe may also be the fault of this node. Helpers that reach nobody either say so with a
// nack; missing nacks, and failed probes without helpers, raise the health score, which lengthens
// interval and timeout (Lifeguard). The prober also answers the pings of others, relays indirect
// ones, and pings for the application; all that is awaited is in one table by sequence number.
namespace memberlist::swim {
namespace {

// Members that speak at least this answer a fallback ping by TCP, and send nacks (protocol 5).
constexpr std::uint8_t kStreamPingProtocol = 3;
constexpr std::uint8_t kNackProtocol = 4;

// How many suspect members are passed over in one tick. Each costs a small packet.
constexpr int kPassedOver = 8;
// So many probes in a row that only TCP answers, while no packet comes in, are no matter of those
// members.
constexpr std::uint64_t kProbesWithoutUdp = 3;

/// When a helper says 'no answer here either': at 80 % of the time that the requester still waits
/// (Lifeguard, LHA-Probe), so that the nack arrives before the requester's deadline. The requester
/// began to wait `probe_timeout` after its own ping, which is why only the rest of the interval is
/// left.
Duration nack_delay(const LocalNode& node) {
  const Config& config = node.config;
  const std::size_t percent = node.behaviour.nack_percent;
  if (percent == 0) return config.probe_timeout;
  const Duration rest = config.probe_interval - config.probe_timeout;
  const Duration wait =
      rest > Duration::zero() ? std::min(rest, config.probe_timeout) : config.probe_timeout;
  return wait * static_cast<Duration::rep>(percent) / 100;
}

}  // namespace

template <class T>
T* Prober::find(std::uint32_t seq_no) {
  const auto found = awaited_.find(seq_no);
  return found == awaited_.end() ? nullptr : std::get_if<T>(&found->second);
}

void Prober::start() {
  const Duration interval = node_.config.probe_interval;
  if (interval <= Duration::zero()) return;
  clock_.timers.schedule(clock_.now + node_.random.below(interval),
                         {TimerEvent::Kind::probe_tick, 0});
}

/// The interval grows with the health score (Lifeguard, LHA-Probe), and with it the deadline, so
/// that this node has one probe at a time. The next tick is planned after the deadline of this
/// probe, whose result then influences the next one's timeout.
void Prober::tick() {
  const Duration plain = node_.config.probe_interval;
  const Duration interval = node_.behaviour.slowed_interval ? health_.scale(plain) : plain;
  if (!leaves_out_tick()) probe_next();
  clock_.timers.schedule(clock_.now + interval, {TimerEvent::Kind::probe_tick, 0});
}

/// If the interval stays the same, a probe of a node that is slow lasts for several.
bool Prober::leaves_out_tick() const {
  if (node_.behaviour.slowed_interval) return false;
  return !probes_under_way([](const Probe&) { return true; }).empty();
}

void Prober::probe_next() {
  MemberIndex dead = kNoMember;
  if (const MemberIndex target = next_target(dead); target != kNoMember) start_probe(target);
  if (dead == kNoMember || !node_.behaviour.told_dead) return;
  teller_.tell(dead, cluster_.table.at(dead).record->address);
}

void Prober::forget_the_dead() {
  next_in_list_ = 0;
  cluster_.forget_old_tombstones();
  const TimePoint cutoff = clock_.now - node_.config.gossip_to_the_dead_time;
  cluster_.table.reset_probe_list(cutoff, cluster_.self, node_.random, forgotten_);
  for (const auto& [index, entry] : forgotten_) {
    queues_.member_broadcasts.forget_member(index);
    if (!node_.behaviour.tombstones) continue;
    cluster_.tombstones.bury(entry.record->name, entry.incarnation,
                             entry.status == MemberStatus::left, clock_.now);
  }
  forgotten_.clear();
}

/// Members that this node already accuses are not probed again, which would delay the detection of
/// other failures. They are sent the suspicion instead, so that they can refute.
MemberIndex Prober::next_target(MemberIndex& dead) {
  MemberIndex first = kNoMember;
  for (int passed = 0; passed < kPassedOver; ++passed) {
    const MemberIndex candidate = next_in_list(dead);
    if (candidate == kNoMember || candidate == first) return kNoMember;
    const RunningSuspicion* const running = cluster_.table.suspicion(candidate);
    if (running == nullptr || !is_passed_over(running->suspicion)) return candidate;
    if (node_.behaviour.buddy_system) {
      teller_.tell(candidate, cluster_.table.at(candidate).record->address);
    }
    if (first == kNoMember) first = candidate;
  }
  return kNoMember;
}

bool Prober::is_passed_over(const Suspicion& suspicion) const {
  return node_.behaviour.skipped_accused && suspicion.accused_by(cluster_.self_name());
}

/// Dead members are not probed either. The first one that is passed over is told that it is dead:
/// gossip does that only while there is something to gossip, which the two sides of a partition no
/// longer have when it heals.
MemberIndex Prober::next_in_list(MemberIndex& dead) {
  // At most to the end of the list, and once through it after the shuffle.
  for (std::size_t looked_at = 0; looked_at < 2 * cluster_.table.size(); ++looked_at) {
    if (next_in_list_ >= cluster_.table.size()) forget_the_dead();
    const MemberIndex candidate = cluster_.table.probe_list()[next_in_list_++];
    const MemberEntry& entry = cluster_.table.at(candidate);
    if (candidate != cluster_.self && entry.live()) return candidate;
    if (dead == kNoMember && died_lately(entry)) dead = candidate;
  }
  return kNoMember;
}

bool Prober::died_lately(const MemberEntry& entry) const {
  return entry.status == MemberStatus::dead &&
         clock_.now - entry.since <= node_.config.gossip_to_the_dead_time;
}

void Prober::start_probe(MemberIndex target) {
  const MemberEntry& entry = cluster_.table.at(target);
  const std::uint32_t seq_no = new_seq_no();
  Probe probe;
  probe.target = entry.record->name;
  probe.address = entry.record->address;
  probe.incarnation = entry.incarnation;
  probe.began = clock_.input;
  journal_.trace([&] {
    return trace::ProbeBegan{probe.began, probe.target, probe.address, probe.incarnation};
  });
  plan(seq_no, probe);
  awaited_.emplace(seq_no, std::move(probe));
  ++journal_.counters.probes;
  if (health_.score() > 0) ++journal_.counters.probes_degraded;
  ping_target(seq_no, target);
}

/// Timeout and deadline from now on, scaled by the health score (Lifeguard, LHA-Probe).
void Prober::plan(std::uint32_t seq_no, Probe& probe) {
  const Duration interval = health_.scale(node_.config.probe_interval);
  const Duration plain_timeout = node_.config.probe_timeout;
  const Duration timeout =
      node_.behaviour.scaled_timeout ? health_.scale(plain_timeout) : plain_timeout;
  probe.sent = clock_.now;
  probe.deadline = clock_.now + interval;
  probe.forgivable = interval;
  probe.timeout_timer =
      clock_.timers.schedule(clock_.now + timeout, {TimerEvent::Kind::probe_timeout, seq_no});
  probe.deadline_timer =
      clock_.timers.schedule(probe.deadline, {TimerEvent::Kind::probe_deadline, seq_no});
}

/// Buddy system: a suspect member is told with the ping, and can refute at once (Lifeguard).
void Prober::ping_target(std::uint32_t seq_no, MemberIndex target) {
  const MemberEntry& entry = cluster_.table.at(target);
  const wire::Suspect suspicion = membership_.suspicion_of(target);
  const bool is_told = entry.status == MemberStatus::suspect && node_.behaviour.buddy_system;
  send_ping(seq_no, entry.record->address, entry.record->name, is_told ? &suspicion : nullptr);
}

void Prober::send_ping(std::uint32_t seq_no, const Address& to, std::string_view node,
                       const wire::Suspect* suspicion) {
  const IpAddress source = node_.advertise.ip;
  encoded_.clear();
  ByteWriter writer(encoded_);
  wire::encode(writer, wire::Ping{seq_no, node, source.wire_bytes(), node_.advertise.port,
                                  cluster_.self_name()});
  std::array<BytesView, 2> messages{encoded_};
  std::size_t count = 1;
  if (suspicion != nullptr) {
    encoded_suspicion_.clear();
    ByteWriter suspicion_writer(encoded_suspicion_);
    wire::encode(suspicion_writer, *suspicion);
    messages[count++] = encoded_suspicion_;
  }
  packets_.send_with_piggyback(to, std::span(messages).first(count));
}

void Prober::probe_timeout(std::uint32_t seq_no) {
  if (Probe* probe = find<Probe>(seq_no)) go_indirect(seq_no, *probe);
}

template <class Wanted>
std::vector<std::uint32_t> Prober::probes_under_way(Wanted&& wanted) const {
  std::vector<std::uint32_t> found;
  for (const auto& [seq_no, awaited] : awaited_) {
    const Probe* probe = std::get_if<Probe>(&awaited);
    if (probe != nullptr && wanted(*probe)) found.push_back(seq_no);
  }
  std::ranges::sort(found);  // the order of a hash table must not show
  return found;
}

void Prober::on_send_error(const Address& to, const Error& error) {
  ++journal_.counters.send_errors;
  journal_.log_peer(LogCause::send_error, LogLevel::debug, to, [&] {
    return LogLine("packet not sent: " + error.message,
                   {{"error", std::string(to_string(error.code))}});
  });
  if (error.code != ErrorCode::unreachable) return;
  const auto goes_there = [&](const Probe& probe) { return probe.address == to; };
  for (const std::uint32_t seq_no : probes_under_way(goes_there)) probe_timeout(seq_no);
}

void Prober::forgive(Duration stood_still) {
  for (const std::uint32_t seq_no : probes_under_way([](const Probe&) { return true; })) {
    Probe& probe = *find<Probe>(seq_no);
    if (probe.repeated) {
      extend(probe, stood_still);
    } else {
      repeat(seq_no, probe);
    }
  }
}

/// The number stays the same, so that an answer to the first ping, which may wait to be read, is
/// one to the second ping, too.
void Prober::repeat(std::uint32_t seq_no, Probe& probe) {
  clock_.timers.cancel(probe.timeout_timer);
  clock_.timers.cancel(probe.deadline_timer);
  streams_.abort_ping(seq_no);
  const MemberIndex target = cluster_.table.find(probe.target);
  if (target == kNoMember || !cluster_.table.at(target).live()) {
    awaited_.erase(seq_no);
    return;
  }
  probe.repeated = true;
  journal_.trace([&] { return trace::ProbeRepeated{probe.began}; });
  probe.indirect = false;
  probe.indirect_probes = probe.expected_nacks = probe.nacks = 0;
  plan(seq_no, probe);
  ping_target(seq_no, target);
}

/// The time that this node stood still does not count, and what has arrived meanwhile is read
/// before the probe is judged.
void Prober::extend(Probe& probe, Duration stood_still) {
  const Duration to_read = node_.config.probe_interval / 10;
  const Duration wanted = std::max(stood_still, clock_.now + to_read - probe.deadline);
  const Duration by = std::min(wanted, probe.forgivable);
  probe.forgivable -= by;
  probe.deadline += by;
  clock_.timers.reschedule(probe.deadline_timer, probe.deadline);
}

/// No answer so far: ask others, and try TCP (protocol 5).
void Prober::go_indirect(std::uint32_t seq_no, Probe& probe) {
  if (probe.indirect) return;
  probe.indirect = true;
  clock_.timers.cancel(probe.timeout_timer);
  const MemberIndex target = cluster_.table.find(probe.target);
  if (target == kNoMember) return;
  ask_others(seq_no, probe, target);
  if (may_ping_by_stream(*cluster_.table.at(target).record)) {
    streams_.dial_ping(probe.address, probe.target, seq_no, probe.deadline);
    journal_.trace([&] { return trace::TcpPing{probe.began}; });
  }
}

bool Prober::may_ping_by_stream(const MemberRecord& target) const {
  if (target.protocol.max < kStreamPingProtocol || node_.config.disable_tcp_pings) return false;
  return node_.policy == nullptr || node_.policy->allow_tcp_ping(target);
}

void Prober::ask_others(std::uint32_t seq_no, Probe& probe, MemberIndex target) {
  const MemberEntry& entry = cluster_.table.at(target);
  const auto may_help = [&](const MemberEntry& other) {
    return other.status == MemberStatus::alive && &other != &cluster_.self_entry() &&
           &other != &entry;
  };
  const auto is_first_choice = [&](const MemberEntry& other) {
    return !node_.behaviour.chosen_helpers || cluster_.established(other);
  };
  const std::size_t count = node_.config.indirect_checks;
  picked_.clear();
  cluster_.table.pick_random(
      count, node_.random,
      [&](const MemberEntry& other) { return may_help(other) && is_first_choice(other); }, picked_);
  const std::size_t established = picked_.size();
  cluster_.table.pick_random(
      count - established, node_.random,
      [&](const MemberEntry& other) { return may_help(other) && !is_first_choice(other); },
      picked_);
  const IpAddress source = node_.advertise.ip;
  for (std::size_t i = 0; i < picked_.size(); ++i) {
    const MemberRecord& record = *cluster_.table.at(picked_[i]).record;
    const bool nack = record.protocol.max >= kNackProtocol && node_.behaviour.lha_probe;
    encoded_.clear();
    ByteWriter writer(encoded_);
    wire::encode(writer, wire::IndirectPing{seq_no, entry.record->address.ip.wire_bytes(),
                                            entry.record->address.port, entry.record->name, nack,
                                            source.wire_bytes(), node_.advertise.port,
                                            cluster_.self_name()});
    packets_.send_with_piggyback(record.address, std::array{BytesView(encoded_)});
    ++probe.indirect_probes;
    journal_.trace([&] { return trace::HelperAsked{probe.began, record.name}; });
    // A helper that is new or silent may be dead itself, so its nack is not expected, unless all
    // of them are: then this node may be cut off.
    if (nack && (established == 0 || i < established)) ++probe.expected_nacks;
  }
}

void Prober::probe_deadline(std::uint32_t seq_no) {
  Probe* found = find<Probe>(seq_no);
  if (found == nullptr) return;
  Probe probe = std::move(*found);
  awaited_.erase(seq_no);
  if (!probe.stream_ack) return fail(probe);
  ++journal_.counters.probes_saved_by_tcp;
  note_tcp_only(probe);
  trace_end(probe, trace::ProbeEnded::Result::tcp_only);
  succeed(probe);
}

/// One member without UDP is a matter of the way to it. Several in a row, while not a single packet
/// comes in from anybody, are a matter of this node.
void Prober::note_tcp_only(const Probe& probe) {
  const std::uint64_t packets = journal_.counters.packets_received;
  if (packets != packets_before_tcp_only_) tcp_only_in_a_row_ = 0;
  packets_before_tcp_only_ = packets;
  if (++tcp_only_in_a_row_ < kProbesWithoutUdp) {
    const std::uint64_t subject = journal_.subject(probe.target);
    journal_.log_state(LogCause::tcp_only, subject, LogLevel::warning, probe.address, [&] {
      return LogLine(fmt::format("{} answers by TCP but not by UDP: is UDP blocked on the way?",
                                 escape_for_log(probe.target)),
                     {{"member", escape_for_log(probe.target)}});
    });
    return;
  }
  journal_.log_state(LogCause::no_udp, 0, LogLevel::warning, std::string_view{}, [&] {
    const std::string address = node_.advertise.to_string();
    return LogLine(
        fmt::format("no UDP reaches this node at {}: the last {} probes were answered by TCP only; "
                    "does a firewall block UDP, or is the advertised address wrong?",
                    address, tcp_only_in_a_row_),
        {{"advertised", address}});
  });
}

/// A packet has answered a probe: UDP works, there and back.
void Prober::note_udp(const Probe& probe) {
  if (!journal_.has_lasting_states()) return;
  journal_.end_state(LogCause::no_udp, 0, [&] {
    return "UDP reaches this node again at " + node_.advertise.to_string();
  });
  journal_.end_state(LogCause::tcp_only, journal_.subject(probe.target),
                     [&] { return escape_for_log(probe.target) + " answers by UDP again"; });
}

void Prober::succeed(Probe& probe) {
  journal_.time(metric::kProbeNode, clock_.now - probe.sent);
  clock_.timers.cancel(probe.timeout_timer);
  clock_.timers.cancel(probe.deadline_timer);
  health_.add(-1);
}

void Prober::fail(const Probe& probe) {
  trace_end(probe, trace::ProbeEnded::Result::failed);
  ++journal_.counters.probes_failed;
  journal_.time(metric::kProbeNode, clock_.now - probe.sent);
  const MemberIndex target = cluster_.table.find(probe.target);
  health_.add(penalty_of(probe, cluster_.table.suspicion(target)));
  if (target == kNoMember) return;
  Evidence evidence;
  evidence.kind = Cause::Kind::probe_failed;
  evidence.accuser = cluster_.self_name();
  evidence.source = &probe.address;
  evidence.indirect_probes = probe.indirect_probes;
  evidence.nacks = probe.nacks;
  evidence.began = probe.began;
  membership_.suspect({probe.incarnation, probe.target, cluster_.self_name()}, evidence);
}

void Prober::trace_answer(const Probe& probe, trace::ProbeAnswer::Kind kind) {
  journal_.trace([&] { return trace::ProbeAnswer{probe.began, kind}; });
}

void Prober::trace_end(const Probe& probe, trace::ProbeEnded::Result result) {
  journal_.trace([&] {
    return trace::ProbeEnded{probe.began, probe.target, result, probe.indirect_probes, probe.nacks};
  });
}

/// What a failed probe says about this node itself. If the helpers sent nacks, this node hears the
/// network well; if they were silent, it is probably slow itself (Lifeguard). If another member
/// accuses the target, too, the failure is no sign against this node.
int Prober::penalty_of(const Probe& probe, const RunningSuspicion* running) const {
  const bool others_agree =
      running != nullptr && running->suspicion.accused_by_others(cluster_.self_name());
  if (others_agree && node_.behaviour.chosen_helpers) return 0;
  if (probe.expected_nacks == 0) return 1;
  return static_cast<int>(probe.expected_nacks - std::min(probe.expected_nacks, probe.nacks));
}

void Prober::on_ack(const wire::Ack& ack) {
  const auto found = awaited_.find(ack.seq_no);
  if (found == awaited_.end()) {
    ++journal_.counters.acks_unexpected;
    return;
  }
  if (auto* probe = std::get_if<Probe>(&found->second)) {
    trace_answer(*probe, trace::ProbeAnswer::Kind::ack);
    trace_end(*probe, probe->indirect ? trace::ProbeEnded::Result::helped
                                      : trace::ProbeEnded::Result::answered);
    if (probe->indirect) {
      ++journal_.counters.probes_saved_by_indirect;
    } else {
      answered_directly(*probe, ack.payload);
    }
    succeed(*probe);
    streams_.abort_ping(ack.seq_no);
  } else if (auto* ping = std::get_if<HandPing>(&found->second)) {
    clock_.timers.cancel(ping->timer);
    OperationOutcome outcome;
    outcome.round_trip = clock_.now - ping->sent;
    outcome.payload = to_bytes(ack.payload);
    operations_.complete(ping->operation, std::move(outcome));
    --hand_pings_;
  } else if (auto* relay = std::get_if<Relay>(&found->second)) {
    const Relay answered = *relay;
    clock_.timers.cancel(answered.timeout_timer);
    clock_.timers.cancel(answered.end_timer);
    encoded_.clear();
    ByteWriter writer(encoded_);
    wire::encode(writer, wire::Ack{answered.requester_seq_no, {}});
    packets_.send_with_piggyback(answered.requester, std::array{BytesView(encoded_)},
                                 answered.asked);
    --relays_;
  }
  awaited_.erase(ack.seq_no);
}

void Prober::answered_directly(const Probe& probe, BytesView payload) {
  note_udp(probe);
  ++journal_.counters.probes_answered;
  if (probe.repeated) return;
  const Duration round_trip = clock_.now - probe.sent;
  journal_.time(metric::kProbeRoundTrip, round_trip);
  if (node_.policy == nullptr) return;
  const MemberIndex target = cluster_.table.find(probe.target);
  if (target == kNoMember) return;
  node_.policy->notify_ping(*cluster_.table.at(target).record, round_trip, payload);
}

void Prober::on_nack(const wire::Nack& nack) {
  Probe* probe = find<Probe>(nack.seq_no);
  if (probe == nullptr) return;
  ++probe->nacks;
  trace_answer(*probe, trace::ProbeAnswer::Kind::nack);
}

void Prober::on_stream_ack(std::uint32_t seq_no) {
  Probe* probe = find<Probe>(seq_no);
  if (probe == nullptr) return;
  probe->stream_ack = true;
  trace_answer(*probe, trace::ProbeAnswer::Kind::tcp);
}

/// Sequence numbers are unpredictable, because an ack is authenticated by nothing but its number:
/// members with several addresses answer from any of them.
std::uint32_t Prober::new_seq_no() {
  for (;;) {
    const auto seq_no = static_cast<std::uint32_t>(seq_nos_.next());
    if (!awaited_.contains(seq_no)) return seq_no;
  }
}

/// Where an answer goes: to the address that the message gives, if it gives one (protocol 5), which
/// is whatever its sender likes. Nothing: nowhere.
std::optional<Address> Prober::answer_address(BytesView source_addr, std::uint16_t source_port,
                                              const Address& from) {
  const std::optional<IpAddress> ip = IpAddress::from_bytes(source_addr);
  if (!ip || ip->is_unspecified() || source_port == 0) {
    // A sender may put port 0 into its datagrams; nothing can be sent there.
    return from.port != 0 ? std::optional(from) : std::nullopt;
  }
  const Address to{node_.on_this_link(*ip), source_port};
  if (!may_send_to(to, from, answered_strangers_)) return std::nullopt;
  return to;
}

/// A peer requests a packet to a third party: it is sent if that is a member, and to few other
/// addresses, so that this node cannot be used for floods.
bool Prober::may_send_to(const Address& to, const Address& asked_by, RateLimit& strangers) {
  if (!node_.allowed(to.ip)) {
    journal_.drop_foreign({.what = "request to send there", .from = to});
    return false;
  }
  if (to.ip.is_multicast()) {
    ++journal_.counters.dropped_malformed;
    return false;
  }
  if (to.ip == asked_by.ip || cluster_.table.find(to) != kNoMember) return true;
  if (strangers.take(clock_.now)) return true;
  ++journal_.counters.dropped_limit;
  return false;
}

void Prober::on_ping(const wire::Ping& ping, const Address& from, const IpAddress& asked) {
  if (!ping.node.empty() && ping.node != cluster_.self_name()) {
    const std::uint64_t subject = journal_.subject(from);
    journal_.log_state(LogCause::wrong_name, subject, LogLevel::warning, from, [&] {
      return LogLine(fmt::format("ping for {} ignored: this node is {}", escape_for_log(ping.node),
                                 show_name(cluster_.self_name())),
                     {{"member", escape_for_log(ping.node)}});
    });
    return;
  }
  const std::optional<Address> to = answer_address(ping.source_addr, ping.source_port, from);
  if (!to) return;
  Bytes payload = node_.policy != nullptr ? node_.policy->ack_payload() : Bytes{};
  if (payload.size() > limits::kAckPayloadBytes) payload.clear();
  encoded_.clear();
  ByteWriter writer(encoded_);
  wire::encode(writer, wire::Ack{ping.seq_no, payload.empty() ? BytesView{} : payload});
  packets_.send_with_piggyback(*to, std::array{BytesView(encoded_)}, asked);
  const bool gives_address = !ping.source_addr.empty() && ping.source_port != 0;
  teller_.on_contact(ping.source_node, gives_address ? to : std::nullopt, from, asked);
}

void Prober::on_indirect_ping(const wire::IndirectPing& request, const Address& from,
                              const IpAddress& asked) {
  const std::optional<IpAddress> target = IpAddress::from_bytes(request.target);
  if (!target || target->is_unspecified()) {
    ++journal_.counters.dropped_malformed;
    return;
  }
  const Address to = node_.member_address(*target, request.port);
  if (!may_send_to(to, from, pinged_strangers_)) return;
  const std::optional<Address> requester =
      answer_address(request.source_addr, request.source_port, from);
  if (!requester) return;
  if (relays_ >= limits::kRelayedPings) {
    ++journal_.counters.dropped_limit;
    return;
  }
  const std::uint32_t seq_no = new_seq_no();
  Relay relay;
  relay.requester = *requester;
  relay.asked = asked;
  relay.requester_seq_no = request.seq_no;
  relay.wants_nack = request.nack;
  const Duration until_nack = nack_delay(node_);
  // An ack that comes after the nack still helps the requester: it waits out its interval.
  const Duration patience = node_.behaviour.late_acks
                                ? std::max(node_.config.probe_timeout, node_.config.probe_interval)
                                : until_nack;
  relay.timeout_timer =
      clock_.timers.schedule(clock_.now + until_nack, {TimerEvent::Kind::relay_timeout, seq_no});
  relay.end_timer =
      clock_.timers.schedule(clock_.now + patience, {TimerEvent::Kind::relay_end, seq_no});
  awaited_.emplace(seq_no, relay);
  ++relays_;
  send_ping(seq_no, to, request.node, nullptr);
}

void Prober::relay_timeout(std::uint32_t seq_no) {
  const Relay* relay = find<Relay>(seq_no);
  if (relay == nullptr || !relay->wants_nack) return;
  encoded_.clear();
  ByteWriter writer(encoded_);
  wire::encode(writer, wire::Nack{relay->requester_seq_no});
  packets_.send_with_piggyback(relay->requester, std::array{BytesView(encoded_)}, relay->asked);
}

void Prober::relay_end(std::uint32_t seq_no) {
  if (find<Relay>(seq_no) == nullptr) return;
  awaited_.erase(seq_no);
  --relays_;
}

Result<OperationId> Prober::ping(std::string_view member, std::optional<Duration> timeout) {
  const MemberIndex target = cluster_.table.find(member);
  if (target == kNoMember) {
    return memberlist::fail(ErrorCode::unknown_member,
                            fmt::format("no member is called '{}'", show_name(member)),
                            std::string(member));
  }
  if (hand_pings_ >= limits::kHandPings) {
    return memberlist::fail(
        ErrorCode::too_large,
        fmt::format("{} pings are already waiting for their answers", limits::kHandPings),
        std::string(member));
  }
  const OperationId operation = operations_.start();
  const Duration patience = timeout.value_or(node_.config.probe_timeout);
  const MemberRecord& record = *cluster_.table.at(target).record;
  const std::uint32_t seq_no = new_seq_no();
  HandPing ping{operation, record.name, clock_.now, patience, {}};
  ping.timer =
      clock_.timers.schedule(clock_.after(patience), {TimerEvent::Kind::ping_timeout, seq_no});
  awaited_.emplace(seq_no, std::move(ping));
  ++hand_pings_;
  send_ping(seq_no, record.address, record.name, nullptr);
  return operation;
}

void Prober::ping_timeout(std::uint32_t seq_no) {
  const HandPing* ping = find<HandPing>(seq_no);
  if (ping == nullptr) return;
  operations_.complete(
      ping->operation,
      memberlist::fail(ErrorCode::timed_out,
                       fmt::format("{} did not answer within {}", escape_for_log(ping->target),
                                   format_duration(ping->timeout)),
                       ping->target));
  awaited_.erase(seq_no);
  --hand_pings_;
}

bool Prober::stop_ping(OperationId operation, const Error& why) {
  const auto found = std::ranges::find_if(awaited_, [operation](const auto& entry) {
    const auto* ping = std::get_if<HandPing>(&entry.second);
    return ping != nullptr && ping->operation == operation;
  });
  if (found == awaited_.end()) return false;
  clock_.timers.cancel(std::get<HandPing>(found->second).timer);
  awaited_.erase(found);
  --hand_pings_;
  operations_.complete(operation, std::unexpected(why));
  return true;
}

}  // namespace memberlist::swim
