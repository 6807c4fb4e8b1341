#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace memberlist {

/// Finds the place of a thing in a table (its row or slot) by a hash of its key. It holds neither
/// keys nor hashes, only places, in 4 bytes each: open addressing with linear probing, at most
/// three quarters full. The table compares keys and gives hashes, by functions:
///
/// - `same(place)`: whether the thing there has the key that is looked for;
/// - `hash_of(place)`: the hash of its key. Called when the index grows, and of neighbours when one
///   is erased.
///
/// With `kTagBits` the bits of a place above the number of the place have a piece of the hash, so
/// that few other things are compared. If peers choose the keys, the hash has to be keyed.
template <unsigned kTagBits = 0>
class FlatIndex {
 public:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
  /// Places must be below this.
  static constexpr std::uint32_t kEnd = kNone >> kTagBits;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// `kNone` if there is none.
  template <class Same>
  [[nodiscard]] std::uint32_t find(std::uint64_t hash, Same&& same) const {
    if (size_ == 0) return kNone;
    for (std::size_t at = home(hash); buckets_[at] != kNone; at = next(at)) {
      if (has_tag_of(buckets_[at], hash) && same(place_in(buckets_[at]))) {
        return place_in(buckets_[at]);
      }
    }
    return kNone;
  }

  /// Fetches what `find` reads first into the caches.
  void fetch(std::uint64_t hash) const noexcept {
    if (!buckets_.empty()) __builtin_prefetch(&buckets_[home(hash)]);
  }
  /// The place that `find` most likely returns: the first whose tag is that of the hash.
  [[nodiscard]] std::uint32_t likely(std::uint64_t hash) const noexcept {
    return find(hash, [](std::uint32_t) { return true; });
  }

  /// The key must not be there yet.
  template <class HashOf>
  void insert(std::uint64_t hash, std::uint32_t place, HashOf&& hash_of) {
    assert(place < kEnd);
    if ((size_ + 1) * 4 > buckets_.size() * 3) grow(hash_of);
    put(hash, place);
    ++size_;
  }

  /// Makes room for so many in all, so that the index does not grow before there are more.
  template <class HashOf>
  void reserve(std::size_t count, HashOf&& hash_of) {
    const std::size_t buckets = (count * 4 + 2) / 3;
    if (buckets > buckets_.size()) rebuild(buckets, hash_of);
  }

  /// The thing at `from` is at `to` from now on, or another thing with the same key is.
  void move(std::uint64_t hash, std::uint32_t from, std::uint32_t to) {
    assert(to < kEnd);
    buckets_[bucket_of(hash, from)] = tagged(hash, to);
  }

  /// Precondition: the place is here, under this hash.
  template <class HashOf>
  void erase(std::uint64_t hash, std::uint32_t place, HashOf&& hash_of) {
    std::size_t hole = bucket_of(hash, place);
    // Later ones of the run move up into the hole, so that no search ends too early.
    for (std::size_t at = next(hole); buckets_[at] != kNone; at = next(at)) {
      const std::size_t wanted = home(hash_of(place_in(buckets_[at])));
      if (distance(wanted, at) < distance(hole, at)) continue;
      buckets_[hole] = buckets_[at];
      hole = at;
    }
    buckets_[hole] = kNone;
    --size_;
  }

  /// Gives the memory back.
  void clear() noexcept {
    buckets_ = std::vector<std::uint32_t>();
    size_ = 0;
  }

 private:
  static constexpr std::size_t kFirstBuckets = 16;

  // The high half of the hash, spread over any number of buckets.
  [[nodiscard]] std::size_t home(std::uint64_t hash) const noexcept {
    return static_cast<std::size_t>((hash >> 32) * buckets_.size() >> 32);
  }
  [[nodiscard]] std::size_t next(std::size_t at) const noexcept {
    return at + 1 == buckets_.size() ? 0 : at + 1;
  }
  [[nodiscard]] std::size_t distance(std::size_t from, std::size_t to) const noexcept {
    return to >= from ? to - from : to + buckets_.size() - from;
  }

  // The low half of the hash gives the tag.
  [[nodiscard]] static std::uint32_t tagged(std::uint64_t hash, std::uint32_t place) noexcept {
    return (static_cast<std::uint32_t>(hash) & ~kEnd) | place;
  }
  [[nodiscard]] static bool has_tag_of(std::uint32_t bucket, std::uint64_t hash) noexcept {
    return ((bucket ^ static_cast<std::uint32_t>(hash)) & ~kEnd) == 0;
  }
  [[nodiscard]] static std::uint32_t place_in(std::uint32_t bucket) noexcept {
    return bucket & kEnd;
  }

  [[nodiscard]] std::size_t bucket_of(std::uint64_t hash, std::uint32_t place) const noexcept {
    std::size_t at = home(hash);
    while (buckets_[at] != tagged(hash, place)) at = next(at);
    return at;
  }

  void put(std::uint64_t hash, std::uint32_t place) noexcept {
    std::size_t at = home(hash);
    while (buckets_[at] != kNone) at = next(at);
    buckets_[at] = tagged(hash, place);
  }

  // By half only: of a doubled one up to five eighths would be empty.
  template <class HashOf>
  void grow(HashOf& hash_of) {
    rebuild(buckets_.empty() ? kFirstBuckets : buckets_.size() + buckets_.size() / 2, hash_of);
  }

  template <class HashOf>
  void rebuild(std::size_t count, HashOf& hash_of) {
    const std::vector<std::uint32_t> old =
        std::exchange(buckets_, std::vector<std::uint32_t>(count, kNone));
    for (const std::uint32_t bucket : old) {
      if (bucket != kNone) put(hash_of(place_in(bucket)), place_in(bucket));
    }
  }

  std::vector<std::uint32_t> buckets_;
  std::size_t size_ = 0;
};

}  // namespace memberlist
