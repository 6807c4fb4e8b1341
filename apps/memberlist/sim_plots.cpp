#include "sim_plots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace memberlist::cli {

namespace {

double seconds_of(Duration time) { return std::chrono::duration<double>(time).count(); }

std::string runs_text(const sim::Scenario& scenario, std::span<const sim::RunReport> runs) {
  return fmt::format("{}, {} nodes, {} {}", scenario.name, scenario.nodes, runs.size(),
                     runs.size() == 1 ? "run" : "runs");
}

// The share of all detections that are done, over the time since the fault.
PlotLine share_line(std::string label, std::span<const sim::RunReport> runs,
                    std::optional<Duration> sim::Detection::* moment) {
  std::vector<double> times;
  std::size_t all = 0;
  for (const sim::RunReport& run : runs) {
    for (const sim::Detection& detection : run.detections) {
      ++all;
      const std::optional<Duration>& time = detection.*moment;
      if (time) times.push_back(seconds_of(*time));
    }
  }
  std::ranges::sort(times);
  PlotLine line{.label = std::move(label), .points = {{0, 0}}, .steps = true};
  for (std::size_t i = 0; i < times.size(); ++i) {
    line.points.emplace_back(times[i], 100 * static_cast<double>(i + 1) / static_cast<double>(all));
  }
  return line;
}

SvgPlot shares_of_faults(std::string subtitle, std::vector<PlotLine> lines) {
  SvgPlot plot{.title = "Detection",
               .subtitle = std::move(subtitle),
               .x_label = "seconds since the fault",
               .y_label = "% of the faults",
               .lines = std::move(lines),
               .bands = {},
               .x_max = {},
               .y_max = 100};
  // Each stays where it is until the end of the picture.
  double end = 0;
  for (const PlotLine& line : plot.lines) end = std::max(end, line.points.back().first);
  end *= 1.05;
  for (PlotLine& line : plot.lines) line.points.emplace_back(end, line.points.back().second);
  return plot;
}

SvgPlot draw_detection(const sim::Scenario& scenario, std::span<const sim::RunReport> runs) {
  return shares_of_faults(runs_text(scenario, runs),
                          {share_line("first other node", runs, &sim::Detection::first),
                           share_line("half of them", runs, &sim::Detection::half),
                           share_line("all", runs, &sim::Detection::all)});
}

// Median and range over the runs of what `value` gives for each sample, over time.
void add_over_time(SvgPlot& plot, std::span<const sim::RunReport> runs,
                   const std::function<std::vector<double>(const sim::RunReport&)>& values) {
  std::vector<std::vector<double>> columns;
  std::vector<double> times;
  for (const sim::RunReport& run : runs) {
    const std::vector<double> row = values(run);
    if (columns.size() < row.size()) columns.resize(row.size());
    for (std::size_t i = 0; i < row.size(); ++i) columns[i].push_back(row[i]);
    for (std::size_t i = times.size(); i < run.samples.size(); ++i) {
      times.push_back(seconds_of(run.samples[i].at));
    }
  }
  PlotLine median{.label = runs.size() == 1 ? "" : "median of the runs", .points = {}};
  PlotBand range{.label = "least to most", .points = {}};
  for (std::size_t i = 0; i < columns.size(); ++i) {
    std::ranges::sort(columns[i]);
    median.points.emplace_back(times[i], columns[i][(columns[i].size() - 1) / 2]);
    range.points.push_back({times[i], columns[i].front(), columns[i].back()});
  }
  plot.lines.push_back(std::move(median));
  if (runs.size() > 1) plot.bands.push_back(std::move(range));
}

SvgPlot over_time(std::string title, std::string y_label, const sim::Scenario& scenario,
                  std::span<const sim::RunReport> runs) {
  return {.title = std::move(title),
          .subtitle = runs_text(scenario, runs),
          .x_label = "seconds since the beginning",
          .y_label = std::move(y_label),
          .lines = {},
          .bands = {},
          .x_max = seconds_of(scenario.lasts),
          .y_max = {}};
}

SvgPlot draw_convergence(const sim::Scenario& scenario, std::span<const sim::RunReport> runs) {
  SvgPlot plot = over_time("Convergence", "% of the nodes with the right view", scenario, runs);
  plot.y_max = 100;
  add_over_time(plot, runs, [](const sim::RunReport& run) {
    std::vector<double> shares;
    shares.reserve(run.samples.size());
    for (const sim::Sample& sample : run.samples) shares.push_back(100 * sample.converged);
    return shares;
  });
  return plot;
}

SvgPlot draw_false_positives(const sim::Scenario& scenario, std::span<const sim::RunReport> runs) {
  SvgPlot plot = over_time("False positives", "deaths of nodes that run, so far", scenario, runs);
  add_over_time(plot, runs, [](const sim::RunReport& run) {
    std::vector<double> totals;
    totals.reserve(run.samples.size());
    double total = 0;
    for (const sim::Sample& sample : run.samples) {
      totals.push_back(total += static_cast<double>(sample.false_positives));
    }
    return totals;
  });
  return plot;
}

void add_packets(SvgPlot& plot, const sim::Scenario& scenario,
                 std::span<const sim::RunReport> runs) {
  add_over_time(plot, runs, [&](const sim::RunReport& run) {
    std::vector<double> rates;
    rates.reserve(run.samples.size());
    Duration before{};
    for (const sim::Sample& sample : run.samples) {
      rates.push_back(static_cast<double>(sample.packets) /
                      (seconds_of(sample.at - before) * static_cast<double>(scenario.nodes)));
      before = sample.at;
    }
    return rates;
  });
}

SvgPlot packets_plot(const sim::Scenario& scenario, std::span<const sim::RunReport> runs) {
  return over_time("Packets", "packets of one node in one second", scenario, runs);
}

SvgPlot draw_packets(const sim::Scenario& scenario, std::span<const sim::RunReport> runs) {
  SvgPlot plot = packets_plot(scenario, runs);
  add_packets(plot, scenario, runs);
  return plot;
}

std::string both_text(const sim::Scenario& scenario, std::size_t simulated, std::size_t real) {
  return fmt::format("{}, {} nodes, {} simulated and {} real runs", scenario.name, scenario.nodes,
                     simulated, real);
}

SvgPlot compare_detection(const sim::Scenario& scenario, std::span<const sim::RunReport> simulated,
                          std::span<const sim::RunReport> real) {
  return shares_of_faults(both_text(scenario, simulated.size(), real.size()),
                          {share_line("first, simulated", simulated, &sim::Detection::first),
                           share_line("first, real", real, &sim::Detection::first),
                           share_line("all, simulated", simulated, &sim::Detection::all),
                           share_line("all, real", real, &sim::Detection::all)});
}

SvgPlot compare_packets(const sim::Scenario& scenario, std::span<const sim::RunReport> simulated,
                        std::span<const sim::RunReport> real) {
  SvgPlot plot = packets_plot(scenario, simulated);
  plot.subtitle = both_text(scenario, simulated.size(), real.size());
  add_packets(plot, scenario, simulated);
  add_packets(plot, scenario, real);
  plot.bands.clear();
  plot.lines.front().label = "median, simulated";
  plot.lines.back().label = "median, real";
  return plot;
}

}  // namespace

std::vector<sim::Plot> plots_of(const sim::Scenario& scenario) {
  if (!scenario.plots.empty()) return scenario.plots;
  std::vector<sim::Plot> plots;
  for (const sim::Plot plot : sim::all_plots()) {
    const bool measured =
        plot != sim::Plot::detection || std::ranges::any_of(scenario.faults, sim::is_detected);
    if (measured) plots.push_back(plot);
  }
  return plots;
}

SvgPlot draw_plot(sim::Plot plot, const sim::Scenario& scenario,
                  std::span<const sim::RunReport> runs) {
  switch (plot) {
    case sim::Plot::detection:
      return draw_detection(scenario, runs);
    case sim::Plot::convergence:
      return draw_convergence(scenario, runs);
    case sim::Plot::false_positives:
      return draw_false_positives(scenario, runs);
    case sim::Plot::packets:
      return draw_packets(scenario, runs);
  }
  return {};
}

SvgPlot draw_comparison(sim::Plot plot, const sim::Scenario& scenario,
                        std::span<const sim::RunReport> simulated,
                        std::span<const sim::RunReport> real) {
  return plot == sim::Plot::detection ? compare_detection(scenario, simulated, real)
                                      : compare_packets(scenario, simulated, real);
}

}  // namespace memberlist::cli
