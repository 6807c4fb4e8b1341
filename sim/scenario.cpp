#include "memberlist/sim/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string>
#include <utility>

#include "sim/fault_rules.hpp"

namespace memberlist::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr FieldUse kNo = FieldUse::no;
constexpr FieldUse kMay = FieldUse::may;
constexpr FieldUse kMust = FieldUse::must;

constexpr std::array kRules = std::to_array<FaultRule>({
    // kind, name, effect, lasts, time, every, bytes, rate_min, rate_max, link
    {FaultKind::crash, "crash", FaultEffect::down, kMay},
    {FaultKind::kill, "kill", FaultEffect::down, kMay},
    {FaultKind::pause, "pause", FaultEffect::down, kMay},
    {FaultKind::block, "block", FaultEffect::down, kMay},
    {FaultKind::hiccup, "hiccup", FaultEffect::down, kMay, kMust, kMust},
    {FaultKind::slow, "slow", FaultEffect::impaired, kMay, kMust},
    {FaultKind::drift, "drift", FaultEffect::impaired, kMay, kNo, kNo, kNo, -1, 10},
    {FaultKind::step, "step", FaultEffect::impaired, kNo, kMust},
    {FaultKind::move, "move", FaultEffect::down},
    {FaultKind::swap, "swap", FaultEffect::down, kMay},
    {FaultKind::cut, "cut", FaultEffect::cut_off, kMay, kNo, kNo, kNo, 0, 0, true},
    {FaultKind::loss, "loss", FaultEffect::impaired, kMay, kNo, kNo, kNo, 0, 1, true},
    {FaultKind::bursts, "bursts", FaultEffect::impaired, kMay, kNo, kNo, kNo, 0, 1, true},
    {FaultKind::duplicate, "duplicate", FaultEffect::impaired, kMay, kNo, kNo, kNo, 0, 1, true},
    {FaultKind::reorder, "reorder", FaultEffect::impaired, kMay, kMust, kNo, kNo, 0, 1, true},
    {FaultKind::corrupt, "corrupt", FaultEffect::impaired, kMay, kNo, kNo, kNo, 0, 1, true},
    {FaultKind::latency, "latency", FaultEffect::impaired, kMay, kMust, kNo, kNo, 0, 0, true},
    {FaultKind::bandwidth, "bandwidth", FaultEffect::impaired, kMay, kNo, kNo, kMust, 0, 0, true},
    {FaultKind::mtu, "mtu", FaultEffect::impaired, kMay, kNo, kNo, kMust, 0, 0, true},
    {FaultKind::tcp_stall, "tcp_stall", FaultEffect::impaired, kMay, kNo, kNo, kNo, 0, 1, true},
    {FaultKind::tcp_reset, "tcp_reset", FaultEffect::impaired, kMay, kNo, kNo, kNo, 0, 1, true},
    {FaultKind::partition, "partition", FaultEffect::cut_off, kMay},
    {FaultKind::flap, "flap", FaultEffect::cut_off, kMay, kNo, kMust},
    {FaultKind::leave, "leave", FaultEffect::down, kMay},
    {FaultKind::join, "join", FaultEffect::none, kNo, kMay},
    {FaultKind::rejoin, "rejoin", FaultEffect::none},
    {FaultKind::meta, "meta", FaultEffect::none, kMay, kNo, kMay},
    {FaultKind::broadcast, "broadcast", FaultEffect::none, kMay, kNo, kMay, kMust},
    {FaultKind::namesake, "namesake", FaultEffect::down},
    {FaultKind::keys, "keys", FaultEffect::none, kNo, kMust},
});

constexpr auto kKinds = [] {
  std::array<FaultKind, kRules.size()> kinds{};
  for (std::size_t i = 0; i < kinds.size(); ++i) kinds[i] = kRules[i].kind;
  return kinds;
}();

// `rule_of` takes the kind for the place in the list.
static_assert([] {
  for (std::size_t i = 0; i < kRules.size(); ++i) {
    if (static_cast<std::size_t>(kRules[i].kind) != i) return false;
  }
  return true;
}());

constexpr std::array kPlots{Plot::detection, Plot::convergence, Plot::false_positives,
                            Plot::packets};

constexpr Duration kLongestRun = hours(24);
constexpr Duration kLongestTime = hours(1);
constexpr Duration kShortestPeriod = milliseconds(10);
constexpr std::size_t kSmallestMtu = 64;
constexpr std::size_t kLargestDatagram = 65'535;
constexpr std::size_t kSlowestBandwidth = 1'000;
constexpr std::size_t kLargestBandwidth = 1'000'000'000'000;
constexpr std::size_t kLargestQueue = 1'000'000'000;
constexpr std::size_t kLargestBroadcast = 512;
constexpr std::size_t kLongestName = 64;

// --- the checks ----------------------------------------------------------------------------------

/// Collects what is wrong with the parts of one place: the scenario, a link, a fault.
class Judge {
 public:
  Judge(std::vector<Error>& mistakes, std::string place)
      : mistakes_(mistakes), place_(std::move(place)) {}

  void wrong(std::string_view field, std::string_view text) const {
    std::string subject =
        place_.empty() ? std::string(field) : fmt::format("{}: {}", place_, field);
    std::string message = fmt::format("{} {}", subject, text);
    mistakes_.push_back({ErrorCode::invalid_argument, std::move(message), std::move(subject)});
  }
  void must_be(std::string_view field, std::string_view value, std::string_view limits) const {
    wrong(field, fmt::format("is {}; it must be {}", value, limits));
  }
  void within(std::string_view field, Duration value, Duration min, Duration max) const {
    if (min <= value && value <= max) return;
    must_be(field, format_duration(value),
            fmt::format("{} to {}", format_duration(min), format_duration(max)));
  }
  void within(std::string_view field, std::size_t value, std::size_t min, std::size_t max) const {
    if (min <= value && value <= max) return;
    must_be(field, fmt::to_string(value), fmt::format("{} to {}", min, max));
  }
  void zero_or_within(std::string_view field, std::size_t value, std::size_t min,
                      std::size_t max) const {
    if (value == 0 || (min <= value && value <= max)) return;
    must_be(field, fmt::to_string(value), fmt::format("0 (none) or {} to {}", min, max));
  }
  void probability(std::string_view field, double value) const {
    if (value >= 0 && value <= 1) return;  // what is not a number is neither
    must_be(field, fmt::to_string(value), "a probability, 0 to 1");
  }

 private:
  std::vector<Error>& mistakes_;
  std::string place_;
};

void check_link(const Judge& judge, const Link& link) {
  judge.within("latency", link.latency, Duration::zero(), kLongestTime);
  judge.within("jitter", link.jitter, Duration::zero(), kLongestTime);
  if (!link.latencies.empty()) {
    judge.within("latencies", link.latencies.at(1), Duration::zero(), kLongestTime);
  }
  const std::pair<std::string_view, double> probabilities[] = {
      {"loss", link.loss},
      {"bursts.begin", link.bursts.begin},
      {"bursts.end", link.bursts.end},
      {"bursts.loss", link.bursts.loss},
      {"duplicate", link.duplicate},
      {"reorder", link.reorder},
      {"corrupt", link.corrupt},
      {"tcp_stall", link.tcp_stall},
      {"tcp_reset", link.tcp_reset},
      {"tcp_half_close", link.tcp_half_close}};
  for (const auto& [field, value] : probabilities) judge.probability(field, value);
  judge.within("reorder_delay", link.reorder_delay, Duration::zero(), kLongestTime);
  judge.zero_or_within("mtu", link.mtu, kSmallestMtu, kLargestDatagram);
  judge.zero_or_within("bandwidth", link.bandwidth, kSlowestBandwidth, kLargestBandwidth);
  judge.within("queue_bytes", link.queue_bytes, 1, kLargestQueue);
}

/// Whether a field is used as the rule of the kind says; says so if not.
bool is_used_right(const Judge& judge, const FaultRule& rule, FieldUse use, std::string_view field,
                   bool given) {
  if (use == FieldUse::no && given) {
    judge.wrong(field, fmt::format("says nothing to a {}; leave it out", rule.name));
    return false;
  }
  if (use == FieldUse::must && !given) {
    judge.wrong(field, fmt::format("is missing; a {} needs it", rule.name));
    return false;
  }
  return given;
}

void check_rate(const Judge& judge, const FaultRule& rule, double rate) {
  const bool has_rate = rule.rate_min != rule.rate_max;
  if (!is_used_right(judge, rule, has_rate ? FieldUse::must : FieldUse::no, "rate", rate != 0)) {
    return;
  }
  if (rate > rule.rate_min && rate <= rule.rate_max) return;
  judge.must_be("rate", fmt::to_string(rate),
                fmt::format("above {} and at most {}", rule.rate_min, rule.rate_max));
}

void check_times(const Judge& judge, const FaultRule& rule, const Fault& fault, Duration end) {
  if (fault.at < Duration::zero() || fault.at >= end) {
    judge.must_be(
        "at", format_duration(fault.at),
        fmt::format("0 or later, and before the end of the run at {}", format_duration(end)));
  }
  is_used_right(judge, rule, rule.lasts, "lasts", fault.lasts.has_value());
  if (fault.lasts && rule.lasts != FieldUse::no) {
    judge.within("lasts", *fault.lasts, nanoseconds(1), kLongestRun);
  }
  if (is_used_right(judge, rule, rule.time, "time", fault.time != Duration::zero())) {
    judge.within("time", fault.time, nanoseconds(1), kLongestTime);
  }
  if (is_used_right(judge, rule, rule.every, "every", fault.every != Duration::zero())) {
    judge.within("every", fault.every, kShortestPeriod, kLongestTime);
  }
  if (fault.kind == FaultKind::hiccup && fault.every <= fault.time &&
      fault.every > Duration::zero()) {
    judge.must_be("every", format_duration(fault.every),
                  fmt::format("longer than time ({})", format_duration(fault.time)));
  }
}

void check_bytes(const Judge& judge, const FaultRule& rule, const Fault& fault) {
  if (!is_used_right(judge, rule, rule.bytes, "bytes", fault.bytes != 0)) return;
  if (fault.kind == FaultKind::mtu) {
    judge.within("bytes", fault.bytes, kSmallestMtu, kLargestDatagram);
  } else if (fault.kind == FaultKind::bandwidth) {
    judge.within("bytes", fault.bytes, kSlowestBandwidth, kLargestBandwidth);
  } else {
    judge.within("bytes", fault.bytes, 1, kLargestBroadcast);
  }
}

void check_direction(const Judge& judge, const FaultRule& rule, const Fault& fault) {
  const bool directed = fault.direction != Fault::Direction::both;
  is_used_right(judge, rule, rule.link ? FieldUse::may : FieldUse::no, "direction", directed);
  const bool cut = fault.kind == FaultKind::cut;
  is_used_right(judge, rule, cut ? FieldUse::may : FieldUse::no, "udp", !fault.udp);
  is_used_right(judge, rule, cut ? FieldUse::may : FieldUse::no, "tcp", !fault.tcp);
  if (cut && !fault.udp && !fault.tcp) {
    judge.wrong("udp", "and tcp are both false, so that nothing is cut; make one of them true");
  }
}

bool is_whole(const FaultRule& rule) {
  return rule.kind == FaultKind::partition || rule.kind == FaultKind::flap ||
         rule.kind == FaultKind::rejoin || rule.kind == FaultKind::move ||
         rule.kind == FaultKind::namesake;
}

/// Whether who suffers from it does not run any more afterwards.
bool takes_away(const Fault& fault) {
  const bool ends = fault.kind == FaultKind::crash || fault.kind == FaultKind::kill ||
                    fault.kind == FaultKind::leave;
  return ends && !fault.lasts;
}

std::size_t chosen(const NodeChoice& nodes) {
  return nodes.ids.empty() ? nodes.count : nodes.ids.size();
}

/// Checks whom each fault needs, in the order of time, against those that can still run.
class Roll {
 public:
  Roll(std::vector<Error>& mistakes, const Scenario& scenario)
      : mistakes_(mistakes),
        scenario_(scenario),
        known_(scenario.nodes),
        running_(scenario.nodes) {}

  void check() {
    std::vector<std::size_t> order(scenario_.faults.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return scenario_.faults[i].at; });
    for (const std::size_t i : order) check(i);
  }

 private:
  void check(std::size_t index) {
    const Fault& fault = scenario_.faults[index];
    const Judge judge(mistakes_, fmt::format("fault {}", index + 1));
    if (fault.kind == FaultKind::join) return check_join(judge, fault);
    if (fault.kind == FaultKind::keys) return check_keys(judge, fault);
    if (fault.nodes.ids.empty()) {
      check_count(judge, fault);
    } else {
      check_ids(judge, fault);
    }
    const std::size_t count = chosen(fault.nodes);
    if (fault.kind == FaultKind::swap && count % 2 != 0) {
      judge.must_be("nodes", fmt::format("{} nodes", count), "an even number: they swap in pairs");
    }
    if (fault.kind == FaultKind::namesake) ++known_;
    if (takes_away(fault)) running_ -= std::min(running_, count);
  }

  void check_join(const Judge& judge, const Fault& fault) {
    if (!fault.nodes.ids.empty()) judge.wrong("nodes", "is a list; give the number of new nodes");
    judge.within("nodes", chosen(fault.nodes), 1, kMaxNodes - std::min(kMaxNodes - 1, known_));
    known_ += chosen(fault.nodes);
    running_ += chosen(fault.nodes);
  }

  void check_keys(const Judge& judge, const Fault& fault) const {
    if (!scenario_.encrypted) {
      judge.wrong("kind", "changes the key, and the cluster has none; give encrypted = true");
    }
    if (!fault.nodes.ids.empty() || fault.nodes.count != 1) {
      judge.wrong("nodes", "says nothing to keys, which are those of all nodes; leave it out");
    }
  }

  void check_count(const Judge& judge, const Fault& fault) const {
    // These need somebody else, too.
    const std::size_t others = is_whole(rule_of(fault.kind)) ? 1 : 0;
    const std::size_t most = running_ - std::min(running_, others);
    if (fault.nodes.count >= 1 && fault.nodes.count <= most) return;
    if (fault.nodes.count == 0) return judge.must_be("nodes", "0", "at least 1");
    judge.wrong("nodes", fmt::format("is {}, but {} of {} nodes run then{}; {}", fault.nodes.count,
                                     running_, known_, others == 1 ? " and one must be left" : "",
                                     most == 0 ? "leave this fault out"
                                               : fmt::format("give at most {}", most)));
  }

  void check_ids(const Judge& judge, const Fault& fault) const {
    std::set<NodeId> seen;
    for (const NodeId id : fault.nodes.ids) {
      if (id >= known_) {
        judge.wrong("nodes", fmt::format("has {}, which is not there; nodes are numbered 0 to {}",
                                         id, known_ - 1));
      }
      if (!seen.insert(id).second) judge.wrong("nodes", fmt::format("has {} twice", id));
    }
    if (is_whole(rule_of(fault.kind)) && seen.size() >= running_) {
      judge.wrong("nodes", "are all nodes; one must be left");
    }
  }

  std::vector<Error>& mistakes_;
  const Scenario& scenario_;
  std::size_t known_;
  std::size_t running_;
};

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= kLongestName && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

/// Config::validate names one mistake: so it is asked again with that knob put right.
void check_config(std::vector<Error>& mistakes, const Scenario& scenario) {
  Config config = scenario.config;
  config.name = "node-00000";
  const Config fresh = Config::for_profile(scenario.profile);
  std::set<std::string> seen;
  for (auto valid = config.validate(); !valid; valid = config.validate()) {
    const Error& error = valid.error();
    if (!seen.insert(error.subject).second) return;
    mistakes.push_back(error);
    if (error.subject == "probe_timeout") config.probe_timeout = config.probe_interval;
    if (error.subject == "udp_buffer_size") config.udp_buffer_size = fresh.udp_buffer_size;
  }
}

void check_fault(const Judge& judge, const Scenario& scenario, const Fault& fault) {
  const FaultRule& rule = rule_of(fault.kind);
  check_times(judge, rule, fault, scenario.lasts);
  check_rate(judge, rule, fault.rate);
  check_bytes(judge, rule, fault);
  check_direction(judge, rule, fault);
}

bool has_detections(const Scenario& scenario) {
  return std::ranges::any_of(scenario.faults, is_detected);
}

constexpr std::string_view kNothingToDetect =
    "needs something to detect: a fault of the kind crash, kill or block without `lasts`";

void check_detected_within(const Judge& judge, const Scenario& scenario, Duration within) {
  judge.within("detected_within", within, milliseconds(1), kLongestRun);
  if (!has_detections(scenario)) return judge.wrong("detected_within", kNothingToDetect);
  for (const Fault& fault : scenario.faults) {
    if (!is_detected(fault) || fault.at + within <= scenario.lasts) continue;
    return judge.wrong(
        "detected_within",
        fmt::format("is {} after a fault at {}, and the run is over at {}; let it last longer",
                    format_duration(within), format_duration(fault.at),
                    format_duration(scenario.lasts)));
  }
}

void check_converged_within(const Judge& judge, const Scenario& scenario, Duration within) {
  judge.within("converged_within", within, milliseconds(1), kLongestRun);
  Duration end{};
  for (const Fault& fault : scenario.faults) end = std::max(end, end_of(fault));
  if (scenario.heal_at_end || end + within <= scenario.lasts) return;
  judge.wrong(
      "converged_within",
      fmt::format("is {} after the last fault has ended at {}, and the run is over at {}; "
                  "let it last longer, or heal at its end",
                  format_duration(within), format_duration(end), format_duration(scenario.lasts)));
}

void check_behaviour(const Judge& judge, const Behaviour& behaviour) {
  constexpr std::size_t kAll = 100;
  judge.within("nack_percent", behaviour.nack_percent, 0, kAll);
}

void check_zones(const Judge& judge, const Scenario& scenario) {
  judge.within("zones", scenario.zones, 1,
               std::min(kMaxZones, std::max<std::size_t>(1, scenario.nodes)));
  if (scenario.zone_link && scenario.zones < 2) {
    judge.wrong("zone_link", "is between zones, and there is one; give zones = 2 or more");
  }
}

void check_plots(const Judge& judge, const Scenario& scenario) {
  if (std::ranges::find(scenario.plots, Plot::detection) == scenario.plots.end()) return;
  if (!has_detections(scenario)) {
    judge.wrong("plots", fmt::format("has detection, which {}", kNothingToDetect));
  }
}

}  // namespace

const FaultRule& rule_of(FaultKind kind) noexcept { return kRules[static_cast<std::size_t>(kind)]; }

Duration end_of(const Fault& fault) noexcept {
  if (fault.kind == FaultKind::join) return fault.at + fault.time;
  if (fault.kind == FaultKind::keys) {
    return fault.at + kKeySteps * fault.time + (kKeySteps - 1) * kKeyPause;
  }
  return fault.at + fault.lasts.value_or(Duration::zero());
}

std::string_view to_string(FaultKind kind) noexcept { return rule_of(kind).name; }
std::span<const FaultKind> fault_kinds() noexcept { return kKinds; }

std::string_view to_string(Plot plot) noexcept {
  switch (plot) {
    case Plot::detection:
      return "detection";
    case Plot::convergence:
      return "convergence";
    case Plot::false_positives:
      return "false_positives";
    case Plot::packets:
      return "packets";
  }
  return "";
}
std::span<const Plot> all_plots() noexcept { return kPlots; }

bool is_detected(const Fault& fault) noexcept {
  const bool stays_away = fault.kind == FaultKind::crash || fault.kind == FaultKind::kill ||
                          fault.kind == FaultKind::block;
  return stays_away && !fault.lasts;
}

std::vector<Error> Scenario::mistakes() const {
  std::vector<Error> all;
  const Judge judge(all, "");
  if (!is_word(name)) {
    judge.wrong("name",
                fmt::format("must be one word of a-z, 0-9, - and _, at most {} letters long",
                            kLongestName));
  }
  judge.within("nodes", nodes, 1, kMaxNodes);
  if (formed && join_within != Duration::zero()) {
    judge.wrong("join_within", "says nothing to a cluster that is formed; give formed = false");
  }
  judge.within("join_within", join_within, Duration::zero(), kLongestTime);
  judge.within("lasts", lasts, seconds(1), kLongestRun);
  check_zones(judge, *this);
  check_config(all, *this);
  check_behaviour(Judge(all, "behaviour"), behaviour);
  judge.within("go_nodes", go_nodes, 0, nodes);
  check_link(Judge(all, "link"), link);
  if (zone_link) check_link(Judge(all, "zone_link"), *zone_link);
  if (faults.size() > kMaxFaults) judge.within("faults", faults.size(), 0, kMaxFaults);
  for (std::size_t i = 0; i < faults.size(); ++i) {
    check_fault(Judge(all, fmt::format("fault {}", i + 1)), *this, faults[i]);
  }
  if (nodes >= 1 && nodes <= kMaxNodes) Roll(all, *this).check();
  const Judge expected(all, "expect");
  if (expect.detected_within) check_detected_within(expected, *this, *expect.detected_within);
  if (expect.converged_within) check_converged_within(expected, *this, *expect.converged_within);
  check_plots(judge, *this);
  return all;
}

Result<void> Scenario::validate() const {
  std::vector<Error> all = mistakes();
  if (all.empty()) return {};
  return std::unexpected(std::move(all.front()));
}

}  // namespace memberlist::sim
