#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/knob_table.hpp"
#include "build_paths.hpp"
#include "memberlist/config.hpp"

// docs/guide/knobs.md against the only list of knobs, src/base/knobs.cpp.
namespace memberlist {
namespace {

/// The cells of each table row whose first one is a name in backquotes.
std::vector<std::vector<std::string>> knob_rows() {
  std::vector<std::vector<std::string>> rows;
  std::ifstream page(std::filesystem::path(MEMBERLIST_SOURCE_DIR) / "docs/guide/knobs.md");
  for (std::string line; std::getline(page, line) && line != "## Fields that are not knobs";) {
    if (!line.starts_with("| `")) continue;
    std::vector<std::string> cells;
    std::size_t from = 1;
    for (std::size_t bar = line.find('|', 1); bar != std::string::npos;
         bar = line.find('|', from)) {
      const std::string cell = line.substr(from, bar - from);
      const std::size_t first = cell.find_first_not_of(' ');
      const std::size_t last = cell.find_last_not_of(' ');
      cells.push_back(first == std::string::npos ? "" : cell.substr(first, last - first + 1));
      from = bar + 1;
    }
    rows.push_back(std::move(cells));
  }
  return rows;
}

std::string value_of(const Knob& knob, const Config& config) {
  return std::visit(
      [&config](auto field) -> std::string {
        const auto value = config.*field;
        if constexpr (std::is_same_v<decltype(value), const Duration>) {
          return format_duration(value);
        } else if constexpr (std::is_same_v<decltype(value), const bool>) {
          return value ? "true" : "false";
        } else {
          return std::to_string(value);
        }
      },
      knob.field);
}

std::string profile_values(const Knob& knob) {
  const std::string lan = value_of(knob, Config::lan());
  const std::string wan = value_of(knob, Config::wan());
  const std::string local = value_of(knob, Config::local());
  return lan == wan && lan == local ? lan : lan + " / " + wan + " / " + local;
}

TEST(GuideKnobs, EachHasOneRowWithItsLimitsAndProfiles) {
  const auto rows = knob_rows();
  EXPECT_EQ(rows.size(), knob_table().size());
  for (const Knob& knob : knob_table()) {
    const std::string name = "`" + std::string(knob.info.name) + "`";
    const auto row = std::ranges::find(rows, name, [](const auto& cells) { return cells.front(); });
    ASSERT_NE(row, rows.end()) << "docs/guide/knobs.md has no row for " << name;
    ASSERT_EQ(row->size(), 6U) << name;
    EXPECT_EQ((*row)[1], knob.info.limits) << name;
    EXPECT_EQ((*row)[2], profile_values(knob)) << name;
    EXPECT_FALSE((*row)[3].empty()) << name << " does not say what it trades";
    EXPECT_FALSE((*row)[4].empty() && (*row)[5].empty()) << name << " does not say what goes wrong";
  }
}

}  // namespace
}  // namespace memberlist
