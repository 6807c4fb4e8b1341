#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "memberlist/error.hpp"
#include "memberlist/sim/scenario.hpp"
#include "output.hpp"

namespace memberlist::cli {

/// What the command line says in place of the scenario.
struct ScenarioChanges {
  std::optional<std::size_t> nodes;
};

/// What a command refuses that the library does not; the subjects of the errors as in
/// `sim::Scenario::mistakes`.
using ScenarioLimits = std::function<std::vector<Error>(const sim::Scenario&)>;

/// Reads a scenario from TOML (docs/simulator.md). The error reports all mistakes, with the file,
/// the line and the key; also what the library and `limits` refuse. `origin` is the file's name in
/// them.
[[nodiscard]] std::expected<sim::Scenario, CommandError> parse_scenario(
    std::string_view toml, const std::string& origin, const ScenarioChanges& changes = {},
    const ScenarioLimits& limits = {});

/// The same from a file, `-` for standard input; or, if it is the name of one of
/// `sim::named_scenarios`, that one.
[[nodiscard]] std::expected<sim::Scenario, CommandError> load_scenario(
    const std::string& file_or_name, const ScenarioChanges& changes = {},
    const ScenarioLimits& limits = {});

/// The TOML of a scenario: what is as by default is left out. Read again, it gives the same
/// scenario, except that tables of latencies are shortened to 1,024 values.
[[nodiscard]] std::string to_toml(const sim::Scenario& scenario);

/// What makes an agent's configuration that of the scenario: `--profile`, and `--set` for each knob
/// that differs from it.
[[nodiscard]] std::vector<std::string> agent_settings(const sim::Scenario& scenario);

}  // namespace memberlist::cli
