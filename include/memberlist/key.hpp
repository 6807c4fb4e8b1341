#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "memberlist/bytes.hpp"
#include "memberlist/export.hpp"

namespace memberlist {

/// One key of a keyring: what may be shown of it, and how much it was used here.
struct KeyInfo {
  std::string fingerprint;      ///< see `key_fingerprint`
  std::size_t key_bytes = 0;    ///< 16, 24 or 32
  bool primary = false;         ///< it encrypts; all keys decrypt
  std::uint64_t encrypted = 0;  ///< packets and streams that this node has encrypted with it
  /// Packets and streams that this node has decrypted with it. Once it stands still on every
  /// member, nobody uses the key any more.
  std::uint64_t decrypted = 0;
};

/// The two switches for going over to encryption (protocol 2); without keys they change nothing.
struct GossipVerify {
  bool incoming = true;  ///< what is not encrypted is refused
  bool outgoing = true;  ///< what is sent is encrypted

  /// Equal in both.
  friend bool operator==(const GossipVerify&, const GossipVerify&) = default;
};

/// 16 hexadecimal digits that name a key without telling it: the first 8 bytes of the SHA-256 of
/// `memberlist key ` and the key. Equal for equal keys on every node.
[[nodiscard]] MEMBERLIST_API std::string key_fingerprint(BytesView key);

/// Overwrites bytes with zeros in a way that the compiler keeps: for keys that are not needed any
/// more.
MEMBERLIST_API void wipe(std::span<std::byte> bytes) noexcept;
/// Overwrites all keys, and removes them: e.g. those of a Config that an engine was made of.
MEMBERLIST_API void wipe(std::vector<Bytes>& keys) noexcept;

}  // namespace memberlist
