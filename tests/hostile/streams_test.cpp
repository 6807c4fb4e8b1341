// Streams that no member would send.

#include <array>
#include <limits>
#include <thread>
#include <vector>

#include "base/random.hpp"
#include "hostile_test.hpp"
#include "support/golden.hpp"

namespace memberlist::hostile {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMiB = std::size_t{1} << 20;

class HostileStreams : public HostileClusterTest {
 protected:
  /// Streams that are begun and stay open.
  std::vector<TcpStream> open(int count, BytesView first_bytes) {
    std::vector<TcpStream> streams;
    for (int i = 0; i < count; ++i) {
      streams.emplace_back(agent().address());
      streams.back().write(first_bytes);
    }
    return streams;
  }
};
INSTANTIATE_TEST_SUITE_P(Clusters, HostileStreams, ::testing::Values(kPlain, kKeyed),
                         protection_name);

TEST_P(HostileStreams, RandomBytes) {
  Random random(2);
  for (int i = 0; i < 500; ++i) {
    Bytes bytes(random.below(i % 50 == 0 ? 300'000 : 200));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.next());
    if (i % 2 == 0 && !bytes.empty()) bytes[0] = static_cast<std::byte>(random.below(14));
    if (i % 4 < 2) {
      attack_by_stream(bytes);
    } else {
      attack_by_stream_of(bytes);
    }
  }
  expect_unhurt();
}

TEST_P(HostileStreams, EveryTruncation) {
  for (const auto& [name, valid] : valid_streams()) {
    const Bytes stream = wrapper().stream(valid);
    for (std::size_t size = 0; size < stream.size(); ++size) {
      attack_by_stream(BytesView(stream).first(size));
    }
    for (std::size_t size = 0; size < valid.size(); ++size) {
      attack_by_stream_of(BytesView(valid).first(size));
    }
  }
  expect_unhurt();
}

TEST_P(HostileStreams, EveryByteChanged) {
  for (const auto& [name, valid] : valid_streams()) {
    Bytes stream = valid;
    for (std::byte& byte : stream) {
      const std::byte before = byte;
      for (const int change : {0x01, 0x80, 0xff}) {
        byte = before ^ static_cast<std::byte>(change);
        attack_by_stream_of(stream);
      }
      byte = before;
    }
  }
  expect_unhurt();
}

TEST_P(HostileStreams, NestedCompression) {
  const Bytes nested = nested_compressions(kMiB);
  for (int i = 0; i < 20; ++i) {
    attack_by_stream_of(nested);
    attack_by_stream_of(ping_with_nested_field(200));
  }
  expect_unhurt();
}

TEST_P(HostileStreams, CompressionBombs) {
  const Bytes zeros = bomb(45 * kMiB);
  // What is inside begins as it should.
  Bytes user = encoded(wire::UserHeader{.user_msg_len = 8 * kMiB + 1});
  user.resize(8 * kMiB);
  const Bytes behind_a_message = compressed(user);
  Bytes states = encoded(wire::PushPullHeader{.nodes = 1'048'576});
  states.resize(45 * kMiB);
  const Bytes behind_a_header = compressed(states);
  for (int i = 0; i < 3; ++i) {
    attack_by_stream_of(zeros);
    attack_by_stream_of(behind_a_message);
    attack_by_stream_of(behind_a_header);
    attack_by_stream_of(compressed(zeros));
  }
  expect_unhurt();
}

/// Headers that announce much, or less than nothing, and nothing behind them.
TEST_P(HostileStreams, AnnouncedCountsAndLengths) {
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  const std::int64_t k2GiB = std::int64_t{1} << 31;
  const std::array<Bytes, 9> headers{
      encoded(wire::PushPullHeader{.nodes = 1'048'576}),
      encoded(wire::PushPullHeader{.nodes = 1'048'576, .user_state_len = 20 * kMiB}),
      encoded(wire::PushPullHeader{.nodes = k2GiB}),
      encoded(wire::PushPullHeader{.user_state_len = k2GiB}),
      encoded(wire::PushPullHeader{.nodes = -1}),
      encoded(wire::PushPullHeader{.nodes = kLeast, .user_state_len = kLeast}),
      encoded(wire::UserHeader{.user_msg_len = k2GiB}),
      encoded(wire::UserHeader{.user_msg_len = -1}),
      encoded(wire::UserHeader{.user_msg_len = kLeast}),
  };
  for (int i = 0; i < 20; ++i) {
    for (const Bytes& header : headers) {
      attack_by_stream_of(header);
      attack_by_stream_of(compressed(header));
    }
    attack_by_stream(testing::bytes_of("\x0a\x7f\xff\xff\xff"));  // encrypted, 2 GiB
    attack_by_stream(testing::bytes_of("\x0a\x01\x40\x00\x00"));  // encrypted, 20 MiB
  }
  expect_unhurt();
}

/// The witness is not shut out by them: it can still exchange its state with the agent.
TEST_P(HostileStreams, AThousandThatStayHalfOpen) {
  const Bytes begun = wrapper().stream(encoded(wire::PushPullHeader{.nodes = 1'048'576}));
  const BytesView part = BytesView(begun).first(begun.size() - 1);
  {
    const std::vector<TcpStream> silent = open(500, {});
    const std::vector<TcpStream> talking = open(500, part);
    const interop::Outcome joined = witness().join(agent().address());
    EXPECT_TRUE(joined.has_value()) << joined.error();
    EXPECT_GT(counter("dropped_limit"), 0u);
  }
  expect_unhurt();
}

/// That each ends by its deadline is shown in virtual time (EngineStreams): here, that meanwhile
/// they are no burden.
TEST_P(HostileStreams, OneByteASecond) {
  const Bytes stream = wrapper().stream(valid_streams().at("push/pull"));
  {
    const std::vector<TcpStream> streams = open(150, {});
    for (std::size_t i = 0; i < 3; ++i) {
      for (const TcpStream& slow : streams) slow.write(BytesView(stream).subspan(i, 1));
      const interop::Outcome joined = witness().join(agent().address());
      EXPECT_TRUE(joined.has_value()) << joined.error();
      std::this_thread::sleep_for(1s);  // the pace is what is tested
    }
  }
  expect_unhurt();
}

}  // namespace
}  // namespace memberlist::hostile
