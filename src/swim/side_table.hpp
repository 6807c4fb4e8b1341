#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/flat_index.hpp"

namespace memberlist::swim {

/// What only a few rows of a table have, by the row's number: it costs the others nothing. Gives
/// memory back as it becomes empty.
template <class Value>
class SideTable {
 public:
  /// Null if the row has none. Valid until the next change.
  [[nodiscard]] Value* find(std::uint32_t row) {
    const std::uint32_t place = place_of(row);
    return place == FlatIndex<>::kNone ? nullptr : &items_[place].value;
  }
  [[nodiscard]] const Value* find(std::uint32_t row) const {
    const std::uint32_t place = place_of(row);
    return place == FlatIndex<>::kNone ? nullptr : &items_[place].value;
  }
  /// The row must not have one yet.
  Value& add(std::uint32_t row, Value value) {
    const auto place = static_cast<std::uint32_t>(items_.size());
    items_.push_back({row, std::move(value)});
    index_.insert(hash(row), place, hash_of());
    return items_.back().value;
  }
  /// That of the row, a new one if it has none.
  Value& operator[](std::uint32_t row) {
    Value* const known = find(row);
    return known != nullptr ? *known : add(row, Value{});
  }
  /// Takes out what the row has, if it has one.
  std::optional<Value> take(std::uint32_t row) {
    const std::uint32_t place = place_of(row);
    if (place == FlatIndex<>::kNone) return std::nullopt;
    std::optional<Value> value(std::move(items_[place].value));
    remove(place);
    return value;
  }
  /// Takes out all that `unwanted(value)` accepts.
  template <class Unwanted>
  void remove_if(Unwanted&& unwanted) {
    for (std::size_t place = items_.size(); place-- > 0;) {
      if (unwanted(std::as_const(items_[place].value))) remove(static_cast<std::uint32_t>(place));
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
  [[nodiscard]] bool empty() const noexcept { return items_.empty(); }

 private:
  struct Item {
    std::uint32_t row = 0;
    Value value;
  };

  // Rows are numbered by their table, so nobody chooses them.
  [[nodiscard]] static std::uint64_t hash(std::uint32_t row) noexcept {
    return (row + std::uint64_t{1}) * 0x9e3779b97f4a7c15U;
  }
  [[nodiscard]] auto hash_of() const noexcept {
    return [this](std::uint32_t place) { return hash(items_[place].row); };
  }
  [[nodiscard]] std::uint32_t place_of(std::uint32_t row) const {
    return index_.find(hash(row), [&](std::uint32_t place) { return items_[place].row == row; });
  }

  // The last one takes the place.
  void remove(std::uint32_t place) {
    index_.erase(hash(items_[place].row), place, hash_of());
    const auto last = static_cast<std::uint32_t>(items_.size() - 1);
    if (place != last) {
      index_.move(hash(items_[last].row), last, place);
      items_[place] = std::move(items_[last]);
    }
    items_.pop_back();
    if (items_.size() < items_.capacity() / 4) items_.shrink_to_fit();
    if (items_.empty()) index_.clear();
  }

  std::vector<Item> items_;
  FlatIndex<> index_;
};

}  // namespace memberlist::swim
