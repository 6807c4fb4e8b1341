#include "swim/membership.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "swim/alive_message.hpp"
#include "swim/incarnation.hpp"
#include "swim/scaling.hpp"
#include "swim/versions.hpp"

// What a node believes about a member is its incarnation and one of four states:
//
//     alive            -> suspect   a suspect message, or a failed probe of this node
//     suspect          -> alive     a newer alive message: the member refuted
//     suspect          -> dead      the suspicion expires
//     alive or suspect -> dead      a dead message of another member
//     alive or suspect -> left      a dead message of the member about itself
//     dead or left     -> alive     a newer alive message
//
// Only the member itself raises its incarnation, so a claim with an older one is old news. An
// accused member refutes: it announces itself alive with a greater incarnation. Whatever changes
// the table is queued for gossip, and so reaches all. Each of the three `judge` functions is one
// kind of claim, with the rules of protocol 6 in their order; it returns what became of the claim.
namespace memberlist::swim {
namespace {

VersionRange range_of(BytesView vsn) noexcept {
  return {std::to_integer<std::uint8_t>(vsn[0]), std::to_integer<std::uint8_t>(vsn[1]),
          std::to_integer<std::uint8_t>(vsn[2])};
}

/// Whether a claim says more than what is known: of a member that is alive only a newer one does. A
/// member that is accused answers that, unless what is remembered is further ahead than it follows
/// (protocol 6, Incarnations): then it is not held against it.
bool is_news(std::uint32_t incarnation, const MemberEntry& known) noexcept {
  if (known.status == MemberStatus::alive) return is_newer(incarnation, known.incarnation);
  return !within_a_jump(known.incarnation, incarnation);
}

// Why a member is dead, to follow a colon.
std::string reason_of(const Evidence& evidence) {
  if (evidence.suspicion == nullptr) {
    return fmt::format("reported by {}", escape_for_log(evidence.accuser));
  }
  std::vector<std::string> accusers;
  for (const std::string& name : evidence.suspicion->accusers()) {
    accusers.push_back(name.empty() ? "a push/pull" : escape_for_log(name));
  }
  return fmt::format("suspected by {} and not refuted in time", fmt::join(accusers, ", "));
}

// For `log_peer`, which makes a text of it only if a line goes out.
const Address* peer_text(const Evidence& evidence) { return evidence.source; }

}  // namespace

/// An alive message that is fit to be believed, with its fields decoded. Views into the message.
struct Membership::Claimant {
  std::string_view name;
  Address address;
  BytesView meta;
  VersionRange protocol;
  VersionRange delegate_protocol;
  std::uint32_t incarnation = 0;

  // Record and claim are compared field by field: most claims are about what is known already.
  [[nodiscard]] bool says_the_same_as(const MemberRecord& record) const noexcept {
    return record.address == address && same_but_address(record);
  }
  [[nodiscard]] bool same_but_address(const MemberRecord& record) const noexcept {
    return record.protocol == protocol && record.delegate_protocol == delegate_protocol &&
           as_text(record.meta) == as_text(meta);
  }
  [[nodiscard]] std::shared_ptr<const MemberRecord> to_record(const LocalNode& node) const {
    return node.record(name, address, meta, protocol, delegate_protocol);
  }
};

void Membership::add_known(std::span<const Member> members) {
  cluster_.table.reserve(members.size());
  for (const Member& member : members) {
    const MemberIndex index = add_known(member);
    if (member.name() == node_.config.name) cluster_.self = index;
  }
}

MemberIndex Membership::add_known(const Member& member) {
  const MemberIndex index = cluster_.table.insert(member.record, member.since, node_.random);
  cluster_.table.set_incarnation(index, member.incarnation);
  cluster_.table.set_status(index, MemberStatus::alive, member.since);
  return index;
}

void Membership::alive(const wire::Alive& claim, const Evidence& evidence) {
  alive(claim, cluster_.table.hash_of(claim.node), evidence);
}

void Membership::alive(const wire::Alive& claim, std::uint64_t hash, const Evidence& evidence) {
  ++journal_.counters.alive_messages;
  const Verdict verdict = judge(claim, hash, evidence);
  trace_claim(trace::ClaimKind::alive, claim, evidence, verdict);
}

Membership::Verdict Membership::judge(const wire::Alive& claim, std::uint64_t hash,
                                      const Evidence& evidence) {
  MemberIndex index = cluster_.table.find(claim.node, hash);
  if (index != kNoMember && repeats_what_is_known(claim, index)) return Verdict::same;

  Claimant claimant;
  if (const auto refused = check_claim(claim, evidence, claimant)) return *refused;
  if (index == cluster_.self && node_.life != Life::here) return Verdict::absent;
  bool takes_address = false;
  const bool is_new = index == kNoMember;
  if (is_new) {
    if (!check_room(claimant, evidence)) return Verdict::full;
    if (const auto refused = check_address(claimant, index, evidence, takes_address)) {
      return *refused;
    }
    if (stays_buried(claimant, evidence)) return Verdict::buried;
    index = cluster_.table.insert(claimant.to_record(node_), hash, clock_.now, node_.random);
  } else if (cluster_.table.at(index).record->address != claimant.address) {
    if (const auto refused = check_address(claimant, index, evidence, takes_address)) {
      return *refused;
    }
  }

  const std::uint32_t known = cluster_.table.at(index).incarnation;
  if (index == cluster_.self) {
    return is_older(claimant.incarnation, known) ? Verdict::older : alive_about_self(claimant);
  }
  const bool unchecked = takes_address && !node_.behaviour.checked_takeover;
  if (!is_new && !unchecked && !is_news(claimant.incarnation, cluster_.table.at(index))) {
    answer_old_claim(claimant, index, takes_address, evidence);
    return claimant.incarnation == known ? Verdict::same : Verdict::older;
  }
  take_over(claimant, index, is_new, evidence);
  return Verdict::believed;
}

/// Nearly all claims of a push/pull are about a member that is alive, at the same address and with
/// the same incarnation, whose versions are those of this node. No rule can come to another verdict
/// on them, so they are told apart before the rules.
bool Membership::repeats_what_is_known(const wire::Alive& claim, MemberIndex index) const {
  if (index == cluster_.self || node_.policy != nullptr) return false;
  const MemberEntry& known = cluster_.table.at(index);
  if (known.status != MemberStatus::alive || claim.incarnation != known.incarnation) return false;
  const std::array<std::byte, 6> versions = version_bytes(*cluster_.self_entry().record);
  if (claim.vsn.size() < versions.size() ||
      !std::ranges::equal(claim.vsn.first(versions.size()), versions)) {
    return false;
  }
  const std::optional<IpAddress> ip = IpAddress::from_bytes(claim.addr);
  return ip && node_.member_address(*ip, claim.port) == known.record->address &&
         claim.meta.size() <= limits::kMetaBytes;
}

/// Never back to an older incarnation, not even at a new address: the claim may be stale. But a
/// member that is there, and is dead or left to us or begins again from an older incarnation,
/// learns what we remember, and refutes upward.
void Membership::answer_old_claim(const Claimant& claimant, MemberIndex index, bool takes_address,
                                  const Evidence& evidence) {
  if (!node_.behaviour.told_contacts) return;
  const MemberEntry& entry = cluster_.table.at(index);
  const bool by_itself = evidence.source != nullptr && *evidence.source == claimant.address;
  const bool begins_again = by_itself && is_older(claimant.incarnation, entry.incarnation);
  if (takes_address || !entry.live() || begins_again) teller_.tell(index, claimant.address);
}

/// A peer has an outdated view of this node: it is sent the current one.
void Membership::answer_old_accusation(MemberIndex index, const Evidence& evidence) {
  if (index != cluster_.self || evidence.kind != Cause::Kind::gossip) return;
  if (!node_.behaviour.told_contacts) return;
  if (node_.life != Life::here || evidence.source == nullptr) return;
  if (is_live_at(*evidence.source)) return teller_.tell(cluster_.self, *evidence.source);
  teller_.answer(*evidence.source);
}

void Membership::answer_accuser(const Address& accuser) {
  if (!node_.behaviour.answered_accusers) return;
  if (node_.life == Life::here && !is_live_at(accuser)) teller_.answer(accuser);
}

bool Membership::is_live_at(const Address& address) const {
  const MemberIndex member = cluster_.table.find(address);
  return member != kNoMember && cluster_.table.at(member).live();
}

/// Rules 1 and 2, and what no member may be: without versions, address or name (poison).
std::optional<Membership::Verdict> Membership::check_claim(const wire::Alive& claim,
                                                           const Evidence& evidence,
                                                           Claimant& out) {
  if (claim.node.empty()) return drop_poison(claim, evidence, "it has no name");
  if (claim.vsn.size() < 6) return drop_poison(claim, evidence, "it has no versions");
  const std::optional<IpAddress> ip = IpAddress::from_bytes(claim.addr);
  if (!ip || ip->is_unspecified() || ip->is_multicast()) {
    return drop_poison(claim, evidence, "it has no usable address");
  }
  if (claim.node.size() > limits::kNameBytes || claim.meta.size() > limits::kMetaBytes) {
    ++journal_.counters.dropped_limit;
    journal_.log_peer(LogCause::limit, LogLevel::warning, peer_text(evidence), [&] {
      return fmt::format(
          "alive message refused: a name of {} bytes (at most {}) with meta data of {} (at most "
          "{})",
          claim.node.size(), limits::kNameBytes, claim.meta.size(), limits::kMetaBytes);
    });
    return Verdict::limit;
  }
  out = {claim.node,          node_.member_address(*ip, claim.port), claim.meta,
         range_of(claim.vsn), range_of(claim.vsn.subspan(3)),        claim.incarnation};
  const VersionRange& versions = out.protocol;
  if (versions.min == 0 || versions.max == 0 || versions.min > versions.max) {
    return drop_poison(claim, evidence, "its versions are invalid");
  }
  if (claim.node == cluster_.self_name()) return {};  // whatever it says, it is answered
  if (const auto refused = check_versions(claim, out, evidence)) return refused;
  if (node_.policy == nullptr) return {};
  const Result<void> verdict = node_.policy->notify_alive(*out.to_record(node_));
  if (verdict) return {};
  const std::uint64_t subject = journal_.subject(claim.node);
  journal_.log_state(LogCause::veto, subject, LogLevel::warning, peer_text(evidence), [&] {
    return LogLine(fmt::format("member {} is refused: {}", escape_for_log(claim.node),
                               escape_controls(verdict.error().message)),
                   {{"member", escape_for_log(claim.node)},
                    {"error", std::string(to_string(verdict.error().code))}});
  });
  return Verdict::vetoed;
}

/// Rule 1: a member whose versions do not fit would stop each merge for as long as it is believed.
std::optional<Membership::Verdict> Membership::check_versions(const wire::Alive& claim,
                                                              const Claimant& claimant,
                                                              const Evidence& evidence) {
  const MemberVersions versions{claimant.protocol, claimant.delegate_protocol};
  if (!versions.sound()) {
    return drop_poison(claim, evidence, "its version is outside of its own range");
  }
  if (versions.fit(versions_of(*cluster_.self_entry().record))) return {};
  return drop_poison(claim, evidence, "its versions do not fit those of this node");
}

/// Is there a place for one more member? The dead and left count until they are forgotten.
bool Membership::check_room(const Claimant& claimant, const Evidence& evidence) {
  if (cluster_.table.size() < node_.config.max_members) return true;
  ++journal_.counters.dropped_limit;
  journal_.log_state(LogCause::full, 0, LogLevel::error, peer_text(evidence), [&] {
    return LogLine(
        fmt::format(
            "member {} refused: the table already has {} members, the maximum set by max_members",
            escape_for_log(claimant.name), node_.config.max_members),
        {{"member", escape_for_log(claimant.name)}});
  });
  return false;
}

/// Rule 3: may this name be at this address? A verdict: no, and the message was dealt with.
std::optional<Membership::Verdict> Membership::check_address(const Claimant& claimant,
                                                             MemberIndex index,
                                                             const Evidence& evidence,
                                                             bool& takes_address) {
  if (!node_.allowed(claimant.address.ip)) {
    ++journal_.counters.dropped_network;
    const std::uint64_t subject = journal_.subject(claimant.name);
    journal_.log_state(LogCause::network, subject, LogLevel::warning, peer_text(evidence), [&] {
      return LogLine(
          fmt::format("member {} refused: {} is in none of the allowed networks",
                      escape_for_log(claimant.name), claimant.address.ip.to_string()),
          {{"member", escape_for_log(claimant.name)}, {"address", claimant.address.to_string()}});
    });
    return Verdict::network;
  }
  if (index == kNoMember) return {};
  const MemberEntry& entry = cluster_.table.at(index);
  const Duration reclaim = node_.config.dead_node_reclaim_time;
  takes_address = entry.status == MemberStatus::left ||
                  (entry.status == MemberStatus::dead && reclaim > Duration::zero() &&
                   clock_.now - entry.since > reclaim);
  if (takes_address) return {};
  report_conflict(claimant, index, evidence);
  return Verdict::conflict;
}

void Membership::report_conflict(const Claimant& claimant, MemberIndex index,
                                 const Evidence& evidence) {
  const std::uint64_t subject =
      journal_.subject(claimant.name) ^ journal_.subject(claimant.address);
  journal_.log_state(LogCause::conflict, subject, LogLevel::warning, peer_text(evidence), [&] {
    const std::string known = cluster_.table.at(index).record->address.to_string();
    return LogLine(
        fmt::format("name conflict: {} is known at {}, but another node claims the name at {}",
                    escape_for_log(claimant.name), known, claimant.address.to_string()),
        {{"member", escape_for_log(claimant.name)},
         {"address", claimant.address.to_string()},
         {"known_address", known}});
  });
  if (!conflicts_.take(clock_.now)) {
    ++journal_.counters.dropped_limit;
    return;
  }
  // Not about this node itself: the other one would answer in the same way, and so on.
  if (index != cluster_.self && node_.behaviour.told_contacts) {
    teller_.tell(index, claimant.address);
  }
  out_.push(MemberEvent{MemberEventKind::conflict, cluster_.table.view(index), claimant.address,
                        evidence.to_cause(clock_.input), index == cluster_.self});
}

/// A forgotten member comes back with a greater incarnation, or by its own message. Other claims
/// about it without a greater one may be old; if a live member is there, it learns what this node
/// remembers, and refutes with a greater one.
bool Membership::stays_buried(const Claimant& claimant, const Evidence& evidence) {
  cluster_.forget_old_tombstones();
  const Tombstone* tombstone = cluster_.tombstones.find(claimant.name);
  if (tombstone == nullptr) return false;
  if (within_a_jump(tombstone->incarnation, claimant.incarnation)) {
    teller_.tell(*tombstone, claimant.address);
    if (evidence.speaker == nullptr || *evidence.speaker != claimant.address) {
      ++journal_.counters.dropped_buried;
      return true;
    }
  }
  cluster_.tombstones.remove(claimant.name);
  return false;
}

/// Two nodes that advertise one address cannot both be reached; the one that is not learns it here.
void Membership::warn_of_own_address(const Claimant& claimant, const Evidence& evidence) {
  if (claimant.address != node_.advertise) return;
  const std::uint64_t subject =
      journal_.subject(claimant.name) ^ journal_.subject(claimant.address);
  journal_.log_state(LogCause::conflict, subject, LogLevel::warning, peer_text(evidence), [&] {
    return LogLine(
        fmt::format("member {} is known at {}, the address that this node advertises: either it is "
                    "a former name of this node, or one of the two advertises a wrong address",
                    escape_for_log(claimant.name), claimant.address.to_string()),
        {{"member", escape_for_log(claimant.name)}, {"address", claimant.address.to_string()}});
  });
}

/// Rule 5 about this node: the claim did not come from this node.
Membership::Verdict Membership::alive_about_self(const Claimant& claimant) {
  const MemberEntry& self = cluster_.self_entry();
  if (claimant.incarnation == self.incarnation && claimant.same_but_address(*self.record)) {
    return Verdict::same;
  }
  self_announcer_.refute(claimant.incarnation);
  return Verdict::refuted;
}

/// Rules 5 and 6: the claim is new, and is applied.
void Membership::take_over(const Claimant& claimant, MemberIndex index, bool is_new,
                           const Evidence& evidence) {
  warn_of_own_address(claimant, evidence);
  if (const std::optional<Suspicion> refuted = drop_suspicion(index)) {
    ++journal_.counters.suspicions_refuted;
    trace_suspicion(*refuted, claimant.name, trace::SuspicionChanged::Step::refuted);
  }
  ++journal_.counters.alive_believed;
  MemberEntry& entry = cluster_.table.at(index);
  const MemberStatus before = entry.status;
  const bool meta_changed = as_text(entry.record->meta) != as_text(claimant.meta);
  if (!claimant.says_the_same_as(*entry.record)) {
    cluster_.table.replace_record(index, claimant.to_record(node_));
  }
  cluster_.table.set_incarnation(index, claimant.incarnation);
  cluster_.table.set_status(index, MemberStatus::alive, clock_.now);
  if (is_new && evidence.first_join) {
    queues_.learned_by_join.add(index, clock_.input);
  } else {
    news_.broadcast(index, AliveMessage(entry).get());
  }

  const bool was_gone = before == MemberStatus::dead || before == MemberStatus::left;
  if (before != MemberStatus::alive && !is_new) news_.emit(MemberEventKind::alive, index, evidence);
  if (was_gone) {
    news_.emit(MemberEventKind::join, index, evidence);
  } else if (meta_changed) {
    news_.emit(MemberEventKind::update, index, evidence);
  }
}

void Membership::suspect(const wire::Suspect& claim, const Evidence& evidence) {
  ++journal_.counters.suspect_messages;
  const Verdict verdict = judge(claim, evidence);
  trace_claim(trace::ClaimKind::suspect, claim, evidence, verdict);
}

Membership::Verdict Membership::judge(const wire::Suspect& claim, const Evidence& evidence) {
  const MemberIndex index = cluster_.table.find(claim.node);
  if (index == kNoMember) return Verdict::unknown;
  MemberEntry& entry = cluster_.table.at(index);
  if (!within_a_jump(claim.incarnation, entry.incarnation)) {
    answer_old_accusation(index, evidence);
    return Verdict::older;
  }
  if (RunningSuspicion* const running = cluster_.table.suspicion(index)) {
    if (!running->suspicion.confirm(claim.from)) return Verdict::repeated;
    clock_.timers.reschedule(running->timer, running->suspicion.deadline());
    news_.broadcast(index, claim);
    trace_suspicion(running->suspicion, claim.node, trace::SuspicionChanged::Step::confirmed);
    return Verdict::confirmed;
  }
  if (entry.status != MemberStatus::alive) return Verdict::not_live;
  if (index == cluster_.self) {
    journal_.log_peer(LogCause::refutation, LogLevel::warning, peer_text(evidence), [&] {
      return LogLine(fmt::format("refuting a suspicion against this node (from {})",
                                 escape_for_log(claim.from)),
                     {{"accuser", escape_for_log(claim.from)}});
    });
    self_announcer_.refute(claim.incarnation);
    if (evidence.kind == Cause::Kind::gossip && evidence.source != nullptr) {
      answer_accuser(*evidence.source);
    }
    return Verdict::refuted;
  }
  news_.broadcast(index, claim);
  cluster_.table.set_incarnation(index, claim.incarnation);
  cluster_.table.set_status(index, MemberStatus::suspect, clock_.now);
  start_suspicion(index, claim.from);
  news_.emit(MemberEventKind::suspect, index, evidence);
  return Verdict::believed;
}

void Membership::start_suspicion(MemberIndex index, std::string_view accuser) {
  const std::size_t n = cluster_.counted();
  const std::uint32_t k =
      node_.behaviour.lha_suspicion ? expected_confirmations(node_.config.suspicion_mult, n) : 0;
  const Duration min =
      suspicion_min_timeout(node_.config.suspicion_mult, n, node_.probe_interval());
  const Duration max = min * node_.config.suspicion_max_timeout_mult;
  auto& [suspicion, timer] = cluster_.table.start_suspicion(
      index, Suspicion(clock_.now, accuser, k, min, max, clock_.input));
  timer = clock_.timers.schedule(suspicion.deadline(), {TimerEvent::Kind::suspicion, index});
  ++journal_.counters.suspicions_started;
  trace_suspicion(suspicion, cluster_.table.at(index).record->name,
                  trace::SuspicionChanged::Step::started);
}

/// One probe's time is left after the first pause, so that what has arrived can be read and the
/// suspect member can be probed once more.
void Membership::forgive(Duration stood_still) {
  for (const MemberIndex index : cluster_.table.probe_list()) {
    RunningSuspicion* const running = cluster_.table.suspicion(index);
    if (running == nullptr) continue;
    running->suspicion.forgive(clock_.now, stood_still, node_.probe_interval());
    clock_.timers.reschedule(running->timer, running->suspicion.deadline());
  }
}

std::optional<Suspicion> Membership::drop_suspicion(MemberIndex index) {
  std::optional<RunningSuspicion> ended = cluster_.table.end_suspicion(index);
  if (!ended) return std::nullopt;
  clock_.timers.cancel(ended->timer);
  return std::move(ended->suspicion);
}

void Membership::suspicion_expired(MemberIndex index) {
  const std::optional<Suspicion> suspicion = drop_suspicion(index);
  MemberEntry& entry = cluster_.table.at(index);
  if (!suspicion || entry.status != MemberStatus::suspect) return;
  Evidence evidence;
  evidence.kind = Cause::Kind::suspicion_expired;
  evidence.accuser = suspicion->accusers().front();
  evidence.suspicion = &*suspicion;
  evidence.began = suspicion->input();
  if (!suspicion->confirmed()) ++journal_.counters.suspicions_degraded;
  trace_suspicion(*suspicion, entry.record->name, trace::SuspicionChanged::Step::expired);
  dead({entry.incarnation, entry.record->name, cluster_.self_name()}, evidence);
}

void Membership::dead(const wire::Dead& claim, const Evidence& evidence) {
  ++journal_.counters.dead_messages;
  const Verdict verdict = judge(claim, evidence);
  trace_claim(trace::ClaimKind::dead, claim, evidence, verdict);
}

Membership::Verdict Membership::judge(const wire::Dead& claim, const Evidence& evidence) {
  const MemberIndex index = cluster_.table.find(claim.node);
  if (index == kNoMember) return Verdict::unknown;
  MemberEntry& entry = cluster_.table.at(index);
  if (!within_a_jump(claim.incarnation, entry.incarnation)) {
    answer_old_accusation(index, evidence);
    return Verdict::older;
  }
  const std::optional<Suspicion> suspicion = drop_suspicion(index);
  if (!entry.live()) return Verdict::not_live;
  if (index == cluster_.self) {
    journal_.log_peer(LogCause::refutation, LogLevel::warning, peer_text(evidence), [&] {
      return LogLine(fmt::format("refuting a death report about this node (from {})",
                                 escape_for_log(claim.from)),
                     {{"accuser", escape_for_log(claim.from)}});
    });
    self_announcer_.refute(claim.incarnation);
    if (evidence.kind == Cause::Kind::gossip && evidence.source != nullptr) {
      answer_accuser(*evidence.source);
    }
    return Verdict::refuted;
  }
  if (suspicion) {
    trace_suspicion(*suspicion, claim.node, trace::SuspicionChanged::Step::ended);
  }
  news_.broadcast(index, claim);
  ++journal_.counters.dead_believed;
  const bool left = claim.from == claim.node;
  if (!left && (suspicion || evidence.suspicion != nullptr)) {
    ++journal_.counters.suspicions_confirmed;
  }
  cluster_.table.set_incarnation(index, claim.incarnation);
  cluster_.table.set_status(index, left ? MemberStatus::left : MemberStatus::dead, clock_.now);
  if (!left) {
    log_death(index, evidence);
    news_.emit(MemberEventKind::dead, index, evidence);
  }
  news_.emit(MemberEventKind::leave, index, evidence);
  return Verdict::believed;
}

void Membership::log_death(MemberIndex index, const Evidence& evidence) {
  const MemberRecord& record = *cluster_.table.at(index).record;
  journal_.log_peer(LogCause::death, LogLevel::info, record.address, [&] {
    const std::string name = escape_for_log(record.name);
    return LogLine(fmt::format("{} is dead: {}", name, reason_of(evidence)),
                   {{"member", name},
                    {"address", record.address.to_string()},
                    {"accuser", escape_for_log(evidence.accuser)}});
  });
}

void Membership::merge(std::span<const wire::NodeState> states, const Evidence& evidence) {
  assert(states.size() <= kMergedAtOnce);
  std::array<std::uint64_t, kMergedAtOnce> hashes{};
  for (std::size_t i = 0; i < states.size(); ++i) {
    hashes[i] = cluster_.table.hash_of(states[i].name);
  }
  cluster_.table.fetch(std::span(hashes).first(states.size()));
  for (std::size_t i = 0; i < states.size(); ++i) merge(states[i], hashes[i], evidence);
}

/// Of each kind of claim that such a state makes, the rules of `judge` change nothing.
void Membership::merge_known(const Evidence& evidence) {
  const MemberTable& table = cluster_.table;
  assert(table.count(MemberStatus::suspect) == 0);
  journal_.counters.alive_messages += table.count(MemberStatus::alive);
  journal_.counters.suspect_messages += table.count(MemberStatus::dead);
  journal_.counters.dead_messages += table.count(MemberStatus::left);
  if (!journal_.wants_trace()) return;
  for (const MemberIndex index : table.probe_list()) {
    const MemberEntry& entry = table.at(index);
    const std::string_view name = entry.record->name;
    const bool is_absent = index == cluster_.self && node_.life != Life::here;
    if (entry.status == MemberStatus::alive) {
      trace_claim(trace::ClaimKind::alive, wire::Alive{entry.incarnation, name, {}, 0, {}, {}},
                  evidence, is_absent ? Verdict::absent : Verdict::same);
    } else if (entry.status == MemberStatus::dead) {
      trace_claim(trace::ClaimKind::suspect, wire::Suspect{entry.incarnation, name, {}}, evidence,
                  Verdict::not_live);
    } else {
      Evidence by_itself = evidence;
      by_itself.accuser = name;
      trace_claim(trace::ClaimKind::dead, wire::Dead{entry.incarnation, name, name}, by_itself,
                  Verdict::not_live);
    }
  }
}

void Membership::merge(const wire::NodeState& state, std::uint64_t hash, const Evidence& evidence) {
  if (state.state < 0 || state.state > static_cast<int>(MemberStatus::left)) {
    ++journal_.counters.dropped_malformed;
    return;
  }
  switch (static_cast<MemberStatus>(state.state)) {
    case MemberStatus::alive:
      alive({state.incarnation, state.name, state.addr, state.port, state.meta, state.vsn}, hash,
            evidence);
      return;
    case MemberStatus::left: {
      Evidence by_itself = evidence;
      by_itself.accuser = state.name;
      dead({state.incarnation, state.name, state.name}, by_itself);
      return;
    }
    case MemberStatus::suspect:
    case MemberStatus::dead: {
      // No accuser's name: a node that merges a state has no evidence of its own, and must not
      // count as one more accuser (docs/differences.md).
      const bool named = !node_.behaviour.unnamed_merges;
      const auto accuser = named ? std::string_view(cluster_.self_name()) : std::string_view{};
      suspect({state.incarnation, state.name, accuser}, evidence);
      return;
    }
  }
}

wire::Suspect Membership::suspicion_of(MemberIndex index) const {
  const MemberEntry& entry = cluster_.table.at(index);
  return {entry.incarnation, entry.record->name, cluster_.self_name()};
}

Membership::Verdict Membership::drop_poison(const wire::Alive& claim, const Evidence& evidence,
                                            const char* why) {
  ++journal_.counters.dropped_poison;
  const std::uint64_t subject = journal_.subject(claim.node);
  journal_.log_state(LogCause::poison, subject, LogLevel::warning, peer_text(evidence), [&] {
    return LogLine(
        fmt::format("alive message about '{}' refused: {}", escape_for_log(claim.node), why),
        {{"member", escape_for_log(claim.node)}});
  });
  return Verdict::poison;
}

template <class Message>
void Membership::trace_claim(trace::ClaimKind kind, const Message& claim, const Evidence& evidence,
                             Verdict verdict) {
  journal_.trace([&] {
    std::optional<Address> source;
    if (evidence.source != nullptr) source = *evidence.source;
    return trace::Claim{.kind = kind,
                        .member = std::string(claim.node),
                        .incarnation = claim.incarnation,
                        .accuser = std::string(evidence.accuser),
                        .source = source,
                        .by = evidence.kind,
                        .began = evidence.began.value_or(clock_.input),
                        .verdict = verdict};
  });
}

void Membership::trace_suspicion(const Suspicion& suspicion, std::string_view member,
                                 trace::SuspicionChanged::Step step) {
  journal_.trace([&] {
    return trace::SuspicionChanged{
        .member = std::string(member),
        .step = step,
        .began = suspicion.input(),
        .confirmations = suspicion.confirmations(),
        .left = std::max(suspicion.deadline() - clock_.now, Duration::zero())};
  });
}

}  // namespace memberlist::swim
