#pragma once

#include <cstdint>
#include <expected>
#include <functional>

#include "memberlist/sim/scenario.hpp"
#include "output.hpp"
#include "real_network.hpp"

namespace memberlist::cli {

/// Plays a scenario with agents of this program, in real time, and measures what the simulator
/// measures; nothing is checked. The seed draws which nodes a fault happens to, as in the
/// simulator. `progress` is called now and then with the share that is done, from 0 to 1; if it
/// returns false the run ends, and the report is not complete. Error: this machine did not do its
/// part. Precondition: there are no `real_mistakes`.
[[nodiscard]] std::expected<sim::RunReport, CommandError> play_real(
    const sim::Scenario& scenario, std::uint64_t seed, const NetworkTools& tools,
    const std::function<bool(double)>& progress);

}  // namespace memberlist::cli
