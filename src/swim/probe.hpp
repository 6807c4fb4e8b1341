#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/limits.hpp"
#include "base/secrets.hpp"
#include "memberlist/trace.hpp"
#include "swim/clock.hpp"
#include "swim/cluster_view.hpp"
#include "swim/gossip_queues.hpp"
#include "swim/journal.hpp"
#include "swim/local_health.hpp"
#include "swim/local_node.hpp"
#include "swim/membership.hpp"
#include "swim/operations.hpp"
#include "swim/packets.hpp"
#include "swim/rate_limit.hpp"
#include "swim/streams.hpp"
#include "wire/messages.hpp"

namespace memberlist::swim {

/// What is awaited, and where the prober stands in its list.
struct ProberState {
  /// A running probe of this node.
  struct Probe {
    std::string target;  // by name: its slot in the table may belong to another member by then
    Address address;
    std::uint32_t incarnation = 0;  // that is probed: a failure says nothing about a later one
    std::uint64_t began = 0;        // the number of the input that began it
    TimePoint sent;
    TimePoint deadline;
    Duration forgivable{};  // how much longer it may last because this node stood still
    TimerHandle timeout_timer;
    TimerHandle deadline_timer;
    std::uint32_t indirect_probes = 0;
    std::uint32_t expected_nacks = 0;
    std::uint32_t nacks = 0;
    bool indirect = false;    // the direct ping was given up
    bool stream_ack = false;  // TCP got through
    bool repeated = false;    // an answer may belong to the first ping: no round-trip time is known
  };
  /// A ping sent on behalf of another member.
  struct Relay {
    Address requester;
    IpAddress asked;  // our address, as the requester has it
    std::uint32_t requester_seq_no = 0;
    TimerHandle timeout_timer;
    TimerHandle end_timer;
    bool wants_nack = false;
  };
  struct HandPing {
    OperationId operation{};
    std::string target;
    TimePoint sent;
    Duration timeout{};
    TimerHandle timer;
  };
  using Awaited = std::variant<Probe, Relay, HandPing>;

  std::unordered_map<std::uint32_t, Awaited> awaited_;  // by sequence number
  std::size_t relays_ = 0;
  std::size_t hand_pings_ = 0;
  RateLimit answered_strangers_{limits::kAnswersToStrangersPerSecond};
  RateLimit pinged_strangers_{limits::kPingsOfStrangersPerSecond};
  std::size_t next_in_list_ = 0;
  std::uint64_t tcp_only_in_a_row_ = 0;  // and not a single packet since the first of them
  std::uint64_t packets_before_tcp_only_ = 0;
  SecretNumbers seq_nos_;

  explicit ProberState(const SipKey& seq_nos) : seq_nos_(seq_nos) {}
};

/// What a Prober reads and changes.
struct ProberUses {
  Clock& clock_;
  LocalNode& node_;
  ClusterView& cluster_;
  GossipQueues& queues_;
  LocalHealth& health_;
  Journal& journal_;
  PacketSender& packets_;
  Membership& membership_;
  Teller& teller_;
  Streams& streams_;
  Operations& operations_;
};

/// Failure detection (protocol 5): probes one member after another, directly, then through others
/// and by TCP; serves others' probes, and pings of the application.
class Prober : ProberState, ProberUses {
 public:
  explicit Prober(const ProberUses& uses)
      : ProberState(uses.node_.secrets.sequence_numbers), ProberUses(uses) {}
  Prober(const Prober& other, const ProberUses& uses) : ProberState(other), ProberUses(uses) {}

  /// Plans the first tick, after a random part of the interval.
  void start();
  void tick();
  /// Forgets members that have been dead or left for longer than `gossip_to_the_dead_time`, except
  /// for their tombstones, and shuffles the probe list. Happens at each wrap-around of the list;
  /// called from elsewhere if probes are off.
  void forget_the_dead();

  /// This node was paused, and may have missed the answers to its probes. Each running probe is
  /// repeated from its ping on, once. From the second time on a probe is only extended, at most
  /// doubled: a node that is paused again and again still detects dead members.
  void forgive(Duration stood_still);

  // `asked` is the own address that was asked, from which the answer leaves.
  void on_ping(const wire::Ping& ping, const Address& from, const IpAddress& asked);
  void on_indirect_ping(const wire::IndirectPing& request, const Address& from,
                        const IpAddress& asked);
  void on_ack(const wire::Ack& ack);
  void on_nack(const wire::Nack& nack);
  /// The fallback ping of a probe was answered by TCP.
  void on_stream_ack(std::uint32_t seq_no);
  /// A packet could not be sent there. Where the address is unreachable, its probes need not wait.
  void on_send_error(const Address& to, const Error& error);

  void probe_timeout(std::uint32_t seq_no);
  void probe_deadline(std::uint32_t seq_no);
  void relay_timeout(std::uint32_t seq_no);
  void relay_end(std::uint32_t seq_no);
  void ping_timeout(std::uint32_t seq_no);

  /// One ping by hand, of the member with this name.
  [[nodiscard]] Result<OperationId> ping(std::string_view member, std::optional<Duration> timeout);
  /// Ends the ping of this operation. False: it is none.
  bool stop_ping(OperationId operation, const Error& why);

 private:
  // `dead` becomes the first member, if any, that is passed over and died lately.
  [[nodiscard]] MemberIndex next_in_list(MemberIndex& dead);
  [[nodiscard]] MemberIndex next_target(MemberIndex& dead);
  [[nodiscard]] bool is_passed_over(const Suspicion& suspicion) const;
  [[nodiscard]] bool died_lately(const MemberEntry& entry) const;
  [[nodiscard]] bool leaves_out_tick() const;
  void probe_next();
  void start_probe(MemberIndex target);
  void repeat(std::uint32_t seq_no, Probe& probe);
  void extend(Probe& probe, Duration stood_still);
  void plan(std::uint32_t seq_no, Probe& probe);
  void ping_target(std::uint32_t seq_no, MemberIndex target);
  /// The numbers of those probes under way that `wanted` accepts, in order.
  template <class Wanted>
  [[nodiscard]] std::vector<std::uint32_t> probes_under_way(Wanted&& wanted) const;
  void go_indirect(std::uint32_t seq_no, Probe& probe);
  [[nodiscard]] bool may_ping_by_stream(const MemberRecord& target) const;
  void ask_others(std::uint32_t seq_no, Probe& probe, MemberIndex target);
  [[nodiscard]] int penalty_of(const Probe& probe, const RunningSuspicion* running) const;
  void answered_directly(const Probe& probe, BytesView payload);
  void note_tcp_only(const Probe& probe);
  void note_udp(const Probe& probe);
  void succeed(Probe& probe);
  void fail(const Probe& probe);
  void trace_answer(const Probe& probe, trace::ProbeAnswer::Kind kind);
  void trace_end(const Probe& probe, trace::ProbeEnded::Result result);
  void send_ping(std::uint32_t seq_no, const Address& to, std::string_view node,
                 const wire::Suspect* suspicion);
  [[nodiscard]] std::optional<Address> answer_address(BytesView source_addr,
                                                      std::uint16_t source_port,
                                                      const Address& from);
  [[nodiscard]] bool may_send_to(const Address& to, const Address& asked_by, RateLimit& strangers);
  [[nodiscard]] std::uint32_t new_seq_no();
  template <class T>
  T* find(std::uint32_t seq_no);

  std::vector<MemberIndex> picked_;
  std::vector<ForgottenMember> forgotten_;
  Bytes encoded_;
  Bytes encoded_suspicion_;
};

}  // namespace memberlist::swim
