#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "memberlist/sim/link.hpp"
#include "memberlist/time.hpp"

// What published papers measured, measured again in virtual time. Each experiment prints lines of
// JSON; report.py lays them beside the published figures, and docs/experiments has the result.
namespace memberlist::bench {

/// How much is played.
struct Effort {
  bool quick = false;      ///< the least that shows something: for tests
  std::size_t repeat = 1;  ///< how many times each setting of Lifeguard's experiments is played
  std::size_t jobs = 0;    ///< runs at the same time; 0: one on each core
  std::uint64_t seed = 1;  ///< of the whole experiment
};

/// The seed of one run. Those of two runs have nothing in common: worlds with the seeds 1, 2, 3 ...
/// would have many hosts with the same seed in turn.
[[nodiscard]] std::uint64_t seed_of(const Effort& effort, std::size_t run);

/// `full`, or for a quick run `quick`.
template <class T>
[[nodiscard]] T by_effort(const Effort& effort, T full, T quick) {
  return effort.quick ? std::move(quick) : std::move(full);
}

/// Calls `run` with each number below `count`, on several threads, and shows on standard error how
/// far it is.
void run_all(std::string_view experiment, std::size_t count, const Effort& effort,
             const std::function<void(std::size_t)>& run);

/// The same, with what `play` returns for each case, in the order of the cases.
template <class Outcome, class Case, class Play>
[[nodiscard]] std::vector<Outcome> play_all(std::string_view experiment,
                                            const std::vector<Case>& cases, const Effort& effort,
                                            const Play& play) {
  std::vector<Outcome> outcomes(cases.size());
  run_all(experiment, cases.size(), effort,
          [&](std::size_t index) { outcomes[index] = play(cases[index]); });
  return outcomes;
}

/// One line of JSON.
class Line {
 public:
  explicit Line(std::string_view experiment);
  Line& add(std::string_view name, std::string_view value);
  Line& add(std::string_view name, double value);
  Line& add(std::string_view name, std::uint64_t value);
  Line& add(std::string_view name, std::span<const double> values);
  /// Writes it to standard output.
  void print() const;

 private:
  std::string text_;
};

/// Round trips inside of a data centre.
[[nodiscard]] sim::Link data_centre();

[[nodiscard]] double seconds(Duration duration);

/// The value at this share of all, from 0 to 1; 0 if there is none.
[[nodiscard]] double quantile(std::vector<double> values, double share);

/// Mean, and its standard error.
struct Mean {
  double mean = 0;
  double error = 0;
};
[[nodiscard]] Mean mean_of(std::span<const double> values);

}  // namespace memberlist::bench
