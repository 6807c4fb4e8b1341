#pragma once

#include "memberlist/member.hpp"

// Whether members understand each other (protocol 6, Versions).
namespace memberlist::swim {

/// A member's versions of one protocol are sound if its current one lies in its own range.
[[nodiscard]] constexpr bool is_sound(const VersionRange& range) noexcept {
  return range.min <= range.current && range.current <= range.max;
}

/// Whether each of two members understands what the other one speaks.
[[nodiscard]] constexpr bool understand(const VersionRange& one,
                                        const VersionRange& other) noexcept {
  return other.min <= one.current && one.current <= other.max && one.min <= other.current &&
         other.current <= one.max;
}

/// What a member says of its versions: those of memberlist, and of the application on top.
struct MemberVersions {
  VersionRange protocol;
  VersionRange delegate_protocol;

  [[nodiscard]] bool sound() const noexcept {
    return is_sound(protocol) && is_sound(delegate_protocol);
  }
  [[nodiscard]] bool fit(const MemberVersions& other) const noexcept {
    return understand(protocol, other.protocol) &&
           understand(delegate_protocol, other.delegate_protocol);
  }
};

[[nodiscard]] inline MemberVersions versions_of(const MemberRecord& record) noexcept {
  return {record.protocol, record.delegate_protocol};
}

}  // namespace memberlist::swim
