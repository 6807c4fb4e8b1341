#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "memberlist/member.hpp"
#include "swim/versions.hpp"

namespace memberlist::swim {

/// What some members' version ranges have in common, and which versions they speak.
struct VersionSummary {
  std::uint8_t low = 0;
  std::uint8_t high = std::numeric_limits<std::uint8_t>::max();
  std::uint8_t least_spoken = std::numeric_limits<std::uint8_t>::max();
  std::uint8_t most_spoken = 0;

  void add(const VersionRange& member) noexcept {
    add({member.min, member.max, member.current, member.current});
  }
  void add(const VersionSummary& members) noexcept {
    low = std::max(low, members.low);
    high = std::min(high, members.high);
    least_spoken = std::min(least_spoken, members.least_spoken);
    most_spoken = std::max(most_spoken, members.most_spoken);
  }
  /// Whether these members and one more understand each other. Where there are none, all fit whose
  /// own range is sound.
  [[nodiscard]] bool fits(const VersionRange& member) const noexcept {
    return is_sound(member) && low <= member.current && member.current <= high &&
           member.min <= least_spoken && most_spoken <= member.max;
  }
};

/// The same for both sorts of versions that a member has.
struct VersionSummaries {
  VersionSummary protocol;
  VersionSummary delegate_protocol;

  void add(const VersionRange& its_protocol, const VersionRange& its_delegate_protocol) noexcept {
    protocol.add(its_protocol);
    delegate_protocol.add(its_delegate_protocol);
  }
  void add(const VersionSummaries& members) noexcept {
    protocol.add(members.protocol);
    delegate_protocol.add(members.delegate_protocol);
  }
  [[nodiscard]] bool fits(const MemberVersions& member) const noexcept {
    return protocol.fits(member.protocol) && delegate_protocol.fits(member.delegate_protocol);
  }
};

}  // namespace memberlist::swim
