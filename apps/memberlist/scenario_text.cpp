#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "scenario_fields.hpp"
#include "scenario_file.hpp"

namespace memberlist::cli {

namespace {

std::string toml_text(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (code < 0x20 || code == 0x7f) {
      quoted += fmt::format("\\u{:04X}", code);
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string toml_value(bool value) { return value ? "true" : "false"; }
std::string toml_value(double value) { return fmt::format("{}", value); }
std::string toml_value(std::size_t value) { return fmt::to_string(value); }
std::string toml_value(std::uint32_t value) { return fmt::to_string(value); }
std::string toml_value(std::uint8_t value) { return fmt::to_string(unsigned{value}); }
std::string toml_value(Duration value) { return toml_text(format_duration(value)); }
template <class T>
std::string toml_value(const std::optional<T>& value) {
  return value ? toml_value(*value) : "";
}

// A line for each field that is not as by default.
template <class T>
std::vector<std::string> field_lines(const T& value) {
  std::vector<std::string> lines;
  const T usual{};
  for (const auto& field : kFieldsOf<T>) {
    std::visit(
        [&](auto member) {
          if (value.*member == usual.*member) return;
          lines.push_back(fmt::format("{} = {}", field.key, toml_value(value.*member)));
        },
        field.member);
  }
  return lines;
}

template <class T>
std::string one_line(const T& value) {
  return fmt::format("{{ {} }}", fmt::join(field_lines(value), ", "));
}

template <class T, std::size_t Count>
std::string_view word_of(const ScenarioWord<T> (&words)[Count], T value) {
  return std::ranges::find(words, value, &ScenarioWord<T>::value)->word;
}

bool is_same_table(const sim::LatencyTable& a, const sim::LatencyTable& b, std::size_t values) {
  for (std::size_t i = 0; i < values; ++i) {
    const double share = (static_cast<double>(i) + 0.5) / static_cast<double>(values);
    if (a.at(share) != b.at(share)) return false;
  }
  return true;
}

std::vector<Duration> values_of(const sim::LatencyTable& table, std::size_t count) {
  std::vector<Duration> values;
  values.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    values.push_back(table.at((static_cast<double>(i) + 0.5) / static_cast<double>(count)));
  }
  return values;
}

// The log-normal distribution that gives this table, if its parameters are round numbers: its
// median lies between the two values in the middle, and its spread shows in the largest.
std::optional<std::string> log_normal_text(const sim::LatencyTable& table) {
  constexpr double kLargest = 3.297193;  // of 1,024 values, in standard deviations
  constexpr double kRound = 1000;
  using Microseconds = std::chrono::duration<double, std::micro>;
  const double below = Microseconds(table.at(0.4995)).count();
  const double above = Microseconds(table.at(0.5005)).count();
  const double middle = std::round(std::sqrt(below * above));
  if (middle < 1) return std::nullopt;
  const double sigma = std::log(Microseconds(table.at(1)).count() / middle) / kLargest;
  // What was rounded to microseconds may be one of them off.
  for (const int shift : {0, -1, 1}) {
    for (const int step : {0, -1, 1}) {
      const auto median = std::chrono::microseconds(static_cast<std::int64_t>(middle) + shift);
      const double spread = (std::round(sigma * kRound) + step) / kRound;
      if (median.count() < 1 || spread < 0 || spread > kLargestSigma) continue;
      const auto likely = sim::LatencyTable::log_normal(median, spread);
      if (!is_same_table(table, likely, kMaxMeasured)) continue;
      return fmt::format("{{ median = {}, sigma = {} }}", toml_value(Duration(median)), spread);
    }
  }
  return std::nullopt;
}

// The shortest list that gives the same latencies.
std::string measured_text(const sim::LatencyTable& table) {
  std::vector<Duration> values;
  for (std::size_t count = 1; count <= kMaxMeasured; ++count) {
    values = values_of(table, count);
    if (is_same_table(table, sim::LatencyTable::measured(values), 2 * kMaxMeasured)) break;
  }
  std::vector<std::string> texts;
  texts.reserve(values.size());
  for (const Duration value : values) texts.push_back(toml_value(value));
  return fmt::format("{{ measured = [{}] }}", fmt::join(texts, ", "));
}

std::vector<std::string> link_lines(const sim::Link& link) {
  std::vector<std::string> lines;
  if (!link.latencies.empty()) {
    const auto text = log_normal_text(link.latencies);
    lines.push_back("latency = " + (text ? *text : measured_text(link.latencies)));
  } else if (link.latency != sim::Link{}.latency) {
    lines.push_back("latency = " + toml_value(link.latency));
  }
  std::ranges::move(field_lines(link), std::back_inserter(lines));
  const std::string bursts = one_line(link.bursts);
  if (bursts != one_line(sim::Bursts{})) {
    lines.push_back("bursts = " + bursts);
  }
  return lines;
}

// Calls `visit(knob, value)` for each knob that differs from the profile.
template <class Visit>
void visit_knobs(const sim::Scenario& scenario, Visit visit) {
  const Config usual = Config::for_profile(scenario.profile);
  for (const KnobField& field : kKnobFields) {
    std::visit(
        [&](auto member) {
          if (scenario.config.*member == usual.*member) return;
          visit(field.knob, scenario.config.*member);
        },
        field.member);
  }
}

std::vector<std::string> knob_lines(const sim::Scenario& scenario) {
  std::vector<std::string> lines;
  visit_knobs(scenario, [&](std::string_view knob, auto value) {
    lines.push_back(fmt::format("{} = {}", knob, toml_value(value)));
  });
  return lines;
}

template <class T>
std::string setting_value(T value) {
  return toml_value(value);
}
std::string setting_value(Duration value) { return format_duration(value); }

std::vector<std::string> fault_lines(const sim::Fault& fault) {
  std::vector<std::string> lines{fmt::format("kind = \"{}\"", to_string(fault.kind))};
  if (!fault.nodes.ids.empty()) {
    lines.push_back(fmt::format("nodes = [{}]", fmt::join(fault.nodes.ids, ", ")));
  } else if (fault.nodes.count != 1) {
    lines.push_back(fmt::format("nodes = {}", fault.nodes.count));
  }
  std::ranges::move(field_lines(fault), std::back_inserter(lines));
  if (fault.direction != sim::Fault::Direction::both) {
    lines.push_back(fmt::format("direction = \"{}\"", word_of(kDirectionWords, fault.direction)));
  }
  return lines;
}

std::vector<std::string> scenario_lines(const sim::Scenario& scenario) {
  std::vector<std::string> lines{"name = " + toml_text(scenario.name)};
  if (!scenario.description.empty()) {
    lines.push_back("description = " + toml_text(scenario.description));
  }
  if (scenario.profile != Profile::lan) {
    lines.push_back(fmt::format("profile = \"{}\"", word_of(kProfileWords, scenario.profile)));
  }
  std::ranges::move(field_lines(scenario), std::back_inserter(lines));
  if (scenario.checks != sim::CheckLevel::cluster) {
    lines.push_back(fmt::format("checks = \"{}\"", word_of(kCheckWords, scenario.checks)));
  }
  if (!scenario.plots.empty()) {
    std::vector<std::string> plots;
    plots.reserve(scenario.plots.size());
    for (const sim::Plot plot : scenario.plots) {
      plots.push_back(fmt::format("\"{}\"", to_string(plot)));
    }
    lines.push_back(fmt::format("plots = [{}]", fmt::join(plots, ", ")));
  }
  return lines;
}

void add_table(std::string& text, std::string_view header, const std::vector<std::string>& lines) {
  text += fmt::format("\n{}\n", header);
  for (const std::string& line : lines) text += line + "\n";
}

}  // namespace

std::string to_toml(const sim::Scenario& scenario) {
  std::string text;
  for (const std::string& line : scenario_lines(scenario)) text += line + "\n";
  if (const auto lines = knob_lines(scenario); !lines.empty()) add_table(text, "[set]", lines);
  const auto switches = field_lines(scenario.behaviour);
  if (!switches.empty()) add_table(text, "[behaviour]", switches);
  if (const auto lines = link_lines(scenario.link); !lines.empty()) {
    add_table(text, "[link]", lines);
  }
  if (scenario.zone_link) add_table(text, "[zone_link]", link_lines(*scenario.zone_link));
  for (const sim::Fault& fault : scenario.faults) add_table(text, "[[fault]]", fault_lines(fault));
  const auto expected = field_lines(scenario.expect);
  if (!expected.empty()) add_table(text, "[expect]", expected);
  return text;
}

std::vector<std::string> agent_settings(const sim::Scenario& scenario) {
  std::vector<std::string> arguments{"--profile",
                                     std::string(word_of(kProfileWords, scenario.profile))};
  visit_knobs(scenario, [&](std::string_view knob, auto value) {
    arguments.insert(arguments.end(), {"--set", fmt::format("{}={}", knob, setting_value(value))});
  });
  return arguments;
}

}  // namespace memberlist::cli
