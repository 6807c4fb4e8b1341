#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "memberlist/memberlist.hpp"
#include "node.hpp"
#include "silent_peer.hpp"

// What a call may take, and calls that are ended before their time. Where nothing ended them they
// would take longer than any test.
namespace memberlist::facade_test {
namespace {

Config patient_config(std::string name) {
  Config config = quick_config(std::move(name));
  config.tcp_timeout = std::chrono::minutes(10);
  return config;
}

// A call on a thread of its own.
template <class T>
class Background {
 public:
  explicit Background(std::function<T()> call)
      : thread_([this, call = std::move(call)] { result_ = call(); }) {}

  [[nodiscard]] T get() {
    thread_.join();
    return *std::move(result_);
  }

 private:
  std::optional<T> result_;
  std::jthread thread_;
};

TEST(Call, AStopEndsAJoin) {
  const SilentPeer silent;
  Node a(patient_config("a"));
  std::stop_source stop;
  Background<Result<JoinResult>> joined(
      [&] { return a->join({silent.address()}, {.stop = stop.get_token()}); });
  ASSERT_TRUE(eventually([&] { return a->counters().streams_dialled > 0; }));
  stop.request_stop();
  const auto result = joined.get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::cancelled);
}

TEST(Call, WithAStopThatCameBeforeDoesNothing) {
  Node a("a");
  Node b("b");
  b.join(a);
  std::stop_source stop;
  stop.request_stop();
  const CallOptions stopped{.stop = stop.get_token()};
  const auto joined = a->join({b.address()}, {.stop = stop.get_token()});
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, ErrorCode::cancelled);
  const auto pinged = a->ping("b", stopped);
  ASSERT_FALSE(pinged);
  EXPECT_EQ(pinged.error().code, ErrorCode::cancelled);
  for (const auto& ended : {a->leave(stopped), a->update_meta(as_bytes("x"), stopped),
                            a->send("b", as_bytes("x"), Delivery::reliable, stopped)}) {
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, ErrorCode::cancelled);
  }
  EXPECT_TRUE(a->local_member().meta().empty());
  EXPECT_EQ(a->local_member().status, MemberStatus::alive);
}

TEST(Call, AStopEndsAPing) {
  Config config = patient_config("a");
  config.probe_interval = Duration::zero();  // so that no member is found dead
  Node a(config);
  Node b("b");
  b.join(a);
  ASSERT_TRUE(a.record().heard(MemberEventKind::join, "b"));
  b->shutdown();
  std::stop_source stop;
  const std::uint64_t sent_before = a->counters().packets_sent;
  Background<Result<PingResult>> pinged([&] {
    return a->ping("b", {.timeout = std::chrono::minutes(10), .stop = stop.get_token()});
  });
  ASSERT_TRUE(eventually([&] { return a->counters().packets_sent > sent_before; }));
  stop.request_stop();
  const auto result = pinged.get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::cancelled);

  const auto late = a->ping("b", {.timeout = std::chrono::milliseconds(1)});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::timed_out);
}

TEST(Call, AJoinHasItsTime) {
  const SilentPeer silent;
  Node a(patient_config("a"));
  const auto joined = a->join({silent.address()}, {.timeout = std::chrono::milliseconds(50)});
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, ErrorCode::timed_out);
}

TEST(Call, EnoughAnswersEndAJoin) {
  const SilentPeer silent;
  Node a(patient_config("a"));
  Node b("b");
  const auto joined = a->join({silent.address(), b.address()}, {.enough = 1});
  ASSERT_TRUE(joined) << joined.error().message;
  EXPECT_EQ(joined->contacted, 1U);
  EXPECT_TRUE(joined->failures.empty());
  ASSERT_EQ(joined->addresses.size(), 2U);
  EXPECT_EQ(joined->addresses[0].contacted, 0U) << "it was not waited for";
  EXPECT_TRUE(joined->addresses[0].failures.empty());
  EXPECT_EQ(joined->addresses[1].contacted, 1U);
}

TEST(Call, EveryAddressOfAJoinHasItsResult) {
  Node a("a");
  Node b(at_localhost("b"));
  Node gone("gone");
  const std::string gone_address = gone.address();
  gone->shutdown();
  const std::string port = std::to_string(b->local_address().port);
  const std::vector<std::string> given{gone_address, "[not an address", "localhost:" + port,
                                       b.address()};
  const auto joined = a->join(given);
  ASSERT_TRUE(joined) << joined.error().message;
  EXPECT_EQ(joined->contacted, 1U) << "one peer, though it was named twice";
  EXPECT_EQ(joined->failures.size(), 2U);
  ASSERT_EQ(joined->addresses.size(), given.size());
  for (std::size_t i = 0; i < given.size(); ++i) {
    EXPECT_EQ(joined->addresses[i].address, given[i]);
    EXPECT_EQ(joined->addresses[i].contacted, i < 2 ? 0U : 1U) << given[i];
    EXPECT_EQ(joined->addresses[i].failures.size(), i < 2 ? 1U : 0U) << given[i];
  }
  EXPECT_EQ(joined->addresses[0].failures.at(0).code, ErrorCode::unreachable);
  EXPECT_EQ(joined->addresses[1].failures.at(0).code, ErrorCode::invalid_argument);
}

TEST(Call, AFailedJoinTellsWhatEachAddressDid) {
  Node a("a");
  const std::string nobody = own_ip().to_string() + ":1";
  const std::vector<std::string> given = {nobody, "[not an address", a.address()};
  const JoinOutcome joined = a->join(given);
  ASSERT_FALSE(joined);
  const JoinError& error = joined.error();
  ASSERT_EQ(error.addresses.size(), given.size());
  for (std::size_t i = 0; i < given.size(); ++i) {
    EXPECT_EQ(error.addresses[i].address, given[i]);
    ASSERT_EQ(error.addresses[i].failures.size(), 1U) << given[i];
  }
  EXPECT_EQ(error.addresses[0].failures[0].code, ErrorCode::unreachable);
  EXPECT_EQ(error.addresses[1].failures[0].code, ErrorCode::invalid_argument);
  EXPECT_EQ(error.addresses[2].failures[0].code, ErrorCode::own_address);
  EXPECT_EQ(error.tries, 1U);
}

TEST(Call, AJoinThatIsRefusedHasTriedNoAddress) {
  Node a("a");
  const JoinOutcome joined = a->join({});
  ASSERT_FALSE(joined);
  EXPECT_TRUE(joined.error().addresses.empty());
  EXPECT_EQ(joined.error().tries, 0U);
}

TEST(Call, LimitsOfAJoinAreChecked) {
  Node a("a");
  const auto joined = a->join({a.address()}, {.parallel = 17});
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(joined.error().subject, "parallel");
}

TEST(Call, MessagesGoToAddressesToo) {
  Node a("a");
  Node b("b");
  ASSERT_TRUE(a->send(b->local_address(), as_bytes("packet")));
  ASSERT_TRUE(a->send(b->local_address(), as_bytes("stream"), Delivery::reliable));
  EXPECT_TRUE(b.record().heard_message("packet"));
  EXPECT_TRUE(b.record().heard_message("stream"));
  EXPECT_EQ(a->members()->size(), 1U) << "who is sent to need not be a member";
}

TEST(Call, MessagesToAddressesNeedNamesWhereThoseAreRequired) {
  Config config = quick_config("a");
  config.require_node_names = true;
  Node a(config);
  Node b("b");
  for (const Delivery delivery : {Delivery::best_effort, Delivery::reliable}) {
    const auto sent = a->send(b->local_address(), as_bytes("x"), delivery);
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, ErrorCode::name_required);
    EXPECT_EQ(sent.error().subject, b.address());
  }
}

}  // namespace
}  // namespace memberlist::facade_test
