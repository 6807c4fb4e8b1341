#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "crypto/keyring.hpp"
#include "memberlist/bytes.hpp"
#include "support/input.hpp"

namespace memberlist::fuzz {

/// The label and the keys of the golden vectors, so that those can be seeds as they are.
inline constexpr std::string_view kLabel = "prod";
inline constexpr std::array<std::string_view, 3> kKeys = {
    "0123456789abcdef", "0123456789abcdef0123456789abcdef", "0123456789abcdef01234567"};

/// A keyring of all of them, or of one.
[[nodiscard]] inline crypto::Keyring known_keys(std::span<const std::string_view> texts = kKeys) {
  crypto::Keyring ring;
  for (const std::string_view text : texts) {
    require(ring.add(as_bytes(text)).has_value(), "the fuzzers' keys are keys");
  }
  return ring;
}

}  // namespace memberlist::fuzz
