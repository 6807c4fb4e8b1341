#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>

#include "json_views.hpp"
#include "memberlist/sim/scenario.hpp"

namespace memberlist::cli {

/// What a sweep took, which differs from machine to machine.
struct SweepTiming {
  double wall_seconds = 0;
  double cpu_seconds = 0;
  double node_seconds = 0;  ///< that were simulated

  /// The node-seconds a core-second; 0 if there was none.
  [[nodiscard]] double speed() const { return cpu_seconds > 0 ? node_seconds / cpu_seconds : 0; }
};

/// What is in `summary.json`: made of the recorded runs alone, so that it is the same wherever they
/// were played.
[[nodiscard]] Json summary_json(const sim::Scenario& scenario,
                                std::span<const sim::RunReport> runs);
/// What is in `timing.json`.
[[nodiscard]] Json timing_json(const SweepTiming& timing);

/// The same for people. `file` is how the scenario is named on the command line, to play a run
/// again.
[[nodiscard]] std::string summary_text(const sim::Scenario& scenario,
                                       std::span<const sim::RunReport> runs,
                                       const std::optional<SweepTiming>& timing,
                                       const std::string& file);

/// A line for each detection, and for each sample, under a header.
[[nodiscard]] std::string detections_csv(std::span<const sim::RunReport> runs);
[[nodiscard]] std::string samples_csv(std::span<const sim::RunReport> runs);

/// Whether some run has a finding.
[[nodiscard]] bool has_findings(std::span<const sim::RunReport> runs);

}  // namespace memberlist::cli
