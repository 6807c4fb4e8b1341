#include "base/flat_index.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <vector>

#include "base/random.hpp"

namespace memberlist {
namespace {

// A table whose things are numbers, found by a hash that a test chooses.
template <unsigned kTagBits>
class Numbers {
 public:
  explicit Numbers(std::uint64_t (*hash)(std::uint64_t)) : hash_(hash) {}

  void add(std::uint64_t number) {
    places_.push_back(number);
    index_.insert(hash_(number), static_cast<std::uint32_t>(places_.size() - 1), hash_of());
  }
  void reserve(std::size_t count) { index_.reserve(count, hash_of()); }
  void remove(std::uint64_t number) { index_.erase(hash_(number), find(number), hash_of()); }
  // The number is at a new place from now on.
  void move(std::uint64_t number) {
    places_.push_back(number);
    index_.move(hash_(number), find(number), static_cast<std::uint32_t>(places_.size() - 1));
  }
  [[nodiscard]] std::uint32_t find(std::uint64_t number) const {
    return index_.find(hash_(number), [&](std::uint32_t place) {
      ++compared_;
      return places_[place] == number;
    });
  }
  [[nodiscard]] std::uint64_t at(std::uint32_t place) const { return places_[place]; }
  [[nodiscard]] std::size_t size() const { return index_.size(); }
  [[nodiscard]] int compared() const { return compared_; }
  [[nodiscard]] int hashed() const { return hashed_; }

 private:
  auto hash_of() const {
    return [this](std::uint32_t place) {
      ++hashed_;
      return hash_(places_[place]);
    };
  }

  std::uint64_t (*hash_)(std::uint64_t);
  std::vector<std::uint64_t> places_;
  FlatIndex<kTagBits> index_;
  mutable int compared_ = 0;
  mutable int hashed_ = 0;
};

std::uint64_t spread(std::uint64_t number) { return (number + 1) * 0x9e3779b97f4a7c15U; }
std::uint64_t all_alike(std::uint64_t) { return 7; }
// The last bucket of any number of buckets, so that runs go around the end.
std::uint64_t at_the_end(std::uint64_t number) { return ~std::uint64_t{0} - number % 3; }

template <unsigned kTagBits>
void compare_with_a_map(std::uint64_t (*hash)(std::uint64_t)) {
  Numbers<kTagBits> numbers(hash);
  std::map<std::uint64_t, bool> known;
  Random random{1};
  for (int step = 0; step < 3000; ++step) {
    const std::uint64_t number = random.below(std::uint64_t{100});
    if (!known[number]) {
      numbers.add(number);
    } else if (step % 5 == 0) {
      numbers.move(number);
      continue;
    } else {
      numbers.remove(number);
    }
    known[number] = !known[number];
  }
  std::size_t count = 0;
  for (const auto& [number, present] : known) {
    const std::uint32_t place = numbers.find(number);
    ASSERT_EQ(place != FlatIndex<>::kNone, present) << number;
    if (!present) continue;
    EXPECT_EQ(numbers.at(place), number);
    ++count;
  }
  EXPECT_EQ(numbers.size(), count);
}

TEST(FlatIndex, HasWhatWasAddedAndNotErased) {
  compare_with_a_map<0>(spread);
  compare_with_a_map<11>(spread);
}

TEST(FlatIndex, TellsApartWhatHasOneHash) {
  compare_with_a_map<0>(all_alike);
  compare_with_a_map<11>(at_the_end);
}

TEST(FlatIndex, ComparesHardlyAnyOtherWhereItHasTags) {
  Numbers<11> numbers(spread);
  for (std::uint64_t number = 0; number < 1000; ++number) numbers.add(number);
  for (std::uint64_t number = 0; number < 1000; ++number) ASSERT_EQ(numbers.find(number), number);
  EXPECT_LT(numbers.compared(), 1010);
}

TEST(FlatIndex, IsEmptyAfterClear) {
  FlatIndex<> index;
  const auto hash_of = [](std::uint32_t place) { return spread(place); };
  for (std::uint32_t place = 0; place < 50; ++place) index.insert(spread(place), place, hash_of);
  index.clear();
  EXPECT_EQ(index.size(), 0U);
  EXPECT_EQ(index.find(spread(1), [](std::uint32_t) { return true; }), FlatIndex<>::kNone);
  index.insert(spread(1), 1, hash_of);
  EXPECT_EQ(index.find(spread(1), [](std::uint32_t) { return true; }), 1U);
}

TEST(FlatIndex, WithRoomForAllItDoesNotGrow) {
  Numbers<8> numbers(spread);
  numbers.add(0);
  constexpr std::uint64_t kMany = 1000;
  numbers.reserve(kMany);
  EXPECT_EQ(numbers.hashed(), 1) << "the one that is there";
  for (std::uint64_t number = 1; number < kMany; ++number) numbers.add(number);
  EXPECT_EQ(numbers.hashed(), 1);
  numbers.reserve(1);
  for (std::uint64_t number = 0; number < kMany; ++number) {
    EXPECT_EQ(numbers.at(numbers.find(number)), number);
  }
  numbers.add(kMany);
  EXPECT_GT(numbers.hashed(), 1);
  EXPECT_EQ(numbers.at(numbers.find(kMany)), kMany);
}

}  // namespace
}  // namespace memberlist
