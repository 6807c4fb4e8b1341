#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "build_paths.hpp"
#include "cpp_text.hpp"
#include "layer_rules.hpp"

// Every source of the project against the rooms and arrows of docs/architecture.md.
namespace memberlist::layers {
namespace {

namespace fs = std::filesystem;

struct Source {
  std::string path;  // relative to the root
  std::string text;
};

std::vector<Source> sources_under(const std::string& folder) {
  std::vector<Source> sources;
  const fs::path root = MEMBERLIST_SOURCE_DIR;
  if (!fs::exists(root / folder)) return sources;
  for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
    const auto extension = entry.path().extension();
    const bool is_source = extension == ".cpp" || extension == ".hpp" || extension == ".h";
    if (!entry.is_regular_file() || !is_source) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    sources.push_back({fs::relative(entry.path(), root).generic_string(),
                       {std::istreambuf_iterator<char>(file), {}}});
  }
  return sources;
}

void expect_clean(const std::string& folder) {
  for (const Source& source : sources_under(folder)) {
    for (const Violation& violation : check_file(source.path, source.text)) {
      ADD_FAILURE() << source.path << ':' << violation.line << ": " << violation.text << ": "
                    << violation.rule;
    }
  }
}

TEST(Layers, PublicHeaders) { expect_clean("include"); }
TEST(Layers, Rooms) { expect_clean("src"); }
TEST(Layers, Simulator) { expect_clean("sim"); }
TEST(Layers, Programs) { expect_clean("apps"); }

// A check that reads nothing finds nothing.
TEST(Layers, ReadsEveryRoom) {
  for (const char* folder : {"include/memberlist", "src/base", "src/crypto", "src/wire", "src/swim",
                             "src/net", "src/api", "apps/memberlist"}) {
    std::size_t includes = 0;
    for (const Source& source : sources_under(folder)) {
      includes += includes_of(without_comments_and_literals(source.text)).size();
    }
    EXPECT_GT(includes, 0U) << folder;
  }
}

// The page's table is what is enforced here.
TEST(Layers, ArchitecturePageHasTheSameArrows) {
  std::ifstream page(fs::path(MEMBERLIST_SOURCE_DIR) / "docs/architecture.md");
  std::size_t rows = 0;
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with("| `src/")) continue;
    const std::size_t begin = std::string_view("| `src/").size();
    const std::string room = line.substr(begin, line.find('/', begin) - begin);
    const std::string cells = line.substr(0, line.find_last_not_of(" |") + 1);
    std::istringstream list(cells.substr(cells.rfind('|') + 1));
    std::set<std::string, std::less<>> named;
    for (std::string name; std::getline(list, name, ',');) {
      named.insert(name.substr(name.find_first_not_of(' ')));
    }
    named.erase("std");  // every room may
    EXPECT_EQ(named, rooms_seen_by(room)) << line;
    ++rows;
  }
  EXPECT_GE(rows, 6U);
}

}  // namespace
}  // namespace memberlist::layers
