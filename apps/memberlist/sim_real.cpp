#include "sim_real.hpp"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "mistakes.hpp"
#include "output.hpp"
#include "progress_bar.hpp"
#include "real_network.hpp"
#include "real_play.hpp"
#include "real_report.hpp"
#include "real_rules.hpp"
#include "scenario_file.hpp"
#include "signals.hpp"
#include "sim_plots.hpp"
#include "sim_record.hpp"
#include "sim_results.hpp"
#include "sim_sweep.hpp"

namespace memberlist::cli {

namespace {

constexpr int kExitSignal = 128;  // and the signal's number, as shells have it
constexpr std::uint64_t kMaxRuns = 1000;
constexpr std::size_t kMaxJobs = 16;
// One way between two namespaces, a switch included, as the agents' own pings measure it.
constexpr Duration kLatency = std::chrono::microseconds(100);

struct RealArguments {
  std::string file;
  std::optional<std::size_t> nodes;
  std::string seeds = "1..50";
  std::uint64_t seed = 1;
  std::uint64_t runs = 5;
  std::size_t jobs = 1;
  std::string out;
  std::string format = "text";
};

// What is to be done.
struct RealPlan {
  sim::Scenario real;
  sim::Scenario simulated;  // on such links as this machine's
  SeedRange real_range;
  SeedRange simulated_range;
  NetworkTools tools;
};

// What came of it.
struct BothResults {
  SweepResults simulated;
  SweepResults real;
};

sim::Scenario on_this_machine(sim::Scenario scenario) {
  scenario.link.latency = kLatency;
  scenario.link.jitter = Duration::zero();
  scenario.link.latencies = sim::LatencyTable();
  return scenario;
}

// All that is wrong, before anything starts.
std::expected<RealPlan, CommandError> plan_real(const RealArguments& arguments) {
  Mistakes mistakes;
  const auto range = parse_seeds(arguments.seeds);
  if (!range) mistakes.add(range.error());
  const auto scenario = load_scenario(arguments.file, {.nodes = arguments.nodes}, real_mistakes);
  if (!scenario) mistakes.add(scenario.error(), 1);
  if (auto error = mistakes.error()) return std::unexpected(std::move(*error));
  auto tools = NetworkTools::find();
  if (!tools) return std::unexpected(tools.error());
  if (const auto network = NetworkNamespace::create(); !network) {
    return std::unexpected(network.error());
  }
  return RealPlan{
      .real = *scenario,
      .simulated = on_this_machine(*scenario),
      .real_range = {.first = arguments.seed, .last = arguments.seed + arguments.runs - 1},
      .simulated_range = *range,
      .tools = std::move(*tools)};
}

// The runs of a sweep, as a directory has them.
SweepResults play_sweep(const sim::Scenario& scenario, const SeedRange& range,
                        const SweepOptions& options) {
  SweepResults results{.scenario = scenario, .range = range, .runs = {}, .timing = {}};
  const auto begun = std::chrono::steady_clock::now();
  results.runs = run_sweep(scenario, options);
  for (sim::RunReport& run : results.runs) {
    run = as_recorded(run);
    results.timing.node_seconds += run.stats.node_seconds;
  }
  results.complete = results.runs.size() == range.seeds().size();
  results.timing.wall_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return results;
}

SweepResults simulate(const RealPlan& plan, const std::atomic<int>& signal) {
  ProgressBar bar;
  return play_sweep(plan.simulated, plan.simulated_range,
                    {.seeds = plan.simulated_range.seeds(),
                     .jobs = std::max(1U, std::thread::hardware_concurrency()),
                     .progress = [&](const SweepProgress& now) { bar.draw(now, "simulated runs"); },
                     .stopped = [&] { return signal != 0; }});
}

// Error: what went wrong first.
std::expected<SweepResults, CommandError> play_agents(const RealPlan& plan, std::size_t jobs,
                                                      const std::atomic<int>& signal) {
  std::mutex mutex;
  std::optional<CommandError> failure;
  std::atomic<bool> failed = false;
  const PlayRun play = [&](const sim::Scenario& scenario, std::uint64_t seed,
                           const std::function<bool(double)>& progress) {
    auto report = play_real(scenario, seed, plan.tools, progress);
    if (report) return std::move(*report);
    const std::lock_guard lock(mutex);
    if (!failure) failure = std::move(report.error());
    failed = true;
    return sim::RunReport{.complete = false};
  };
  ProgressBar bar;
  SweepResults results =
      play_sweep(plan.real, plan.real_range,
                 {.seeds = plan.real_range.seeds(),
                  .jobs = jobs,
                  .progress = [&](const SweepProgress& now) { bar.draw(now, "real runs"); },
                  .stopped = [&] { return signal != 0 || failed; },
                  .play = play});
  if (failure) return std::unexpected(std::move(*failure));
  return results;
}

std::expected<void, CommandError> write_both(const std::string& directory,
                                             const BothResults& both) {
  const auto& [simulated, real] = both;
  const sim::Scenario& scenario = real.scenario;
  for (const auto& [name, results] : {std::pair("simulated", &simulated), {"real", &real}}) {
    const std::string inner = directory + "/" + name;
    if (const auto there = prepare_directory(inner, kSweepFile); !there) return there;
    if (const auto written = write_results(inner, *results); !written) return written;
  }
  std::vector<std::pair<std::string, std::string>> files{
      {"comparison.json", comparison_json(scenario, simulated.runs, real.runs).dump(2) + "\n"},
      {"comparison.csv", comparison_csv(compare_runs(scenario, simulated.runs, real.runs))}};
  for (const sim::Plot plot : plots_of(scenario)) {
    if (plot != sim::Plot::detection && plot != sim::Plot::packets) continue;
    if (simulated.runs.empty() || real.runs.empty()) continue;
    files.emplace_back(fmt::format("{}.svg", to_string(plot)),
                       to_svg(draw_comparison(plot, scenario, simulated.runs, real.runs)));
  }
  for (const auto& [name, text] : files) {
    if (const auto written = write_file(directory, name, text); !written) return written;
  }
  return {};
}

int finish(const BothResults& both, const RealArguments& arguments) {
  const auto& [simulated, real] = both;
  const int printed =
      print(arguments.format == "json"
                ? to_line(comparison_json(real.scenario, simulated.runs, real.runs)) + "\n"
                : comparison_text(real.scenario, simulated.runs, real.runs));
  if (!arguments.out.empty()) {
    if (const auto written = write_both(arguments.out, both); !written) {
      return report(written.error());
    }
  }
  return printed;
}

int run_real(const RealArguments& arguments) {
  const auto plan = plan_real(arguments);
  if (!plan) return report(plan.error());
  std::atomic<int> signal = 0;
  // Before the threads of the sweeps, which leave the signals to it.
  const SignalWatcher watcher(end_signals(), [&](int number) { signal = number; });
  if (!arguments.out.empty()) {
    if (const auto there = prepare_directory(arguments.out + "/real", kSweepFile); !there) {
      return report(there.error());
    }
  }
  BothResults both{.simulated = simulate(*plan, signal), .real = {}};
  auto real = play_agents(*plan, arguments.jobs, signal);
  if (!real) return report(real.error());
  both.real = std::move(*real);
  const int code = finish(both, arguments);
  if (signal == 0) return code;
  warn(fmt::format("ended early, after {} of {} real runs", both.real.runs.size(), arguments.runs));
  return kExitSignal + signal;
}

}  // namespace

void add_real_command(CLI::App& app, Run& run) {
  const auto arguments = std::make_shared<RealArguments>();
  CLI::App* command = add_command(
      app, "real", "play a scenario with real agents beside the simulated one; needs root",
      "memberlist sim real crash-one --nodes 10 --runs 5 --out results");
  command
      ->add_option("FILE", arguments->file,
                   "a scenario's TOML file, - for standard input, or the name of one that `sim "
                   "list` shows")
      ->required()
      ->type_name("");
  command->add_option("--nodes", arguments->nodes, "so many nodes, in place of the scenario's")
      ->type_name("N");
  command->add_option("--runs", arguments->runs, "so many runs with agents")
      ->check(CLI::Range(std::uint64_t{1}, kMaxRuns))
      ->capture_default_str()
      ->type_name("N");
  command->add_option("--seed", arguments->seed, "the seed of the first of them")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1} << 62))
      ->capture_default_str()
      ->type_name("S");
  command->add_option("--jobs", arguments->jobs, "so many of them at a time")
      ->check(CLI::Range(std::size_t{1}, kMaxJobs))
      ->capture_default_str()
      ->type_name("N");
  command->add_option("--seeds", arguments->seeds, "a simulated run for each of these seeds")
      ->capture_default_str()
      ->type_name("A..B");
  command
      ->add_option("--out", arguments->out,
                   "a directory for JSON, CSV and plots; files that are there are replaced")
      ->type_name("DIR");
  command->add_option("--format", arguments->format)
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->callback([arguments, &run] { run = [arguments] { return run_real(*arguments); }; });
}

}  // namespace memberlist::cli
