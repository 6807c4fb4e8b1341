#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace memberlist::cli {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;  ///< it could not be done
inline constexpr int kExitUsage = 2;   ///< it was asked for in a wrong way

/// Why a command failed: the exit code, and one line that says what went wrong and what to try.
struct CommandError {
  int exit_code = kExitFailed;
  std::string text;
  std::string code{};               ///< of the admin API's error, if the agent answered with one
  std::vector<std::string> more{};  ///< what else is wrong, a line each
};

/// Maximum number of lines of one report; another one says how many more there are.
inline constexpr std::size_t kMaxErrorLines = 20;

/// Writes text to standard output and flushes it. False if it can no longer be written.
bool write_out(std::string_view text) noexcept;

/// The same, for the last output of a command: returns the exit code, after a report if it cannot
/// be written.
int print(std::string_view text) noexcept;

/// Writes `memberlist: text` as one line to standard error (control characters escaped), the others
/// of the error below it, and returns the exit code, so that a command can end with
/// `return report(...)`.
int report(const CommandError& error) noexcept;
/// The same for what could not be done.
int report(std::string_view text) noexcept;
/// A line on standard error about something that does not end the command.
void warn(std::string_view text) noexcept;

/// Whether standard output is a terminal.
[[nodiscard]] bool terminal_output();

/// Whether standard output is a terminal that wants colour (see no-color.org).
[[nodiscard]] bool colour_wanted();

enum class Colour { green, yellow, red, grey, bold };

/// The text in a colour if `enabled`, else as it is.
[[nodiscard]] std::string paint(std::string text, Colour colour, bool enabled);

}  // namespace memberlist::cli
