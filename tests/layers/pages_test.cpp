#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "cpp_text.hpp"
#include "layer_rules.hpp"
#include "sources.hpp"

// What our pages say of rooms and files is what there is.
namespace memberlist::layers {
namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string, std::less<>>;

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \n");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \n") - first + 1));
}

/// The items of a list with commas, without backquotes.
Names items_of(std::string_view list) {
  std::string plain(list);
  std::erase(plain, '`');
  std::istringstream items(plain);
  Names names;
  for (std::string item; std::getline(items, item, ',');) names.insert(trimmed(item));
  return names;
}

/// The cells of each row of the page's tables.
std::vector<std::vector<std::string>> rows_of(const std::string& page) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(read_file(root() / page));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| ")) continue;
    std::vector<std::string> cells;
    std::istringstream row(line.substr(1));
    for (std::string cell; std::getline(row, cell, '|');) cells.push_back(trimmed(cell));
    rows.push_back(std::move(cells));
  }
  return rows;
}

/// `src/wire/` is the room `wire`.
std::string room_of_cell(std::string_view cell) {
  if (cell.starts_with("`include/")) return "public";
  if (cell.starts_with("`apps/")) return "apps";
  std::string path(cell.substr(0, cell.find("/`")));
  std::erase(path, '`');
  return path.starts_with("src/") ? path.substr(4) : path;
}

TEST(ArchitecturePage, HasTheRoomsAndArrowsThatAreEnforced) {
  const std::vector<std::string> known = rooms();
  Names described;
  for (const auto& cells : rows_of("docs/architecture.md")) {
    const std::string room = room_of_cell(cells.front());
    if (std::ranges::find(known, room) == known.end()) continue;
    described.insert(room);
    Names named = items_of(cells.back());
    named.erase("std");  // every room may
    const bool sees_api = public_headers_seen_by(room).contains("*");
    // Whoever stands on the rooms that make the API sees it.
    EXPECT_TRUE(named.erase("public API") == 0 || sees_api) << cells.front();
    EXPECT_EQ(named, seen_by(room)) << cells.front();
  }
  EXPECT_EQ(described, Names(known.begin(), known.end()));
}

TEST(ArchitecturePage, EveryRoomIsThereOrToCome) {
  for (const auto& cells : rows_of("docs/architecture.md")) {
    const std::string& cell = cells.front();
    if (!cell.starts_with('`') || cell.find(',') != std::string::npos) continue;
    std::string path(cell);
    std::erase(path, '`');
    const bool to_come = cells.at(1).find("(to come)") != std::string::npos;
    EXPECT_NE(fs::exists(root() / path), to_come) << cell;
  }
}

/// How programs include a public header, without the project's folder: `sim/world.hpp`.
std::string in_include(const Source& header) {
  return fs::path(header.path).lexically_relative("include/memberlist").generic_string();
}

/// The names in parentheses behind `words`.
Names in_parentheses(const std::string& page, std::string_view words) {
  const std::size_t begin = page.find(words);
  if (begin == std::string::npos) return {};
  const std::size_t open = page.find('(', begin);
  const std::string_view list = std::string_view(page).substr(open + 1);
  return items_of(list.substr(0, list.find(')')));
}

TEST(ArchitecturePage, NamesEveryPublicHeader) {
  Names values;
  for (const std::string& header : public_headers_seen_by("base")) {
    values.insert(header.substr(0, header.find('.')));
  }
  Names built;
  for (const Source& header : sources_under("include/memberlist")) {
    const std::string name = fs::path(in_include(header)).replace_extension().string();
    if (!values.contains(name)) built.insert(name);
  }
  std::string page = read_file(root() / "docs/architecture.md");
  std::ranges::replace(page, '\n', ' ');
  EXPECT_EQ(in_parentheses(page, "Two kinds of public headers: values"), values);
  EXPECT_EQ(in_parentheses(page, "what is built from rooms"), built);
}

TEST(ReferencePage, HasEveryPublicHeaderAndNoRowTwice) {
  Names headers;
  Names seen;
  for (const auto& cells : rows_of("docs/reference.md")) {
    EXPECT_TRUE(seen.insert(cells.front()).second) << cells.front() << " stands there twice";
    headers.merge(items_of(cells.at(1)));
  }
  for (const Source& header : sources_under("include/memberlist")) {
    const std::string name = in_include(header);
    if (name == "export.hpp" || name == "language.hpp") continue;  // nothing to use in them
    EXPECT_TRUE(headers.contains(name)) << name << " has no row";
  }
}

/// Paths of the project in backquotes, such as `src/wire/packet.hpp`.
std::vector<std::string> paths_in(const std::string& page) {
  std::vector<std::string> paths;
  for (std::size_t open = page.find('`'); open != std::string::npos; open = page.find('`', open)) {
    const std::size_t close = page.find('`', open + 1);
    if (close == std::string::npos) break;
    const std::string text = page.substr(open + 1, close - open - 1);
    open = close + 1;
    const bool plain = text.find_first_of(" *<>{}$\n") == std::string::npos &&
                       text.find("TARGET") == std::string::npos;  // stands for a name
    for (const char* folder : {"include/", "src/", "apps/", "tests/", "docs/", "fuzz/", "examples/",
                               "bench/", "scripts/", "cmake/", ".ci/"}) {
      if (plain && text.starts_with(folder)) paths.push_back(text);
    }
  }
  return paths;
}

TEST(Pages, NameNoFileThatIsNotThere) {
  std::vector<Source> pages = files_under("docs", {".md"});
  for (const char* page : {"README.md", "CONTRIBUTING.md", "SECURITY.md"}) {
    pages.push_back({page, read_file(root() / page)});
  }
  std::size_t checked = 0;
  for (const Source& page : pages) {
    for (const std::string& path : paths_in(page.text)) {
      const bool to_come = path.starts_with("src/capi");
      EXPECT_TRUE(to_come || fs::exists(root() / path)) << page.path << " names " << path;
      ++checked;
    }
  }
  EXPECT_GT(checked, 30U);
}

// `file` (`name`): the file has the name.
TEST(Pages, WhatContributingFindsInAFileIsThere) {
  const std::string page = read_file(root() / "CONTRIBUTING.md");
  const std::regex pair("`([a-z_/]+\\.[a-z]+)` \\(`([A-Za-z_:]+)`");
  std::size_t checked = 0;
  for (std::sregex_iterator at(page.begin(), page.end(), pair); at != std::sregex_iterator();
       ++at, ++checked) {
    EXPECT_NE(read_file(root() / at->str(1)).find(at->str(2)), std::string::npos)
        << at->str(1) << " has no " << at->str(2);
  }
  EXPECT_GE(checked, 20U);
}

// Nobody but its own part of the engine changes what is known of members.
TEST(Pages, ContributingSaysWhoChangesTheTableOfMembers) {
  for (const Source& source : sources_under("src/swim")) {
    if (source.path.ends_with("_test.cpp") || source.path.find("/member") != std::string::npos ||
        source.path.ends_with("/self_announcer.cpp")) {
      continue;
    }
    const std::string code = without_comments_and_literals(source.text);
    for (const char* change : {"set_status(", "set_incarnation(", "table.insert("}) {
      EXPECT_EQ(code.find(change), std::string::npos) << source.path << " has " << change;
    }
  }
}

TEST(Pages, EachIsInTheListOfThem) {
  const std::string list = read_file(root() / "docs/README.md");
  for (const auto& entry : fs::directory_iterator(root() / "docs")) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".md") || name == "README.md") continue;
    EXPECT_NE(list.find("](" + name + ")"), std::string::npos) << "docs/README.md lacks " << name;
  }
}

}  // namespace
}  // namespace memberlist::layers
