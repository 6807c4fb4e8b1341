// `memberlist sim real`: agents in networks of their own. Nothing about how long anything takes.

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "../support/own_network.hpp"
#include "cli_fixture.hpp"

namespace memberlist::cli_test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNoNetwork = "this machine gives tests no network of their own, or no nft";
constexpr std::chrono::seconds kLong{300};

// Knobs that find a dead node in about a second.
constexpr const char* kQuick = R"(nodes = 5
profile = "local"

[set]
probe_interval = "200ms"
probe_timeout = "100ms"
gossip_interval = "20ms"
suspicion_mult = 2
)";

bool has_networks() {
  bool works = false;
  return testing::in_own_network(
             [&] { works = std::system("nft list ruleset >/dev/null 2>&1") == 0; }) &&
         works;
}

std::string whole(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// `memberlist sim real` in a directory of its own, and all that it starts.
class RealRun {
 public:
  RealRun() {
    std::string name = (fs::temp_directory_path() / "memberlist-real-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    directory_ = name;
  }
  RealRun(const RealRun&) = delete;
  RealRun& operator=(const RealRun&) = delete;
  ~RealRun() {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }

  testing::Process start(const std::string& scenario, const Arguments& more = {}) const {
    std::ofstream(directory_ / "scenario.toml") << scenario;
    std::vector<std::string> argv{MEMBERLIST_PROGRAM,
                                  "sim",
                                  "real",
                                  (directory_ / "scenario.toml").string(),
                                  "--out",
                                  (directory_ / "out").string()};
    argv.insert(argv.end(), more.begin(), more.end());
    return testing::Process({argv, {{"MEMBERLIST_REAL_TEST", directory_.string()}}, {}});
  }

  /// The processes of the run, this one's child among them.
  std::size_t processes() const {
    const std::string mark = "MEMBERLIST_REAL_TEST=" + directory_.string();
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator("/proc")) {
      count += whole(entry.path() / "environ").find(mark) != std::string::npos ? 1 : 0;
    }
    return count;
  }
  /// Whether it comes to as many.
  bool wait_for_processes(const std::function<bool(std::size_t)>& fits) const {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!fits(processes())) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
  }

  fs::path out(const std::string& name) const { return directory_ / "out" / name; }

 private:
  fs::path directory_;
};

Json figure(const Json& comparison, const std::string& name) {
  for (const Json& figure : comparison.at("figures")) {
    if (figure.at("figure") == name) return figure;
  }
  return nullptr;
}

TEST(SimReal, AKillIsSeenByAllAgentsAndLaidBesideTheSimulatedOnes) {
  if (!has_networks()) GTEST_SKIP() << kNoNetwork;
  const RealRun run;
  auto process = run.start(std::string("name = \"kill\"\nlasts = \"12s\"\n") + kQuick +
                               "[[fault]]\nkind = \"kill\"\nat = \"1s\"\n",
                           {"--runs", "2", "--jobs", "2", "--seeds", "1..3", "--format", "json"});
  const auto status = process.wait(kLong);
  ASSERT_TRUE(status && status->success()) << process.error_output();
  EXPECT_EQ(process.error_output(), "") << "a bar is for terminals";
  const Json comparison = Json::parse(process.output());
  EXPECT_EQ(comparison["simulated_runs"], 3);
  EXPECT_EQ(comparison["real_runs"], 2);
  EXPECT_EQ(figure(comparison, "by all")["simulated"]["happened"], 3);
  EXPECT_EQ(figure(comparison, "by all")["real"]["happened"], 2);
  EXPECT_EQ(figure(comparison, "converged after")["real"]["happened"], 2);
  EXPECT_GT(figure(comparison, "packets")["real"]["median"], 0);
  EXPECT_GT(figure(comparison, "suspicions")["real"]["median"], 0);
  for (const char* name :
       {"comparison.csv", "comparison.json", "detection.svg", "packets.svg", "real/runs.jsonl",
        "real/scenario.toml", "real/detections.csv", "simulated/runs.jsonl"}) {
    EXPECT_GT(fs::file_size(run.out(name)), 0U) << name;
  }
  EXPECT_EQ(line_count(whole(run.out("real/runs.jsonl"))), 2U);
  EXPECT_EQ(run.processes(), 0U);
}

// Whatever can happen to agents, in a few seconds; then all is healed, and all agree again.
TEST(SimReal, AgentsSufferWhatTheScenarioSays) {
  if (!has_networks()) GTEST_SKIP() << kNoNetwork;
  constexpr const char* kFaults = R"(
[expect]
converged_within = "120s"
[link]
loss = 0.01
mtu = 1400
[[fault]]
kind = "crash"
at = "500ms"
nodes = [1]
lasts = "1s"
[[fault]]
kind = "pause"
at = "600ms"
nodes = [2]
lasts = "1s"
[[fault]]
kind = "hiccup"
at = "600ms"
nodes = [3]
time = "100ms"
every = "300ms"
[[fault]]
kind = "cut"
at = "700ms"
nodes = [4]
udp = false
lasts = "1s"
[[fault]]
kind = "loss"
at = "700ms"
rate = 0.5
nodes = 2
[[fault]]
kind = "mtu"
at = "800ms"
bytes = 600
[[fault]]
kind = "flap"
at = "1s"
every = "400ms"
lasts = "1s"
nodes = [0]
[[fault]]
kind = "partition"
at = "2s"
nodes = [0, 1]
lasts = "500ms"
[[fault]]
kind = "leave"
at = "2s"
nodes = [2]
lasts = "1s"
[[fault]]
kind = "join"
at = "2s"
nodes = 1
time = "500ms"
[[fault]]
kind = "rejoin"
at = "2500ms"
nodes = [4]
[[fault]]
kind = "meta"
at = "2500ms"
nodes = [0]
[[fault]]
kind = "broadcast"
at = "2500ms"
nodes = [0]
bytes = 100
)";
  const RealRun run;
  auto process = run.start(
      std::string("name = \"much\"\nlasts = \"4s\"\nformed = false\njoin_within = \"300ms\"\n"
                  "encrypted = true\nheal_at_end = true\n") +
          kQuick + kFaults,
      {"--runs", "1", "--seeds", "1..1", "--format", "json"});
  const auto status = process.wait(kLong);
  ASSERT_TRUE(status && status->success()) << process.error_output();
  const Json comparison = Json::parse(process.output());
  EXPECT_EQ(comparison["real_runs"], 1);
  EXPECT_EQ(figure(comparison, "converged after")["real"]["happened"], 1);
  EXPECT_EQ(run.processes(), 0U);
}

TEST(SimReal, CtrlCEndsAllThatWasStarted) {
  if (!has_networks()) GTEST_SKIP() << kNoNetwork;
  const RealRun run;
  auto process =
      run.start(std::string("name = \"long\"\nlasts = \"10m\"\n") + kQuick, {"--seeds", "1..1"});
  ASSERT_TRUE(run.wait_for_processes([](std::size_t count) { return count == 6; }));
  ASSERT_TRUE(process.signal(SIGINT));
  const auto status = process.wait(kPatience);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->code, 130);
  EXPECT_NE(process.error_output().find("ended early, after 0 of 5 real runs"), std::string::npos)
      << process.error_output();
  EXPECT_EQ(run.processes(), 0U);
  EXPECT_TRUE(fs::exists(run.out("comparison.json"))) << "what is done so far is written";
}

TEST(SimReal, NothingIsLeftOfOneThatIsKilled) {
  if (!has_networks()) GTEST_SKIP() << kNoNetwork;
  const RealRun run;
  auto process =
      run.start(std::string("name = \"long\"\nlasts = \"10m\"\n") + kQuick, {"--seeds", "1..1"});
  ASSERT_TRUE(run.wait_for_processes([](std::size_t count) { return count == 6; }));
  ASSERT_TRUE(process.signal(SIGKILL));
  EXPECT_TRUE(run.wait_for_processes([](std::size_t count) { return count == 0; }));
}

TEST(SimReal, WhatAgentsCannotSufferIsRefusedAllAtOnce) {
  const TemporaryFile file(
      "name = \"a\"\n[link]\njitter = \"1ms\"\ncorrupt = 0.1\n[[fault]]\nkind = \"pause\"\nat = "
      "\"1s\"\n[[fault]]\nkind = \"drift\"\nat = \"1s\"\nrate = 0.1\n");
  const auto completed = testing::run(
      {{MEMBERLIST_PROGRAM, "sim", "real", file.path(), "--seeds", "2..1"}, {}, {}}, kPatience);
  EXPECT_EQ(completed.status.code, 2);
  EXPECT_EQ(completed.output, "");
  EXPECT_EQ(line_count(completed.error_output), 3U) << completed.error_output;
  for (const char* part :
       {"--seeds 2..1", "line 4: link: corrupt ", "line 9: fault 2: kind is `drift`"}) {
    EXPECT_NE(completed.error_output.find(part), std::string::npos)
        << part << " in " << completed.error_output;
  }
}

// As root without its capabilities, or as somebody else.
TEST(SimReal, WithoutPrivilegesItSaysWhatItNeeds) {
  std::vector<std::string> argv{MEMBERLIST_PROGRAM, "sim", "real", "healthy", "--nodes", "3"};
  if (::geteuid() == 0) argv.insert(argv.begin(), {"setpriv", "--bounding-set=-all"});
  const auto completed = testing::run({argv, {}, {}}, kPatience);
  EXPECT_EQ(completed.status.code, 2) << completed.error_output;
  EXPECT_EQ(line_count(completed.error_output), 1U) << completed.error_output;
  const bool tells = completed.error_output.find("need root") != std::string::npos ||
                     completed.error_output.find("install the package") != std::string::npos;
  EXPECT_TRUE(tells) << completed.error_output;
}

}  // namespace
}  // namespace memberlist::cli_test
