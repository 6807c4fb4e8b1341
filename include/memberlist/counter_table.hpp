#pragma once

#include <cstdint>
#include <string_view>

#include "memberlist/counters.hpp"

namespace memberlist {

/// One number of EngineCounters, for whatever shows or exports them all.
struct CounterInfo {
  std::string_view name{};                  ///< the member's name
  std::uint64_t EngineCounters::* value{};  ///< the member itself
  bool gauge = false;                       ///< of the moment; all others only grow
};

/// Every number of EngineCounters, in its order there, but `health_score`.
inline constexpr CounterInfo kEngineCounters[] = {
    {"packets_received", &EngineCounters::packets_received},
    {"packets_sent", &EngineCounters::packets_sent},
    {"packet_bytes_received", &EngineCounters::packet_bytes_received},
    {"packet_bytes_sent", &EngineCounters::packet_bytes_sent},
    {"streams_accepted", &EngineCounters::streams_accepted},
    {"streams_dialled", &EngineCounters::streams_dialled},
    {"stream_bytes_received", &EngineCounters::stream_bytes_received},
    {"stream_bytes_sent", &EngineCounters::stream_bytes_sent},
    {"alive_messages", &EngineCounters::alive_messages},
    {"suspect_messages", &EngineCounters::suspect_messages},
    {"dead_messages", &EngineCounters::dead_messages},
    {"alive_believed", &EngineCounters::alive_believed},
    {"dead_believed", &EngineCounters::dead_believed},
    {"user_messages", &EngineCounters::user_messages},
    {"probes", &EngineCounters::probes},
    {"probes_degraded", &EngineCounters::probes_degraded},
    {"probes_answered", &EngineCounters::probes_answered},
    {"probes_failed", &EngineCounters::probes_failed},
    {"probes_saved_by_indirect", &EngineCounters::probes_saved_by_indirect},
    {"probes_saved_by_tcp", &EngineCounters::probes_saved_by_tcp},
    {"suspicions_started", &EngineCounters::suspicions_started},
    {"suspicions_refuted", &EngineCounters::suspicions_refuted},
    {"suspicions_confirmed", &EngineCounters::suspicions_confirmed},
    {"suspicions_degraded", &EngineCounters::suspicions_degraded},
    {"refutations", &EngineCounters::refutations},
    {"push_pulls_started", &EngineCounters::push_pulls_started},
    {"push_pulls_served", &EngineCounters::push_pulls_served},
    {"push_pulls_failed", &EngineCounters::push_pulls_failed},
    {"push_pulls_recognized", &EngineCounters::push_pulls_recognized},
    {"dropped_malformed", &EngineCounters::dropped_malformed},
    {"dropped_undecryptable", &EngineCounters::dropped_undecryptable},
    {"dropped_unencrypted", &EngineCounters::dropped_unencrypted},
    {"dropped_encrypted", &EngineCounters::dropped_encrypted},
    {"dropped_label", &EngineCounters::dropped_label},
    {"dropped_network", &EngineCounters::dropped_network},
    {"dropped_poison", &EngineCounters::dropped_poison},
    {"dropped_limit", &EngineCounters::dropped_limit},
    {"dropped_buried", &EngineCounters::dropped_buried},
    {"acks_unexpected", &EngineCounters::acks_unexpected},
    {"send_errors", &EngineCounters::send_errors},
    {"stalls", &EngineCounters::stalls},
    {"broadcasts_queued", &EngineCounters::broadcasts_queued, true},
    {"tombstones", &EngineCounters::tombstones, true},
};

}  // namespace memberlist
