#include "sim_fuzz.hpp"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "memberlist/sim/swarm.hpp"
#include "mistakes.hpp"
#include "output.hpp"
#include "scenario_file.hpp"
#include "signals.hpp"
#include "sim_results.hpp"
#include "sim_sweep.hpp"
#include "terminal_line.hpp"
#include "text.hpp"

namespace memberlist::cli {

namespace {

constexpr int kExitSignal = 128;  // and the signal's number, as shells have it
constexpr double kLongestHours = 1000;
constexpr std::size_t kMostPlays = 400;  // to shrink one scenario

struct FuzzArguments {
  std::string seeds;
  std::optional<double> hours;
  std::size_t jobs = 0;  // 0: one for each core
  std::string out = ".";
};

// Which seeds are played, and until when.
struct FuzzPlan {
  std::uint64_t first = 1;
  std::uint64_t last = 1000;
  std::optional<std::chrono::steady_clock::time_point> until{};
  std::size_t jobs = 1;
};

// A seed that broke a rule, and the smallest scenario that does.
struct Failure {
  std::uint64_t seed = 0;
  sim::Finding finding;
  sim::Shrunk shrunk;
};

// Whether a run broke this rule, whatever else it broke.
bool breaks(const sim::RunReport& report, const std::string& check) {
  return std::ranges::any_of(report.checks.findings,
                             [&](const sim::Finding& finding) { return finding.check == check; });
}

// Plays seed after seed on several threads.
class Fuzzing {
 public:
  Fuzzing(const FuzzPlan& plan, std::string directory, const std::atomic<int>& signal)
      : plan_(plan), directory_(std::move(directory)), signal_(signal), next_(plan.first) {}

  // False if a scenario could not be written.
  bool run() {
    std::vector<std::jthread> threads;
    threads.reserve(plan_.jobs);
    for (std::size_t job = 0; job < plan_.jobs; ++job) threads.emplace_back([this] { work(); });
    threads.clear();
    line_.clear();
    return !unwritten_;
  }

  [[nodiscard]] std::string summary() const;
  [[nodiscard]] bool has_failures() const { return !failures_.empty(); }

 private:
  [[nodiscard]] bool is_over() const {
    return signal_ != 0 || (plan_.until && std::chrono::steady_clock::now() >= *plan_.until);
  }

  void work() {
    while (!is_over()) {
      const std::uint64_t seed = next_.fetch_add(1);
      if (seed > plan_.last) return;
      const sim::Scenario scenario = sim::draw_scenario(seed);
      const sim::RunReport report =
          sim::play(scenario, seed, [this](double) { return signal_ == 0; });
      if (!report.complete) return;
      if (!report.checks.passed()) keep(shrunk(scenario, seed, report));
      count(report);
    }
  }

  static Failure shrunk(const sim::Scenario& scenario, std::uint64_t seed,
                        const sim::RunReport& report) {
    const sim::Finding& finding = report.checks.findings.front();
    const auto fails = [&](const sim::Scenario& candidate) {
      return breaks(sim::play(candidate, seed), finding.check);
    };
    return {seed, finding, sim::shrink(scenario, fails, kMostPlays)};
  }

  void keep(Failure failure) {
    const std::lock_guard lock(mutex_);
    line_.clear();
    failure.shrunk.scenario.name = fmt::format("finding-{}", failure.seed);
    const std::string file = failure.shrunk.scenario.name + ".toml";
    failure.shrunk.scenario.description =
        fmt::format("{}: found by swarm testing, and shrunk.", failure.finding.check);
    const auto written = write_file(directory_, file, to_toml(failure.shrunk.scenario));
    if (!written) {
      unwritten_ = true;
      report(written.error());
    }
    const sim::Finding& finding = failure.finding;
    const sim::Scenario& smallest = failure.shrunk.scenario;
    print(fmt::format(
        "seed {}: {} at {}: {}\n  shrunk to {} nodes, {} faults, {}: memberlist sim run "
        "{}/{} --seed {}\n",
        failure.seed, finding.check, finding.node, finding.text, smallest.nodes,
        smallest.faults.size(), format_duration(smallest.lasts), directory_, file, failure.seed));
    failures_.push_back(std::move(failure));
  }

  void count(const sim::RunReport& report) {
    const std::lock_guard lock(mutex_);
    ++played_;
    node_hours_ += report.stats.node_seconds / 3600;
    for (const sim::CheckCount& count : report.checks.counts) {
      exercised_[count.check] += count.exercised;
    }
    line_.draw(fmt::format("{} seeds, {:.0f} node-hours, {} findings", played_, node_hours_,
                           failures_.size()));
  }

  const FuzzPlan& plan_;
  std::string directory_;
  const std::atomic<int>& signal_;
  std::atomic<std::uint64_t> next_;
  std::mutex mutex_;  // guards the rest
  TerminalLine line_;
  std::vector<Failure> failures_;
  std::map<std::string, std::uint64_t> exercised_;
  std::uint64_t played_ = 0;
  double node_hours_ = 0;
  bool unwritten_ = false;
};

std::string Fuzzing::summary() const {
  std::string text =
      fmt::format("{} seeds from {} on, {:.1f} node-hours of virtual time: {}\n", played_,
                  plan_.first, node_hours_,
                  failures_.empty() ? "no findings" : fmt::format("{} findings", failures_.size()));
  std::size_t width = 0;
  for (const auto& [check, times] : exercised_) width = std::max(width, check.size());
  for (const auto& [check, times] : exercised_) {
    text += fmt::format("  {}  compared {} times\n", pad_right(check, width), times);
  }
  return text;
}

std::expected<FuzzPlan, CommandError> plan_fuzzing(const FuzzArguments& arguments) {
  FuzzPlan plan;
  plan.jobs =
      arguments.jobs != 0 ? arguments.jobs : std::max(1U, std::thread::hardware_concurrency());
  if (!arguments.seeds.empty()) {
    const auto range = parse_seeds(arguments.seeds);
    if (!range) return std::unexpected(range.error());
    plan.first = range->first;
    plan.last = range->last;
  } else if (arguments.hours) {
    // Others than those that were played before.
    plan.first = std::random_device{}();
    plan.last = plan.first + (std::uint64_t{1} << 32);
  }
  if (arguments.hours) {
    plan.until = std::chrono::steady_clock::now() +
                 std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                     std::chrono::duration<double, std::ratio<3600>>(*arguments.hours));
  }
  return plan;
}

int fuzz(const FuzzArguments& arguments) {
  const auto plan = plan_fuzzing(arguments);
  if (!plan) return report(plan.error());
  std::atomic<int> signal = 0;
  const SignalWatcher watcher(end_signals(), [&](int number) { signal = number; });
  std::error_code problem;
  std::filesystem::create_directories(arguments.out, problem);
  if (problem) {
    return report(fmt::format("cannot make {}: {}", arguments.out, problem.message()));
  }
  Fuzzing fuzzing(*plan, arguments.out, signal);
  const bool written = fuzzing.run();
  const int printed = print(fuzzing.summary());
  if (signal != 0) return kExitSignal + signal;
  return printed == kExitDone && (!written || fuzzing.has_failures()) ? kExitFailed : printed;
}

}  // namespace

void add_fuzz_command(CLI::App& app, Run& run) {
  const auto arguments = std::make_shared<FuzzArguments>();
  CLI::App* command = add_command(
      app, "fuzz", "draw scenarios from seeds, check everything, and shrink those that fail",
      "memberlist sim fuzz --seeds 1..1000 --out findings");
  command
      ->add_option("--seeds", arguments->seeds,
                   "these seeds; default: 1..1000, or with --hours random ones")
      ->type_name("A..B");
  command->add_option("--hours", arguments->hours, "end after this time")
      ->check(CLI::Range(0.0, kLongestHours))
      ->type_name("H");
  command->add_option("--jobs", arguments->jobs, "runs at a time; default: one for each core")
      ->check(CLI::Range(1U, 1024U))
      ->type_name("N");
  command
      ->add_option("--out", arguments->out,
                   "a directory for the scenarios that failed: finding-SEED.toml")
      ->capture_default_str()
      ->type_name("DIR");
  command->callback([arguments, &run] { run = [arguments] { return fuzz(*arguments); }; });
}

}  // namespace memberlist::cli
