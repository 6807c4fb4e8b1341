#include "futures_report.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace memberlist::cli {
namespace {

using std::chrono::seconds;

/// Four futures of each of so many forks; `dead` says in how many of them it is declared dead.
FuturesResults results_of(const std::vector<std::size_t>& dead, bool actually = true) {
  FuturesResults results;
  results.scenario.name = "mine";
  results.member = "node-00002";
  results.runs = 4;
  results.actual.ending = {.declared = 9, .others = 9, .by_one = actually, .by_all = actually};
  if (actually) results.actual.first_dead = results.actual.last_dead = seconds(20);
  results.actual.story = {{seconds(11), "node-00001 pings it"}, {seconds(13), "it is dead"}};
  for (std::size_t fork = 0; fork < dead.size(); ++fork) {
    results.forks.push_back(seconds(10 + fork));
    for (std::size_t i = 0; i < results.runs; ++i) {
      results.endings.push_back(Ending{.by_one = i < dead[fork], .by_all = false});
    }
  }
  return results;
}

std::optional<std::size_t> inevitable(const FuturesResults& results) {
  return inevitable_from(results, count_forks(results));
}

TEST(FuturesReport, AnEndIsInevitableOnceAllFuturesHaveIt) {
  EXPECT_EQ(inevitable(results_of({0, 2, 4, 4})), 2U);
  EXPECT_EQ(inevitable(results_of({4, 2, 4, 4})), 2U) << "a fork by which it was not";
  EXPECT_EQ(inevitable(results_of({4, 4})), 0U);
  EXPECT_EQ(inevitable(results_of({4, 3})), std::nullopt);
  EXPECT_EQ(inevitable(results_of({1, 0, 0}, false)), 1U) << "the end is that it lives";
}

TEST(FuturesReport, ForksThatWereNotPlayedProveNothing) {
  FuturesResults results = results_of({4, 4});
  results.endings.back().reset();
  EXPECT_EQ(inevitable(results), std::nullopt);
  EXPECT_EQ(count_forks(results)[1].runs, 3U);
  results.endings.resize(4);
  EXPECT_EQ(count_forks(results)[1].runs, 0U);
  EXPECT_EQ(futures_text(results).find("nan"), std::string::npos);
}

TEST(FuturesReport, AnIntervalHasTheShareInIt) {
  const Interval none = interval_of(0, 100);
  EXPECT_EQ(none.low, 0);
  EXPECT_NEAR(none.high, 0.037, 0.001);
  const Interval half = interval_of(50, 100);
  EXPECT_NEAR(half.low, 0.404, 0.001);
  EXPECT_NEAR(half.high, 0.596, 0.001);
  EXPECT_EQ(interval_of(100, 100).high, 1);
  EXPECT_EQ(interval_of(0, 0).high, 1) << "nothing is known";
}

TEST(FuturesReport, EachMomentHasTheProbabilityOfTheForkBefore) {
  const std::string text = futures_text(results_of({0, 1, 4, 4}));
  EXPECT_NE(text.find("   11.000 s    25 %  node-00001 pings it\n"), std::string::npos) << text;
  EXPECT_NE(text.find("   13.000 s   100 %  it is dead\n"), std::string::npos) << text;
  EXPECT_NE(text.find("about node-00002: it is declared dead at 20.000 s\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("between 11.000 s and 12.000 s"), std::string::npos) << text;
}

TEST(FuturesReport, FuturesHaveDifferentSeeds) {
  EXPECT_NE(future_seed(1, 0), future_seed(1, 1));
  EXPECT_NE(future_seed(1, 0), future_seed(2, 0));
}

TEST(FuturesReport, JsonHasTheSame) {
  const Json json = futures_json(results_of({0, 2, 4}));
  EXPECT_EQ(json["forks"].size(), 3U);
  EXPECT_EQ(json["forks"][1]["by_one"], 2);
  EXPECT_EQ(json["inevitable_from_ns"], 12'000'000'000);
  EXPECT_EQ(json["story"][0]["text"], "node-00001 pings it");
  EXPECT_EQ(futures_json(results_of({0}))["inevitable_from_ns"], nullptr);
}

}  // namespace
}  // namespace memberlist::cli
