#pragma once

#include "commands.hpp"

namespace memberlist::cli {

/// `memberlist sim fuzz`: swarm testing of the engine (docs/simulator.md).
void add_fuzz_command(CLI::App& app, Run& run);

}  // namespace memberlist::cli
