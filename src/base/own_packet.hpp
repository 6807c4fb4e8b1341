#pragma once

#include <cstddef>

#include "memberlist/config.hpp"
#include "memberlist/error.hpp"

// A packet must be able to hold the alive message of the member that sends it. Otherwise the member
// could not announce itself or refute, and others would learn about it by push/pull alone.
namespace memberlist {

/// The maximum size of such a packet, for any address, with a checksum, encrypted by either
/// version, with a label of `label_bytes` (protocol 2 and 4).
[[nodiscard]] constexpr std::size_t own_packet_bytes(std::size_t name_bytes, std::size_t meta_bytes,
                                                     std::size_t label_bytes) noexcept {
  constexpr std::size_t kFieldBytes = 80;  // names of the fields, address, port, versions, lengths
  constexpr std::size_t kCompoundBytes = 4;
  constexpr std::size_t kChecksumBytes = 5;
  constexpr std::size_t kLabelHeadBytes = 2;
  constexpr std::size_t kEncryptionBytes = 45;
  return kFieldBytes + kCompoundBytes + kChecksumBytes + kLabelHeadBytes + kEncryptionBytes +
         name_bytes + meta_bytes + label_bytes;
}

/// Whether a member with this config may have this many bytes of meta data; `too_large` if not.
[[nodiscard]] Result<void> check_own_meta(const Config& config, std::size_t meta_bytes);

}  // namespace memberlist
