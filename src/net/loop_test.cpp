#include "net/loop.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "net/descriptor.hpp"
#include "net/loop_context.hpp"
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

TEST(Loop, CallsDeadlinesThatAreCloseTogetherInTheirOrder) {
  Loop loop;
  const TimePoint due = Loop::now() + milliseconds(3);
  std::vector<int> fired;
  Deadline last(loop, [&] {
    fired.push_back(3);
    loop.stop();
  });
  Deadline first(loop, [&] { fired.push_back(1); });
  Deadline second(loop, [&] { fired.push_back(2); });
  last.set(due + std::chrono::microseconds(20));
  second.set(due + std::chrono::microseconds(10));
  first.set(due);
  loop.run();
  EXPECT_EQ(fired, (std::vector{1, 2, 3}));
}

TEST(Loop, ADeadlineThatIsAlwaysDueHoldsUpNothing) {
  Loop loop;
  int calls = 0;
  std::optional<Deadline> hasty;
  hasty.emplace(loop, [&] {
    if (++calls == 10) loop.post([&] { loop.stop(); });
    hasty->set(Loop::now() - milliseconds(1));
  });
  hasty->set(Loop::now());
  loop.run();
  EXPECT_GE(calls, 10);
}

TEST(Loop, WhatATaskHoldsMayPostWhenTheLoopEnds) {
  struct Poster {
    Loop& loop;
    bool& ran;
    ~Poster() {
      loop.post([&ran = ran] { ran = true; });
    }
  };
  bool ran = false;
  {
    Loop loop;
    loop.post([poster = std::make_shared<Poster>(loop, ran)] {});
  }
  EXPECT_FALSE(ran);
}

/// Two connected sockets, the first of which is watched.
class WatchTest : public ::testing::Test {
 protected:
  WatchTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    ours_ = Descriptor(ends[0]);
    peer_ = Descriptor(ends[1]);
  }
  void write_to_us() { EXPECT_EQ(::write(peer_.get(), "x", 1), 1); }
  void read_all() {
    std::array<char, 16> room{};
    while (::read(ours_.get(), room.data(), room.size()) > 0) continue;
  }

  Loop loop_;
  Descriptor ours_;
  Descriptor peer_;
};

TEST_F(WatchTest, IsCalledUntilNothingIsLeft) {
  int calls = 0;
  Watch watch(loop_.context(), ours_.get(), [&](Readiness ready) {
    EXPECT_TRUE(ready.read);
    EXPECT_FALSE(ready.write) << "it is, but nobody wants to know";
    if (++calls < 3) return;
    read_all();
    loop_.post([&] { loop_.post([&] { loop_.stop(); }); });
  });
  write_to_us();
  ASSERT_EQ(watch.want({.read = true}), 0);
  loop_.run();
  EXPECT_EQ(calls, 3);
}

TEST_F(WatchTest, MayGoWithinItsHandler) {
  int calls = 0;
  std::optional<Watch> watch;
  watch.emplace(loop_.context(), ours_.get(), [&](Readiness) {
    ++calls;
    watch.reset();
    loop_.post([&] { loop_.post([&] { loop_.stop(); }); });
  });
  write_to_us();
  ASSERT_EQ(watch->want({.read = true}), 0);
  loop_.run();
  EXPECT_EQ(calls, 1);
}

// Both are ready in one turn, and the first that is called ends the other one, whose place a new
// one takes.
TEST_F(WatchTest, WhatWasReportedForAnEarlierOneIsNotForTheNext) {
  std::optional<Watch> first;
  std::optional<Watch> second;
  std::optional<Watch> third;
  int calls = 0;
  const auto replace = [&](std::optional<Watch>& other, const Descriptor& of_other) {
    ++calls;
    other.reset();
    third.emplace(loop_.context(), of_other.get(), [&](Readiness) { ++calls; });
    loop_.stop();
  };
  first.emplace(loop_.context(), ours_.get(), [&](Readiness) { replace(second, peer_); });
  second.emplace(loop_.context(), peer_.get(), [&](Readiness) { replace(first, ours_); });
  ASSERT_EQ(first->want({.write = true}), 0);
  ASSERT_EQ(second->want({.write = true}), 0);
  loop_.run();
  EXPECT_EQ(calls, 1);
}

TEST_F(WatchTest, SaysWhyADescriptorCannotBeWatched) {
  const int closed = ours_.get();
  ours_.close();
  Watch watch(loop_.context(), closed, [](Readiness) {});
  EXPECT_EQ(watch.want({.read = true}), EBADF);
  EXPECT_FALSE(watch.wanted().any());
}

}  // namespace
}  // namespace memberlist::net
