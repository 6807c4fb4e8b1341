#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "memberlist/bytes.hpp"
#include "swim/content_digest.hpp"
#include "swim/member_table.hpp"
#include "swim/version_summary.hpp"
#include "wire/stream.hpp"

namespace memberlist::swim {

/// The encoded states of the members for push/pulls, cached from one to the next: a repeated
/// request costs no more than the bytes that are sent. The table's pages are encoded and compressed
/// separately, so that a change costs one page.
class StatePages {
 public:
  struct Page {
    Bytes bytes;  ///< a part for wire::seal_stream_parts
    std::size_t plain_bytes = 0;
    std::int64_t members = 0;
    std::uint64_t change = 0;  ///< of the table's page when this was made
    VersionSummaries live;     ///< of those alive or suspect
  };
  struct Totals {
    std::size_t bytes = 0;
    std::size_t plain_bytes = 0;
    std::int64_t members = 0;
    VersionSummaries live;
  };

  /// Both must outlive this.
  StatePages(const MemberTable& table, const wire::Sealing& how) : table_(table), how_(how) {}
  /// The same pages, of a copy of the table.
  StatePages(const StatePages& other, const MemberTable& table, const wire::Sealing& how)
      : table_(table),
        how_(how),
        pages_(other.pages_),
        change_(other.change_),
        totals_(other.totals_) {}

  /// Encodes what has changed. Returns the plain bytes of that.
  std::size_t refresh();
  [[nodiscard]] std::span<const Page> pages() const noexcept { return pages_; }
  [[nodiscard]] const Totals& totals() const noexcept { return totals_; }
  /// Of the plain bytes of a page that is up to date. Made when it is asked for: of all that is
  /// sent, only a join request needs one.
  [[nodiscard]] ContentDigest digest(std::size_t page);
  /// Gives the memory back.
  void release() noexcept;

 private:
  void encode(std::size_t page);
  void write_plain(std::size_t page);
  void add_up();

  const MemberTable& table_;
  const wire::Sealing& how_;
  std::vector<Page> pages_;
  std::uint64_t change_ = 0;  // of the table when all was last up to date
  Totals totals_;
  Bytes plain_;
  Bytes packed_;
  wire::LzwEncoder lzw_;
};

}  // namespace memberlist::swim
