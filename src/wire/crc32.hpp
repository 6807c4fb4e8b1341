#pragma once

#include <cstdint>

#include "memberlist/bytes.hpp"

namespace memberlist::wire {

/// The CRC-32 of IEEE 802.3 (reflected, polynomial 0xedb88320), as in protocol 2, Checksum.
[[nodiscard]] std::uint32_t crc32(BytesView bytes) noexcept;

}  // namespace memberlist::wire
