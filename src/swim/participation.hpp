#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "swim/cluster_view.hpp"
#include "swim/gossip.hpp"
#include "swim/gossip_queues.hpp"
#include "swim/local_node.hpp"
#include "swim/operations.hpp"
#include "swim/output_queue.hpp"
#include "swim/push_pull_schedule.hpp"
#include "swim/self_announcer.hpp"
#include "swim/streams.hpp"

namespace memberlist::swim {

/// The joins, the leave and the change of address under way.
struct ParticipationState {
  struct Join {
    std::vector<JoinTarget> targets;
    JoinLimits how;
    std::size_t next = 0;    // the first target not yet dialled
    std::size_t active = 0;  // exchanges under way
    OperationOutcome outcome;
    std::optional<Error> stopped = std::nullopt;  // why it did not try all that it could
    std::optional<Error> taken = std::nullopt;    // another member has this node's name
  };
  struct JoinStep {
    OperationId join{};
    std::size_t target = 0;
  };

  // A change of this node's address: it has announced its leave, and comes back once all have
  // received that.
  struct Move {
    OperationId id{};
    Address to;
    int leaves = 0;  // remaining rounds of the leave message, each sent as often as any update
  };

  std::unordered_map<std::uint64_t, Join> joins_;      // by operation
  std::unordered_map<std::uint64_t, JoinStep> steps_;  // by stream
  std::optional<OperationId> leave_;
  std::optional<Move> move_;
};

/// What a Participation reads and changes.
struct ParticipationUses {
  LocalNode& node_;
  ClusterView& cluster_;
  GossipQueues& queues_;
  OutputQueue& out_;
  SelfAnnouncer& self_announcer_;
  Streams& streams_;
  PushPullSchedule& push_pull_schedule_;
  Gossiper& gossiper_;
  Operations& operations_;
};

/// This node's own coming, changing and going (protocol 6: join, update node, leave).
class Participation : ParticipationState, ParticipationUses {
 public:
  explicit Participation(const ParticipationUses& uses) : ParticipationUses(uses) {}
  Participation(const Participation& other, const ParticipationUses& uses)
      : ParticipationState(other), ParticipationUses(uses) {}

  [[nodiscard]] Result<OperationId> join(std::vector<JoinTarget> targets, const JoinLimits& how);
  [[nodiscard]] Result<OperationId> leave(Duration timeout);
  [[nodiscard]] Result<OperationId> update_meta(BytesView meta, Duration timeout);
  [[nodiscard]] Result<OperationId> advertise(const Address& address, Duration timeout);

  /// A push/pull has ended; it may be one of a join.
  void on_push_pull_ended(StreamId id, const Result<void>& result);
  /// Ends a join with what it has reached so far. False: it is none.
  bool stop_join(OperationId id, const Error& why);
  /// This operation no longer waits for its announcement to be sent.
  void stop_waiting(OperationId id, Error why);
  /// Completes operations that waited for broadcasts that have been sent. To be called after each
  /// input.
  void settle();

 private:
  void advance(OperationId id);
  [[nodiscard]] std::vector<StreamId> exchanges_of(OperationId id) const;
  void stop_joins(const Error& why);
  void drop_exchanges(OperationId id, const Error& why);
  void end_as_taken(OperationId id, const Error& why);
  void finish_join(OperationId id);
  void go_on_leaving();
  void go_on_moving();
  void come_back(Move move);
  void remember_address(const Address& address);

  std::vector<BroadcastToken> finished_;
};

}  // namespace memberlist::swim
