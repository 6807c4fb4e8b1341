#pragma once

#include "memberlist/engine.hpp"
#include "reporter.hpp"

namespace memberlist::fuzz {

/// What holds inside an engine between two calls: tables and counts agree, everything that waits
/// has a timer, and every timer somebody who waits for it.
void check_internals(const Engine& engine, const Reporter& reporter);

}  // namespace memberlist::fuzz
