#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "memberlist/bytes.hpp"
#include "wire/packet.hpp"

namespace memberlist::fuzz {

/// All that a packet yielded, message by message: a copy, and what the opener's view showed.
struct PacketContent {
  struct Item {
    wire::MessageType type{};
    Bytes body;
    std::optional<wire::WireError> error;
  };
  std::vector<Item> items;
  std::size_t truncated_parts = 0;
};

/// Drains an opened packet, decodes its messages, and checks that it ends, that errors and counts
/// are bounded, and that every view is still what it was when the last message is out.
[[nodiscard]] PacketContent drain(wire::PacketOpener& opener);

/// Whether both held the same messages and faults in the same order.
[[nodiscard]] bool equal(const PacketContent& a, const PacketContent& b);

}  // namespace memberlist::fuzz
