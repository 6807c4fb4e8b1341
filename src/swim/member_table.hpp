#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/flat_index.hpp"
#include "base/random.hpp"
#include "base/timer_heap.hpp"
#include "memberlist/member.hpp"
#include "swim/keyed_hash.hpp"
#include "swim/member_groups.hpp"
#include "swim/side_table.hpp"
#include "swim/suspicion.hpp"

namespace memberlist::swim {

inline constexpr MemberIndex kNoMember = FlatIndex<>::kNone;
inline constexpr std::size_t kMemberStatuses = 4;

/// What this node holds of one member. What it says of itself is shared and immutable; what is
/// believed of it is here. As small as possible: there is one for each member of the cluster.
struct MemberEntry {
  std::shared_ptr<const MemberRecord> record;  // null: the place is free
  TimePoint since;
  TimePoint heard = TimePoint::min();  // when the last packet came from its address
  std::uint32_t incarnation = 0;
  MemberStatus status = MemberStatus::dead;
  bool noted = false;  // the table's: it is among the changes to be taken
  MemberGroups::Number group = MemberGroups::kNone;  // the table's

  [[nodiscard]] bool live() const noexcept {
    return status == MemberStatus::alive || status == MemberStatus::suspect;
  }
};
static_assert(sizeof(MemberEntry) <= 40);

/// The suspicion of a member, and the timer of its deadline.
struct RunningSuspicion {
  Suspicion suspicion;
  TimerHandle timer;
};

/// A member that is in the table no more.
struct ForgottenMember {
  MemberIndex index = kNoMember;  ///< its place, which is free
  MemberEntry entry;
};

/// What a live member adds to the digest of a view: of its name, address, meta data, incarnation
/// and status. 0 for others.
[[nodiscard]] std::uint64_t member_digest(const MemberRecord& record, MemberStatus status,
                                          std::uint32_t incarnation);

/// All known members, by name and by address, and the order in which they are probed. Nothing that
/// it puts out depends on the order of a hash table.
class MemberTable {
 public:
  /// Peers choose names and addresses, so the tables are keyed with a secret.
  explicit MemberTable(const SipKey& key = {})
      : hash_name_{key}, hash_address_{key}, shared_ips_(0, hash_address_) {}

  [[nodiscard]] MemberIndex find(std::string_view name) const { return find(name, hash_of(name)); }
  /// The same for a caller that may `insert` the name next, and keeps its hash.
  [[nodiscard]] MemberIndex find(std::string_view name, std::uint64_t hash) const;
  [[nodiscard]] std::uint64_t hash_of(std::string_view name) const { return hash_name_(name); }
  /// Fetches what is read of the members with names of these hashes into the caches: a table of
  /// thousands does not fit them, and each would be waited for.
  void fetch(std::span<const std::uint64_t> hashes) const;
  /// The member last seen to claim this address; `kNoMember` if there is none.
  [[nodiscard]] MemberIndex find(const Address& address) const;
  /// The one member with this IP address; `kNoMember` if there are none or several.
  [[nodiscard]] MemberIndex find_unique(const IpAddress& ip) const;

  [[nodiscard]] MemberEntry& at(MemberIndex index) noexcept {
    return pages_[index / kPageMembers][index % kPageMembers];
  }
  [[nodiscard]] const MemberEntry& at(MemberIndex index) const noexcept {
    return pages_[index / kPageMembers][index % kPageMembers];
  }

  /// Makes room for so many members in all.
  void reserve(std::size_t members);
  /// Adds a member, dead with incarnation 0, at a random place of the probe list. Its name must
  /// not be there yet.
  MemberIndex insert(std::shared_ptr<const MemberRecord> record, TimePoint now, Random& random) {
    const std::uint64_t hash = hash_of(record->name);
    return insert(std::move(record), hash, now, random);
  }
  /// `hash`: of the name.
  MemberIndex insert(std::shared_ptr<const MemberRecord> record, std::uint64_t hash, TimePoint now,
                     Random& random);
  /// Puts another record of the same name in place.
  void replace_record(MemberIndex index, std::shared_ptr<const MemberRecord> record);
  /// Takes on a status; `since` moves only if it is another one.
  void set_status(MemberIndex index, MemberStatus status, TimePoint now);
  void set_incarnation(MemberIndex index, std::uint32_t incarnation);
  /// The suspicion of a member that is suspect, else null; valid until another one starts or ends.
  [[nodiscard]] RunningSuspicion* suspicion(MemberIndex index) { return suspicions_.find(index); }
  [[nodiscard]] const RunningSuspicion* suspicion(MemberIndex index) const {
    return suspicions_.find(index);
  }
  /// The member must have none.
  RunningSuspicion& start_suspicion(MemberIndex index, Suspicion suspicion) {
    return suspicions_.add(index, {std::move(suspicion), {}});
  }
  std::optional<RunningSuspicion> end_suspicion(MemberIndex index) {
    return suspicions_.take(index);
  }
  /// Whether the member may be told its state (Teller): then it counts as told, and may be told
  /// again at `next`.
  [[nodiscard]] bool may_tell(MemberIndex index, TimePoint now, TimePoint next);
  /// A packet has come from this address; returns the member found there, or kNoMember.
  MemberIndex note_heard(const Address& address, TimePoint now);
  /// Forgets members that have been dead or left since before `cutoff`, except `keep`, then
  /// shuffles the probe list. They are appended to `forgotten`.
  void reset_probe_list(TimePoint cutoff, MemberIndex keep, Random& random,
                        std::vector<ForgottenMember>& forgotten);

  /// The members in groups by their names, so that data derived from the members need be rebuilt
  /// only for the groups in which one has changed. Those who are new come into theirs when this is
  /// called: many become known at once, and none of that is needed before the next push/pull.
  [[nodiscard]] const MemberGroups& groups();
  /// The members of a group, sorted by name.
  [[nodiscard]] std::span<const MemberIndex> group(std::size_t number);

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

  /// All members, sorted by name; rebuilt only after a change.
  [[nodiscard]] MemberSnapshot snapshot() const;
  [[nodiscard]] Member view(MemberIndex index) const;
  /// From now on keeps the changes for `take_changes`.
  void follow_changes() noexcept { follows_changes_ = true; }
  /// Those since the last call: each member once, and before it its forgotten namesakes.
  [[nodiscard]] std::vector<MemberChange> take_changes();
  /// The sum of `member_digest`, so the order in which members became known does not matter.
  [[nodiscard]] std::uint64_t digest() const;

 private:
  [[nodiscard]] std::size_t& counted(MemberStatus status) noexcept {
    return by_status_[static_cast<std::size_t>(status)];
  }
  /// Entries are in pages of this size, so that they stay where they are as the table grows.
  static constexpr MemberIndex kPageMembers = 64;
  using Page = std::vector<MemberEntry>;
  /// Its neighbours in the order in which those at one address claimed it.
  struct AddressLinks {
    MemberIndex older = kNoMember;
    MemberIndex newer = kNoMember;
  };
  /// Those with one IP address: how many, and their indices, each exclusive-or'ed to the last, so
  /// that the index of an only one is there.
  struct Neighbours {
    std::uint32_t count = 0;
    MemberIndex indices = 0;
  };
  /// There are up to 2^20 members; the rest of the bits saves looking at others.
  using Index = FlatIndex<11>;

  void note_change(MemberIndex index);
  void note_ungrouped(MemberIndex index);
  void put_into_group(MemberIndex index);
  MemberIndex take_place();
  MemberEntry remove(MemberIndex index);
  void unindex_name(MemberIndex index);
  void index_address(MemberIndex index);
  void unindex_address(MemberIndex index);
  void link(MemberIndex older, MemberIndex newer);
  void index_ip(MemberIndex index);
  void unindex_ip(MemberIndex index);
  [[nodiscard]] MemberIndex newest_at(const Address& address, std::uint64_t hash) const;
  [[nodiscard]] MemberIndex only_one_at(const IpAddress& ip, std::uint64_t hash) const;

  // What the indices hash.
  [[nodiscard]] auto name_hash() const {
    return [this](MemberIndex index) { return hash_name_(at(index).record->name); };
  }
  [[nodiscard]] auto address_hash() const {
    return [this](MemberIndex index) { return hash_address_(at(index).record->address); };
  }
  [[nodiscard]] auto ip_hash() const {
    return [this](MemberIndex index) { return hash_address_(at(index).record->address.ip); };
  }

  NameHash hash_name_;
  AddressHash hash_address_;
  std::vector<Page> pages_;
  MemberIndex places_ = 0;  // that were ever taken
  std::vector<MemberIndex> free_;
  std::vector<MemberIndex> order_;
  // Keys live in the records.
  Index by_name_;
  Index by_address_;                 // the newest at each address
  SideTable<AddressLinks> sharing_;  // those who are not alone at their address
  Index by_ip_;                      // those who are alone with their IP address
  std::unordered_map<IpAddress, Neighbours, AddressHash> shared_ips_;
  SideTable<RunningSuspicion> suspicions_;
  SideTable<TimePoint> told_;  // when they may be told again
  std::size_t told_limit_ = 0;
  std::array<std::size_t, kMemberStatuses> by_status_{};
  MemberGroups groups_;
  std::vector<MemberIndex> ungrouped_;  // while they are few; may be forgotten by now
  bool many_ungrouped_ = false;         // more than those

  bool follows_changes_ = false;
  std::vector<MemberIndex> changed_;  // each is `noted`, or free by now
  std::vector<Member> forgotten_;

  mutable std::vector<MemberIndex> by_name_sorted_;  // empty: to be made
  mutable std::optional<MemberSnapshot> snapshot_;
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
