#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "memberlist/sim/scenario.hpp"

namespace memberlist::sim {

/// How scenarios are drawn.
enum class SwarmStrategy : std::uint8_t {
  /// For each seed a subset of the kinds of faults, their rates, the size of the cluster, profile
  /// and knobs, also extreme ones (Groce et al., "Swarm Testing", ISSTA 2012).
  swarm,
  /// Every kind of fault may come in every run, at the default knobs: to compare with.
  random,
};

/// The scenario of a seed: always the same one, and always valid. It heals at its end, and states
/// within what time all must agree then.
[[nodiscard]] Scenario draw_scenario(std::uint64_t seed,
                                     SwarmStrategy strategy = SwarmStrategy::swarm);

/// The outcome of `shrink`.
struct Shrunk {
  Scenario scenario{};    ///< nothing can be left out of it, unless `complete` is false
  std::size_t plays = 0;  ///< how often a scenario was played
  bool complete = false;  ///< false: it took as many plays as were allowed
};

/// Looks for the smallest scenario for which `fails` still holds: with fewer faults, fewer nodes, a
/// shorter run and knobs at their defaults (delta debugging: Zeller and Hildebrandt, "Simplifying
/// and Isolating Failure-Inducing Input", 2002). `fails` is called with valid scenarios only.
/// Precondition: it holds for `scenario`.
[[nodiscard]] Shrunk shrink(const Scenario& scenario,
                            const std::function<bool(const Scenario&)>& fails,
                            std::size_t most_plays = 400);

}  // namespace memberlist::sim
