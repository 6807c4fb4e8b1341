// `memberlist sim`: scenarios from files, sweeps, shards made by processes and joined again.

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "cli_fixture.hpp"

namespace memberlist::cli_test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kScenario = R"(name = "two-crashes"
description = "Two of eight crash."
nodes = 8
profile = "local"
lasts = "20s"

[[fault]]
kind = "crash"
at = "2s"
nodes = 2

[expect]
detected_within = "15s"
)";

/// A directory that is there for as long as its object.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (fs::temp_directory_path() / "memberlist-sim-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = name;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The files of a directory, by name.
std::map<std::string, std::string> files_in(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(directory)) {
    files[entry.path().filename().string()] = content(entry.path().string());
  }
  return files;
}

testing::Completed sim(Arguments arguments) {
  arguments.insert(arguments.begin(), "sim");
  return run(std::move(arguments));
}

TEST(Sim, ListsItsScenarios) {
  const auto text = sim({"list"});
  EXPECT_TRUE(text.status.success());
  EXPECT_NE(text.output.find("\ncrash-one "), std::string::npos) << text.output;
  const Json json = Json::parse(sim({"list", "--format", "json"}).output);
  EXPECT_EQ(json.size(), line_count(text.output));
  EXPECT_EQ(json[0]["name"], "healthy");
}

TEST(Sim, ShowsAScenarioThatCanBePlayed) {
  const auto shown = sim({"show", "crash-one"});
  EXPECT_TRUE(shown.status.success());
  EXPECT_NE(shown.output.find("kind = \"crash\""), std::string::npos) << shown.output;
  const TemporaryFile file(shown.output);
  EXPECT_EQ(sim({"show", file.path()}).output, shown.output);
  EXPECT_EQ(run({"sim", "show", "-"}, {}, shown.output).output, shown.output);
}

TEST(Sim, ARunIsSummedUp) {
  const TemporaryFile file(kScenario);
  const auto text = sim({"run", file.path(), "--seeds", "1..3"});
  EXPECT_TRUE(text.status.success()) << text.error_output;
  EXPECT_EQ(text.error_output, "") << "a bar is for terminals";
  for (const char* part : {"two-crashes: Two of eight crash.", "3 runs (seeds 1 to 3)",
                           "detected by one", "by all", "false positives", "a core-second"}) {
    EXPECT_NE(text.output.find(part), std::string::npos) << part << " in " << text.output;
  }
  const auto printed = sim({"run", file.path(), "--seeds", "1..3", "--format", "json"});
  const Json json = Json::parse(printed.output);
  EXPECT_EQ(json["runs"], 3);
  EXPECT_EQ(json["detection"]["all"]["happened"], 6);
  EXPECT_GT(json["timing"]["node_seconds_a_core_second"], 0);
}

TEST(Sim, TheCommandLineChangesNodesAndSeed) {
  const TemporaryFile file(kScenario);
  const auto json = [&](const Arguments& more) {
    Arguments arguments{"run", file.path(), "--format", "json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Json::parse(sim(arguments).output);
  };
  EXPECT_EQ(json({"--nodes", "5"})["nodes"], 5);
  EXPECT_EQ(json({"--seed", "7"})["first_seed"], 7);
  EXPECT_EQ(json({"--seed", "7"})["detection"], json({"--seeds", "7..7"})["detection"]);
  EXPECT_NE(json({"--seed", "7"})["detection"], json({"--seed", "8"})["detection"]);
}

TEST(Sim, AFailedExpectationIsExitCode1AndCanBePlayedAgain) {
  std::string late(kScenario);
  late.replace(late.find("15s"), 3, "1ms");
  const TemporaryFile file(late);
  const auto completed = sim({"run", file.path(), "--seed", "5"});
  EXPECT_EQ(completed.status.code, 1);
  EXPECT_NE(completed.output.find("2 findings:"), std::string::npos) << completed.output;
  EXPECT_EQ(completed.error_output,
            "memberlist: there are findings: the summary says how to play those runs again\n");
  EXPECT_NE(completed.output.find("memberlist sim run " + file.path() + " --seed 5"),
            std::string::npos)
      << completed.output;
}

TEST(Sim, ADirectoryHasTheFiles) {
  const TemporaryFile file(kScenario);
  const TemporaryDirectory directory;
  EXPECT_TRUE(
      sim({"run", file.path(), "--seeds", "1..4", "--out", directory / "out"}).status.success());
  const auto files = files_in(directory / "out");
  Arguments names;
  for (const auto& [name, text] : files) names.push_back(name);
  EXPECT_EQ(names, (Arguments{"convergence.svg", "detection.svg", "detections.csv",
                              "false_positives.svg", "packets.svg", "runs.jsonl", "samples.csv",
                              "scenario.toml", "summary.json", "sweep.json", "timing.json"}));
  EXPECT_EQ(line_count(files.at("runs.jsonl")), 4U);
  EXPECT_EQ(line_count(files.at("detections.csv")), 1U + 4 * 2);
  EXPECT_EQ(line_count(files.at("samples.csv")), 1U + 4 * 20);
  EXPECT_TRUE(files.at("detection.svg").starts_with("<svg "));
  EXPECT_EQ(Json::parse(files.at("summary.json"))["runs"], 4);
  const TemporaryFile again(files.at("scenario.toml"));
  EXPECT_TRUE(sim({"run", again.path()}).status.success());
}

TEST(Sim, ShardsOfProcessesMakeWhatOneRunMakes) {
  const TemporaryFile file(kScenario);
  const TemporaryDirectory directory;
  ASSERT_TRUE(
      sim({"run", file.path(), "--seeds", "1..10", "--out", directory / "whole"}).status.success());
  Arguments merge{"merge"};
  for (const char* shard : {"2/3", "0/3", "1/3"}) {
    const std::string out = directory / ("shard-" + std::string(1, *shard));
    ASSERT_TRUE(
        sim({"run", file.path(), "--seeds", "1..10", "--shard", shard, "--jobs", "1", "--out", out})
            .status.success());
    merge.push_back(out);
  }
  merge.insert(merge.end(), {"--out", directory / "merged"});
  const auto merged = sim(merge);
  EXPECT_TRUE(merged.status.success()) << merged.error_output;
  EXPECT_NE(merged.output.find("10 runs (seeds 1 to 10)"), std::string::npos) << merged.output;
  auto whole = files_in(directory / "whole");
  auto joined = files_in(directory / "merged");
  EXPECT_EQ(whole.erase("timing.json") + joined.erase("timing.json"), 2U);
  EXPECT_EQ(joined, whole);
}

TEST(Sim, ShardsThatDoNotFitAreRefusedByName) {
  const TemporaryFile file(kScenario);
  const TemporaryDirectory directory;
  const auto shard = [&](const std::string& name, const Arguments& more) {
    Arguments arguments{"run", file.path(), "--out", directory / name};
    arguments.insert(arguments.end(), more.begin(), more.end());
    EXPECT_TRUE(sim(arguments).status.success());
  };
  shard("a", {"--seeds", "1..6", "--shard", "0/3"});
  shard("b", {"--seeds", "1..6", "--shard", "1/3"});
  shard("other-nodes", {"--seeds", "1..6", "--shard", "2/3", "--nodes", "6"});
  shard("other-seeds", {"--seeds", "1..9", "--shard", "2/3"});
  const auto refused = [&](Arguments names, const std::string& part) {
    Arguments arguments{"merge", "--out", directory / "merged"};
    for (const std::string& name : names) arguments.push_back(directory / name);
    const auto completed = sim(arguments);
    EXPECT_EQ(completed.status.code, 1);
    EXPECT_EQ(line_count(completed.error_output), 1U) << completed.error_output;
    EXPECT_NE(completed.error_output.find(part), std::string::npos) << completed.error_output;
    EXPECT_FALSE(fs::exists(directory / "merged"));
  };
  refused({"a", "b"}, "missing: 3, 6:");
  refused({"a", "b", "a"}, "seed 1 is in " + (directory / "a"));
  refused({"a", "other-nodes"}, "has another scenario than");
  refused({"a", "other-seeds"}, "of 1 to 9");
  refused({"a", "nowhere"}, "nowhere/scenario.toml");
  std::ofstream(directory / "b/runs.jsonl") << "{\"seed\": 2}\n";
  refused({"a", "b"}, "runs.jsonl, line 1");
}

TEST(Sim, AllMistakesAreToldAtOnceWithTheirLines) {
  const TemporaryFile file(
      "name = \"a\"\nndoes = 3\n\n[[fault]]\nkind = \"crash\"\nnodes = 20\n\n[link]\nloss = 2\n");
  const auto completed = sim({"run", file.path(), "--seeds", "3..1"});
  EXPECT_EQ(completed.status.code, 2);
  EXPECT_EQ(completed.output, "");
  EXPECT_EQ(completed.error_output,
            "memberlist: --seeds 3..1: the first is behind the last; give --seeds 1..3\n"
            "memberlist: " +
                file.path() +
                ", line 2: `ndoes` is not known: did you mean `nodes`?\n"
                "memberlist: " +
                file.path() +
                ", line 6: fault 1: nodes is 20, but 10 of 10 nodes run then; give at most 10\n"
                "memberlist: " +
                file.path() + ", line 9: link: loss is 2; it must be a probability, 0 to 1\n");
}

TEST(Sim, WhatCannotBeIsRefusedBeforeAnythingRuns) {
  const auto refused = [](const Arguments& arguments, int code, const std::string& part) {
    const auto completed = sim(arguments);
    EXPECT_EQ(completed.status.code, code) << completed.error_output;
    EXPECT_EQ(completed.output, "");
    EXPECT_NE(completed.error_output.find(part), std::string::npos) << completed.error_output;
  };
  refused({"run", "crash-oen"}, 1, "did you mean the scenario `crash-one`?");
  refused({"run", "crash-one", "--seed", "1", "--seeds", "1..2"}, 2, "give one of them");
  refused({"run", "crash-one", "--seed", "x"}, 2, "--seed");
  refused({"run", "crash-one", "--shard", "1/1"}, 2, "numbered 0 to 0");
  refused({"run", "crash-one", "--jobs", "0"}, 2, "--jobs");
  refused({"run", "crash-one", "--nodes", "0"}, 2, "--nodes");
  refused({"run", "crash-one", "--nodes", "100000", "--jobs", "1"}, 1,
          "would need about 2010.0 GB");
  refused({"run", "crash-one", "--out", "/proc/nowhere"}, 1, "--out /proc/nowhere");
  refused({"merge", "/tmp"}, 2, "--out");
}

// The scenario is long enough that no machine is done with all seeds before the signal comes.
TEST(Sim, CtrlCEndsWithWhatIsDoneWritten) {
  const TemporaryFile file(kScenario);
  const TemporaryDirectory directory;
  testing::Process process({{MEMBERLIST_PROGRAM, "sim", "run", file.path(), "--seeds", "1..100000",
                             "--out", directory / "out"},
                            {},
                            {}});
  // The directory is made once all is in order, and the signal is waited for from then on.
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!fs::exists(directory / "out/sweep.json") && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  ASSERT_TRUE(process.signal(SIGINT));
  const auto status = process.wait(kPatience);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->code, 130);
  EXPECT_NE(process.error_output().find("ended early, after "), std::string::npos);
  const auto files = files_in(directory / "out");
  EXPECT_EQ(Json::parse(files.at("sweep.json"))["complete"], false);
  EXPECT_EQ(Json::parse(files.at("summary.json"))["runs"], line_count(files.at("runs.jsonl")));
}

// --- futures -------------------------------------------------------------------------------------

Json futures(const std::string& file, const Arguments& more) {
  Arguments arguments{"futures", file, "--format", "json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const auto completed = sim(arguments);
  EXPECT_TRUE(completed.status.success()) << completed.error_output;
  return Json::parse(completed.output);
}

TEST(SimFutures, WhoCrashedLongAgoIsDeadInAllFutures) {
  const TemporaryFile file(kScenario);
  const Json json = futures(file.path(), {"--at", "4s", "--runs", "8"});
  EXPECT_EQ(json["actual"]["by_one"], true);
  ASSERT_EQ(json["forks"].size(), 1U);
  EXPECT_EQ(json["forks"][0]["at_ns"], 4'000'000'000);
  EXPECT_EQ(json["forks"][0]["runs"], 8);
  EXPECT_EQ(json["forks"][0]["by_one"], 8);
  EXPECT_EQ(json["forks"][0]["by_all"], 8);
  EXPECT_EQ(json["inevitable_from_ns"], 4'000'000'000);
  EXPECT_GE(json["story"].size(), 3U);
}

TEST(SimFutures, WhoIsWellDiesInNone) {
  const TemporaryFile file("name = \"well\"\nnodes = 5\nprofile = \"local\"\nlasts = \"10s\"\n");
  const Json json =
      futures(file.path(), {"--member", "3", "--at", "2s..8s", "--steps", "3", "--runs", "4"});
  EXPECT_EQ(json["member"], "node-00003");
  ASSERT_EQ(json["forks"].size(), 3U);
  for (const Json& fork : json["forks"]) EXPECT_EQ(fork["by_one"], 0);
  EXPECT_EQ(json["forks"][1]["at_ns"], 5'000'000'000);
  EXPECT_EQ(json["inevitable_from_ns"], 2'000'000'000) << "that it lives";
  EXPECT_TRUE(json["story"].empty());
  const auto nobody = sim({"futures", file.path()});
  EXPECT_EQ(nobody.status.code, 2);
  EXPECT_NE(nobody.error_output.find("--member"), std::string::npos) << nobody.error_output;
}

// A node whose luck decides: it is well, and loses many packets.
constexpr const char* kUnlucky = R"(name = "unlucky"
nodes = 8
profile = "local"
lasts = "40s"

[[fault]]
kind = "loss"
at = "1s"
nodes = [2]
rate = 0.5
)";

TEST(SimFutures, AreTheSameEachTimeAndDifferFromOneAnother) {
  const TemporaryFile file(kUnlucky);
  const TemporaryDirectory directory;
  const auto play = [&](const std::string& jobs) {
    const auto completed =
        sim({"futures", file.path(), "--member", "2", "--at", "1s..35s", "--steps", "4", "--runs",
             "10", "--jobs", jobs, "--out", directory / jobs});
    EXPECT_TRUE(completed.status.success()) << completed.error_output;
    EXPECT_EQ(completed.error_output, "");
    return completed.output;
  };
  EXPECT_EQ(play("1"), play("3"));
  const auto files = files_in(directory / "1");
  EXPECT_EQ(files, files_in(directory / "3"));
  Arguments names;
  for (const auto& [name, text] : files) names.push_back(name);
  EXPECT_EQ(names, (Arguments{"forks.csv", "futures.csv", "futures.json", "futures.svg",
                              "scenario.toml"}));
  EXPECT_EQ(line_count(files.at("forks.csv")), 1U + 4);
  EXPECT_EQ(line_count(files.at("futures.csv")), 1U + 4 * 10);
  EXPECT_TRUE(files.at("futures.svg").starts_with("<svg "));
  const std::size_t dead = Json::parse(files.at("futures.json"))["forks"][0]["by_one"];
  EXPECT_GT(dead, 0U);
  EXPECT_LT(dead, 10U);
}

TEST(SimFutures, WithoutATimeItIsForkedAroundWhatHappened) {
  const TemporaryFile file(kScenario);
  const Json json = futures(file.path(), {"--runs", "1", "--steps", "5"});
  ASSERT_EQ(json["forks"].size(), 5U);
  EXPECT_LT(json["forks"][0]["at_ns"], json["story"][0]["at_ns"]);
  EXPECT_GE(json["forks"][4]["at_ns"], json["actual"]["first_dead_ns"]);
}

TEST(SimFutures, WhatCannotBeIsRefusedBeforeAnythingRuns) {
  const TemporaryFile file(kScenario);
  const auto refused = [&](const Arguments& more, int code, const std::string& part) {
    Arguments arguments{"futures", file.path()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto completed = sim(arguments);
    EXPECT_EQ(completed.status.code, code) << completed.error_output;
    EXPECT_EQ(completed.output, "");
    EXPECT_NE(completed.error_output.find(part), std::string::npos) << completed.error_output;
  };
  refused({"--at", "20s"}, 2, "--at 20s: the run is over after 20s; give less");
  refused({"--at", "soon"}, 2, "--at soon: give a time, or a range");
  refused({"--at", "5s..3s"}, 2, "the first time is not before the last");
  refused({"--at", "5s", "--steps", "3"}, 2, "give --at T1..T2");
  refused({"--member", "8"}, 2, "--member 8: the members are 0 to 7, or node-00000 to node-00007");
  refused({"--member", "db"}, 2, "--member db");
  refused({"--runs", "0"}, 2, "--runs");
  refused({"--runs", "10000"}, 2, "at most 100000 futures in all");
  refused({"--nodes", "100000", "--jobs", "1"}, 1, "would need about");
  refused({"--at", "1m", "--member", "9"}, 2, "memberlist: --member 9");
  refused({"--out", "/proc/nowhere"}, 1, "--out /proc/nowhere");
}

// There are more futures than any machine plays before the signal comes.
TEST(SimFutures, CtrlCEndsThem) {
  const TemporaryFile file(kUnlucky);
  const TemporaryDirectory directory;
  testing::Process process(
      {{MEMBERLIST_PROGRAM, "sim", "futures", file.path(), "--member", "2", "--at", "1s..35s",
        "--steps", "10", "--runs", "10000", "--out", directory / "out"},
       {},
       {}});
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!fs::exists(directory / "out") && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  ASSERT_TRUE(process.signal(SIGINT));
  const auto status = process.wait(kPatience);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->code, 130);
  EXPECT_NE(process.error_output().find("ended early, after "), std::string::npos);
}

}  // namespace
}  // namespace memberlist::cli_test
