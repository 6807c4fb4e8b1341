#pragma once

#include "commands.hpp"

namespace memberlist::cli {

/// `memberlist sim real`: a scenario with real agents, beside the simulated one
/// (docs/simulator.md).
void add_real_command(CLI::App& app, Run& run);

}  // namespace memberlist::cli
