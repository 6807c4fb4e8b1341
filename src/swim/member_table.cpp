#include "swim/member_table.hpp"

#include <algorithm>
#include <cassert>
#include <span>
#include <utility>

#include "base/make_room.hpp"

namespace memberlist::swim {

MemberIndex MemberTable::find(std::string_view name, std::uint64_t hash) const {
  return by_name_.find(hash, [&](MemberIndex index) { return at(index).record->name == name; });
}

void MemberTable::fetch(std::span<const std::uint64_t> hashes) const {
  // Each step reads what the one before it has fetched.
  for (const std::uint64_t hash : hashes) by_name_.fetch(hash);
  const auto for_each_member = [&](auto&& visit) {
    for (const std::uint64_t hash : hashes) {
      const MemberIndex index = by_name_.likely(hash);
      if (index != kNoMember) visit(at(index));
    }
  };
  for_each_member([](const MemberEntry& entry) { __builtin_prefetch(&entry); });
  for_each_member([](const MemberEntry& entry) { __builtin_prefetch(entry.record.get()); });
  for_each_member([](const MemberEntry& entry) { __builtin_prefetch(entry.record->name.data()); });
}

MemberIndex MemberTable::find(const Address& address) const {
  return newest_at(address, hash_address_(address));
}

MemberIndex MemberTable::newest_at(const Address& address, std::uint64_t hash) const {
  return by_address_.find(hash,
                          [&](MemberIndex index) { return at(index).record->address == address; });
}

MemberIndex MemberTable::find_unique(const IpAddress& ip) const {
  return only_one_at(ip, hash_address_(ip));
}

MemberIndex MemberTable::only_one_at(const IpAddress& ip, std::uint64_t hash) const {
  return by_ip_.find(hash, [&](MemberIndex index) { return at(index).record->address.ip == ip; });
}

void MemberTable::reserve(std::size_t members) {
  pages_.reserve((members + kPageMembers - 1) / kPageMembers);
  order_.reserve(members);
  by_name_.reserve(members, name_hash());
  by_address_.reserve(members, address_hash());
  by_ip_.reserve(members, ip_hash());
}

MemberIndex MemberTable::insert(std::shared_ptr<const MemberRecord> record, std::uint64_t hash,
                                TimePoint now, Random& random) {
  assert(hash == hash_of(record->name) && find(record->name, hash) == kNoMember);
  const MemberIndex index = take_place();
  MemberEntry& entry = at(index);
  entry.record = std::move(record);
  entry.since = now;
  ++counted(entry.status);
  by_name_.insert(hash, index, name_hash());
  index_address(index);
  make_room(order_);
  order_.push_back(index);
  std::swap(order_.back(), order_[random.below(order_.size())]);
  by_name_sorted_.clear();
  note_ungrouped(index);
  note_change(index);
  return index;
}

MemberIndex MemberTable::take_place() {
  if (!free_.empty()) {
    const MemberIndex index = free_.back();
    free_.pop_back();
    return index;
  }
  if (places_ % kPageMembers == 0) {
    make_room(pages_);
    pages_.emplace_back();
  }
  pages_.back().emplace_back();
  return places_++;
}

void MemberTable::note_change(MemberIndex index) {
  snapshot_.reset();
  if (follows_changes_ && !std::exchange(at(index).noted, true)) changed_.push_back(index);
  if (at(index).group != MemberGroups::kNone) groups_.note_change(at(index).group);
}

const MemberGroups& MemberTable::groups() {
  const std::size_t wanted = MemberGroups::wanted(size());
  if (wanted != groups_.size()) {
    groups_.clear(wanted);
    for (const MemberIndex index : order_) put_into_group(index);
  } else {
    for (const MemberIndex index : many_ungrouped_ ? order_ : ungrouped_) {
      const MemberEntry& entry = at(index);
      if (entry.record != nullptr && entry.group == MemberGroups::kNone) put_into_group(index);
    }
  }
  ungrouped_.clear();
  many_ungrouped_ = false;
  return groups_;
}

/// A list of all would be memory for members of whom nobody asks.
void MemberTable::note_ungrouped(MemberIndex index) {
  constexpr std::size_t kFew = 64;
  if (ungrouped_.size() < kFew) {
    ungrouped_.push_back(index);
  } else {
    many_ungrouped_ = true;
  }
}

void MemberTable::put_into_group(MemberIndex index) {
  MemberEntry& entry = at(index);
  entry.group = groups_.of(entry.record->name);
  groups_.add(entry.group, index);
}

std::span<const MemberIndex> MemberTable::group(std::size_t number) {
  groups_.sort(number,
               [this](MemberIndex index) -> std::string_view { return at(index).record->name; });
  return groups_.members(number);
}

void MemberTable::replace_record(MemberIndex index, std::shared_ptr<const MemberRecord> record) {
  MemberEntry& entry = at(index);
  assert(record->name == entry.record->name);
  // The last member that claimed an address is found by it.
  const AddressLinks* const links = sharing_.find(index);
  const bool moves =
      record->address != entry.record->address || (links != nullptr && links->newer != kNoMember);
  if (moves) unindex_address(index);
  entry.record = std::move(record);
  if (moves) index_address(index);
  note_change(index);
}

void MemberTable::set_status(MemberIndex index, MemberStatus status, TimePoint now) {
  MemberEntry& entry = at(index);
  if (entry.status == status) return;
  --counted(entry.status);
  ++counted(status);
  entry.status = status;
  entry.since = now;
  note_change(index);
}

void MemberTable::set_incarnation(MemberIndex index, std::uint32_t incarnation) {
  MemberEntry& entry = at(index);
  if (entry.incarnation == incarnation) return;
  entry.incarnation = incarnation;
  note_change(index);
}

MemberIndex MemberTable::note_heard(const Address& address, TimePoint now) {
  const MemberIndex index = find(address);
  if (index != kNoMember) at(index).heard = now;
  return index;
}

bool MemberTable::may_tell(MemberIndex index, TimePoint now, TimePoint next) {
  constexpr std::size_t kFew = 16;
  TimePoint* const again = told_.find(index);
  if (again != nullptr && now < *again) return false;
  if (again != nullptr) {
    *again = next;
    return true;
  }
  // Those who may be told again need not be remembered.
  if (told_.size() >= told_limit_) {
    told_.remove_if([now](TimePoint time) { return now >= time; });
    told_limit_ = std::max(kFew, 2 * told_.size());
  }
  told_.add(index, next);
  return true;
}

void MemberTable::reset_probe_list(TimePoint cutoff, MemberIndex keep, Random& random,
                                   std::vector<ForgottenMember>& forgotten) {
  const std::size_t before = forgotten.size();
  for (const MemberIndex index : order_) {
    const MemberEntry& entry = at(index);
    if (index == keep || entry.live() || entry.since >= cutoff) continue;
    forgotten.push_back({index, remove(index)});
  }
  if (forgotten.size() != before) {
    const auto is_gone = [this](MemberIndex index) { return at(index).record == nullptr; };
    std::erase_if(order_, is_gone);
    by_name_sorted_.clear();
    groups_.remove_if(is_gone);
  }
  random.shuffle(std::span(order_));
}

MemberEntry MemberTable::remove(MemberIndex index) {
  --counted(at(index).status);
  unindex_address(index);
  unindex_name(index);
  told_.take(index);
  free_.push_back(index);
  note_change(index);
  if (follows_changes_) forgotten_.push_back(view(index));
  return std::exchange(at(index), MemberEntry{});
}

void MemberTable::unindex_name(MemberIndex index) {
  by_name_.erase(name_hash()(index), index, name_hash());
}

void MemberTable::index_address(MemberIndex index) {
  index_ip(index);
  const std::uint64_t hash = address_hash()(index);
  const MemberIndex newest = newest_at(at(index).record->address, hash);
  if (newest == kNoMember) return by_address_.insert(hash, index, address_hash());
  by_address_.move(hash, newest, index);
  link(newest, index);
}

void MemberTable::unindex_address(MemberIndex index) {
  unindex_ip(index);
  const std::uint64_t hash = address_hash()(index);
  const AddressLinks links = sharing_.take(index).value_or(AddressLinks{});
  link(links.older, links.newer);
  if (links.newer != kNoMember) return;
  if (links.older != kNoMember) return by_address_.move(hash, index, links.older);
  by_address_.erase(hash, index, address_hash());
}

/// Makes the two neighbours; one of them may be nobody.
void MemberTable::link(MemberIndex older, MemberIndex newer) {
  const auto is_alone = [](const AddressLinks& links) {
    return links.older == kNoMember && links.newer == kNoMember;
  };
  if (older != kNoMember) {
    AddressLinks& links = sharing_[older];
    links.newer = newer;
    if (is_alone(links)) sharing_.take(older);
  }
  if (newer != kNoMember) {
    AddressLinks& links = sharing_[newer];
    links.older = older;
    if (is_alone(links)) sharing_.take(newer);
  }
}

void MemberTable::index_ip(MemberIndex index) {
  const IpAddress& ip = at(index).record->address.ip;
  if (const auto shared = shared_ips_.find(ip); shared != shared_ips_.end()) {
    ++shared->second.count;
    shared->second.indices ^= index;
    return;
  }
  const std::uint64_t hash = hash_address_(ip);
  const MemberIndex other = only_one_at(ip, hash);
  if (other == kNoMember) return by_ip_.insert(hash, index, ip_hash());
  by_ip_.erase(hash, other, ip_hash());
  shared_ips_.emplace(ip, Neighbours{.count = 2, .indices = index ^ other});
}

void MemberTable::unindex_ip(MemberIndex index) {
  const IpAddress& ip = at(index).record->address.ip;
  const std::uint64_t hash = hash_address_(ip);
  const auto shared = shared_ips_.find(ip);
  if (shared == shared_ips_.end()) return by_ip_.erase(hash, index, ip_hash());
  shared->second.indices ^= index;
  if (--shared->second.count > 1) return;
  by_ip_.insert(hash, shared->second.indices, ip_hash());
  shared_ips_.erase(shared);
}

Member MemberTable::view(MemberIndex index) const {
  const MemberEntry& entry = at(index);
  return {entry.record, entry.status, entry.incarnation, entry.since};
}

MemberSnapshot MemberTable::snapshot() const {
  if (snapshot_) return *snapshot_;
  if (by_name_sorted_.empty()) {
    by_name_sorted_ = order_;
    std::ranges::sort(by_name_sorted_, {}, [this](MemberIndex index) -> std::string_view {
      return at(index).record->name;
    });
  }
  std::vector<Member> members;
  members.reserve(by_name_sorted_.size());
  for (const MemberIndex index : by_name_sorted_) members.push_back(view(index));
  return snapshot_.emplace(std::move(members));
}

std::vector<MemberChange> MemberTable::take_changes() {
  std::vector<MemberChange> changes;
  changes.reserve(forgotten_.size() + changed_.size());
  for (Member& member : forgotten_) changes.push_back({std::move(member), true});
  for (const MemberIndex index : changed_) {
    // A place may have been used for others since.
    if (std::exchange(at(index).noted, false)) changes.push_back({view(index), false});
  }
  forgotten_.clear();
  changed_.clear();
  return changes;
}

std::uint64_t MemberTable::digest() const {
  std::uint64_t digest = 0;
  for (const MemberIndex index : order_) {
    const MemberEntry& entry = at(index);
    digest += member_digest(*entry.record, entry.status, entry.incarnation);
  }
  return digest;
}

// FNV-1a.
std::uint64_t member_digest(const MemberRecord& record, MemberStatus status,
                            std::uint32_t incarnation) {
  constexpr std::uint64_t kBasis = 14'695'981'039'346'656'037U;
  constexpr std::uint64_t kPrime = 1'099'511'628'211U;
  if (status != MemberStatus::alive && status != MemberStatus::suspect) return 0;
  std::uint64_t hash = kBasis;
  const auto mix_number = [&hash](std::uint64_t number) { hash = (hash ^ number) * kPrime; };
  const auto mix = [&](BytesView bytes) {
    for (const std::byte byte : bytes) mix_number(std::to_integer<std::uint64_t>(byte));
    mix_number(bytes.size());
  };
  mix(as_bytes(record.name));
  mix(record.address.ip.wire_bytes());
  mix_number(record.address.port);
  mix(record.meta);
  mix_number(incarnation);
  mix_number(static_cast<std::uint64_t>(status));
  return hash;
}

}  // namespace memberlist::swim
