#include "swim/state_pages.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "base/limits.hpp"
#include "swim/alive_message.hpp"

namespace memberlist::swim {
namespace {

// A page is full from here on. Where the members of a group have much meta data, a page would
// otherwise be so large that few fit into a state that is over the limit (PushPull::choose_pages).
constexpr std::size_t kFullPageBytes = 32 * limits::kKiB;

}  // namespace

/// Encodes the members of groups. Its buffers are as large as a group, and would be much for each
/// table of a simulation to keep.
class StatePages::Writer {
 public:
  Writer(MemberTable& table, const wire::Sealing& how) : table_(table), how_(how) {}

  Group group(std::size_t number) {
    constexpr std::size_t kEntryAhead = 16;
    constexpr std::size_t kRecordAhead = 8;
    constexpr std::size_t kMetaAhead = 4;
    Group group{.change = table_.groups().change(number), .pages = {}, .live = {}};
    const std::span<const MemberIndex> members = table_.group(number);
    std::size_t on_page = 0;
    plain_.clear();
    for (std::size_t i = 0; i < members.size(); ++i) {
      // What is read of a member is all over the memory: the processor fetches that of the next
      // ones while one is encoded.
      if (i + kEntryAhead < members.size()) {
        __builtin_prefetch(&table_.at(members[i + kEntryAhead]));
      }
      if (i + kRecordAhead < members.size()) {
        const MemberRecord& later = *table_.at(members[i + kRecordAhead]).record;
        __builtin_prefetch(&later.name);
        __builtin_prefetch(&later.meta);
        __builtin_prefetch(&later.delegate_protocol);
      }
      if (i + kMetaAhead < members.size()) {
        __builtin_prefetch(table_.at(members[i + kMetaAhead]).record->meta.data());
      }
      const MemberEntry& entry = table_.at(members[i]);
      if (entry.live()) group.live.add(entry.record->protocol, entry.record->delegate_protocol);
      append(entry);
      ++on_page;
      if (plain_.size() < kFullPageBytes && i + 1 < members.size()) continue;
      group.pages.push_back(page(std::exchange(on_page, 0)));
      plain_.clear();
    }
    return group;
  }

  /// The plain bytes of these members; valid until the next call.
  BytesView plain(std::span<const MemberIndex> members) {
    plain_.clear();
    for (const MemberIndex member : members) append(table_.at(member));
    return plain_;
  }

 private:
  Page page(std::size_t members) {
    packed_.clear();
    wire::append_stream_part(how_, plain_, packed_, lzw_);
    return {.bytes = Bytes(packed_.begin(), packed_.end()),  // without room to grow
            .plain_bytes = plain_.size(),
            .members = members};
  }

  void append(const MemberEntry& entry) {
    ByteWriter out(plain_);
    const MemberRecord& record = *entry.record;
    const std::array<std::byte, 6> vsn = version_bytes(record);
    wire::encode(out, wire::NodeState{record.name, record.address.ip.wire_bytes(),
                                      record.address.port, record.meta, entry.incarnation,
                                      static_cast<std::int64_t>(entry.status), vsn});
  }

  MemberTable& table_;
  const wire::Sealing& how_;
  Bytes plain_;
  Bytes packed_;
  wire::LzwEncoder lzw_;
};

std::size_t StatePages::refresh() {
  const MemberGroups& groups = table_.groups();
  if (change_ == groups.last_change()) return 0;
  groups_.resize(groups.size());
  Writer writer(table_, how_);
  std::size_t encoded = 0;
  for (std::size_t group = 0; group < groups.size(); ++group) {
    if (groups_[group].change == groups.change(group)) continue;
    groups_[group] = writer.group(group);
    for (const Page& page : groups_[group].pages) encoded += page.plain_bytes;
  }
  change_ = groups.last_change();
  add_up();
  return encoded;
}

std::span<const MemberIndex> StatePages::members_of(std::size_t number) const {
  assert(change_ == table_.groups().last_change());
  std::size_t group = 0;
  for (; number >= groups_[group].pages.size(); ++group) number -= groups_[group].pages.size();
  std::span<const MemberIndex> members = table_.group(group);
  for (const Page& page : std::span(groups_[group].pages).first(number)) {
    members = members.subspan(page.members);
  }
  return members.first(groups_[group].pages[number].members);
}

std::size_t StatePages::first_page(std::size_t group) const {
  std::size_t page = 0;
  for (const Group& before : std::span(groups_).first(group)) page += before.pages.size();
  return page;
}

std::size_t StatePages::page_of(MemberIndex member) const {
  assert(change_ == table_.groups().last_change());
  const std::size_t group = table_.at(member).group;
  std::size_t page = first_page(group);
  if (groups_[group].pages.size() == 1) return page;
  const std::span<const MemberIndex> members = table_.group(group);
  auto place = static_cast<std::size_t>(std::ranges::find(members, member) - members.begin());
  for (; place >= pages_[page]->members; ++page) place -= pages_[page]->members;
  return page;
}

ContentDigest StatePages::digest(std::size_t page) const {
  Writer writer(table_, how_);
  return ContentDigest(writer.plain(members_of(page)));
}

StatePages::Front StatePages::front(MemberIndex member) const {
  Writer writer(table_, how_);
  Front front;
  front.page = page_of(member);
  const std::span<const MemberIndex> by_name = members_of(front.page);
  std::vector<MemberIndex> members(by_name.begin(), by_name.end());
  const auto place = std::ranges::find(members, member);
  std::rotate(members.begin(), place, place + 1);
  const BytesView plain = writer.plain(members);
  wire::LzwEncoder lzw;
  wire::append_stream_part(how_, plain, front.bytes, lzw);
  front.digest = ContentDigest(plain);
  return front;
}

void StatePages::add_up() {
  totals_ = {};
  pages_.clear();
  for (const Group& group : groups_) {
    totals_.live.add(group.live);
    for (const Page& page : group.pages) {
      pages_.push_back(&page);
      totals_.bytes += page.bytes.size();
      totals_.plain_bytes += page.plain_bytes;
      totals_.members += static_cast<std::int64_t>(page.members);
    }
  }
}

void StatePages::release() noexcept {
  groups_ = std::vector<Group>();
  pages_ = std::vector<const Page*>();
  totals_ = {};
  change_ = 0;
}

}  // namespace memberlist::swim
