#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "memberlist/bytes.hpp"
#include "memberlist/error.hpp"
#include "memberlist/export.hpp"
#include "memberlist/member.hpp"
#include "memberlist/time.hpp"

namespace memberlist {

/// Decisions that the engine needs immediately, in the middle of a state change. The functions are
/// called during engine calls; they must not call the engine, and must not block. The defaults
/// allow everything and add nothing.
class MEMBERLIST_API Policy {
 public:
  Policy() = default;
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;
  virtual ~Policy();

  /// Alive delegate: an error keeps the member out (protocol 6, alive, rule 2).
  virtual Result<void> notify_alive(const MemberRecord& peer);
  /// Merge delegate: an error cancels the join or the merge (protocol 6, push/pull).
  virtual Result<void> notify_merge(std::span<const MemberRecord> peers);
  /// Adds user messages to a packet with room left: all together at most `limit_bytes`, each
  /// counted with `overhead_bytes`. Called for each target of a gossip tick, and for each ping, ack
  /// and nack to a member (protocol 5 and 7).
  virtual void fill_broadcasts(std::size_t overhead_bytes, std::size_t limit_bytes,
                               std::vector<Bytes>& messages);
  /// User state for a push/pull: at most 20 MiB; a larger one is omitted and logged.
  virtual Bytes local_state(bool join);
  /// Payload of acks (ping delegate): at most 512 bytes; a larger one is omitted.
  virtual Bytes ack_payload();
  /// A direct probe by this node was answered in time (ping delegate, protocol 5).
  virtual void notify_ping(const MemberRecord& peer, Duration round_trip, BytesView payload);
  /// Whether a member that does not answer by UDP may be pinged over TCP, unless
  /// `Config::disable_tcp_pings` forbids that for all (protocol 5).
  [[nodiscard]] virtual bool allow_tcp_ping(const MemberRecord& peer);
};

}  // namespace memberlist
