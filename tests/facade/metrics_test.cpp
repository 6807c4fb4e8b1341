#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "build_paths.hpp"
#include "memberlist/counter_table.hpp"
#include "memberlist/memberlist.hpp"
#include "node.hpp"

namespace memberlist::facade_test {
namespace {

using LabelList = std::vector<MetricLabel>;

/// Keeps everything; may be looked at while it is told more.
class KeptMetrics final : public MetricsSink {
 public:
  void add_to_counter(std::string_view name, double value, Labels labels) override {
    keep(MetricKind::counter, name, value, labels);
  }
  void set_gauge(std::string_view name, double value, Labels labels) override {
    keep(MetricKind::gauge, name, value, labels);
  }
  void add_sample(std::string_view name, double value, Labels labels) override {
    keep(MetricKind::sample, name, value, labels);
  }

  struct Told {
    MetricKind kind = MetricKind::counter;
    double value = 0;
    LabelList labels = {};
    std::thread::id thread = {};
  };
  [[nodiscard]] std::vector<Told> told(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const auto found = told_.find(name);
    return found == told_.end() ? std::vector<Told>() : found->second;
  }
  [[nodiscard]] double sum(std::string_view name) const {
    double total = 0;
    for (const Told& one : told(name)) total += one.value;
    return total;
  }
  /// The last value with this node_state; -1 if there was none.
  [[nodiscard]] double last(std::string_view name, std::string_view state) const {
    double value = -1;
    for (const Told& one : told(name)) {
      if (one.labels.back() == MetricLabel{"node_state", std::string(state)}) value = one.value;
    }
    return value;
  }
  [[nodiscard]] std::map<std::string, std::vector<Told>, std::less<>> all() const {
    const std::lock_guard lock(mutex_);
    return told_;
  }

 private:
  void keep(MetricKind kind, std::string_view name, double value, Labels labels) {
    const std::lock_guard lock(mutex_);
    told_[std::string(name)].push_back(
        {kind, value, LabelList(labels.begin(), labels.end()), std::this_thread::get_id()});
  }

  mutable std::mutex mutex_;
  std::map<std::string, std::vector<Told>, std::less<>> told_;
};

/// The kinds of the names in docs/metrics.md that begin so.
std::map<std::string, std::string> documented(std::string_view prefix) {
  std::map<std::string, std::string> kinds;
  const std::string row = "| `" + std::string(prefix);
  std::ifstream page(std::filesystem::path(MEMBERLIST_SOURCE_DIR) / "docs/metrics.md");
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with(row)) continue;
    const std::size_t end = line.find('`', 3);
    const std::size_t kind = line.find("| ", end) + 2;
    kinds[line.substr(3, end - 3)] = line.substr(kind, line.find(' ', kind) - kind);
  }
  return kinds;
}

Memberlist make(const std::string& name, const std::shared_ptr<MetricsSink>& sink,
                LabelList labels = {}) {
  Handlers handlers;
  handlers.metrics = sink;
  handlers.metric_labels = std::move(labels);
  Config config = quick_config(name);
  config.queue_check_interval = std::chrono::milliseconds(50);
  auto created = Memberlist::create(std::move(config), std::move(handlers));
  if (!created) throw std::runtime_error(created.error().message);
  return std::move(*created);
}

TEST(Metrics, APairTellsWhatItDoes) {
  const auto kept = std::make_shared<KeptMetrics>();
  Memberlist list = make("self", kept);
  Node other("other");
  ASSERT_TRUE(list.join({other.address()}));
  ASSERT_TRUE(other->join({list.local_address().to_string()}));
  for (const std::string_view name :
       {metric::kMsgAlive, metric::kUdpSent, metric::kUdpReceived, metric::kTcpAccept,
        metric::kTcpConnect, metric::kTcpSent, metric::kSizeLocal, metric::kSizeRemote,
        metric::kQueueBroadcasts, metric::kProbeNode, metric::kProbeRoundTrip, metric::kGossip,
        metric::kPushPullNode}) {
    EXPECT_TRUE(eventually([&] { return !kept->told(name).empty(); })) << name;
  }
  EXPECT_FALSE(kept->told(metric::kHealthScore).empty());
  EXPECT_EQ(kept->sum(metric::kMsgAlive), 1) << "of the other";
  EXPECT_EQ(kept->last(metric::kNodeInstances, "alive"), 2);
  ASSERT_TRUE(other->leave());
  EXPECT_TRUE(eventually([&] { return kept->last(metric::kNodeInstances, "left") == 1; }));
  EXPECT_EQ(kept->sum(metric::kMsgDead), 1);
}

TEST(Metrics, AgreeWithTheCounters) {
  const auto kept = std::make_shared<KeptMetrics>();
  Memberlist list = make("self", kept);
  Node other("other");
  ASSERT_TRUE(list.join({other.address()}));
  EXPECT_TRUE(eventually([&] { return list.counters().probes_answered >= 3; }));
  list.shutdown();
  const EngineCounters counters = list.counters();
  EXPECT_EQ(kept->sum(metric::kUdpSent), static_cast<double>(counters.packet_bytes_sent));
  EXPECT_EQ(kept->sum(metric::kUdpReceived), static_cast<double>(counters.packet_bytes_received));
  EXPECT_EQ(kept->sum(metric::kTcpConnect), static_cast<double>(counters.streams_dialled));
}

TEST(Metrics, HaveTheConfiguredLabelsAndOurOwnBehindThem) {
  const auto kept = std::make_shared<KeptMetrics>();
  const LabelList labels{{"cluster", "blue"}, {"zone", "a rather long name of a zone"}};
  Memberlist list = make("self", kept, labels);
  ASSERT_TRUE(eventually([&] { return kept->last(metric::kNodeInstances, "alive") == 1; }));
  for (const auto& [name, told] : kept->all()) {
    for (const KeptMetrics::Told& one : told) {
      ASSERT_EQ(one.labels.size(), name == metric::kNodeInstances ? 3U : 2U) << name;
      EXPECT_EQ(LabelList(one.labels.begin(), one.labels.begin() + 2), labels);
    }
  }
}

// docs/metrics.md has a row for each name, with its kind, and no other.
TEST(Metrics, EveryNameHasItsRow) {
  std::map<std::string, std::string> metrics;
  for (const MetricInfo& info : kMetrics) {
    EXPECT_TRUE(metrics.emplace(info.name, to_string(info.kind)).second) << info.name;
  }
  EXPECT_EQ(documented("memberlist."), metrics);
}

TEST(Metrics, EveryCounterHasItsRow) {
  std::map<std::string, std::string> counters;
  for (const CounterInfo& info : kEngineCounters) {
    EXPECT_TRUE(counters.emplace(info.name, info.gauge ? "gauge" : "counter").second) << info.name;
  }
  std::map<std::string, std::string> rows = documented("");
  std::erase_if(rows, [](const auto& row) { return row.first.starts_with("memberlist"); });
  EXPECT_EQ(rows, counters);
}

// So a sink needs no lock against itself.
TEST(Metrics, AreToldByTheProtocolsThreadAlone) {
  const auto kept = std::make_shared<KeptMetrics>();
  Memberlist list = make("self", kept);
  Node other("other");
  ASSERT_TRUE(list.join({other.address()}));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(list.send("other", as_bytes("x")));
  ASSERT_TRUE(eventually([&] { return kept->sum(metric::kProbeNode) > 0; }));
  std::set<std::thread::id> threads;
  for (const auto& [name, told] : kept->all()) {
    for (const KeptMetrics::Told& one : told) threads.insert(one.thread);
  }
  EXPECT_EQ(threads.size(), 1U);
  EXPECT_FALSE(threads.contains(std::this_thread::get_id()));
}

}  // namespace
}  // namespace memberlist::facade_test
