#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "memberlist/bytes.hpp"
#include "memberlist/export.hpp"

namespace memberlist {

/// Information about one key of a keyring, without the key itself.
struct KeyInfo {
  std::string fingerprint{};    ///< see `key_fingerprint`
  std::size_t key_bytes = 0;    ///< 16, 24 or 32
  bool primary = false;         ///< the key that encrypts; all keys decrypt
  std::uint64_t encrypted = 0;  ///< packets and streams encrypted with it by this node
  /// Packets and streams decrypted with it by this node. If this stays constant on every member,
  /// the key is no longer in use.
  std::uint64_t decrypted = 0;
};

/// The two switches for the migration to encryption (protocol 2); without keys they have no effect.
struct GossipVerify {
  bool incoming = true;  ///< plaintext is rejected
  bool outgoing = true;  ///< outgoing traffic is encrypted

  /// Equal in both.
  friend bool operator==(const GossipVerify&, const GossipVerify&) = default;
};

/// 16 hexadecimal digits that identify a key without revealing it: the first 8 bytes of the SHA-256
/// of `memberlist key ` and the key. Equal for equal keys on every node. Throws std::bad_alloc if
/// OpenSSL cannot compute it.
[[nodiscard]] MEMBERLIST_API std::string key_fingerprint(BytesView key);

/// Overwrites bytes with zeros in a way that the compiler does not optimise away: for keys that are
/// no longer needed.
MEMBERLIST_API void wipe(std::span<std::byte> bytes) noexcept;
/// Overwrites and removes all keys, e.g. those of a Config.
MEMBERLIST_API void wipe(std::vector<Bytes>& keys) noexcept;

}  // namespace memberlist
