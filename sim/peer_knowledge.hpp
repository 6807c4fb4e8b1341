#pragma once

#include <cstdint>
#include <vector>

namespace memberlist::sim {

/// What a peer of the cluster can know: the numbers that the engine asked under, so that answers
/// can fit.
struct PeerKnowledge {
  std::vector<std::uint32_t> packet_seq_nos;  ///< of pings in packets, the latest last
  std::uint32_t stream_seq_no = 0;            ///< of the ping in the stream that is answered
};

}  // namespace memberlist::sim
