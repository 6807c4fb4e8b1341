#pragma once

#include <string>
#include <string_view>

#include "agent_options.hpp"

namespace memberlist::cli {

/// Reads options from TOML: keys as the long options of `memberlist agent`, and a table `[set]`
/// with knobs. Errors are added to their `mistakes`, with the file, the line and the key. `origin`
/// is the file's name in them.
[[nodiscard]] AgentOptions parse_config(std::string_view toml, const std::string& origin);

/// The same from a file.
[[nodiscard]] AgentOptions read_config_file(const std::string& path);

}  // namespace memberlist::cli
