#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "base/make_room.hpp"
#include "swim/keyed_hash.hpp"

namespace memberlist::swim {

/// A member's place in the table; reused after it was forgotten.
using MemberIndex = std::uint32_t;

/// The members of a table in groups of one or two hundred. Which members are in a group depends on
/// nothing but the names in the table: two nodes that know the same members have the same groups,
/// in whatever order they learned of them. Each group has the number of its last change.
///
/// Since all nodes agree on it, the hash has no secret: a peer can choose names that all come into
/// one group. So a user must not expect a group to be small.
class MemberGroups {
 public:
  using Number = std::uint16_t;
  static constexpr Number kNone = std::numeric_limits<Number>::max();
  /// Tables with fewer members than twice this have one group.
  static constexpr std::size_t kFewest = 128;

  /// How many groups there are of so many members: a power of two, with kFewest to twice as many
  /// members in each.
  [[nodiscard]] static std::size_t wanted(std::size_t members) noexcept {
    return std::bit_floor(std::clamp(members, kFewest, limits::kPushPullNodes) / kFewest);
  }

  [[nodiscard]] std::size_t size() const noexcept { return groups_.size(); }
  [[nodiscard]] Number of(std::string_view name) const {
    return static_cast<Number>(hash_(name) & (size() - 1));
  }
  /// In no certain order, until they are sorted.
  [[nodiscard]] std::span<const MemberIndex> members(std::size_t group) const noexcept {
    return groups_[group].members;
  }
  /// Never 0 where there are or were members.
  [[nodiscard]] std::uint64_t change(std::size_t group) const noexcept {
    return groups_[group].change;
  }
  /// The number of the last change of all.
  [[nodiscard]] std::uint64_t last_change() const noexcept { return last_change_; }

  void add(Number group, MemberIndex member) {
    make_room(groups_[group].members);
    groups_[group].members.push_back(member);
    groups_[group].sorted = false;
    note_change(group);
  }
  /// By the names that `name_of` returns. Changes nothing if that has been done since the last one
  /// was added.
  template <class NameOf>
  void sort(std::size_t group, NameOf&& name_of) {
    if (std::exchange(groups_[group].sorted, true)) return;
    std::ranges::sort(groups_[group].members, {}, name_of);
  }
  /// Removes all members that `is_gone` accepts, whose groups have changed. At once: if a peer has
  /// put thousands into one group, to look for each of them would take long.
  template <class IsGone>
  void remove_if(IsGone&& is_gone) {
    for (Group& group : groups_) std::erase_if(group.members, is_gone);
  }
  void note_change(Number group) noexcept { groups_[group].change = ++last_change_; }
  /// Now there are so many groups, all of them empty.
  void clear(std::size_t groups) {
    groups_.assign(groups, {.change = ++last_change_, .members = {}, .sorted = true});
  }

 private:
  struct Group {
    std::uint64_t change = 0;
    std::vector<MemberIndex> members;
    bool sorted = true;
  };
  static_assert(limits::kPushPullNodes / kFewest <= kNone);

  NameHash hash_{};
  std::vector<Group> groups_ = std::vector<Group>(1);
  std::uint64_t last_change_ = 0;
};

}  // namespace memberlist::swim
