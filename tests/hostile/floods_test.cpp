// Much of what is right.

#include <array>
#include <thread>
#include <vector>

#include "hostile_test.hpp"
#include "support/sanitizers.hpp"

namespace memberlist::hostile {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// As many datagrams as this, and in no time more than a slot's, so that on a machine of few cores
// it is the agent that is under attack and not everybody's share of the processor.
constexpr auto kFlood = 1s;
constexpr auto kSlot = 2ms;
constexpr std::uint32_t kPacketsOfASlot = 100;
constexpr std::array<std::byte, 6> kVersions{std::byte{1}, std::byte{5}, std::byte{2},
                                             std::byte{0}, std::byte{0}, std::byte{0}};

class HostileFloods : public HostileClusterTest {
 protected:
  /// Without a thought for what gets lost.
  template <class Packet>
  void flood(Packet&& packet) {
    const auto begin = Clock::now();
    std::uint32_t number = 0;
    for (auto slot = begin; slot < begin + kFlood; slot += kSlot) {
      std::this_thread::sleep_until(slot);  // the pace is what is tested
      for (std::uint32_t i = 0; i < kPacketsOfASlot; ++i) {
        udp().send(wrapper().packet(packet(number++)));
      }
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Clusters, HostileFloods, ::testing::Values(kPlain, kKeyed),
                         protection_name);

TEST_P(HostileFloods, Rubbish) {
  const Bytes rubbish(1'000, std::byte{0xc1});
  flood([&](std::uint32_t) { return rubbish; });
  expect_unhurt();
}

TEST_P(HostileFloods, Pings) {
  const std::string name = agent().name();
  flood([&](std::uint32_t i) { return encoded(wire::Ping{i, name, {}, 0, {}}); });
  expect_unhurt();
}

/// No address gets packets through the agent more often than its limit allows.
TEST_P(HostileFloods, IndirectPingsAndPingsWithAnotherSource) {
  const UdpSocket victim(agent().address());
  const std::string name = agent().name();
  const std::array<std::byte, 4> host{std::byte{127}, std::byte{0}, std::byte{0}, std::byte{2}};
  const auto begin = Clock::now();
  flood([&](std::uint32_t i) {
    if (i % 2 == 0) {
      return encoded(wire::IndirectPing{i, host, victim.port(), "victim", true, {}, 0, {}});
    }
    return encoded(wire::Ping{i, name, host, victim.port(), "victim"});
  });
  ASSERT_TRUE(settle());
  std::size_t received = 0;
  while (victim.receive(50ms)) ++received;
  const std::chrono::duration<double> took = Clock::now() - begin;
  // 64 a second of each kind, and what may come at once.
  EXPECT_LT(static_cast<double>(received), 2 * 64 * (took.count() + 2));
  EXPECT_GT(received, 0u);
  expect_unhurt();
}

TEST_P(HostileFloods, UserMessages) {
  Bytes message(200, std::byte{'x'});
  message[0] = std::byte{8};
  for (int i = 0; i < 10'000; ++i) attack(message);
  expect_unhurt();
}

TEST_P(HostileFloods, AccusationsOfTheUnknown) {
  flood([](std::uint32_t i) {
    const std::string name = "nobody-" + std::to_string(i);
    return encoded(wire::Suspect{.incarnation = i, .node = name, .from = "hostile-witness"});
  });
  expect_unhurt();
}

TEST_P(HostileFloods, Connections) {
  const Bytes pull = wrapper().stream(encoded(wire::PushPullHeader{.join = true}));
  const auto end = Clock::now() + kFlood;
  for (std::uint32_t i = 0; Clock::now() < end; ++i) {
    const TcpStream stream(agent().address());
    if (i % 2 == 0) stream.write(pull);
  }
  expect_unhurt();
}

/// Members at chosen addresses, that come and go.
class HostileJoins : public HostileTest {};

TEST_F(HostileJoins, OfMembersThatAreNotThere) {
  SKIP_WITHOUT_GO();
  prepare(kPlain, true);
  const std::array<std::byte, 4> host{std::byte{127}, std::byte{0}, std::byte{0}, std::byte{2}};
  constexpr std::uint32_t kInvented = testing::kSanitized ? 2'000 : 10'000;
  for (std::uint32_t i = 0; i < kInvented; ++i) {
    const std::string name = "made-up-" + std::to_string(i);
    const Bytes alive = encoded(wire::Alive{.incarnation = 1,
                                            .node = name,
                                            .addr = host,
                                            .port = udp().port(),
                                            .meta = {},
                                            .vsn = kVersions});
    const Bytes left = encoded(wire::Dead{.incarnation = 1, .node = name, .from = name});
    const std::array<BytesView, 2> both{alive, left};
    attack(compound_of(both));
  }
  EXPECT_GT(agent().members().size(), 100u) << "they were not believed, so this showed nothing";
  expect_unhurt();
}

}  // namespace
}  // namespace memberlist::hostile
