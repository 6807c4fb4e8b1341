#include "sim_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "text.hpp"

namespace memberlist::cli {

namespace {

constexpr std::size_t kMaxFindings = 100;
constexpr std::size_t kFindingsShown = 10;

// --- figures -------------------------------------------------------------------------------------

// Times of which some may be missing: what never happened.
struct Times {
  std::vector<Duration> sorted;
  std::size_t all = 0;

  void add(const std::optional<Duration>& time) {
    ++all;
    if (time) sorted.push_back(*time);
  }
  // The smallest one that so many of a hundred do not exceed.
  [[nodiscard]] Duration percentile(std::size_t percent) const {
    const std::size_t rank = (sorted.size() * percent + 99) / 100;
    return sorted[std::max<std::size_t>(rank, 1) - 1];
  }
};

Times sorted(Times times) {
  std::ranges::sort(times.sorted);
  return times;
}

Times detection_times(std::span<const sim::RunReport> runs,
                      std::optional<Duration> sim::Detection::* moment) {
  Times times;
  for (const sim::RunReport& run : runs) {
    for (const sim::Detection& detection : run.detections) times.add(detection.*moment);
  }
  return sorted(std::move(times));
}

Times run_times(std::span<const sim::RunReport> runs,
                std::optional<Duration> sim::RunReport::* moment) {
  Times times;
  for (const sim::RunReport& run : runs) times.add(run.*moment);
  return sorted(std::move(times));
}

struct Totals {
  std::uint64_t false_positives = 0;
  std::uint64_t healthy = 0;
  std::uint64_t runs_with = 0;  // false positives
  std::uint64_t suspicions = 0;
  std::uint64_t findings = 0;
  sim::WorldStats stats;
  std::vector<sim::CheckCount> checks;  // in the order in which they come up
};

void add_checks(Totals& totals, const sim::CheckReport& checks) {
  for (const sim::CheckCount& count : checks.counts) {
    auto known = std::ranges::find(totals.checks, count.check, &sim::CheckCount::check);
    if (known == totals.checks.end()) {
      known = totals.checks.insert(known, {.check = count.check});
    }
    known->exercised += count.exercised;
    known->findings += count.findings;
  }
}

Totals totals_of(std::span<const sim::RunReport> runs) {
  Totals totals;
  for (const sim::RunReport& run : runs) {
    totals.false_positives += run.false_positives;
    totals.healthy += run.false_positives_healthy;
    totals.runs_with += run.false_positives > 0 ? 1 : 0;
    totals.suspicions += run.suspicions;
    totals.findings += run.checks.findings.size();
    totals.stats.events += run.stats.events;
    totals.stats.packets_sent += run.stats.packets_sent;
    totals.stats.packets_lost += run.stats.packets_lost;
    totals.stats.packets_overflowed += run.stats.packets_overflowed;
    totals.stats.bytes_sent += run.stats.bytes_sent;
    totals.stats.node_seconds += run.stats.node_seconds;
    add_checks(totals, run.checks);
  }
  return totals;
}

double for_each_node_second(std::uint64_t count, const sim::WorldStats& stats) {
  return stats.node_seconds > 0 ? static_cast<double>(count) / stats.node_seconds : 0;
}

bool has_detections(std::span<const sim::RunReport> runs) {
  return std::ranges::any_of(runs, [](const auto& run) { return !run.detections.empty(); });
}

// --- JSON ----------------------------------------------------------------------------------------

Json times_json(const Times& times) {
  Json json{{"of", times.all}, {"happened", times.sorted.size()}};
  if (times.sorted.empty()) return json;
  json["median_ns"] = times.percentile(50).count();
  json["p99_ns"] = times.percentile(99).count();
  json["max_ns"] = times.sorted.back().count();
  return json;
}

Json findings_json(std::span<const sim::RunReport> runs) {
  Json all = Json::array();
  for (const sim::RunReport& run : runs) {
    for (const sim::Finding& finding : run.checks.findings) {
      if (all.size() == kMaxFindings) return all;
      all.push_back({{"seed", run.seed},
                     {"check", finding.check},
                     {"at_ns", finding.at.count()},
                     {"node", finding.node},
                     {"text", finding.text}});
    }
  }
  return all;
}

// --- text ----------------------------------------------------------------------------------------

std::string short_time(Duration time) {
  const double seconds = std::chrono::duration<double>(time).count();
  return seconds < 1 ? fmt::format("{:.0f} ms", seconds * 1e3) : fmt::format("{:.2f} s", seconds);
}

std::string times_text(std::string_view label, const Times& times, std::string_view what) {
  std::string line = pad_right(label, 18);
  if (times.sorted.empty()) return line + fmt::format("in none of {} {}\n", times.all, what);
  line += fmt::format("{:>10}{:>10}{:>10}", short_time(times.percentile(50)),
                      short_time(times.percentile(99)), short_time(times.sorted.back()));
  if (times.sorted.size() != times.all) {
    line += fmt::format("   {} of {} {}", times.sorted.size(), times.all, what);
  }
  return line + "\n";
}

std::string times_header() {
  return pad_right("", 18) + fmt::format("{:>10}{:>10}{:>10}\n", "median", "99 %", "most");
}

std::string head_text(const sim::Scenario& scenario, std::span<const sim::RunReport> runs) {
  std::string text = scenario.name;
  if (!scenario.description.empty()) text += ": " + escape_controls(scenario.description);
  text += fmt::format("\n{} nodes for {}, {} {}", scenario.nodes, format_duration(scenario.lasts),
                      runs.size(), runs.size() == 1 ? "run" : "runs");
  if (!runs.empty()) {
    text += runs.size() == 1
                ? fmt::format(" (seed {})", runs.front().seed)
                : fmt::format(" (seeds {} to {})", runs.front().seed, runs.back().seed);
  }
  return text + "\n\n";
}

// `label` and the items, in lines of the width of a terminal.
std::string wrapped(std::string_view label, const std::vector<std::string>& items) {
  constexpr std::size_t kColumn = 18;
  constexpr std::size_t kWidth = 100;
  std::string text;
  std::string line = pad_right(label, kColumn);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string item = items[i] + (i + 1 < items.size() ? ", " : "");
    if (line.size() + item.size() > kWidth) {
      text += std::string(line, 0, line.find_last_not_of(' ') + 1) + "\n";
      line.assign(kColumn, ' ');
    }
    line += item;
  }
  return text + line + "\n";
}

std::string checks_text(const Totals& totals) {
  std::vector<std::string> done;
  std::vector<std::string> idle;
  for (const sim::CheckCount& count : totals.checks) {
    if (count.exercised > 0) {
      done.push_back(fmt::format("{} {}", count.check, count.exercised));
    } else {
      idle.push_back(count.check);
    }
  }
  return (done.empty() ? "" : wrapped("checked", done)) +
         (idle.empty() ? "" : wrapped("nothing to check", idle));
}

std::string findings_text(std::span<const sim::RunReport> runs, std::uint64_t all,
                          const std::string& file) {
  std::string text = fmt::format("\n{} {}:\n", all, all == 1 ? "finding" : "findings");
  std::size_t shown = 0;
  for (const sim::RunReport& run : runs) {
    // Of each run the first; the others are in runs.jsonl.
    if (run.checks.findings.empty() || shown == kFindingsShown) continue;
    ++shown;
    const sim::Finding& finding = run.checks.findings.front();
    text += fmt::format("  seed {}, {} after {}{}: {}\n    memberlist sim run {} --seed {}\n",
                        run.seed, finding.check, short_time(finding.at),
                        finding.node.empty() ? "" : ", " + escape_controls(finding.node),
                        escape_controls(finding.text), escape_controls(file), run.seed);
  }
  return text;
}

// Whole nanoseconds as seconds, exactly.
std::string seconds_text(Duration time) {
  constexpr std::int64_t kBillion = 1'000'000'000;
  return fmt::format("{}.{:09}", time.count() / kBillion, time.count() % kBillion);
}

std::string seconds_text(const std::optional<Duration>& time) {
  return time ? seconds_text(*time) : "";
}

}  // namespace

Json summary_json(const sim::Scenario& scenario, std::span<const sim::RunReport> runs) {
  const Totals totals = totals_of(runs);
  Json json{{"scenario", scenario.name},
            {"nodes", scenario.nodes},
            {"lasts_ns", scenario.lasts.count()},
            {"runs", runs.size()},
            {"first_seed", runs.empty() ? Json(nullptr) : Json(runs.front().seed)},
            {"last_seed", runs.empty() ? Json(nullptr) : Json(runs.back().seed)}};
  if (has_detections(runs)) {
    json["detection"] = {{"first", times_json(detection_times(runs, &sim::Detection::first))},
                         {"half", times_json(detection_times(runs, &sim::Detection::half))},
                         {"all", times_json(detection_times(runs, &sim::Detection::all))}};
  }
  if (!scenario.formed) json["formed"] = times_json(run_times(runs, &sim::RunReport::formed_after));
  json["converged"] = times_json(run_times(runs, &sim::RunReport::converged_after));
  json["false_positives"] = {{"total", totals.false_positives},
                             {"at_healthy_nodes", totals.healthy},
                             {"runs", totals.runs_with}};
  json["suspicions"] = totals.suspicions;
  json["packets"] = {
      {"sent", totals.stats.packets_sent},
      {"lost", totals.stats.packets_lost},
      {"overflowed", totals.stats.packets_overflowed},
      {"bytes", totals.stats.bytes_sent},
      {"per_node_second", for_each_node_second(totals.stats.packets_sent, totals.stats)}};
  json["events"] = totals.stats.events;
  json["node_seconds"] = totals.stats.node_seconds;
  Json checks = Json::array();
  for (const sim::CheckCount& count : totals.checks) {
    checks.push_back(
        {{"check", count.check}, {"exercised", count.exercised}, {"findings", count.findings}});
  }
  json["checks"] = std::move(checks);
  json["findings_total"] = totals.findings;
  json["findings"] = findings_json(runs);
  return json;
}

Json timing_json(const SweepTiming& timing) {
  return {{"wall_seconds", timing.wall_seconds},
          {"cpu_seconds", timing.cpu_seconds},
          {"node_seconds", timing.node_seconds},
          {"node_seconds_a_core_second", timing.speed()}};
}

std::string summary_text(const sim::Scenario& scenario, std::span<const sim::RunReport> runs,
                         const std::optional<SweepTiming>& timing, const std::string& file) {
  const Totals totals = totals_of(runs);
  std::string text = head_text(scenario, runs) + times_header();
  if (has_detections(runs)) {
    text += times_text("detected by one", detection_times(runs, &sim::Detection::first), "faults");
    text += times_text("by half", detection_times(runs, &sim::Detection::half), "faults");
    text += times_text("by all", detection_times(runs, &sim::Detection::all), "faults");
  }
  if (!scenario.formed) {
    text += times_text("formed after", run_times(runs, &sim::RunReport::formed_after), "runs");
  }
  text += times_text("converged after", run_times(runs, &sim::RunReport::converged_after), "runs");
  text += fmt::format("\nfalse positives   {} ({} at healthy nodes), in {} of {} runs\n",
                      totals.false_positives, totals.healthy, totals.runs_with, runs.size());
  text += fmt::format("suspicions        {}\n", totals.suspicions);
  text += fmt::format("packets           {:.2f} and {:.0f} bytes a node and second, {} lost\n",
                      for_each_node_second(totals.stats.packets_sent, totals.stats),
                      for_each_node_second(totals.stats.bytes_sent, totals.stats),
                      totals.stats.packets_lost);
  text += checks_text(totals);
  text += fmt::format("simulated         {:.0f} node-seconds", totals.stats.node_seconds);
  if (timing) {
    text +=
        fmt::format(" in {:.1f} s, {:.0f} a core-second", timing->wall_seconds, timing->speed());
  }
  text += "\n";
  return totals.findings == 0 ? text : text + findings_text(runs, totals.findings, file);
}

std::string detections_csv(std::span<const sim::RunReport> runs) {
  std::string text = "seed,node,at_s,first_s,half_s,all_s\n";
  for (const sim::RunReport& run : runs) {
    for (const sim::Detection& detection : run.detections) {
      text += fmt::format("{},{},{},{},{},{}\n", run.seed, detection.node,
                          seconds_text(detection.at), seconds_text(detection.first),
                          seconds_text(detection.half), seconds_text(detection.all));
    }
  }
  return text;
}

std::string samples_csv(std::span<const sim::RunReport> runs) {
  std::string text = "seed,at_s,converged,suspicions,false_positives,packets,bytes\n";
  for (const sim::RunReport& run : runs) {
    for (const sim::Sample& sample : run.samples) {
      text += fmt::format("{},{},{:.6f},{},{},{},{}\n", run.seed, seconds_text(sample.at),
                          sample.converged, sample.suspicions, sample.false_positives,
                          sample.packets, sample.bytes);
    }
  }
  return text;
}

bool has_findings(std::span<const sim::RunReport> runs) {
  return std::ranges::any_of(runs, [](const auto& run) { return !run.checks.passed(); });
}

}  // namespace memberlist::cli
