#include "swim/broadcast_queue.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace memberlist::swim {
namespace {

using Texts = std::vector<std::string>;
using Tokens = std::vector<BroadcastToken>;

Texts take(BroadcastQueue& queue, std::size_t limit_bytes, std::uint32_t retransmits = 10,
           std::size_t overhead_bytes = 2) {
  std::vector<BytesView> views;
  queue.take(overhead_bytes, limit_bytes, retransmits, views);
  Texts texts;
  for (const BytesView view : views) texts.emplace_back(as_text(view));
  return texts;
}

Tokens finished(BroadcastQueue& queue) {
  Tokens tokens;
  queue.drain_finished(tokens);
  return tokens;
}

TEST(BroadcastQueue, EmptyGivesNothing) {
  BroadcastQueue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(take(queue, 1400), Texts{});
  EXPECT_EQ(finished(queue), Tokens{});
  queue.prune(0);
  queue.forget_member(1);
  queue.reset();
}

TEST(BroadcastQueue, OrdersByTransmitsThenLengthThenNewest) {
  BroadcastQueue queue;
  for (const char* text : {"bb", "a", "cc", "dddd", "ee"}) queue.queue_unique(as_bytes(text));
  const Texts first = {"dddd", "ee", "cc", "bb", "a"};
  EXPECT_EQ(take(queue, 1400), first);
  queue.queue_unique(as_bytes("f"));  // not sent yet: before all others
  const Texts second = {"f", "dddd", "ee", "cc", "bb", "a"};
  EXPECT_EQ(take(queue, 1400), second);
  EXPECT_EQ(queue.size(), 6U);
  EXPECT_EQ(queue.bytes(), 12U);
}

TEST(BroadcastQueue, FillsWithTheLargestThatStillFits) {
  BroadcastQueue queue;
  for (const char* text : {"1234567890", "12345678", "123456", "12"}) {
    queue.queue_unique(as_bytes(text));
  }
  // 12 of 24 for the first, 10 for the second, nothing fits the last 2 bytes.
  EXPECT_EQ(take(queue, 24), (Texts{"1234567890", "12345678"}));
  // First what was never sent, then of the next tier the largest that fits.
  EXPECT_EQ(take(queue, 23), (Texts{"123456", "12", "12345678"}));
  EXPECT_EQ(take(queue, 1), Texts{});
  EXPECT_EQ(take(queue, 0), Texts{});
}

TEST(BroadcastQueue, ExactlyFullIsFull) {
  BroadcastQueue queue;
  queue.queue_unique(as_bytes("1234"));
  queue.queue_unique(as_bytes("12"));
  EXPECT_EQ(take(queue, 10), (Texts{"1234", "12"}));
  EXPECT_EQ(take(queue, 9), (Texts{"1234"}));
  EXPECT_EQ(take(queue, 9, 10, 0), (Texts{"12", "1234"}));
}

TEST(BroadcastQueue, DropsWhatWasSentOften) {
  BroadcastQueue queue;
  queue.queue_unique(as_bytes("x"), 7);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(finished(queue), Tokens{});
    EXPECT_EQ(take(queue, 100, 3), Texts{"x"});
  }
  EXPECT_EQ(finished(queue), Tokens{7});
  EXPECT_EQ(finished(queue), Tokens{});
  EXPECT_EQ(take(queue, 100, 3), Texts{});
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.bytes(), 0U);
}

TEST(BroadcastQueue, ALimitOfZeroSendsOnce) {
  BroadcastQueue queue;
  queue.queue_unique(as_bytes("x"));
  EXPECT_EQ(take(queue, 100, 0), Texts{"x"});
  EXPECT_TRUE(queue.empty());
}

TEST(BroadcastQueue, NewsAboutAMemberReplaceTheQueued) {
  BroadcastQueue queue;
  queue.queue_member(1, as_bytes("old"), 11);
  queue.queue_member(2, as_bytes("other"), 12);
  EXPECT_EQ(take(queue, 100).size(), 2U);
  queue.queue_member(1, as_bytes("new"), 13);
  EXPECT_EQ(finished(queue), Tokens{11});
  EXPECT_EQ(queue.size(), 2U);
  EXPECT_EQ(take(queue, 100), (Texts{"new", "other"}));  // the new one starts from no transmits
}

TEST(BroadcastQueue, NamesAndMembersAreKeysOfTheirOwn) {
  BroadcastQueue queue;
  queue.queue_named("", as_bytes("empty name"));
  queue.queue_named("a", as_bytes("a1"), 1);
  queue.queue_named("b", as_bytes("b1"), 2);
  queue.queue_member(0, as_bytes("m0"), 3);
  queue.queue_unique(as_bytes("u1"), 4);
  queue.queue_unique(as_bytes("u1"), 5);
  queue.queue_named("a", as_bytes("a2"), 6);
  queue.queue_named("", as_bytes("again"));
  EXPECT_EQ(finished(queue), Tokens{1});
  EXPECT_EQ(queue.size(), 6U);
}

// ML#263: numbering that starts again once the queue is empty made entries collide.
TEST(BroadcastQueue, EmptyingByReplacementKeepsMessagesApart) {
  BroadcastQueue queue;
  queue.queue_unique(as_bytes("a"), 1);
  EXPECT_EQ(take(queue, 100, 5), Texts{"a"});
  queue.queue_named("n", as_bytes("b"), 2);
  queue.forget_member(9);
  queue.prune(0);
  EXPECT_TRUE(queue.empty());
  for (BroadcastToken token = 10; token < 20; ++token) queue.queue_unique(as_bytes("c"), token);
  queue.queue_named("n", as_bytes("c"), 20);
  EXPECT_EQ(queue.size(), 11U);
  EXPECT_EQ(take(queue, 1000, 1).size(), 11U);
  EXPECT_EQ(finished(queue).size(), 13U);
}

// The same, seen by the order: the newest of equal length goes first, whatever happened before.
TEST(BroadcastQueue, EmptyingByReplacementDoesNotMakeTheOldYoung) {
  BroadcastQueue queue;
  for (const char* text : {"1", "2", "3"}) queue.queue_member(1, as_bytes(text));
  queue.queue_unique(as_bytes("4"));
  queue.queue_unique(as_bytes("5"));
  EXPECT_EQ(take(queue, 100), (Texts{"5", "4", "3"}));
}

TEST(BroadcastQueue, NewsWithoutATokenTakeOverThatOfWhatTheyReplace) {
  BroadcastQueue queue;
  queue.queue_member(1, as_bytes("waited for"), 7);
  queue.queue_member(1, as_bytes("newer"));
  EXPECT_EQ(finished(queue), Tokens{});
  EXPECT_EQ(take(queue, 100, 1), Texts{"newer"});
  EXPECT_EQ(finished(queue), Tokens{7});
}

TEST(BroadcastQueue, EachCopyCountsAsSent) {
  BroadcastQueue queue;
  queue.queue_unique(as_bytes("x"), 7);
  std::vector<BytesView> views;
  queue.take(2, 100, 4, views, 3);
  EXPECT_EQ(finished(queue), Tokens{});
  queue.take(2, 100, 4, views, 3);
  EXPECT_EQ(finished(queue), Tokens{7});
  EXPECT_EQ(views.size(), 2U);
}

TEST(BroadcastQueue, DropsWhatIsSaidToBeSenseless) {
  BroadcastQueue queue;
  queue.queue_named("a", as_bytes("named"), 1);
  queue.queue_named("b", as_bytes("named"), 2);
  queue.queue_unique(as_bytes("old"), 3);
  queue.queue_unique(as_bytes("new"), 4);
  queue.drop_if([](std::string_view name, BytesView message) {
    return name == "a" || as_text(message) == "old";
  });
  EXPECT_EQ(finished(queue).size(), 2U);
  EXPECT_EQ(take(queue, 100), (Texts{"named", "new"}));
}

TEST(BroadcastQueue, PruneDropsTheMostSentThenTheLast) {
  BroadcastQueue queue;
  queue.queue_unique(as_bytes("sent"), 1);
  EXPECT_EQ(take(queue, 100), Texts{"sent"});
  queue.queue_unique(as_bytes("long"), 2);
  queue.queue_unique(as_bytes("old"), 3);
  queue.queue_unique(as_bytes("new"), 4);
  queue.prune(4);
  EXPECT_EQ(finished(queue), Tokens{});
  queue.prune(2);
  EXPECT_EQ(finished(queue), (Tokens{1, 3}));
  EXPECT_EQ(take(queue, 100), (Texts{"long", "new"}));
}

TEST(BroadcastQueue, PruneDropsDownToSoManyBytes) {
  BroadcastQueue queue;
  queue.queue_unique(as_bytes("12345"), 1);
  queue.queue_unique(as_bytes("1234"), 2);
  queue.queue_unique(as_bytes("123"), 3);
  queue.prune(3, 12);
  EXPECT_EQ(finished(queue), Tokens{});
  queue.prune(3, 8);
  EXPECT_EQ(finished(queue), (Tokens{3, 2})) << "the last in order first";
  EXPECT_EQ(queue.bytes(), 5u);
}

TEST(BroadcastQueue, ForgetAndReset) {
  BroadcastQueue queue;
  queue.queue_member(5, as_bytes("five"), 1);
  queue.queue_member(6, as_bytes("six"), 2);
  queue.forget_member(5);
  queue.forget_member(5);
  EXPECT_EQ(finished(queue), Tokens{1});
  queue.reset();
  EXPECT_EQ(finished(queue), Tokens{2});
  EXPECT_TRUE(queue.empty());
  queue.queue_member(6, as_bytes("again"));
  EXPECT_EQ(take(queue, 100), Texts{"again"});
}

// A compound's part has two length bytes.
TEST(BroadcastQueue, TrimKeepsWhatIsQueued) {
  BroadcastQueue queue;
  for (std::uint32_t member = 0; member < 1000; ++member) {
    queue.queue_member(member, as_bytes(std::to_string(member)), member + 1);
  }
  for (std::uint32_t member = 0; member < 990; ++member) queue.forget_member(member);
  (void)finished(queue);
  queue.queue_named("name", as_bytes("of a name"));
  queue.trim();
  EXPECT_EQ(queue.size(), 11U);
  queue.queue_member(995, as_bytes("news"));
  queue.queue_named("name", as_bytes("other news"));
  queue.queue_member(5, as_bytes("5"));
  EXPECT_EQ(take(queue, 1400), (Texts{"other news", "news", "999", "998", "997", "996", "994",
                                      "993", "992", "991", "990", "5"}));
  queue.finish_tokens();
  EXPECT_EQ(finished(queue), (Tokens{991, 992, 993, 994, 995, 996, 997, 998, 999, 1000}));
  queue.prune(0);
  queue.trim();
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.bytes(), 0U);
}

TEST(BroadcastQueue, WhatNoCompoundHoldsIsFinishedAtOnce) {
  BroadcastQueue queue;
  queue.queue_named("n", as_bytes("small"), 1);
  queue.queue_named("n", Bytes(65'536), 2);
  EXPECT_EQ(finished(queue), Tokens{2});
  EXPECT_EQ(take(queue, 100), Texts{"small"});
  queue.queue_named("n", Bytes(65'535), 3);
  EXPECT_EQ(take(queue, 65'537).size(), 1U);
}

TEST(BroadcastQueue, ViewsOutliveTheEndOfTheirMessage) {
  BroadcastQueue queue;
  queue.queue_member(1, as_bytes("kept"), 1);
  std::vector<BytesView> views;
  queue.take(2, 100, 1, views);
  EXPECT_EQ(finished(queue), Tokens{1});
  ASSERT_EQ(views.size(), 1U);
  EXPECT_EQ(as_text(views[0]), "kept");
}

TEST(BroadcastQueue, OldestFirstKeepsTheOrderOfQueueing) {
  BroadcastQueue queue(BroadcastQueue::Order::oldest_first);
  for (const char* text : {"first", "2nd", "third one", "4"}) queue.queue_unique(as_bytes(text));
  EXPECT_EQ(take(queue, 12), (Texts{"first", "2nd"}));
  EXPECT_EQ(take(queue, 12), (Texts{"third one"}));
  EXPECT_EQ(take(queue, 12), (Texts{"4", "first"}));
  queue.prune(2);  // the most sent goes first, then the last
  EXPECT_EQ(take(queue, 100), (Texts{"2nd", "third one"}));
}

TEST(BroadcastQueue, FinishesTokensWithoutTheirMessages) {
  BroadcastQueue queue;
  queue.queue_member(1, as_bytes("first"), 7);
  queue.queue_member(2, as_bytes("other"));
  queue.queue_member(1, as_bytes("newer"));  // takes the token over
  queue.finish_tokens();
  EXPECT_EQ(finished(queue), Tokens{7});
  EXPECT_EQ(queue.size(), 2U);
  queue.finish_tokens();
  queue.reset();
  EXPECT_EQ(finished(queue), Tokens{}) << "each once";
}

// The order and the contents of every packet against a plain, slow description of the rules.
class Model {
 public:
  void queue(std::string key, std::string text) {
    std::erase_if(entries_, [&](const Entry& e) { return !key.empty() && e.key == key; });
    entries_.push_back({std::move(key), std::move(text), 0, next_++});
  }
  Texts take(std::size_t overhead, std::size_t limit, std::uint32_t retransmits) {
    sort();
    Texts out;
    std::vector<Entry> rest;
    for (Entry& entry : entries_) {
      if (entry.text.size() + overhead <= limit) {
        limit -= entry.text.size() + overhead;
        out.push_back(entry.text);
        if (++entry.transmits >= retransmits) continue;
      }
      rest.push_back(entry);
    }
    entries_ = std::move(rest);
    return out;
  }
  void prune(std::size_t count) {
    sort();
    if (entries_.size() > count) entries_.resize(count);
  }
  void forget(const std::string& key) {
    std::erase_if(entries_, [&](const Entry& e) { return e.key == key; });
  }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    std::string text;
    std::uint32_t transmits = 0;
    std::uint64_t number = 0;
  };
  void sort() {
    std::ranges::sort(entries_, [](const Entry& a, const Entry& b) {
      if (a.transmits != b.transmits) return a.transmits < b.transmits;
      if (a.text.size() != b.text.size()) return a.text.size() > b.text.size();
      return a.number > b.number;
    });
  }
  std::vector<Entry> entries_;
  std::uint64_t next_ = 0;
};

TEST(BroadcastQueue, AgreesWithAModel) {
  Random random(7);
  BroadcastQueue queue;
  Model model;
  std::map<BroadcastToken, int> ended;
  BroadcastToken queued = 0;
  const auto below = [&random](std::uint64_t bound) { return random.below(bound); };
  for (int step = 0; step < 6'000; ++step) {
    const std::uint64_t choice = below(20);
    // Now and then few messages of few keys and lengths: a replacement can then empty the queue.
    const bool few = step / 100 % 2 == 0;
    const auto key = static_cast<std::uint32_t>(below(few ? 2 : 200));
    const std::string text =
        std::to_string(step) + std::string(below(few ? 4 : 60), static_cast<char>('a' + below(26)));
    if (choice < 6) {
      queue.queue_member(key, as_bytes(text), ++queued);
      model.queue("m" + std::to_string(key), text);
    } else if (choice < 9) {
      queue.queue_named(std::to_string(key), as_bytes(text), ++queued);
      model.queue("n" + std::to_string(key), text);
    } else if (choice < 12) {
      queue.queue_unique(as_bytes(text), ++queued);
      model.queue("", text);
    } else if (choice < 18) {
      const std::size_t limit = below(400);
      ASSERT_EQ(take(queue, limit, 4, 2), model.take(2, limit, 4)) << step;
    } else if (choice == 18) {
      queue.forget_member(key);
      model.forget("m" + std::to_string(key));
    } else {
      const std::size_t kept = few ? 1 : 150;
      queue.prune(kept);
      model.prune(kept);
    }
    ASSERT_EQ(queue.size(), model.size()) << step;
    for (const BroadcastToken token : finished(queue)) ++ended[token];
  }
  queue.reset();
  for (const BroadcastToken token : finished(queue)) ++ended[token];
  EXPECT_EQ(ended.size(), queued);
  for (const auto& [token, times] : ended) ASSERT_EQ(times, 1) << token;
}

}  // namespace
}  // namespace memberlist::swim
