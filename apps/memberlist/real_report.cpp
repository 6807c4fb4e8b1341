#include "real_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "text.hpp"

namespace memberlist::cli {

namespace {

using Runs = std::span<const sim::RunReport>;

double seconds_of(Duration time) { return std::chrono::duration<double>(time).count(); }

// Figures of which some may be missing: what never happened.
class Figures {
 public:
  void add(const std::optional<Duration>& time) {
    ++of_;
    if (time) values_.push_back(seconds_of(*time));
  }
  void add(double value) {
    ++of_;
    values_.push_back(value);
  }

  [[nodiscard]] FigureSpread spread() && {
    std::ranges::sort(values_);
    FigureSpread spread{.of = of_, .happened = values_.size()};
    if (values_.empty()) return spread;
    spread.low = at(10);
    spread.median = at(50);
    spread.high = at(90);
    return spread;
  }

 private:
  // Between two values that are next to each other, in proportion.
  [[nodiscard]] double at(std::size_t percent) const {
    const double place = static_cast<double>((values_.size() - 1) * percent) / 100;
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, values_.size() - 1);
    const double part = place - static_cast<double>(below);
    return values_[below] * (1 - part) + values_[above] * part;
  }

  std::vector<double> values_;
  std::size_t of_ = 0;
};

FigureSpread detection_spread(Runs runs, std::optional<Duration> sim::Detection::* moment) {
  Figures figures;
  for (const sim::RunReport& run : runs) {
    for (const sim::Detection& detection : run.detections) figures.add(detection.*moment);
  }
  return std::move(figures).spread();
}

template <class Figure>
FigureSpread run_spread(Runs runs, Figure figure) {
  Figures figures;
  for (const sim::RunReport& run : runs) figures.add(figure(run));
  return std::move(figures).spread();
}

std::string value_text(double value, std::string_view unit) {
  return unit.empty() ? fmt::format("{:.2f}", value) : fmt::format("{:.2f} {}", value, unit);
}

std::string spread_text(const FigureSpread& spread, std::string_view unit) {
  if (spread.happened == 0) return fmt::format("{:>28}", fmt::format("in none of {}", spread.of));
  return fmt::format("{:>10}{:>18}", value_text(spread.median, unit),
                     fmt::format("{:.2f} to {:.2f}", spread.low, spread.high));
}

std::string figure_line(const ComparedFigure& figure) {
  const auto ratio = figure.ratio();
  std::string line = pad_right(figure.name, 18) + spread_text(figure.simulated, figure.unit) +
                     spread_text(figure.real, figure.unit) +
                     fmt::format("{:>8}", ratio ? fmt::format("{:.2f}", *ratio) : "");
  line.erase(line.find_last_not_of(' ') + 1);
  for (const FigureSpread* spread : {&figure.simulated, &figure.real}) {
    if (spread->happened == spread->of || spread->happened == 0) continue;
    line += fmt::format("   {} only {} of {}", spread == &figure.real ? "real" : "simulated",
                        spread->happened, spread->of);
  }
  return line + "\n";
}

Json spread_json(const FigureSpread& spread) {
  Json json{{"of", spread.of}, {"happened", spread.happened}};
  if (spread.happened == 0) return json;
  json["median"] = spread.median;
  json["p10"] = spread.low;
  json["p90"] = spread.high;
  return json;
}

std::string spread_csv(const FigureSpread& spread) {
  if (spread.happened == 0) return fmt::format("{},0,,,", spread.of);
  return fmt::format("{},{},{:.6f},{:.6f},{:.6f}", spread.of, spread.happened, spread.median,
                     spread.low, spread.high);
}

}  // namespace

std::optional<double> ComparedFigure::ratio() const {
  if (simulated.happened == 0 || real.happened == 0 || simulated.median <= 0) return std::nullopt;
  return real.median / simulated.median;
}

std::vector<ComparedFigure> compare_runs(const sim::Scenario& scenario, Runs simulated, Runs real) {
  std::vector<ComparedFigure> all;
  const auto add_detection = [&](std::string_view name,
                                 std::optional<Duration> sim::Detection::* moment) {
    all.push_back({.name = name,
                   .unit = "s",
                   .simulated = detection_spread(simulated, moment),
                   .real = detection_spread(real, moment)});
  };
  const auto add = [&](std::string_view name, std::string_view unit, auto figure) {
    all.push_back({.name = name,
                   .unit = unit,
                   .simulated = run_spread(simulated, figure),
                   .real = run_spread(real, figure)});
  };
  if (std::ranges::any_of(scenario.faults, sim::is_detected)) {
    add_detection("detected by one", &sim::Detection::first);
    add_detection("by half", &sim::Detection::half);
    add_detection("by all", &sim::Detection::all);
  }
  if (!scenario.formed) {
    add("formed after", "s", [](const sim::RunReport& run) { return run.formed_after; });
  }
  add("converged after", "s", [](const sim::RunReport& run) { return run.converged_after; });
  const double node_seconds = seconds_of(scenario.lasts) * static_cast<double>(scenario.nodes);
  add("packets", "", [&](const sim::RunReport& run) {
    std::uint64_t packets = 0;
    for (const sim::Sample& sample : run.samples) packets += sample.packets;
    return static_cast<double>(packets) / node_seconds;
  });
  add("suspicions", "",
      [](const sim::RunReport& run) { return static_cast<double>(run.suspicions); });
  add("false positives", "",
      [](const sim::RunReport& run) { return static_cast<double>(run.false_positives); });
  return all;
}

std::string comparison_text(const sim::Scenario& scenario, Runs simulated, Runs real) {
  std::string text = scenario.name;
  if (!scenario.description.empty()) text += ": " + escape_controls(scenario.description);
  text += fmt::format("\n{} nodes for {}, {} simulated and {} real runs\n\n", scenario.nodes,
                      format_duration(scenario.lasts), simulated.size(), real.size());
  text += pad_right("", 18) + fmt::format("{:>10}{:>18}{:>10}{:>18}{:>8}\n", "simulated",
                                          "10 % to 90 %", "real", "10 % to 90 %", "ratio");
  for (const ComparedFigure& figure : compare_runs(scenario, simulated, real)) {
    text += figure_line(figure);
  }
  return text;
}

Json comparison_json(const sim::Scenario& scenario, Runs simulated, Runs real) {
  Json figures = Json::array();
  for (const ComparedFigure& figure : compare_runs(scenario, simulated, real)) {
    const auto ratio = figure.ratio();
    figures.push_back({{"figure", figure.name},
                       {"unit", figure.unit},
                       {"simulated", spread_json(figure.simulated)},
                       {"real", spread_json(figure.real)},
                       {"ratio", ratio ? Json(*ratio) : Json(nullptr)}});
  }
  return {{"scenario", scenario.name},          {"nodes", scenario.nodes},
          {"lasts_ns", scenario.lasts.count()}, {"simulated_runs", simulated.size()},
          {"real_runs", real.size()},           {"figures", std::move(figures)}};
}

std::string comparison_csv(const std::vector<ComparedFigure>& figures) {
  std::string text = "figure,unit";
  for (const char* side : {"simulated", "real"}) {
    text += fmt::format(",{0}_of,{0}_happened,{0}_median,{0}_p10,{0}_p90", side);
  }
  text += ",ratio\n";
  for (const ComparedFigure& figure : figures) {
    const auto ratio = figure.ratio();
    text += fmt::format("{},{},{},{},{}\n", figure.name, figure.unit, spread_csv(figure.simulated),
                        spread_csv(figure.real), ratio ? fmt::format("{:.6f}", *ratio) : "");
  }
  return text;
}

}  // namespace memberlist::cli
