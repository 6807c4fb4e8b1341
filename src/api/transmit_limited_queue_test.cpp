#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/byte_writer.hpp"
#include "memberlist/engine.hpp"
#include "memberlist/transmit_limited_queue.hpp"
#include "wire/messages.hpp"

namespace memberlist {
namespace {

using Texts = std::vector<std::string>;

std::size_t ten_members() { return 10; }

// A queue that notes whose `finished` was called.
class TransmitLimitedQueueTest : public ::testing::Test {
 protected:
  void add(const std::string& text, const std::string& name = {}) {
    queue.queue({.message = to_bytes(text), .name = name, .finished = [this, text] {
                   finished.push_back(text);
                 }});
  }
  Texts get(std::size_t limit_bytes = 1400) {
    std::vector<Bytes> messages;
    queue.get_broadcasts(2, limit_bytes, messages);
    Texts texts;
    for (const Bytes& message : messages) texts.emplace_back(as_text(message));
    return texts;
  }

  TransmitLimitedQueue queue{ten_members, 1};
  Texts finished;
};

// Parity 71 and 76.
TEST_F(TransmitLimitedQueueTest, GivesThoseSentLeastThenTheLongestThenTheNewest) {
  for (const char* text : {"bb", "a", "cc", "dddd"}) add(text);
  EXPECT_EQ(get(), (Texts{"dddd", "cc", "bb", "a"}));
  add("f");
  EXPECT_EQ(get(), (Texts{"f", "dddd", "cc", "bb", "a"}));
}

// Parity 72.
TEST_F(TransmitLimitedQueueTest, ANameTakesThePlaceOfTheSameName) {
  add("old", "name");
  add("other", "other name");
  add("unique");
  add("new", "name");
  EXPECT_EQ(finished, (Texts{"old"}));
  EXPECT_EQ(queue.num_queued(), 3U);
  EXPECT_EQ(get(), (Texts{"unique", "other", "new"}));
}

TEST_F(TransmitLimitedQueueTest, UniqueOnesReplaceNothing) {
  add("same");
  add("same");
  EXPECT_EQ(queue.num_queued(), 2U);
  EXPECT_TRUE(finished.empty());
}

TEST_F(TransmitLimitedQueueTest, InvalidatesWhateverItSays) {
  add("key a 1", "a");
  add("key b 1", "b");
  add("key a 2");
  queue.queue(
      {.message = to_bytes("clear a"), .invalidates = [](std::string_view name, BytesView m) {
         return name == "a" || as_text(m).starts_with("key a");
       }});
  std::ranges::sort(finished);
  EXPECT_EQ(finished, (Texts{"key a 1", "key a 2"}));
  EXPECT_EQ(queue.num_queued(), 2U);
}

// Parity 73.
TEST_F(TransmitLimitedQueueTest, FillsByCost) {
  for (const char* text : {"1234567890", "12345678", "12"}) add(text);
  EXPECT_EQ(get(16), (Texts{"1234567890", "12"}));
}

// Parity 74: 1 * ceil(log10(10 + 1)) is 2.
TEST_F(TransmitLimitedQueueTest, FinishesOnceAfterItsNumberOfSends) {
  add("x");
  EXPECT_EQ(get(), Texts{"x"});
  EXPECT_TRUE(finished.empty());
  EXPECT_EQ(get(), Texts{"x"});
  EXPECT_EQ(finished, Texts{"x"});
  EXPECT_EQ(get(), Texts{});
  queue.reset();
  EXPECT_EQ(finished, Texts{"x"});
}

TEST_F(TransmitLimitedQueueTest, AsksForTheNumberOfMembersEachTime) {
  std::size_t members = 1'000;
  TransmitLimitedQueue growing([&] { return members; }, 1);
  growing.queue({.message = to_bytes("x")});
  std::vector<Bytes> messages;
  for (int i = 0; i < 3; ++i) growing.get_broadcasts(2, 1400, messages);
  EXPECT_EQ(growing.num_queued(), 1U) << "four times among 1,000";
  growing.get_broadcasts(2, 1400, messages);
  EXPECT_EQ(growing.num_queued(), 0U);
  growing.queue({.message = to_bytes("x")});
  members = 9;
  growing.get_broadcasts(2, 1400, messages);
  EXPECT_EQ(growing.num_queued(), 0U);
}

// Parity 75.
TEST_F(TransmitLimitedQueueTest, PruneDropsTheMostSentAndSaysSo) {
  add("a");
  add("b");
  (void)get(3);
  add("c");
  queue.prune(2);
  EXPECT_EQ(finished, Texts{"b"}) << "the newest went first, so it was sent most";
  queue.prune(0);
  EXPECT_EQ(queue.num_queued(), 0U);
  EXPECT_EQ(finished.size(), 3U);
}

TEST_F(TransmitLimitedQueueTest, ResetDropsAllAndSaysSo) {
  add("a");
  add("b", "name");
  queue.reset();
  EXPECT_EQ(queue.num_queued(), 0U);
  EXPECT_EQ(finished.size(), 2U);
  add("c");
  EXPECT_EQ(get(), Texts{"c"});
}

TEST_F(TransmitLimitedQueueTest, WhatNoCompoundHoldsIsFinishedAtOnce) {
  add(std::string(65'536, 'x'));
  EXPECT_EQ(finished.size(), 1U);
  EXPECT_EQ(queue.num_queued(), 0U);
}

TEST_F(TransmitLimitedQueueTest, HoldsSoMany) {
  for (int i = 0; i < 9'000; ++i) queue.queue({.message = to_bytes(std::to_string(i))});
  EXPECT_EQ(queue.num_queued(), 8'192U);
}

TEST_F(TransmitLimitedQueueTest, FinishedMayCallTheQueue) {
  queue.queue({.message = to_bytes("x"), .finished = [this] { add("next"); }});
  queue.prune(0);
  EXPECT_EQ(get(), Texts{"next"});
}

TEST_F(TransmitLimitedQueueTest, ServesAllThreads) {
  std::atomic<int> ended = 0;
  std::vector<std::jthread> threads;
  constexpr int kThreads = 4;
  constexpr int kEach = 200;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kEach; ++i) {
        queue.queue({.message = to_bytes("x"),
                     .name = thread == 0 ? "shared" : std::string{},
                     .finished = [&] { ++ended; }});
        std::vector<Bytes> messages;
        queue.get_broadcasts(2, 100, messages);
        if (i % 50 == 0) queue.prune(10);
      }
    });
  }
  threads.clear();
  queue.reset();
  EXPECT_EQ(ended, kThreads * kEach) << "each once";
}

// The example of the header.
class Gossip final : public Policy {
 public:
  void fill_broadcasts(std::size_t overhead_bytes, std::size_t limit_bytes,
                       std::vector<Bytes>& messages) override {
    queue.get_broadcasts(overhead_bytes, limit_bytes, messages);
  }
  TransmitLimitedQueue queue{[this] { return members.load(); }};
  std::atomic<std::size_t> members{1};
};

TEST(TransmitLimitedQueue, FillsPacketsOfAnEngineThroughItsPolicy) {
  Gossip gossip;
  gossip.members = 2;
  Config config = Config::lan();
  config.name = "self";
  config.enable_compression = false;
  config.probe_interval = Duration::zero();
  TimePoint now{std::chrono::hours(1)};
  EngineEnvironment environment;
  environment.advertise = {IpAddress::v4(10, 9, 0, 1), 7946};
  environment.now = now;
  environment.policy = &gossip;
  Engine engine = Engine::create(config, environment).value();
  const Address other{IpAddress::v4(10, 9, 0, 2), 7946};
  const Bytes versions = {std::byte{1}, std::byte{5}, std::byte{2}, {}, {}, {}};
  Bytes alive;
  ByteWriter writer(alive);
  wire::encode(writer, wire::Alive{1, "other", other.ip.wire_bytes(), other.port, {}, versions});
  engine.handle_packet(now, other, alive);

  gossip.queue.queue({.message = to_bytes("of my own")});
  std::size_t sent = 0;
  for (int i = 0; i < 50; ++i) {
    now += std::chrono::milliseconds(100);
    engine.handle_deadline(now);
    for (const Output& output : engine.outputs()) {
      const auto* packet = std::get_if<SendPacket>(&output);
      if (packet != nullptr && as_text(packet->bytes).contains("of my own")) ++sent;
    }
    engine.clear_outputs();
  }
  EXPECT_EQ(sent, 4U) << "4 * ceil(log10(2 + 1))";
  EXPECT_EQ(gossip.queue.num_queued(), 0U);
}

}  // namespace
}  // namespace memberlist
