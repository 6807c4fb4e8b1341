#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "json_views.hpp"
#include "memberlist/sim/scenario.hpp"

namespace memberlist::cli {

/// How a figure is spread over runs, or over the faults that were to be detected.
struct FigureSpread {
  std::size_t of = 0;        ///< runs or faults
  std::size_t happened = 0;  ///< those that have a figure
  double median = 0;
  double low = 0;   ///< a tenth is below
  double high = 0;  ///< a tenth is above
};

/// A figure of the runs of the simulator, and of those with real agents.
struct ComparedFigure {
  std::string_view name;
  std::string_view unit;  ///< `s`, or empty
  FigureSpread simulated;
  FigureSpread real;

  /// The real median in simulated ones; unset if there is none.
  [[nodiscard]] std::optional<double> ratio() const;
};

/// All that is measured of the scenario. Packets are those of one node in one second, over the
/// whole run and all nodes of the beginning.
[[nodiscard]] std::vector<ComparedFigure> compare_runs(const sim::Scenario& scenario,
                                                       std::span<const sim::RunReport> simulated,
                                                       std::span<const sim::RunReport> real);

/// The figures side by side: for people, for programs, and for spreadsheets.
[[nodiscard]] std::string comparison_text(const sim::Scenario& scenario,
                                          std::span<const sim::RunReport> simulated,
                                          std::span<const sim::RunReport> real);
[[nodiscard]] Json comparison_json(const sim::Scenario& scenario,
                                   std::span<const sim::RunReport> simulated,
                                   std::span<const sim::RunReport> real);
[[nodiscard]] std::string comparison_csv(const std::vector<ComparedFigure>& figures);

}  // namespace memberlist::cli
