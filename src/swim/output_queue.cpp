#include "swim/output_queue.hpp"

#include <algorithm>
#include <cassert>

namespace memberlist::swim {
namespace {

// The first block is enough for a quiet node.
constexpr std::size_t kFirstBlockBytes = std::size_t{4} * 1024;
constexpr std::size_t kBlockBytes = std::size_t{32} * 1024;
// A burst's blocks beyond these are given back.
constexpr std::size_t kKeptBlocks = 4;
// A burst's outputs beyond these are given back at once: a join has one for each member.
constexpr std::size_t kKeptOutputs = 1024;
// How often is looked at what was needed.
constexpr std::size_t kTurns = 64;

}  // namespace

std::span<std::byte> OutputQueue::packet_room(std::size_t bytes) {
  while (block_ < blocks_.size() && blocks_[block_].size - used_ < bytes) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    const std::size_t size = std::max(blocks_.empty() ? kFirstBlockBytes : kBlockBytes, bytes);
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
  most_outputs_ = std::max(most_outputs_, outputs_.size());
  most_blocks_ = std::max(most_blocks_, used_ == 0 ? 0 : block_ + 1);
  if (outputs_.capacity() > kKeptOutputs) {
    outputs_ = std::vector<Output>();  // which `= {}` would not give back
  } else {
    outputs_.clear();
  }
  if (blocks_.size() > kKeptBlocks) blocks_.resize(kKeptBlocks);
  block_ = 0;
  used_ = 0;
  if (++turns_ == kTurns) give_back();
}

void OutputQueue::give_back() noexcept {
  constexpr std::size_t kFewOutputs = 32;
  if (outputs_.capacity() > std::max(kFewOutputs, 4 * most_outputs_)) {
    outputs_ = std::vector<Output>();
  }
  const std::size_t kept = std::max<std::size_t>(most_blocks_, 1);  // the first one is small
  if (blocks_.size() > kept) blocks_.resize(kept);
  turns_ = most_outputs_ = most_blocks_ = 0;
}

}  // namespace memberlist::swim
