#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "build_paths.hpp"
#include "memberlist/bytes.hpp"

// Loads the golden vectors of tests/golden, whose bytes were made by the Go library.
namespace memberlist::testing {

inline nlohmann::json load_golden(const std::string& name) {
  std::ifstream file(std::string(MEMBERLIST_SOURCE_DIR) + "/tests/golden/" + name);
  if (!file) {
    ADD_FAILURE() << "no golden file " << name;
    return nlohmann::json::array();
  }
  return nlohmann::json::parse(file);
}

inline Bytes from_hex(std::string_view hex) {
  const auto digit = [](char c) {
    return static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  };
  Bytes bytes(hex.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
  }
  return bytes;
}

inline std::string to_hex(BytesView bytes) {
  std::string hex;
  hex.reserve(2 * bytes.size());
  for (const std::byte byte : bytes) {
    hex += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4];
    hex += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 0x0fU];
  }
  return hex;
}

/// A field of bytes in hex; `std::nullopt` for a null or a missing one.
inline std::optional<Bytes> hex_field(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::nullopt;
  return from_hex(found->get<std::string>());
}

/// Bytes of a literal, which may hold zeros.
template <std::size_t N>
Bytes bytes_of(const char (&literal)[N]) {
  return to_bytes(std::string_view(literal, N - 1));
}

}  // namespace memberlist::testing
