#pragma once

#include <span>
#include <string_view>

#include "experiment.hpp"

namespace memberlist::bench {

/// One of the experiments.
struct Experiment {
  std::string_view name;
  std::string_view description;
  void (*play)(const Effort&);
};

/// All of them.
[[nodiscard]] std::span<const Experiment> experiments();

// Each prints its figures as lines of JSON.
void first_detection(const Effort& effort);
void dissemination(const Effort& effort);
void load(const Effort& effort);
void loss(const Effort& effort);
void bootstrap(const Effort& effort);
void crash_of_ten(const Effort& effort);
void bad_links(const Effort& effort);
void interval(const Effort& effort);
void starvation(const Effort& effort);
void alpha(const Effort& effort);
void rules(const Effort& effort);

}  // namespace memberlist::bench
