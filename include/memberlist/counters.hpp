#pragma once

#include <cstdint>

#include "memberlist/language.hpp"

namespace memberlist {

/// Counters since the engine was created, and present gauges.
struct EngineCounters {
  std::uint64_t packets_received = 0;          ///< UDP, including packets dropped afterwards
  std::uint64_t packets_sent = 0;              ///< UDP
  std::uint64_t packet_bytes_received = 0;     ///< as they were on the wire
  std::uint64_t packet_bytes_sent = 0;         ///< as they went to the wire
  std::uint64_t streams_accepted = 0;          ///< TCP, from peers
  std::uint64_t streams_dialled = 0;           ///< TCP, to peers
  std::uint64_t stream_bytes_received = 0;     ///< as they were on the wire
  std::uint64_t stream_bytes_sent = 0;         ///< as they went to the wire
  std::uint64_t alive_messages = 0;            ///< claims heard, by packet or push/pull
  std::uint64_t suspect_messages = 0;          ///< claims heard, and own ones
  std::uint64_t dead_messages = 0;             ///< claims heard, and own ones
  std::uint64_t alive_believed = 0;            ///< of these, those that changed the table
  std::uint64_t dead_believed = 0;             ///< of these, those that changed the table
  std::uint64_t user_messages = 0;             ///< from peers, by packet or stream
  std::uint64_t probes = 0;                    ///< begun by this node
  std::uint64_t probes_degraded = 0;           ///< begun at a longer interval: health is not 0
  std::uint64_t probes_answered = 0;           ///< directly and in time
  std::uint64_t probes_failed = 0;             ///< without any answer by their deadline
  std::uint64_t probes_saved_by_indirect = 0;  ///< answered only after others were asked to ping
  std::uint64_t probes_saved_by_tcp = 0;       ///< answered over TCP alone: UDP may be blocked
  std::uint64_t suspicions_started = 0;        ///< of other members
  std::uint64_t suspicions_refuted = 0;        ///< ended by an alive message
  std::uint64_t suspicions_confirmed = 0;      ///< ended by death
  std::uint64_t suspicions_degraded = 0;       ///< expired with fewer confirmations than expected
  std::uint64_t refutations = 0;               ///< of accusations against this node
  std::uint64_t push_pulls_started = 0;        ///< by this node, joins included
  std::uint64_t push_pulls_served = 0;         ///< answered with this node's state
  std::uint64_t push_pulls_failed = 0;         ///< started or served
  std::uint64_t push_pulls_recognized = 0;     ///< the peer's state was this node's own: not read
  std::uint64_t dropped_malformed = 0;         ///< packets, streams or parts that cannot be parsed
  std::uint64_t dropped_undecryptable = 0;     ///< no key of this node decrypts it
  std::uint64_t dropped_unencrypted = 0;       ///< plain, and `gossip_verify_incoming` is on
  std::uint64_t dropped_encrypted = 0;         ///< encrypted, and this node has no key
  std::uint64_t dropped_label = 0;             ///< another label, or none
  std::uint64_t dropped_network = 0;           ///< outside the allowed networks
  std::uint64_t dropped_poison = 0;            ///< messages that would make an unprobeable member
  std::uint64_t dropped_limit = 0;             ///< over a limit: streams, nesting, sizes
  std::uint64_t dropped_buried = 0;            ///< old alive messages about forgotten members
  std::uint64_t acks_unexpected = 0;           ///< acks that are not (or no longer) expected
  std::uint64_t send_errors = 0;               ///< packets that could not be sent
  std::uint64_t stalls = 0;                    ///< times that this node was paused
  std::uint64_t broadcasts_queued = 0;         ///< gauge
  std::uint64_t tombstones = 0;    ///< gauge: forgotten members that old messages cannot bring back
  std::uint32_t health_score = 0;  ///< gauge
};

}  // namespace memberlist
