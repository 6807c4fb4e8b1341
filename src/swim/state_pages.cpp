#include "swim/state_pages.hpp"

#include <array>

#include "swim/membership.hpp"

namespace memberlist::swim {

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
  plain_.clear();
  ByteWriter out(plain_);
  for (const MemberEntry& entry : table_.page(number)) {
    if (entry.record == nullptr) continue;
    const MemberRecord& record = *entry.record;
    const std::array<std::byte, 6> vsn = version_bytes(record);
    wire::encode(out, wire::NodeState{record.name, record.address.ip.wire_bytes(),
                                      record.address.port, record.meta, entry.incarnation,
                                      static_cast<std::int64_t>(entry.status), vsn});
    ++page.members;
    if (entry.live()) page.live.add(record.protocol, record.delegate_protocol);
  }
  packed_.clear();
  if (page.members > 0) wire::append_stream_part(how_, plain_, packed_, lzw_);
  page.bytes.assign(packed_.begin(), packed_.end());  // without room to grow
  page.plain_bytes = plain_.size();
  page.digest = ContentDigest(plain_);
  page.change = table_.page_change(number);
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
