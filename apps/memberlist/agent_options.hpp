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

/// What `memberlist agent` was given, by its command line or its configuration file, as text.
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
  /// The lines of it that the values of an option come from, in their order, by its name. The
  /// command line's values, which come after them, have none.
  std::map<std::string, std::vector<std::size_t>, std::less<>> lines;
  Mistakes mistakes;          ///< found while they were read
  bool unread = false;        ///< the file cannot be read, and may say more
  bool knobs_unread = false;  ///< a knob, or the profile, has a value that could not be read
};

/// `file` where `line` says nothing. Knobs are set in the order file, line, so that the line wins;
/// keys and meta data are taken from one of the two, never mixed.
[[nodiscard]] AgentOptions merge_options(AgentOptions line, AgentOptions file);

/// What an agent does, read and checked.
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

/// What the library says about a knob, with what to try.
[[nodiscard]] std::string knob_advice(std::string_view knob, const Error& error);

/// What to do about a Config that the library refuses.
[[nodiscard]] CommandError config_error(const Error& error);

}  // namespace memberlist::cli
