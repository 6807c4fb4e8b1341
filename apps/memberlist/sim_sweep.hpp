#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "memberlist/sim/scenario.hpp"
#include "output.hpp"

namespace memberlist::cli {

/// The largest number of seeds of one sweep.
inline constexpr std::uint64_t kMaxSeeds = 100'000;

/// Which seeds a sweep has: `first` to `last`, and of these each `shards`-th, beginning with
/// number `shard`.
struct SeedRange {
  std::uint64_t first = 1;
  std::uint64_t last = 1;
  std::uint64_t shard = 0;
  std::uint64_t shards = 1;

  [[nodiscard]] std::vector<std::uint64_t> seeds() const;
};

/// `A..B`, both included, or one seed.
[[nodiscard]] std::expected<SeedRange, CommandError> parse_seeds(std::string_view text);
/// `I/N`: puts it into the range.
[[nodiscard]] std::expected<void, CommandError> parse_shard(std::string_view text,
                                                            SeedRange& range);

/// How far a sweep is.
struct SweepProgress {
  std::size_t done = 0;  ///< runs
  std::size_t all = 0;   ///< runs
  double share = 0;      ///< of the work, from 0 to 1
};

/// Plays one run, as `sim::play`.
using PlayRun = std::function<sim::RunReport(const sim::Scenario&, std::uint64_t seed,
                                             const std::function<bool(double)>& progress)>;

/// What a sweep is done with.
struct SweepOptions {
  std::vector<std::uint64_t> seeds;
  std::size_t jobs = 1;  ///< runs at a time
  /// Called now and then, on the calling thread.
  std::function<void(const SweepProgress&)> progress = {};
  /// Asked often, on any thread: whether to end early.
  std::function<bool()> stopped = {};
  /// Called on any thread.
  PlayRun play = sim::play;
};

/// Plays the scenario with each seed, several at a time. The reports of the runs that were played
/// to their end, in the order of the seeds.
[[nodiscard]] std::vector<sim::RunReport> run_sweep(const sim::Scenario& scenario,
                                                    const SweepOptions& options);

/// About how many bytes so many runs at a time take at most: each node knows each other one.
[[nodiscard]] std::uint64_t memory_needed(const sim::Scenario& scenario, std::size_t jobs);
/// How many bytes this process can have: of the machine, and of its control group. Unset: unknown.
[[nodiscard]] std::optional<std::uint64_t> memory_available();
/// An error with both figures if it is not enough.
[[nodiscard]] std::expected<void, CommandError> check_memory(
    const sim::Scenario& scenario, std::size_t jobs, std::optional<std::uint64_t> available);

}  // namespace memberlist::cli
