#pragma once

#include "base/byte_writer.hpp"
#include "base/limits.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/event.hpp"
#include "swim/clock.hpp"
#include "swim/cluster_view.hpp"
#include "swim/evidence.hpp"
#include "swim/gossip_queues.hpp"
#include "swim/output_queue.hpp"
#include "wire/messages.hpp"

namespace memberlist::swim {

/// What a MemberNews reads and changes.
struct MemberNewsUses {
  const Clock& clock_;
  const ClusterView& cluster_;
  GossipQueues& queues_;
  OutputQueue& out_;
};

/// Passes on what has changed about a member: to the other nodes, and to the application.
class MemberNews : MemberNewsUses {
 public:
  explicit MemberNews(const MemberNewsUses& uses) : MemberNewsUses(uses) {}

  /// Queues a message for gossip, replacing what is queued about this member; `token` is finished
  /// when the message was sent.
  template <class Message>
  void broadcast(MemberIndex index, const Message& message, BroadcastToken token = 0);
  /// Puts an event out.
  void emit(MemberEventKind kind, MemberIndex index, const Evidence& evidence);

 private:
  Bytes encoded_;  // kept, so that forwarding an update allocates nothing
};

template <class Message>
void MemberNews::broadcast(MemberIndex index, const Message& message, BroadcastToken token) {
  encoded_.clear();
  ByteWriter writer(encoded_);
  wire::encode(writer, message);
  queues_.member_broadcasts.queue_member(index, encoded_, token, clock_.input);
  queues_.member_broadcasts.prune(cluster_.table.size(), limits::kQueuedBroadcastBytes);
}

inline void MemberNews::emit(MemberEventKind kind, MemberIndex index, const Evidence& evidence) {
  out_.push(MemberEvent{kind, cluster_.table.view(index), std::nullopt,
                        evidence.to_cause(clock_.input), index == cluster_.self});
}

}  // namespace memberlist::swim
