#include "swim/member_table.hpp"

#include <algorithm>
#include <cassert>
#include <span>
#include <utility>

namespace memberlist::swim {

MemberIndex MemberTable::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? kNoMember : found->second;
}

MemberIndex MemberTable::find(const Address& address) const {
  const auto found = by_address_.find(address);
  return found == by_address_.end() ? kNoMember : found->second;
}

MemberIndex MemberTable::find_unique(const IpAddress& ip) const {
  const auto found = by_ip_.find(ip);
  return found == by_ip_.end() || found->second.count != 1 ? kNoMember : found->second.indices;
}

MemberIndex MemberTable::insert(std::shared_ptr<const MemberRecord> record, TimePoint now,
                                Random& random) {
  assert(find(record->name) == kNoMember);
  MemberIndex index = static_cast<MemberIndex>(entries_.size());
  if (free_.empty()) {
    entries_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  MemberEntry& entry = entries_[index];
  entry.record = std::move(record);
  entry.since = now;
  ++counted(entry.status);
  by_name_.emplace(entry.record->name, index);
  index_address(index);
  order_.push_back(index);
  std::swap(order_.back(), order_[random.below(order_.size())]);
  by_name_sorted_.push_back(index);
  sorted_ = false;
  note_change(index);
  return index;
}

void MemberTable::note_change(MemberIndex index) {
  snapshot_.reset();
  if (follows_changes_ && !std::exchange(entries_[index].noted, true)) changed_.push_back(index);
  const std::size_t page = index / kPageMembers;
  if (page >= page_changes_.size()) page_changes_.resize(page + 1);
  page_changes_[page] = ++last_change_;
}

void MemberTable::replace_record(MemberIndex index, std::shared_ptr<const MemberRecord> record) {
  MemberEntry& entry = entries_[index];
  assert(record->name == entry.record->name);
  // The last member that claimed an address is found by it.
  const bool moves =
      record->address != entry.record->address || entry.newer_at_address != kNoMember;
  if (moves) unindex_address(index);
  // The key views the old record's name, which may go with it.
  auto node = by_name_.extract(std::string_view(entry.record->name));
  node.key() = record->name;
  by_name_.insert(std::move(node));
  entry.record = std::move(record);
  if (moves) index_address(index);
  note_change(index);
}

void MemberTable::set_status(MemberIndex index, MemberStatus status, TimePoint now) {
  MemberEntry& entry = entries_[index];
  if (entry.status == status) return;
  --counted(entry.status);
  ++counted(status);
  entry.status = status;
  entry.since = now;
  note_change(index);
}

void MemberTable::set_incarnation(MemberIndex index, std::uint32_t incarnation) {
  if (entries_[index].incarnation == incarnation) return;
  entries_[index].incarnation = incarnation;
  note_change(index);
}

void MemberTable::note_heard(const Address& address, TimePoint now) {
  if (const MemberIndex index = find(address); index != kNoMember) entries_[index].heard = now;
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
    const auto is_free = [this](MemberIndex index) { return at(index).record == nullptr; };
    std::erase_if(order_, is_free);
    std::erase_if(by_name_sorted_, is_free);
  }
  random.shuffle(std::span(order_));
}

MemberEntry MemberTable::remove(MemberIndex index) {
  --counted(entries_[index].status);
  unindex_address(index);
  by_name_.erase(std::string_view(entries_[index].record->name));
  free_.push_back(index);
  note_change(index);
  if (follows_changes_) forgotten_.push_back(view(index));
  return std::exchange(entries_[index], MemberEntry{});
}

void MemberTable::index_address(MemberIndex index) {
  Neighbours& neighbours = by_ip_[at(index).record->address.ip];
  ++neighbours.count;
  neighbours.indices ^= index;
  const auto [newest, alone] = by_address_.try_emplace(at(index).record->address, index);
  if (alone) return;
  at(index).older_at_address = newest->second;
  at(newest->second).newer_at_address = index;
  newest->second = index;
}

void MemberTable::unindex_address(MemberIndex index) {
  const auto neighbours = by_ip_.find(at(index).record->address.ip);
  neighbours->second.indices ^= index;
  if (--neighbours->second.count == 0) by_ip_.erase(neighbours);
  const MemberIndex older = std::exchange(at(index).older_at_address, kNoMember);
  const MemberIndex newer = std::exchange(at(index).newer_at_address, kNoMember);
  if (older != kNoMember) at(older).newer_at_address = newer;
  if (newer != kNoMember) {
    at(newer).older_at_address = older;
  } else if (older != kNoMember) {
    by_address_.find(at(index).record->address)->second = older;
  } else {
    by_address_.erase(at(index).record->address);
  }
}

Member MemberTable::view(MemberIndex index) const {
  const MemberEntry& entry = at(index);
  return {entry.record, entry.status, entry.incarnation, entry.since};
}

MemberSnapshot MemberTable::snapshot() const {
  if (snapshot_) return *snapshot_;
  if (!sorted_) {
    std::ranges::sort(by_name_sorted_, {}, [this](MemberIndex index) -> std::string_view {
      return at(index).record->name;
    });
    sorted_ = true;
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
    if (std::exchange(entries_[index].noted, false)) changes.push_back({view(index), false});
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
