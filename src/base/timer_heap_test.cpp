#include "base/timer_heap.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace memberlist {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint at(Duration since_start) { return TimePoint(since_start); }

TEST(TimerHeap, PopsWhatIsDueInOrderOfTime) {
  TimerHeap<int> heap;
  EXPECT_EQ(heap.next(), kNever);
  heap.schedule(at(3s), 3);
  heap.schedule(at(1s), 1);
  heap.schedule(at(2s), 2);
  EXPECT_EQ(heap.next(), at(1s));
  EXPECT_FALSE(heap.pop_due(at(999ms)));
  EXPECT_EQ(heap.pop_due(at(2s)), 1);
  EXPECT_EQ(heap.pop_due(at(2s)), 2);
  EXPECT_FALSE(heap.pop_due(at(2s)));
  EXPECT_EQ(heap.size(), 1U);
}

TEST(TimerHeap, EqualTimesPopAsScheduled) {
  TimerHeap<int> heap;
  std::vector<TimerHandle> handles;
  handles.reserve(20);
  for (int i = 0; i < 20; ++i) handles.push_back(heap.schedule(at(1s), i));
  heap.cancel(handles[4]);
  EXPECT_TRUE(heap.reschedule(handles[7], at(1s)));  // now the last
  std::vector<int> popped;
  while (const auto payload = heap.pop_due(at(1s))) popped.push_back(*payload);
  const std::vector<int> expected = {0,  1,  2,  3,  5,  6,  8,  9,  10, 11,
                                     12, 13, 14, 15, 16, 17, 18, 19, 7};
  EXPECT_EQ(popped, expected);
}

TEST(TimerHeap, StaleHandlesAreHarmless) {
  TimerHeap<int> heap;
  EXPECT_FALSE(heap.cancel({}));
  EXPECT_FALSE(heap.reschedule({}, at(1s)));
  const TimerHandle fired = heap.schedule(at(1s), 1);
  EXPECT_TRUE(heap.pending(fired));
  EXPECT_EQ(heap.pop_due(at(1s)), 1);
  EXPECT_FALSE(heap.pending(fired));
  const TimerHandle reused = heap.schedule(at(2s), 2);
  EXPECT_EQ(reused.slot, fired.slot);
  EXPECT_FALSE(heap.cancel(fired));
  EXPECT_FALSE(heap.reschedule(fired, at(0s)));
  EXPECT_EQ(heap.size(), 1U);
  EXPECT_TRUE(heap.cancel(reused));
  EXPECT_FALSE(heap.cancel(reused));
  EXPECT_TRUE(heap.empty());
}

TEST(TimerHeap, CancellingLeavesNothingBehind) {
  TimerHeap<std::shared_ptr<int>> heap;
  const auto payload = std::make_shared<int>(1);
  const TimerHandle handle = heap.schedule(at(1s), payload);
  EXPECT_EQ(payload.use_count(), 2);
  heap.cancel(handle);
  EXPECT_EQ(payload.use_count(), 1);
}

// Against an ordered map as the model, by random steps.
TEST(TimerHeap, AgreesWithAModel) {
  Random random(42);
  TimerHeap<std::uint64_t> heap;
  std::map<std::pair<TimePoint, std::uint64_t>, std::uint64_t> model;  // by time and order: payload
  struct Known {
    TimerHandle handle;
    std::pair<TimePoint, std::uint64_t> key;
    std::uint64_t payload;
  };
  std::vector<Known> known;
  std::uint64_t order = 0;
  for (std::uint64_t step = 0; step < 20'000; ++step) {
    const TimePoint when{Duration(static_cast<Duration::rep>(random.below(std::uint64_t{500})))};
    const std::uint64_t choice = random.below(std::uint64_t{10});
    if (choice < 5 || known.empty()) {
      const std::pair key{when, order++};
      known.push_back({heap.schedule(when, step), key, step});
      model.emplace(key, step);
    } else if (choice < 8) {
      Known& picked = known[random.below(known.size())];
      const bool pending = model.erase(picked.key) == 1;
      if (choice == 5) {
        EXPECT_EQ(heap.cancel(picked.handle), pending);
      } else {
        EXPECT_EQ(heap.reschedule(picked.handle, when), pending);
        if (pending) {
          picked.key = {when, order++};
          model.emplace(picked.key, picked.payload);
        }
      }
    } else if (const auto popped = heap.pop_due(when)) {
      ASSERT_FALSE(model.empty());
      EXPECT_EQ(*popped, model.begin()->second);
      model.erase(model.begin());
    } else {
      EXPECT_TRUE(model.empty() || model.begin()->first.first > when);
    }
    ASSERT_EQ(heap.size(), model.size());
    ASSERT_EQ(heap.next(), model.empty() ? kNever : model.begin()->first.first);
  }
}

}  // namespace
}  // namespace memberlist
