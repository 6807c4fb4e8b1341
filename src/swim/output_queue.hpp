#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "memberlist/output.hpp"

namespace memberlist::swim {

/// The engine's one ordered list of outputs, with the packets' bytes beside it. The memory of both
/// is kept from one turn to the next, so that sending a packet allocates nothing in the steady
/// state; what no turn has needed for a while is given back.
class OutputQueue {
 public:
  OutputQueue() = default;
  /// Outputs are for one driver, once: a copy has none.
  OutputQueue(const OutputQueue&) : OutputQueue() {}
  OutputQueue& operator=(const OutputQueue&) = delete;
  ~OutputQueue() = default;

  /// Room for one packet of at most `bytes`, which `keep_packet` uses up.
  [[nodiscard]] std::span<std::byte> packet_room(std::size_t bytes);
  /// Keeps a packet that lies in the room handed out last, until `clear`: for one or more outputs.
  void keep_packet(BytesView packet);

  void push(Output output) { outputs_.push_back(std::move(output)); }
  /// Made in its place, because a merged state can bring one for each member.
  void push(MemberEvent event) {
    outputs_.emplace_back(std::in_place_type<Event>, std::in_place_type<MemberEvent>,
                          std::move(event));
  }
  void log(LogLevel level, std::string text, std::string peer = {},
           std::vector<LogField> fields = {}) {
    outputs_.emplace_back(LogRecord{level, std::move(text), std::move(peer), std::move(fields)});
  }

  [[nodiscard]] std::span<Output> outputs() noexcept { return outputs_; }
  [[nodiscard]] std::span<const Output> outputs() const noexcept { return outputs_; }
  void clear() noexcept;

 private:
  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t size = 0;
  };

  void give_back() noexcept;

  std::vector<Output> outputs_;
  // Blocks never move, so that earlier packets stay where they are while later ones are built.
  std::vector<Block> blocks_;
  std::size_t block_ = 0;
  std::size_t used_ = 0;  // of blocks_[block_]
  // What the turns since `give_back` needed at most.
  std::size_t turns_ = 0;
  std::size_t most_outputs_ = 0;
  std::size_t most_blocks_ = 0;
};

}  // namespace memberlist::swim
