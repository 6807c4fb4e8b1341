#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include <fmt/format.h>

#include "base/edit_distance.hpp"
#include "base/field_count.hpp"
#include "base/knob_table.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"

namespace memberlist {
namespace {

constexpr std::int64_t ns(Duration duration) noexcept { return duration.count(); }
constexpr std::int64_t kMillisecond = ns(std::chrono::milliseconds(1));
constexpr std::int64_t kHour = ns(std::chrono::hours(1));
constexpr std::int64_t kMinute = ns(std::chrono::minutes(1));

constexpr std::string_view kTruth = "true or false";
constexpr std::string_view kFactor = "1 to 255";
constexpr std::string_view kVersionByte = "0 to 255";

// The upper limits of times and factors are chosen so that no product of them overflows 64 bits
// of nanoseconds; the other limits only exclude values that make no sense.
constexpr std::array kKnobs = {
    Knob{{"tcp_timeout", "1ms to 10m", "timeout for connecting, and again for the exchange"},
         &Config::tcp_timeout,
         kMillisecond,
         10 * kMinute},
    Knob{{"indirect_checks", "0 to 255", "members asked to probe one that does not answer"},
         &Config::indirect_checks,
         0,
         255},
    Knob{{"retransmit_mult", kFactor, "a broadcast is sent this many times log10 of the members"},
         &Config::retransmit_mult,
         1,
         255},
    Knob{{"suspicion_mult", kFactor, "minimum suspicion timeout, in probe intervals"},
         &Config::suspicion_mult,
         1,
         255},
    Knob{{"suspicion_max_timeout_mult", kFactor,
          "an unconfirmed suspicion lasts this many times longer"},
         &Config::suspicion_max_timeout_mult,
         1,
         255},
    Knob{{"push_pull_interval", "0 (off) or 1ms to 24h",
          "time between full state exchanges with one member"},
         &Config::push_pull_interval,
         kMillisecond,
         24 * kHour,
         true},
    Knob{
        {"probe_timeout", "1ms to 10m", "time to wait for a direct answer before others are asked"},
        &Config::probe_timeout,
        kMillisecond,
        10 * kMinute},
    Knob{{"probe_interval", "0 (off) or 1ms to 1h", "time between probes"},
         &Config::probe_interval,
         kMillisecond,
         kHour,
         true},
    Knob{{"awareness_max_multiplier", kFactor,
          "maximum factor by which an unhealthy node slows its probes"},
         &Config::awareness_max_multiplier,
         1,
         255},
    Knob{{"gossip_nodes", "0 to 255", "members that each gossip round sends to"},
         &Config::gossip_nodes,
         0,
         255},
    Knob{{"gossip_interval", "0 (off) or 1ms to 1h", "time between rounds of gossip"},
         &Config::gossip_interval,
         kMillisecond,
         kHour,
         true},
    Knob{{"gossip_to_the_dead_time", "0 to 24h",
          "how long dead members get gossip and stay in the table"},
         &Config::gossip_to_the_dead_time,
         0,
         24 * kHour},
    Knob{{"dead_node_reclaim_time", "0 (off) or 1ms to 720h",
          "after this time a dead member's name may return at another address"},
         &Config::dead_node_reclaim_time,
         kMillisecond,
         720 * kHour,
         true},
    Knob{{"queue_check_interval", "0 (off) or 1ms to 24h",
          "time between log lines about the broadcast queue"},
         &Config::queue_check_interval,
         kMillisecond,
         24 * kHour,
         true},
    Knob{{"max_members", "1 to 1048576", "members remembered; further ones are refused"},
         &Config::max_members,
         1,
         1'048'576},
    Knob{{"handoff_queue_depth", "1 to 1048576", "user messages that may wait for the application"},
         &Config::handoff_queue_depth,
         1,
         1'048'576},
    Knob{{"udp_buffer_size", "512 to 65507", "largest packet sent, in bytes"},
         &Config::udp_buffer_size,
         512,
         65'507},
    Knob{{"protocol_version", "1 to 5", "memberlist protocol version to speak"},
         &Config::protocol_version,
         1,
         5},
    Knob{{"delegate_protocol_min", kVersionByte, "oldest version the application understands"},
         &Config::delegate_protocol_min,
         0,
         255},
    Knob{{"delegate_protocol_max", kVersionByte, "newest version the application understands"},
         &Config::delegate_protocol_max,
         0,
         255},
    Knob{{"delegate_protocol_version", kVersionByte, "version the application speaks"},
         &Config::delegate_protocol_version,
         0,
         255},
    Knob{{"enable_compression", kTruth, "compress messages that become smaller"},
         &Config::enable_compression},
    Knob{{"gossip_verify_incoming", kTruth, "with keys: reject plaintext"},
         &Config::gossip_verify_incoming},
    Knob{{"gossip_verify_outgoing", kTruth, "with keys: encrypt outgoing traffic"},
         &Config::gossip_verify_outgoing},
    Knob{{"skip_inbound_label_check", kTruth, "a proxy in front of this node removes the label"},
         &Config::skip_inbound_label_check},
    Knob{{"disable_tcp_pings", kTruth, "never ping over TCP when UDP has no answer"},
         &Config::disable_tcp_pings},
    Knob{{"require_node_names", kTruth, "refuse to send to an address without a member's name"},
         &Config::require_node_names},
};

// name, bind, advertise, meta, label, keys, allowed_networks, dns_servers
constexpr std::size_t kFieldsThatAreNoKnobs = 8;
static_assert(kKnobs.size() + kFieldsThatAreNoKnobs == field_count<Config>(),
              "each field of Config has a row in kKnobs, or is no knob and counted above");

constexpr auto kKnobInfos = [] {
  std::array<KnobInfo, kKnobs.size()> infos{};
  for (std::size_t i = 0; i < infos.size(); ++i) infos[i] = kKnobs[i].info;
  return infos;
}();

bool is_duration(const Knob& knob) noexcept {
  return std::holds_alternative<Duration Config::*>(knob.field);
}
bool is_truth(const Knob& knob) noexcept {
  return std::holds_alternative<bool Config::*>(knob.field);
}

std::int64_t value_of(const Knob& knob, const Config& config) {
  return std::visit(
      [&config](auto field) -> std::int64_t {
        const auto value = config.*field;
        if constexpr (std::is_same_v<decltype(value), const Duration>) {
          return value.count();
        } else {
          return static_cast<std::int64_t>(value);
        }
      },
      knob.field);
}

std::string text_of(const Knob& knob, std::int64_t value) {
  if (is_truth(knob)) return value != 0 ? "true" : "false";
  return is_duration(knob) ? format_duration(Duration(value)) : fmt::format("{}", value);
}

bool allowed(const Knob& knob, std::int64_t value) noexcept {
  return (value == 0 && knob.zero_is_off) || (value >= knob.min && value <= knob.max);
}

// The limits as part of a sentence; those of the row are written for a table.
std::string limits_in_words(const Knob& knob) {
  return fmt::format("{}between {} and {}", knob.zero_is_off ? "0 (off) or " : "",
                     text_of(knob, knob.min), text_of(knob, knob.max));
}

std::unexpected<Error> unreadable(const Knob& knob, std::string_view value,
                                  std::string_view wanted) {
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("{} is \"{}\"; it must be {}", knob.info.name, escape_for_log(value), wanted),
      std::string(knob.info.name));
}

Result<std::int64_t> parse_value(const Knob& knob, std::string_view text) {
  if (is_truth(knob)) {
    if (text == "true") return 1;
    if (text == "false") return 0;
    return unreadable(knob, text, "true or false");
  }
  if (is_duration(knob)) {
    const auto duration = parse_duration(text);
    if (duration) return duration->count();
    return unreadable(knob, text,
                      fmt::format("a time (such as 250ms, 5s or 2m), {}", limits_in_words(knob)));
  }
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size()) return number;
  return unreadable(knob, text, fmt::format("a whole number {}", limits_in_words(knob)));
}

std::unexpected<Error> unknown_knob(std::string_view name) {
  constexpr std::size_t kLongestName = 64;  // bounds the work for an absurd name
  constexpr std::size_t kTypos = 3;
  std::string text = fmt::format("there is no knob \"{}\"", escape_for_log(name));
  if (name.size() <= kLongestName) {
    const auto distance = [name](const Knob& knob) { return edit_distance(name, knob.info.name); };
    const auto& nearest = *std::ranges::min_element(kKnobs, {}, distance);
    if (distance(nearest) <= kTypos) text += fmt::format("; did you mean {}?", nearest.info.name);
  }
  return fail(ErrorCode::invalid_argument, std::move(text), std::string(name));
}

}  // namespace

std::span<const KnobInfo> knobs() noexcept { return kKnobInfos; }

std::span<const Knob> knob_table() noexcept { return kKnobs; }

const Knob* find_knob(std::string_view name) noexcept {
  const auto* at = std::ranges::find(kKnobs, name, [](const Knob& knob) { return knob.info.name; });
  return at == kKnobs.end() ? nullptr : at;
}

std::unexpected<Error> bad_knob(std::string_view knob, std::string_view value,
                                std::string_view limits, ErrorCode code) {
  return fail(code, fmt::format("{} is {}; it must be {}", knob, value, limits), std::string(knob));
}

Result<void> check_knob(const Knob& knob, const Config& config) {
  const std::int64_t value = value_of(knob, config);
  if (allowed(knob, value)) return {};
  return bad_knob(knob.info.name, text_of(knob, value), limits_in_words(knob));
}

Result<void> Config::set(std::string_view knob_name, std::string_view value) {
  const Knob* knob = find_knob(knob_name);
  if (knob == nullptr) return unknown_knob(knob_name);
  const auto parsed = parse_value(*knob, value);
  if (!parsed) return std::unexpected(parsed.error());
  if (!allowed(*knob, *parsed)) {
    return bad_knob(knob->info.name, text_of(*knob, *parsed), limits_in_words(*knob));
  }
  std::visit(
      [this, parsed](auto field) {
        using Value = std::remove_reference_t<decltype(this->*field)>;
        this->*field = static_cast<Value>(*parsed);
      },
      knob->field);
  return {};
}

}  // namespace memberlist
