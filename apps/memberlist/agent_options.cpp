#include "agent_options.hpp"

#include <fmt/format.h>

#include <initializer_list>
#include <iterator>
#include <string_view>
#include <utility>

#include "files.hpp"
#include "key_text.hpp"
#include "memberlist/memberlist.hpp"

namespace memberlist::cli {

namespace {

// A file a little over the limit is read, so that the error can name its size.
constexpr std::size_t kMetaFileLimitBytes = 64 * 1024;

// Of members, unless they are told otherwise.
constexpr std::uint16_t kDefaultPort = 7946;

using Outcome = std::expected<void, CommandError>;

std::unexpected<CommandError> misuse(std::string text) {
  return std::unexpected(CommandError{kExitUsage, std::move(text)});
}

// Takes the steps until one fails.
template <class... Steps>
Outcome in_turn(Steps... steps) {
  Outcome outcome;
  static_cast<void>(((outcome = steps(), outcome.has_value()) && ...));
  return outcome;
}

// The value that goes with a word, out of a closed list.
template <class T>
std::expected<T, CommandError> choose(std::string_view option, std::string_view word,
                                      std::initializer_list<std::pair<std::string_view, T>> all) {
  std::string words;
  for (const auto& [name, value] : all) {
    if (name == word) {
      return value;
    }
    words += (words.empty() ? "" : ", ") + std::string(name);
  }
  return misuse(fmt::format("--{} {}: no such choice; give one of: {}", option, word, words));
}

// Puts the chosen value into `target` if the option was given.
template <class T>
Outcome take_choice(std::string_view option, const std::optional<std::string>& word,
                    std::initializer_list<std::pair<std::string_view, T>> all, T& target) {
  if (word) {
    const auto value = choose(option, *word, all);
    if (!value) {
      return std::unexpected(value.error());
    }
    target = *value;
  }
  return {};
}

std::string_view stripped(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// The items of a list whose texts may be lists themselves, with commas: `a,b`.
std::vector<std::string> items_of(const std::vector<std::string>& texts) {
  std::vector<std::string> items;
  for (std::string_view rest : texts) {
    for (;;) {
      const std::size_t comma = rest.find(',');
      items.emplace_back(stripped(rest.substr(0, comma)));
      if (comma == std::string_view::npos) {
        break;
      }
      rest.remove_prefix(comma + 1);
    }
  }
  return items;
}

// What the library says names the value, what is wrong with it, and the form that is expected.
std::unexpected<CommandError> misuse_of(std::string_view option, const Error& error) {
  return misuse(fmt::format("--{}: {}", option, error.message));
}

// Reads an address at which a member listens. A port that stands behind an IPv6 address without
// brackets may be `port`, or the one that is usual.
std::expected<Address, CommandError> read_address(std::string_view option, const std::string& text,
                                                  std::uint16_t port, std::uint16_t default_port) {
  for (const std::uint16_t likely : {port, kDefaultPort}) {
    if (const auto clear = parse_address(stripped(text), likely); !clear) {
      return misuse_of(option, clear.error());
    }
  }
  const auto address = parse_address(stripped(text), default_port);
  if (!address) {
    return misuse_of(option, address.error());
  }
  return *address;
}

Outcome take_bind(const AgentOptions& options, Config& config) {
  if (options.bind) {
    const auto bind = read_address("bind", *options.bind, config.bind.port, config.bind.port);
    if (!bind) {
      return std::unexpected(bind.error());
    }
    config.bind = *bind;
  }
  if (options.advertise) {
    const auto advertise = read_address("advertise", *options.advertise, config.bind.port, 0);
    if (!advertise) {
      return std::unexpected(advertise.error());
    }
    config.advertise = *advertise;
  }
  return {};
}

Outcome take_allowed(const AgentOptions& options, Config& config) {
  if (!options.allow) {
    return {};
  }
  config.allowed_networks.emplace();
  for (const std::string& text : items_of(*options.allow)) {
    const auto network = Network::parse(text);
    if (!network) {
      return misuse_of("allow", network.error());
    }
    config.allowed_networks->push_back(*network);
  }
  return {};
}

Outcome take_join(const AgentOptions& options, AgentPlan& plan) {
  plan.join = items_of(options.join);
  const std::uint16_t port = plan.config.bind.port == 0 ? kDefaultPort : plan.config.bind.port;
  for (const std::string& text : plan.join) {
    if (const auto readable = check_join_address(text, port); !readable) {
      return misuse_of("join", readable.error());
    }
  }
  return {};
}

Outcome take_dns_servers(const AgentOptions& options, Config& config) {
  for (const std::string& text : items_of(options.dns_servers)) {
    const auto server = Address::parse(text, 0);
    if (!server) {
      return misuse_of("dns-server", server.error());
    }
    config.dns_servers.push_back(*server);
  }
  return {};
}

Outcome take_keys(const AgentOptions& options, Config& config) {
  for (const std::string& text : options.keys) {
    auto key = parse_key(text, "--key");
    if (!key) {
      return std::unexpected(key.error());
    }
    if (const std::string warning = key_warning(text, "--key"); !warning.empty()) {
      warn(warning);
    }
    config.keys.push_back(std::move(*key));
  }
  if (options.key_file) {
    auto keys = read_key_file(*options.key_file);
    if (!keys) {
      return std::unexpected(keys.error());
    }
    std::ranges::move(*keys, std::back_inserter(config.keys));
  }
  return {};
}

Outcome take_meta(const AgentOptions& options, Config& config) {
  if (options.meta && options.meta_file) {
    return misuse("--meta and --meta-file are both given: give one of them");
  }
  if (options.meta) {
    config.meta = to_bytes(*options.meta);
  }
  if (options.meta_file) {
    const auto content = read_file(*options.meta_file, kMetaFileLimitBytes);
    if (!content) {
      return std::unexpected(content.error());
    }
    config.meta = to_bytes(*content);
  }
  return {};
}

Outcome take_knobs(const AgentOptions& options, Config& config) {
  for (const std::string& text : options.sets) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return misuse(
          fmt::format("--set {}: give KNOB=VALUE, e.g. --set probe_interval=200ms", text));
    }
    const std::string_view knob = std::string_view(text).substr(0, equals);
    const auto set = config.set(knob, std::string_view(text).substr(equals + 1));
    if (!set) {
      return misuse(fmt::format("--set {}: {}; `memberlist agent --help` lists the knobs", text,
                                set.error().message));
    }
  }
  return {};
}

Outcome take_http(const AgentOptions& options, AgentPlan& plan) {
  std::string text = options.http.value_or("127.0.0.1");
  if (options.http_token_file) {
    auto token = read_token_file(*options.http_token_file);
    if (!token) {
      return std::unexpected(token.error());
    }
    plan.http_token = std::move(*token);
  }
  if (text == "off") {
    return {};
  }
  if (text == "localhost" || text.starts_with("localhost:")) {
    text.replace(0, std::string_view("localhost").size(), "127.0.0.1");
  }
  const auto address = parse_address(text, kDefaultHttpPort);
  if (!address) {
    return misuse(fmt::format("--http: {}, or off", address.error().message));
  }
  if (!address->ip.is_loopback() && !plan.http_token) {
    return misuse(
        fmt::format("--http {} can be reached from other machines: give --http-token-file FILE "
                    "too, or a loopback address such as 127.0.0.1:7947",
                    text));
  }
  plan.http = *address;
  return {};
}

Outcome take_reports(const AgentOptions& options, AgentPlan& plan) {
  return in_turn(
      [&] {
        return take_choice<EventFormat>(
            "events", options.events,
            {{"json", EventFormat::json}, {"text", EventFormat::text}, {"off", EventFormat::off}},
            plan.events);
      },
      [&] {
        return take_choice<LogLevel>("log-level", options.log_level,
                                     {{"debug", LogLevel::debug},
                                      {"info", LogLevel::info},
                                      {"warning", LogLevel::warning},
                                      {"warn", LogLevel::warning},
                                      {"error", LogLevel::error}},
                                     plan.log_level);
      },
      [&] {
        return take_choice<LogFormat>("log-format", options.log_format,
                                      {{"text", LogFormat::text}, {"json", LogFormat::json}},
                                      plan.log_format);
      });
}

template <class T>
void fill(std::optional<T>& target, std::optional<T>& other) {
  if (!target) {
    target = std::move(other);
  }
}

}  // namespace

AgentOptions merge_options(AgentOptions line, AgentOptions file) {
  if (line.keys.empty() && !line.key_file) {
    line.keys = std::move(file.keys);
    line.key_file = std::move(file.key_file);
  }
  if (!line.meta && !line.meta_file) {
    line.meta = std::move(file.meta);
    line.meta_file = std::move(file.meta_file);
  }
  if (line.join.empty()) {
    line.join = std::move(file.join);
  }
  if (line.dns_servers.empty()) {
    line.dns_servers = std::move(file.dns_servers);
  }
  line.sets.insert(line.sets.begin(), std::make_move_iterator(file.sets.begin()),
                   std::make_move_iterator(file.sets.end()));
  fill(line.name, file.name);
  fill(line.bind, file.bind);
  fill(line.advertise, file.advertise);
  fill(line.profile, file.profile);
  fill(line.label, file.label);
  fill(line.http, file.http);
  fill(line.http_token_file, file.http_token_file);
  fill(line.events, file.events);
  fill(line.log_level, file.log_level);
  fill(line.log_format, file.log_format);
  fill(line.retry_join, file.retry_join);
  fill(line.allow, file.allow);
  return line;
}

std::expected<AgentPlan, CommandError> plan_agent(const AgentOptions& options) {
  Profile profile = Profile::lan;
  auto outcome = take_choice<Profile>(
      "profile", options.profile,
      {{"lan", Profile::lan}, {"wan", Profile::wan}, {"local", Profile::local}}, profile);
  if (!outcome) {
    return std::unexpected(outcome.error());
  }
  AgentPlan plan;
  plan.config = Config::for_profile(profile);
  plan.config.name = options.name.value_or("");
  plan.config.label = options.label.value_or("");
  plan.retry_join = options.retry_join.value_or(false);
  outcome = in_turn(
      [&] { return take_bind(options, plan.config); }, [&] { return take_join(options, plan); },
      [&] { return take_allowed(options, plan.config); },
      [&] { return take_dns_servers(options, plan.config); },
      [&] { return take_keys(options, plan.config); },
      [&] { return take_meta(options, plan.config); },
      [&] { return take_knobs(options, plan.config); }, [&] { return take_http(options, plan); },
      [&] { return take_reports(options, plan); });
  if (!outcome) {
    return std::unexpected(outcome.error());
  }
  return plan;
}

}  // namespace memberlist::cli
