#include "usage.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>

#include "base/edit_distance.hpp"
#include "key_text.hpp"

namespace memberlist::cli {

namespace {

// The app at which parsing met an argument that it has no use for, and that argument.
struct Unexpected {
  const CLI::App* app = nullptr;
  std::string argument;
};

bool has_commands(const CLI::App& app) { return !app.get_subcommands({}).empty(); }

bool is_option(std::string_view argument) {
  return argument.size() > 1 && argument.starts_with('-') &&
         argument.find_first_not_of('-') != std::string_view::npos;
}

// Those that one app has no use for: all options, and the first word unless it may be the value of
// such an option. What follows an unknown command is that command's own.
std::vector<Unexpected> unexpected_at(const CLI::App& app) {
  std::vector<Unexpected> all;
  for (const std::string& argument : app.remaining()) {
    const bool option = is_option(argument);
    if (option || all.empty()) all.push_back({&app, argument});
    if (!option && all.size() == 1 && has_commands(app)) break;
  }
  return all;
}

// Arguments come to the outer app before the inner one.
std::vector<Unexpected> all_unexpected(const CLI::App& app) {
  auto all = unexpected_at(app);
  const auto chosen = app.get_subcommands();
  if (!chosen.empty()) {
    const auto inner = all_unexpected(*chosen.front());
    all.insert(all.end(), inner.begin(), inner.end());
  }
  return all;
}

// `keys add` of `memberlist keys add`; empty for the program itself.
std::string command_path(const CLI::App& command) {
  if (command.get_parent() == nullptr) return {};
  const std::string outer = command_path(*command.get_parent());
  return outer + (outer.empty() ? "" : " ") + command.get_name();
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// The hint for the innermost command that has one: `members --token` and `keys add --token` alike.
std::string_view hint_for(const CLI::App& command, std::string_view word) {
  for (const CLI::App* app = &command; app != nullptr; app = app->get_parent()) {
    const std::string_view hint = habit_hint(command_path(*app), word);
    if (!hint.empty()) return hint;
  }
  return {};
}

std::string explain_option(const CLI::App& command, const std::string& argument) {
  const std::string given = argument.substr(0, argument.find('='));
  const std::string name = "--" + given.substr(given.find_first_not_of('-'));
  const auto known = option_names(command);
  const bool one_dash = !given.starts_with("--");
  if (const std::string_view hint = habit_hint(command_path(command), one_dash ? given : name);
      !hint.empty()) {
    return fmt::format("there is no option `{}`: {}", given, hint);
  }
  if (one_dash && std::ranges::find(known, name) != known.end()) {
    return fmt::format("`{}`: long options take two dashes: {}", given, name);
  }
  if (const std::string_view hint = hint_for(command, name); !hint.empty()) {
    return fmt::format("there is no option `{}`: {}", given, hint);
  }
  const std::string close = closest_word(name, known);
  return close.empty() ? fmt::format("there is no option `{}`", given)
                       : fmt::format("there is no option `{}`: did you mean {}?", given, close);
}

std::string explain_word(const CLI::App& app, const std::string& word) {
  const auto commands = command_names(app);
  if (commands.empty() || !app.get_subcommands().empty()) {
    return fmt::format("`{}` is not expected here", word);
  }
  const std::string path = command_path(app);
  const std::string named = path + (path.empty() ? "" : " ") + word;
  if (const std::string_view hint = habit_hint(path, word); !hint.empty()) {
    return fmt::format("there is no command `{}`: {}", named, hint);
  }
  const std::string close = closest_word(word, commands);
  return close.empty() ? fmt::format("there is no command `{}`", named)
                       : fmt::format("there is no command `{}`: did you mean `{}`?", named,
                                     path + (path.empty() ? "" : " ") + close);
}

std::string explain_missing_command(const CLI::App& app) {
  return fmt::format("give one of its commands: {}", fmt::join(command_names(app), ", "));
}

// CLI11's texts may have several lines, and may end with a full stop.
std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  while (text.ends_with('.') || text.ends_with(' ')) text.pop_back();
  return text;
}

void hide(std::string& text, std::string_view secret) {
  constexpr std::string_view kHidden = "(what looks like a key)";
  for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos;) {
    text.replace(at, secret.size(), kHidden);
    at += kHidden.size();
  }
}

// A key may have been written anywhere, by mistake.
std::string without_keys(std::string text, std::span<char* const> arguments) {
  for (const std::string_view argument : arguments) {
    const std::size_t equals = argument.find('=');
    for (const std::string_view part :
         {argument, equals == std::string_view::npos ? argument : argument.substr(equals + 1)}) {
      if (could_be_key(part)) hide(text, part);
    }
  }
  return text;
}

}  // namespace

std::string closest_word(std::string_view word, const std::vector<std::string>& words) {
  constexpr std::size_t kLongestWord = 64;  // the comparison takes length times length
  constexpr std::size_t kLettersForEachMistake = 3;
  const std::size_t letters = word.size() - std::min(word.find_first_not_of('-'), word.size());
  if (letters < 2 || word.size() > kLongestWord) return {};
  std::size_t least = std::max<std::size_t>(1, letters / kLettersForEachMistake) + 1;
  std::string closest;
  for (const std::string& other : words) {
    const std::size_t distance = other.starts_with(word) ? 1 : edit_distance(word, other);
    if (distance < least) {
      least = distance;
      closest = other;
    }
  }
  return closest;
}

const CLI::App& chosen_command(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : chosen_command(*chosen.front());
}

std::string command_text(const CLI::App& command) {
  const std::string path = command_path(command);
  return path.empty() ? "memberlist" : "memberlist " + path;
}

std::string help_text(const CLI::App& command) {
  // Not CLI11's help(): that descends to the chosen subcommand, which may be `help` itself.
  return command.get_formatter()->make_help(&command, command_text(command),
                                            CLI::AppFormatMode::Normal);
}

const CLI::App* short_help_wanted(const CLI::App& app) {
  const auto unexpected = all_unexpected(app);
  const bool wanted = !unexpected.empty() && (unexpected.front().argument == "-h" ||
                                              unexpected.front().argument == "-help");
  return wanted ? unexpected.front().app : nullptr;
}

bool lacks_command(const CLI::App& app, const CLI::ParseError& error) {
  return dynamic_cast<const CLI::RequiredError*>(&error) != nullptr &&
         all_unexpected(app).empty() && has_commands(chosen_command(app));
}

std::vector<std::string> explain_misuse(const CLI::App& app, const CLI::ParseError& error,
                                        std::span<char* const> arguments) {
  std::vector<std::string> mistakes;
  for (const Unexpected& unexpected : all_unexpected(app)) {
    mistakes.push_back(is_option(unexpected.argument)
                           ? explain_option(*unexpected.app, unexpected.argument)
                           : explain_word(*unexpected.app, unexpected.argument));
  }
  const CLI::App& command = chosen_command(app);
  if (mistakes.empty()) {
    mistakes.push_back(lacks_command(app, error) ? explain_missing_command(command)
                                                 : one_line(error.what()));
  }
  for (std::string& what : mistakes) {
    what = without_keys(std::move(what), arguments);
    what = fmt::format("{}{} `{} --help`", what, what.ends_with('?') ? " See" : "; see",
                       command_text(command));
  }
  return mistakes;
}

}  // namespace memberlist::cli
