// That the experiments measure what they say: small ones, at fixed seeds, which always end the
// same.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "trial.hpp"

namespace memberlist::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Variant variant_called(std::string_view name) {
  const std::vector<Variant> all = paper_variants();
  return *std::ranges::find(all, name, &Variant::name);
}

/// Some of a few dozen, blocked again and again.
Outcome blocked(std::string_view variant) {
  return play_trial({.variant = variant_called(variant),
                     .nodes = 32,
                     .troubled = 6,
                     .on = milliseconds(8192),
                     .off = milliseconds(1024),
                     .lasts = seconds(60)});
}

TEST(Experiments, LifeguardAndEachOfItsPartsHaveFewerFalsePositivesThanSwim) {
  const std::uint64_t swim = blocked("SWIM").declared.at_all;
  const std::uint64_t probe = blocked("LHA-Probe").declared.at_all;
  const std::uint64_t suspicion = blocked("LHA-Suspicion").declared.at_all;
  const std::uint64_t lifeguard = blocked("Lifeguard").declared.at_all;
  EXPECT_LT(probe, swim);
  EXPECT_LT(suspicion, swim);
  EXPECT_LE(lifeguard, std::min(probe, suspicion));
}

TEST(Experiments, NobodyIsDeclaredDeadWhileAllAreWell) {
  const Outcome outcome = play_trial(
      {.variant = variant_called("SWIM"), .nodes = 20, .troubled = 0, .lasts = seconds(20)});
  EXPECT_EQ(outcome.believed.at_all, 0);
  EXPECT_GT(outcome.packets, 0);
}

TEST(Experiments, TheDeathOfWhoIsInTroubleIsNoFalsePositiveButADetection) {
  const Outcome outcome = play_trial({.variant = variant_called("Lifeguard"),
                                      .nodes = 20,
                                      .troubled = 2,
                                      .on = seconds(60),
                                      .lasts = seconds(60),
                                      .detect_troubled = true});
  EXPECT_EQ(outcome.declared.at_healthy, 0);
  EXPECT_EQ(outcome.first.size(), 2);
  EXPECT_EQ(outcome.all.size(), 2);
  EXPECT_EQ(outcome.missed, 0);
}

TEST(Experiments, ACrashAmongTheTroubledIsDetected) {
  const Outcome outcome = play_trial({.variant = variant_called("Lifeguard"),
                                      .nodes = 20,
                                      .troubled = 3,
                                      .trouble = Trouble::pause,
                                      .on = milliseconds(700),
                                      .off = milliseconds(700),
                                      .lasts = seconds(80),
                                      .crashes = 1});
  EXPECT_EQ(outcome.all.size(), 1);
  EXPECT_EQ(outcome.missed, 0);
}

// Seven times in a minute.
TEST(Experiments, WhoStandsAtItsNextProbeAccusesOnceABlock) {
  constexpr std::size_t kTroubled = 4;
  Setting setting{.variant = variant_called("SWIM"),
                  .nodes = 20,
                  .troubled = kTroubled,
                  .trouble = Trouble::stand,
                  .on = milliseconds(8192),
                  .off = milliseconds(1024),
                  .lasts = seconds(60)};
  setting.variant.behaviour.stall_rule = false;
  const std::uint64_t standing = play_trial(setting).accused.at_all;
  EXPECT_GT(standing, 0);
  EXPECT_LE(standing, kTroubled * 7);
  setting.trouble = Trouble::block;
  EXPECT_GT(play_trial(setting).accused.at_all, standing);
}

TEST(Experiments, FalseAccusationsOfWhoIsWellAreCounted) {
  Setting lossy{
      .variant = variant_called("SWIM"), .nodes = 20, .troubled = 0, .lasts = seconds(60)};
  EXPECT_EQ(play_trial(lossy).accused.at_all, 0);
  lossy.link.loss = 0.3;
  const Outcome outcome = play_trial(lossy);
  EXPECT_GT(outcome.accused.at_all, 0);
  EXPECT_EQ(outcome.accused.at_healthy, outcome.accused.at_all);
}

TEST(Experiments, QuantilesAndMeans) {
  EXPECT_EQ(quantile({3, 1, 2}, 0.5), 2);
  EXPECT_EQ(quantile({3, 1, 2}, 1), 3);
  EXPECT_EQ(quantile({}, 0.5), 0);
  const std::vector<double> values{1, 2, 3};
  EXPECT_EQ(mean_of(values).mean, 2);
  EXPECT_NEAR(mean_of(values).error, 0.577, 0.001);
}

}  // namespace
}  // namespace memberlist::bench
