#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "memberlist/address.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/export.hpp"
#include "memberlist/time.hpp"

namespace memberlist {

/// What this node believes of a member. The values are those on the wire (protocol 4, 'State').
enum class MemberStatus : std::uint8_t { alive = 0, suspect = 1, dead = 2, left = 3 };

[[nodiscard]] MEMBERLIST_API std::string_view to_string(MemberStatus status) noexcept;

/// A range of protocol versions that a member understands, and the one it speaks.
struct VersionRange {
  std::uint8_t min = 0;
  std::uint8_t max = 0;
  std::uint8_t current = 0;

  friend bool operator==(const VersionRange&, const VersionRange&) = default;
};

/// What a member says of itself: the part that does not depend on who looks.
struct MemberRecord {
  std::string name;
  Address address;
  Bytes meta;
  VersionRange protocol;
  VersionRange delegate_protocol;

  friend bool operator==(const MemberRecord&, const MemberRecord&) = default;
};

/// A member as one node saw it at one moment. An immutable value, cheap to copy: the record is
/// shared. Readable from any thread, for as long as wanted.
struct Member {
  std::shared_ptr<const MemberRecord> record;  ///< never null
  MemberStatus status = MemberStatus::dead;
  std::uint32_t incarnation = 0;
  TimePoint since;  ///< when the status was taken on, on the engine's time line

  [[nodiscard]] const std::string& name() const noexcept { return record->name; }
  [[nodiscard]] const Address& address() const noexcept { return record->address; }
  [[nodiscard]] BytesView meta() const noexcept { return record->meta; }
};

/// All members at one moment, sorted by name, the dead and the left included for as long as they
/// are remembered.
using MemberSnapshot = std::shared_ptr<const std::vector<Member>>;

}  // namespace memberlist
