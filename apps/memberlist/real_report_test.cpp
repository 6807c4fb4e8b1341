#include "real_report.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sim_plots.hpp"

namespace memberlist::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

sim::Scenario crash() {
  sim::Scenario scenario;
  scenario.name = "crash";
  scenario.nodes = 2;
  scenario.lasts = seconds(10);
  scenario.faults = {{.kind = sim::FaultKind::crash, .at = seconds(1)}};
  return scenario;
}

sim::RunReport run(std::optional<Duration> detected, std::uint64_t packets) {
  sim::RunReport report;
  report.detections = {
      {.node = 1, .at = seconds(1), .first = detected, .half = detected, .all = detected}};
  report.samples = {{.at = seconds(1), .packets = packets / 2},
                    {.at = seconds(2), .packets = packets - packets / 2}};
  return report;
}

const ComparedFigure& find(const std::vector<ComparedFigure>& figures, std::string_view name) {
  return *std::ranges::find(figures, name, &ComparedFigure::name);
}

TEST(RealReport, MediansAndTheirRatio) {
  const std::vector simulated{run(seconds(2), 40), run(seconds(4), 40), run(seconds(3), 40)};
  const std::vector real{run(milliseconds(3300), 44), run(std::nullopt, 44)};
  const auto figures = compare_runs(crash(), simulated, real);
  const ComparedFigure& all = find(figures, "by all");
  EXPECT_EQ(all.simulated.median, 3);
  EXPECT_NEAR(all.simulated.low, 2.2, 1e-9);
  EXPECT_NEAR(all.simulated.high, 3.8, 1e-9);
  EXPECT_EQ(all.real.of, 2U);
  EXPECT_EQ(all.real.happened, 1U);
  EXPECT_NEAR(all.ratio().value(), 1.1, 1e-9);
  const ComparedFigure& packets = find(figures, "packets");
  EXPECT_EQ(packets.simulated.median, 2) << "of one node in one second";
  EXPECT_NEAR(packets.ratio().value(), 1.1, 1e-9);
  EXPECT_FALSE(find(figures, "converged after").ratio()) << "it never was";
}

TEST(RealReport, HasWhatTheScenarioMeasures) {
  const std::vector runs{run(seconds(2), 40)};
  sim::Scenario scenario = crash();
  const auto has = [&](std::string_view name) {
    const auto figures = compare_runs(scenario, runs, runs);
    return std::ranges::find(figures, name, &ComparedFigure::name) != figures.end();
  };
  EXPECT_TRUE(has("by all"));
  EXPECT_FALSE(has("formed after"));
  scenario.formed = false;
  scenario.faults.clear();
  EXPECT_FALSE(has("by all"));
  EXPECT_TRUE(has("formed after"));
}

TEST(RealReport, IsTextAndJsonAndCsv) {
  const std::vector simulated{run(seconds(2), 40)};
  const std::vector real{run(seconds(3), 30), run(std::nullopt, 30)};
  const std::string text = comparison_text(crash(), simulated, real);
  EXPECT_NE(text.find("2 nodes for 10s, 1 simulated and 2 real runs"), std::string::npos) << text;
  EXPECT_NE(text.find("real only 1 of 2"), std::string::npos) << text;
  EXPECT_NE(text.find("converged after"), std::string::npos) << text;
  EXPECT_NE(text.find("in none of 1"), std::string::npos) << text;
  const Json json = comparison_json(crash(), simulated, real);
  EXPECT_EQ(json["real_runs"], 2);
  EXPECT_EQ(json["figures"][0]["figure"], "detected by one");
  EXPECT_EQ(json["figures"][0]["ratio"], 1.5);
  const std::string csv = comparison_csv(compare_runs(crash(), simulated, real));
  EXPECT_NE(csv.find("\nby all,s,1,1,2.000000,2.000000,2.000000,2,1,3.000000,3.000000,3.000000,"
                     "1.500000\n"),
            std::string::npos)
      << csv;
  EXPECT_NE(csv.find("\nconverged after,s,1,0,,,,2,0,,,,\n"), std::string::npos) << csv;
}

TEST(RealReport, APictureHasBoth) {
  const std::vector simulated{run(seconds(2), 40)};
  const std::vector real{run(seconds(3), 30)};
  const SvgPlot detection = draw_comparison(sim::Plot::detection, crash(), simulated, real);
  EXPECT_EQ(detection.lines.size(), 4U);
  EXPECT_NE(detection.subtitle.find("1 simulated and 1 real"), std::string::npos);
  const SvgPlot packets = draw_comparison(sim::Plot::packets, crash(), simulated, real);
  ASSERT_EQ(packets.lines.size(), 2U);
  EXPECT_EQ(packets.lines[0].points[0].second, 10);
  EXPECT_EQ(packets.lines[1].points[0].second, 7.5);
}

}  // namespace
}  // namespace memberlist::cli
