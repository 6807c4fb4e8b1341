#include "scenario_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "files.hpp"
#include "mistakes.hpp"
#include "scenario_fields.hpp"
#include "usage.hpp"

namespace memberlist::cli {

namespace {

constexpr std::size_t kScenarioLimitBytes = 1024 * 1024;

std::string quoted_list(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

// Reads one file to its end: continues after a mistake, and records the position of each.
class ScenarioReader {
 public:
  explicit ScenarioReader(std::string origin) : origin_(std::move(origin)) {}

  void read(const toml::table& table) {
    read_profile(table);
    for (const auto& [key, node] : table) read_entry(std::string(key.str()), node);
    if (!table.contains("name")) {
      unread_.insert("name");
      mistake(1, "`name` is missing: give the scenario a name of one word");
    }
  }

  // What the library and the command refuse, unless it is about what could not be read.
  void check(const ScenarioChanges& changes, const ScenarioLimits& limits) {
    if (changes.nodes) scenario_.nodes = *changes.nodes;
    std::vector<Error> errors = scenario_.mistakes();
    if (limits) std::ranges::move(limits(scenario_), std::back_inserter(errors));
    for (const Error& error : errors) {
      if (is_unread(error.subject)) continue;
      if (changes.nodes && error.subject == "nodes") {
        mistakes_.add({kExitUsage, fmt::format("--nodes: {}", error.message)});
      } else {
        mistake(line_of(error.subject), error.message);
      }
    }
  }

  void mistake(std::size_t line, std::string_view text) {
    mistakes_.add({kExitUsage, fmt::format("{}, line {}: {}", origin_, line, text)}, line);
  }

  std::expected<sim::Scenario, CommandError> take() {
    if (auto error = mistakes_.error()) return std::unexpected(std::move(*error));
    return std::move(scenario_);
  }

 private:
  // --- the parts of a file ----------------------------------------------------------------------

  // Before the knobs, which change it.
  void read_profile(const toml::table& table) {
    const toml::node* node = table.get("profile");
    if (node != nullptr) read_word("", "profile", *node, kProfileWords, scenario_.profile);
    scenario_.config = Config::for_profile(scenario_.profile);
  }

  void read_entry(const std::string& key, const toml::node& node) {
    if (key == "profile") return;
    if (key == "name") return read_text(key, node, scenario_.name);
    if (key == "description") return read_text(key, node, scenario_.description);
    if (key == "checks") return read_word("", key, node, kCheckWords, scenario_.checks);
    if (key == "plots") return read_plots(node);
    if (key == "set") return read_knobs(node);
    if (key == "link") return read_link(key, node, scenario_.link);
    if (key == "zone_link") return read_link(key, node, scenario_.zone_link.emplace());
    if (key == "fault") return read_faults(node);
    if (key == "behaviour") return read_behaviour(key, node, scenario_.behaviour);
    if (key == "expect") return read_table("expect", node, scenario_.expect);
    if (read_field("", key, node, scenario_)) return;
    const bool knob = std::ranges::find(knobs(), key, &KnobInfo::name) != knobs().end();
    if (knob) return wrong("", key, node, "is not known: knobs go into the table [set]");
    unknown("", key, node, scenario_keys());
  }

  static std::vector<std::string> scenario_keys() {
    std::vector<std::string> keys{"name", "description", "profile", "checks",    "plots", "set",
                                  "link", "zone_link",   "fault",   "behaviour", "expect"};
    add_keys<sim::Scenario>(keys);
    return keys;
  }

  void read_plots(const toml::node& node) {
    came_from("plots", node);
    if (!node.is_array()) return wrong("", "plots", node, "must be a list such as [\"detection\"]");
    for (const toml::node& item : *node.as_array()) {
      sim::Plot plot{};
      if (read_named("", "plots", item, sim::all_plots(), plot)) scenario_.plots.push_back(plot);
    }
  }

  void read_knobs(const toml::node& node) {
    if (!node.is_table()) {
      return wrong("", "set", node,
                   "must be a table of knobs, e.g. [set] and probe_interval = \"1s\"");
    }
    for (const auto& [key, value] : *node.as_table()) read_knob(std::string(key.str()), value);
  }

  void read_knob(const std::string& knob, const toml::node& value) {
    came_from(knob, value);
    const auto text = knob_text(value);
    if (!text) return wrong("", knob, value, "must be a string, an integer, true or false");
    if (const auto set = scenario_.config.set(knob, *text); !set) {
      wrong("", knob, value, fmt::format("= {}: {}", *text, set.error().message));
    }
  }

  static std::optional<std::string> knob_text(const toml::node& value) {
    if (value.is_integer()) return fmt::to_string(value.as_integer()->get());
    if (value.is_boolean()) return value.as_boolean()->get() ? "true" : "false";
    return value.value_exact<std::string>();
  }

  void read_link(const std::string& place, const toml::node& node, sim::Link& link) {
    came_from(place, node);
    if (!node.is_table()) {
      return wrong("", place, node, fmt::format("must be a table, [{}]", place));
    }
    for (const auto& [name, value] : *node.as_table()) {
      const std::string key(name.str());
      if (key == "latency") {
        read_latency(place, value, link);
      } else if (key == "bursts") {
        read_table(place + ": bursts", value, link.bursts);
      } else if (!read_field(place, key, value, link)) {
        std::vector<std::string> keys{"latency", "bursts"};
        add_keys<sim::Link>(keys);
        unknown(place, key, value, keys);
      }
    }
  }

  // One time, or a distribution: { median = "250us", sigma = 0.5 } or { measured = ["1ms"] }.
  void read_latency(const std::string& place, const toml::node& node, sim::Link& link) {
    came_from(subject(place, "latencies"), node);
    if (!node.is_table()) {
      read_time(place, "latency", node, link.latency);
      return;
    }
    const toml::table& table = *node.as_table();
    if (table.size() == 1 && table.contains("measured")) {
      return read_measured(place, *table.get("measured"), link);
    }
    if (table.size() == 2 && table.contains("median") && table.contains("sigma")) {
      return read_log_normal(place, table, link);
    }
    wrong(
        place, "latency", node,
        "must be a time, { median = \"250us\", sigma = 0.5 } or { measured = [\"1ms\", \"3ms\"] }");
  }

  void read_log_normal(const std::string& place, const toml::table& table, sim::Link& link) {
    Duration median{};
    double sigma = 0;
    const toml::node& spread = *table.get("sigma");
    if (!read_time(place, "median", *table.get("median"), median)) return;
    if (!read_number(place, "sigma", spread, sigma)) return;
    if (median <= Duration::zero() || median > std::chrono::hours(1)) {
      return wrong(place, "median", *table.get("median"), "must be above 0, and at most 1h");
    }
    if (!(sigma >= 0 && sigma <= kLargestSigma)) {
      return wrong(place, "sigma", spread, fmt::format("is {}; it must be 0 to 3", sigma));
    }
    link.latencies = sim::LatencyTable::log_normal(median, sigma);
  }

  void read_measured(const std::string& place, const toml::node& node, sim::Link& link) {
    const toml::array* items = node.as_array();
    if (items == nullptr || items->empty() || items->size() > kMaxMeasured) {
      return wrong(place, "measured", node,
                   fmt::format("must be a list of 1 to {} times", kMaxMeasured));
    }
    std::vector<Duration> latencies;
    for (const toml::node& item : *items) {
      if (!read_time(place, "measured", item, latencies.emplace_back())) return;
      if (latencies.back() < Duration::zero()) {
        return wrong(place, "measured", item, "must not be negative");
      }
    }
    link.latencies = sim::LatencyTable::measured(latencies);
  }

  // The choices first, which the other keys change.
  void read_behaviour(const std::string& place, const toml::node& node, Behaviour& behaviour) {
    came_from(place, node);
    if (!node.is_table()) return wrong("", place, node, "must be a table");
    const toml::table& table = *node.as_table();
    if (const toml::node* choices = table.get("choices")) {
      read_word(place, "choices", *choices, kChoiceWords, behaviour);
    }
    for (const auto& [name, value] : table) {
      const std::string key(name.str());
      if (key == "choices" || read_field(place, key, value, behaviour)) continue;
      std::vector<std::string> keys{"choices"};
      add_keys<Behaviour>(keys);
      unknown(place, key, value, keys);
    }
  }

  void read_faults(const toml::node& node) {
    const toml::array* faults = node.as_array();
    if (faults == nullptr) return wrong("", "fault", node, "must be tables, each under [[fault]]");
    for (const toml::node& fault : *faults) {
      const std::string place = fmt::format("fault {}", scenario_.faults.size() + 1);
      came_from(place, fault);
      scenario_.faults.emplace_back();
      if (!fault.is_table()) {
        wrong("", place, fault, "must be a table, under [[fault]]");
      } else {
        read_fault(place, *fault.as_table(), scenario_.faults.back());
      }
    }
  }

  void read_fault(const std::string& place, const toml::table& table, sim::Fault& fault) {
    if (!table.contains("kind")) {
      unread_.insert(place);
      mistake(table.source().begin.line, fmt::format("{}: `kind` is missing", place));
    }
    for (const auto& [name, value] : table) {
      const std::string key(name.str());
      if (key == "kind") {
        // Without it nothing can be said of the others.
        if (!read_named(place, key, value, sim::fault_kinds(), fault.kind)) unread_.insert(place);
      } else if (key == "nodes") {
        read_nodes(place, value, fault.nodes);
      } else if (key == "direction") {
        read_word(place, key, value, kDirectionWords, fault.direction);
      } else if (!read_field(place, key, value, fault)) {
        std::vector<std::string> keys{"kind", "nodes", "direction"};
        add_keys<sim::Fault>(keys);
        unknown(place, key, value, keys);
      }
    }
  }

  // How many, or which ones.
  void read_nodes(const std::string& place, const toml::node& node, sim::NodeChoice& nodes) {
    if (!node.is_array()) {
      read_value(place, "nodes", node, nodes.count);
      return;
    }
    came_from(subject(place, "nodes"), node);
    if (node.as_array()->empty()) return wrong(place, "nodes", node, "must not be an empty list");
    for (const toml::node& item : *node.as_array()) {
      if (!read_value(place, "nodes", item, nodes.ids.emplace_back())) return;
    }
  }

  // --- values -----------------------------------------------------------------------------------

  template <class T>
  static void add_keys(std::vector<std::string>& keys) {
    for (const auto& field : kFieldsOf<T>) keys.emplace_back(field.key);
  }

  template <class T>
  void read_table(const std::string& place, const toml::node& node, T& target) {
    came_from(place, node);
    if (!node.is_table()) return wrong("", place, node, "must be a table");
    for (const auto& [name, value] : *node.as_table()) {
      const std::string key(name.str());
      if (read_field(place, key, value, target)) continue;
      std::vector<std::string> keys;
      add_keys<T>(keys);
      unknown(place, key, value, keys);
    }
  }

  // False if there is no such field.
  template <class T>
  bool read_field(const std::string& place, const std::string& key, const toml::node& node,
                  T& target) {
    const auto& fields = kFieldsOf<T>;
    const auto* field = std::ranges::find(fields, key, &ScenarioField<T>::key);
    if (field == fields.end()) return false;
    std::visit([&](auto member) { read_value(place, key, node, target.*member); }, field->member);
    return true;
  }

  template <class T>
  bool read_value(const std::string& place, const std::string& key, const toml::node& node,
                  std::optional<T>& target) {
    T value{};
    const bool read = read_value(place, key, node, value);
    if (read) target = value;
    return read;
  }
  bool read_value(const std::string& place, const std::string& key, const toml::node& node,
                  Duration& target) {
    return read_time(place, key, node, target);
  }
  bool read_value(const std::string& place, const std::string& key, const toml::node& node,
                  double& target) {
    return read_number(place, key, node, target);
  }
  bool read_value(const std::string& place, const std::string& key, const toml::node& node,
                  std::size_t& target) {
    came_from(subject(place, key), node);
    const auto value = node.value_exact<std::int64_t>();
    if (value && *value >= 0) {
      target = static_cast<std::size_t>(*value);
      return true;
    }
    wrong(place, key, node, "must be a whole number, 0 or more");
    return false;
  }
  bool read_value(const std::string& place, const std::string& key, const toml::node& node,
                  bool& target) {
    came_from(subject(place, key), node);
    if (const auto value = node.value_exact<bool>()) {
      target = *value;
      return true;
    }
    wrong(place, key, node, "must be true or false");
    return false;
  }

  bool read_time(const std::string& place, const std::string& key, const toml::node& node,
                 Duration& target) {
    came_from(subject(place, key), node);
    const auto text = node.value_exact<std::string>();
    const auto time = text ? parse_duration(*text) : Result<Duration>(Duration::zero());
    if (text && time) {
      target = *time;
      return true;
    }
    wrong(place, key, node,
          text ? fmt::format("= {}: {}", *text, time.error().message)
               : "must be a quoted time such as \"250ms\"");
    return false;
  }

  bool read_number(const std::string& place, const std::string& key, const toml::node& node,
                   double& target) {
    came_from(subject(place, key), node);
    if (node.is_number()) {
      target = node.value<double>().value_or(0);
      return true;
    }
    wrong(place, key, node, "must be a number");
    return false;
  }

  void read_text(const std::string& key, const toml::node& node, std::string& target) {
    came_from(key, node);
    if (const auto text = node.value_exact<std::string>()) {
      target = *text;
    } else {
      wrong("", key, node, "must be a quoted string");
    }
  }

  template <class T, std::size_t Count>
  void read_word(const std::string& place, const std::string& key, const toml::node& node,
                 const ScenarioWord<T> (&words)[Count], T& target) {
    came_from(subject(place, key), node);
    const auto text = node.value_exact<std::string>();
    const auto* found =
        text ? std::ranges::find(words, *text, &ScenarioWord<T>::word) : std::end(words);
    if (found != std::end(words)) {
      target = found->value;
      return;
    }
    std::vector<std::string> all;
    all.reserve(Count);
    for (const auto& word : words) all.emplace_back(word.word);
    wrong(place, key, node, fmt::format("must be one of: {}", quoted_list(all)));
  }

  // A word that `to_string` gives for one of the values.
  template <class T>
  bool read_named(const std::string& place, const std::string& key, const toml::node& node,
                  std::span<const T> values, T& target) {
    came_from(subject(place, key), node);
    const std::string text = node.value_exact<std::string>().value_or("");
    std::vector<std::string> all;
    for (const T value : values) {
      all.emplace_back(to_string(value));
      if (all.back() != text) continue;
      target = value;
      return true;
    }
    const std::string close = closest_word(text, all);
    wrong(place, key, node,
          close.empty() ? fmt::format("must be one of: {}", quoted_list(all))
                        : fmt::format("= {}: did you mean `{}`?", text, close));
    return false;
  }

  // --- where ------------------------------------------------------------------------------------

  // As the library's errors have it.
  static std::string subject(const std::string& place, const std::string& key) {
    if (place.empty()) return key;
    return place + (place.ends_with("bursts") ? "." : ": ") + key;
  }

  void came_from(const std::string& what, const toml::node& node) {
    lines_[what] = node.source().begin.line;
  }

  bool is_unread(const std::string& what) const {
    return unread_.contains(what) || unread_.contains(what.substr(0, what.find(": ")));
  }

  // Of the key; of the table if the key is missing.
  std::size_t line_of(const std::string& what) const {
    for (const std::string& part : {what, what.substr(0, what.find(": "))}) {
      if (const auto line = lines_.find(part); line != lines_.end()) return line->second;
    }
    return 1;
  }

  void unknown(const std::string& place, const std::string& key, const toml::node& node,
               const std::vector<std::string>& known) {
    const std::string close = closest_word(key, known);
    wrong(place, key, node,
          close.empty() ? fmt::format("is not known; there are: {}", quoted_list(known))
                        : fmt::format("is not known: did you mean `{}`?", close));
  }

  void wrong(const std::string& place, const std::string& key, const toml::node& node,
             std::string_view what) {
    unread_.insert(subject(place, key));
    mistake(node.source().begin.line,
            fmt::format("{}{}`{}` {}", place, place.empty() ? "" : ": ", key, what));
  }

  std::string origin_;
  sim::Scenario scenario_;
  Mistakes mistakes_;
  std::map<std::string, std::size_t> lines_;  // by subject
  std::set<std::string> unread_;              // subjects whose value is not known
};

}  // namespace

std::expected<sim::Scenario, CommandError> parse_scenario(std::string_view toml,
                                                          const std::string& origin,
                                                          const ScenarioChanges& changes,
                                                          const ScenarioLimits& limits) {
  ScenarioReader reader(origin);
  try {
    reader.read(toml::parse(toml));
  } catch (const toml::parse_error& error) {
    reader.mistake(error.source().begin.line,
                   fmt::format("{}: correct it (the file must be TOML)", error.description()));
    return reader.take();
  }
  reader.check(changes, limits);
  return reader.take();
}

std::expected<sim::Scenario, CommandError> load_scenario(const std::string& file_or_name,
                                                         const ScenarioChanges& changes,
                                                         const ScenarioLimits& limits) {
  const auto named = sim::named_scenarios();
  const auto found = std::ranges::find(named, file_or_name, &sim::Scenario::name);
  if (found != named.end()) return parse_scenario(to_toml(*found), file_or_name, changes, limits);
  const auto content = read_file(file_or_name, kScenarioLimitBytes);
  if (content) return parse_scenario(*content, file_or_name, changes, limits);
  CommandError error = content.error();
  std::vector<std::string> names;
  names.reserve(named.size());
  for (const sim::Scenario& scenario : named) names.push_back(scenario.name);
  const std::string close = closest_word(file_or_name, names);
  error.text += close.empty() ? "; `memberlist sim list` shows the scenarios that come with it"
                              : fmt::format("; did you mean the scenario `{}`?", close);
  return std::unexpected(std::move(error));
}

}  // namespace memberlist::cli
