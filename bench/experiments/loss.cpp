// SWIM, section 3.1: how often a member is accused wrongly where packets are lost.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "experiments.hpp"
#include "trial.hpp"

namespace memberlist::bench {
namespace {

/// SWIM and Lifeguard as in the papers, and this library as it is.
std::vector<Variant> variants() {
  const std::vector<Variant> all = paper_variants();
  return {all.front(), all.back(), {"as it is", Config::lan(), {}}};
}

Setting lossy(const Variant& variant, double loss, std::uint64_t seed) {
  Setting setting{.variant = variant, .nodes = 128, .troubled = 0, .crashes = 1, .seed = seed};
  setting.link.loss = loss;
  return setting;
}

}  // namespace

void loss(const Effort& effort) {
  const auto losses = by_effort<std::vector<double>>(effort, {0.05, 0.1, 0.2}, {0.1});
  const std::size_t repetitions = by_effort<std::size_t>(effort, 16, 1) * effort.repeat;
  for (const Variant& variant : variants()) {
    for (const double share : losses) {
      std::vector<Setting> settings;
      for (std::size_t i = 0; i < repetitions; ++i) {
        settings.push_back(lossy(variant, share, seed_of(effort, i)));
      }
      Outcome sum;
      for (const Outcome& one : play_all<Outcome>("loss", settings, effort, play_trial)) sum += one;
      Line line("loss");
      line.add("variant", variant.name)
          .add("loss", share)
          .add("indirect_checks", std::uint64_t{variant.config.indirect_checks});
      add_outcome(line, sum)
          .add("all_50", quantile(sum.all, 0.5))
          .add("missed", sum.missed)
          .print();
    }
  }
}

}  // namespace memberlist::bench
