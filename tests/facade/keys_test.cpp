#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "memberlist/key.hpp"
#include "memberlist/memberlist.hpp"
#include "node.hpp"

namespace memberlist::facade_test {
namespace {

const Bytes kOld = to_bytes("0123456789abcdef");
const Bytes kNew = to_bytes("fedcba9876543210fedcba9876543210");

Config keyed_config(std::string name, std::vector<Bytes> keys) {
  Config config = quick_config(std::move(name));
  config.keys = std::move(keys);
  return config;
}

TEST(Keys, AreChangedWhileMembersTalk) {
  Node a(keyed_config("a", {kOld}));
  Node b(keyed_config("b", {kOld}));
  b.join(a);
  for (Node* node : {&a, &b}) ASSERT_TRUE((*node)->add_key(kNew));
  for (Node* node : {&a, &b}) ASSERT_TRUE((*node)->use_key(key_fingerprint(kNew)));
  ASSERT_TRUE(a->send("b", as_bytes("with the new key"), Delivery::reliable));
  EXPECT_TRUE(b.record().heard_message("with the new key"));
  for (Node* node : {&a, &b}) {
    ASSERT_TRUE((*node)->remove_key(kOld));
    ASSERT_EQ((*node)->keys().size(), 1U);
    EXPECT_EQ((*node)->keys()[0].fingerprint, key_fingerprint(kNew));
    EXPECT_TRUE(node->record().logged(LogLevel::info, key_fingerprint(kOld) + " removed"));
  }
  ASSERT_TRUE(b->send("a", as_bytes("with it alone"), Delivery::reliable));
  EXPECT_TRUE(a.record().heard_message("with it alone"));
  Node stranger(keyed_config("c", {kOld}));
  EXPECT_FALSE(stranger->join({a.address()}));
}

TEST(Keys, CanComeToAMemberThatHadNone) {
  Node a("a");
  Node b("b");
  b.join(a);
  EXPECT_TRUE(a->keys().empty());
  for (Node* node : {&a, &b}) ASSERT_TRUE((*node)->set_gossip_verify(false, false));
  for (Node* node : {&a, &b}) ASSERT_TRUE((*node)->add_key(kNew));
  for (Node* node : {&a, &b}) ASSERT_TRUE((*node)->set_gossip_verify(std::nullopt, true));
  for (Node* node : {&a, &b}) ASSERT_TRUE((*node)->set_gossip_verify(true, std::nullopt));
  EXPECT_EQ(a->gossip_verify(), GossipVerify{});
  ASSERT_TRUE(a->send("b", as_bytes("sealed"), Delivery::reliable));
  EXPECT_TRUE(b.record().heard_message("sealed"));
  EXPECT_TRUE(eventually([&] { return b->keys()[0].decrypted > 0; }));
}

TEST(Keys, ErrorsAreThoseOfTheEngine) {
  Node a(keyed_config("a", {kOld}));
  const auto unknown = a->use_key(kNew);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(unknown.error().message.find(key_fingerprint(kNew)), std::string::npos);
  EXPECT_FALSE(a->remove_key(kOld)) << "the primary";
  EXPECT_FALSE(a->remove_key("no fingerprint"));
  EXPECT_EQ(a->add_key(to_bytes("short")).error().code, ErrorCode::crypto);
  a->shutdown();
  EXPECT_EQ(a->add_key(kNew).error().code, ErrorCode::shut_down);
  EXPECT_EQ(a->set_gossip_verify(true, true).error().code, ErrorCode::shut_down);
  EXPECT_EQ(a->keys().size(), 1U) << "views stay";
}

TEST(Keys, AreNotInTheConfig) {
  Node a(keyed_config("a", {kOld}));
  EXPECT_TRUE(a->config().keys.empty());
}

TEST(Keys, MayBeChangedFromAllThreads) {
  constexpr std::size_t kThreads = 8;
  constexpr int kRounds = 100;
  Node a(keyed_config("a", {kOld}));
  Node b(keyed_config("b", {kOld}));
  b.join(a);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&a, t] {
        // A key of its own, which only this thread adds and removes, and one that all share.
        const Bytes own(24, static_cast<std::byte>(t + 1));
        for (int round = 0; round < kRounds; ++round) {
          EXPECT_TRUE(a->add_key(own));
          EXPECT_TRUE(a->add_key(kNew));
          (void)a->send("b", as_bytes("x"));
          const std::vector<KeyInfo> keys = a->keys();
          EXPECT_TRUE(std::any_of(keys.begin(), keys.end(), [&own](const KeyInfo& key) {
            return key.fingerprint == key_fingerprint(own);
          }));
          EXPECT_TRUE(keys.at(0).primary);
          EXPECT_TRUE(a->use_key(kOld));
          EXPECT_TRUE(a->set_gossip_verify(round % 2 == 0, std::nullopt));
          (void)a->gossip_verify();
          EXPECT_TRUE(a->remove_key(own));
        }
      });
    }
  }
  EXPECT_EQ(a->keys().size(), 2U);
  EXPECT_EQ(a->keys()[0].fingerprint, key_fingerprint(kOld));
  EXPECT_TRUE(a.sees("b", MemberStatus::alive));
}

// --- what is left of a key ----------------------------------------------------------------------

// A key that this program stores only in halves, so that a complete copy in memory must be the
// library's.
class MaskedKey {
 public:
  static constexpr std::size_t kBytes = 32;

  explicit MaskedKey(std::uint64_t seed) {
    for (std::size_t i = 0; i < kBytes; ++i) {
      seed = seed * 6364136223846793005U + 1442695040888963407U;
      first_[i] = static_cast<std::uint8_t>(seed >> 33);
      seed = seed * 6364136223846793005U + 1442695040888963407U;
      second_[i] = static_cast<std::uint8_t>(seed >> 33);
    }
  }

  [[nodiscard]] Bytes whole() const {
    Bytes key(kBytes);
    for (std::size_t i = 0; i < kBytes; ++i) {
      key[i] = static_cast<std::byte>(first_[i] ^ second_[i]);
    }
    return key;
  }
  [[nodiscard]] std::string fingerprint() const {
    Bytes key = whole();
    std::string text = key_fingerprint(key);
    wipe(key);
    return text;
  }
  [[nodiscard]] int first_byte() const { return first_[0] ^ second_[0]; }
  [[nodiscard]] bool is_at(const std::uint8_t* at) const {
    for (std::size_t i = 0; i < kBytes; ++i) {
      if (at[i] != (first_[i] ^ second_[i])) return false;
    }
    return true;
  }

 private:
  std::array<std::uint8_t, kBytes> first_{};
  std::array<std::uint8_t, kBytes> second_{};
};

// By its first byte, which memchr finds quickly: a sanitizer looks at each access of ours.
std::size_t copies_in(std::span<const std::uint8_t> bytes, const MaskedKey& key) {
  std::size_t found = 0;
  while (bytes.size() >= MaskedKey::kBytes) {
    const std::size_t starts = bytes.size() - MaskedKey::kBytes + 1;
    const void* at = std::memchr(bytes.data(), key.first_byte(), starts);
    if (at == nullptr) break;
    const auto* start = static_cast<const std::uint8_t*>(at);
    found += key.is_at(start) ? 1 : 0;
    bytes = bytes.subspan(static_cast<std::size_t>(start - bytes.data()) + 1);
  }
  return found;
}

// Copies of the key in this process's heap, its mappings without a name (other threads' heaps and
// stacks), which the kernel lists and lets us read.
std::size_t copies_in_memory(const MaskedKey& key) {
  constexpr std::size_t kBlock = 1 << 20;
  constexpr std::uint64_t kLargest = std::uint64_t{1} << 30;  // larger is a sanitizer's shadow
  std::size_t found = 0;
  std::ifstream maps("/proc/self/maps");
  const int memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  EXPECT_GE(memory, 0);
  std::vector<std::uint8_t> block(kBlock + MaskedKey::kBytes - 1);
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    std::string range, access, offset, device, inode, name;
    fields >> range >> access >> offset >> device >> inode >> name;
    if (!access.starts_with("rw") || (!name.empty() && name != "[heap]")) continue;
    const std::uint64_t begin = std::stoull(range, nullptr, 16);
    const std::uint64_t end = std::stoull(range.substr(range.find('-') + 1), nullptr, 16);
    if (end - begin > kLargest) continue;
    // By blocks that overlap, because a key may lie across two.
    for (std::uint64_t at = begin; at < end; at += kBlock) {
      const std::size_t wanted = std::min<std::uint64_t>(block.size(), end - at);
      const ssize_t got = ::pread(memory, block.data(), wanted, static_cast<off_t>(at));
      found += copies_in(
          std::span(block).first(static_cast<std::size_t>(std::max<ssize_t>(got, 0))), key);
      // What was read must not be found again when the place of the block itself is read.
      std::memset(block.data(), 0, block.size());
    }
  }
  ::close(memory);
  return found;
}

TEST(Keys, LeaveNoCopyBehindOnceTheyAreDropped) {
  const MaskedKey first(1);
  const MaskedKey second(2);
  EXPECT_EQ(copies_in_memory(first), 0U);
  {
    Config config = quick_config("a");
    config.keys.push_back(first.whole());
    auto list = Memberlist::create(std::move(config));
    ASSERT_TRUE(list);
    Bytes key = second.whole();
    ASSERT_TRUE(list->add_key(key));
    wipe(key);
    EXPECT_GT(copies_in_memory(first), 0U) << "while it is used";
    EXPECT_GT(copies_in_memory(second), 0U);
    ASSERT_TRUE(list->use_key(second.fingerprint()));
    ASSERT_TRUE(list->remove_key(first.fingerprint()));
    // The protocol's thread drops its own copy before whatever it does next.
    EXPECT_TRUE(eventually([&] { return copies_in_memory(first) == 0; }));
    EXPECT_GT(copies_in_memory(second), 0U);
  }
  EXPECT_EQ(copies_in_memory(second), 0U);
}

TEST(Keys, LeaveNoCopyBehindWhereNothingWasMade) {
  const MaskedKey key(3);
  Node taken("taken");
  const auto try_to_make = [&](auto spoil) {
    Config config = quick_config("a");
    config.keys.push_back(key.whole());
    spoil(config);
    EXPECT_FALSE(Memberlist::create(std::move(config)));
    EXPECT_EQ(copies_in_memory(key), 0U);
  };
  try_to_make([](Config& config) { config.probe_interval = -std::chrono::seconds(1); });
  try_to_make([&](Config& config) { config.bind = taken->local_address(); });
  try_to_make([](Config& config) { config.keys.push_back(Bytes(5)); });
  try_to_make([](Config& config) {
    for (int i = 0; i < 16; ++i) config.keys.push_back(Bytes(16, static_cast<std::byte>(i)));
  });
}

}  // namespace
}  // namespace memberlist::facade_test
