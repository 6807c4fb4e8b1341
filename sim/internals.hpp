#pragma once

#include <cstdint>

#include "memberlist/engine.hpp"
#include "sim/reporter.hpp"

namespace memberlist::sim {

/// What holds inside an engine between two calls: tables and counts agree, everything that waits
/// has a timer, and every timer somebody who waits for it.
void check_internals(const Engine& engine, const Reporter& reporter);

/// The engine makes other random choices from now on. What it has chosen stays: the order in which
/// it probes, and the times of its timers.
void reseed(Engine& engine, std::uint64_t seed);

}  // namespace memberlist::sim
