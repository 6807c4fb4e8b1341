#pragma once

#include <cstdint>

#include "memberlist/bytes.hpp"

namespace memberlist {

/// The secret of a keyed hash.
struct SipKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

/// SipHash (Aumasson, Bernstein, 2012): who does not know the key can neither foresee the value of
/// a new input nor find two inputs with the same one, however many values it has seen.
[[nodiscard]] std::uint64_t sip_hash_2_4(const SipKey& key, BytesView bytes) noexcept;
/// The same with fewer rounds, for hash tables, whose values nobody sees.
[[nodiscard]] std::uint64_t sip_hash_1_3(const SipKey& key, BytesView bytes) noexcept;

}  // namespace memberlist
