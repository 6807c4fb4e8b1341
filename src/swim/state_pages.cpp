#include "swim/state_pages.hpp"

#include <array>
#include <cassert>

#include "swim/alive_message.hpp"

namespace memberlist::swim {
namespace {

const MemberRecord* record_at(std::span<const MemberEntry> members, std::size_t index) noexcept {
  return index < members.size() ? members[index].record.get() : nullptr;
}

}  // namespace

std::size_t StatePages::refresh() {
  if (change_ == table_.last_change()) return 0;
  std::size_t encoded = 0;
  pages_.resize(table_.page_count());
  for (std::size_t i = 0; i < pages_.size(); ++i) {
    if (pages_[i].change == table_.page_change(i)) continue;
    encode(i);
    encoded += pages_[i].plain_bytes;
  }
  change_ = table_.last_change();
  add_up();
  return encoded;
}

void StatePages::encode(std::size_t number) {
  Page& page = pages_[number];
  page.members = 0;
  page.live = {};
  for (const MemberEntry& entry : table_.page(number)) {
    if (entry.record == nullptr) continue;
    ++page.members;
    if (entry.live()) page.live.add(entry.record->protocol, entry.record->delegate_protocol);
  }
  write_plain(number);
  packed_.clear();
  if (page.members > 0) wire::append_stream_part(how_, plain_, packed_, lzw_);
  page.bytes.assign(packed_.begin(), packed_.end());  // without room to grow
  page.plain_bytes = plain_.size();
  page.change = table_.page_change(number);
}

void StatePages::write_plain(std::size_t number) {
  constexpr std::size_t kRecordAhead = 8;
  constexpr std::size_t kMetaAhead = 4;
  plain_.clear();
  ByteWriter out(plain_);
  const std::span<const MemberEntry> members = table_.page(number);
  for (std::size_t i = 0; i < members.size(); ++i) {
    // Records are all over the memory, and so is their meta data: the processor fetches those of
    // the next members while one is encoded. (In a function of its own g++ drops the prefetches.)
    if (const MemberRecord* const later = record_at(members, i + kRecordAhead)) {
      __builtin_prefetch(&later->name);
      __builtin_prefetch(&later->meta);
      __builtin_prefetch(&later->delegate_protocol);
    }
    if (const MemberRecord* const soon = record_at(members, i + kMetaAhead)) {
      __builtin_prefetch(soon->meta.data());
    }
    const MemberEntry& entry = members[i];
    if (entry.record == nullptr) continue;
    const MemberRecord& record = *entry.record;
    const std::array<std::byte, 6> vsn = version_bytes(record);
    wire::encode(out, wire::NodeState{record.name, record.address.ip.wire_bytes(),
                                      record.address.port, record.meta, entry.incarnation,
                                      static_cast<std::int64_t>(entry.status), vsn});
  }
}

ContentDigest StatePages::digest(std::size_t page) {
  assert(pages_[page].change == table_.page_change(page));
  write_plain(page);
  return ContentDigest(plain_);
}

void StatePages::add_up() {
  totals_ = {};
  for (const Page& page : pages_) {
    totals_.bytes += page.bytes.size();
    totals_.plain_bytes += page.plain_bytes;
    totals_.members += page.members;
    totals_.live.add(page.live);
  }
}

void StatePages::release() noexcept {
  pages_ = std::vector<Page>();
  plain_ = Bytes();
  packed_ = Bytes();
  totals_ = {};
  change_ = 0;
}

}  // namespace memberlist::swim
