#include "api/task_line.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

namespace memberlist::api {
namespace {

TEST(TaskLine, RunsATaskBeforeItReturns) {
  TaskLine line;
  bool ran = false;
  line.run([&] { ran = true; });
  EXPECT_TRUE(ran);
  EXPECT_FALSE(line.busy());
}

TEST(TaskLine, RunsWhatATaskBringsAfterItAndInOrder) {
  TaskLine line;
  std::vector<int> order;
  line.run([&] {
    line.run([&] { order.push_back(2); });
    line.run([&] { order.push_back(3); });
    EXPECT_TRUE(line.busy());
    order.push_back(1);
  });
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(TaskLine, ATaskThatBringsTheNextUsesNoStack) {
  TaskLine line;
  int left = 1'000'000;
  std::function<void()> next = [&] {
    if (--left > 0) line.run(next);
  };
  line.run(next);
  EXPECT_EQ(left, 0);
}

TEST(TaskLine, RunsOneAtATimeWhoeverBringsThem) {
  TaskLine line;
  std::atomic<int> running = 0;
  int ran = 0;  // no race: one at a time
  std::atomic<int> brought = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) {
          line.run([&] {
            EXPECT_EQ(++running, 1);
            ++ran;
            --running;
          });
          ++brought;
        }
      });
    }
  }
  EXPECT_EQ(ran, brought);
}

TEST(TaskLine, ATaskMayDestroyIt) {
  auto line = std::make_unique<TaskLine>();
  bool ran = false;
  line->run([&] {
    line->run([&] { ran = true; });
    line.reset();
  });
  EXPECT_TRUE(ran);
}

TEST(TaskLine, WhatATaskThrowsReachesTheCallerAndHoldsNobodyUp) {
  TaskLine line;
  bool ran = false;
  EXPECT_THROW(line.run([&] {
    line.run([&] { ran = true; });
    throw std::runtime_error("the application's");
  }),
               std::runtime_error);
  EXPECT_FALSE(ran);
  line.run([] {});
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace memberlist::api
