#include <ostream>
#include <string>

#include "engine_fixture.hpp"

// What docs/guide/joining.md says under 'After a network partition': in the time for which dead
// members get gossip, the two sides find each other again by themselves; later somebody has to
// join.
namespace memberlist::testing {
namespace {

constexpr std::uint64_t kSeeds = 20;

/// A cluster whose two halves consider each other dead; nobody has news to gossip any more.
class Halves : public Cluster {
 public:
  Halves(const Config& config, std::size_t members, std::uint64_t seed)
      : Cluster({.size = members, .seed = seed, .config = config}) {}

  [[nodiscard]] bool part() {
    if (!assemble()) return false;
    run_for(5s);
    for (HostId node = size() / 2; node < size(); ++node) network().set_group(node, 1);
    return run_until([this] { return apart(); }, 60s);
  }
  [[nodiscard]] bool apart() {
    for (HostId node = 0; node < size(); ++node) {
      if (engine(node).live_count() != size() / 2) return false;
    }
    return true;
  }
};

struct Split {
  const char* name;
  Config config;
  std::size_t members;
  Duration agree_within;  // the last members may hear the news of others only by push/pull
};

void PrintTo(const Split& split, std::ostream* out) { *out << split.name; }

class EnginePartition : public ::testing::TestWithParam<Split> {
 protected:
  /// Heals a partition this long after each side has buried the other.
  static void heal(Halves& halves, Duration buried_for) {
    ASSERT_TRUE(halves.part());
    halves.run_for(buried_for);
    ASSERT_TRUE(halves.apart());
    halves.network().heal_partitions();
  }
};

TEST_P(EnginePartition, HealsByItselfWhileTheDeadGetGossip) {
  const Split& split = GetParam();
  const Duration remembered = split.config.gossip_to_the_dead_time;
  for (const Duration buried_for : {Duration{2s}, remembered / 2, remembered * 3 / 4}) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      SCOPED_TRACE(seed);
      Halves halves(split.config, split.members, seed);
      ASSERT_NO_FATAL_FAILURE(heal(halves, buried_for));
      EXPECT_TRUE(
          halves.run_until([&] { return halves.agree(split.members); }, split.agree_within));
    }
  }
}

TEST_P(EnginePartition, LaterTheSidesFindEachOtherByAJoinOnly) {
  const Split& split = GetParam();
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    Halves halves(split.config, split.members, seed);
    ASSERT_NO_FATAL_FAILURE(heal(halves, split.config.gossip_to_the_dead_time + 3s));
    halves.run_for(10min);
    EXPECT_TRUE(halves.apart());
    ASSERT_TRUE(halves.join(split.members - 1, {0}).has_value());
    EXPECT_TRUE(halves.run_until([&] { return halves.agree(split.members); }, split.agree_within));
  }
}

// The dead get no gossip any more, and are not forgotten yet: those who join, also each other at
// the same moment, accuse each other by what they remember, and a refutation must come back to
// them.
TEST_P(EnginePartition, AJoinHealsItBeforeTheDeadAreForgotten) {
  const Split& split = GetParam();
  const Duration remembered = split.config.gossip_to_the_dead_time;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    Halves halves(split.config, split.members, seed);
    const auto part = static_cast<Duration::rep>(seed);
    ASSERT_NO_FATAL_FAILURE(heal(halves, remembered + part * split.config.probe_interval / 10));
    ASSERT_TRUE(halves.join(split.members - 1, {0}).has_value());
    if (seed % 2 == 0) ASSERT_TRUE(halves.join(0, {split.members - 1}).has_value());
    EXPECT_TRUE(halves.run_until([&] { return halves.agree(split.members); }, split.agree_within));
  }
}

INSTANTIATE_TEST_SUITE_P(Profiles, EnginePartition,
                         ::testing::Values(Split{"Lan2", Config::lan(), 2, 10s},
                                           Split{"Lan4", Config::lan(), 4, 10s},
                                           Split{"Lan10", Config::lan(), 10, 60s},
                                           Split{"Local4", Config::local(), 4, 10s}),
                         [](const auto& split) { return std::string(split.param.name); });

// --- what it costs ------------------------------------------------------------------------------

TEST(EngineDeadAreTold, OneInAProbeIntervalAndOnlyForAWhile) {
  Bench bench;
  const ScriptedPeer& live = bench.meet("live");
  constexpr std::size_t kDead = 20;
  for (std::size_t i = 0; i < kDead; ++i) {
    const std::string name = "dead" + std::to_string(i);
    bench.meet(name);
    bench.receive(live.address, {dead_message(name, 1, "live")});
  }
  bench.run_for(10s);  // so long this is news, which is gossiped
  bench.forget();
  const auto told = [&] {
    return bench.sent(Type::dead).size() - bench.sent(Type::dead, live.address).size();
  };
  bench.run_for(10s);
  EXPECT_GE(told(), 8u) << "the whole of the list is not gone through in each interval";
  EXPECT_LE(told(), 11u);
  bench.run_for(11s);
  bench.forget();
  bench.run_for(60s);
  EXPECT_EQ(told(), 0u);
}

TEST(EngineDeadAreTold, WhoLeftIsNot) {
  Bench bench;
  bench.meet("live");
  const ScriptedPeer& gone = bench.meet("gone");
  bench.receive(gone.address, {dead_message("gone", 1, "gone")});
  bench.run_for(10s);
  EXPECT_TRUE(bench.sent(Type::dead, gone.address).empty());
}

}  // namespace
}  // namespace memberlist::testing
