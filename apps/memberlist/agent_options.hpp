#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "event_hub.hpp"
#include "log.hpp"
#include "memberlist/config.hpp"
#include "mistakes.hpp"
#include "output.hpp"

namespace memberlist::cli {

inline constexpr std::uint16_t kDefaultHttpPort = 7947;

/// The options of `memberlist agent`, from its command line or its configuration file, as text.
/// Unset or empty: not given.
struct AgentOptions {
  std::optional<std::string> name;
  std::optional<std::string> bind;
  std::optional<std::string> advertise;
  std::optional<std::string> profile;
  std::optional<std::string> label;
  std::optional<std::string> meta;
  std::optional<std::string> meta_file;
  std::optional<std::string> key_file;
  std::optional<std::string> http;
  std::optional<std::string> http_token_file;
  std::optional<std::string> events;
  std::optional<std::string> log_level;
  std::optional<std::string> log_format;
  std::optional<bool> retry_join;
  std::vector<std::string> join;
  std::vector<std::string> keys;
  std::optional<std::vector<std::string>> allow;
  std::vector<std::string> dns_servers;
  std::vector<std::string> sets;  ///< each `KNOB=VALUE`

  std::string file;  ///< the name of the configuration file
  /// For each option, the lines of the file that its values come from, in order. Values from the
  /// command line, which come after them, have none.
  std::map<std::string, std::vector<std::size_t>, std::less<>> lines;
  Mistakes mistakes;          ///< found while they were read
  bool unread = false;        ///< the file cannot be read, and may say more
  bool knobs_unread = false;  ///< a knob, or the profile, has a value that could not be read
};

/// `file`, where `line` does not set an option. Knobs are set in the order file, line, so that the
/// line wins; keys and meta data are taken from one of the two, never mixed.
[[nodiscard]] AgentOptions merge_options(AgentOptions line, AgentOptions file);

/// The parsed and validated options of an agent.
struct AgentPlan {
  Config config;
  std::vector<std::string> join;
  bool retry_join = false;
  std::optional<Address> http;  ///< unset: off
  std::optional<std::string> http_token;
  EventFormat events = EventFormat::text;
  LogLevel log_level = LogLevel::info;
  LogFormat log_format = LogFormat::text;
};

/// Reads files that the options name (keys, token, meta data). The error reports all mistakes at
/// once, including those of `options`.
[[nodiscard]] std::expected<AgentPlan, CommandError> plan_agent(const AgentOptions& options);

/// The library's error about a knob, with a suggestion.
[[nodiscard]] std::string knob_advice(std::string_view knob, const Error& error);

/// A suggestion for a Config that the library refuses.
[[nodiscard]] CommandError config_error(const Error& error);

}  // namespace memberlist::cli
