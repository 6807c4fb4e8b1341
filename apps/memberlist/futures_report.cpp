#include "futures_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "scenario_file.hpp"
#include "sim_results.hpp"
#include "text.hpp"

namespace memberlist::cli {

namespace {

double seconds_of(Duration time) { return std::chrono::duration<double>(time).count(); }

std::string time_text(Duration time) { return fmt::format("{:9.3f} s", seconds_of(time)); }

std::string percent_text(std::size_t count, std::size_t runs) {
  return fmt::format("{:.0f} %", 100.0 * static_cast<double>(count) / static_cast<double>(runs));
}

// The probability that is left for what happened in none of so many runs, with 95 % confidence
// ("rule of three").
double rest_of(std::size_t runs) { return std::min(1.0, 3.0 / static_cast<double>(runs)); }

// --- text ----------------------------------------------------------------------------------------

std::string end_text(const ActualRun& actual) {
  const Ending& ending = actual.ending;
  if (!actual.first_dead || !actual.last_dead) return "it is not declared dead";
  if (ending.by_all && actual.first_dead == actual.last_dead) {
    return fmt::format("it is declared dead at {:.3f} s", seconds_of(*actual.first_dead));
  }
  if (ending.by_all) {
    return fmt::format("it is declared dead at {:.3f} s, and by all others at {:.3f} s",
                       seconds_of(*actual.first_dead), seconds_of(*actual.last_dead));
  }
  return fmt::format("it is declared dead at {:.3f} s, by {} others of {}",
                     seconds_of(*actual.first_dead), ending.declared, ending.others);
}

// Of the last fork up to this time.
std::string likely_at(Duration at, const std::vector<ForkCount>& counts) {
  std::string text;
  for (const ForkCount& count : counts) {
    if (count.at > at || count.runs == 0) break;
    text = percent_text(count.by_one, count.runs);
  }
  return text;
}

std::string story_text(const FuturesResults& results, const std::vector<ForkCount>& counts) {
  if (results.actual.story.empty()) return "nobody suspected it\n";
  std::string text = "       time  likely  what happened\n";
  for (const Story::Line& line : results.actual.story) {
    text += fmt::format("{}  {:>6}  {}\n", time_text(line.at), likely_at(line.at, counts),
                        escape_controls(line.text));
  }
  return text;
}

std::string share_text(std::size_t count, std::size_t runs) {
  const Interval range = interval_of(count, runs);
  return fmt::format("{:>5} of {:<5} ({:3.0f} to {:3.0f} %)", count, runs, 100 * range.low,
                     100 * range.high);
}

std::string forks_text(const std::vector<ForkCount>& counts) {
  std::string text = "  forked at  declared dead                 by all others\n";
  for (const ForkCount& count : counts) {
    if (count.runs == 0) continue;
    text += fmt::format("{}  {}  {}\n", time_text(count.at), share_text(count.by_one, count.runs),
                        share_text(count.by_all, count.runs));
  }
  return text;
}

std::string inevitable_text(const FuturesResults& results, const std::vector<ForkCount>& counts) {
  const std::string end = results.actual.ending.by_one ? "declared dead" : "not declared dead";
  const auto from = inevitable_from(results, counts);
  if (!from) {
    return fmt::format("not inevitable: some future of the last fork does not end so ({})\n", end);
  }
  const std::string since =
      *from == 0 ? fmt::format("before {:.3f} s, the first fork", seconds_of(counts[0].at))
                 : fmt::format("between {:.3f} s and {:.3f} s", seconds_of(counts[*from - 1].at),
                               seconds_of(counts[*from].at));
  return fmt::format(
      "inevitable since some moment {}: from then on all futures end so ({}). {} of {} at one fork "
      "mean a probability of at least {:.1f} %, with 95 % confidence.\n",
      since, end, results.runs, results.runs, 100 * (1 - rest_of(results.runs)));
}

// --- files ---------------------------------------------------------------------------------------

std::string seconds_text(Duration time) {
  constexpr std::int64_t kBillion = 1'000'000'000;
  return fmt::format("{}.{:09}", time.count() / kBillion, time.count() % kBillion);
}

std::string forks_csv(const std::vector<ForkCount>& counts) {
  std::string text = "at_s,runs,by_one,low,high,by_all\n";
  for (const ForkCount& count : counts) {
    const Interval range = interval_of(count.by_one, count.runs);
    text += fmt::format("{},{},{},{:.6f},{:.6f},{}\n", seconds_text(count.at), count.runs,
                        count.by_one, range.low, range.high, count.by_all);
  }
  return text;
}

std::string futures_csv(const FuturesResults& results) {
  std::string text = "at_s,seed,by_one,by_all,declared,others,first_dead_s\n";
  for (std::size_t place = 0; place < results.endings.size(); ++place) {
    const auto& ending = results.endings[place];
    if (!ending) continue;
    text += fmt::format(
        "{},{},{:d},{:d},{},{},{}\n", seconds_text(results.forks[place / results.runs]),
        future_seed(results.seed, place), ending->by_one, ending->by_all, ending->declared,
        ending->others, ending->by_one ? seconds_text(Duration(ending->first_dead_ns)) : "");
  }
  return text;
}

PlotLine share_line(std::string label, const std::vector<ForkCount>& counts,
                    std::size_t ForkCount::* number) {
  PlotLine line{.label = std::move(label), .points = {}};
  for (const ForkCount& count : counts) {
    if (count.runs == 0) continue;
    line.points.emplace_back(seconds_of(count.at), 100 * static_cast<double>(count.*number) /
                                                       static_cast<double>(count.runs));
  }
  return line;
}

SvgPlot draw_futures(const FuturesResults& results, const std::vector<ForkCount>& counts) {
  SvgPlot plot{.title = fmt::format("Futures of {}", results.member),
               .subtitle = fmt::format("{}, {} nodes, seed {}, {} futures of each fork",
                                       results.scenario.name, results.scenario.nodes, results.seed,
                                       results.runs),
               .x_label = "seconds since the beginning, when the run is forked",
               .y_label = "% of the futures",
               .lines = {},
               .bands = {},
               .marks = {},
               .x_min = seconds_of(results.forks.front()),
               .x_max = seconds_of(results.forks.back()),
               .y_max = 100};
  if (results.forks.size() == 1) plot.x_min = 0;
  plot.lines = {share_line("declared dead", counts, &ForkCount::by_one),
                share_line("by all others", counts, &ForkCount::by_all)};
  PlotBand range{.label = "95 % confidence", .points = {}};
  for (const ForkCount& count : counts) {
    if (count.runs == 0) continue;
    const Interval likely = interval_of(count.by_one, count.runs);
    range.points.push_back({seconds_of(count.at), 100 * likely.low, 100 * likely.high});
  }
  plot.bands.push_back(std::move(range));
  const ActualRun& actual = results.actual;
  if (!actual.story.empty()) plot.marks.push_back({seconds_of(actual.story.front().at), "probe"});
  if (actual.first_dead) plot.marks.push_back({seconds_of(*actual.first_dead), "dead"});
  return plot;
}

}  // namespace

Interval interval_of(std::size_t count, std::size_t runs) {
  if (runs == 0) return {};
  constexpr double kSigmas = 1.959964;  // on both sides, for 95 %
  const auto n = static_cast<double>(runs);
  const double share = static_cast<double>(count) / n;
  const double scale = 1 + kSigmas * kSigmas / n;
  const double middle = share + kSigmas * kSigmas / (2 * n);
  const double width =
      kSigmas * std::sqrt(share * (1 - share) / n + kSigmas * kSigmas / (4 * n * n));
  return {.low = count == 0 ? 0 : (middle - width) / scale,
          .high = count == runs ? 1 : (middle + width) / scale};
}

std::vector<ForkCount> count_forks(const FuturesResults& results) {
  std::vector<ForkCount> counts;
  counts.reserve(results.forks.size());
  for (const Duration at : results.forks) counts.push_back({.at = at});
  for (std::size_t place = 0; place < results.endings.size(); ++place) {
    const auto& ending = results.endings[place];
    if (!ending) continue;
    ForkCount& count = counts[place / results.runs];
    ++count.runs;
    count.by_one += ending->by_one ? 1 : 0;
    count.by_all += ending->by_all ? 1 : 0;
  }
  return counts;
}

std::optional<std::size_t> inevitable_from(const FuturesResults& results,
                                           const std::vector<ForkCount>& counts) {
  std::optional<std::size_t> from;
  for (std::size_t i = counts.size(); i-- > 0;) {
    const std::size_t same =
        results.actual.ending.by_one ? counts[i].by_one : counts[i].runs - counts[i].by_one;
    if (same != results.runs) break;
    from = i;
  }
  return from;
}

std::uint64_t future_seed(std::uint64_t seed, std::size_t place) {
  constexpr std::uint64_t kApart = 0x9e37'79b9'7f4a'7c15U;
  return seed ^ ((place + 1) * kApart);
}

std::string futures_text(const FuturesResults& results) {
  const auto counts = count_forks(results);
  std::string text = results.scenario.name;
  if (!results.scenario.description.empty()) {
    text += ": " + escape_controls(results.scenario.description);
  }
  text += fmt::format("\n{} nodes for {}, seed {}, about {}: {}\n\n", results.scenario.nodes,
                      format_duration(results.scenario.lasts), results.seed, results.member,
                      end_text(results.actual));
  text += story_text(results, counts) + "\n" + forks_text(counts) + "\n";
  return text + inevitable_text(results, counts);
}

Json futures_json(const FuturesResults& results) {
  const auto counts = count_forks(results);
  const ActualRun& actual = results.actual;
  const auto time = [](const std::optional<Duration>& at) {
    return at ? Json(at->count()) : Json(nullptr);
  };
  Json json{{"scenario", results.scenario.name},
            {"nodes", results.scenario.nodes},
            {"lasts_ns", results.scenario.lasts.count()},
            {"seed", results.seed},
            {"member", results.member},
            {"actual",
             {{"by_one", actual.ending.by_one},
              {"by_all", actual.ending.by_all},
              {"declared", actual.ending.declared},
              {"others", actual.ending.others},
              {"first_dead_ns", time(actual.first_dead)},
              {"last_dead_ns", time(actual.last_dead)}}},
            {"runs", results.runs}};
  Json forks = Json::array();
  for (const ForkCount& count : counts) {
    const Interval range = interval_of(count.by_one, count.runs);
    forks.push_back({{"at_ns", count.at.count()},
                     {"runs", count.runs},
                     {"by_one", count.by_one},
                     {"low", range.low},
                     {"high", range.high},
                     {"by_all", count.by_all}});
  }
  json["forks"] = std::move(forks);
  const auto from = inevitable_from(results, counts);
  json["inevitable_from_ns"] = from ? Json(counts[*from].at.count()) : Json(nullptr);
  Json story = Json::array();
  for (const Story::Line& line : actual.story) {
    story.push_back({{"at_ns", line.at.count()}, {"text", line.text}});
  }
  json["story"] = std::move(story);
  return json;
}

std::expected<void, CommandError> write_futures(const std::string& directory,
                                                const FuturesResults& results) {
  const auto counts = count_forks(results);
  const std::vector<std::pair<std::string_view, std::string>> files{
      {"scenario.toml", to_toml(results.scenario)},
      {kFuturesFile, futures_json(results).dump(2) + "\n"},
      {"forks.csv", forks_csv(counts)},
      {"futures.csv", futures_csv(results)},
      {"futures.svg", to_svg(draw_futures(results, counts))}};
  for (const auto& [name, text] : files) {
    if (auto written = write_file(directory, name, text); !written) return written;
  }
  return {};
}

}  // namespace memberlist::cli
