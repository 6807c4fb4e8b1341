#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "memberlist/time.hpp"
#include "swim/keyed_hash.hpp"

namespace memberlist::swim {

/// What is still known of a member that was forgotten.
struct Tombstone {
  std::string name;
  std::uint32_t incarnation = 0;
  bool left = false;  ///< by its own word; else it died
  TimePoint buried;
};

/// Recently forgotten members, so that nodes which missed their end cannot bring them back
/// (protocol 6, Tombstones). Bounded: the oldest are dropped. `now` must not go backwards.
class Tombstones {
 public:
  /// Peers choose the names, so their table is keyed with a secret.
  explicit Tombstones(std::size_t max_count, const SipKey& key = {})
      : max_count_(max_count), by_name_(0, NameHash{key}) {}
  /// The index of a copy points into the copy's list.
  Tombstones(const Tombstones& other);
  Tombstones& operator=(const Tombstones&) = delete;
  ~Tombstones() = default;

  /// The name must not have a tombstone yet.
  void bury(std::string_view name, std::uint32_t incarnation, bool left, TimePoint now);
  /// Null if the name has no tombstone; valid until the next change.
  [[nodiscard]] const Tombstone* find(std::string_view name) const;
  void remove(std::string_view name);
  /// Removes those created before `cutoff`.
  void forget_before(TimePoint cutoff);

  [[nodiscard]] std::size_t size() const noexcept { return by_age_.size(); }
  [[nodiscard]] bool empty() const noexcept { return by_age_.empty(); }

 private:
  void remove_oldest();

  std::size_t max_count_;
  std::list<Tombstone> by_age_;  // the oldest first
  std::unordered_map<std::string_view, std::list<Tombstone>::iterator, NameHash> by_name_;
};

}  // namespace memberlist::swim
