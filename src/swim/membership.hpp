#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/limits.hpp"
#include "memberlist/trace.hpp"
#include "swim/clock.hpp"
#include "swim/cluster_view.hpp"
#include "swim/evidence.hpp"
#include "swim/gossip_queues.hpp"
#include "swim/journal.hpp"
#include "swim/local_node.hpp"
#include "swim/member_news.hpp"
#include "swim/output_queue.hpp"
#include "swim/rate_limit.hpp"
#include "swim/self_announcer.hpp"
#include "swim/teller.hpp"
#include "wire/messages.hpp"

namespace memberlist::swim {

/// What Membership remembers beside the table.
struct MembershipState {
  RateLimit conflicts_{limits::kConflictsPerSecond};
};

/// What a Membership reads and changes.
struct MembershipUses {
  Clock& clock_;
  LocalNode& node_;
  ClusterView& cluster_;
  GossipQueues& queues_;
  Journal& journal_;
  OutputQueue& out_;
  Teller& teller_;
  MemberNews& news_;
  SelfAnnouncer& self_announcer_;
};

/// The rules of membership (protocol 6): what alive, suspect and dead messages do to the table,
/// whatever way they came, and what is passed on.
class Membership : MembershipState, MembershipUses {
 public:
  explicit Membership(const MembershipUses& uses) : MembershipUses(uses) {}
  Membership(const Membership& other, const MembershipUses& uses)
      : MembershipState(other), MembershipUses(uses) {}

  /// Puts members into the table, and this node, too, if it is among them (EngineEnvironment).
  void add_known(std::span<const Member> members);

  void alive(const wire::Alive& claim, const Evidence& evidence);
  void suspect(const wire::Suspect& claim, const Evidence& evidence);
  void dead(const wire::Dead& claim, const Evidence& evidence);
  /// Member states of a push/pull, one after another; at most `kMergedAtOnce`.
  void merge(std::span<const wire::NodeState> states, const Evidence& evidence);
  /// The states of a push/pull that are those of the table, with no suspect member among them.
  void merge_known(const Evidence& evidence);
  static constexpr std::size_t kMergedAtOnce = 16;
  /// This node has refuted what a node at this address said. The refutation is gossiped to live
  /// members; if the accuser is none of them, as after a partition, it is told by itself.
  void answer_accuser(const Address& accuser);
  /// The timer of a member's suspicion has fired.
  void suspicion_expired(MemberIndex index);

  /// This node was paused. That does not count against suspect members, within the bounds of
  /// Suspicion::forgive: their messages from that time are lost, or still to be read.
  void forgive(Duration stood_still);

  /// The suspect message that this node would send about a member.
  [[nodiscard]] wire::Suspect suspicion_of(MemberIndex index) const;

 private:
  using Verdict = trace::Verdict;
  struct Claimant;  // a checked alive message

  MemberIndex add_known(const Member& member);

  // `hash`: of the member's name, in the table.
  void alive(const wire::Alive& claim, std::uint64_t hash, const Evidence& evidence);
  void merge(const wire::NodeState& state, std::uint64_t hash, const Evidence& evidence);

  // Apply a claim if it is to be believed, and say what became of it.
  Verdict judge(const wire::Alive& claim, std::uint64_t hash, const Evidence& evidence);
  Verdict judge(const wire::Suspect& claim, const Evidence& evidence);
  Verdict judge(const wire::Dead& claim, const Evidence& evidence);

  [[nodiscard]] bool repeats_what_is_known(const wire::Alive& claim, MemberIndex index) const;
  std::optional<Verdict> check_claim(const wire::Alive& claim, const Evidence& evidence,
                                     Claimant& out);
  std::optional<Verdict> check_versions(const wire::Alive& claim, const Claimant& claimant,
                                        const Evidence& evidence);
  bool check_room(const Claimant& claimant, const Evidence& evidence);
  std::optional<Verdict> check_address(const Claimant& claimant, MemberIndex index,
                                       const Evidence& evidence, bool& takes_address);
  bool stays_buried(const Claimant& claimant, const Evidence& evidence);
  void report_conflict(const Claimant& claimant, MemberIndex index, const Evidence& evidence);
  void answer_old_claim(const Claimant& claimant, MemberIndex index, bool takes_address,
                        const Evidence& evidence);
  [[nodiscard]] bool is_live_at(const Address& address) const;
  void answer_old_accusation(MemberIndex index, const Evidence& evidence);
  void warn_of_own_address(const Claimant& claimant, const Evidence& evidence);
  Verdict alive_about_self(const Claimant& claimant);
  void take_over(const Claimant& claimant, MemberIndex index, bool is_new,
                 const Evidence& evidence);
  void start_suspicion(MemberIndex index, std::string_view accuser);
  std::optional<Suspicion> drop_suspicion(MemberIndex index);
  void log_death(MemberIndex index, const Evidence& evidence);
  Verdict drop_poison(const wire::Alive& claim, const Evidence& evidence, const char* why);
  template <class Message>
  void trace_claim(trace::ClaimKind kind, const Message& claim, const Evidence& evidence,
                   Verdict verdict);
  void trace_suspicion(const Suspicion& suspicion, std::string_view member,
                       trace::SuspicionChanged::Step step);
};

}  // namespace memberlist::swim
