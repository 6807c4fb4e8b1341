#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "base/limits.hpp"
#include "base/secrets.hpp"
#include "engine_fixture.hpp"

// What a peer can make this node do with requests that are whole and valid (docs/threat-model.md),
// and how large its own state may become (docs/limits.md).
namespace memberlist::testing {
namespace {

const Address kFlooder{IpAddress::v4(10, 9, 7, 7), 7946};

Config quiet(bool compress = true) {
  Config config = EngineBench::quiet_config();
  config.probe_interval = Duration::zero();
  config.gossip_interval = Duration::zero();
  config.enable_compression = compress;
  return config;
}

// Bytes that do not compress.
Bytes noise(std::size_t size) {
  Random random(5);
  Bytes bytes(size);
  for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
    const std::uint64_t eight = random.next();
    std::memcpy(bytes.data() + at, &eight, std::min(sizeof eight, size - at));
  }
  return bytes;
}

/// A node whose state takes some megabytes, which is what makes asking for it an attack.
class Large {
 public:
  explicit Large(std::size_t state_bytes) : state_(noise(state_bytes)) {
    policy.on_local_state = [this](bool) { return state_; };
  }
  /// Asks for the state; what came back.
  std::size_t ask(const Address& from) {
    const auto id = bench.accept(from);
    if (!id) return 0;
    bench.feed(*id, bench.sealed(push_pull_message(true, {}), true));
    bench.end(*id);
    return bench.stream(*id).written.size();
  }

 private:
  Bytes state_;

 public:
  VirtualPolicy policy;
  Bench bench{quiet(), &policy};
};

TEST(EngineWork, WhoAsksForTheStateTooOftenIsTold) {
  Large large(4 * limits::kMiB);
  std::size_t sent = 0;
  std::size_t answered = 0;
  for (int i = 0; i < 100; ++i) {
    const std::size_t bytes = large.ask(kFlooder);
    if (bytes > limits::kMiB) ++answered;
    sent += bytes;
  }
  EXPECT_LT(answered, 50u);
  EXPECT_GT(answered, 5u);
  EXPECT_LT(sent, limits::kSourceWorkBytes + 8 * limits::kMiB);
  EXPECT_GT(large.bench.engine().counters().dropped_limit, 0u);
  EXPECT_GT(large.bench.log_lines(LogLevel::warning, "has recently requested more"), 0u);
}

TEST(EngineWork, OthersJoinWhileOneFloods) {
  Large large(4 * limits::kMiB);
  for (int second = 0; second < 4; ++second) {
    for (int i = 0; i < 50; ++i) (void)large.ask(kFlooder);
    const Address newcomer{IpAddress::v4(10, 9, 8, static_cast<std::uint8_t>(second)), 7946};
    EXPECT_GT(large.ask(newcomer), limits::kMiB) << second;
    large.bench.run_for(1s);
  }
}

TEST(EngineWork, AFlooderIsServedAgainInTime) {
  Large large(4 * limits::kMiB);
  while (large.ask(kFlooder) > limits::kMiB) {
  }
  large.bench.run_for(3s);
  EXPECT_GT(large.ask(kFlooder), limits::kMiB);
}

TEST(EngineWork, WhoSendsAboutAsMuchAsItGetsIsAlwaysAnswered) {
  Large large(4 * limits::kMiB);
  while (large.ask(kFlooder) > limits::kMiB) {
  }
  const auto id = large.bench.accept(kFlooder);
  const Bytes theirs = noise(limits::kMiB);
  large.bench.feed(*id, large.bench.sealed(push_pull_message(false, {}, as_text(theirs)), true),
                   64 * limits::kKiB);
  EXPECT_GT(large.bench.stream(*id).written.size(), limits::kMiB);
}

TEST(EngineWork, AThousandBehindOneAddressJoinAtOnce) {
  Bench bench(quiet());
  const IpAddress ip = kFlooder.ip;
  for (std::uint16_t i = 0; i < 1000; ++i) {
    const Claim claim{.name = "worker-" + std::to_string(i),
                      .address = {ip, static_cast<std::uint16_t>(10'000 + i)},
                      .meta = to_bytes("zone=a,role=worker,shard=" + std::to_string(i % 16))};
    const auto id = bench.accept({ip, static_cast<std::uint16_t>(40'000 + i)});
    ASSERT_TRUE(id.has_value());
    bench.feed(*id, bench.sealed(push_pull_message(true, {claim}), true));
    bench.end(*id);
    ASSERT_EQ(bench.status(claim.name), MemberStatus::alive) << i;
  }
  EXPECT_EQ(bench.engine().counters().dropped_limit, 0u);
}

TEST(EngineWork, WhatUnpacksToMuchIsRefusedOnceItsSourceHasCostEnough) {
  Bench bench(quiet());
  const Bytes bomb = bench.sealed(stream_user_message(std::string(16 * limits::kMiB, '\0')), true);
  ASSERT_LT(bomb.size(), 64 * limits::kKiB);
  for (int i = 0; i < 30; ++i) {
    const auto id = bench.accept(kFlooder);
    bench.feed(*id, bomb);
    bench.end(*id);
  }
  const std::size_t delivered = bench.events<UserMessage>().size();
  EXPECT_GE(delivered, 7u);
  EXPECT_LE(delivered, 9u);
  const auto id = bench.accept({IpAddress::v4(10, 9, 8, 8), 7946});
  bench.feed(*id, bomb);
  EXPECT_EQ(bench.events<UserMessage>().size(), delivered + 1) << "others may";
}

TEST(EngineWork, PingsOfOnePacketAreAnsweredUpToALimit) {
  Bench bench(quiet());
  bench.receive(kFlooder, std::vector<Bytes>(200, ping_message(1, "self")));
  EXPECT_EQ(bench.sent(Type::ack).size(), limits::kPacketRequests);
  EXPECT_EQ(bench.engine().counters().dropped_limit, 1u);
  bench.receive(kFlooder, std::vector<Bytes>(200, indirect_ping_message(1, "b", kFlooder, true)));
  EXPECT_EQ(bench.sent(Type::ping).size(), limits::kPacketRequests);
  bench.receive(kFlooder, {ping_message(2, "self"), suspect_message("self", 1, "x")});
  EXPECT_EQ(bench.sent(Type::ack).size(), limits::kPacketRequests + 1);
}

// --- the size of the own state ------------------------------------------------------------------

Config keyed() {
  Config config = quiet(false);
  config.keys = {to_bytes("0123456789abcdef")};
  return config;
}

TEST(EngineStateSize, IsWarnedOfFromSixtyPercentOn) {
  for (const std::size_t mib : {11u, 13u}) {
    VirtualPolicy policy;
    policy.on_local_state = [&](bool) { return noise(mib * limits::kMiB); };
    Bench bench(keyed(), &policy);
    const auto ask = [&] {
      const auto id = bench.accept(kFlooder);
      bench.feed(*id, bench.sealed(push_pull_message(true, {}), true));
      bench.end(*id);
    };
    ask();
    ask();
    const std::size_t expected = mib > 12 ? 1 : 0;
    EXPECT_EQ(bench.log_lines(LogLevel::warning, "of the size that peers accept"), expected);
    bench.run_for(11min);
    ask();
    EXPECT_EQ(bench.log_lines(LogLevel::warning, "of the size that peers accept"), 2 * expected);
  }
}

TEST(EngineStateSize, OfAPeerIsWarnedOfToo) {
  Bench bench(keyed());
  const Bytes theirs = noise(13 * limits::kMiB);
  const auto id = bench.accept(kFlooder);
  bench.feed(*id, bench.sealed(push_pull_message(false, {}, as_text(theirs)), true));
  EXPECT_EQ(bench.log_lines(LogLevel::warning, "of the size that is accepted"), 1u);
}

// A user state that leaves room for some hundred members only.
TEST(EngineStateSize, MembersThatDoNotFitAreLeftOutInTurn) {
  VirtualPolicy policy;
  policy.on_local_state = [](bool) { return noise(limits::kStreamPayloadBytes - 100'000); };
  Bench bench(keyed(), &policy);
  constexpr std::size_t kOthers = 500;
  for (std::size_t i = 0; i < kOthers; ++i) {
    bench.receive(kFlooder, {alive_message({.name = "n" + std::to_string(i),
                                            .address = {IpAddress::v4(10, 8, 0, 1),
                                                        static_cast<std::uint16_t>(1000 + i)},
                                            .meta = noise(limits::kMetaBytes)})});
  }
  std::set<std::string> seen;
  std::size_t exchanges = 0;
  for (; exchanges < 10 && seen.size() < kOthers + 1; ++exchanges) {
    const Address from{IpAddress::v4(10, 7, 0, static_cast<std::uint8_t>(exchanges)), 7946};
    const auto id = bench.accept(from);
    bench.feed(*id, bench.sealed(push_pull_message(true, {}), true));
    ASSERT_LT(bench.stream(*id).written.size(), limits::kStreamPayloadBytes + 64);
    const auto reply = bench.read(*id);
    ASSERT_NE(reply, nullptr) << "peers can read it";
    const auto& message = std::get<wire::PushPullMessage>(reply->message());
    std::set<std::string> now;
    for (const Claim& claim :
         claims_of(message.node_states, static_cast<std::size_t>(message.header.nodes))) {
      now.insert(claim.name);
    }
    EXPECT_LT(now.size(), kOthers);
    EXPECT_TRUE(now.contains("self"));
    seen.insert(now.begin(), now.end());
  }
  EXPECT_EQ(seen.size(), kOthers + 1);
  EXPECT_GT(exchanges, 1u);
  EXPECT_EQ(bench.log_lines(LogLevel::error, "omits some members"), 1u);
}

TEST(EngineStateSize, UserStateThatLeavesNoRoomIsLeftOut) {
  VirtualPolicy policy;
  policy.on_local_state = [](bool) { return noise(limits::kUserStateBytes); };
  Bench bench(keyed(), &policy);
  const auto id = bench.accept(kFlooder);
  bench.feed(*id, bench.sealed(push_pull_message(true, {}), true));
  const auto reply = bench.read(*id);
  ASSERT_NE(reply, nullptr);
  const auto& message = std::get<wire::PushPullMessage>(reply->message());
  EXPECT_EQ(message.header.nodes, 1);
  EXPECT_TRUE(message.user_state.empty());
  EXPECT_GT(bench.log_lines(LogLevel::error, "user state of"), 0u);
}

// The numbers of docs/limits.md: what 100,000 members with names of 20 bytes take.
TEST(EngineStateSize, OfAHundredThousandMembersIsAsThePageSays) {
  const auto bytes_of = [](std::size_t meta) {
    const std::string name(20, 'n');
    const Bytes whole = push_pull_message(
        false, std::vector<Claim>(100, Claim{.name = name,
                                             .address = {IpAddress::v4(10, 0, 0, 1), 7946},
                                             .incarnation = 1000,
                                             .meta = Bytes(meta)}));
    return 1000 * whole.size();
  };
  EXPECT_LT(bytes_of(100), limits::kStreamPayloadBytes) << "without compression, encrypted";
  EXPECT_GT(bytes_of(130), limits::kStreamPayloadBytes);
  EXPECT_LT(bytes_of(310), limits::kStreamMessageBytes) << "otherwise";
  EXPECT_GT(bytes_of(340), limits::kStreamMessageBytes);
  RecordProperty("bytes_with_0", static_cast<int>(bytes_of(0)));
  RecordProperty("bytes_with_300", static_cast<int>(bytes_of(300)));
}

// --- what nobody can foresee --------------------------------------------------------------------

std::vector<std::uint32_t> ping_numbers(std::uint64_t seed, std::uint8_t secret) {
  Bench bench(EngineBench::quiet_config(), nullptr, seed, [secret](EngineEnvironment& environment) {
    environment.secret.fill(std::byte{secret});
  });
  ScriptedPeer& a = bench.meet("a");
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(wait_for_ping(bench, a));
  std::vector<std::uint32_t> numbers;
  for (const SeenMessage* ping : bench.sent(Type::ping, a.address)) {
    numbers.push_back(ping->ping().seq_no);
  }
  return numbers;
}

TEST(EngineSequenceNumbers, AreNotThoseOfTheGeneratorOfOtherChoices) {
  const std::vector<std::uint32_t> numbers = ping_numbers(1, 0);
  for (const std::uint64_t seed : {std::uint64_t{1}, Secrets(1, {}).choices}) {
    Random random(seed);
    std::size_t found = 0;
    for (int i = 0; i < 100'000; ++i) {
      const std::uint64_t drawn = random.next();
      found += static_cast<std::size_t>(
          std::ranges::count(numbers, static_cast<std::uint32_t>(drawn)) +
          std::ranges::count(numbers, static_cast<std::uint32_t>(drawn >> 32)));
    }
    EXPECT_LE(found, 1u) << "but for chance";
  }
}

TEST(EngineSequenceNumbers, AreTheSameForTheSameSeedAndSecret) {
  EXPECT_EQ(ping_numbers(1, 0), ping_numbers(1, 0));
  EXPECT_NE(ping_numbers(1, 0), ping_numbers(1, 1));
  EXPECT_NE(ping_numbers(1, 0), ping_numbers(2, 0));
}

}  // namespace
}  // namespace memberlist::testing
