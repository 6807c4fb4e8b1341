#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "memberlist/memberlist.hpp"
#include "node.hpp"

namespace memberlist::facade_test {
namespace {

template <class Outcome>
std::optional<ErrorCode> code(const Outcome& result) {
  return result ? std::nullopt : std::optional(result.error().code);
}

TEST(Shutdown, FreesThePortsAtOnce) {
  Node other("other");
  std::optional<Node> node(std::in_place, quick_config_apart("first"));
  Config again = quick_config("next");
  again.bind = (*node)->local_address();
  for (int i = 0; i < 5; ++i) {
    node->join(other);
    (*node)->shutdown();
    node.emplace(again);
  }
}

TEST(Shutdown, EndsTheThreads) {
  if (!std::filesystem::exists("/proc/self/task")) GTEST_SKIP() << "this system counts no threads";
  std::thread([] {}).join();  // a sanitizer starts one of its own with the first
  const auto threads = [] {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return std::distance(begin(tasks), end(tasks));
  };
  const auto before = threads();
  Node a("a");
  Node b("b");
  b.join(a);
  EXPECT_GT(threads(), before);
  a->shutdown();
  b->shutdown();
  EXPECT_TRUE(eventually([&] { return threads() <= before; })) << threads() << " of " << before;
}

TEST(Shutdown, MakesCallsFailAndLeavesViews) {
  Node a("a");
  Node b("b");
  b.join(a);
  b->shutdown();
  b->shutdown();
  EXPECT_EQ(code(b->join({a.address()})), ErrorCode::shut_down);
  EXPECT_EQ(code(b->join({"localhost"})), ErrorCode::shut_down);
  EXPECT_EQ(code(b->leave()), ErrorCode::shut_down);
  EXPECT_EQ(code(b->update_meta({})), ErrorCode::shut_down);
  EXPECT_EQ(code(b->send("a", {})), ErrorCode::shut_down);
  EXPECT_EQ(code(b->send("a", {}, Delivery::reliable)), ErrorCode::shut_down);
  EXPECT_EQ(code(b->broadcast({})), ErrorCode::shut_down);
  EXPECT_EQ(code(b->ping("a")), ErrorCode::shut_down);
  EXPECT_EQ(b->members()->size(), 2U);
  EXPECT_TRUE(b->member("a"));
  EXPECT_EQ(b->local_member().name(), "b");
  EXPECT_EQ(b->config().name, "b");
  EXPECT_GT(b->counters().streams_dialled, 0U);
  EXPECT_NE(b->local_address().port, 0);
}

TEST(Shutdown, MayComeFromManyThreadsAtOnce) {
  Node a("a");
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&a] {
      a->shutdown();
      Config again = quick_config("next");
      again.bind = a->local_address();
      // When it returns, the ports are free: none, or one, of the four callers learns otherwise
      // from another one.
      const auto next = Memberlist::create(again);
      EXPECT_TRUE(next || next.error().code == ErrorCode::address_in_use);
    });
  }
}

// A thread may get the identifier of the one that ran the protocol, once that has ended.
TEST(Shutdown, TakesNoLaterThreadForTheOneThatHasEnded) {
  Node a("a");
  a->shutdown();
  for (int i = 0; i < 16; ++i) {
    std::jthread([&a] { EXPECT_EQ(code(a->ping("b")), ErrorCode::shut_down); });
  }
}

TEST(Memberlist, MovesAndShutsDownWhatItReplaces) {
  auto first = Memberlist::create(quick_config_apart("first"));
  auto second = Memberlist::create(quick_config("second"));
  ASSERT_TRUE(first && second);
  const Address freed = first->local_address();
  *first = std::move(*second);
  EXPECT_EQ(first->local_member().name(), "second");
  Config again = quick_config("third");
  again.bind = freed;
  EXPECT_TRUE(Memberlist::create(again));
  Memberlist moved(std::move(*first));
  EXPECT_EQ(moved.local_member().name(), "second");
}

}  // namespace
}  // namespace memberlist::facade_test
