#pragma once

// Private to this room.

#include <cstddef>
#include <memory>
#include <vector>

#include "base/limits.hpp"
#include "net/loop_context.hpp"
#include "net/udp_batch.hpp"

namespace memberlist::net {

/// Buffers for received bytes and for packets to be sent. Their content is processed before the
/// loop continues, so all transports of a loop share them: over a hundred kilobytes that not every
/// member needs.
struct LoopBuffers {
  UdpReceiver packets;
  UdpBatches batches;
  std::vector<std::byte> stream = std::vector<std::byte>(64 * limits::kKiB);

  /// The buffers of a loop, created for its first transport and destroyed with its last. From the
  /// loop's thread.
  [[nodiscard]] static std::shared_ptr<LoopBuffers> of(Loop::Context& loop) {
    auto buffers = loop.loop_buffers.lock();
    if (!buffers) loop.loop_buffers = buffers = std::make_shared<LoopBuffers>();
    return buffers;
  }
};

}  // namespace memberlist::net
