#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "memberlist/sim/scenario.hpp"
#include "output.hpp"
#include "sim_summary.hpp"
#include "sim_sweep.hpp"

namespace memberlist::cli {

/// The outcome of a sweep, or of one shard of it.
struct SweepResults {
  sim::Scenario scenario;
  SeedRange range;                   ///< that it has, or should have
  bool complete = false;             ///< it has all of them
  std::vector<sim::RunReport> runs;  ///< by seed, as recorded
  SweepTiming timing;
};

/// The file that every sweep has.
inline constexpr std::string_view kSweepFile = "sweep.json";

/// Writes a file into a directory; one that is there is replaced.
[[nodiscard]] std::expected<void, CommandError> write_file(const std::string& directory,
                                                           std::string_view name,
                                                           std::string_view text);
/// Makes the directory if it is not there, and tries to write into it: `file`, which is one of
/// those that will be written.
[[nodiscard]] std::expected<void, CommandError> prepare_directory(const std::string& directory,
                                                                  std::string_view file);
/// Writes the files of docs/simulator.md, in place of those that are there. All but `timing.json`
/// depend on the scenario and the seeds alone.
[[nodiscard]] std::expected<void, CommandError> write_results(const std::string& directory,
                                                              const SweepResults& results);
/// Reads what `write_results` has written.
[[nodiscard]] std::expected<SweepResults, CommandError> read_results(const std::string& directory);

/// The shards of one sweep, read from these directories, as if one run had had all seeds. The error
/// names what does not fit, and seeds that are missing or there twice.
[[nodiscard]] std::expected<SweepResults, CommandError> merge_results(
    const std::vector<std::string>& directories);

}  // namespace memberlist::cli
