#pragma once

#include <cstddef>

#include "memberlist/language.hpp"

namespace memberlist {

/// Switches of an engine's behaviour, for simulation and comparison only: the defaults are the
/// product, and nothing else is meant for production. Each can be turned off for itself, and then
/// its part of the engine does what its comment says after 'off'. On the wire nothing changes.
struct Behaviour {
  /// @name Lifeguard
  /// The three parts of arXiv 1707.00788, section IV. With all of them off, failures are detected
  /// as in SWIM with suspicion.
  /// @{

  /// LHA-Probe: the health score lengthens this node's probe interval and timeout; nacks tell
  /// whether missing answers count against it. Off: the score stays 0, and no nacks are requested.
  bool lha_probe = true;
  /// LHA-Suspicion: a suspicion lasts for the greatest time at first, and independent accusations
  /// shorten it to the least. Off: it lasts for the least time (SWIM, section 4.2), and only the
  /// first accusation is passed on.
  bool lha_suspicion = true;
  /// Buddy system: a suspect is told that it is suspect by those whose turn it is to probe it, with
  /// the ping, or in its place (`skipped_accused`). Off: they do not tell it.
  bool buddy_system = true;

  /// @}
  /// @name What this library adds to failure detection
  /// The Go library has none of it (docs/differences.md).
  /// @{

  /// A node that was paused distrusts itself (protocol 5, 'Stalls'). Off: it finds all deadlines
  /// passed.
  bool stall_rule = true;
  /// A helper sends its nack after this share of the time that the prober has left, in percent, 1
  /// to 100; Lifeguard has 80. 0: after `Config::probe_timeout`, as the Go library.
  std::size_t nack_percent = 80;
  /// The probe interval grows with the health score. Off: probes begin at the plain interval, and
  /// those for which an earlier probe leaves no time are left out.
  bool slowed_interval = true;
  /// The timeout of the direct ping grows with the health score. Off: it does not.
  bool scaled_timeout = true;
  /// Established members are asked for indirect probes first, and only their nacks are expected; a
  /// failed probe of a member that others accuse, too, does not change the health score. Off: any
  /// member is asked, and each missing nack counts.
  bool chosen_helpers = true;
  /// A member that this node accuses already is passed over in the round of probes. Off: it is
  /// probed again.
  bool skipped_accused = true;
  /// An ack for an indirect ping is relayed until the probe interval is over. Off: it is lost after
  /// the nack.
  bool late_acks = true;

  /// @}
  /// @name Where the Go library chooses otherwise about members and gossip
  /// docs/differences.md says what follows from each.
  /// @{

  /// A member that is suspect or dead in a merged state becomes suspect without an accuser. Off:
  /// this node accuses it.
  bool unnamed_merges = true;
  /// A member that has left, or may be reclaimed, takes another address with a greater incarnation
  /// only. Off: with any.
  bool checked_takeover = true;
  /// A forgotten member is remembered by a tombstone. Off: any alive message brings it back.
  bool tombstones = true;
  /// Who contacts this node, or claims to be alive, and is something else here is told so. Off: it
  /// learns it by gossip or push/pull.
  bool told_contacts = true;
  /// One dead member is told in each probe interval that it is dead. Off: only gossip tells it.
  bool told_dead = true;
  /// A refutation also goes to the accuser if that is dead here. Off: it is gossiped only.
  bool answered_accusers = true;
  /// All targets of gossip but one are alive. Off: the suspect and the recently dead have the same
  /// chances.
  bool living_targets = true;
  /// All targets of a gossip tick get the same updates. Off: each gets the next ones of the queue.
  bool same_news = true;
  /// User broadcasts go to every member in turn, twice, in the order of their calls. Off: they ride
  /// on the packets of updates about members, as often as those, the last one first.
  bool user_turns = true;
  /// After a join, one more push/pull follows with a random member. Off: only the periodic ones.
  bool push_pull_after_join = true;
  /// What a node learns by its first join is gossiped in one tick, after all news. Off: as often as
  /// news.
  bool told_once_by_newcomers = true;
  /// A join contacts as many addresses at once as `JoinLimits::parallel` allows. Off: one after
  /// another.
  bool parallel_joins = true;
  /// The first round of gossip about this node's leave goes out at once. Off: at the next tick.
  bool prompt_leave = true;
  /// The formulas of suspicion, retransmission and push/pull take the number of live members. Off:
  /// of all that are not forgotten yet.
  bool counts_the_living = true;

  /// @}

  /// The choices of the Go library (v0.7.0) for all of these: a member with them stands for one of
  /// that library, as far as these switches go. Lifeguard is on.
  [[nodiscard]] static constexpr Behaviour go() noexcept;

  /// Equal in all switches.
  friend bool operator==(const Behaviour&, const Behaviour&) = default;
};

constexpr Behaviour Behaviour::go() noexcept {
  return {.stall_rule = false,
          .nack_percent = 0,
          .slowed_interval = false,
          .scaled_timeout = false,
          .chosen_helpers = false,
          .skipped_accused = false,
          .late_acks = false,
          .unnamed_merges = false,
          .checked_takeover = false,
          .tombstones = false,
          .told_contacts = false,
          .told_dead = false,
          .answered_accusers = false,
          .living_targets = false,
          .same_news = false,
          .user_turns = false,
          .push_pull_after_join = false,
          .told_once_by_newcomers = false,
          .parallel_joins = false,
          .prompt_leave = false,
          .counts_the_living = false};
}

}  // namespace memberlist
