#include <algorithm>
#include <iostream>
#include <vector>

#include "engine_fixture.hpp"
#include "support/sanitizers.hpp"

// Hundreds of short-lived members join and crash. The stable ones must not attribute all these
// failed probes to themselves: they detect dead members, newcomers and one of their own, as fast as
// before.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

constexpr std::size_t kStable = 5;
constexpr HostId kFirstVictim = 4;
constexpr HostId kSecondVictim = 3;
// Each is the same everywhere: a sanitizer sees the same code in one.
constexpr std::uint64_t kSeeds = kSanitized ? 1 : 3;

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

// Until all stable members that are left have found `victim` dead.
Duration time_to_find(Cluster& cluster, HostId victim, Duration limit) {
  const TimePoint crashed = cluster.now();
  cluster.crash(victim);
  const auto found = [&] {
    for (HostId node = 0; node < victim; ++node) {
      if (!cluster.when(node, victim, dead, crashed)) return false;
    }
    return true;
  };
  EXPECT_TRUE(cluster.run_until(found, limit)) << "not found";
  return cluster.now() - crashed;
}

// Four at a time, each crashed after two seconds.
void churn(Cluster& cluster, std::size_t newcomers) {
  for (std::size_t i = 0; i < newcomers; i += 4) {
    std::vector<HostId> young;
    for (std::size_t j = 0; j < 4; ++j) {
      young.push_back(cluster.add());
      (void)cluster.join(young.back(), {j % kSecondVictim});
      cluster.run_for(7ms);
    }
    cluster.run_for(2s - 28ms);
    for (const HostId node : young) cluster.crash(node);
  }
}

bool all_hold(Cluster& cluster, std::size_t live) {
  for (HostId node = 0; node < kStable; ++node) {
    if (cluster.running(node) && cluster.engine(node).live_count() != live) return false;
  }
  return true;
}

class EngineChurn : public ::testing::TestWithParam<std::size_t> {};

TEST_P(EngineChurn, TheDeadAreFoundWhileManyComeAndGoAndQuicklyAfterwards) {
  Duration usual{};
  Duration during{};
  Duration cleared{};
  Duration afterwards{};
  std::uint32_t health = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    {
      Cluster quiet({.size = kStable, .seed = seed});
      ASSERT_TRUE(quiet.assemble());
      quiet.run_for(10s);
      usual = std::max(usual, time_to_find(quiet, kFirstVictim, 60s));
    }
    Cluster cluster({.size = kStable, .seed = seed});
    ASSERT_TRUE(cluster.assemble());
    cluster.run_for(10s);
    churn(cluster, GetParam());
    during = std::max(during, time_to_find(cluster, kFirstVictim, 240s));
    const TimePoint last = cluster.now();
    for (HostId node = 0; node < kFirstVictim; ++node) {
      health = std::max(health, cluster.engine(node).health_score());
    }
    EXPECT_TRUE(cluster.run_until([&] { return all_hold(cluster, kStable - 1); }, 240s));
    cleared = std::max(cleared, cluster.now() - last);
    cluster.run_for(std::max(Duration::zero(), 120s - (cluster.now() - last)));
    afterwards = std::max(afterwards, time_to_find(cluster, kSecondVictim, 240s));
    for (HostId node = 0; node < kSecondVictim; ++node) {
      for (HostId other = 0; other < kSecondVictim; ++other) {
        EXPECT_EQ(cluster.count(node, other, dead), 0u) << "a stable member was buried";
      }
    }
  }
  std::cout << "  " << GetParam() << " short-lived members: a stable one is found after "
            << seconds(during) << " s among them, after " << seconds(afterwards)
            << " s two minutes later, usually after " << seconds(usual)
            << " s; the others are gone " << seconds(cleared) << " s later; health score up to "
            << health << "\n";
  EXPECT_LE(cleared, 120s);
  EXPECT_LE(afterwards, usual * 3 / 2);
}

INSTANTIATE_TEST_SUITE_P(Members, EngineChurn, ::testing::Values(100u, 300u),
                         [](const auto& test) { return std::to_string(test.param); });

}  // namespace
}  // namespace memberlist::testing
