#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json_views.hpp"
#include "memberlist/sim/scenario.hpp"
#include "output.hpp"
#include "sim_forks.hpp"
#include "sim_story.hpp"
#include "svg_plot.hpp"

namespace memberlist::cli {

/// The run that is forked, as it went.
struct ActualRun {
  Ending ending;
  std::optional<Duration> first_dead{};
  std::optional<Duration> last_dead{};
  std::vector<Story::Line> story{};
};

/// A run, and what became of its futures.
struct FuturesResults {
  sim::Scenario scenario;
  std::uint64_t seed = 1;
  std::string member;           ///< whose end it is about
  ActualRun actual;             ///< without a fork
  std::vector<Duration> forks;  ///< when it was forked, in order
  std::size_t runs = 0;         ///< futures of each fork
  /// Of fork 0, then those of fork 1, ...; unset: it was not played.
  std::vector<std::optional<Ending>> endings;
};

/// How the futures of one fork ended.
struct ForkCount {
  Duration at{};
  std::size_t runs = 0;    ///< that were played
  std::size_t by_one = 0;  ///< in which some member declared it dead
  std::size_t by_all = 0;  ///< in which all did
};

/// A range that has the true probability in it with 95 % confidence (Wilson's interval).
struct Interval {
  double low = 0;
  double high = 1;
};

[[nodiscard]] Interval interval_of(std::size_t count, std::size_t runs);
[[nodiscard]] std::vector<ForkCount> count_forks(const FuturesResults& results);
/// The earliest fork from which on all futures end as the run did: declared dead, or not. Unset:
/// there is none.
[[nodiscard]] std::optional<std::size_t> inevitable_from(const FuturesResults& results,
                                                         const std::vector<ForkCount>& counts);
/// The random choices of the future with this place in `endings`.
[[nodiscard]] std::uint64_t future_seed(std::uint64_t seed, std::size_t place);

/// The file that has all of it.
inline constexpr std::string_view kFuturesFile = "futures.json";

[[nodiscard]] std::string futures_text(const FuturesResults& results);
[[nodiscard]] Json futures_json(const FuturesResults& results);
/// Writes the files of docs/simulator.md.
[[nodiscard]] std::expected<void, CommandError> write_futures(const std::string& directory,
                                                              const FuturesResults& results);

}  // namespace memberlist::cli
