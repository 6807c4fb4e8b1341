#pragma once

#include "memberlist/engine.hpp"
#include "sim/reporter.hpp"

namespace memberlist::sim {

/// What holds inside an engine between two calls: tables and counts agree, everything that waits
/// has a timer, and every timer somebody who waits for it.
void check_internals(const Engine& engine, const Reporter& reporter);

}  // namespace memberlist::sim
