#include "net/loop.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "net/test_sockets.hpp"

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

TEST(Loop, WithoutADescriptorThereIsAnErrorAndNoException) {
  const DescriptorLimit limit;
  const auto created = Loop::create();
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code, ErrorCode::system);
  EXPECT_NE(created.error().message.find("event loop"), std::string::npos);
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
  Deadline deadline(loop, [&] {
    ++calls;
    EXPECT_GE(Loop::now(), due);
    loop.stop();
  });
  deadline.set(due);
  loop.run();
  EXPECT_EQ(calls, 1);
}

TEST(Loop, FollowsADeadlineThatMoves) {
  Loop loop;
  const TimePoint start = Loop::now();
  std::vector<int> fired;
  int stage = 0;
  std::optional<Deadline> moving;
  moving.emplace(loop, [&] {
    fired.push_back(stage);
    if (stage == 0) {
      // Set for late, brought forward, put off again: the last one counts.
      stage = 1;
      moving->set(start + std::chrono::hours(1));
      moving->set(start + milliseconds(20));
      moving->set(start + milliseconds(40));
      return;
    }
    EXPECT_GE(Loop::now(), start + milliseconds(40));
    loop.stop();
  });
  moving->set(start);
  loop.run();
  EXPECT_EQ(fired, (std::vector{0, 1}));
}

TEST(Loop, NeverTakesADeadlineBack) {
  Loop loop;
  bool called = false;
  Deadline deadline(loop, [&] { called = true; });
  const TimePoint due = Loop::now() + milliseconds(5);
  deadline.set(due);
  deadline.set(kNever);
  const std::function<void()> wait = [&] {
    if (Loop::now() > due + milliseconds(5)) return loop.stop();
    loop.post(wait);
  };
  loop.post(wait);
  loop.run();
  EXPECT_FALSE(called);
}

TEST(Loop, HasManyDeadlines) {
  Loop loop;
  const TimePoint start = Loop::now();
  std::vector<int> fired;
  Deadline late(loop, [&] {
    fired.push_back(2);
    loop.stop();
  });
  Deadline early(loop, [&] { fired.push_back(1); });
  late.set(start + milliseconds(10));
  early.set(start + milliseconds(1));
  loop.run();
  EXPECT_EQ(fired, (std::vector{1, 2}));
}

TEST(Loop, ADeadlineMayGoWithinItsHandlerAndNeverCallsAfterwards) {
  Loop loop;
  const TimePoint due = Loop::now();
  int calls = 0;
  std::optional<Deadline> other(std::in_place, loop, [&] { ++calls; });
  std::optional<Deadline> itself;
  itself.emplace(loop, [&] {
    ++calls;
    while (Loop::now() < due + milliseconds(1)) continue;
    other.reset();  // it is due, too
    itself.reset();
    loop.post([&] { loop.stop(); });
  });
  itself->set(due);
  other->set(due + milliseconds(1));
  loop.run();
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace memberlist::net
