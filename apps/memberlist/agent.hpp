#pragma once

#include "agent_options.hpp"

namespace memberlist::cli {

/// Runs a member until SIGINT, SIGTERM or `memberlist leave`; then it leaves. Returns the exit
/// code.
[[nodiscard]] int run_agent(AgentPlan plan);

}  // namespace memberlist::cli
