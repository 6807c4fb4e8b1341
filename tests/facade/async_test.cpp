#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "memberlist/memberlist.hpp"
#include "node.hpp"
#include "silent_peer.hpp"
#include "support/detached.hpp"

namespace memberlist::facade_test {
namespace {

template <class T>
struct Answer {
  std::promise<T> promise;
  std::future<T> future = promise.get_future();
  std::function<void(T)> done = [this](T outcome) { promise.set_value(std::move(outcome)); };

  [[nodiscard]] T get() { return future.get(); }
};

TEST(Async, EveryCallHasATwinThatDoesNotWait) {
  Node a("a");
  Node b("b");
  Answer<Result<JoinResult>> joined;
  a->join_async({b.address()}, {}, joined.done);
  const auto join = joined.get();
  ASSERT_TRUE(join) << join.error().message;
  EXPECT_EQ(join->contacted, 1U);

  Answer<Result<void>> updated;
  a->update_meta_async(as_bytes("news"), {}, updated.done);
  EXPECT_TRUE(updated.get());
  EXPECT_EQ(as_text(a->local_member().meta()), "news");

  Answer<Result<void>> sent;
  a->send_async("b", as_bytes("hello"), {}, sent.done);
  EXPECT_TRUE(sent.get());
  EXPECT_TRUE(b.record().heard_message("hello"));

  Answer<Result<PingResult>> pinged;
  a->ping_async("b", {.timeout = kPatience}, pinged.done);
  const auto ping = pinged.get();
  ASSERT_TRUE(ping) << ping.error().message;
  EXPECT_GT(ping->round_trip, Duration::zero());

  Answer<Result<void>> left;
  a->leave_async({.timeout = kPatience}, left.done);
  EXPECT_TRUE(left.get());
  EXPECT_TRUE(b.sees("a", MemberStatus::left));
}

TEST(Async, OutcomesComeInOrderWithTheEventsOnTheirThread) {
  Node b("b");
  std::promise<bool> in_order;
  std::thread::id events_on;
  Handlers handlers;
  handlers.on_events = [&](Memberlist&, std::span<const Event> batch) {
    const bool joined = std::ranges::any_of(
        batch, [](const Event& event) { return std::holds_alternative<JoinFinished>(event); });
    if (joined) events_on = std::this_thread::get_id();
  };
  auto a = Memberlist::create(quick_config("a"), handlers);
  ASSERT_TRUE(a);
  a->join_async({b.address()}, {}, [&](const Result<JoinResult>&) {
    in_order.set_value(events_on == std::this_thread::get_id());
  });
  EXPECT_TRUE(in_order.get_future().get());
}

TEST(Async, AnOutcomeMayCallWhatWaitsAlsoWithoutAHandler) {
  auto a = Memberlist::create(quick_config("a"));
  Node b("b");
  ASSERT_TRUE(a);
  std::promise<Result<void>> left;
  a->join_async({b.address()}, {},
                [&](const Result<JoinResult>&) { left.set_value(a->leave(kPatience)); });
  EXPECT_TRUE(left.get_future().get());
}

TEST(Async, AShutdownEndsWhatIsUnderWay) {
  const SilentPeer silent;
  Config config = quick_config("a");
  config.tcp_timeout = std::chrono::minutes(10);
  Node a(config);
  int called = 0;  // by the event thread, which has ended behind the shutdown
  ErrorCode code{};
  a->join_async({silent.address()}, {}, [&](const Result<JoinResult>& joined) {
    ++called;
    code = joined.error().code;
  });
  a->shutdown();
  EXPECT_EQ(called, 1);
  EXPECT_EQ(code, ErrorCode::shut_down);
  a->ping_async("a", {}, [&](const Result<PingResult>& pinged) {
    ++called;
    code = pinged.error().code;
  });
  EXPECT_EQ(called, 2) << "at once: there is no thread any more";
}

TEST(Async, AnOutcomeMayDestroyTheMember) {
  const SilentPeer silent;
  Config config = quick_config("a");
  config.tcp_timeout = std::chrono::minutes(10);
  auto a = std::make_shared<std::optional<Memberlist>>();
  a->emplace(*Memberlist::create(config));
  Answer<Result<JoinResult>> never_joined;
  (*a)->join_async({silent.address()}, {}, never_joined.done);
  Answer<bool> destroyed;
  (*a)->ping_async("nobody", {}, [a, &destroyed](const Result<PingResult>&) {
    a->reset();
    destroyed.done(true);
  });
  EXPECT_TRUE(destroyed.get());
  EXPECT_EQ(never_joined.get().error().code, ErrorCode::shut_down) << "it comes all the same";
}

TEST(Async, AStopEndsIt) {
  const SilentPeer silent;
  Config config = quick_config("a");
  config.tcp_timeout = std::chrono::minutes(10);
  Node a(config);
  std::stop_source stop;
  Answer<Result<JoinResult>> joined;
  a->join_async({silent.address()}, {.stop = stop.get_token()}, joined.done);
  stop.request_stop();
  EXPECT_EQ(joined.get().error().code, ErrorCode::cancelled);
}

// --- coroutines ---------------------------------------------------------------------------------

using testing::Detached;

Detached live_and_leave(Memberlist& list, std::string through, std::promise<std::string>& told) {
  const std::vector<std::string> addresses(1, std::move(through));
  const auto joined = co_await list.join_async(addresses);
  if (!joined) co_return told.set_value(joined.error().message);
  const CallOptions options{.timeout = kPatience};
  const auto updated = co_await list.update_meta_async(to_bytes("from a coroutine"));
  const auto sent = co_await list.send_async("b", to_bytes("hello"));
  const auto pinged = co_await list.ping_async("b", options);
  const auto left = co_await list.leave_async(options);
  told.set_value(updated && sent && pinged && left ? "all done" : "something failed");
}

TEST(Async, CoroutinesMayAwait) {
  Node a("a");
  Node b("b");
  std::promise<std::string> told;
  live_and_leave(*a, b.address(), told);
  EXPECT_EQ(told.get_future().get(), "all done");
  EXPECT_TRUE(b.record().heard_message("hello"));
}

TEST(Async, CoroutinesAreNotLeftBehindByAShutdown) {
  Node a("a");
  Node b("b");
  a->shutdown();
  std::promise<std::string> told;
  live_and_leave(*a, b.address(), told);
  EXPECT_EQ(told.get_future().get(), "this member was shut down");
}

}  // namespace
}  // namespace memberlist::facade_test
