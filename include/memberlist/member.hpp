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

/// This node's view of a member's state. The values are those on the wire (protocol 4, 'State').
enum class MemberStatus : std::uint8_t {
  alive = 0,    ///< it takes part, as far as this node knows
  suspect = 1,  ///< a probe of it had no answer; it may still refute
  dead = 2,     ///< it did not refute in time
  left = 3,     ///< it announced that it leaves
};

/// The status in lower case, as it is spelled above.
[[nodiscard]] MEMBERLIST_API std::string_view to_string(MemberStatus status) noexcept;

/// The range of protocol versions that a member supports, and the one it uses.
struct VersionRange {
  std::uint8_t min = 0;      ///< oldest supported version
  std::uint8_t max = 0;      ///< newest supported version
  std::uint8_t current = 0;  ///< the version in use

  /// Equal in all three.
  friend bool operator==(const VersionRange&, const VersionRange&) = default;
};

/// What a member says about itself: the part that is the same for every observer.
struct MemberRecord {
  std::string name;                ///< unique in the cluster, 1 to 255 bytes, any bytes
  Address address;                 ///< where it receives packets and streams
  Bytes meta;                      ///< published by its application, at most 512 bytes
  VersionRange protocol;           ///< of memberlist's protocol
  VersionRange delegate_protocol;  ///< of the application's protocol

  /// Equal in every field.
  friend bool operator==(const MemberRecord&, const MemberRecord&) = default;
};

/// A member as one node saw it at one moment. An immutable value, cheap to copy: the record is
/// shared. Readable from any thread, for as long as needed.
struct Member {
  std::shared_ptr<const MemberRecord> record;  ///< never null
  MemberStatus status = MemberStatus::dead;    ///< the node's view at that moment
  /// Incremented by the member itself: of two claims about it, the one with the greater number is
  /// newer (compared as serial numbers, RFC 1982: after 2^32 - 1 comes 0).
  std::uint32_t incarnation = 0;
  TimePoint since;  ///< when the member entered the status, on the engine's time line

  /// The record's name; a view into it, like the next two.
  [[nodiscard]] const std::string& name() const noexcept { return record->name; }
  /// The record's address.
  [[nodiscard]] const Address& address() const noexcept { return record->address; }
  /// The record's meta data; `as_text` reads it as text.
  [[nodiscard]] BytesView meta() const noexcept { return record->meta; }
};

/// All members at one moment, sorted by name, including dead and left ones for as long as they are
/// remembered.
using MemberSnapshot = std::shared_ptr<const std::vector<Member>>;

}  // namespace memberlist
