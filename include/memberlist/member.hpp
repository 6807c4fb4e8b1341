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
enum class MemberStatus : std::uint8_t {
  alive = 0,    ///< it takes part, as far as we know
  suspect = 1,  ///< somebody had no answer from it; it may still refute
  dead = 2,     ///< it did not refute in time
  left = 3,     ///< it said that it goes
};

/// The status in lower case, as it is spelled above.
[[nodiscard]] MEMBERLIST_API std::string_view to_string(MemberStatus status) noexcept;

/// A range of protocol versions that a member understands, and the one it speaks.
struct VersionRange {
  std::uint8_t min = 0;      ///< oldest that it understands
  std::uint8_t max = 0;      ///< newest that it understands
  std::uint8_t current = 0;  ///< the one that it speaks

  /// Equal in all three.
  friend bool operator==(const VersionRange&, const VersionRange&) = default;
};

/// What a member says of itself: the part that does not depend on who looks.
struct MemberRecord {
  std::string name;                ///< unique in the cluster, 1 to 255 bytes, any bytes
  Address address;                 ///< where it takes packets and streams
  Bytes meta;                      ///< what its application says of it, at most 512 bytes
  VersionRange protocol;           ///< of memberlist's wire
  VersionRange delegate_protocol;  ///< of the application on top

  /// Equal in every field.
  friend bool operator==(const MemberRecord&, const MemberRecord&) = default;
};

/// A member as one node saw it at one moment. An immutable value, cheap to copy: the record is
/// shared. Readable from any thread, for as long as wanted.
struct Member {
  std::shared_ptr<const MemberRecord> record;  ///< never null
  MemberStatus status = MemberStatus::dead;    ///< what the node believed at that moment
  /// Counted up by the member itself: of two claims about it, the one with the greater number is
  /// newer (compared as serial numbers, RFC 1982: after 2^32 - 1 comes 0).
  std::uint32_t incarnation = 0;
  TimePoint since;  ///< when the status was taken on, on the engine's time line

  /// The record's name; a view into it, like the next two.
  [[nodiscard]] const std::string& name() const noexcept { return record->name; }
  /// The record's address.
  [[nodiscard]] const Address& address() const noexcept { return record->address; }
  /// The record's meta data; `as_text` reads it as text.
  [[nodiscard]] BytesView meta() const noexcept { return record->meta; }
};

/// All members at one moment, sorted by name, the dead and the left included for as long as they
/// are remembered.
using MemberSnapshot = std::shared_ptr<const std::vector<Member>>;

}  // namespace memberlist
