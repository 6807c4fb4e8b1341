#pragma once

#include <span>
#include <vector>

#include "memberlist/sim/scenario.hpp"
#include "svg_plot.hpp"

namespace memberlist::cli {

/// The plots that a scenario asks for; if it names none, all that it measures.
[[nodiscard]] std::vector<sim::Plot> plots_of(const sim::Scenario& scenario);

/// One of them, of all runs of a sweep.
[[nodiscard]] SvgPlot draw_plot(sim::Plot plot, const sim::Scenario& scenario,
                                std::span<const sim::RunReport> runs);

/// The same of `detection` or `packets` for two kinds of runs, in one picture.
[[nodiscard]] SvgPlot draw_comparison(sim::Plot plot, const sim::Scenario& scenario,
                                      std::span<const sim::RunReport> simulated,
                                      std::span<const sim::RunReport> real);

}  // namespace memberlist::cli
