#include "event_hub.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace memberlist::cli {
namespace {

using namespace std::chrono_literals;
using State = EventSubscription::State;

Json numbered(int number) { return {{"event", "health"}, {"score", number}}; }

Json next_json(EventSubscription& subscription) {
  const auto next = subscription.next(0ms);
  EXPECT_EQ(next.state, State::line);
  return next.state == State::line ? Json::parse(next.line) : Json();
}

TEST(EventHub, TellsTheReadyLineFirstAndThenTheRest) {
  EventHub hub(EventFormat::off);
  hub.ready({{"event", "ready"}});
  hub.publish(numbered(1));
  const auto subscription = hub.subscribe();
  ASSERT_NE(subscription, nullptr);
  hub.publish(numbered(2));
  EXPECT_EQ(next_json(*subscription)["event"], "ready");
  EXPECT_EQ(next_json(*subscription)["score"], 2);
  EXPECT_EQ(subscription->next(0ms).state, State::nothing_yet);
}

TEST(EventHub, DropsTheOldestForASlowReaderAndSaysHowMany) {
  EventHub hub(EventFormat::off, {.lines = 50});
  const auto subscription = hub.subscribe();
  for (int i = 0; i < 50 + 10; ++i) hub.publish(numbered(i));
  const Json lost = next_json(*subscription);
  EXPECT_EQ(lost["event"], "lost");
  EXPECT_EQ(lost["count"], 10);
  for (int i = 10; i < 50 + 10; ++i) ASSERT_EQ(next_json(*subscription)["score"], i);
  EXPECT_EQ(subscription->next(0ms).state, State::nothing_yet);
}

TEST(EventHub, BoundsTheBytesThatWait) {
  EventHub hub(EventFormat::off, {.bytes = 1000});
  const auto subscription = hub.subscribe();
  for (int i = 0; i < 4; ++i) {
    hub.publish({{"event", "message"}, {"payload", std::string(400, 'x')}});
  }
  EXPECT_EQ(next_json(*subscription)["count"], 2);
  const Json huge{{"event", "message"}, {"payload", std::string(2000, 'x')}};
  hub.publish(huge);
  EXPECT_EQ(next_json(*subscription)["count"], 2);
  EXPECT_EQ(next_json(*subscription), huge) << "the newest is kept, whatever its size";
}

TEST(EventHub, BoundsTheSubscribers) {
  EventHub hub(EventFormat::off);
  std::vector<std::shared_ptr<EventSubscription>> all;
  for (std::size_t i = 0; i < EventHub::kMaxSubscribers; ++i) {
    all.push_back(hub.subscribe());
    ASSERT_NE(all.back(), nullptr);
  }
  EXPECT_EQ(hub.subscribe(), nullptr);
  all.pop_back();
  EXPECT_EQ(hub.subscriber_count(), EventHub::kMaxSubscribers - 1);
  EXPECT_NE(hub.subscribe(), nullptr);
}

TEST(EventHub, EndsSubscriptionsAfterWhatIsQueued) {
  EventHub hub(EventFormat::off);
  const auto subscription = hub.subscribe();
  hub.publish(numbered(1));
  hub.close(0ms);
  EXPECT_EQ(next_json(*subscription)["score"], 1);
  EXPECT_EQ(subscription->next(1h).state, State::ended);
  EXPECT_EQ(hub.subscribe(), nullptr);
}

TEST(EventHub, WaitsForLeft) {
  EventHub hub(EventFormat::off);
  EXPECT_FALSE(hub.wait_until_left(0ms));
  hub.publish({{"event", "left"}});
  EXPECT_TRUE(hub.wait_until_left(0ms));
}

}  // namespace
}  // namespace memberlist::cli
