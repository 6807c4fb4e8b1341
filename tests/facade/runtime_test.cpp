// Many members on one thread.

#include "memberlist/runtime.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "memberlist/memberlist.hpp"
#include "node.hpp"
#include "support/sanitizers.hpp"

namespace memberlist::facade_test {
namespace {

Runtime make_runtime() {
  auto runtime = Runtime::create();
  if (!runtime) throw std::runtime_error(runtime.error().message);
  return std::move(*runtime);
}

Memberlist make_member(Config config, const Hosting& hosting, Handlers handlers = {}) {
  auto made = Memberlist::create(std::move(config), std::move(handlers), hosting);
  if (!made) throw std::runtime_error(made.error().message);
  return std::move(*made);
}

TEST(RuntimeTest, MembersOfOneThreadFindEachOtherAndNoticeADeath) {
  const Hosting hosting{.runtime = make_runtime(), .transport = {}};
  Node a(quick_config("a"), hosting);
  Node b(quick_config("b"), hosting);
  std::optional<Node> c(std::in_place, quick_config("c"), hosting);
  Node elsewhere("elsewhere");
  for (Node* node : {&b, &*c, &elsewhere}) node->join(a);
  for (const char* name : {"a", "b", "c", "elsewhere"}) {
    EXPECT_TRUE(a.sees(name, MemberStatus::alive));
    EXPECT_TRUE(elsewhere.sees(name, MemberStatus::alive));
  }
  c.reset();
  EXPECT_TRUE(a.sees("c", MemberStatus::dead));
  EXPECT_TRUE(b.sees("c", MemberStatus::dead));
}

TEST(RuntimeTest, AllLogHandlersAreCalledByTheOneThread) {
  const Hosting hosting{.runtime = make_runtime(), .transport = {}};
  std::mutex mutex;
  std::vector<std::thread::id> callers;
  Handlers handlers;
  handlers.on_log = [&](const LogRecord&) {
    const std::lock_guard lock(mutex);
    callers.push_back(std::this_thread::get_id());
  };
  {
    const Memberlist a = make_member(quick_config("a"), hosting, handlers);
    const Memberlist b = make_member(quick_config("b"), hosting, handlers);
  }
  ASSERT_GE(callers.size(), 2U);  // each says where it listens
  for (const auto& caller : callers) EXPECT_EQ(caller, callers.front());
}

TEST(RuntimeTest, EachHandleKeepsTheThreadAndSoDoesAMember) {
  std::optional<Hosting> hosting(Hosting{.runtime = make_runtime(), .transport = {}});
  Node a(quick_config("a"), *hosting);
  Node b(quick_config("b"), *hosting);
  hosting.reset();
  b.join(a);
  EXPECT_TRUE(a.sees("b", MemberStatus::alive));
}

TEST(RuntimeTest, PortsAreFreeAfterAShutdownThoughTheThreadGoesOn) {
  const Hosting hosting{.runtime = make_runtime(), .transport = {}};
  Node other(quick_config("other"), hosting);
  std::optional<Node> node(std::in_place, quick_config_apart("first"), hosting);
  Config again = quick_config("next");
  again.bind = (*node)->local_address();
  for (int i = 0; i < 5; ++i) {
    node->join(other);
    (*node)->shutdown();
    node.emplace(again, hosting);
  }
}

TEST(RuntimeTest, MembersComeAndGoWhileOthersAreCalledFromManyThreads) {
  const Hosting hosting{.runtime = make_runtime(), .transport = {}};
  Node stays(quick_config("stays"), hosting);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 4; ++i) {
        Node passer_by(quick_config("passer-by-" + std::to_string(t)), hosting);
        (void)passer_by->join({stays.address()});
        passer_by->ping_async("stays", {}, [](const auto&) {});  // may end with the member
        (void)passer_by->broadcast(as_bytes("hello"));
        passer_by->join_async({"localhost:1"}, {}, [](const auto&) {});
      }
    });
  }
  threads.clear();
  EXPECT_EQ(stays->local_member().status, MemberStatus::alive);
  EXPECT_TRUE(stays->broadcast(as_bytes("still here")));
}

TEST(RuntimeTest, WhatWaitsOnItsThreadIsRefused) {
  const Hosting hosting{.runtime = make_runtime(), .transport = {}};
  const auto other = std::make_shared<Node>(quick_config("other"), hosting);
  std::promise<std::optional<ErrorCode>> told;
  std::atomic<bool> asked = false;
  Handlers handlers;
  handlers.on_log = [&](const LogRecord&) {
    if (asked.exchange(true)) return;
    const auto outcome = (*other)->join({other->address()});
    told.set_value(outcome ? std::nullopt : std::optional(outcome.error().code));
  };
  const Memberlist list = make_member(quick_config("list"), hosting, handlers);
  EXPECT_EQ(told.get_future().get(), ErrorCode::invalid_argument);
}

TEST(RuntimeTest, AMemberMayEndOnItsThread) {
  // Its end is begun there, and goes on without whoever asked for it.
  const Hosting hosting{.runtime = make_runtime(), .transport = {}};
  std::optional<Memberlist> going(make_member(quick_config_apart("going"), hosting));
  Config again = quick_config("again");
  again.bind = going->local_address();
  std::promise<void> gone;
  std::atomic<bool> once = false;
  Handlers handlers;
  handlers.on_log = [&](const LogRecord&) {
    if (once.exchange(true)) return;
    going.reset();
    gone.set_value();
  };
  const Memberlist list = make_member(quick_config("list"), hosting, handlers);
  gone.get_future().get();
  EXPECT_TRUE(eventually([&] { return Memberlist::create(again, {}, hosting).has_value(); }));
}

TEST(RuntimeTest, HundredsOfMembersOnOneThreadAllSeeAll) {
  // Their steady state alone would take a whole core under ThreadSanitizer.
  constexpr std::size_t kMembers = testing::kSanitized ? 48 : 256;
  const Hosting hosting{.runtime = make_runtime(), .transport = {}};
  std::vector<Memberlist> members;
  for (std::size_t i = 0; i < kMembers; ++i) {
    Config config = Config::lan();
    config.name = "member-" + std::to_string(i);
    config.bind = {own_ip(), 0};
    members.push_back(make_member(std::move(config), hosting));
    if (i == 0) continue;
    const auto joined = members.back().join({members.front().local_address().to_string()});
    ASSERT_TRUE(joined) << joined.error().message;
  }
  for (Memberlist& member : members) {
    EXPECT_TRUE(eventually([&] {
      const MemberSnapshot seen = member.members();
      return seen->size() == kMembers && std::ranges::all_of(*seen, [](const Member& m) {
               return m.status == MemberStatus::alive;
             });
    }));
  }
}

}  // namespace
}  // namespace memberlist::facade_test
