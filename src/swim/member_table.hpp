#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/random.hpp"
#include "memberlist/member.hpp"
#include "swim/suspicion.hpp"
#include "swim/timer_heap.hpp"

namespace memberlist::swim {

/// A member's place in the table; reused after it was forgotten.
using MemberIndex = std::uint32_t;

inline constexpr MemberIndex kNoMember = ~MemberIndex{0};
inline constexpr std::size_t kMemberStatuses = 4;

/// What this node holds of one member. What it says of itself is shared and immutable; what is
/// believed of it is here.
struct MemberEntry {
  std::shared_ptr<const MemberRecord> record;  // null: the place is free
  TimePoint since;
  TimePoint heard = TimePoint::min();    // when the last packet came from its address
  TimePoint told = TimePoint::min();     // when this node last told it what it is (Teller)
  std::unique_ptr<Suspicion> suspicion;  // while suspect
  TimerHandle suspicion_timer;
  MemberIndex older_at_address = kNoMember;  // the table's, who else claims its address
  MemberIndex newer_at_address = kNoMember;
  std::uint32_t incarnation = 0;
  MemberStatus status = MemberStatus::dead;

  [[nodiscard]] bool live() const noexcept {
    return status == MemberStatus::alive || status == MemberStatus::suspect;
  }
};

/// A member that is in the table no more.
struct ForgottenMember {
  MemberIndex index = kNoMember;  ///< its place, which is free
  MemberEntry entry;
};

/// All known members, by name and by address, and the order in which they are probed. Nothing that
/// it puts out depends on the order of a hash table.
class MemberTable {
 public:
  [[nodiscard]] MemberIndex find(std::string_view name) const;
  /// The member last seen to claim this address; `kNoMember` if there is none.
  [[nodiscard]] MemberIndex find(const Address& address) const;
  /// The one member with this IP address; `kNoMember` if there are none or several.
  [[nodiscard]] MemberIndex find_unique(const IpAddress& ip) const;

  [[nodiscard]] MemberEntry& at(MemberIndex index) noexcept { return entries_[index]; }
  [[nodiscard]] const MemberEntry& at(MemberIndex index) const noexcept { return entries_[index]; }

  /// Adds a member, dead with incarnation 0, at a random place of the probe list. Its name must
  /// not be there yet.
  MemberIndex insert(std::shared_ptr<const MemberRecord> record, TimePoint now, Random& random);
  /// Puts another record of the same name in place.
  void replace_record(MemberIndex index, std::shared_ptr<const MemberRecord> record);
  /// Takes on a status; `since` moves only if it is another one.
  void set_status(MemberIndex index, MemberStatus status, TimePoint now);
  void set_incarnation(MemberIndex index, std::uint32_t incarnation);
  /// A packet has come from this address.
  void note_heard(const Address& address, TimePoint now);
  /// Forgets those who are dead or left since before `cutoff`, except `keep`, then shuffles the
  /// probe list. They are appended to `forgotten`.
  void reset_probe_list(TimePoint cutoff, MemberIndex keep, Random& random,
                        std::vector<ForgottenMember>& forgotten);

  /// The probe list; valid until the table changes.
  [[nodiscard]] const std::vector<MemberIndex>& probe_list() const noexcept { return order_; }
  [[nodiscard]] std::size_t size() const noexcept { return order_.size(); }
  /// Members alive or suspect.
  [[nodiscard]] std::size_t live_count() const noexcept {
    return count(MemberStatus::alive) + count(MemberStatus::suspect);
  }
  [[nodiscard]] std::size_t count(MemberStatus status) const noexcept {
    return by_status_[static_cast<std::size_t>(status)];
  }

  /// Appends up to `count` distinct random members that `wanted` accepts; all of them where there
  /// are no more.
  template <class Wanted>
  void pick_random(std::size_t count, Random& random, Wanted&& wanted,
                   std::vector<MemberIndex>& out) const;

  /// Everyone, sorted by name; made anew only after a change.
  [[nodiscard]] MemberSnapshot snapshot() const;
  [[nodiscard]] Member view(MemberIndex index) const;

 private:
  [[nodiscard]] std::size_t& counted(MemberStatus status) noexcept {
    return by_status_[static_cast<std::size_t>(status)];
  }
  MemberEntry remove(MemberIndex index);
  void index_address(MemberIndex index);
  void unindex_address(MemberIndex index);

  std::vector<MemberEntry> entries_;
  std::vector<MemberIndex> free_;
  std::vector<MemberIndex> order_;
  std::unordered_map<std::string_view, MemberIndex> by_name_;  // keys live in the records
  std::unordered_map<Address, MemberIndex> by_address_;        // the newest; the others hang on it
  std::array<std::size_t, kMemberStatuses> by_status_{};

  mutable std::vector<MemberIndex> by_name_sorted_;
  mutable bool sorted_ = true;
  mutable MemberSnapshot snapshot_;
};

template <class Wanted>
void MemberTable::pick_random(std::size_t count, Random& random, Wanted&& wanted,
                              std::vector<MemberIndex>& out) const {
  const std::size_t first = out.size();
  const auto chosen = [&](MemberIndex index) {
    for (std::size_t i = first; i < out.size(); ++i) {
      if (out[i] == index) return true;
    }
    return false;
  };
  // Drawing blindly is quick while most members are wanted ...
  const std::size_t draws = order_.empty() ? 0 : 4 * count + 8;
  for (std::size_t draw = 0; draw < draws && out.size() - first < count; ++draw) {
    const MemberIndex index = order_[random.below(order_.size())];
    if (!chosen(index) && wanted(at(index))) out.push_back(index);
  }
  if (out.size() - first == count) return;
  // ... and where they are rare or few, a walk from a random place finds all there are.
  const std::size_t start = order_.empty() ? 0 : random.below(order_.size());
  for (std::size_t step = 0; step < order_.size() && out.size() - first < count; ++step) {
    const MemberIndex index = order_[(start + step) % order_.size()];
    if (!chosen(index) && wanted(at(index))) out.push_back(index);
  }
}

}  // namespace memberlist::swim
