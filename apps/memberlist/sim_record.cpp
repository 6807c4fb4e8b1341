#include "sim_record.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "json_views.hpp"

namespace memberlist::cli {

namespace {

constexpr double kMillion = 1e6;
constexpr double kBillion = 1e9;

std::int64_t millionths(double share) { return std::llround(share * kMillion); }
std::int64_t billionths(double seconds) { return std::llround(seconds * kBillion); }

Json optional_ns(const std::optional<Duration>& time) {
  return time ? Json(time->count()) : Json(nullptr);
}

std::optional<Duration> optional_time(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return Duration(json.get<std::int64_t>());
}

Json detections_json(const sim::RunReport& report) {
  Json all = Json::array();
  for (const sim::Detection& detection : report.detections) {
    all.push_back({{"node", detection.node},
                   {"at_ns", detection.at.count()},
                   {"first_ns", optional_ns(detection.first)},
                   {"half_ns", optional_ns(detection.half)},
                   {"all_ns", optional_ns(detection.all)}});
  }
  return all;
}

// As lists, because there are many: the names are in docs/simulator.md.
Json samples_json(const sim::RunReport& report) {
  Json all = Json::array();
  for (const sim::Sample& sample : report.samples) {
    all.push_back({sample.at.count(), millionths(sample.converged), sample.suspicions,
                   sample.false_positives, sample.packets, sample.bytes});
  }
  return all;
}

Json stats_json(const sim::WorldStats& stats) {
  return {{"events", stats.events},
          {"packets_sent", stats.packets_sent},
          {"packets_lost", stats.packets_lost},
          {"packets_overflowed", stats.packets_overflowed},
          {"bytes_sent", stats.bytes_sent},
          {"node_ns", billionths(stats.node_seconds)}};
}

Json checks_json(const sim::CheckReport& checks) {
  Json all = Json::array();
  for (const sim::CheckCount& count : checks.counts) {
    all.push_back(
        {{"check", count.check}, {"exercised", count.exercised}, {"findings", count.findings}});
  }
  return all;
}

Json findings_json(const sim::CheckReport& checks) {
  Json all = Json::array();
  for (const sim::Finding& finding : checks.findings) {
    all.push_back({{"check", finding.check},
                   {"at_ns", finding.at.count()},
                   {"node", finding.node},
                   {"text", finding.text}});
  }
  return all;
}

sim::RunReport report_of(const Json& json) {
  sim::RunReport report;
  report.seed = json.at("seed").get<std::uint64_t>();
  for (const Json& detection : json.at("detections")) {
    report.detections.push_back({.node = detection.at("node").get<sim::NodeId>(),
                                 .at = Duration(detection.at("at_ns").get<std::int64_t>()),
                                 .first = optional_time(detection.at("first_ns")),
                                 .half = optional_time(detection.at("half_ns")),
                                 .all = optional_time(detection.at("all_ns"))});
  }
  report.false_positives = json.at("false_positives").get<std::uint64_t>();
  report.false_positives_healthy = json.at("false_positives_healthy").get<std::uint64_t>();
  report.suspicions = json.at("suspicions").get<std::uint64_t>();
  report.formed_after = optional_time(json.at("formed_after_ns"));
  report.converged_after = optional_time(json.at("converged_after_ns"));
  for (const Json& sample : json.at("samples")) {
    report.samples.push_back(
        {.at = Duration(sample.at(0).get<std::int64_t>()),
         .converged = static_cast<double>(sample.at(1).get<std::int64_t>()) / kMillion,
         .suspicions = sample.at(2).get<std::uint64_t>(),
         .false_positives = sample.at(3).get<std::uint64_t>(),
         .packets = sample.at(4).get<std::uint64_t>(),
         .bytes = sample.at(5).get<std::uint64_t>()});
  }
  const Json& stats = json.at("stats");
  report.stats = {
      .events = stats.at("events").get<std::uint64_t>(),
      .packets_sent = stats.at("packets_sent").get<std::uint64_t>(),
      .packets_lost = stats.at("packets_lost").get<std::uint64_t>(),
      .packets_overflowed = stats.at("packets_overflowed").get<std::uint64_t>(),
      .bytes_sent = stats.at("bytes_sent").get<std::uint64_t>(),
      .node_seconds = static_cast<double>(stats.at("node_ns").get<std::int64_t>()) / kBillion};
  for (const Json& count : json.at("checks")) {
    report.checks.counts.push_back({.check = count.at("check").get<std::string>(),
                                    .exercised = count.at("exercised").get<std::uint64_t>(),
                                    .findings = count.at("findings").get<std::uint64_t>()});
  }
  for (const Json& finding : json.at("findings")) {
    report.checks.findings.push_back({.check = finding.at("check").get<std::string>(),
                                      .at = Duration(finding.at("at_ns").get<std::int64_t>()),
                                      .node = finding.at("node").get<std::string>(),
                                      .text = finding.at("text").get<std::string>()});
  }
  const auto hash = json.at("trace_hash").get<std::string>();
  std::from_chars(hash.data(), hash.data() + hash.size(), report.trace_hash, 16);
  return report;
}

}  // namespace

std::string record_line(const sim::RunReport& report) {
  return to_line({{"seed", report.seed},
                  {"detections", detections_json(report)},
                  {"false_positives", report.false_positives},
                  {"false_positives_healthy", report.false_positives_healthy},
                  {"suspicions", report.suspicions},
                  {"formed_after_ns", optional_ns(report.formed_after)},
                  {"converged_after_ns", optional_ns(report.converged_after)},
                  {"samples", samples_json(report)},
                  {"stats", stats_json(report.stats)},
                  {"checks", checks_json(report.checks)},
                  {"findings", findings_json(report.checks)},
                  {"trace_hash", fmt::format("{:016x}", report.trace_hash)}});
}

std::expected<sim::RunReport, CommandError> read_record(std::string_view line) {
  try {
    return report_of(Json::parse(line));
  } catch (const Json::exception& error) {
    return std::unexpected(CommandError{kExitFailed, error.what()});
  }
}

sim::RunReport as_recorded(const sim::RunReport& report) {
  sim::RunReport recorded = report;
  for (sim::Sample& sample : recorded.samples) {
    sample.converged = static_cast<double>(millionths(sample.converged)) / kMillion;
  }
  recorded.stats.node_seconds =
      static_cast<double>(billionths(report.stats.node_seconds)) / kBillion;
  return recorded;
}

}  // namespace memberlist::cli
