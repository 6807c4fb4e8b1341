#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "memberlist/address.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/export.hpp"
#include "memberlist/time.hpp"

namespace memberlist {

/// This node's view of a member's state. The values are those on the wire (protocol 4, 'State').
enum class MemberStatus : std::uint8_t {
  alive = 0,    ///< it takes part, as far as this node knows
  suspect = 1,  ///< a probe of it had no answer; it may still refute
  dead = 2,     ///< it did not refute in time
  left = 3,     ///< it announced that it leaves
};

/// The status in lower case, as it is spelled above.
[[nodiscard]] MEMBERLIST_API std::string_view to_string(MemberStatus status) noexcept;

/// The range of protocol versions that a member supports, and the one it uses.
struct VersionRange {
  std::uint8_t min = 0;      ///< oldest supported version
  std::uint8_t max = 0;      ///< newest supported version
  std::uint8_t current = 0;  ///< the version in use

  /// Equal in all three.
  friend bool operator==(const VersionRange&, const VersionRange&) = default;
};

/// What a member says about itself: the part that is the same for every observer.
struct MemberRecord {
  std::string name{};                ///< unique in the cluster, 1 to 255 bytes, any bytes
  Address address{};                 ///< where it receives packets and streams
  Bytes meta{};                      ///< published by its application, at most 512 bytes
  VersionRange protocol{};           ///< of memberlist's protocol
  VersionRange delegate_protocol{};  ///< of the application's protocol

  /// Equal in every field.
  friend bool operator==(const MemberRecord&, const MemberRecord&) = default;
};

/// A member as one node saw it at one moment. An immutable value, cheap to copy: the record is
/// shared. Readable from any thread, for as long as needed.
struct Member {
  std::shared_ptr<const MemberRecord> record{};  ///< never null
  MemberStatus status = MemberStatus::dead;      ///< the node's view at that moment
  /// Incremented by the member itself: of two claims about it, the one with the greater number is
  /// newer (compared as serial numbers, RFC 1982: after 2^32 - 1 comes 0).
  std::uint32_t incarnation = 0;
  TimePoint since{};  ///< when the member entered the status, on the engine's time line

  /// The record's name; a view into it, like the next two.
  [[nodiscard]] const std::string& name() const noexcept { return record->name; }
  /// The record's address.
  [[nodiscard]] const Address& address() const noexcept { return record->address; }
  /// The record's meta data; `as_text` reads it as text.
  [[nodiscard]] BytesView meta() const noexcept { return record->meta; }
};

/// One change of the table of members (`Engine::take_member_changes`).
struct MemberChange {
  Member member{};         ///< as it is now; as it was last, if it was forgotten
  bool forgotten = false;  ///< it is no longer in the table
};

/// All members at one moment, sorted by name, including dead and left ones for as long as they are
/// remembered. An immutable value, cheap to copy and readable from any thread, for as long as
/// needed. Successive snapshots share the members that did not change, in chunks of up to 128.
///
/// References, pointers and iterators are valid for as long as any copy of the snapshot exists.
class MEMBERLIST_API MemberSnapshot {
 public:
  class Iterator;
  using value_type = Member;  ///< what it holds
  using iterator = Iterator;  ///< how to go through it

  /// No members.
  MemberSnapshot() noexcept = default;
  /// Precondition: sorted by name, each name once.
  explicit MemberSnapshot(std::vector<Member> members);

  /// A snapshot with these changes, of which the last one of each name counts. Copies only the
  /// chunks that change.
  [[nodiscard]] MemberSnapshot with(std::vector<MemberChange> changes) const;

  /// The number of members.
  [[nodiscard]] std::size_t size() const noexcept;
  /// Whether there are none.
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] Iterator begin() const noexcept;  ///< the first in the order of names
  [[nodiscard]] Iterator end() const noexcept;    ///< behind the last
  /// A member by its place in the order of names. Precondition: `index` is below `size()`.
  [[nodiscard]] const Member& operator[](std::size_t index) const noexcept;
  /// A member by its name; null if there is none.
  [[nodiscard]] const Member* find(std::string_view name) const& noexcept;
  const Member* find(std::string_view name) && = delete;  ///< keep the snapshot first

  /// Itself, as if it were a pointer to a container.
  [[nodiscard]] const MemberSnapshot& operator*() const& noexcept { return *this; }
  /// By value, so that a loop over `*list.members()` keeps what it goes through.
  [[nodiscard]] MemberSnapshot operator*() && noexcept { return std::move(*this); }
  /// Itself, as if it were a pointer to a container.
  [[nodiscard]] const MemberSnapshot* operator->() const noexcept { return this; }

  /// Whether both are the same snapshot, not whether their members are equal: quick.
  friend bool operator==(const MemberSnapshot&, const MemberSnapshot&) noexcept = default;

 private:
  using Chunk = std::vector<Member>;  // never empty
  struct Piece {
    std::shared_ptr<const Chunk> chunk;
    std::size_t end = 0;  // members up to and including this chunk
    [[nodiscard]] const std::string& first_name() const noexcept { return chunk->front().name(); }
  };
  class Builder;

  explicit MemberSnapshot(std::vector<Piece> pieces);
  [[nodiscard]] std::size_t piece_of(std::string_view name, std::size_t from) const noexcept;

  std::shared_ptr<const std::vector<Piece>> pieces_;  // null: there are no members
};

/// Goes through a snapshot in the order of names.
class MemberSnapshot::Iterator {
 public:
  using iterator_category = std::forward_iterator_tag;  ///< it can be copied and used again
  using value_type = Member;                            ///< what it refers to
  using difference_type = std::ptrdiff_t;               ///< between two of them
  using pointer = const Member*;                        ///< what `->` returns
  using reference = const Member&;                      ///< what `*` returns

  Iterator() noexcept = default;  ///< refers to nothing
  /// The member.
  [[nodiscard]] reference operator*() const noexcept { return (*piece_->chunk)[at_]; }
  /// The member.
  [[nodiscard]] pointer operator->() const noexcept { return &**this; }
  /// The next one.
  Iterator& operator++() noexcept {
    if (++at_ == piece_->chunk->size()) {
      ++piece_;
      at_ = 0;
    }
    return *this;
  }
  /// The next one; returns this one.
  Iterator operator++(int) noexcept {
    Iterator before = *this;
    ++*this;
    return before;
  }
  /// Whether both are at the same place of the same snapshot.
  friend bool operator==(const Iterator&, const Iterator&) noexcept = default;

 private:
  friend class MemberSnapshot;
  explicit Iterator(const Piece* piece) noexcept : piece_(piece) {}

  const Piece* piece_ = nullptr;
  std::size_t at_ = 0;
};

}  // namespace memberlist
