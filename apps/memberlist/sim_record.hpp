#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "memberlist/sim/scenario.hpp"
#include "output.hpp"

namespace memberlist::cli {

/// A report as one line of `runs.jsonl`: whole numbers only, so that what is made of lines that
/// were read is the same as what is made of the reports themselves.
[[nodiscard]] std::string record_line(const sim::RunReport& report);

/// The report of such a line. Shares are rounded to millionths, seconds of nodes to nanoseconds.
[[nodiscard]] std::expected<sim::RunReport, CommandError> read_record(std::string_view line);

/// The same as the line would give it.
[[nodiscard]] sim::RunReport as_recorded(const sim::RunReport& report);

}  // namespace memberlist::cli
