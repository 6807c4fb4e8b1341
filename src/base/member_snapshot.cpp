// The chunks of a snapshot, and how they change.

#include <algorithm>
#include <cassert>
#include <iterator>
#include <span>
#include <type_traits>
#include <utility>

#include "base/hidden.hpp"
#include "memberlist/member.hpp"

namespace memberlist {

// What the standard library's algorithms ask of it.
using Traits = std::iterator_traits<MemberSnapshot::Iterator>;
static_assert(std::is_same_v<Traits::iterator_category, std::forward_iterator_tag>);
static_assert(std::is_same_v<Traits::difference_type, std::ptrdiff_t>);

namespace {

// With ten thousand members a change then copies about as much of the list of chunks as of a chunk.
constexpr std::size_t kChunkMembers = 128;
// A smaller chunk joins the one before it.
constexpr std::size_t kFewMembers = kChunkMembers / 4;

std::string_view name_of(const MemberChange& change) { return change.member.name(); }
std::string_view name_of(const Member& member) { return member.name(); }

// Sorted by name, and of each name only the last.
void settle(std::vector<MemberChange>& changes) {
  constexpr auto kName = [](const MemberChange& change) { return name_of(change); };
  std::ranges::stable_sort(changes, {}, kName);
  const auto later =
      std::unique(changes.rbegin(), changes.rend(),
                  [](const auto& a, const auto& b) { return name_of(a) == name_of(b); });
  changes.erase(changes.begin(), later.base());
}

// Members and changes of them, both sorted, made one.
std::vector<Member> merged(std::span<const Member> members, std::span<MemberChange> changes) {
  std::vector<Member> result;
  result.reserve(members.size() + changes.size());
  auto member = members.begin();
  for (MemberChange& change : changes) {
    const auto next = std::lower_bound(
        member, members.end(), name_of(change),
        [](const Member& before, std::string_view name) { return name_of(before) < name; });
    result.insert(result.end(), member, next);
    member = next;
    if (member != members.end() && name_of(*member) == name_of(change)) ++member;
    if (!change.forgotten) result.push_back(std::move(change.member));
  }
  result.insert(result.end(), member, members.end());
  return result;
}

}  // namespace

/// Puts chunks together: those of another snapshot, and new ones.
class MEMBERLIST_HIDDEN MemberSnapshot::Builder {
 public:
  void share(std::span<const Piece> pieces) {
    for (const Piece& piece : pieces) push(piece.chunk);
  }
  /// Cuts into equal parts what is too long for one chunk.
  void add(std::vector<Member> members) {
    if (members.empty()) return;
    if (members.size() < kFewMembers && !pieces_.empty() &&
        members.size() + pieces_.back().chunk->size() <= kChunkMembers) {
      return extend(std::move(members));
    }
    const std::size_t parts = (members.size() + kChunkMembers - 1) / kChunkMembers;
    if (parts == 1) return push(std::make_shared<const Chunk>(std::move(members)));
    for (std::size_t part = 0; part < parts; ++part) {
      const auto place = [&](std::size_t number) {
        return std::make_move_iterator(
            members.begin() + static_cast<std::ptrdiff_t>(members.size() * number / parts));
      };
      push(std::make_shared<const Chunk>(place(part), place(part + 1)));
    }
  }
  [[nodiscard]] std::vector<Piece> take() { return std::move(pieces_); }

 private:
  void push(std::shared_ptr<const Chunk> chunk) {
    const std::size_t before = pieces_.empty() ? 0 : pieces_.back().end;
    const std::size_t size = chunk->size();
    pieces_.push_back({std::move(chunk), before + size});
  }
  void extend(std::vector<Member> members) {
    Chunk both(*pieces_.back().chunk);
    both.insert(both.end(), std::make_move_iterator(members.begin()),
                std::make_move_iterator(members.end()));
    pieces_.pop_back();
    push(std::make_shared<const Chunk>(std::move(both)));
  }

  std::vector<Piece> pieces_;
};

MemberSnapshot::MemberSnapshot(std::vector<Member> members) {
  assert(std::ranges::is_sorted(members, {}, [](const Member& member) { return name_of(member); }));
  Builder builder;
  builder.add(std::move(members));
  *this = MemberSnapshot(builder.take());
}

MemberSnapshot::MemberSnapshot(std::vector<Piece> pieces)
    : pieces_(pieces.empty() ? nullptr
                             : std::make_shared<const std::vector<Piece>>(std::move(pieces))) {}

MemberSnapshot MemberSnapshot::with(std::vector<MemberChange> changes) const {
  if (changes.empty()) return *this;
  settle(changes);
  Builder builder;
  const std::span<const Piece> pieces =
      pieces_ ? std::span<const Piece>(*pieces_) : std::span<const Piece>();
  const std::span<MemberChange> all(changes);
  std::size_t piece = 0;  // of which nothing has been taken yet
  std::size_t change = 0;
  while (change < all.size() && piece < pieces.size()) {
    const std::size_t place = piece_of(name_of(all[change]), piece);
    builder.share(pieces.subspan(piece, place - piece));
    std::size_t end = all.size();
    if (place + 1 < pieces.size()) {
      const auto behind = std::ranges::lower_bound(
          all.subspan(change), std::string_view(pieces[place + 1].first_name()), {},
          [](const MemberChange& one) { return name_of(one); });
      end = static_cast<std::size_t>(behind - all.begin());
    }
    builder.add(merged(*pieces[place].chunk, all.subspan(change, end - change)));
    change = end;
    piece = place + 1;
  }
  builder.share(pieces.subspan(piece));
  if (pieces.empty()) builder.add(merged({}, all));
  return MemberSnapshot(builder.take());
}

// The chunk that has the name, or would have it: the last that does not begin behind it.
std::size_t MemberSnapshot::piece_of(std::string_view name, std::size_t from) const noexcept {
  const std::vector<Piece>& pieces = *pieces_;
  const auto behind = std::upper_bound(
      pieces.begin() + static_cast<std::ptrdiff_t>(from), pieces.end(), name,
      [](std::string_view wanted, const Piece& piece) { return wanted < piece.first_name(); });
  const auto place = static_cast<std::size_t>(behind - pieces.begin());
  return std::max(place, from + 1) - 1;
}

std::size_t MemberSnapshot::size() const noexcept { return pieces_ ? pieces_->back().end : 0; }

MemberSnapshot::Iterator MemberSnapshot::begin() const noexcept {
  return pieces_ ? Iterator(pieces_->data()) : Iterator();
}

MemberSnapshot::Iterator MemberSnapshot::end() const noexcept {
  return pieces_ ? Iterator(pieces_->data() + pieces_->size()) : Iterator();
}

const Member& MemberSnapshot::operator[](std::size_t index) const noexcept {
  assert(index < size());
  const auto piece = std::ranges::upper_bound(*pieces_, index, {}, &Piece::end);
  return (*piece->chunk)[index - (piece->end - piece->chunk->size())];
}

const Member* MemberSnapshot::find(std::string_view name) const& noexcept {
  if (!pieces_) return nullptr;
  const Chunk& chunk = *(*pieces_)[piece_of(name, 0)].chunk;
  const auto found = std::ranges::lower_bound(chunk, name, {},
                                              [](const Member& member) { return name_of(member); });
  return found != chunk.end() && name_of(*found) == name ? &*found : nullptr;
}

}  // namespace memberlist
