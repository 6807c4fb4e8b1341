#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/limits.hpp"
#include "engine/counted_memory.hpp"
#include "memberlist/engine.hpp"
#include "sim/virtual_messages.hpp"
#include "wire/stream.hpp"

// The memory that a push/pull of a very large cluster takes in addition to the stored state.
namespace memberlist::testing {
namespace {

using namespace sim;  // NOLINT(google-build-using-namespace): the world that tests act in

constexpr std::size_t kMembers = 100'000;
const Address kPeer{IpAddress::v4(10, 9, 7, 7), 7946};

Bytes large_push_pull() {
  std::vector<Claim> claims(kMembers);
  for (std::size_t i = 0; i < kMembers; ++i) {
    Claim& claim = claims[i];
    claim.name = "node-" + std::to_string(i) + ".example.org";
    claim.address = {IpAddress::v4(10, static_cast<std::uint8_t>(i >> 16),
                                   static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)),
                     7946};
    claim.meta = to_bytes("zone=" + std::to_string(i % 7) + " role=" + std::to_string(i * 7919));
  }
  return push_pull_message(false, claims);
}

struct Layers {
  const char* name;
  bool compressed;
  bool encrypted;
};

class PushPullMemory : public ::testing::TestWithParam<Layers> {
 protected:
  static Config config(const Layers& layers) {
    Config config;
    config.name = "self";
    config.enable_compression = layers.compressed;
    if (layers.encrypted) config.keys = {to_bytes("0123456789abcdef")};
    return config;
  }
  static Bytes sealed(const Layers& layers, Bytes plain) {
    wire::Keyring ring = wire::Keyring::create(config(layers).keys).value();
    wire::Sealing how;
    how.keyring = &ring;
    how.compress = layers.compressed;
    wire::LzwEncoder lzw;
    return wire::seal_stream(how, std::move(plain), true, lzw);
  }
  // Feeds a whole stream in pieces as a socket would; what the engine wrote to it.
  static std::size_t exchange(Engine& engine, TimePoint now, BytesView bytes) {
    constexpr std::size_t kPiece = 64 * 1024;
    const auto id = engine.handle_accept(now, kPeer);
    std::size_t written = 0;
    for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
      engine.handle_stream(
          now, *id, StreamData{bytes.subspan(at).first(std::min(kPiece, bytes.size() - at))});
      for (const Output& output : engine.outputs()) {
        if (const auto* write = std::get_if<WriteStream>(&output)) written += write->bytes.size();
      }
      engine.clear_outputs();
    }
    return written;
  }
};

TEST_P(PushPullMemory, ServedAndMergedInLessThanThreeTimesItsBytes) {
  const Bytes plain = large_push_pull();
  const Bytes bytes = sealed(GetParam(), plain);
  EngineEnvironment environment;
  environment.advertise = {IpAddress::v4(10, 9, 0, 1), 7946};
  environment.now = TimePoint(std::chrono::hours(1));
  Engine engine = Engine::create(config(GetParam()), environment).value();
  const std::size_t empty = live_bytes();
  watch_peak();
  exchange(engine, environment.now, bytes);
  ASSERT_EQ(engine.live_count(), kMembers + 1) << "all of them are news";
  const std::size_t known = live_bytes();
  const std::size_t peak_of_news = peak_bytes() - known;

  watch_peak();
  const std::size_t written = exchange(engine, environment.now, bytes);
  const std::size_t encoded = live_bytes() - known;
  const std::size_t extra = peak_bytes() - live_bytes();
  EXPECT_GT(written, 0U) << "served";
  EXPECT_LT(encoded, plain.size() * 11 / 10) << "kept for the next one";
  EXPECT_LT(extra, 3 * plain.size());
  const std::string figures =
      std::to_string(plain.size()) + " bytes; beside what is kept " + std::to_string(extra) +
      ", where all of it is news " + std::to_string(peak_of_news) +
      "; kept of the members and the news about them " + std::to_string(known - empty) +
      ", of their encoded state " + std::to_string(encoded);
  RecordProperty("figures", figures);
  std::puts(figures.c_str());
}

INSTANTIATE_TEST_SUITE_P(Layers, PushPullMemory,
                         ::testing::Values(Layers{"Plain", false, false},
                                           Layers{"Compressed", true, false},
                                           Layers{"Encrypted", false, true},
                                           Layers{"All", true, true}),
                         [](const auto& test) { return std::string(test.param.name); });

// What a stream announces is only a number until it has come.
TEST(StreamMemory, AnnouncedSizesTakeNone) {
  const auto encoded = [](const auto& header) {
    Bytes bytes;
    ByteWriter out(bytes);
    wire::encode(out, header);
    return bytes;
  };
  constexpr std::int64_t kMost = 20 * limits::kMiB;
  Bytes frame{std::byte{static_cast<std::uint8_t>(wire::MessageType::encrypted)}};
  for (const unsigned byte : {0x01U, 0x40U, 0U, 0U}) frame.push_back(std::byte(byte));  // 20 MiB
  Config config;
  config.name = "self";
  config.keys = {to_bytes("0123456789abcdef")};
  config.gossip_verify_incoming = false;
  EngineEnvironment environment;
  environment.advertise = {IpAddress::v4(10, 9, 0, 1), 7946};
  environment.now = TimePoint(std::chrono::hours(1));
  Engine engine = Engine::create(config, environment).value();
  engine.clear_outputs();  // its own join
  for (const Bytes& head : {encoded(wire::PushPullHeader{1 << 20, kMost, true}),
                            encoded(wire::UserHeader{kMost}), frame}) {
    const auto id = engine.handle_accept(environment.now, kPeer);
    const std::size_t before = live_bytes();
    watch_peak();
    engine.handle_stream(environment.now, *id, StreamData{head});
    EXPECT_TRUE(engine.outputs().empty()) << "it waits for the rest";
    EXPECT_LT(peak_bytes() - before, 64 * limits::kKiB);
  }
}

// An attacker invents members, lets them die, and so on.
TEST(TombstoneMemory, AFloodOfInventedMembersIsForgottenDownToTheLimit) {
  Config config;
  config.name = "self";
  config.probe_interval = Duration::zero();  // the dead are forgotten at each check of the queues
  EngineEnvironment environment;
  environment.advertise = {IpAddress::v4(10, 9, 0, 1), 7946};
  environment.now = TimePoint(std::chrono::hours(1));
  Engine engine = Engine::create(config, environment).value();
  TimePoint now = environment.now;
  const auto round = [&](int number) {
    for (int i = 0; i < 40'000; ++i) {
      std::string name = "invented-" + std::to_string(number) + "-" + std::to_string(i);
      name.resize(255, '.');
      const Claim claim{.name = name, .address = {IpAddress::v4(10, 9, 1, 1), 7946}};
      for (Bytes message : {alive_message(claim), dead_message(name, 1, "x")}) {
        engine.handle_packet(now, kPeer, message);
      }
      engine.clear_outputs();
    }
    for (const Duration wait : {std::chrono::seconds(31), std::chrono::seconds(31)}) {
      engine.handle_deadline(now += wait);
      engine.clear_outputs();
    }
    EXPECT_EQ(engine.members()->size(), 1U);
  };
  for (int number = 0; number < 3; ++number) round(number);
  EXPECT_EQ(engine.counters().tombstones, limits::kTombstones);
  const std::size_t full = live_bytes();
  for (int number = 3; number < 5; ++number) round(number);
  EXPECT_EQ(engine.counters().tombstones, limits::kTombstones);
  EXPECT_LE(live_bytes(), full + 64 * limits::kKiB) << "nothing is kept of those before";

  engine.handle_deadline(now += std::chrono::hours(2));
  engine.clear_outputs();
  EXPECT_EQ(engine.counters().tombstones, 0U);
  const std::size_t held = full - live_bytes();
  EXPECT_LT(held, 26 * limits::kMiB);
  std::puts((std::to_string(held / limits::kTombstones) + " bytes for each tombstone").c_str());
}

}  // namespace
}  // namespace memberlist::testing
