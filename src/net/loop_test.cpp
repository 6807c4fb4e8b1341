#include "net/loop.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace memberlist::net {
namespace {

using std::chrono::milliseconds;

TEST(Loop, RunsPostedTasksInOrderAndStops) {
  Loop loop;
  std::vector<int> order;
  loop.post([&] { order.push_back(1); });
  loop.post([&] { loop.post([&] { order.push_back(3); }); });
  loop.post([&] { order.push_back(2); });
  loop.post([&] { loop.post([&] { loop.stop(); }); });
  loop.run();
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST(Loop, StopBeforeRunIsNotLost) {
  Loop loop;
  loop.stop();
  loop.run();
}

TEST(Loop, TakesTasksFromOtherThreads) {
  Loop loop;
  int count = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        loop.post([&] {
          if (++count == 400) loop.stop();
        });
      }
    });
  }
  loop.run();
  EXPECT_EQ(count, 400);
}

TEST(Loop, CallsTheDeadlineOnce) {
  Loop loop;
  int calls = 0;
  const TimePoint due = Loop::now() + milliseconds(5);
  loop.on_deadline([&] {
    ++calls;
    EXPECT_GE(Loop::now(), due);
    loop.stop();
  });
  loop.set_deadline(due);
  loop.run();
  EXPECT_EQ(calls, 1);
}

TEST(Loop, FollowsADeadlineThatMoves) {
  Loop loop;
  const TimePoint start = Loop::now();
  std::vector<int> fired;
  int stage = 0;
  loop.on_deadline([&] {
    fired.push_back(stage);
    if (stage == 0) {
      // Set for late, brought forward, put off again: the last one counts.
      stage = 1;
      loop.set_deadline(start + std::chrono::hours(1));
      loop.set_deadline(start + milliseconds(20));
      loop.set_deadline(start + milliseconds(40));
      return;
    }
    EXPECT_GE(Loop::now(), start + milliseconds(40));
    loop.stop();
  });
  loop.set_deadline(start);
  loop.run();
  EXPECT_EQ(fired, (std::vector{0, 1}));
}

TEST(Loop, NeverTakesADeadlineBack) {
  Loop loop;
  bool called = false;
  loop.on_deadline([&] { called = true; });
  const TimePoint due = Loop::now() + milliseconds(5);
  loop.set_deadline(due);
  loop.set_deadline(kNever);
  const std::function<void()> wait = [&] {
    if (Loop::now() > due + milliseconds(5)) return loop.stop();
    loop.post(wait);
  };
  loop.post(wait);
  loop.run();
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace memberlist::net
