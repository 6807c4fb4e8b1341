// bench/experiments/main.cpp
//
// Plays the experiments of published papers in virtual time, and prints their figures as lines of
// JSON. scripts/experiments runs all of them, and writes docs/experiments.
//   memberlist_experiments NAME... [--quick] [--repeat N] [--jobs N] [--seed N]

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "experiments.hpp"

namespace {

using memberlist::bench::Effort;
using memberlist::bench::Experiment;
using memberlist::bench::experiments;

int usage() {
  fmt::print(
      stderr,
      "usage: memberlist_experiments NAME... [--quick] [--repeat N] [--jobs N] [--seed N]\n");
  for (const Experiment& experiment : experiments()) {
    fmt::print(stderr, "  {:<16} {}\n", experiment.name, experiment.description);
  }
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  Effort effort;
  std::vector<const Experiment*> wanted;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto found = std::ranges::find(experiments(), word, &Experiment::name);
    if (word == "--quick") {
      effort.quick = true;
    } else if (word == "--jobs" && i + 1 < argc) {
      effort.jobs = std::strtoul(argv[++i], nullptr, 10);
    } else if (word == "--repeat" && i + 1 < argc) {
      effort.repeat = std::max(1UL, std::strtoul(argv[++i], nullptr, 10));
    } else if (word == "--seed" && i + 1 < argc) {
      effort.seed = std::strtoul(argv[++i], nullptr, 10);
    } else if (found != experiments().end()) {
      wanted.push_back(&*found);
    } else {
      return usage();
    }
  }
  if (wanted.empty()) return usage();
  for (const Experiment* experiment : wanted) experiment->play(effort);
  return 0;
}
