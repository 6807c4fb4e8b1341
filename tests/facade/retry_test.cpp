// Joins that are retried, and joins that reach only the member itself.

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <limits>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "memberlist/memberlist.hpp"
#include "memberlist/memory_network.hpp"
#include "net/test_name_server.hpp"
#include "node.hpp"

namespace memberlist::facade_test {
namespace {

using namespace std::chrono_literals;
using Joined = Result<JoinResult>;

const JoinRetry kQuick{.first_pause = 5ms, .longest_pause = 20ms, .attempts = 0, .jitter = 0};

std::string at_port_of(const Node& node, const std::string& host) {
  const std::string address = node.address();
  return host + address.substr(address.rfind(':'));
}

TEST(SelfJoin, IsNoSuccessByWhateverName) {
  Config config = quick_config("a");
  config.bind.ip = IpAddress::v4(0, 0, 0, 0);
  config.advertise = Address{IpAddress::v4(127, 0, 0, 1), 0};
  Node a(config);
  for (const char* host : {"127.0.0.1", "0.0.0.0", "localhost", "127.0.0.2"}) {
    const auto joined = a->join({at_port_of(a, host)});
    ASSERT_FALSE(joined) << host;
    EXPECT_EQ(joined.error().code, ErrorCode::own_address) << joined.error().message;
    EXPECT_NE(joined.error().message.find("is this node itself"), std::string::npos);
  }
  EXPECT_TRUE(a.record().heard<JoinFinished>(
      [](const JoinFinished& joined) { return joined.contacted == 0; }));
  Node b("b");
  const auto joined = a->join({a.address(), at_port_of(a, "127.0.0.3"), b.address()});
  ASSERT_TRUE(joined) << joined.error().message;
  EXPECT_EQ(joined->contacted, 1U);
  EXPECT_EQ(joined->addresses[0].failures.at(0).code, ErrorCode::own_address);
}

TEST(SelfJoin, IsNoSuccessByTheAddressOfAllInterfacesOfIpv6) {
  Config config = quick_config("a");
  config.bind.ip = IpAddress::parse("::").value_or(IpAddress{});
  config.advertise = Address{IpAddress::parse("::1").value_or(IpAddress{}), 0};
  Node a(config);
  for (const char* host : {"[::1]", "[::]", "127.0.0.1"}) {
    const auto joined = a->join({at_port_of(a, host)});
    ASSERT_FALSE(joined) << host;
    EXPECT_EQ(joined.error().code, ErrorCode::own_address) << joined.error().message;
  }
}

class Retry : public ::testing::Test {
 protected:
  static Config in_memory(std::string name) {
    Config config = quick_config(std::move(name));
    config.bind = Config::lan().bind;
    return config;
  }
  [[nodiscard]] Hosting hosting() const {
    return {.runtime = std::nullopt, .transport = network_.transport()};
  }
  static std::future<Joined> begin(Node& node, std::vector<std::string> addresses,
                                   const JoinOptions& options) {
    const auto promise = std::make_shared<std::promise<Joined>>();
    node->join_async(addresses, options,
                     [promise](Joined joined) { promise->set_value(std::move(joined)); });
    return promise->get_future();
  }
  static bool retried(Node& node, std::uint32_t attempt, ErrorCode code) {
    return node.record().heard<JoinRetrying>([&](const JoinRetrying& event) {
      return event.attempt == attempt && event.error.code == code;
    });
  }
  static std::size_t retries(Node& node) {
    return node.record().count<JoinRetrying>([](const JoinRetrying&) { return true; });
  }

  MemoryNetwork network_{1};
};

TEST_F(Retry, GoesOnUntilSomebodyIsThere) {
  Node a(in_memory("a"), hosting());
  auto joined = begin(a, {"10.0.0.2"}, {.retry = kQuick});
  EXPECT_TRUE(retried(a, 3, ErrorCode::unreachable));
  EXPECT_TRUE(a.record().logged(LogLevel::warning, "next attempt in 20ms"));
  Node b(in_memory("b"), hosting());
  const Joined result = joined.get();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->contacted, 1U);
  EXPECT_GT(result->tries, 3U);
  EXPECT_TRUE(b.sees("a", MemberStatus::alive));
}

TEST_F(Retry, GoesOnForACallThatWaitsToo) {
  Node a(in_memory("a"), hosting());
  std::optional<Node> b;
  std::jthread later([&] {
    EXPECT_TRUE(retried(a, 1, ErrorCode::unreachable));
    b.emplace(in_memory("b"), hosting());
  });
  const auto joined = a->join({"10.0.0.2"}, {.retry = kQuick});
  ASSERT_TRUE(joined) << joined.error().message;
  later.join();
}

// All have the same list, their own address in it.
TEST_F(Retry, ThreeOfOneConfigurationBecomeOneClusterOnceTheNetworkIsUp) {
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<std::future<Joined>> joins;
  for (const char* name : {"a", "b", "c"}) {
    nodes.push_back(std::make_unique<Node>(in_memory(name), hosting()));
    network_.isolate((*nodes.back())->local_address());
  }
  for (const auto& node : nodes) {
    joins.push_back(begin(*node, {"10.0.0.1", "10.0.0.2", "10.0.0.3"}, {.retry = kQuick}));
  }
  for (const auto& node : nodes) EXPECT_TRUE(eventually([&] { return retries(*node) >= 3; }));
  for (const auto& node : nodes) network_.reconnect((*node)->local_address());
  for (auto& joined : joins) EXPECT_TRUE(joined.get());
  for (const auto& node : nodes) EXPECT_TRUE(eventually([&] { return node->alive() == 3; }));
}

TEST_F(Retry, GoesOnWhileOnlyOneselfIsReached) {
  Node a(in_memory("a"), hosting());
  auto joined = begin(a, {a.address()}, {.retry = kQuick});
  EXPECT_TRUE(retried(a, 2, ErrorCode::own_address));
  a->shutdown();
  EXPECT_EQ(joined.get().error().code, ErrorCode::shut_down);
}

TEST_F(Retry, WaitsForATakenNameToBecomeFree) {
  Node a(in_memory("a"), hosting());
  Node first(in_memory("b"), hosting());
  first.join(a);
  Node second(in_memory("b"), hosting());
  auto joined = begin(second, {a.address()}, {.retry = kQuick});
  EXPECT_TRUE(retried(second, 2, ErrorCode::name_taken));
  ASSERT_TRUE(first->leave(kPatience));
  first->shutdown();
  const Joined result = joined.get();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(eventually([&] {
    const auto b = a->member("b");
    return b && b->status == MemberStatus::alive && b->address() == second->local_address();
  }));
}

TEST_F(Retry, LooksNamesUpAnewAtEachTry) {
  net::TestNameServer names;
  Config config = quick_config("a");
  config.dns_servers = {names.address()};
  Node a(config);
  Node b("b");
  auto joined = begin(a, {at_port_of(b, "seeds.example")}, {.retry = kQuick});
  EXPECT_TRUE(retried(a, 2, ErrorCode::unresolved));
  names.set("seeds.example", {.addresses = {testing::own_loopback_text()}});
  const Joined result = joined.get();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->contacted, 1U);
}

TEST_F(Retry, PausesGrowToTheLongest) {
  Node a(in_memory("a"), hosting());
  JoinRetry retry{.first_pause = 2ms, .longest_pause = 7ms, .attempts = 5, .jitter = 0};
  const auto joined = a->join({"10.0.0.2"}, {.retry = retry});
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, ErrorCode::unreachable);
  EXPECT_NE(joined.error().message.find("(5 tries)"), std::string::npos) << joined.error().message;
  EXPECT_TRUE(retried(a, 4, ErrorCode::unreachable));
  std::vector<Duration> pauses;
  for (const Event& event : a.record().events()) {
    if (const auto* retrying = std::get_if<JoinRetrying>(&event)) pauses.push_back(retrying->pause);
  }
  EXPECT_EQ(pauses, (std::vector<Duration>{2ms, 4ms, 7ms, 7ms}));
}

TEST_F(Retry, PausesAreShorterByAtMostTheirJitter) {
  Node a(in_memory("a"), hosting());
  JoinRetry retry{.first_pause = 4ms, .longest_pause = 4ms, .attempts = 20, .jitter = 0.5};
  EXPECT_FALSE(a->join({"10.0.0.2"}, {.retry = retry}));
  EXPECT_TRUE(retried(a, 19, ErrorCode::unreachable));
  Duration least = Duration::max();
  Duration most{};
  for (const Event& event : a.record().events()) {
    const auto* retrying = std::get_if<JoinRetrying>(&event);
    if (retrying == nullptr) continue;
    least = std::min(least, retrying->pause);
    most = std::max(most, retrying->pause);
  }
  EXPECT_GT(least, 2ms);
  EXPECT_LE(most, 4ms);
  EXPECT_LT(least, most);
}

TEST_F(Retry, AStopEndsThePause) {
  Node a(in_memory("a"), hosting());
  std::stop_source stop;
  auto joined =
      begin(a, {"10.0.0.2"}, {.stop = stop.get_token(), .retry = JoinRetry{1h, 1h, 0, 0}});
  EXPECT_TRUE(retried(a, 1, ErrorCode::unreachable));
  stop.request_stop();
  EXPECT_EQ(joined.get().error().code, ErrorCode::cancelled);
  Node b(in_memory("b"), hosting());
  b.join(a);
}

TEST_F(Retry, AShutdownEndsThePause) {
  auto runtime = Runtime::create();
  ASSERT_TRUE(runtime);
  for (const bool shared : {false, true}) {
    Hosting where = hosting();
    if (shared) where.runtime = *runtime;
    std::future<Joined> joined;
    {
      Node a(in_memory("a"), where);
      joined = begin(a, {"10.0.0.9"}, {.retry = JoinRetry{1h, 1h, 0, 0}});
      EXPECT_TRUE(retried(a, 1, ErrorCode::unreachable));
    }
    EXPECT_EQ(joined.get().error().code, ErrorCode::shut_down);
  }
}

TEST_F(Retry, EndsWhenTheNextTryWouldComeTooLate) {
  Node a(in_memory("a"), hosting());
  const auto late = a->join({"10.0.0.9"}, {.timeout = 30min, .retry = JoinRetry{1h, 1h, 0, 0}});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::timed_out);
  EXPECT_NE(late.error().message.find("10.0.0.9:7946"), std::string::npos) << late.error().message;
  EXPECT_NE(late.error().message.find("(1 try)"), std::string::npos) << late.error().message;
}

TEST_F(Retry, DoesNotRepeatWhatNoTryCanMend) {
  Node a(in_memory("a"), hosting());
  const JoinOptions options{.retry = kQuick};
  for (const std::vector<std::string>& addresses :
       {std::vector<std::string>{}, std::vector<std::string>{"two words", "host:70000"}}) {
    const auto joined = a->join(addresses, options);
    ASSERT_FALSE(joined);
    EXPECT_EQ(joined.error().code, ErrorCode::invalid_argument);
  }
  EXPECT_EQ(a->join({"10.0.0.9"}, {.parallel = 99, .retry = kQuick}).error().code,
            ErrorCode::invalid_argument);
  ASSERT_TRUE(a->leave());
  EXPECT_EQ(a->join({"10.0.0.9"}, options).error().code, ErrorCode::shut_down);
  EXPECT_EQ(retries(a), 0U);
}

TEST_F(Retry, GoesOnIfOneAddressCanBeReadAndOthersCannot) {
  Node a(in_memory("a"), hosting());
  JoinRetry retry = kQuick;
  retry.attempts = 2;
  EXPECT_FALSE(a->join({"two words", "10.0.0.9"}, {.retry = retry}));
  EXPECT_FALSE(a->join({"two words", "no-such-host.invalid"}, {.retry = retry}));
  EXPECT_TRUE(eventually([&] { return retries(a) == 2; }));
}

TEST_F(Retry, ItsLimitsAreChecked) {
  Node a(in_memory("a"), hosting());
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& [retry, knob] :
       std::vector<std::pair<JoinRetry, std::string>>{{{0s, 1s, 0, 0}, "first_pause"},
                                                      {{-1s, 1s, 0, 0}, "first_pause"},
                                                      {{2s, 1s, 0, 0}, "longest_pause"},
                                                      {{2s, 25h, 0, 0}, "longest_pause"},
                                                      {{1s, 1s, 0, -0.1}, "jitter"},
                                                      {{1s, 1s, 0, 1.1}, "jitter"},
                                                      {{1s, 1s, 0, nan}, "jitter"}}) {
    const auto joined = a->join({"10.0.0.9"}, {.retry = retry});
    ASSERT_FALSE(joined);
    EXPECT_EQ(joined.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(joined.error().subject, knob);
  }
}

}  // namespace
}  // namespace memberlist::facade_test
