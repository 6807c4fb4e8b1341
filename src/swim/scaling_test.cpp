#include "swim/scaling.hpp"

#include <chrono>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace memberlist::swim {
namespace {

using namespace std::chrono_literals;

nlohmann::json golden() {
  std::ifstream file(MEMBERLIST_SOURCE_DIR "/tests/golden/scaling.json");
  return nlohmann::json::parse(file);
}

std::chrono::milliseconds ms(const nlohmann::json& value) {
  return std::chrono::milliseconds(value.get<std::int64_t>());
}

TEST(Scaling, NewsHaveSpreadAfterATickForEachTransmission) {
  EXPECT_EQ(spreading_time(4, 0, 200ms), 200ms);
  EXPECT_EQ(spreading_time(4, 9, 200ms), 800ms);
  EXPECT_EQ(spreading_time(4, 10, 200ms), 1600ms);
}

TEST(Scaling, EqualsTheGoldenFiguresByClusterSize) {
  const nlohmann::json cases = golden().at("scaling");
  ASSERT_GT(cases.size(), 10U);
  for (const auto& at : cases) {
    const auto n = at.at("n").get<std::size_t>();
    EXPECT_EQ(push_pull_interval(30s, n), ms(at.at("push_pull_interval_ms_of_30s"))) << n;
    EXPECT_EQ(retransmit_limit(4, n), at.at("retransmit_limit_mult4").get<std::uint32_t>()) << n;
    EXPECT_EQ(suspicion_min_timeout(4, n, 1s), ms(at.at("suspicion_min_ms_mult4_interval1s"))) << n;
    EXPECT_EQ(suspicion_min_timeout(6, n, 5s), ms(at.at("suspicion_min_ms_mult6_interval5s"))) << n;
  }
}

TEST(Scaling, EqualsTheGoldenFiguresByConfirmations) {
  const nlohmann::json cases = golden().at("suspicion");
  ASSERT_GT(cases.size(), 20U);
  for (const auto& at : cases) {
    EXPECT_EQ(suspicion_timeout(at.at("confirmations").get<std::uint32_t>(),
                                at.at("k").get<std::uint32_t>(), ms(at.at("min_ms")),
                                ms(at.at("max_ms"))),
              ms(at.at("timeout_ms")))
        << at;
  }
}

// The same on each machine, whatever its C library says of logarithms.
TEST(Scaling, LogarithmsAreExact) {
  EXPECT_EQ(suspicion_min_timeout(1, 9'999, 1s), 3'999ms);
  EXPECT_EQ(suspicion_min_timeout(1, 10'000, 1s), 4s);
  EXPECT_EQ(suspicion_min_timeout(1, 10'022, 1s), 4s);
  EXPECT_EQ(suspicion_min_timeout(1, 10'024, 1s), 4'001ms);
  EXPECT_EQ(suspicion_min_timeout(1, 262'144, 1s), 5'418ms);
  EXPECT_EQ(suspicion_timeout(1, 3, 10s, 20s), 15s);
  EXPECT_EQ(suspicion_timeout(80, 242, 800ms, 4800ms), 1600ms) << "log 81 / log 243 is 4 / 5";
}

TEST(Scaling, SuspicionWithoutOthersLastsTheMinimum) {
  EXPECT_EQ(suspicion_timeout(0, 0, 3s, 20s), 3s);
  EXPECT_EQ(suspicion_timeout(9, 3, 3s, 20s), 3s);  // more than expected
}

TEST(Scaling, SmallClustersExpectNoConfirmations) {
  EXPECT_EQ(expected_confirmations(4, 0), 0U);
  EXPECT_EQ(expected_confirmations(4, 3), 0U);
  EXPECT_EQ(expected_confirmations(4, 4), 2U);
  EXPECT_EQ(expected_confirmations(6, 100), 4U);
  EXPECT_EQ(expected_confirmations(6, 5), 0U);
  EXPECT_EQ(expected_confirmations(2, 100), 0U);
  EXPECT_EQ(expected_confirmations(1, 100), 0U);
}

TEST(Scaling, TombstonesOutlastPushPullsAndRoundsOfProbes) {
  EXPECT_EQ(tombstone_time(30s, 1s, 10), 1h);
  EXPECT_EQ(tombstone_time(1h, 1s, 10), 10h);
  EXPECT_EQ(tombstone_time(30s, 1s, 10'000), 20'000s);
  EXPECT_EQ(tombstone_time(0s, 0s, 10), 1h) << "where both are off";
}

TEST(Scaling, LargestKnobsDoNotOverflow) {
  EXPECT_EQ(tombstone_time(1h, 1h, 262'144), 2 * 262'144 * 1h);
  const Duration min = suspicion_min_timeout(255, 1'000'000, 1h);
  EXPECT_EQ(min, 255 * 6 * 1h);
  EXPECT_EQ(suspicion_timeout(0, 253, min, min * 255), min * 255);
}

}  // namespace
}  // namespace memberlist::swim
