#include "swim/output_queue.hpp"

#include <algorithm>
#include <cassert>

namespace memberlist::swim {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{32} * 1024;
// A burst's blocks beyond these are given back.
constexpr std::size_t kKeptBlocks = 4;
// A burst's outputs beyond these are given back.
constexpr std::size_t kKeptOutputs = 4096;

}  // namespace

std::span<std::byte> OutputQueue::packet_room(std::size_t bytes) {
  while (block_ < blocks_.size() && blocks_[block_].size - used_ < bytes) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    const std::size_t size = std::max(kBlockBytes, bytes);
    blocks_.push_back({std::make_unique_for_overwrite<std::byte[]>(size), size});
    used_ = 0;
  }
  return {blocks_[block_].bytes.get() + used_, bytes};
}

void OutputQueue::keep_packet(BytesView packet) {
  const std::byte* const begin = blocks_[block_].bytes.get();
  const auto end = static_cast<std::size_t>(packet.data() + packet.size() - begin);
  assert(packet.data() >= begin + used_ && end <= blocks_[block_].size);
  used_ = end;
}

void OutputQueue::clear() noexcept {
  if (outputs_.capacity() > kKeptOutputs) {
    outputs_ = std::vector<Output>();  // which `= {}` would not give back
  } else {
    outputs_.clear();
  }
  if (blocks_.size() > kKeptBlocks) blocks_.resize(kKeptBlocks);
  block_ = 0;
  used_ = 0;
}

}  // namespace memberlist::swim
