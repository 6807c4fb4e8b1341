#pragma once

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "build_paths.hpp"

namespace memberlist::layers {

struct Source {
  std::string path;  ///< relative to the project's root
  std::string text;
};

inline std::filesystem::path root() { return MEMBERLIST_SOURCE_DIR; }

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The files below a folder of the project that end so.
inline std::vector<Source> files_under(std::string_view folder,
                                       std::initializer_list<std::string_view> extensions) {
  std::vector<Source> files;
  if (!std::filesystem::exists(root() / folder)) return files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root() / folder)) {
    const std::string extension = entry.path().extension().string();
    bool wanted = false;
    for (const std::string_view one : extensions) wanted = wanted || extension == one;
    if (!entry.is_regular_file() || !wanted) continue;
    files.push_back({std::filesystem::relative(entry.path(), root()).generic_string(),
                     read_file(entry.path())});
  }
  return files;
}

inline std::vector<Source> sources_under(std::string_view folder) {
  return files_under(folder, {".cpp", ".hpp", ".h"});
}

}  // namespace memberlist::layers
