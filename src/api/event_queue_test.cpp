#include "api/event_queue.hpp"

#include <gtest/gtest.h>
#include <pthread.h>

#include <csignal>
#include <functional>
#include <future>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace memberlist::api {
namespace {

Event message(std::string_view text) {
  return UserMessage{.source = {}, .from = {}, .payload = to_bytes(text), .reliable = false};
}

Event health(std::uint32_t score) { return HealthChanged{score}; }

std::string text_of(const Event& event) {
  if (const auto* user = std::get_if<UserMessage>(&event)) {
    return std::string(as_text(user->payload));
  }
  if (const auto* changed = std::get_if<HealthChanged>(&event)) {
    return "health " + std::to_string(changed->score);
  }
  return "?";
}

EventQueue::Handler each(std::function<void(const Event&)> handler) {
  return [handler = std::move(handler)](std::span<const Event> batch) {
    for (const Event& event : batch) handler(event);
  };
}

// A queue whose handler waits at its first event until it is let go, and notes the rest.
class HeldQueue {
 public:
  HeldQueue(std::size_t max_messages, std::size_t max_bytes)
      : queue_(each([this](const Event& event) {
                 if (text_of(event) == "hold") {
                   held_.set_value();
                   let_go_.get_future().wait();
                   return;
                 }
                 heard_.push_back(text_of(event));
               }),
               {.messages = max_messages, .payload_bytes = max_bytes}) {
    push(message("hold"));
    held_.get_future().wait();
  }
  bool push(Event event) { return queue_.push({&event, 1}); }
  std::vector<std::string> finish() {
    let_go_.set_value();
    queue_.stop(true);
    queue_.wait_until_stopped();
    return heard_;
  }
  EventQueue& queue() { return queue_; }

 private:
  std::promise<void> held_;
  std::promise<void> let_go_;
  std::vector<std::string> heard_;
  EventQueue queue_;
};

using Heard = std::vector<std::string>;

TEST(EventQueue, DeliversInOrderAcrossBothKinds) {
  HeldQueue held(100, 1000);
  held.push(health(1));
  held.push(message("a"));
  held.push(message("b"));
  held.push(health(2));
  held.push(message("c"));
  EXPECT_EQ(held.finish(), (Heard{"health 1", "a", "b", "health 2", "c"}));
  EXPECT_EQ(held.queue().dropped(), 0U);
}

TEST(EventQueue, DropsTheOldestMessagesAndNothingElse) {
  HeldQueue held(2, 1000);
  for (std::uint32_t i = 0; i < 50; ++i) held.push(health(i));
  EXPECT_FALSE(held.push(message("a")));
  EXPECT_FALSE(held.push(message("b")));
  EXPECT_TRUE(held.push(message("c"))) << "the first drop is told";
  EXPECT_FALSE(held.push(message("d"))) << "the next is not";
  EXPECT_EQ(held.queue().dropped(), 2U);
  const Heard heard = held.finish();
  ASSERT_EQ(heard.size(), 52U);
  EXPECT_EQ(heard[50], "c");
  EXPECT_EQ(heard[51], "d");
}

TEST(EventQueue, BoundsTheBytesOfMessagesToo) {
  HeldQueue held(100, 10);
  held.push(message("aaaa"));
  held.push(message("bbbb"));
  EXPECT_TRUE(held.push(message("cccc")));
  held.push(message("a message that is larger than all the room there is"));
  EXPECT_EQ(held.finish(), (Heard{"a message that is larger than all the room there is"}));
}

TEST(EventQueue, HoldsSoManyBytesUnlessToldOtherwise) {
  std::promise<void> go_on;
  EventQueue queue(each([waits = go_on.get_future().share()](const Event&) { waits.wait(); }),
                   {.messages = 1000});
  const std::string mebibyte(limits::kMiB, 'x');
  // One of them, which is a batch, may be with the handler already.
  for (std::size_t i = 0; i < limits::kWaitingPayloadBytes / limits::kMiB + 2; ++i) {
    Event event = message(mebibyte);
    queue.push({&event, 1});
  }
  EXPECT_GE(queue.dropped(), 1U);
  EXPECT_LE(queue.dropped(), 2U);
  go_on.set_value();
}

TEST(EventQueue, BoundsMergedStatesLikeMessages) {
  HeldQueue held(1, 1000);
  held.push(StateMerged{.source = {}, .state = to_bytes("state"), .join = false});
  EXPECT_TRUE(held.push(message("a")));
  EXPECT_EQ(held.finish(), (Heard{"a"}));
}

// A queue whose handler waits in its first batch, and notes the size of each.
std::vector<std::size_t> batches_of(std::span<Event> events, std::size_t task_behind = 0) {
  std::promise<void> held;
  std::promise<void> let_go;
  std::vector<std::size_t> sizes;
  EventQueue queue(
      [&](std::span<const Event> batch) {
        if (sizes.empty()) {
          held.set_value();
          let_go.get_future().wait();
        }
        sizes.push_back(batch.size());
      },
      {.messages = 1000});
  Event first = health(0);
  queue.push({&first, 1});
  held.get_future().wait();
  queue.push(events.first(task_behind));
  if (task_behind > 0) queue.run([] {});
  queue.push(events.subspan(task_behind));
  let_go.set_value();
  queue.stop(true);
  queue.wait_until_stopped();
  return sizes;
}

TEST(EventQueue, DeliversWhatWaitsAsOneBatch) {
  std::vector<Event> events{health(1), message("a"), health(2)};
  EXPECT_EQ(batches_of(events), (std::vector<std::size_t>{1, 3}));
}

TEST(EventQueue, EndsABatchAtATask) {
  std::vector<Event> events{health(1), health(2), health(3)};
  EXPECT_EQ(batches_of(events, 2), (std::vector<std::size_t>{1, 2, 1}));
}

TEST(EventQueue, BoundsABatchInEventsAndInBytes) {
  std::vector<Event> many(limits::kEventBatch + 1, health(1));
  EXPECT_EQ(batches_of(many), (std::vector<std::size_t>{1, limits::kEventBatch, 1}));
  std::vector<Event> large(3, message(std::string(limits::kEventBatchBytes / 2, 'x')));
  EXPECT_EQ(batches_of(large), (std::vector<std::size_t>{1, 2, 1}));
}

TEST(EventQueue, StopsAtOnceIfWanted) {
  HeldQueue held(10, 1000);
  held.push(message("a"));
  held.queue().stop(false);
  EXPECT_EQ(held.finish(), Heard{});
}

TEST(EventQueue, TakesNothingAfterItsStop) {
  HeldQueue held(10, 1000);
  held.queue().stop(true);
  held.push(message("late"));
  EXPECT_EQ(held.finish(), Heard{});
}

TEST(EventQueue, MayBeDestroyedByItsHandler) {
  // The handler outlives this test's frame by a little: what it uses is its own.
  auto destroyed = std::make_shared<std::promise<void>>();
  auto queue = std::make_shared<std::unique_ptr<EventQueue>>();
  std::promise<void> made;
  *queue = std::make_unique<EventQueue>(
      [queue, destroyed, ready = made.get_future().share()](std::span<const Event>) {
        ready.wait();
        queue->reset();
        destroyed->set_value();
      },
      EventQueueLimits{.messages = 10, .batch = 1});
  std::vector<Event> events{message("a"), message("b")};
  (*queue)->push(events);
  made.set_value();
  destroyed->get_future().wait();
}

TEST(EventQueue, LeavesSignalsToTheApplication) {
  std::promise<bool> blocked;
  EventQueue queue(
      [&](std::span<const Event>) {
        sigset_t mask{};
        ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
        blocked.set_value(sigismember(&mask, SIGTERM) == 1);
      },
      {.messages = 10});
  std::vector<Event> events{message("a")};
  queue.push(events);
  EXPECT_TRUE(blocked.get_future().get());
}

}  // namespace
}  // namespace memberlist::api
