#pragma once

#include "commands.hpp"

namespace memberlist::cli {

/// `memberlist sim futures`: how likely was this end, and when did it become inevitable
/// (docs/simulator.md)?
void add_futures_command(CLI::App& app, Run& run);

}  // namespace memberlist::cli
