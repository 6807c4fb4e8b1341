#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/sip_hash.hpp"

namespace memberlist {

/// Numbers that are unpredictable without the key, however many of them are known: SipHash-2-4 of a
/// counter. The same key gives the same numbers.
class SecretNumbers {
 public:
  explicit SecretNumbers(const SipKey& key) noexcept : key_(key) {}
  [[nodiscard]] std::uint64_t next() noexcept;

 private:
  SipKey key_;
  std::uint64_t count_ = 0;
};

/// The secrets of one engine, all derived from one seed and one secret, each by a separate keyed
/// hash: knowing one reveals neither the others nor the seed. Finding them is as hard as guessing
/// the seed (64 bits) and the secret (128 bits, if set).
struct Secrets {
  Secrets(std::uint64_t seed, const std::array<std::byte, 16>& secret) noexcept;

  std::uint64_t choices;    ///< seeds Random, whose state peers can derive from its choices
  SipKey hash_tables;       ///< for tables whose keys peers choose
  SipKey sequence_numbers;  ///< of pings
};

}  // namespace memberlist
