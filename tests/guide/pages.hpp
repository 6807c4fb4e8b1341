#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "build_paths.hpp"

namespace memberlist::testing {

/// The pages that people read: README.md and its like, docs, the guide, the examples' page.
inline std::vector<std::filesystem::path> pages() {
  const std::filesystem::path root = MEMBERLIST_SOURCE_DIR;
  std::vector<std::filesystem::path> found;
  for (const char* folder : {".", "docs", "docs/guide", "examples"}) {
    for (const auto& entry : std::filesystem::directory_iterator(root / folder)) {
      if (entry.path().extension() == ".md") found.push_back(entry.path());
    }
  }
  return found;
}

inline std::string read_page(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace memberlist::testing
