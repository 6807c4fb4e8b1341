#include "sim_sweep.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>

#include "sim_plots.hpp"
#include "sim_record.hpp"
#include "sim_summary.hpp"

namespace memberlist::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

sim::Scenario small() {
  sim::Scenario scenario;
  scenario.name = "small";
  scenario.nodes = 5;
  scenario.profile = Profile::local;
  scenario.config = Config::local();
  scenario.lasts = seconds(20);
  scenario.faults = {{.kind = sim::FaultKind::crash, .at = seconds(2)}};
  scenario.expect.detected_within = seconds(15);
  return scenario;
}

std::string records(const std::vector<sim::RunReport>& runs) {
  std::string all;
  for (const sim::RunReport& run : runs) all += record_line(run) + "\n";
  return all;
}

std::string seeds_error(std::string_view text) {
  const auto range = parse_seeds(text);
  return range ? "" : range.error().text;
}

// --- seeds ---------------------------------------------------------------------------------------

TEST(SimSweep, SeedsAreARangeOrOne) {
  const auto range = parse_seeds("3..7");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->seeds(), (std::vector<std::uint64_t>{3, 4, 5, 6, 7}));
  EXPECT_EQ(parse_seeds("9")->seeds(), (std::vector<std::uint64_t>{9}));
  EXPECT_EQ(parse_seeds("18446744073709551614..18446744073709551615")->seeds().size(), 2U);
  EXPECT_NE(seeds_error("7..3").find("give --seeds 3..7"), std::string::npos);
  for (const char* wrong : {"", "..", "1..", "..2", "1-2", "a..b", "-1..2", "1..2..3", "1 ..2",
                            "0..100000", "99999999999999999999"}) {
    EXPECT_NE(seeds_error(wrong), "") << wrong;
  }
}

TEST(SimSweep, ShardsDivideTheSeeds) {
  const auto shard = [](std::string_view text) {
    SeedRange range = *parse_seeds("1..10");
    const auto parsed = parse_shard(text, range);
    return parsed ? range.seeds() : std::vector<std::uint64_t>{};
  };
  EXPECT_EQ(shard("0/3"), (std::vector<std::uint64_t>{1, 4, 7, 10}));
  EXPECT_EQ(shard("1/3"), (std::vector<std::uint64_t>{2, 5, 8}));
  EXPECT_EQ(shard("2/3"), (std::vector<std::uint64_t>{3, 6, 9}));
  EXPECT_EQ(shard("9/10"), (std::vector<std::uint64_t>{10}));
  for (const char* wrong : {"", "3/3", "0/0", "0", "/3", "0/", "a/b", "-1/3", "0/11"}) {
    EXPECT_TRUE(shard(wrong).empty()) << wrong;
  }
}

// --- runs ----------------------------------------------------------------------------------------

TEST(SimSweep, ThreadsChangeNothing) {
  const std::vector<std::uint64_t> seeds{1, 2, 3, 4, 5};
  const auto one = run_sweep(small(), {.seeds = seeds, .jobs = 1});
  const auto three = run_sweep(small(), {.seeds = seeds, .jobs = 3});
  ASSERT_EQ(one.size(), 5U);
  EXPECT_EQ(records(one), records(three));
  EXPECT_EQ(one.front().seed, 1U);
  EXPECT_NE(one[0].trace_hash, one[1].trace_hash);
}

TEST(SimSweep, WhatIsStoppedKeepsWhatIsDone) {
  std::atomic<std::size_t> done = 0;
  const auto runs = run_sweep(
      small(),
      {.seeds = {1, 2, 3, 4, 5, 6, 7, 8}, .jobs = 1, .stopped = [&] { return ++done > 50; }});
  EXPECT_GE(runs.size(), 1U);
  EXPECT_LT(runs.size(), 8U);
  for (const sim::RunReport& run : runs) EXPECT_EQ(run.samples.size(), 20U);
}

TEST(SimSweep, ProgressEndsWithAll) {
  SweepProgress last;
  const auto runs = run_sweep(
      small(),
      {.seeds = {1, 2, 3}, .jobs = 2, .progress = [&](const SweepProgress& now) { last = now; }});
  EXPECT_EQ(runs.size(), 3U);
  EXPECT_EQ(last.done, 3U);
  EXPECT_EQ(last.all, 3U);
  EXPECT_DOUBLE_EQ(last.share, 1);
}

// All may be over before anybody looks, or while somebody does.
TEST(SimSweep, ProgressOfRunsThatTakeNoTimeEndsWithAllToo) {
  const auto at_once = [](const sim::Scenario&, std::uint64_t seed,
                          const std::function<bool(double)>&) {
    sim::RunReport report;
    report.seed = seed;
    report.complete = true;
    return report;
  };
  for (int sweep = 0; sweep < 300; ++sweep) {
    SweepProgress last;
    const auto runs = run_sweep(small(), {.seeds = {1, 2, 3},
                                          .jobs = 2,
                                          .progress = [&](const SweepProgress& now) { last = now; },
                                          .play = at_once});
    ASSERT_EQ(runs.size(), 3U);
    ASSERT_EQ(last.done, 3U) << "sweep " << sweep;
    ASSERT_DOUBLE_EQ(last.share, 1);
  }
}

TEST(SimSweep, MemoryIsCountedForEachPairOfNodes) {
  sim::Scenario scenario = small();
  scenario.nodes = 10'000;
  const std::uint64_t one = memory_needed(scenario, 1);
  EXPECT_EQ(one, 200ULL * 10'000 * 10'000 + 100'000ULL * 10'000);
  EXPECT_EQ(memory_needed(scenario, 4), 4 * one);
  scenario.faults.push_back({.kind = sim::FaultKind::join, .nodes = {.count = 10'000}});
  EXPECT_GT(memory_needed(scenario, 1), 3 * one);
  scenario.checks = sim::CheckLevel::none;
  EXPECT_LT(memory_needed(scenario, 1), 3 * one) << "nothing is known of what was said";
}

TEST(SimSweep, TooMuchMemoryIsRefusedWithBothFigures) {
  sim::Scenario scenario = small();
  scenario.nodes = 10'000;
  const auto text = [&](std::size_t jobs, std::optional<std::uint64_t> available) -> std::string {
    const auto checked = check_memory(scenario, jobs, available);
    return checked ? "" : checked.error().text;
  };
  EXPECT_EQ(text(1, 22'000'000'000), "");
  EXPECT_EQ(text(100, std::nullopt), "");
  EXPECT_EQ(text(4, 50'000'000'000),
            "4 runs at a time would need about 84.0 GB, and there are 50.0 GB: give --jobs 2");
  EXPECT_EQ(text(1, 1'000'000'000),
            "1 run at a time would need about 21.0 GB, and there are 1.0 GB: give fewer --nodes");
  EXPECT_TRUE(memory_available());
}

// --- records -------------------------------------------------------------------------------------

TEST(SimRecord, ALineHasTheWholeReport) {
  sim::RunReport report;
  report.seed = 18446744073709551615ULL;
  report.detections = {
      {.node = 3, .at = seconds(1), .first = milliseconds(5), .half = milliseconds(6), .all = {}}};
  report.false_positives = 4;
  report.false_positives_healthy = 3;
  report.suspicions = 9;
  report.formed_after = seconds(2);
  report.samples = {{.at = seconds(1),
                     .converged = 1.0 / 3,
                     .suspicions = 1,
                     .false_positives = 2,
                     .packets = 3,
                     .bytes = 4}};
  report.stats = {.events = 1,
                  .packets_sent = 2,
                  .packets_lost = 3,
                  .packets_overflowed = 4,
                  .bytes_sent = 5,
                  .node_seconds = 1.23456789012};
  report.checks.counts = {{.check = "a", .exercised = 7, .findings = 1}};
  report.checks.findings = {{.check = "a", .at = seconds(3), .node = "n\"1", .text = "wrong"}};
  report.trace_hash = 0xfedcba9876543210;
  const std::string line = record_line(report);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const auto again = read_record(line);
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(record_line(*again), line);
  EXPECT_EQ(again->seed, report.seed);
  EXPECT_EQ(again->detections.front().half, milliseconds(6));
  EXPECT_EQ(again->detections.front().all, std::nullopt);
  EXPECT_EQ(again->trace_hash, report.trace_hash);
  EXPECT_EQ(again->checks.findings.front().node, "n\"1");
  const sim::RunReport recorded = as_recorded(report);
  EXPECT_EQ(again->samples.front().converged, recorded.samples.front().converged);
  EXPECT_EQ(again->stats.node_seconds, recorded.stats.node_seconds);
}

TEST(SimRecord, WhatIsNoLineIsRefused) {
  for (const char* wrong : {"", "{}", "[]", "{\"seed\":\"x\"}", "nonsense"}) {
    EXPECT_FALSE(read_record(wrong)) << wrong;
  }
}

// --- summaries -----------------------------------------------------------------------------------

std::vector<sim::RunReport> hundred_runs() {
  std::vector<sim::RunReport> runs;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    sim::RunReport run;
    run.seed = seed;
    run.detections = {{.node = 1,
                       .at = seconds(2),
                       .first = seconds(seed),
                       .half = seconds(seed + 1),
                       .all = seconds(seed + 2)}};
    run.converged_after = seconds(seed);
    run.stats.packets_sent = 1000;
    run.stats.node_seconds = 100;
    run.samples = {{.at = seconds(1), .converged = 1, .packets = 10},
                   {.at = seconds(2), .converged = 0.5, .false_positives = 1, .packets = 20}};
    runs.push_back(std::move(run));
  }
  return runs;
}

TEST(SimSummary, PercentilesAreThoseOfTheRuns) {
  const Json json = summary_json(small(), hundred_runs());
  EXPECT_EQ(json["runs"], 100);
  EXPECT_EQ(json["detection"]["first"]["median_ns"], 50'000'000'000);
  EXPECT_EQ(json["detection"]["first"]["p99_ns"], 99'000'000'000);
  EXPECT_EQ(json["detection"]["first"]["max_ns"], 100'000'000'000);
  EXPECT_EQ(json["packets"]["per_node_second"], 10.0);
  EXPECT_EQ(json["findings_total"], 0);
}

TEST(SimSummary, WhatNeverHappenedIsCounted) {
  auto runs = hundred_runs();
  runs[0].detections[0].all.reset();
  const Json json = summary_json(small(), runs);
  EXPECT_EQ(json["detection"]["all"]["of"], 100);
  EXPECT_EQ(json["detection"]["all"]["happened"], 99);
  const std::string text = summary_text(small(), runs, std::nullopt, "small.toml");
  EXPECT_NE(text.find("99 of 100 faults"), std::string::npos) << text;
}

TEST(SimSummary, AFindingSaysHowToPlayItAgain) {
  auto runs = hundred_runs();
  EXPECT_FALSE(has_findings(runs));
  runs[6].checks.findings = {
      {.check = "expect_detected", .at = seconds(12), .node = "node-00001", .text = "late"}};
  EXPECT_TRUE(has_findings(runs));
  const std::string text = summary_text(small(), runs, std::nullopt, "small.toml");
  EXPECT_NE(text.find("memberlist sim run small.toml --seed 7\n"), std::string::npos) << text;
}

TEST(SimSummary, TablesHaveALineForEach) {
  const auto runs = hundred_runs();
  const std::string detections = detections_csv(std::span(runs).first(1));
  EXPECT_EQ(detections,
            "seed,node,at_s,first_s,half_s,all_s\n"
            "1,1,2.000000000,1.000000000,2.000000000,3.000000000\n");
  EXPECT_EQ(samples_csv(std::span(runs).first(1)),
            "seed,at_s,converged,suspicions,false_positives,packets,bytes\n"
            "1,1.000000000,1.000000,0,0,10,0\n1,2.000000000,0.500000,0,1,20,0\n");
}

TEST(SimPlots, EachIsDrawnFromTheRuns) {
  const auto runs = hundred_runs();
  EXPECT_EQ(plots_of(small()).size(), 4U);
  const SvgPlot detection = draw_plot(sim::Plot::detection, small(), runs);
  ASSERT_EQ(detection.lines.size(), 3U);
  EXPECT_EQ(detection.lines[0].points[50], (std::pair<double, double>(50, 50)));
  const SvgPlot convergence = draw_plot(sim::Plot::convergence, small(), runs);
  EXPECT_EQ(convergence.lines[0].points[1], (std::pair<double, double>(2, 50)));
  const SvgPlot false_positives = draw_plot(sim::Plot::false_positives, small(), runs);
  EXPECT_EQ(false_positives.lines[0].points[1], (std::pair<double, double>(2, 1)));
  const SvgPlot packets = draw_plot(sim::Plot::packets, small(), runs);
  EXPECT_EQ(packets.lines[0].points[1], (std::pair<double, double>(2, 4)));
  sim::Scenario quiet = small();
  quiet.faults.clear();
  EXPECT_EQ(plots_of(quiet).size(), 3U) << "there is nothing to detect";
}

}  // namespace
}  // namespace memberlist::cli
