#include "api/command_queue.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <utility>
#include <vector>

#include "base/limits.hpp"

namespace memberlist::api {
namespace {

using Pushed = CommandQueue::Pushed;

Command command(Command::Kind kind = Command::Kind::call, std::size_t bytes = 0) {
  return {[](Engine&, TimePoint) {}, bytes, kind};
}

class CommandQueueTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::size_t take() {
    std::vector<Command> taken;
    queue_.take(taken);
    return taken.size();
  }

  int woken_ = 0;
  CommandQueue queue_{[this] { ++woken_; }};
};

TEST_F(CommandQueueTest, WakesOnceForABatch) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(queue_.push(command()), Pushed::yes);
  EXPECT_EQ(woken_, 1);
  EXPECT_EQ(take(), 10U);
  EXPECT_EQ(queue_.push(command()), Pushed::yes);
  EXPECT_EQ(woken_, 2);
}

TEST_F(CommandQueueTest, BoundsCallsAndMessagesApart) {
  for (std::size_t i = 0; i < limits::kWaitingMessages; ++i) {
    ASSERT_EQ(queue_.push(command(Command::Kind::message)), Pushed::yes);
  }
  EXPECT_EQ(queue_.push(command(Command::Kind::message)), Pushed::full);
  for (std::size_t i = 0; i < limits::kWaitingCommands; ++i) {
    ASSERT_EQ(queue_.push(command()), Pushed::yes);
  }
  EXPECT_EQ(queue_.push(command()), Pushed::full);
  EXPECT_EQ(take(), limits::kWaitingMessages + limits::kWaitingCommands);
  EXPECT_EQ(queue_.push(command(Command::Kind::message)), Pushed::yes);
}

TEST_F(CommandQueueTest, BoundsBytesAndTakesOneOfAnySize) {
  EXPECT_EQ(queue_.push(command(Command::Kind::call, 2 * limits::kWaitingCommandBytes)),
            Pushed::yes);
  EXPECT_EQ(queue_.push(command(Command::Kind::call, 1)), Pushed::full);
  EXPECT_EQ(take(), 1U);
  EXPECT_EQ(queue_.push(command(Command::Kind::call, 1)), Pushed::yes);
}

TEST_F(CommandQueueTest, AMessageWaitsForRoomButNotForLong) {
  const auto fill = [this] {
    while (queue_.push(command(Command::Kind::message)) == Pushed::yes) continue;
  };
  fill();
  EXPECT_EQ(queue_.push(command(Command::Kind::message), std::chrono::milliseconds(1)),
            Pushed::full);
  std::jthread owner([this] { EXPECT_EQ(take(), limits::kWaitingMessages); });
  EXPECT_EQ(queue_.push(command(Command::Kind::message), std::chrono::minutes(1)), Pushed::yes);
}

TEST_F(CommandQueueTest, IsClosedForThoseWhoWaitToo) {
  while (queue_.push(command(Command::Kind::message)) == Pushed::yes) continue;
  std::jthread closing([this] { queue_.close(); });
  EXPECT_EQ(queue_.push(command(Command::Kind::message), std::chrono::minutes(1)), Pushed::closed);
  EXPECT_EQ(queue_.push(command()), Pushed::closed);
  EXPECT_EQ(take(), 0U);
}

}  // namespace
}  // namespace memberlist::api
