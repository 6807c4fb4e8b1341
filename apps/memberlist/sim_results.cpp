#include "sim_results.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "files.hpp"
#include "memberlist/version.hpp"
#include "scenario_file.hpp"
#include "sim_plots.hpp"
#include "sim_record.hpp"

namespace memberlist::cli {

namespace {

constexpr std::string_view kScenarioFile = "scenario.toml";
constexpr std::string_view kRunsFile = "runs.jsonl";
constexpr std::string_view kTimingFile = "timing.json";
constexpr std::size_t kShownRanges = 10;

std::unexpected<CommandError> failed(std::string text) {
  return std::unexpected(CommandError{kExitFailed, std::move(text)});
}

std::string path_of(const std::string& directory, std::string_view file) {
  return (std::filesystem::path(directory) / file).string();
}

std::expected<std::string, CommandError> read_whole(const std::string& directory,
                                                    std::string_view name) {
  return read_file(path_of(directory, name), std::numeric_limits<std::size_t>::max() / 2);
}

// --- writing -------------------------------------------------------------------------------------

std::string pretty(const Json& json) { return json.dump(2) + "\n"; }

std::string sweep_text(const SweepResults& results) {
  return pretty({{"version", version()},
                 {"seeds", {{"first", results.range.first}, {"last", results.range.last}}},
                 {"shard", {{"index", results.range.shard}, {"of", results.range.shards}}},
                 {"complete", results.complete}});
}

std::string runs_text(const SweepResults& results) {
  std::string text;
  for (const sim::RunReport& run : results.runs) text += record_line(run) + "\n";
  return text;
}

std::string plot_file(sim::Plot plot) { return fmt::format("{}.svg", to_string(plot)); }

// --- reading -------------------------------------------------------------------------------------

std::expected<SeedRange, CommandError> read_range(const Json& sweep, const std::string& path) {
  if (sweep.at("version").get<std::string>() != version()) {
    return failed(fmt::format("{} was written by version {}, and this is {}: run it again", path,
                              sweep.at("version").get<std::string>(), version()));
  }
  const SeedRange range{.first = sweep.at("seeds").at("first").get<std::uint64_t>(),
                        .last = sweep.at("seeds").at("last").get<std::uint64_t>(),
                        .shard = sweep.at("shard").at("index").get<std::uint64_t>(),
                        .shards = sweep.at("shard").at("of").get<std::uint64_t>()};
  const bool possible = range.first <= range.last && range.last - range.first < kMaxSeeds &&
                        range.shard < range.shards;
  if (!possible) return failed(fmt::format("{} has an impossible range of seeds", path));
  return range;
}

std::expected<void, CommandError> read_sweep(SweepResults& results, const std::string& directory) {
  const std::string path = path_of(directory, kSweepFile);
  const auto text = read_whole(directory, kSweepFile);
  if (!text) return std::unexpected(text.error());
  try {
    const Json sweep = Json::parse(*text);
    const auto range = read_range(sweep, path);
    if (!range) return std::unexpected(range.error());
    results.range = *range;
    results.complete = sweep.at("complete").get<bool>();
    return {};
  } catch (const Json::exception& error) {
    return failed(fmt::format("{} cannot be read: {}", path, error.what()));
  }
}

std::expected<void, CommandError> read_runs(SweepResults& results, const std::string& directory) {
  const auto text = read_whole(directory, kRunsFile);
  if (!text) return std::unexpected(text.error());
  std::string_view left = *text;
  for (std::size_t line = 1; !left.empty(); ++line) {
    const std::size_t end = left.find('\n');
    auto run = read_record(left.substr(0, end));
    if (!run) {
      return failed(
          fmt::format("{}, line {}: {}", path_of(directory, kRunsFile), line, run.error().text));
    }
    results.runs.push_back(std::move(*run));
    left = end == std::string_view::npos ? std::string_view() : left.substr(end + 1);
  }
  return {};
}

// Figures of a machine, which nothing depends on: a file that is missing is no error.
SweepTiming read_timing(const std::string& directory) {
  const auto text = read_whole(directory, kTimingFile);
  const Json json = Json::parse(text.value_or(""), nullptr, false);
  if (!json.is_object()) return {};
  return {.wall_seconds = json.value("wall_seconds", 0.0),
          .cpu_seconds = json.value("cpu_seconds", 0.0),
          .node_seconds = json.value("node_seconds", 0.0)};
}

// --- merging -------------------------------------------------------------------------------------

// `3, 5 to 9`
std::string ranges_text(const std::vector<std::uint64_t>& sorted) {
  std::vector<std::string> ranges;
  for (std::size_t i = 0; i < sorted.size();) {
    std::size_t end = i;
    while (end + 1 < sorted.size() && sorted[end + 1] == sorted[end] + 1) ++end;
    if (ranges.size() == kShownRanges) {
      ranges.emplace_back("...");
      break;
    }
    ranges.push_back(i == end ? fmt::to_string(sorted[i])
                              : fmt::format("{} to {}", sorted[i], sorted[end]));
    i = end + 1;
  }
  return fmt::format("{}", fmt::join(ranges, ", "));
}

class Merger {
 public:
  std::expected<void, CommandError> add(const std::string& directory) {
    auto shard = read_results(directory);
    if (!shard) return std::unexpected(shard.error());
    if (first_.empty()) {
      first_ = directory;
      merged_.scenario = shard->scenario;
      merged_.range = {.first = shard->range.first, .last = shard->range.last};
    }
    if (const auto fits = check(*shard, directory); !fits) return fits;
    merged_.timing.cpu_seconds += shard->timing.cpu_seconds;
    merged_.timing.node_seconds += shard->timing.node_seconds;
    merged_.timing.wall_seconds = std::max(merged_.timing.wall_seconds, shard->timing.wall_seconds);
    for (sim::RunReport& run : shard->runs) {
      const auto [owner, is_new] = owners_.emplace(run.seed, directory);
      if (!is_new) {
        return failed(fmt::format("seed {} is in {} and in {}: give each shard once", run.seed,
                                  owner->second, directory));
      }
      merged_.runs.push_back(std::move(run));
    }
    return {};
  }

  std::expected<SweepResults, CommandError> finish() {
    std::vector<std::uint64_t> missing;
    for (const std::uint64_t seed : merged_.range.seeds()) {
      if (!owners_.contains(seed)) missing.push_back(seed);
    }
    if (!missing.empty()) {
      return failed(
          fmt::format("of the seeds {} to {} there are missing: {}: give all shards, and "
                      "run those again that were interrupted",
                      merged_.range.first, merged_.range.last, ranges_text(missing)));
    }
    merged_.complete = true;
    std::ranges::sort(merged_.runs, {}, &sim::RunReport::seed);
    return std::move(merged_);
  }

 private:
  std::expected<void, CommandError> check(const SweepResults& shard,
                                          const std::string& directory) const {
    if (to_toml(shard.scenario) != to_toml(merged_.scenario)) {
      return failed(fmt::format("{} has another scenario than {}: merge shards of one sweep",
                                directory, first_));
    }
    const SeedRange& all = merged_.range;
    if (shard.range.first != all.first || shard.range.last != all.last) {
      return failed(
          fmt::format("{} is of the seeds {} to {}, and {} of {} to {}: merge shards of "
                      "one sweep",
                      first_, all.first, all.last, directory, shard.range.first, shard.range.last));
    }
    for (const sim::RunReport& run : shard.runs) {
      if (run.seed >= all.first && run.seed <= all.last) continue;
      return failed(fmt::format("{} has the seed {}, which is not one of {} to {}", directory,
                                run.seed, all.first, all.last));
    }
    return {};
  }

  std::string first_;  // directory
  SweepResults merged_;
  std::map<std::uint64_t, std::string> owners_;  // directories, by seed
};

}  // namespace

std::expected<void, CommandError> write_file(const std::string& directory, std::string_view name,
                                             std::string_view text) {
  const std::string path = path_of(directory, name);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (file) return {};
  return failed(fmt::format("cannot write {}: {}: check the directory and its space", path,
                            std::generic_category().message(errno)));
}

std::expected<void, CommandError> prepare_directory(const std::string& directory,
                                                    std::string_view file) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return failed(fmt::format("--out {}: {}: give a directory that can be written to", directory,
                              error.message()));
  }
  return write_file(directory, file, "");
}

std::expected<void, CommandError> write_results(const std::string& directory,
                                                const SweepResults& results) {
  std::vector<std::pair<std::string, std::string>> files{
      {std::string(kScenarioFile), to_toml(results.scenario)},
      {std::string(kSweepFile), sweep_text(results)},
      {std::string(kRunsFile), runs_text(results)},
      {"summary.json", pretty(summary_json(results.scenario, results.runs))},
      {"samples.csv", samples_csv(results.runs)},
      {"detections.csv", detections_csv(results.runs)},
      {std::string(kTimingFile), pretty(timing_json(results.timing))}};
  if (!results.runs.empty()) {
    for (const sim::Plot plot : plots_of(results.scenario)) {
      files.emplace_back(plot_file(plot), to_svg(draw_plot(plot, results.scenario, results.runs)));
    }
  }
  for (const auto& [name, text] : files) {
    if (const auto written = write_file(directory, name, text); !written) return written;
  }
  return {};
}

std::expected<SweepResults, CommandError> read_results(const std::string& directory) {
  SweepResults results;
  const auto toml = read_whole(directory, kScenarioFile);
  if (!toml) return std::unexpected(toml.error());
  auto scenario = parse_scenario(*toml, path_of(directory, kScenarioFile));
  if (!scenario) return std::unexpected(scenario.error());
  results.scenario = std::move(*scenario);
  if (const auto read = read_sweep(results, directory); !read) return std::unexpected(read.error());
  if (const auto read = read_runs(results, directory); !read) return std::unexpected(read.error());
  results.timing = read_timing(directory);
  return results;
}

std::expected<SweepResults, CommandError> merge_results(
    const std::vector<std::string>& directories) {
  Merger merger;
  for (const std::string& directory : directories) {
    if (const auto added = merger.add(directory); !added) return std::unexpected(added.error());
  }
  return merger.finish();
}

}  // namespace memberlist::cli
