#pragma once

#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent_options.hpp"
#include "base/field_count.hpp"

namespace memberlist::cli {

/// Where an option's text goes, which also says what it takes.
using OptionField =
    std::variant<std::optional<std::string> AgentOptions::*,                // one text
                 std::optional<bool> AgentOptions::*,                       // nothing: a flag
                 std::vector<std::string> AgentOptions::*,                  // any number of texts
                 std::optional<std::vector<std::string>> AgentOptions::*>;  // also none on purpose

/// What the command line leaves of the file's values: those of options that are alone and that it
/// does not give; those of a group of which it gives none; knobs in any case.
enum class OptionGroup : std::uint8_t { alone, keys, meta, knobs };

/// One row of the only list of the agent's options. The command line, its help, the configuration
/// file and the merging of the two go through it.
struct AgentOption {
  const char* name;   ///< the long option without dashes, and the key of the file
  const char* value;  ///< what the help calls its value; empty for a flag
  const char* help;
  OptionField field;
  OptionGroup group = OptionGroup::alone;
};

/// In the order of the help. (`--config` is none of them: it is of the command line alone.)
inline constexpr AgentOption kAgentOptions[] = {
    {"name", "NAME", "the member's name; default: the host name", &AgentOptions::name},
    {"bind", "HOST[:PORT]",
     "address to listen on, UDP and TCP; port 0: the kernel chooses; IPv6 in brackets; default: "
     "0.0.0.0:7946",
     &AgentOptions::bind},
    {"advertise", "HOST[:PORT]", "address announced to the others; default: detected",
     &AgentOptions::advertise},
    {"join", "HOST[:PORT]", "a member to join through; repeatable, also --join a,b,c",
     &AgentOptions::join},
    {"retry-join", "", "keep trying until one answers instead of failing at start",
     &AgentOptions::retry_join},
    {"dns-server", "HOST[:PORT]",
     "name server for host names in --join; repeatable; default: the system's",
     &AgentOptions::dns_servers},
    {"profile", "NAME", "timing defaults: lan, wan or local; default: lan", &AgentOptions::profile},
    {"set", "KNOB=VALUE", "sets a knob (see below); repeatable", &AgentOptions::sets,
     OptionGroup::knobs},
    {"key", "BASE64",
     "encryption key of 16, 24 or 32 bytes; repeatable, the first is the primary; other users can "
     "see it with ps: prefer --key-file",
     &AgentOptions::keys, OptionGroup::keys},
    {"key-file", "FILE",
     "file with one key per line, # begins a comment, - for standard input; only its owner may "
     "have access (chmod 600), or, if root owns it, also a group of this process (0640)",
     &AgentOptions::key_file, OptionGroup::keys},
    {"label", "LABEL", "cluster label", &AgentOptions::label},
    {"meta", "TEXT", "the member's meta data, at most 512 bytes", &AgentOptions::meta,
     OptionGroup::meta},
    {"meta-file", "FILE", "the meta data from a file", &AgentOptions::meta_file, OptionGroup::meta},
    {"allow", "CIDR", "network that members may be in; repeatable; default: all",
     &AgentOptions::allow},
    {"http", "HOST:PORT",
     "admin address; off: none; port 0: the kernel chooses; default: 127.0.0.1:7947",
     &AgentOptions::http},
    {"http-token-file", "FILE",
     "token that clients of the admin address must send; required unless that is a loopback "
     "address",
     &AgentOptions::http_token_file},
    {"events", "FORMAT", "events on standard output: json, text or off; default: text",
     &AgentOptions::events},
    {"log-level", "LEVEL",
     "debug, info, warning or error; the log goes to standard error; default: info",
     &AgentOptions::log_level},
    {"log-format", "FORMAT", "text or json; default: text", &AgentOptions::log_format},
};

// file, lines, mistakes, unread, knobs_unread
inline constexpr std::size_t kFieldsThatAreNoOptions = 5;
static_assert(std::size(kAgentOptions) + kFieldsThatAreNoOptions == field_count<AgentOptions>(),
              "each option in AgentOptions has a row in kAgentOptions");

}  // namespace memberlist::cli
