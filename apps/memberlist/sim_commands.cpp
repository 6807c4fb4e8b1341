// `memberlist sim`: scenarios in virtual time (docs/simulator.md).

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <atomic>
#include <chrono>
#include <csignal>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "mistakes.hpp"
#include "output.hpp"
#include "progress_bar.hpp"
#include "scenario_file.hpp"
#include "signals.hpp"
#include "sim_futures.hpp"
#include "sim_fuzz.hpp"
#include "sim_real.hpp"
#include "sim_record.hpp"
#include "sim_results.hpp"
#include "sim_summary.hpp"
#include "sim_sweep.hpp"
#include "text.hpp"

namespace memberlist::cli {

namespace {

constexpr int kExitSignal = 128;  // and the signal's number, as shells have it

struct RunArguments {
  std::string file;
  std::optional<std::size_t> nodes;
  std::optional<std::uint64_t> seed;
  std::string seeds;
  std::string shard;
  std::size_t jobs = 0;  // 0: one for each core
  std::string out;
  std::string format = "text";
};

struct MergeArguments {
  std::vector<std::string> directories;
  std::string out;
  std::string format = "text";
};

// What a sweep is to do.
struct Plan {
  sim::Scenario scenario;
  SeedRange range;
  std::size_t jobs = 1;
};

std::expected<SeedRange, CommandError> plan_seeds(const RunArguments& arguments) {
  if (arguments.seed && !arguments.seeds.empty()) {
    return std::unexpected(
        CommandError{kExitUsage, "--seed and --seeds are both given: give one of them"});
  }
  if (!arguments.seeds.empty()) return parse_seeds(arguments.seeds);
  const std::uint64_t seed = arguments.seed.value_or(1);
  return SeedRange{.first = seed, .last = seed};
}

std::size_t plan_jobs(const RunArguments& arguments, const SeedRange& range) {
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t jobs = arguments.jobs == 0 ? cores : arguments.jobs;
  return std::min(jobs, range.seeds().size());
}

// All that is wrong, before anything runs.
std::expected<Plan, CommandError> plan_run(const RunArguments& arguments) {
  Mistakes mistakes;
  Plan plan;
  auto range = plan_seeds(arguments);
  if (!range) {
    mistakes.add(range.error());
  } else if (!arguments.shard.empty()) {
    const auto shard = parse_shard(arguments.shard, *range);
    if (!shard) mistakes.add(shard.error());
  }
  auto scenario = load_scenario(arguments.file, {.nodes = arguments.nodes});
  // Their lines are in their texts.
  if (!scenario) mistakes.add(scenario.error(), 1);
  if (auto error = mistakes.error()) return std::unexpected(std::move(*error));
  plan.scenario = std::move(*scenario);
  plan.range = *range;
  plan.jobs = plan_jobs(arguments, plan.range);
  const auto fits = check_memory(plan.scenario, plan.jobs, memory_available());
  if (!fits) return std::unexpected(fits.error());
  return plan;
}

double process_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

int print_summary(const SweepResults& results, const std::string& format, const std::string& file) {
  if (format == "json") {
    Json json = summary_json(results.scenario, results.runs);
    json["timing"] = timing_json(results.timing);
    return print(to_line(json) + "\n");
  }
  return print(summary_text(results.scenario, results.runs, results.timing, file));
}

// The exit code of results that are printed and written.
int finish(const SweepResults& results, const std::string& out, const std::string& format,
           const std::string& file) {
  const int printed = print_summary(results, format, file);
  if (!out.empty()) {
    if (const auto written = write_results(out, results); !written) return report(written.error());
  }
  if (printed != kExitDone || !has_findings(results.runs)) return printed;
  return report("there are findings: the summary says how to play those runs again");
}

SweepResults play_all(const Plan& plan, const std::atomic<int>& signal) {
  SweepResults results{.scenario = plan.scenario, .range = plan.range, .runs = {}, .timing = {}};
  const auto begun = std::chrono::steady_clock::now();
  const double cpu_before = process_seconds();
  {
    ProgressBar bar;
    results.runs = run_sweep(plan.scenario,
                             {.seeds = plan.range.seeds(),
                              .jobs = plan.jobs,
                              .progress = [&](const SweepProgress& now) { bar.draw(now, "runs"); },
                              .stopped = [&] { return signal != 0; }});
  }
  for (sim::RunReport& run : results.runs) {
    run = as_recorded(run);
    results.timing.node_seconds += run.stats.node_seconds;
  }
  results.complete = results.runs.size() == plan.range.seeds().size();
  results.timing.cpu_seconds = process_seconds() - cpu_before;
  results.timing.wall_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return results;
}

int run_scenario(const RunArguments& arguments) {
  const auto plan = plan_run(arguments);
  if (!plan) return report(plan.error());
  std::atomic<int> signal = 0;
  // Before the threads of the sweep, which leave the signals to it.
  const SignalWatcher watcher(end_signals(), [&](int number) { signal = number; });
  if (!arguments.out.empty()) {
    const auto there = prepare_directory(arguments.out, kSweepFile);
    if (!there) return report(there.error());
  }
  const SweepResults results = play_all(*plan, signal);
  const int code = finish(results, arguments.out, arguments.format, arguments.file);
  if (results.complete) return code;
  warn(fmt::format("ended early, after {} of {} runs", results.runs.size(),
                   results.range.seeds().size()));
  return kExitSignal + signal;
}

int merge_shards(const MergeArguments& arguments) {
  const auto merged = merge_results(arguments.directories);
  if (!merged) return report(merged.error());
  const auto there = prepare_directory(arguments.out, kSweepFile);
  if (!there) return report(there.error());
  return finish(*merged, arguments.out, arguments.format, (arguments.out + "/scenario.toml"));
}

int list_scenarios(const std::string& format) {
  std::string text;
  Json json = Json::array();
  std::size_t width = 0;
  for (const auto& scenario : sim::named_scenarios()) width = std::max(width, scenario.name.size());
  for (const sim::Scenario& scenario : sim::named_scenarios()) {
    text += fmt::format("{}  {:>4} nodes  {:>4}  {}\n", pad_right(scenario.name, width),
                        scenario.nodes, format_duration(scenario.lasts), scenario.description);
    json.push_back({{"name", scenario.name},
                    {"nodes", scenario.nodes},
                    {"lasts_ns", scenario.lasts.count()},
                    {"description", scenario.description}});
  }
  return print(format == "json" ? to_line(json) + "\n" : text);
}

int show_scenario(const std::string& file) {
  const auto scenario = load_scenario(file);
  return scenario ? print(to_toml(*scenario)) : report(scenario.error());
}

void add_format(CLI::App& command, std::string& format) {
  command.add_option("--format", format)
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

constexpr const char* kFileHelp =
    "a scenario's TOML file, - for standard input, or the name of one that `sim list` shows";

void add_run_command(CLI::App& app, Run& run) {
  const auto arguments = std::make_shared<RunArguments>();
  CLI::App* command =
      add_command(app, "run", "play a scenario, with one seed or many, and print what came of it",
                  "memberlist sim run crash-one --seeds 1..20 --out results");
  command->add_option("FILE", arguments->file, kFileHelp)->required()->type_name("");
  command->add_option("--nodes", arguments->nodes, "so many nodes, in place of the scenario's")
      ->type_name("N");
  command->add_option("--seed", arguments->seed, "the seed of the run; default: 1")->type_name("S");
  command->add_option("--seeds", arguments->seeds, "a run for each of these seeds")
      ->type_name("A..B");
  command
      ->add_option("--shard", arguments->shard,
                   "of the seeds each N-th, beginning with number I, from 0; join them by `merge`")
      ->type_name("I/N");
  command->add_option("--jobs", arguments->jobs, "runs at a time; default: one for each core")
      ->check(CLI::Range(1U, 1024U))
      ->type_name("N");
  command
      ->add_option("--out", arguments->out,
                   "a directory for JSON, CSV and plots; files that are there are replaced")
      ->type_name("DIR");
  add_format(*command, arguments->format);
  command->callback([arguments, &run] { run = [arguments] { return run_scenario(*arguments); }; });
}

void add_merge_command(CLI::App& app, Run& run) {
  const auto arguments = std::make_shared<MergeArguments>();
  CLI::App* command =
      add_command(app, "merge", "join the shards of a sweep to what one run would have written",
                  "memberlist sim merge shard-0 shard-1 --out results");
  command->add_option("DIR", arguments->directories, "what the shards have written")
      ->required()
      ->type_name("...");
  command->add_option("--out", arguments->out, "a directory for what is joined")
      ->required()
      ->type_name("DIR");
  add_format(*command, arguments->format);
  command->callback([arguments, &run] { run = [arguments] { return merge_shards(*arguments); }; });
}

}  // namespace

void add_sim_commands(CLI::App& app, Run& run) {
  CLI::App* sim = add_command(app, "sim", "play clusters in virtual time, with faults",
                              "memberlist sim run crash-one");
  sim->require_subcommand(1);
  add_run_command(*sim, run);

  const auto format = std::make_shared<std::string>("text");
  CLI::App* list =
      add_command(*sim, "list", "list the scenarios that come with it", "memberlist sim list");
  add_format(*list, *format);
  list->callback([format, &run] { run = [format] { return list_scenarios(*format); }; });

  const auto file = std::make_shared<std::string>();
  CLI::App* show = add_command(*sim, "show", "print a scenario as TOML, to make one's own from it",
                               "memberlist sim show crash-one");
  show->add_option("FILE", *file, kFileHelp)->required()->type_name("");
  show->callback([file, &run] { run = [file] { return show_scenario(*file); }; });

  add_merge_command(*sim, run);
  add_fuzz_command(*sim, run);
  add_futures_command(*sim, run);
#if defined(__linux__)
  add_real_command(*sim, run);
#endif
}

}  // namespace memberlist::cli
