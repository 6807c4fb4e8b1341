#include "agent_metrics.hpp"

#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "memberlist/counter_table.hpp"
#include "memberlist/version.hpp"

namespace memberlist::cli {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Bounds = prometheus::Histogram::BucketBoundaries;

// In seconds. Between a host's own loopback and a probe's timeout on a bad line.
const Bounds& round_trip_bounds() {
  static const Bounds bounds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                             0.025,  0.05,    0.1,    0.25,  0.5,    1,     2.5};
  return bounds;
}

// In seconds. The last is above every `tcp_timeout` that is of use.
const Bounds& push_pull_bounds() {
  static const Bounds bounds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                             0.25,  0.5,    1,     2.5,  5,     10,   30};
  return bounds;
}

// In bytes. From a pair's state to the most that the protocol allows.
const Bounds& size_bounds() {
  constexpr double kKiB = 1024;
  static const Bounds bounds{kKiB,       4 * kKiB,    16 * kKiB,   64 * kKiB,
                             256 * kKiB, 1024 * kKiB, 4096 * kKiB, 16384 * kKiB};
  return bounds;
}

// The numbers of a family, each with the value of the family's label.
using Parts = std::vector<std::pair<std::string_view, std::uint64_t>>;

// Collects families; the numbers are exact up to 2^53.
class Page {
 public:
  void gauge(const char* name, const char* help, std::uint64_t value) {
    add(MetricType::Gauge, name, help, nullptr, {{"", value}});
  }
  void counters(const char* name, const char* help, const char* label, const Parts& parts) {
    add(MetricType::Counter, name, help, label, parts);
  }
  void gauges(const char* name, const char* help, const char* label, const Parts& parts) {
    add(MetricType::Gauge, name, help, label, parts);
  }
  void histogram(const char* name, const char* help, const prometheus::Histogram& observations) {
    families_.push_back({name, help, MetricType::Histogram, {observations.Collect()}});
  }

  // Without a label there is one part.
  void add(MetricType type, const char* name, const char* help, const char* label,
           const Parts& parts) {
    MetricFamily family{name, help, type, {}};
    for (const auto& [label_value, number] : parts) {
      ClientMetric metric;
      if (label != nullptr) metric.label.push_back({label, std::string(label_value)});
      metric.counter.value = static_cast<double>(number);
      metric.gauge.value = static_cast<double>(number);
      family.metric.push_back(std::move(metric));
    }
    families_.push_back(std::move(family));
  }

  [[nodiscard]] std::string text() const {
    return prometheus::TextSerializer().Serialize(families_);
  }

 private:
  std::vector<MetricFamily> families_;
};

void add_members(Page& page, const MemberSnapshot& members) {
  std::array<std::uint64_t, 4> by_state{};
  for (const Member& member : members) ++by_state.at(static_cast<std::size_t>(member.status));
  Parts parts;
  for (const MemberStatus status :
       {MemberStatus::alive, MemberStatus::suspect, MemberStatus::dead, MemberStatus::left}) {
    parts.emplace_back(to_string(status), by_state.at(static_cast<std::size_t>(status)));
  }
  page.gauges("memberlist_members", "Known members, including this one, by state.", "state", parts);
}

// --- the counters of the engine -----------------------------------------------------------------

// One number of a family, with the value of the family's label.
struct Part {
  std::string_view label_value;
  std::uint64_t EngineCounters::* counter = nullptr;
};

struct Family {
  const char* name;
  const char* help;
  const char* label;  // null: there is one part, without a label
  std::array<Part, 9> parts;
};

using C = EngineCounters;

// The page, in its order. Names that end with `_total` are counters, the others gauges.
constexpr Family kFamilies[] = {
    {"memberlist_stalls_total",
     "Times that this process was paused.",
     nullptr,
     {{{"", &C::stalls}}}},
    {"memberlist_probes_total",
     "Finished probes of other members, by outcome.",
     "outcome",
     {{{"direct", &C::probes_answered},
       {"indirect", &C::probes_saved_by_indirect},
       {"tcp", &C::probes_saved_by_tcp},
       {"failed", &C::probes_failed}}}},
    {"memberlist_probes_degraded_total",
     "Probes started while the health score was not 0, at a longer interval.",
     nullptr,
     {{{"", &C::probes_degraded}}}},
    {"memberlist_unexpected_acks_total",
     "Late or unsolicited acks.",
     nullptr,
     {{{"", &C::acks_unexpected}}}},
    {"memberlist_suspicions_begun_total",
     "Suspicions of other members, by any accuser.",
     nullptr,
     {{{"", &C::suspicions_started}}}},
    {"memberlist_suspicions_refuted_total",
     "Suspicions that the suspect refuted.",
     nullptr,
     {{{"", &C::suspicions_refuted}}}},
    {"memberlist_suspicions_confirmed_total",
     "Suspicions that ended with the member declared dead.",
     nullptr,
     {{{"", &C::suspicions_confirmed}}}},
    {"memberlist_suspicions_degraded_total",
     "Suspicions that expired with fewer confirmations than expected.",
     nullptr,
     {{{"", &C::suspicions_degraded}}}},
    {"memberlist_refutations_total",
     "Accusations of this member that it refuted.",
     nullptr,
     {{{"", &C::refutations}}}},
    {"memberlist_packets_total",
     "UDP packets, including those dropped later.",
     "direction",
     {{{"in", &C::packets_received}, {"out", &C::packets_sent}}}},
    {"memberlist_packet_bytes_total",
     "Bytes of UDP packets.",
     "direction",
     {{{"in", &C::packet_bytes_received}, {"out", &C::packet_bytes_sent}}}},
    {"memberlist_streams_total",
     "TCP connections: in, accepted; out, dialled.",
     "direction",
     {{{"in", &C::streams_accepted}, {"out", &C::streams_dialled}}}},
    {"memberlist_stream_bytes_total",
     "Bytes over TCP connections.",
     "direction",
     {{{"in", &C::stream_bytes_received}, {"out", &C::stream_bytes_sent}}}},
    {"memberlist_messages_total",
     "Received messages by kind: claims about members, and user messages.",
     "kind",
     {{{"alive", &C::alive_messages},
       {"suspect", &C::suspect_messages},
       {"dead", &C::dead_messages},
       {"user", &C::user_messages}}}},
    {"memberlist_send_errors_total",
     "UDP packets that could not be sent.",
     nullptr,
     {{{"", &C::send_errors}}}},
    {"memberlist_dropped_total",
     "Dropped input, by cause.",
     "cause",
     {{{"malformed", &C::dropped_malformed},
       {"undecryptable", &C::dropped_undecryptable},
       {"unencrypted", &C::dropped_unencrypted},
       {"encrypted", &C::dropped_encrypted},
       {"label", &C::dropped_label},
       {"network", &C::dropped_network},
       {"poison", &C::dropped_poison},
       {"limit", &C::dropped_limit},
       {"buried", &C::dropped_buried}}}},
    {"memberlist_queued_broadcasts",
     "Messages queued for gossip.",
     nullptr,
     {{{"", &C::broadcasts_queued}}}},
    {"memberlist_tombstones",
     "Forgotten members that old messages cannot bring back.",
     nullptr,
     {{{"", &C::tombstones}}}},
    {"memberlist_push_pulls_total",
     "Full state exchanges: out, started by this member; in, served by it.",
     "direction",
     {{{"in", &C::push_pulls_served}, {"out", &C::push_pulls_started}}}},
    {"memberlist_push_pull_failures_total",
     "Failed exchanges in either direction.",
     nullptr,
     {{{"", &C::push_pulls_failed}}}},
    {"memberlist_push_pulls_recognized_total",
     "Exchanges in which the peer's state was this member's own, and so was not read.",
     nullptr,
     {{{"", &C::push_pulls_recognized}}}},
};

// Counters that the page does without: claims are on it as they come, and probes by their outcome.
constexpr std::uint64_t EngineCounters::* kNotOnThePage[] = {&C::alive_believed, &C::dead_believed,
                                                             &C::probes};

consteval bool has_its_place(std::uint64_t EngineCounters::* counter) {
  for (const Family& family : kFamilies) {
    for (const Part& part : family.parts) {
      if (part.counter == counter) return true;
    }
  }
  for (const auto other : kNotOnThePage) {
    if (other == counter) return true;
  }
  return false;
}

consteval bool all_have_their_places() {
  for (const CounterInfo& info : kEngineCounters) {
    if (!has_its_place(info.value)) return false;
  }
  return true;
}
static_assert(all_have_their_places(),
              "a counter belongs into kFamilies, with a row in docs/metrics.md, or kNotOnThePage");

void add_counters(Page& page, const EngineCounters& counters) {
  for (const Family& family : kFamilies) {
    Parts parts;
    for (const Part& part : family.parts) {
      if (part.counter != nullptr) parts.emplace_back(part.label_value, counters.*part.counter);
    }
    const bool counter = std::string_view(family.name).ends_with("_total");
    page.add(counter ? MetricType::Counter : MetricType::Gauge, family.name, family.help,
             family.label, parts);
  }
}

void add_lost(Page& page, const LostLines& lost) {
  page.counters("memberlist_output_lost_total",
                "Lines that the agent could not write: not read in time, or refused by the system.",
                "output", {{"events", lost.events}, {"log", lost.log}});
}

}  // namespace

// What the member does not keep.
class AgentMetrics::Observations final : public MetricsSink {
 public:
  void add_to_counter(std::string_view, double, Labels) override {}

  void set_gauge(std::string_view name, double value, Labels) override {
    if (name == metric::kSizeLocal) local_state_bytes_ = static_cast<std::uint64_t>(value);
  }

  void add_sample(std::string_view name, double value, Labels) override {
    constexpr double kMillisecondsPerSecond = 1000;
    if (name == metric::kProbeRoundTrip) {
      round_trip_.Observe(value / kMillisecondsPerSecond);
    } else if (name == metric::kPushPullNode) {
      push_pull_.Observe(value / kMillisecondsPerSecond);
    } else if (name == metric::kSizeRemote) {
      received_.Observe(value);
    }
  }

  void add_to(Page& page) const {
    page.histogram("memberlist_probe_round_trip_seconds", "Time from a probe to its direct answer.",
                   round_trip_);
    page.histogram("memberlist_push_pull_seconds",
                   "Duration of an exchange started by this member, successful or not.",
                   push_pull_);
    page.histogram("memberlist_push_pull_received_bytes",
                   "Size of a received state, as on the wire.", received_);
    page.gauge("memberlist_push_pull_sent_bytes",
               "Size of the last state sent, before compression and encryption.",
               local_state_bytes_);
  }

 private:
  prometheus::Histogram round_trip_{round_trip_bounds()};
  prometheus::Histogram push_pull_{push_pull_bounds()};
  prometheus::Histogram received_{size_bounds()};
  std::atomic<std::uint64_t> local_state_bytes_ = 0;
};

AgentMetrics::AgentMetrics() : observations_(std::make_shared<Observations>()) {}
AgentMetrics::~AgentMetrics() = default;

std::shared_ptr<MetricsSink> AgentMetrics::sink() const { return observations_; }

std::string AgentMetrics::page(const Memberlist& list) const {
  const EngineCounters counters = list.counters();
  Page page;
  page.gauges("memberlist_build_info", "Always 1; the label is the version.", "version",
              {{version(), 1}});
  add_members(page, list.members());
  page.gauge("memberlist_health_score", "Local health: 0 is healthy, more is worse.",
             counters.health_score);
  add_counters(page, counters);
  add_lost(page, lost());
  observations_->add_to(page);
  return page.text();
}

}  // namespace memberlist::cli
