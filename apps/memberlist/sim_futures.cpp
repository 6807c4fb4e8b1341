#include "sim_futures.hpp"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "futures_report.hpp"
#include "mistakes.hpp"
#include "output.hpp"
#include "progress_bar.hpp"
#include "scenario_file.hpp"
#include "signals.hpp"
#include "sim_ending.hpp"
#include "sim_forks.hpp"
#include "sim_results.hpp"
#include "sim_story.hpp"
#include "sim_sweep.hpp"

namespace memberlist::cli {

namespace {

constexpr int kExitSignal = 128;  // and the signal's number, as shells have it
constexpr std::size_t kMaxRuns = 10'000;
constexpr std::size_t kMaxSteps = 1'000;
constexpr std::size_t kMaxFutures = 100'000;
constexpr std::size_t kDefaultSteps = 21;
// The run is played in steps of this length, to hear of signals.
constexpr Duration kSlice = std::chrono::seconds(1);

struct FuturesArguments {
  std::string file;
  std::string at;
  std::optional<std::size_t> steps;
  std::size_t runs = 100;
  std::string member;
  std::optional<std::size_t> nodes;
  std::uint64_t seed = 1;
  std::size_t jobs = 0;  // 0: one for each core
  std::string out;
  std::string format = "text";
};

// When the run is forked: `steps` times from `first` to `last`.
struct Forks {
  Duration first{};
  Duration last{};
  std::size_t steps = 1;

  [[nodiscard]] std::vector<Duration> times() const {
    std::vector<Duration> all;
    all.reserve(steps);
    const auto pieces = static_cast<Duration::rep>(std::max<std::size_t>(steps, 2) - 1);
    for (std::size_t i = 0; i < steps; ++i) {
      all.push_back(first + (last - first) / pieces * static_cast<Duration::rep>(i));
    }
    return all;
  }
};

struct Plan {
  sim::Scenario scenario;
  std::uint64_t seed = 1;
  std::optional<Forks> forks{};  // unset: around what happened
  std::size_t steps = kDefaultSteps;
  std::size_t runs = 100;
  std::string member{};  // empty: the first one that is declared dead
  std::size_t jobs = 1;
};

CommandError misuse(std::string text) { return {kExitUsage, std::move(text)}; }

// --- what is asked for ---------------------------------------------------------------------------

std::expected<Forks, CommandError> plan_forks(const FuturesArguments& arguments, Duration lasts) {
  const std::string& text = arguments.at;
  const std::size_t dots = text.find("..");
  const bool range = dots != std::string::npos;
  const auto first = parse_duration(text.substr(0, dots));
  const auto last = range ? parse_duration(text.substr(dots + 2)) : first;
  if (!first || !last || *first < Duration::zero()) {
    return std::unexpected(misuse(
        fmt::format("--at {}: give a time, or a range, e.g. --at 20s or --at 15s..25s", text)));
  }
  if (*last >= lasts) {
    return std::unexpected(misuse(
        fmt::format("--at {}: the run is over after {}; give less", text, format_duration(lasts))));
  }
  if (!range && arguments.steps) {
    return std::unexpected(
        misuse(fmt::format("--steps {}: that is for a range; give --at T1..T2", *arguments.steps)));
  }
  if (range && *last <= *first) {
    return std::unexpected(
        misuse(fmt::format("--at {}: the first time is not before the last", text)));
  }
  if (!range) return Forks{.first = *first, .last = *first};
  return Forks{.first = *first, .last = *last, .steps = arguments.steps.value_or(kDefaultSteps)};
}

std::string node_name(std::size_t number) { return fmt::format("node-{:05}", number); }

// By its name, or its number.
std::expected<std::string, CommandError> plan_member(const std::string& text,
                                                     const sim::Scenario& scenario) {
  std::size_t nodes = scenario.nodes;
  for (const sim::Fault& fault : scenario.faults) {
    if (fault.kind == sim::FaultKind::join) nodes += fault.nodes.count;
  }
  std::string_view number = text;
  if (number.starts_with("node-")) number.remove_prefix(5);
  std::size_t node = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), node);
  const bool read = error == std::errc() && end == number.data() + number.size();
  if (read && node < nodes) return node_name(node);
  return std::unexpected(misuse(fmt::format("--member {}: the members are 0 to {}, or {} to {}",
                                            text, nodes - 1, node_name(0), node_name(nodes - 1))));
}

std::expected<void, CommandError> check_fork_memory(const Plan& plan) {
  const auto available = memory_available();
  // The run itself, and its copies, which come to differ from it.
  return check_memory(plan.scenario, plan.jobs + 1, available);
}

// All that is wrong, before anything runs.
std::expected<Plan, CommandError> plan_futures(const FuturesArguments& arguments) {
  Mistakes mistakes;
  Plan plan;
  auto scenario = load_scenario(arguments.file, {.nodes = arguments.nodes});
  // Their lines are in their texts.
  if (!scenario) mistakes.add(scenario.error(), 1);
  if (scenario && !arguments.at.empty()) {
    const auto forks = plan_forks(arguments, scenario->lasts);
    if (forks) plan.forks = *forks;
    if (!forks) mistakes.add(forks.error());
  }
  if (scenario && !arguments.member.empty()) {
    auto member = plan_member(arguments.member, *scenario);
    if (member) plan.member = std::move(*member);
    if (!member) mistakes.add(member.error());
  }
  plan.steps = plan.forks ? plan.forks->steps : arguments.steps.value_or(kDefaultSteps);
  if (plan.steps * arguments.runs > kMaxFutures) {
    mistakes.add(misuse(fmt::format("--runs {} at {} times: at most {} futures in all",
                                    arguments.runs, plan.steps, kMaxFutures)));
  }
  if (auto error = mistakes.error()) return std::unexpected(std::move(*error));
  plan.scenario = std::move(*scenario);
  // What is verified changes nothing in a run, and takes time.
  plan.scenario.checks = sim::CheckLevel::none;
  plan.seed = arguments.seed;
  plan.runs = arguments.runs;
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  plan.jobs = std::min(arguments.jobs == 0 ? cores : arguments.jobs, plan.steps * plan.runs);
  if (const auto fits = check_fork_memory(plan); !fits) return std::unexpected(fits.error());
  return plan;
}

// --- playing -------------------------------------------------------------------------------------

class Futures {
 public:
  Futures(const Plan& plan, SignalPoll& signals) : plan_(plan), signals_(signals) {
    results_.scenario = plan.scenario;
    results_.seed = plan.seed;
    results_.member = plan.member;
    results_.runs = plan.runs;
  }

  // An error if it cannot be done; what there is so far after a signal.
  std::expected<void, CommandError> play() {
    if (results_.member.empty()) results_.member = find_member();
    if (is_stopped()) return {};
    if (results_.member.empty()) {
      return std::unexpected(misuse(
          "nobody is suspected in this run: name a member with --member, or give another --seed"));
    }
    play_actual();
    if (is_stopped()) return {};
    results_.forks = plan_.forks.value_or(around_the_story()).times();
    return play_futures();
  }

  [[nodiscard]] const FuturesResults& results() const noexcept { return results_; }
  [[nodiscard]] bool has_forks() const noexcept { return !results_.forks.empty(); }

 private:
  [[nodiscard]] bool is_stopped() { return signals_.signal() != 0; }

  // False if a signal came.
  bool advance(sim::ScenarioRun& run, Duration until) {
    while (run.world().elapsed() < until && !is_stopped()) {
      run.play_until(std::min(until, run.world().elapsed() + kSlice));
    }
    return !is_stopped();
  }

  // The first one that is declared dead; else that is suspected; else nobody.
  std::string find_member() {
    sim::ScenarioRun run(plan_.scenario, plan_.seed);
    std::string dead;
    std::string suspected;
    run.on_event([&](sim::NodeId, const MemberEvent& event) {
      if (event.self) return;
      if (event.kind == MemberEventKind::suspect && suspected.empty()) {
        suspected = event.member.name();
      }
      if (event.kind == MemberEventKind::dead && dead.empty()) dead = event.member.name();
    });
    while (dead.empty() && run.world().elapsed() < plan_.scenario.lasts) {
      if (!advance(run, std::min(run.world().elapsed() + kSlice, plan_.scenario.lasts))) return {};
    }
    return dead.empty() ? suspected : dead;
  }

  void play_actual() {
    sim::ScenarioRun run(plan_.scenario, plan_.seed);
    DeathCount count(results_.member);
    Story story(results_.member);
    const auto name_of = [&](const Address& address) {
      for (sim::NodeId node = 0; node < run.world().size(); ++node) {
        if (run.world().address(node) == address) return run.world().name(node);
      }
      return address.to_string();
    };
    run.on_event([&](sim::NodeId observer, const MemberEvent& event) {
      count.take(observer, run.world().elapsed(), event);
    });
    run.world().on_trace([&](sim::NodeId node, const TraceRecord& record) {
      story.take(run.world().name(node), run.world().elapsed(), record, name_of);
    });
    if (!advance(run, plan_.scenario.lasts)) return;
    results_.actual = {.ending = count.ending(run.world()),
                       .first_dead = count.first(),
                       .last_dead = count.last(),
                       .story = story.lines()};
  }

  // From before the story begins, as long as it takes, until the member is dead.
  [[nodiscard]] Forks around_the_story() const {
    const ActualRun& actual = results_.actual;
    const Duration lasts = plan_.scenario.lasts;
    const Duration piece = lasts / static_cast<Duration::rep>(plan_.steps + 1);
    if (actual.story.empty()) return {.first = {}, .last = lasts - piece, .steps = plan_.steps};
    const Duration begin = actual.story.front().at;
    const Duration end =
        std::min(actual.first_dead.value_or(actual.story.back().at), lasts - piece);
    const Duration first = std::max(Duration::zero(), begin - std::max(end - begin, piece));
    return {.first = std::chrono::floor<std::chrono::milliseconds>(first),
            .last = std::chrono::ceil<std::chrono::milliseconds>(std::max(end, begin)),
            .steps = plan_.steps};
  }

  std::expected<void, CommandError> play_futures() {
    const std::size_t all = results_.forks.size() * plan_.runs;
    ProgressBar bar;
    const ForkPool* shown = nullptr;
    ForkPool pool(plan_.jobs, [&] {
      const SweepProgress progress{
          .done = std::min(shown->done(), all),
          .all = all,
          .share = static_cast<double>(std::min(shown->done(), all)) / static_cast<double>(all)};
      bar.draw(progress, "futures");
      return !is_stopped();
    });
    shown = &pool;
    const bool played = start_all(pool) && pool.finish();
    results_.endings = pool.endings();
    const std::optional<CommandError>& failure = pool.failure();
    if (!played && failure) return std::unexpected(*failure);
    return check_copy(all);
  }

  // The world stands still while its futures are started.
  bool start_all(ForkPool& pool) {
    sim::ScenarioRun run(plan_.scenario, plan_.seed);
    DeathCount count(results_.member);
    run.on_event([&](sim::NodeId observer, const MemberEvent& event) {
      count.take(observer, run.world().elapsed(), event);
    });
    const auto future = [&](std::optional<std::uint64_t> seed) {
      if (seed) run.world().reseed(*seed);
      run.play_until(plan_.scenario.lasts);
      return count.ending(run.world());
    };
    std::size_t place = 0;
    for (const Duration at : results_.forks) {
      if (!advance(run, at)) return false;
      // A copy that changes nothing: it must end as the run did.
      const bool first = place == 0;
      if (first && !pool.start(results_.forks.size() * plan_.runs, [&] { return future({}); })) {
        return false;
      }
      for (std::size_t i = 0; i < plan_.runs; ++i, ++place) {
        const std::uint64_t seed = future_seed(plan_.seed, place);
        if (!pool.start(place, [&] { return future(seed); })) return false;
      }
    }
    return true;
  }

  std::expected<void, CommandError> check_copy(std::size_t all) {
    if (results_.endings.size() <= all) return {};
    const auto copy = results_.endings[all];
    results_.endings.resize(all);
    if (!copy || copy->trace_hash == results_.actual.ending.trace_hash) return {};
    return std::unexpected(
        CommandError{kExitFailed,
                     "a copy of the run that changes nothing does not end like the run: this is a "
                     "fault of memberlist itself, please report it"});
  }

  const Plan& plan_;
  SignalPoll& signals_;
  FuturesResults results_;
};

int print_futures(const FuturesResults& results, const std::string& format) {
  if (format == "json") return print(to_line(futures_json(results)) + "\n");
  return print(futures_text(results));
}

int run_futures(const FuturesArguments& arguments) {
  const auto plan = plan_futures(arguments);
  if (!plan) return report(plan.error());
  // Without a thread: the process is forked.
  SignalPoll signals(end_signals());
  if (!arguments.out.empty()) {
    const auto there = prepare_directory(arguments.out, kFuturesFile);
    if (!there) return report(there.error());
  }
  Futures futures(*plan, signals);
  if (const auto played = futures.play(); !played) return report(played.error());
  int code = kExitDone;
  if (futures.has_forks()) {
    code = print_futures(futures.results(), arguments.format);
    if (!arguments.out.empty()) {
      const auto written = write_futures(arguments.out, futures.results());
      if (!written) return report(written.error());
    }
  }
  if (signals.signal() == 0) return code;
  const auto& endings = futures.results().endings;
  warn(fmt::format("ended early, after {} of {} futures",
                   std::ranges::count_if(endings, [](const auto& one) { return one.has_value(); }),
                   futures.results().forks.size() * plan->runs));
  return kExitSignal + signals.signal();
}

}  // namespace

void add_futures_command(CLI::App& app, Run& run) {
  const auto arguments = std::make_shared<FuturesArguments>();
  CLI::App* command =
      add_command(app, "futures",
                  "fork a run, and play its futures: how likely is a member's end, and since when",
                  "memberlist sim futures flaky-link --seed 3 --runs 100 --out futures");
  command
      ->add_option("FILE", arguments->file,
                   "a scenario's TOML file, - for standard input, or the name of one that `sim "
                   "list` shows")
      ->required()
      ->type_name("");
  command
      ->add_option("--at", arguments->at,
                   "when it is forked, or from when to when; default: around what happened")
      ->type_name("T1[..T2]");
  command
      ->add_option("--steps", arguments->steps,
                   fmt::format("so many forks in that range; default: {}", kDefaultSteps))
      ->check(CLI::Range(std::size_t{2}, kMaxSteps))
      ->type_name("K");
  command->add_option("--runs", arguments->runs, "futures of each fork")
      ->check(CLI::Range(std::size_t{1}, kMaxRuns))
      ->capture_default_str()
      ->type_name("N");
  command
      ->add_option("--member", arguments->member,
                   "whose end it is about, by number or name; default: the first that is declared "
                   "dead")
      ->type_name("X");
  command->add_option("--nodes", arguments->nodes, "so many nodes, in place of the scenario's")
      ->type_name("N");
  command->add_option("--seed", arguments->seed, "the seed of the run")
      ->capture_default_str()
      ->type_name("S");
  command->add_option("--jobs", arguments->jobs, "futures at a time; default: one for each core")
      ->check(CLI::Range(1U, 1024U))
      ->type_name("N");
  command
      ->add_option("--out", arguments->out,
                   "a directory for JSON, CSV and a plot; files that are there are replaced")
      ->type_name("DIR");
  command->add_option("--format", arguments->format)
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->callback([arguments, &run] { run = [arguments] { return run_futures(*arguments); }; });
}

}  // namespace memberlist::cli
