#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "agent_options.hpp"
#include "output.hpp"

namespace memberlist::cli {

/// Reads options from TOML: keys as the long options of `memberlist agent`, and a table `[set]`
/// with knobs. Errors name the file, the line and the key. `origin` is the file's name in errors.
[[nodiscard]] std::expected<AgentOptions, CommandError> parse_config(std::string_view toml,
                                                                     const std::string& origin);

/// The same from a file.
[[nodiscard]] std::expected<AgentOptions, CommandError> read_config_file(const std::string& path);

}  // namespace memberlist::cli
