// One thread owns the engine: calls that do not block do not wait for it, and no lock of the
// library is held while code of the application runs.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "memberlist/memberlist.hpp"
#include "memberlist/memory_network.hpp"
#include "node.hpp"
#include "sim/virtual_policy.hpp"

namespace memberlist::facade_test {
namespace {

const Bytes kKey = to_bytes("0123456789abcdef");
const Bytes kOtherKey = to_bytes("fedcba9876543210");

enum Callback : std::uint8_t {
  event,
  outcome,
  log,
  metric,
  alive,
  merge,
  fill,
  local_state,
  ack_payload,
  ping,
  tcp_ping,
  kCallbacks
};

// An application with one mutex for everything.
class Application {
 public:
  /// What every callback does: it takes the mutex, and looks at the member.
  void called(Callback which) {
    const std::lock_guard lock(mutex_);
    ++calls_.at(which);
    look();
  }
  /// A function of the member, with the mutex held around it.
  template <class Call>
  void call(Call&& function) {
    const std::lock_guard lock(mutex_);
    std::forward<Call>(function)(*list_.load());
  }
  void look() const {
    const Memberlist* list = list_.load();
    if (list == nullptr) return;
    (void)list->members();
    (void)list->member("b");
    (void)list->local_member();
    (void)list->local_address();
    (void)list->health_score();
    (void)list->counters();
    (void)list->view_digest();
    (void)list->max_packet_payload();
    (void)list->keys();
    (void)list->gossip_verify();
    (void)list->wall_clock(list->local_member().since);
    (void)list->config();
  }
  void set(Memberlist* list) { list_ = list; }
  [[nodiscard]] int calls(Callback which) {
    const std::lock_guard lock(mutex_);
    return calls_.at(which);
  }

 private:
  std::mutex mutex_;
  std::array<int, kCallbacks> calls_{};
  std::atomic<Memberlist*> list_ = nullptr;
};

class Sink final : public MetricsSink {
 public:
  explicit Sink(Application& application) : application_(application) {}
  void add_to_counter(std::string_view, double, Labels) override { application_.called(metric); }
  void set_gauge(std::string_view, double, Labels) override { application_.called(metric); }
  void add_sample(std::string_view, double, Labels) override { application_.called(metric); }

 private:
  Application& application_;
};

std::shared_ptr<Policy> policy_of(Application& application) {
  auto policy = std::make_shared<sim::VirtualPolicy>();
  policy->on_alive = [&](const MemberRecord&) {
    application.called(alive);
    return Result<void>();
  };
  policy->on_merge = [&](auto) {
    application.called(merge);
    return Result<void>();
  };
  policy->on_fill = [&](std::size_t, std::size_t, std::vector<Bytes>&) {
    application.called(fill);
  };
  policy->on_local_state = [&](bool) {
    application.called(local_state);
    return to_bytes("state");
  };
  policy->on_ack_payload = [&] {
    application.called(ack_payload);
    return to_bytes("ack");
  };
  policy->on_ping = [&](const MemberRecord&, Duration, BytesView) { application.called(ping); };
  policy->on_tcp_ping = [&](const MemberRecord&) {
    application.called(tcp_ping);
    return true;
  };
  return policy;
}

// Every function that does not block, each with the mutex held.
void call_all(Application& application, const std::string& address, int round) {
  const auto done = [&application](const auto&) { application.called(outcome); };
  const std::string text = "round " + std::to_string(round);
  const std::vector<std::function<void(Memberlist&)>> calls{
      [&](Memberlist&) { application.look(); },
      [&](Memberlist& list) { (void)list.broadcast(as_bytes(text), "name"); },
      [&](Memberlist& list) { (void)list.send("b", as_bytes(text)); },
      [&](Memberlist& list) { (void)list.send(list.local_address(), as_bytes(text)); },
      [&](Memberlist& list) { list.join_async({address}, {}, done); },
      [&](Memberlist& list) { list.update_meta_async(as_bytes(text), {}, done); },
      [&](Memberlist& list) { list.send_async("b", as_bytes(text), {}, done); },
      [&](Memberlist& list) { list.ping_async("b", {}, done); },
      [&](Memberlist& list) { EXPECT_TRUE(list.add_key(kOtherKey)); },
      [&](Memberlist& list) { EXPECT_TRUE(list.use_key(kKey)); },
      [&](Memberlist& list) { EXPECT_TRUE(list.use_key(key_fingerprint(kKey))); },
      [&](Memberlist& list) { EXPECT_TRUE(list.remove_key(kOtherKey)); },
      [&](Memberlist& list) { EXPECT_TRUE(list.set_gossip_verify(round % 2 == 0, true)); },
  };
  for (const auto& call : calls) application.call(call);
}

TEST(Owner, AnApplicationMayTakeItsMutexInCallbacksAndHoldItAroundCalls) {
  constexpr int kRounds = 50;
  Application application;
  Config config = quick_config("a");
  config.keys = {kKey};
  Handlers handlers;
  handlers.on_events = [&](Memberlist&, std::span<const Event>) { application.called(event); };
  handlers.on_log = [&](const LogRecord&) { application.called(log); };
  handlers.metrics = std::make_shared<Sink>(application);
  handlers.policy = policy_of(application);
  auto list = Memberlist::create(config, handlers);
  ASSERT_TRUE(list) << list.error().message;
  application.set(&*list);
  config.name = "b";
  Node b(config);
  config.name = "goes";
  std::optional<Node> goes(std::in_place, config);
  ASSERT_TRUE(list->join({b.address()}));
  goes->join(b);
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&] {
        for (int round = 0; round < kRounds; ++round) call_all(application, b.address(), round);
      });
    }
    goes.reset();  // without a word, so that it is probed, over TCP, too
  }
  for (int which = event; which < kCallbacks; ++which) {
    EXPECT_TRUE(eventually([&] { return application.calls(static_cast<Callback>(which)) > 0; }))
        << "callback " << which;
  }
  application.call([&](Memberlist& member) {
    member.leave_async({}, [&](const Result<void>&) { application.called(outcome); });
    EXPECT_FALSE(member.broadcast(as_bytes("x"))) << "it has left";
  });
  list->shutdown();
}

// --- while the protocol's thread stands still

// A member whose thread waits in a log handler.
class HeldUp : public ::testing::Test {
 protected:
  void SetUp() override {
    Handlers handlers;
    handlers.on_log = [this](const LogRecord& line) {
      if (line.text.find("gossip_verify_incoming") == std::string::npos) return;
      if (held_.exchange(true)) return;
      is_held_.set_value();
      let_go_.get_future().wait();
    };
    auto created = Memberlist::create(quick_config("a"), std::move(handlers));
    ASSERT_TRUE(created);
    list_ = std::make_unique<Memberlist>(*std::move(created));
    ASSERT_TRUE(list_->set_gossip_verify(false, std::nullopt));
    is_held_.get_future().wait();
  }
  void let_go() {
    if (!std::exchange(released_, true)) let_go_.set_value();
  }
  void TearDown() override { let_go(); }

  std::promise<void> is_held_;
  std::promise<void> let_go_;
  bool released_ = false;
  std::atomic<bool> held_ = false;
  std::unique_ptr<Memberlist> list_;
};

TEST_F(HeldUp, AnswersWhatNeedsNoEngine) {
  EXPECT_EQ(list_->members().size(), 1U);
  EXPECT_TRUE(list_->member("a"));
  EXPECT_EQ(list_->local_member().status, MemberStatus::alive);
  EXPECT_NE(list_->view_digest(), 0U);
  EXPECT_FALSE(list_->gossip_verify().incoming);
  EXPECT_EQ(list_->send("nobody", {}).error().code, ErrorCode::unknown_member);
  EXPECT_EQ(list_->broadcast(Bytes(70'000)).error().code, ErrorCode::too_large);
  EXPECT_EQ(list_->send("a", Bytes(70'000)).error().code, ErrorCode::too_large);
  EXPECT_EQ(list_->send("a", Bytes(21 << 20), Delivery::reliable).error().code,
            ErrorCode::too_large);
}

TEST_F(HeldUp, ShowsKeysAsTheCallsHaveLeftThem) {
  ASSERT_TRUE(list_->add_key(kKey));
  ASSERT_TRUE(list_->add_key(kOtherKey));
  ASSERT_TRUE(list_->use_key(key_fingerprint(kOtherKey)));
  EXPECT_FALSE(list_->remove_key(kOtherKey)) << "the primary";
  ASSERT_TRUE(list_->remove_key(kKey));
  EXPECT_EQ(list_->add_key(Bytes(5)).error().code, ErrorCode::crypto);
  ASSERT_EQ(list_->keys().size(), 1U);
  EXPECT_EQ(list_->keys()[0].fingerprint, key_fingerprint(kOtherKey));
  let_go();
  Config config = quick_config("b");
  config.keys = {kOtherKey};
  Node b(config);
  EXPECT_TRUE(list_->join({b.address()})) << "the engine has the same key";
}

TEST_F(HeldUp, RefusesCallsBeyondTheirNumber) {
  const auto broadcast = [this] { return list_->broadcast(as_bytes("x"), "name"); };
  for (int i = 0; i < 8192; ++i) ASSERT_TRUE(broadcast());
  const auto refused = broadcast();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::too_large);
  EXPECT_NE(refused.error().message.find("8192 calls"), std::string::npos)
      << refused.error().message;
  EXPECT_EQ(list_->leave().error().code, ErrorCode::too_large);
  let_go();
  EXPECT_TRUE(eventually([&] { return broadcast().has_value(); }));
}

TEST_F(HeldUp, LetsASendWaitButNotForGood) {
  for (int i = 0; i < 1024; ++i) ASSERT_TRUE(list_->send("a", as_bytes("x")));
  const auto refused = list_->send("a", as_bytes("x"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::timed_out);
  let_go();
  EXPECT_TRUE(list_->send("a", as_bytes("x")));
}

TEST_F(HeldUp, CancelsWhatHasNotBegunAndKeepsWhatWasAnnounced) {
  std::stop_source stop;
  std::promise<Result<void>> left;
  list_->leave_async({.stop = stop.get_token()},
                     [&](const Result<void>& outcome) { left.set_value(outcome); });
  stop.request_stop();
  let_go();
  (void)left.get_future().get();
  EXPECT_TRUE(eventually([&] { return list_->local_member().status == MemberStatus::left; }));
}

// --- how old a view may be

TEST(Owner, AViewIsNotOlderThanAnEventOrAnOutcome) {
  std::atomic<int> older = 0;
  std::atomic<int> seen = 0;
  Handlers handlers;
  handlers.on_events = [&](Memberlist& list, std::span<const Event> batch) {
    for (const Event& told : batch) {
      const auto* change = std::get_if<MemberEvent>(&told);
      if (change == nullptr) continue;
      const auto member = list.member(change->member.name());
      if (!member || member->incarnation < change->member.incarnation) ++older;
      if (change->self && list.local_member().incarnation < change->member.incarnation) ++older;
      ++seen;
    }
  };
  auto list = Memberlist::create(quick_config("a"), handlers);
  ASSERT_TRUE(list);
  for (int i = 0; i < 5; ++i) {
    Node other("other-" + std::to_string(i));
    ASSERT_TRUE(list->join({other.address()}));
    EXPECT_TRUE(list->member("other-" + std::to_string(i)));
    ASSERT_TRUE(list->update_meta(as_bytes(std::to_string(i)), kPatience));
    EXPECT_EQ(as_text(list->local_member().meta()), std::to_string(i));
    EXPECT_EQ(as_text(list->member("a")->meta()), std::to_string(i));
    (void)other->leave(kPatience);
  }
  EXPECT_TRUE(eventually([&] { return seen >= 15; })) << "each joins, leaves, and makes an update";
  list->shutdown();
  EXPECT_EQ(older, 0);
}

/// Another transport that calls a function before it writes to a stream.
class Observed final : public Transport {
 public:
  Observed(std::unique_ptr<Transport> inner, std::function<void()> on_write)
      : inner_(std::move(inner)), on_write_(std::move(on_write)) {}

  void start() override { inner_->start(); }
  [[nodiscard]] Address local_address() const override { return inner_->local_address(); }
  void send(const Address& to, BytesView bytes) override { inner_->send(to, bytes); }
  void flush() override { inner_->flush(); }
  void dial(StreamId id, const Address& to) override { inner_->dial(id, to); }
  void write(StreamId id, Bytes bytes) override {
    on_write_();
    inner_->write(id, std::move(bytes));
  }
  void close(StreamId id) override { inner_->close(id); }
  void abort(StreamId id) override { inner_->abort(id); }
  void finish(Duration limit, std::function<void()> done) override {
    inner_->finish(limit, std::move(done));
  }

 private:
  std::unique_ptr<Transport> inner_;
  std::function<void()> on_write_;
};

// Else a peer could act on an answer whose reason this member does not show yet.
TEST(Owner, AViewIsNotOlderThanWhatWasSent) {
  const MemoryNetwork network(1);
  std::atomic<Memberlist*> list = nullptr;
  std::atomic<std::size_t> seen = 0;
  Hosting observed;
  observed.transport = [&](const TransportSetup& setup) -> Result<std::unique_ptr<Transport>> {
    auto inner = network.transport()(setup);
    if (!inner) return inner;
    return std::make_unique<Observed>(std::move(*inner), [&] {
      if (const Memberlist* at = list.load()) seen = at->members().size();
    });
  };
  Config config = quick_config("a");
  config.bind = Config::lan().bind;
  Node a(config, observed);
  list = &*a;
  config.name = "b";
  Hosting plain;
  plain.transport = network.transport();
  Node b(config, plain);
  b.join(a);
  EXPECT_EQ(seen, 2U) << "the answer to the join was sent, and b is in no view";
  list = nullptr;
}

}  // namespace
}  // namespace memberlist::facade_test
