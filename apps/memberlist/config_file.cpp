#include "config_file.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "files.hpp"
#include "memberlist/config.hpp"
#include "option_table.hpp"
#include "usage.hpp"

namespace memberlist::cli {

namespace {

constexpr std::size_t kConfigLimitBytes = 1024 * 1024;

// Reads one file to its end: continues after a mistake, and records the position of each.
class ConfigReader {
 public:
  explicit ConfigReader(std::string origin) { options_.file = std::move(origin); }

  void read(const toml::table& table) {
    for (const auto& [key, node] : table) read_entry(std::string(key.str()), node);
  }

  void mistake(std::size_t line, std::string_view text) {
    options_.mistakes.add({kExitUsage, fmt::format("{}, line {}: {}", options_.file, line, text)},
                          line);
  }

  AgentOptions take() { return std::move(options_); }

 private:
  void read_entry(const std::string& key, const toml::node& node) {
    const auto* option = std::ranges::find(kAgentOptions, key, &AgentOption::name);
    if (option == std::end(kAgentOptions)) {
      return wrong(node, key, "is not known: " + advice_on(key));
    }
    if (option->group == OptionGroup::knobs) return read_knobs(key, node);
    std::visit([&](auto field) { read_value(key, node, options_.*field); }, option->field);
  }

  // What to write in place of an unknown key.
  std::string advice_on(const std::string& key) {
    if (std::ranges::find(knobs(), key, &KnobInfo::name) != knobs().end()) {
      return "knobs go into the table [set]";
    }
    std::vector<std::string> known;
    for (const AgentOption& option : kAgentOptions) known.emplace_back(option.name);
    const std::string close = closest_word(key, known);
    return close.empty() ? "keys are the long options of `memberlist agent`, without --, and knobs "
                           "go into the table [set]"
                         : fmt::format("did you mean `{}`?", close);
  }

  void came_from(const std::string& key, const toml::node& node) {
    options_.lines[key].push_back(node.source().begin.line);
  }

  void read_value(const std::string& key, const toml::node& node, std::optional<bool>& option) {
    option = node.value_exact<bool>();
    if (!option) wrong(node, key, "must be true or false");
  }

  void read_value(const std::string& key, const toml::node& node,
                  std::optional<std::vector<std::string>>& list) {
    read_value(key, node, list.emplace());
  }

  void read_value(const std::string& key, const toml::node& node,
                  std::optional<std::string>& option) {
    came_from(key, node);
    option = node.value_exact<std::string>();
    if (!option) {
      options_.knobs_unread = options_.knobs_unread || key == "profile";
      wrong(node, key, "must be a quoted string");
    }
  }

  void read_value(const std::string& key, const toml::node& node, std::vector<std::string>& list) {
    if (node.is_string()) return read_item(key, node, list);
    if (!node.is_array()) {
      return wrong(node, key, "must be a quoted string or a list of quoted strings");
    }
    for (const toml::node& item : *node.as_array()) read_item(key, item, list);
  }

  void read_item(const std::string& key, const toml::node& item, std::vector<std::string>& list) {
    if (const auto text = item.value_exact<std::string>()) {
      list.push_back(*text);
      came_from(key, item);
    } else {
      wrong(item, key, "must contain quoted strings");
    }
  }

  void read_knobs(const std::string& key, const toml::node& node) {
    if (!node.is_table()) {
      options_.knobs_unread = true;
      return wrong(node, key, "must be a table of knobs, e.g. [set] and probe_interval = \"1s\"");
    }
    for (const auto& [knob, value] : *node.as_table()) read_knob(std::string(knob.str()), value);
  }

  void read_knob(const std::string& knob, const toml::node& value) {
    const auto text = knob_text(value);
    if (!text) {
      options_.knobs_unread = true;
      return wrong(value, knob, "must be a string, an integer, true or false");
    }
    // Here, where the line is known. The agent sets it again, in its profile.
    if (const auto set = scratch_.set(knob, *text); !set) {
      options_.knobs_unread = true;
      return wrong(value, knob, fmt::format("= {}: {}", *text, knob_advice(knob, set.error())));
    }
    options_.sets.push_back(fmt::format("{}={}", knob, *text));
    came_from("set", value);
  }

  static std::optional<std::string> knob_text(const toml::node& value) {
    if (value.is_integer()) return fmt::to_string(value.as_integer()->get());
    if (value.is_boolean()) return value.as_boolean()->get() ? "true" : "false";
    return value.value_exact<std::string>();
  }

  void wrong(const toml::node& node, const std::string& key, std::string_view what) {
    mistake(node.source().begin.line, fmt::format("`{}` {}", key, what));
  }

  Config scratch_;
  AgentOptions options_;
};

}  // namespace

AgentOptions parse_config(std::string_view toml, const std::string& origin) {
  ConfigReader reader(origin);
  try {
    reader.read(toml::parse(toml));
    return reader.take();
  } catch (const toml::parse_error& error) {
    reader.mistake(error.source().begin.line,
                   fmt::format("{}: correct it (the file must be TOML)", error.description()));
  }
  AgentOptions options = reader.take();
  options.unread = true;
  options.knobs_unread = true;
  return options;
}

AgentOptions read_config_file(const std::string& path) {
  const auto content = read_file(path, kConfigLimitBytes);
  if (!content) {
    AgentOptions options;
    options.mistakes.add(content.error());
    options.unread = true;
    options.knobs_unread = true;
    return options;
  }
  AgentOptions options = parse_config(*content, path);
  if (!options.keys.empty()) {
    if (const auto checked = check_private(path); !checked) options.mistakes.add(checked.error());
  }
  return options;
}

}  // namespace memberlist::cli
