#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "sources.hpp"

// Which declarations of headers nothing uses. It reads words and not C++, so it finds nothing where
// another thing of the same name is used.
namespace memberlist::layers {

struct Unused {
  std::string path;
  std::size_t line = 0;  ///< from 1
  std::string name;
};

/// The functions, constants, types and fields that headers of src/ and apps/ declare and only tests
/// use, or nothing does; and those of include/ that not even a test uses.
[[nodiscard]] std::vector<Unused> unused_declarations(const std::vector<Source>& sources);

}  // namespace memberlist::layers
