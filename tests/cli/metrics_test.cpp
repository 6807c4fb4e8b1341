// GET /metrics: the page for Prometheus, and its table in docs/metrics.md.

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "build_paths.hpp"
#include "cli_fixture.hpp"

namespace memberlist::cli_test {
namespace {

/// The page's numbers, by their names and labels.
class MetricsPage {
 public:
  explicit MetricsPage(const Agent& agent) : answer_(http(agent.http(), "GET", "/metrics")) {
    std::istringstream lines(answer_.body);
    for (std::string line; std::getline(lines, line);) take(line);
  }

  [[nodiscard]] const HttpAnswer& answer() const { return answer_; }
  [[nodiscard]] const std::map<std::string, std::string>& types() const { return types_; }
  [[nodiscard]] std::size_t series() const { return numbers_.size(); }
  /// Throws std::out_of_range if it is not there.
  [[nodiscard]] double number(const std::string& series) const { return numbers_.at(series); }

 private:
  void take(const std::string& line) {
    constexpr std::string_view kType = "# TYPE ";
    const std::size_t space = line.rfind(' ');
    if (line.starts_with(kType)) {
      const std::string name = line.substr(kType.size(), space - kType.size());
      types_[name] = line.substr(space + 1);
    } else if (!line.starts_with('#')) {
      numbers_[line.substr(0, space)] = std::stod(line.substr(space + 1));
    }
  }

  HttpAnswer answer_;
  std::map<std::string, std::string> types_;
  std::map<std::string, double> numbers_;
};

// Asks for the page until it fits.
bool eventually(const Agent& agent, const std::function<bool(const MetricsPage&)>& fits) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!fits(MetricsPage(agent))) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

TEST(MetricsPage, IsWhatPrometheusReads) {
  const Agent agent("a");
  const MetricsPage page(agent);
  EXPECT_EQ(page.answer().status, 200);
  EXPECT_NE(page.answer().head.find("Content-Type: text/plain; version=0.0.4; charset=utf-8"),
            std::string::npos)
      << page.answer().head;
  EXPECT_TRUE(page.answer().body.ends_with('\n'));
}

// The first cell of each row, and the second.
TEST(MetricsPage, EveryNameHasItsRowAndEveryRowItsName) {
  std::map<std::string, std::string> rows;
  std::ifstream table(std::filesystem::path(MEMBERLIST_SOURCE_DIR) / "docs/metrics.md");
  for (std::string line; std::getline(table, line);) {
    if (!line.starts_with("| `memberlist_")) continue;
    const std::size_t end = line.find('`', 3);
    const std::size_t kind = line.find("| ", end) + 2;
    rows[line.substr(3, end - 3)] = line.substr(kind, line.find(' ', kind) - kind);
  }
  const Agent agent("a");
  EXPECT_EQ(MetricsPage(agent).types(), rows);
}

TEST(MetricsPage, HasTheNumbersOfAPair) {
  Agent a("a");
  const Agent b("b", {"--join", a.address()});
  a.wait_for_member("join", "b");
  EXPECT_TRUE(eventually(a, [](const MetricsPage& page) {
    return page.number(R"(memberlist_probes_total{outcome="direct"})") >= 1 &&
           page.number("memberlist_probe_round_trip_seconds_count") >= 1;
  }));
  const MetricsPage page(a);
  EXPECT_EQ(page.number(R"(memberlist_members{state="alive"})"), 2);
  EXPECT_EQ(page.number(R"(memberlist_members{state="dead"})"), 0);
  EXPECT_EQ(page.number(R"(memberlist_probes_total{outcome="failed"})"), 0);
  EXPECT_LT(page.number("memberlist_probe_round_trip_seconds_sum"),
            std::chrono::duration<double>(kPatience).count())
      << "seconds";
  EXPECT_GE(page.number(R"(memberlist_push_pulls_total{direction="in"})"), 1);
  EXPECT_GE(page.number("memberlist_push_pull_received_bytes_sum"), 1);
  EXPECT_GE(page.number("memberlist_push_pull_sent_bytes"), 1);
  for (const std::string direction : {"in", "out"}) {
    const std::string label = "{direction=\"" + direction + "\"}";
    EXPECT_GE(page.number("memberlist_packets_total" + label), 1);
    EXPECT_GE(page.number("memberlist_packet_bytes_total" + label),
              page.number("memberlist_packets_total" + label));
    EXPECT_GE(page.number("memberlist_stream_bytes_total" + label), 1);
  }
  EXPECT_GE(page.number(R"(memberlist_messages_total{kind="alive"})"), 1);
  EXPECT_TRUE(eventually(b, [](const MetricsPage& of_b) {
    return of_b.number("memberlist_push_pull_seconds_count") >= 1;
  }));
}

TEST(MetricsPage, TellsOfAMembersDeath) {
  Agent a("a", quick_to_suspect());
  Agent b("b", {"--join", a.address()});
  a.wait_for_member("join", "b");
  b.process().signal(SIGKILL);
  a.wait_for_member("dead", "b");
  EXPECT_TRUE(eventually(a, [](const MetricsPage& page) {
    return page.number(R"(memberlist_members{state="dead"})") == 1;
  }));
  const MetricsPage page(a);
  EXPECT_EQ(page.number(R"(memberlist_members{state="alive"})"), 1);
  EXPECT_GE(page.number(R"(memberlist_probes_total{outcome="failed"})"), 1);
  EXPECT_EQ(page.number("memberlist_suspicions_begun_total"), 1);
  EXPECT_EQ(page.number("memberlist_suspicions_confirmed_total"), 1);
  EXPECT_EQ(page.number("memberlist_suspicions_refuted_total"), 0);
}

// Nor do names of members show in it.
TEST(MetricsPage, DoesNotGrowWithTheCluster) {
  Agent a("alone");
  const std::size_t alone = MetricsPage(a).series();
  const Agent b("a-telling-name", {"--join", a.address()});
  a.wait_for_member("join", "a-telling-name");
  const MetricsPage page(a);
  EXPECT_EQ(page.series(), alone);
  EXPECT_EQ(page.answer().body.find("a-telling-name"), std::string::npos);
}

TEST(MetricsPage, CountsWhatIsDroppedByItsCause) {
  const Agent a("a", {"--label", "blue"});
  const Agent b("b", {"--join", a.address(), "--retry-join", "--label", "red"});
  EXPECT_TRUE(eventually(a, [](const MetricsPage& page) {
    return page.number(R"(memberlist_dropped_total{cause="label"})") >= 1;
  }));
}

TEST(MetricsPage, IsForThoseWhoMayUseTheApi) {
  const TemporaryFile token("0123456789abcdef\n");
  const Agent agent("a", {"--http-token-file", token.path()});
  const auto get = [&](const Arguments& headers) {
    return http(agent.http(), "GET", "/metrics", "", headers).status;
  };
  EXPECT_EQ(get({}), 401);
  EXPECT_EQ(get({"Authorization: Bearer 0123456789abcdef"}), 200);
  EXPECT_EQ(get({"Authorization: Bearer 0123456789abcdef", "Host: node7.example"}), 200);
  EXPECT_EQ(get({"Host: node7.example"}), 401);
  EXPECT_EQ(http(agent.http(), "POST", "/metrics", "{}", {"Authorization: Bearer 0123456789abcdef"})
                .status,
            405);
}

}  // namespace
}  // namespace memberlist::cli_test
