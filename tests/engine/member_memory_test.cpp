#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "engine/counted_memory.hpp"
#include "memberlist/engine.hpp"
#include "memberlist/record_store.hpp"
#include "sim/virtual_messages.hpp"

// What an engine holds: for each member that it knows, and at rest.
namespace memberlist::testing {
namespace {

using namespace sim;  // NOLINT(google-build-using-namespace): the world that tests act in

constexpr std::uint32_t kMembers = 10'000;
const Address kPeer{IpAddress::v4(192, 168, 0, 2), 7946};

Config quiet() {
  Config config;
  config.name = "self";
  config.probe_interval = Duration::zero();  // nobody answers
  config.push_pull_interval = Duration::zero();
  return config;
}

// An engine that hears of members, and says what it has to say.
class Listener {
 public:
  explicit Listener(const EngineEnvironment& environment = surroundings())
      : now_(environment.now), engine_(Engine::create(quiet(), environment).value()) {
    engine_.clear_outputs();
  }

  static EngineEnvironment surroundings() {
    EngineEnvironment environment;
    environment.advertise = {IpAddress::v4(192, 168, 0, 1), 7946};
    environment.now = TimePoint(std::chrono::hours(1));
    return environment;
  }

  void hear_of_all(std::uint32_t incarnation) {
    for (std::uint32_t i = 0; i < kMembers; ++i) {
      char name[16];
      std::snprintf(name, sizeof name, "node-%07u", i);
      Claim claim;
      claim.name = name;
      claim.address = {
          IpAddress::v4(10, static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8),
                        static_cast<std::uint8_t>(i)),
          7946};
      claim.incarnation = incarnation;
      claim.meta = to_bytes(std::string(64, 'm'));
      engine_.handle_packet(now_, kPeer, alive_message(claim));
      engine_.clear_outputs();
    }
  }
  // Until everything that is queued has been sent often enough, and for a while after that.
  void come_to_rest() {
    constexpr int kTicks = 20'000;
    for (int i = 0; i < kTicks; ++i) {
      now_ = engine_.next_deadline();
      engine_.handle_deadline(now_);
      engine_.clear_outputs();
    }
    ASSERT_LE(engine_.counters().broadcasts_queued, 1U);
  }
  [[nodiscard]] Engine& engine() { return engine_; }

 private:
  TimePoint now_;
  Engine engine_;
};

void report(const char* what, std::size_t bytes) {
  ::testing::Test::RecordProperty(what, std::to_string(bytes));
  std::printf("%s: %zu\n", what, bytes);
}

TEST(MemberMemory, AFreshEngineIsSmall) {
  const std::size_t before = live_bytes();
  const Listener listener;
  const std::size_t held = live_bytes() - before;
  report("a fresh engine", held);
  EXPECT_LT(held, 8U * 1024);
}

TEST(MemberMemory, OfAMemberThatOthersKnowOnlyTheViewIsHeld) {
  EngineEnvironment environment = Listener::surroundings();
  environment.records = std::make_shared<RecordStore>(std::array<std::byte, 16>{});
  Listener other(environment);
  other.hear_of_all(1);
  Listener listener(environment);
  listener.come_to_rest();
  const std::size_t before = live_bytes();
  listener.hear_of_all(1);
  ASSERT_EQ(listener.engine().live_count(), kMembers + 1);
  listener.come_to_rest();
  const std::size_t held = live_bytes() - before;
  report("a known member, without its record, in hundredths", held * 100 / kMembers);
  const std::size_t room_for_packets = 4U * 1024;  // that the engine had no use for before
  EXPECT_LE(held, 64 * kMembers + room_for_packets);
}

TEST(MemberMemory, AKnownMemberIsSmall) {
  Listener listener;
  listener.come_to_rest();
  const std::size_t before = live_bytes();
  listener.hear_of_all(1);
  ASSERT_EQ(listener.engine().live_count(), kMembers + 1);
  report("a member that was just heard of", (live_bytes() - before) / kMembers);
  listener.come_to_rest();
  const std::size_t held = live_bytes() - before;
  report("a known member, with its record", held / kMembers);

  listener.hear_of_all(2);
  report("a member with an update in the queue", (live_bytes() - before) / kMembers);
  listener.come_to_rest();
  EXPECT_LT(live_bytes() - before, held + held / 100) << "nothing is kept of the storm";
}

}  // namespace
}  // namespace memberlist::testing
