#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/sip_hash.hpp"

namespace memberlist {

/// Numbers that nobody can foresee who does not know the key, however many of them it has seen:
/// SipHash-2-4 of a counter. The same key gives the same numbers.
class SecretNumbers {
 public:
  explicit SecretNumbers(const SipKey& key) noexcept : key_(key) {}
  [[nodiscard]] std::uint64_t next() noexcept;

 private:
  SipKey key_;
  std::uint64_t count_ = 0;
};

/// What one engine keeps from its peers, all from one seed and one secret, and each of it by a
/// keyed hash of its own: who finds one out knows nothing of the others, nor the seed. That is as
/// hard as to guess the seed (64 bits) and the secret (128 bits, if it is one).
struct Secrets {
  Secrets(std::uint64_t seed, const std::array<std::byte, 16>& secret) noexcept;

  std::uint64_t choices;    ///< seeds Random, whose choices peers can see and work back from
  SipKey hash_tables;       ///< for tables whose keys peers choose
  SipKey sequence_numbers;  ///< of pings
};

}  // namespace memberlist
