// The agent itself: how it starts, what it writes, how it ends.

#include <gtest/gtest.h>

#include <csignal>
#include <regex>
#include <sstream>
#include <thread>

#include "../support/own_loopback.hpp"
#include "../support/reserved_port.hpp"
#include "cli_fixture.hpp"
#include "net/test_name_server.hpp"

namespace memberlist::cli_test {
namespace {

const std::string kKey = "MDEyMzQ1Njc4OWFiY2RlZg==";

// Waits until the agent's log, in JSON, has a line that fits.
bool logs(Agent& agent, const std::function<bool(const Json&)>& fits) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    std::istringstream log(agent.process().error_output());
    for (std::string line; std::getline(log, line);) {
      const Json json = Json::parse(line, nullptr, false);
      if (json.is_object() && fits(json)) return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST(Agent, TheReadyLineComesFirst) {
  const Agent agent("a");
  EXPECT_EQ(agent.ready()["event"], "ready");
  EXPECT_EQ(agent.ready()["name"], "a");
  const std::regex address("127\\.\\d+\\.\\d+\\.\\d+:[1-9]\\d*");
  EXPECT_TRUE(std::regex_match(agent.address(), address)) << agent.address();
  EXPECT_TRUE(std::regex_match(agent.http(), address)) << agent.http();
  EXPECT_TRUE(std::regex_match(agent.ready()["time"].get<std::string>(),
                               std::regex("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z")));
}

TEST(Agent, WritesWhatHappensToMembers) {
  Agent a("a", quick_to_suspect({"--meta", "one"}));
  Agent b("b", {"--join", a.address(), "--meta", "two"});
  const Json join = a.wait_for_member("join", "b");
  ASSERT_FALSE(join.is_null());
  EXPECT_EQ(join["member"]["status"], "alive");
  EXPECT_EQ(join["member"]["address"], b.address());
  EXPECT_EQ(join["member"]["meta"], "two");
  EXPECT_EQ(join["member"]["self"], false);
  EXPECT_FALSE(b.wait_for_member("join", "a").is_null());

  ASSERT_TRUE(b.client({"meta", "three"}).status.success());
  const Json update = a.wait_for_member("update", "b");
  ASSERT_FALSE(update.is_null());
  EXPECT_EQ(update["member"]["meta"], "three");

  b.process().signal(SIGKILL);
  EXPECT_FALSE(a.wait_for_member("suspect", "b").is_null());
  EXPECT_FALSE(a.wait_for_member("dead", "b").is_null());
  const Json leave = a.wait_for_member("leave", "b");
  ASSERT_FALSE(leave.is_null());
  EXPECT_EQ(leave["member"]["status"], "dead");
  // Nothing about themselves: `ready` and `left` say it.
  for (Agent* agent : {&a, &b}) {
    EXPECT_EQ(agent->process().output().find("\"self\":true"), std::string::npos);
  }
}

TEST(Agent, ATerminationSignalMakesItLeaveGracefully) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Agent a("a");
    Agent b("b", {"--join", a.address()});
    ASSERT_FALSE(a.wait_for_member("join", "b").is_null());
    b.process().signal(signal);
    EXPECT_FALSE(b.wait_for("left").is_null());
    const auto status = b.process().wait(kPatience);
    ASSERT_TRUE(status.has_value());
    EXPECT_EQ(status->code, 0) << b.process().error_output();
    const Json leave = a.wait_for_member("leave", "b");
    ASSERT_FALSE(leave.is_null());
    EXPECT_EQ(leave["member"]["status"], "left");
  }
}

TEST(Agent, LeavesOverItsApiAndAnswersFirst) {
  Agent a("a");
  Agent b("b", {"--join", a.address()});
  ASSERT_FALSE(a.wait_for_member("join", "b").is_null());
  const auto leave = b.client({"leave"});
  EXPECT_TRUE(leave.status.success()) << leave.error_output;
  EXPECT_FALSE(b.wait_for("left").is_null());
  const auto status = b.process().wait(kPatience);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->code, 0);
  EXPECT_EQ(a.wait_for_member("leave", "b")["member"]["status"], "left");
}

TEST(Agent, FailsIfNobodyAnswersItsJoin) {
  const testing::ReservedPort reserved;
  const std::string nobody = reserved.address();
  const auto completed = run(agent_arguments("a", {"--join", nobody, "--log-level", "error"}));
  EXPECT_EQ(completed.status.code, 1);
  EXPECT_NE(completed.error_output.find("--retry-join"), std::string::npos);
  EXPECT_NE(completed.error_output.find(nobody), std::string::npos);
  EXPECT_EQ(line_count(completed.error_output), 1U) << completed.error_output;
}

TEST(Agent, FailsIfItsJoinReachesOnlyItself) {
  testing::ReservedPort port;
  const std::string own = port.address();
  port.release();
  const auto completed =
      run(agent_arguments("a", {"--bind", own, "--join", own, "--log-level", "error"}));
  EXPECT_EQ(completed.status.code, 1);
  EXPECT_NE(completed.error_output.find(own + " is this node itself"), std::string::npos)
      << completed.error_output;
  EXPECT_EQ(line_count(completed.error_output), 1U) << completed.error_output;
}

TEST(Agent, RetriesWhileItReachesOnlyItself) {
  testing::ReservedPort first;
  testing::ReservedPort second;
  const Arguments same{"--join", first.address() + "," + second.address(), "--retry-join"};
  const auto at = [&](const std::string& address) {
    Arguments arguments = same;
    arguments.insert(arguments.end(), {"--bind", address});
    return arguments;
  };
  first.release();
  Agent a("a", at(first.address()));
  const Json retrying = a.wait_for("retrying");
  ASSERT_FALSE(retrying.is_null());
  EXPECT_EQ(retrying["attempt"], 1);
  EXPECT_EQ(retrying["pause_ms"], 1000);
  EXPECT_EQ(retrying["code"], "unreachable");
  second.release();
  const Agent b("b", at(second.address()));
  EXPECT_FALSE(a.wait_for_member("join", "b").is_null());
}

TEST(Agent, FailsIfItsNameIsTaken) {
  Agent a("a");
  const Agent b("b", {"--join", a.address()});
  ASSERT_FALSE(a.wait_for_member("join", "b").is_null());
  testing::ReservedPort port;
  const std::string own = port.address();
  port.release();
  const auto completed =
      run(agent_arguments("b", {"--bind", own, "--join", a.address(), "--log-level", "error"}));
  EXPECT_EQ(completed.status.code, 1);
  for (const std::string& part : {std::string("name b is taken"), b.address(), own}) {
    EXPECT_NE(completed.error_output.find(part), std::string::npos) << completed.error_output;
  }
  EXPECT_EQ(line_count(completed.error_output), 1U) << completed.error_output;
  EXPECT_FALSE(a.wait_for_member("conflict", "b").is_null());
  const Json members = a.client_json({"members"});
  EXPECT_EQ(members[1]["name"], "b");
  EXPECT_EQ(members[1]["status"], "alive");
  EXPECT_EQ(members[1]["address"], b.address());
}

TEST(Agent, WaitsForATakenNameWhereItRetries) {
  Agent a("a");
  Agent b("b", {"--join", a.address()});
  ASSERT_FALSE(a.wait_for_member("join", "b").is_null());
  Agent second("b", {"--join", a.address(), "--retry-join"});
  const Json retrying = second.wait_for("retrying");
  ASSERT_FALSE(retrying.is_null());
  EXPECT_EQ(retrying["code"], "name_taken");
  EXPECT_TRUE(b.client({"leave"}).status.success());
  const Json joined =
      second.wait_for("joined", [](const Json& event) { return event["contacted"] == 1; });
  EXPECT_FALSE(joined.is_null());
}

TEST(Agent, RetriesItsJoinUntilSomebodyIsThere) {
  testing::ReservedPort seed;
  Agent a("a", {"--join", seed.address(), "--retry-join"});
  const Json failed = a.wait_for("joined");
  ASSERT_FALSE(failed.is_null());
  EXPECT_EQ(failed["contacted"], 0);
  seed.release();
  const Agent b("b", {"--bind", seed.address()});
  EXPECT_FALSE(
      a.wait_for("joined", [](const Json& event) { return event["contacted"] == 1; }).is_null());
  EXPECT_FALSE(a.client_json({"members"}).is_null());
}

TEST(Agent, LooksNamesUpAnewAtEachTry) {
  net::TestNameServer names;
  names.set("seeds.example", {.addresses = {"127.0.0.7"}});  // no member is there any more
  const Agent b("b");
  const std::string port = b.address().substr(b.address().rfind(':'));
  Agent a("a", {"--join", "seeds.example" + port, "--retry-join", "--dns-server",
                names.address().to_string()});
  const Json failed = a.wait_for("joined");
  ASSERT_FALSE(failed.is_null());
  EXPECT_EQ(failed["contacted"], 0);
  names.set("seeds.example", {.addresses = {testing::own_loopback_text()}});
  EXPECT_FALSE(
      a.wait_for("joined", [](const Json& event) { return event["contacted"] == 1; }).is_null());
}

TEST(Agent, APortInUseIsNamed) {
  const Agent a("a");
  const auto member = run(agent_arguments("b", {"--bind", a.address()}));
  EXPECT_EQ(member.status.code, 1);
  EXPECT_NE(member.error_output.find(a.address()), std::string::npos) << member.error_output;
  EXPECT_NE(member.error_output.find("--bind"), std::string::npos);
  EXPECT_EQ(line_count(member.error_output), 1U) << member.error_output;
  const auto admin = run(agent_arguments("b", {"--http", a.http()}));
  EXPECT_EQ(admin.status.code, 1);
  EXPECT_NE(admin.error_output.find(a.http()), std::string::npos) << admin.error_output;
  EXPECT_NE(admin.error_output.find("--http"), std::string::npos);
  EXPECT_EQ(line_count(admin.error_output), 1U);
}

TEST(Agent, KeysAndLabelDecideWhoIsHeard) {
  const TemporaryFile keys("# the cluster's key\n\n" + kKey + "\n");
  Agent a("a", {"--key-file", keys.path(), "--label", "blue"});
  Agent b("b", {"--key", kKey, "--label", "blue", "--join", a.address()});
  EXPECT_FALSE(a.wait_for_member("join", "b").is_null());
  EXPECT_EQ(a.client_json({"info"})["encrypted"], true);
  EXPECT_EQ(a.client_json({"info"})["label"], "blue");
  const auto stranger = run(agent_arguments("c", {"--join", a.address()}));
  EXPECT_EQ(stranger.status.code, 1);
}

TEST(Agent, TheConfigFileHasTheNamesOfTheOptionsAndTheLineWins) {
  const TemporaryFile meta("from a file");
  const TemporaryFile config(
      "name = \"from-file\"\nbind = \"127.0.0.1:0\"\nhttp = \"127.0.0.1:0\"\nevents = \"json\"\n"
      "label = \"blue\"\nkey = \"" +
      kKey + "\"\nmeta-file = \"" + meta.path() +
      "\"\n[set]\nprobe_interval = \"3s\"\nprotocol_version = 4\n");
  const Agent plain = Agent::with_arguments({"agent", "--config", config.path()});
  EXPECT_EQ(plain.ready()["name"], "from-file");
  const Json members = plain.client_json({"members"});
  ASSERT_EQ(members.size(), 1U);
  EXPECT_EQ(members[0]["meta"], "from a file");
  EXPECT_EQ(members[0]["protocol"]["current"], 4);
  const Agent named = Agent::with_arguments({"agent", "--config", config.path(), "--name", "line",
                                             "--meta", "line", "--set", "protocol_version=3"});
  EXPECT_EQ(named.ready()["name"], "line");
  EXPECT_EQ(named.client_json({"members"})[0]["meta"], "line");
  EXPECT_EQ(named.client_json({"members"})[0]["protocol"]["current"], 3);
  EXPECT_EQ(named.client_json({"info"})["label"], "blue");
}

TEST(Agent, AllowedNetworksKeepOthersOut) {
  // TCP connections come from the address that the kernel chooses.
  const Arguments at_the_first{"--bind", "127.0.0.1:0", "--label", testing::own_loopback_text()};
  const auto with = [&](Arguments more) {
    more.insert(more.end(), at_the_first.begin(), at_the_first.end());
    return more;
  };
  Agent a("a", with({"--allow", "127.0.0.1/32", "--allow", "10.0.0.0/8"}));
  const Agent friendly("b", with({"--join", a.address()}));
  EXPECT_FALSE(a.wait_for_member("join", "b").is_null());
  // It listens on loopback, but advertises an address outside.
  const Agent outside("c", with({"--join", a.address(), "--advertise", "192.0.2.7"}));
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  const auto refused = [&a] { return a.client_json({"info"})["counters"]["dropped_network"]; };
  while (refused() == 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  }
  EXPECT_EQ(a.client_json({"members"}).size(), 2U);
}

TEST(Agent, GoesOnWhenNobodyReadsItsEvents) {
  // A pipe whose reader is gone: each write fails, and SIGPIPE comes with it.
  testing::Process shell(
      {{"/bin/sh", "-c",
        std::string("{ \"$0\" agent --name a --bind 127.0.0.1:0 --http 127.0.0.1:0 --events json "
                    "--set gossip_interval=20ms; echo \"exit $?\" >&2; } | head -n 1"),
        MEMBERLIST_PROGRAM},
       {},
       {}});
  const auto line = shell.read_line(kPatience);
  ASSERT_TRUE(line.has_value());
  const std::string http = Json::parse(*line).at("http");
  const Environment environment{{"MEMBERLIST_HTTP", http}};
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(run({"meta", std::to_string(i)}, environment).status.success());
  }
  EXPECT_TRUE(run({"members"}, environment).status.success());
  EXPECT_TRUE(run({"leave"}, environment).status.success());
  ASSERT_TRUE(shell.wait(kPatience).has_value());
  EXPECT_NE(shell.error_output().find("exit 0"), std::string::npos) << shell.error_output();
}

TEST(Agent, WritesEventsForPeopleOrNone) {
  testing::Process text(
      {{MEMBERLIST_PROGRAM, "agent", "--name", "a", "--bind", "127.0.0.1:0", "--http", "off"},
       {},
       {}});
  const auto line = text.read_line(kPatience);
  ASSERT_TRUE(line.has_value());
  EXPECT_NE(line->find("a at 127.0.0.1:"), std::string::npos) << *line;
  EXPECT_NE(line->find("no admin address"), std::string::npos) << *line;
  EXPECT_EQ(line->find('\x1b'), std::string::npos);
  text.signal(SIGTERM);
  EXPECT_TRUE(text.wait(kPatience).value_or(testing::ExitStatus{}).success());
}

TEST(Agent, LogsAsJsonIfAskedTo) {
  Agent agent("a", {"--log-format", "json", "--log-level", "debug"});
  agent.process().signal(SIGTERM);
  ASSERT_TRUE(agent.process().wait(kPatience).has_value());
  std::istringstream log(agent.process().error_output());
  std::size_t lines = 0;
  for (std::string line; std::getline(log, line); ++lines) {
    const Json json = Json::parse(line, nullptr, false);
    ASSERT_TRUE(json.is_object()) << line;
    EXPECT_TRUE(json.contains("time") && json.contains("level") && json.contains("text")) << line;
  }
  EXPECT_GT(lines, 0U);
}

TEST(Agent, LogsTheFieldsOfALineAsMembersOfItsObject) {
  Agent agent("a", {"--log-format", "json", "--label", "blue"});
  Agent other("b", {"--label", "red", "--join", agent.address(), "--retry-join"});
  const auto fits = [](const Json& line) {
    return line.value("cause", "") == "label" && line.value("label", "") == "red" &&
           line.contains("peer");
  };
  EXPECT_TRUE(logs(agent, fits)) << agent.process().error_output();
}

TEST(Agent, WarnsOfAllowedNetworksThatKeepItselfOut) {
  Agent agent("a", {"--allow", "10.0.0.0/8", "--allow", "0.0.0.0"});
  const auto says = [&](std::string_view part) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < deadline) {
      if (agent.process().error_output().find(part) != std::string::npos) {
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  };
  EXPECT_TRUE(says("0.0.0.0/32 is a single address"));
  EXPECT_TRUE(says(testing::own_loopback_text() +
                   " is in none of the allowed networks (10.0.0.0/8, 0.0.0.0/32)"));
}

}  // namespace
}  // namespace memberlist::cli_test
