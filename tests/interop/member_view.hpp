#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <string_view>

namespace memberlist::interop {

struct VersionsView {
  int min = 0;
  int max = 0;
  int current = 0;

  friend bool operator==(const VersionsView&, const VersionsView&) = default;
};

/// A member as a peer of any kind reports it.
struct MemberView {
  std::string name;
  std::string address;
  std::string status;
  std::uint64_t incarnation = 0;
  std::string meta;
  VersionsView protocol;
  VersionsView delegate_protocol;

  friend bool operator==(const MemberView&, const MemberView&) = default;
};

/// How GoogleTest shows one.
void PrintTo(const MemberView& view, std::ostream* out);

using MemberTable = std::map<std::string, MemberView>;

/// Throws nlohmann::json::exception if it is no member.
MemberView parse_member(const nlohmann::json& value);
MemberTable parse_members(const nlohmann::json& array);

/// How many are `status`.
std::size_t count_status(const MemberTable& table, std::string_view status);
/// The member's status, or "unknown".
std::string status_of(const MemberTable& table, const std::string& name);

/// Standard base64. Decoding throws std::invalid_argument.
std::string to_base64(std::string_view bytes);
std::string from_base64(std::string_view text);

}  // namespace memberlist::interop
