#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace memberlist::cli {

/// What a user of Serf or Consul should use instead of `word`, a command (`rtt`) or an option
/// (`--node`, always with two dashes) of theirs that this program spells in another way or does not
/// have; empty if there is nothing to say. `command` is ours that the option was given to, e.g.
/// `keys add`; empty for the program itself.
[[nodiscard]] std::string_view habit_hint(std::string_view command, std::string_view word);

/// The one of `words` that `word` is most likely a misspelling or the beginning of; empty if none
/// is close.
[[nodiscard]] std::string closest_word(std::string_view word,
                                       const std::vector<std::string>& words);

/// The app of the subcommand that was chosen, the innermost one; `app` itself if none was.
[[nodiscard]] const CLI::App& chosen_command(const CLI::App& app);

/// The same as it is typed: `memberlist keys add`.
[[nodiscard]] std::string command_text(const CLI::App& command);

/// What `COMMAND --help` prints.
[[nodiscard]] std::string help_text(const CLI::App& command);

/// The command whose help is requested by `-h` or Go's `-help`; null if none is. (They are not
/// options of CLI11, which would parse `-http=X` as `-h` with a value.)
[[nodiscard]] const CLI::App* short_help_wanted(const CLI::App& app);

/// Whether the chosen command has subcommands, and none of them was given.
[[nodiscard]] bool lacks_command(const CLI::App& app, const CLI::ParseError& error);

/// What is wrong with the arguments and what to type, a line for each mistake. What could be a key
/// is never part of it.
[[nodiscard]] std::vector<std::string> explain_misuse(const CLI::App& app,
                                                      const CLI::ParseError& error,
                                                      std::span<char* const> arguments);

}  // namespace memberlist::cli
