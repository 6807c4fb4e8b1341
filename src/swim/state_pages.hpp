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
/// request costs no more than the bytes that are sent. The table's groups are encoded and
/// compressed separately, so that a change costs one of them. Nodes that know the same of the same
/// members have the same pages, byte for byte, if they compress alike.
class StatePages {
 public:
  /// The members of a group, or some of them if they take much: by their names.
  struct Page {
    Bytes bytes;  ///< a part for wire::seal_stream_parts
    std::size_t plain_bytes = 0;
    std::size_t members = 0;
  };
  /// A page that begins with a certain member.
  struct Front {
    std::size_t page = 0;
    Bytes bytes;           ///< in the place of the page's
    ContentDigest digest;  ///< of its plain bytes
  };
  struct Totals {
    std::size_t bytes = 0;
    std::size_t plain_bytes = 0;
    std::int64_t members = 0;
    VersionSummaries live;
  };

  /// Both must outlive this.
  StatePages(MemberTable& table, const wire::Sealing& how) : table_(table), how_(how) {}
  /// The same pages, of a copy of the table.
  StatePages(const StatePages& other, MemberTable& table, const wire::Sealing& how)
      : table_(table), how_(how), groups_(other.groups_), change_(other.change_) {
    add_up();
  }
  StatePages(const StatePages&) = delete;
  StatePages& operator=(const StatePages&) = delete;
  ~StatePages() = default;

  /// Encodes what has changed. Returns the plain bytes of that.
  std::size_t refresh();
  /// Valid until the next refresh.
  [[nodiscard]] std::span<const Page* const> pages() const noexcept { return pages_; }
  [[nodiscard]] const Totals& totals() const noexcept { return totals_; }
  /// The page in which a member is. Like those below, for pages that are up to date.
  [[nodiscard]] std::size_t page_of(MemberIndex member) const;
  /// Of the plain bytes of a page. Made when it is asked for: of all that is sent, only a join
  /// request needs one.
  [[nodiscard]] ContentDigest digest(std::size_t page) const;
  /// The page in which a member is, but with this member first.
  [[nodiscard]] Front front(MemberIndex member) const;
  /// Gives the memory back.
  void release() noexcept;

 private:
  struct Group {
    std::uint64_t change = 0;  // of the table's group when this was made
    std::vector<Page> pages;
    VersionSummaries live;  // of those alive or suspect
  };

  class Writer;

  [[nodiscard]] std::span<const MemberIndex> members_of(std::size_t page) const;
  [[nodiscard]] std::size_t first_page(std::size_t group) const;
  void add_up();

  MemberTable& table_;
  const wire::Sealing& how_;
  std::vector<Group> groups_;
  std::vector<const Page*> pages_;  // of all groups
  std::uint64_t change_ = 0;        // of the table when all was last up to date
  Totals totals_;
};

}  // namespace memberlist::swim
