#pragma once

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "build_paths.hpp"
#include "engine_fixture.hpp"

// What tests of the log share.
namespace memberlist::testing {

inline std::vector<LogRecord> lines_of(const EngineBench& bench) {
  std::vector<LogRecord> lines;
  for (const LoggedOutput& line : bench.log()) {
    if (const auto* record = std::get_if<LogRecord>(&line.what)) lines.push_back(*record);
  }
  return lines;
}

inline LogRecord last_line(const EngineBench& bench) {
  const std::vector<LogRecord> lines = lines_of(bench);
  return lines.empty() ? LogRecord{} : lines.back();
}

/// The names in the first cells of the page's table of fields.
inline std::set<std::string, std::less<>> documented_fields() {
  std::set<std::string, std::less<>> names;
  std::ifstream page(std::filesystem::path(MEMBERLIST_SOURCE_DIR) / "docs/logging.md");
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("| `")) names.insert(line.substr(3, line.find('`', 3) - 3));
  }
  return names;
}

/// A Bench whose lines have fields as the contract says.
class LogBench : public Bench {
 public:
  using Bench::Bench;
  ~LogBench() {
    const auto documented = documented_fields();
    for (const LogRecord& record : lines_of(*this)) {
      std::set<std::string_view> seen;
      for (const LogField& field : record.fields) {
        EXPECT_TRUE(documented.contains(field.name)) << field.name;
        EXPECT_TRUE(seen.insert(field.name).second) << field.name << " twice: " << record.text;
        for (const char c : field.value) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
      }
    }
  }
};

}  // namespace memberlist::testing
