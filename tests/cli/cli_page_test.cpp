// docs/cli.md has each command and each of its options, and no others.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>

#include "build_paths.hpp"
#include "cli_fixture.hpp"

namespace memberlist::cli_test {
namespace {

/// The options of each command, by its name, such as `keys add`.
using Commands = std::map<std::string, std::set<std::string>>;

void add_matches(std::set<std::string>& found, const std::string& text, const std::regex& one) {
  for (std::sregex_iterator at(text.begin(), text.end(), one); at != std::sregex_iterator(); ++at) {
    found.insert(at->str(1));
  }
}

// --- what the page says --------------------------------------------------------------------------

/// The texts in backquotes in the first cell of a row.
std::vector<std::string> spans_of(const std::string& row) {
  std::vector<std::string> spans;
  std::size_t cell = 1;
  do {
    cell = row.find('|', cell + 1);
  } while (cell != std::string::npos && row[cell - 1] == '\\');
  const std::string text = row.substr(0, cell);
  for (std::size_t open = text.find('`'); open != std::string::npos;) {
    const std::size_t close = text.find('`', open + 1);
    spans.push_back(text.substr(open + 1, close - open - 1));
    open = close == std::string::npos ? close : text.find('`', close + 1);
  }
  return spans;
}

/// `keys list [--format table]` is `keys list`, `--name NAME` is the agent's.
std::string command_of(const std::string& span) {
  if (span.starts_with("--")) return "agent";
  std::smatch words;
  std::regex_search(span, words, std::regex("^[a-z]+(?: [a-z]+)?(?![a-z])"));
  return words.str();
}

Commands on_the_page() {
  Commands commands;
  bool about_commands = false;
  std::ifstream page(std::filesystem::path(MEMBERLIST_SOURCE_DIR) / "docs/cli.md");
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("## ")) {
      about_commands =
          line.starts_with("## `memberlist agent`") || line.starts_with("## Commands ");
    } else if (line.starts_with("### ")) {
      about_commands = false;
    } else if (about_commands && line.starts_with("| `")) {
      for (const std::string& span : spans_of(line)) {
        add_matches(commands[command_of(span)], span, std::regex("(--[a-z-]+)"));
      }
    }
  }
  return commands;
}

// --- what the program says -----------------------------------------------------------------------

void add_command(Commands& commands, const Arguments& path, const std::string& name) {
  Arguments arguments = path;
  arguments.emplace_back("--help");
  const std::string help = run(arguments).output;
  std::set<std::string> inner;
  const std::size_t list = help.find("\nSubcommands:\n");
  if (list != std::string::npos) {
    add_matches(inner, help.substr(list), std::regex("\n  ([a-z]+) "));
  }
  const std::string before = name.empty() ? "" : name + " ";
  for (const std::string& command : inner) {
    Arguments longer = path;
    longer.push_back(command);
    std::string whole = before;
    whole += command;
    add_command(commands, longer, whole);
  }
  if (!inner.empty()) return;
  EXPECT_NE(help.find("Example: memberlist " + name), std::string::npos) << name;
  std::set<std::string>& options = commands[name];
  add_matches(options, help, std::regex("\n  (--[a-z-]+)"));
  options.erase("--help");
  if (name == "agent") return;
  // The page has them above the table, as all these commands take them.
  options.erase("--http");
  options.erase("--http-token-file");
}

TEST(CliPage, HasEveryCommandAndOption) {
  Commands commands;
  add_command(commands, {}, "");
  const Commands page = on_the_page();
  EXPECT_GT(commands.size(), 15U);
  for (const auto& [command, options] : commands) {
    const auto row = page.find(command);
    ASSERT_NE(row, page.end()) << "docs/cli.md has no row of `" << command << '`';
    EXPECT_EQ(row->second, options) << command;
  }
  for (const auto& [command, options] : page) {
    EXPECT_TRUE(commands.contains(command)) << "there is no command `" << command << '`';
  }
}

}  // namespace
}  // namespace memberlist::cli_test
