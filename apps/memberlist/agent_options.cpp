#include "agent_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <string_view>
#include <utility>
#include <variant>

#include "files.hpp"
#include "key_text.hpp"
#include "memberlist/memberlist.hpp"
#include "name_views.hpp"
#include "option_table.hpp"
#include "text.hpp"

namespace memberlist::cli {

namespace {

// A file a little over the limit is read, so that the error can name its size.
constexpr std::size_t kMetaFileLimitBytes = 64 * 1024;

// The default port of members.
constexpr std::uint16_t kDefaultPort = 7946;

CommandError misuse(std::string text) { return {kExitUsage, std::move(text)}; }

template <class T>
using Choices = std::initializer_list<std::pair<std::string_view, T>>;

// The value that goes with a word, out of a closed list.
template <class T>
std::expected<T, CommandError> choose(std::string_view option, std::string_view word,
                                      Choices<T> all) {
  std::string words;
  for (const auto& [name, value] : all) {
    if (name == word) return value;
    words += (words.empty() ? "" : ", ") + std::string(name);
  }
  return std::unexpected(
      misuse(fmt::format("--{} {}: no such choice; give one of: {}", option, word, words)));
}

// One item of a list option, and the index of the option's text that contains it.
struct Item {
  std::string text;
  std::size_t index;
};

// The items of a list whose texts may be lists themselves, with commas: `a,b`.
std::vector<Item> items_of(const std::vector<std::string>& texts) {
  std::vector<Item> items;
  for (std::size_t index = 0; index < texts.size(); ++index) {
    for (const std::string& part : split(texts[index], ',')) {
      items.push_back({std::string(trim(part)), index});
    }
  }
  return items;
}

// What the library says names the value, what is wrong with it, and the form that is expected.
CommandError misuse_of(std::string_view option, const Error& error) {
  return misuse(fmt::format("--{}: {}", option, error.message));
}

// Parses a listening address. The digits after an IPv6 address without brackets may be `port`, or
// the usual port.
std::expected<Address, CommandError> read_address(std::string_view option, const std::string& text,
                                                  std::uint16_t port, std::uint16_t default_port) {
  for (const std::uint16_t likely : {port, kDefaultPort}) {
    if (const auto clear = parse_address(trim(text), likely); !clear) {
      return std::unexpected(misuse_of(option, clear.error()));
    }
  }
  const auto address = parse_address(trim(text), default_port);
  if (!address) return std::unexpected(misuse_of(option, address.error()));
  return *address;
}

bool is_knob(std::string_view name) {
  return std::ranges::find(knobs(), name, &KnobInfo::name) != knobs().end();
}

// Makes the plan and continues after a mistake, so that it finds all of them.
class Planner {
 public:
  explicit Planner(const AgentOptions& options) : options_(options), mistakes_(options.mistakes) {}

  std::expected<AgentPlan, CommandError> plan() {
    take_profile();
    plan_.config.name = options_.name.value_or("");
    plan_.config.label = options_.label.value_or("");
    plan_.retry_join = options_.retry_join.value_or(false);
    take_addresses();
    take_join();
    take_allowed();
    take_dns_servers();
    take_keys();
    take_meta();
    take_knobs();
    take_http();
    take_reports();
    check_config();
    if (auto error = mistakes_.error()) {
      wipe(plan_.config.keys);
      return std::unexpected(std::move(*error));
    }
    return std::move(plan_);
  }

 private:
  // The line of the file that the value of an option comes from; 0 if it is the command line's.
  std::size_t line_of(std::string_view option, std::size_t index) const {
    const auto found = options_.lines.find(option);
    return found != options_.lines.end() && index < found->second.size() ? found->second[index] : 0;
  }

  // `index`: of the value, where an option has several.
  void wrong(std::string_view option, CommandError error, std::size_t index = 0) {
    const std::size_t line = line_of(option, index);
    if (line != 0) {
      const std::string_view text = error.text;
      error.text = fmt::format("{}, line {}: {}", options_.file, line,
                               text.substr(text.starts_with("--") ? 2 : 0));
    }
    mistakes_.add(std::move(error), line);
  }

  // Puts the value into `target`, if there is one.
  template <class T, class Target>
  void take(std::string_view option, std::expected<T, CommandError> value, Target& target) {
    if (value) {
      target = std::move(*value);
    } else {
      wrong(option, value.error());
    }
  }

  template <class T>
  void take_choice(std::string_view option, const std::optional<std::string>& word, Choices<T> all,
                   T& target) {
    if (word) take(option, choose(option, *word, all), target);
  }

  void take_profile() {
    Profile profile = Profile::lan;
    const std::size_t known = mistakes_.size();
    take_choice<Profile>("profile", options_.profile,
                         {{"lan", Profile::lan}, {"wan", Profile::wan}, {"local", Profile::local}},
                         profile);
    knobs_are_sure_ = !options_.knobs_unread && mistakes_.size() == known;
    plan_.config = Config::for_profile(profile);
  }

  void take_addresses() {
    Config& config = plan_.config;
    if (options_.bind) {
      take("bind", read_address("bind", *options_.bind, config.bind.port, config.bind.port),
           config.bind);
    }
    if (options_.advertise) {
      take("advertise", read_address("advertise", *options_.advertise, config.bind.port, 0),
           config.advertise);
    }
  }

  void take_join() {
    const std::uint16_t bound = plan_.config.bind.port;
    for (const auto& [text, index] : items_of(options_.join)) {
      plan_.join.push_back(read_join_address(text));
      const auto readable =
          check_join_address(plan_.join.back(), bound == 0 ? kDefaultPort : bound);
      if (!readable) wrong("join", misuse_of("join", readable.error()), index);
    }
  }

  void take_allowed() {
    if (!options_.allow) return;
    auto& networks = plan_.config.allowed_networks.emplace();
    for (const auto& [text, index] : items_of(*options_.allow)) {
      if (const auto network = Network::parse(text)) {
        networks.push_back(*network);
      } else {
        wrong("allow", misuse_of("allow", network.error()), index);
      }
    }
  }

  void take_dns_servers() {
    for (const auto& [text, index] : items_of(options_.dns_servers)) {
      if (const auto server = Address::parse(text, 0)) {
        plan_.config.dns_servers.push_back(*server);
      } else {
        wrong("dns-server", misuse_of("dns-server", server.error()), index);
      }
    }
  }

  void take_keys() {
    for (std::size_t i = 0; i < options_.keys.size(); ++i) {
      auto key = parse_key(options_.keys[i], "--key");
      if (!key) {
        wrong("key", key.error(), i);
        continue;
      }
      if (const std::string warning = key_warning(options_.keys[i], "--key"); !warning.empty()) {
        warn(warning);
      }
      plan_.config.keys.push_back(std::move(*key));
    }
    if (options_.key_file) {
      auto keys = read_key_file(*options_.key_file);
      if (keys) {
        std::ranges::move(*keys, std::back_inserter(plan_.config.keys));
      } else {
        wrong("key-file", keys.error());
      }
    }
  }

  void take_meta() {
    if (options_.meta && options_.meta_file) {
      return wrong("meta-file", misuse("--meta and --meta-file are both given: give one of them"));
    }
    if (options_.meta) plan_.config.meta = to_bytes(*options_.meta);
    if (options_.meta_file) {
      const auto content = read_file(*options_.meta_file, kMetaFileLimitBytes);
      if (content) {
        plan_.config.meta = to_bytes(*content);
      } else {
        wrong("meta-file", content.error());
      }
    }
  }

  void take_knobs() {
    for (std::size_t i = 0; i < options_.sets.size(); ++i) {
      const std::string& text = options_.sets[i];
      const std::size_t equals = text.find('=');
      if (equals == std::string::npos || equals == 0) {
        wrong(
            "set",
            misuse(fmt::format("--set {}: give KNOB=VALUE, e.g. --set probe_interval=200ms", text)),
            i);
        knobs_are_sure_ = false;
        continue;
      }
      const std::string_view knob = std::string_view(text).substr(0, equals);
      const auto set = plan_.config.set(knob, std::string_view(text).substr(equals + 1));
      if (!set) {
        wrong("set", misuse(fmt::format("--set {}: {}", text, knob_advice(knob, set.error()))), i);
        knobs_are_sure_ = false;
      }
    }
  }

  void take_http() {
    if (options_.http_token_file) {
      take("http-token-file", read_token_file(*options_.http_token_file), plan_.http_token);
    }
    std::string text = options_.http.value_or("127.0.0.1");
    if (text == "off") return;
    if (text == "localhost" || text.starts_with("localhost:")) {
      text.replace(0, std::string_view("localhost").size(), "127.0.0.1");
    }
    const auto address = parse_address(text, kDefaultHttpPort);
    if (!address) {
      return wrong("http", misuse(fmt::format("--http: {}, or off", address.error().message)));
    }
    const bool token_given =
        options_.http_token_file || options_.unread || options_.lines.contains("http-token-file");
    if (!address->ip.is_loopback() && !token_given) {
      return wrong("http", misuse(fmt::format("--http {} can be reached from other machines: give "
                                              "--http-token-file FILE too, or a loopback address "
                                              "such as 127.0.0.1:7947",
                                              text)));
    }
    plan_.http = *address;
  }

  void take_reports() {
    take_choice<EventFormat>(
        "events", options_.events,
        {{"json", EventFormat::json}, {"text", EventFormat::text}, {"off", EventFormat::off}},
        plan_.events);
    take_choice<LogLevel>("log-level", options_.log_level,
                          {{"debug", LogLevel::debug},
                           {"info", LogLevel::info},
                           {"warning", LogLevel::warning},
                           {"warn", LogLevel::warning},
                           {"error", LogLevel::error}},
                          plan_.log_level);
    take_choice<LogFormat>("log-format", options_.log_format,
                           {{"text", LogFormat::text}, {"json", LogFormat::json}},
                           plan_.log_format);
  }

  // What the library would refuse, once the member is created. It names one mistake: that one is
  // put right in a copy, which shows the next.
  void check_config() {
    auto keys = std::exchange(plan_.config.keys, {});  // of which no copy is made
    Config config = plan_.config;
    plan_.config.keys = std::move(keys);
    if (config.name.empty()) {
      config.name = "host";  // as the library will find it
    }
    std::vector<std::string> seen;
    for (auto valid = config.validate(); !valid; valid = config.validate()) {
      const Error& error = valid.error();
      if (std::ranges::find(seen, error.subject) != seen.end()) return;
      seen.push_back(error.subject);
      // A value that could not be read may be what makes the others wrong.
      if (knobs_are_sure_ || !is_knob(error.subject)) wrong_config(error);
      put_right(config, error.subject);
    }
  }

  void wrong_config(const Error& error) {
    if (is_knob(error.subject)) return wrong("set", config_error(error), last_set(error.subject));
    const bool from_file = error.subject == "meta" && options_.meta_file;
    const bool dns = error.subject == "dns_servers";
    wrong(from_file ? "meta-file" : (dns ? "dns-server" : error.subject), config_error(error));
  }

  // Which of the `sets` is effective for a knob; one past the last if it has its default.
  std::size_t last_set(const std::string& knob) const {
    std::size_t last = options_.sets.size();
    for (std::size_t i = 0; i < options_.sets.size(); ++i) {
      if (options_.sets[i].starts_with(knob + "=")) last = i;
    }
    return last;
  }

  static void put_right(Config& config, const std::string& subject) {
    const Config fresh;
    if (subject == "name") {
      config.name = "host";
    } else if (subject == "meta") {
      config.meta.clear();
    } else if (subject == "label") {
      config.label.clear();
    } else if (subject == "advertise") {
      config.advertise.reset();
    } else if (subject == "dns_servers") {
      config.dns_servers.clear();
    } else if (subject == "probe_timeout") {
      config.probe_timeout = config.probe_interval;
    } else if (subject == "delegate_protocol_min") {
      config.delegate_protocol_min = config.delegate_protocol_max;
    } else if (subject == "delegate_protocol_version") {
      config.delegate_protocol_version = config.delegate_protocol_max;
    } else if (subject == "udp_buffer_size") {
      config.udp_buffer_size = fresh.udp_buffer_size;
    }
  }

  const AgentOptions& options_;
  Mistakes mistakes_;
  AgentPlan plan_;
  bool knobs_are_sure_ = true;  // all of what was set is known
};

// --- command line and file -----------------------------------------------------------------------

bool is_given(const std::optional<std::string>& value) { return value.has_value(); }
bool is_given(const std::optional<bool>& value) { return value.has_value(); }
bool is_given(const std::vector<std::string>& values) { return !values.empty(); }
bool is_given(const std::optional<std::vector<std::string>>& values) { return values.has_value(); }

bool is_given(const AgentOptions& options, const AgentOption& option) {
  return std::visit([&](auto field) { return is_given(options.*field); }, option.field);
}

// Whether the line says what this option of the file would say.
bool is_overridden(const AgentOption& option, const AgentOptions& line) {
  return std::ranges::any_of(kAgentOptions, [&](const AgentOption& other) {
    const bool related =
        option.group == OptionGroup::alone ? &other == &option : other.group == option.group;
    return related && is_given(line, other);
  });
}

std::vector<const AgentOption*> left_to_the_file(const AgentOptions& line) {
  std::vector<const AgentOption*> left;
  for (const AgentOption& option : kAgentOptions) {
    if (option.group != OptionGroup::knobs && !is_overridden(option, line)) left.push_back(&option);
  }
  return left;
}

void take_lines(AgentOptions& line, const AgentOptions& file, std::string_view option) {
  if (const auto found = file.lines.find(option); found != file.lines.end()) {
    line.lines.insert(*found);
  }
}

}  // namespace

AgentOptions merge_options(AgentOptions line, AgentOptions file) {
  for (const AgentOption* option : left_to_the_file(line)) {
    std::visit([&](auto field) { line.*field = std::move(file.*field); }, option->field);
    take_lines(line, file, option->name);
  }
  line.sets.insert(line.sets.begin(), std::make_move_iterator(file.sets.begin()),
                   std::make_move_iterator(file.sets.end()));
  take_lines(line, file, "set");
  line.file = std::move(file.file);
  line.mistakes.add(file.mistakes);
  line.unread = file.unread;
  line.knobs_unread = file.knobs_unread;
  return line;
}

std::string knob_advice(std::string_view knob, const Error& error) {
  // An error about an existing knob says what it must be, and one about a misspelt name has a
  // suggestion.
  const bool says_enough = is_knob(knob) || error.message.ends_with('?');
  return says_enough ? error.message
                     : error.message + "; `memberlist agent --help` lists the knobs";
}

CommandError config_error(const Error& error) {
  return misuse(
      fmt::format("{}: `memberlist agent --help` shows options and knobs", error.message));
}

std::expected<AgentPlan, CommandError> plan_agent(const AgentOptions& options) {
  return Planner(options).plan();
}

}  // namespace memberlist::cli
