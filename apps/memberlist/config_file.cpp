#include "config_file.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <optional>
#include <utility>
#include <vector>

#include "files.hpp"
#include "memberlist/config.hpp"

namespace memberlist::cli {

namespace {

constexpr std::size_t kConfigLimitBytes = 1024 * 1024;

using Outcome = std::expected<void, CommandError>;

// One file being read: knows where an error is.
class ConfigReader {
 public:
  explicit ConfigReader(const std::string& origin) : origin_(origin) {}

  Outcome read(const toml::table& table) {
    for (const auto& [key, node] : table) {
      if (const auto outcome = read_entry(std::string(key.str()), node); !outcome) {
        return outcome;
      }
    }
    return {};
  }

  AgentOptions take() { return std::move(options_); }

 private:
  Outcome read_entry(const std::string& key, const toml::node& node) {
    if (std::optional<std::string>* text = text_option(key)) {
      return read_text(key, node, *text);
    }
    if (key == "retry-join") {
      if (!node.is_boolean()) {
        return wrong(node, key, "must be true or false");
      }
      options_.retry_join = node.as_boolean()->get();
      return {};
    }
    if (key == "join") {
      return read_list(key, node, options_.join);
    }
    if (key == "key") {
      return read_list(key, node, options_.keys);
    }
    if (key == "dns-server") {
      return read_list(key, node, options_.dns_servers);
    }
    if (key == "allow") {
      return read_list(key, node, options_.allow.emplace());
    }
    if (key == "set") {
      return read_knobs(key, node);
    }
    return wrong(node, key,
                 "is not known: keys are the long options of `memberlist agent`, without --, and "
                 "knobs go into the table [set]");
  }

  std::optional<std::string>* text_option(const std::string& key) {
    const std::pair<std::string_view, std::optional<std::string>*> all[] = {
        {"name", &options_.name},
        {"bind", &options_.bind},
        {"advertise", &options_.advertise},
        {"profile", &options_.profile},
        {"label", &options_.label},
        {"meta", &options_.meta},
        {"meta-file", &options_.meta_file},
        {"key-file", &options_.key_file},
        {"http", &options_.http},
        {"http-token-file", &options_.http_token_file},
        {"events", &options_.events},
        {"log-level", &options_.log_level},
        {"log-format", &options_.log_format},
    };
    for (const auto& [name, option] : all) {
      if (name == key) {
        return option;
      }
    }
    return nullptr;
  }

  Outcome read_text(const std::string& key, const toml::node& node,
                    std::optional<std::string>& option) {
    if (!node.is_string()) {
      return wrong(node, key, "must be a text in quotes");
    }
    option = node.as_string()->get();
    return {};
  }

  Outcome read_list(const std::string& key, const toml::node& node,
                    std::vector<std::string>& list) {
    if (node.is_string()) {
      list.push_back(node.as_string()->get());
      return {};
    }
    if (!node.is_array()) {
      return wrong(node, key, "must be a text in quotes, or a list of such");
    }
    for (const toml::node& item : *node.as_array()) {
      if (!item.is_string()) {
        return wrong(item, key, "must hold texts in quotes");
      }
      list.push_back(item.as_string()->get());
    }
    return {};
  }

  Outcome read_knobs(const std::string& key, const toml::node& node) {
    if (!node.is_table()) {
      return wrong(node, key, "must be a table of knobs, e.g. [set] and probe_interval = \"1s\"");
    }
    for (const auto& [knob, value] : *node.as_table()) {
      std::string text;
      if (value.is_string()) {
        text = value.as_string()->get();
      } else if (value.is_integer()) {
        text = fmt::to_string(value.as_integer()->get());
      } else if (value.is_boolean()) {
        text = value.as_boolean()->get() ? "true" : "false";
      } else {
        return wrong(value, std::string(knob.str()),
                     "must be a text, a whole number, true or false");
      }
      // Here, where the line is known. The agent sets it again, in its profile.
      if (const auto set = scratch_.set(knob.str(), text); !set) {
        return wrong(value, std::string(knob.str()),
                     fmt::format("= {}: {}; `memberlist agent --help` lists the knobs", text,
                                 set.error().message));
      }
      options_.sets.push_back(fmt::format("{}={}", knob.str(), text));
    }
    return {};
  }

  Outcome wrong(const toml::node& node, const std::string& key, std::string_view what) const {
    return std::unexpected(CommandError{
        kExitUsage,
        fmt::format("{}, line {}: `{}` {}", origin_, node.source().begin.line, key, what)});
  }

  const std::string& origin_;
  Config scratch_;
  AgentOptions options_;
};

}  // namespace

std::expected<AgentOptions, CommandError> parse_config(std::string_view toml,
                                                       const std::string& origin) {
  toml::table table;
  try {
    table = toml::parse(toml);
  } catch (const toml::parse_error& error) {
    return std::unexpected(CommandError{
        kExitUsage, fmt::format("{}, line {}: {}: correct it (the file must be TOML)", origin,
                                error.source().begin.line, error.description())});
  }
  ConfigReader reader(origin);
  if (const auto outcome = reader.read(table); !outcome) {
    return std::unexpected(outcome.error());
  }
  return reader.take();
}

std::expected<AgentOptions, CommandError> read_config_file(const std::string& path) {
  const auto content = read_file(path, kConfigLimitBytes);
  if (!content) {
    return std::unexpected(content.error());
  }
  auto options = parse_config(*content, path);
  if (options && !options->keys.empty()) {
    if (const auto checked = check_private(path); !checked) {
      return std::unexpected(checked.error());
    }
  }
  return options;
}

}  // namespace memberlist::cli
