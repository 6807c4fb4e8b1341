// What is called at the end, by whom, and when: completions, coroutines, handlers.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <coroutine>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "memberlist/engine.hpp"
#include "memberlist/memberlist.hpp"
#include "memberlist/memory_network.hpp"
#include "node.hpp"
#include "silent_peer.hpp"
#include "support/sanitizers.hpp"

namespace memberlist::facade_test {
namespace {

// Each would take a frame of at least a hundred bytes, if it were called by the last one.
constexpr int kRetries = testing::kSanitized ? 100'000 : 1'000'000;

struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

// A coroutine whose frame its owner destroys.
struct Owned {
  struct promise_type {
    Owned get_return_object() {
      return Owned(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  explicit Owned(std::coroutine_handle<promise_type> handle) : frame(handle) {}
  Owned(Owned&& other) noexcept : frame(std::exchange(other.frame, nullptr)) {}
  Owned& operator=(Owned&&) = delete;
  ~Owned() {
    if (frame) frame.destroy();
  }
  std::coroutine_handle<promise_type> frame;
};

// --- completions after the end ------------------------------------------------------------------

Detached retry(Memberlist& list, int times, int& ended) {
  for (int i = 0; i < times; ++i) {
    const auto pinged = co_await list.ping_async("b");
    if (!pinged && pinged.error().code == ErrorCode::shut_down) ++ended;
  }
}

TEST(Ends, ACoroutineThatRetriesAfterAShutdownUsesNoStack) {
  Node a("a");
  a->shutdown();
  int ended = 0;
  retry(*a, kRetries, ended);
  EXPECT_EQ(ended, kRetries);
}

TEST(Ends, ACallbackThatRetriesAfterAShutdownUsesNoStack) {
  Node a("a");
  a->shutdown();
  int left = kRetries;
  std::function<void(Result<PingResult>)> again = [&](const Result<PingResult>&) {
    if (--left > 0) a->ping_async("b", {}, again);
  };
  a->ping_async("b", {}, again);
  EXPECT_EQ(left, 0) << "they ran on this thread";
}

TEST(Ends, CallbacksAfterAShutdownRunOneAtATime) {
  Node a("a");
  a->shutdown();
  std::atomic<int> running = 0;
  int ran = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 250; ++i) {
          a->ping_async("b", {}, [&](const Result<PingResult>&) {
            EXPECT_EQ(++running, 1);
            std::this_thread::sleep_for(std::chrono::microseconds(20));
            ++ran;
            --running;
          });
        }
      });
    }
  }
  EXPECT_EQ(ran, 1000);
}

// An Awaitable of whatever source: its outcome may come within the call that starts it.
Detached await_at_once(int times, int& sum) {
  const auto start = [](const std::function<void(int)>& done) { done(1); };
  for (int i = 0; i < times; ++i) {
    const int one = co_await Awaitable<int>(start);
    sum += one;
  }
}

TEST(Ends, AnOutcomeThatIsThereAtOnceUsesNoStack) {
  int sum = 0;
  await_at_once(kRetries, sum);
  EXPECT_EQ(sum, kRetries);
}

// --- coroutines that are destroyed while they wait ----------------------------------------------

Owned join_for_ever(Memberlist& list, std::string peer, std::atomic<bool>& resumed) {
  const std::vector<std::string> peers(1, std::move(peer));
  JoinOptions options;
  options.retry = JoinRetry{};
  (void)co_await list.join_async(peers, options);
  resumed = true;
}

TEST(Ends, ACoroutineThatIsDestroyedWhileItWaitsIsCancelled) {
  const SilentPeer silent;
  Config config = quick_config("a");
  config.tcp_timeout = std::chrono::minutes(10);
  Node a(config);
  std::atomic<bool> resumed = false;
  {
    const Owned waiting = join_for_ever(*a, silent.address(), resumed);
  }
  EXPECT_TRUE(a.record().heard<JoinFinished>([](const JoinFinished&) { return true; }))
      << "the join goes on without anybody who waits for it";
  a->shutdown();
  EXPECT_FALSE(resumed);
}

TEST(Ends, AShutdownBehindADestroyedCoroutineTouchesNothingOfIt) {
  const SilentPeer silent;
  Config config = quick_config("a");
  config.tcp_timeout = std::chrono::minutes(10);
  std::atomic<bool> resumed = false;
  for (int i = 0; i < 20; ++i) {
    Node a(config);
    {
      const Owned waiting = join_for_ever(*a, silent.address(), resumed);
    }
    a->shutdown();
  }
  EXPECT_FALSE(resumed);
}

TEST(Ends, TheCallersOwnStopWorksInACoroutine) {
  const SilentPeer silent;
  Config config = quick_config("a");
  config.tcp_timeout = std::chrono::minutes(10);
  Node a(config);
  std::stop_source stop;
  std::promise<ErrorCode> told;
  const auto wait = [&]() -> Detached {
    const std::vector<std::string> peers(1, silent.address());
    JoinOptions options;
    options.stop = stop.get_token();
    const auto joined = co_await a->join_async(peers, options);
    told.set_value(joined ? ErrorCode{255} : joined.error().code);
  };
  wait();
  stop.request_stop();
  EXPECT_EQ(told.get_future().get(), ErrorCode::cancelled);
}

// --- handlers and policy ------------------------------------------------------------------------

struct Last {
  std::mutex mutex;
  std::optional<std::thread::id> on;

  [[nodiscard]] std::optional<std::thread::id> get() {
    const std::lock_guard lock(mutex);
    return on;
  }
};

// Tells which thread destroyed it.
class Tells {
 public:
  explicit Tells(Last& last) : last_(last) {}
  Tells(const Tells&) = delete;
  Tells& operator=(const Tells&) = delete;
  ~Tells() {
    const std::lock_guard lock(last_.mutex);
    last_.on = std::this_thread::get_id();
  }

 private:
  Last& last_;
};

// Keeps what it was given at the end for as long as its executor has something else to do, as a
// transport may that wraps another one.
class SlowTransport final : public Transport {
 public:
  SlowTransport(std::unique_ptr<Transport> inner, std::shared_ptr<Executor> executor)
      : inner_(std::move(inner)), executor_(std::move(executor)) {}
  void start() override { inner_->start(); }
  [[nodiscard]] Address local_address() const override { return inner_->local_address(); }
  void send(const Address& to, BytesView bytes) override { inner_->send(to, bytes); }
  void flush() override { inner_->flush(); }
  void dial(StreamId id, const Address& to) override { inner_->dial(id, to); }
  void write(StreamId id, Bytes bytes) override { inner_->write(id, std::move(bytes)); }
  void close(StreamId id) override { inner_->close(id); }
  void abort(StreamId id) override { inner_->abort(id); }
  void finish(Duration limit, std::function<void()> done) override {
    inner_->finish(limit, done);
    executor_->post([executor = executor_, done] { keep(executor, done, 3); });
  }

 private:
  static void keep(const std::shared_ptr<Executor>& executor, const std::function<void()>& done,
                   int turns) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (turns > 0) executor->post([=] { keep(executor, done, turns - 1); });
  }

  std::unique_ptr<Transport> inner_;
  std::shared_ptr<Executor> executor_;
};

TEST(Ends, HandlersAndPolicyAreGoneWhenTheMemberIsAndNotOnTheLoopsThread) {
  auto runtime = Runtime::create();
  ASSERT_TRUE(runtime);
  Hosting hosting{.runtime = *runtime, .transport = {}};
  hosting.transport = [](const TransportSetup& setup) -> Result<std::unique_ptr<Transport>> {
    auto inner = setup.sockets(*setup.handler);
    if (!inner) return inner;
    return std::make_unique<SlowTransport>(std::move(*inner), setup.executor);
  };
  for (int i = 0; i < 10; ++i) {
    Last log;
    Last events;
    Last policy;
    {
      Handlers handlers;
      handlers.on_log = [tells = std::make_shared<Tells>(log)](const LogRecord&) {};
      handlers.on_events = [tells = std::make_shared<Tells>(events)](Memberlist&,
                                                                     std::span<const Event>) {};
      struct OfTest : Policy {
        explicit OfTest(Last& last) : tells(last) {}
        Tells tells;
      };
      handlers.policy = std::make_shared<OfTest>(policy);
      const auto member = Memberlist::create(quick_config("a"), std::move(handlers), hosting);
      ASSERT_TRUE(member);
    }
    for (Last* last : {&log, &events, &policy}) EXPECT_EQ(last->get(), std::this_thread::get_id());
  }
}

// --- objects that are not there any more --------------------------------------------------------

TEST(Ends, AMovedFromRuntimeIsRefused) {
  auto runtime = Runtime::create();
  ASSERT_TRUE(runtime);
  const Runtime moved(std::move(*runtime));
  const Hosting hosting{.runtime = *runtime, .transport = {}};
  const auto created = Memberlist::create(quick_config("a"), {}, hosting);
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code, ErrorCode::invalid_argument);
}

TEST(Ends, AMovedFromMemoryNetworkIsStillOne) {
  MemoryNetwork network;
  const MemoryNetwork moved(std::move(network));
  network.lose_packets(0);  // NOLINT(bugprone-use-after-move): that it works is the point
  EXPECT_TRUE(
      Memberlist::create(quick_config("a"), {}, {.runtime = {}, .transport = network.transport()}));
}

TEST(Ends, AMovedFromMemberMayBeDestroyedOrAssigned) {
  auto first = Memberlist::create(quick_config("first"));
  auto second = Memberlist::create(quick_config("second"));
  ASSERT_TRUE(first && second);
  Memberlist moved(std::move(*first));
  *first = std::move(*second);
  EXPECT_EQ(first->local_member().name(), "second");
}

}  // namespace
}  // namespace memberlist::facade_test
