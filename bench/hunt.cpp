// bench/hunt.cpp
//
// How many seeds of swarm testing it takes until a checker finds something: for engines with a
// fault that was put into them (scripts/mutants). Usage:
//   memberlist_hunt swarm|random SEEDS
// Prints the checker and the seed, or `-` if all seeds have passed.

#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "memberlist/sim/swarm.hpp"

int main(int argc, char** argv) {
  using memberlist::sim::SwarmStrategy;
  if (argc != 3) {
    fmt::print(stderr, "usage: memberlist_hunt swarm|random SEEDS\n");
    return 2;
  }
  const bool swarm = std::string_view(argv[1]) == "swarm";
  const std::uint64_t seeds = std::strtoull(argv[2], nullptr, 10);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const auto scenario =
        memberlist::sim::draw_scenario(seed, swarm ? SwarmStrategy::swarm : SwarmStrategy::random);
    const auto report = memberlist::sim::play(scenario, seed);
    if (report.checks.passed()) continue;
    fmt::print("{} {}\n", report.checks.findings.front().check, seed);
    return 0;
  }
  fmt::print("-\n");
  return 0;
}
