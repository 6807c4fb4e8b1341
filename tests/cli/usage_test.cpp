// What needs no agent: help, wrong usage, keygen, version, an agent that is not there.

#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "../support/reserved_port.hpp"
#include "cli_fixture.hpp"

namespace memberlist::cli_test {
namespace {

const Arguments kCommands{"agent", "members", "info",   "join",      "leave",
                          "meta",  "ping",    "send",   "broadcast", "monitor",
                          "keys",  "sim",     "keygen", "version",   "help"};

// One line on standard error, nothing on standard output.
void expect_error(const testing::Completed& completed, int exit_code, const std::string& part) {
  EXPECT_EQ(completed.status.code, exit_code) << completed.error_output;
  EXPECT_EQ(line_count(completed.error_output), 1U) << completed.error_output;
  EXPECT_TRUE(completed.error_output.starts_with("memberlist: ")) << completed.error_output;
  EXPECT_NE(completed.error_output.find(part), std::string::npos)
      << "expected '" << part << "' in: " << completed.error_output;
  EXPECT_EQ(completed.output, "");
}

TEST(Usage, WithoutArgumentsTheCommandsAreListed) {
  const auto completed = run({});
  EXPECT_TRUE(completed.status.success());
  for (const std::string& command : kCommands) {
    EXPECT_TRUE(std::regex_search(completed.output, std::regex("\n  " + command + " +[a-z]")))
        << command;
  }
  for (const char* later : {"explain", "top", "inspect", "tune", "replay"}) {
    EXPECT_FALSE(std::regex_search(completed.output, std::regex("\n  " + std::string(later) + " ")))
        << later;
  }
  EXPECT_EQ(completed.output.find('\x1b'), std::string::npos)
      << "no colour, as this is no terminal";
}

TEST(Usage, EveryCommandHasHelpWithAnExample) {
  for (const std::string& command : kCommands) {
    const auto completed = run({command, "--help"});
    EXPECT_TRUE(completed.status.success()) << command;
    EXPECT_NE(completed.output.find("Example: memberlist " + command), std::string::npos)
        << command;
    EXPECT_EQ(completed.error_output, "") << command;
  }
}

TEST(Usage, AgentHelpListsTheKnobs) {
  const std::string help = run({"agent", "--help"}).output;
  for (const char* knob :
       {"  probe_interval ", "  delegate_protocol_version ", "  require_node_names "}) {
    EXPECT_NE(help.find(knob), std::string::npos) << knob;
  }
}

// Found before the start, also where the agent would try for ever.
TEST(Usage, AddressesThatCannotBeReadAreExitCode2) {
  for (const char* text : {"", "a:http", "a:99999", ":7946", "[x", "10.0.0.0/24", "'a'", "a;b",
                           "http://h:7946", "010.0.0.2", "fd00:99::2:17946"}) {
    expect_error(
        run({"agent", "--bind", "127.0.0.1:0", "--http", "off", "--retry-join", "--join", text}), 2,
        "--join: ");
  }
  expect_error(
      run({"agent", "--bind", "[::]:0", "--http", "off", "--advertise", "fd00:99::2:7946"}), 2,
      "if 7946 is the port, write [fd00:99::2]:7946");
}

TEST(Usage, AnAddressThatIsNotThereFailsWithThoseThatAre) {
  const auto completed = run({"agent", "--bind", "203.0.113.77:0", "--http", "off"});
  expect_error(completed, 1, "--bind: 203.0.113.77 is not an address of this machine, which has ");
  EXPECT_NE(completed.error_output.find("127.0.0.1 (lo)"), std::string::npos);
}

// It may be any descriptor that cannot be had, but none is the fault of --bind.
TEST(Usage, WithoutDescriptorsNobodyIsSentToBind) {
  for (int descriptors = 4; descriptors <= 12; ++descriptors) {
    const std::string limited = "ulimit -n " + std::to_string(descriptors) +
                                "; exec timeout 2 \"$0\" agent --bind 127.0.0.1:0 --http off";
    const auto completed =
        testing::run({{"sh", "-c", limited, MEMBERLIST_PROGRAM}, {}, {}}, kPatience);
    EXPECT_EQ(completed.error_output.find("--bind"), std::string::npos) << completed.error_output;
  }
}

TEST(Usage, WrongUsageIsExitCode2) {
  expect_error(run({"frobnicate"}), 2, "no command `frobnicate`");
  expect_error(run({"members", "--frobnicate"}), 2, "--frobnicate");
  expect_error(run({"members", "--format", "xml"}), 2, "xml");
  expect_error(run({"members", "extra"}), 2, "extra");
  expect_error(run({"members", "--status", "alive,asleep"}), 2, "`asleep`");
  expect_error(run({"join"}), 2, "ADDR");
  expect_error(run({"ping"}), 2, "NAME");
  expect_error(run({"ping", "b", "--count", "0"}), 2, "--count");
  expect_error(run({"keygen", "--bytes", "17"}), 2, "17");
  expect_error(run({"members", "--http", "not an address:x"}), 2, "--http");
  expect_error(run({"agent", "extra"}), 2, "extra");
  expect_error(run({"explain", "b"}), 2, "explain");
  expect_error(run({"keys", "change"}), 2, "keys --help");
  expect_error(run({"keys", "verify", "--incoming", "yes"}), 2, "yes");
}

TEST(Usage, ACommandThatIsLackingIsAnsweredWithAllThereAre) {
  const auto completed = run({"keys"});
  EXPECT_EQ(completed.status.code, 2);
  EXPECT_EQ(completed.output, run({"help", "keys"}).output);
  EXPECT_EQ(completed.error_output,
            "memberlist: give one of its commands: list, add, use, remove, verify; see `memberlist "
            "keys --help`\n");
}

TEST(Usage, LinesFromElsewhereCannotBreakTheErrorLine) {
  expect_error(run({"x\ny\x1b[31m"}), 2, "x\\x0ay\\x1b[31m");
}

TEST(Usage, AgentOptionsAreChecked) {
  const auto agent = [](const Arguments& more) { return run(agent_arguments("a", more)); };
  expect_error(agent({"--set", "no_such_knob=1"}), 2, "no_such_knob");
  expect_error(agent({"--set", "gossip_nodes=many"}), 2, "gossip_nodes");
  expect_error(agent({"--set", "probe_interval"}), 2, "KNOB=VALUE");
  expect_error(agent({"--meta", std::string(513, 'x')}), 2, "512");
  expect_error(agent({"--label", std::string(256, 'x')}), 2, "label");
  expect_error(agent({"--advertise", "somewhere"}), 2, "--advertise");
  expect_error(agent({"--allow", "10.0.0.0/99"}), 2, "--allow");
  expect_error(agent({"--log-level", "loud"}), 2, "--log-level");
  expect_error(agent({"--log-format", "xml"}), 2, "--log-format");
  expect_error(agent({"--meta-file", "/no/such/file"}), 1, "/no/such/file");
  expect_error(agent({"--config", "/no/such/file"}), 1, "/no/such/file");
  expect_error(run({"agent", "--profile", "moon"}), 2, "lan, wan, local");
  expect_error(run({"agent", "--events", "xml"}), 2, "json, text, off");
  expect_error(run({"agent", "--bind", "no-address"}), 2, "--bind");
  expect_error(run({"agent", "--http", "0.0.0.0:0"}), 2, "--http-token-file");
}

TEST(Usage, BadKeysAreExplained) {
  const auto agent = [](const Arguments& more) { return run(agent_arguments("a", more)); };
  expect_error(agent({"--key", "not base64!"}), 2, "memberlist keygen");
  expect_error(agent({"--key", "c2hvcnQ="}), 2, "16, 24 or 32");
  EXPECT_EQ(agent({"--key", "c2hvcnQ="}).error_output.find("c2hvcnQ="), std::string::npos)
      << "a secret must not be shown";
  expect_error(agent({"--key-file", "/no/such/file"}), 1, "/no/such/file");
  const TemporaryFile empty("# nothing\n\n");
  expect_error(agent({"--key-file", empty.path()}), 2, "memberlist keygen");
  const TemporaryFile wrong("# first\n\nc2hvcnQ=\n");
  expect_error(agent({"--key-file", wrong.path()}), 2, "line 3");
}

TEST(Usage, ConfigFilesAreChecked) {
  const TemporaryFile misspelt("name = \"a\"\nprobe_interval = \"1s\"\n");
  expect_error(run({"agent", "--config", misspelt.path()}), 2, "line 2");
  const TemporaryFile no_knob("[set]\nprobe_interval = \"1s\"\nprobe_intervall = \"1s\"\n");
  expect_error(run({"agent", "--config", no_knob.path()}), 2, no_knob.path() + ", line 3");
  const TemporaryFile no_value("[set]\n\ngossip_nodes = \"many\"\n");
  expect_error(run({"agent", "--config", no_value.path()}), 2, no_value.path() + ", line 3");
  const TemporaryFile no_toml("name = \n");
  expect_error(run({"agent", "--config", no_toml.path()}), 2, "line 1");
}

// Nothing has started by then, and one run is enough to find them all.
TEST(Usage, AllMistakesAreToldAtOnce) {
  const TemporaryFile config("nmae = \"a\"\nbind = \"nowhere\"\n[set]\ngossip_nodes = \"many\"\n");
  const auto completed = run({"agent", "--config", config.path(), "--log-level", "loud", "--jion",
                              "10.0.0.1", "--htpt", "off", "--set", "gossip_interval=soon"});
  EXPECT_EQ(completed.status.code, 2);
  EXPECT_EQ(completed.output, "");
  std::vector<std::string> expected{"there is no option `--jion`: did you mean --join?",
                                    "there is no option `--htpt`: did you mean --http?",
                                    "--set gossip_interval=soon: ",
                                    "--log-level loud: ",
                                    config.path() + ", line 1: `nmae` ",
                                    config.path() + ", line 2: bind: ",
                                    config.path() + ", line 4: `gossip_nodes` "};
  std::istringstream lines(completed.error_output);
  for (const std::string& beginning : expected) {
    std::string line;
    std::getline(lines, line);
    EXPECT_TRUE(line.starts_with("memberlist: " + beginning)) << line;
  }
  EXPECT_EQ(line_count(completed.error_output), expected.size()) << completed.error_output;
}

TEST(Usage, VeryManyMistakesAreCounted) {
  std::string toml;
  for (int i = 0; i < 25; ++i) {
    toml += "mistake" + std::to_string(i) + " = 1\n";
  }
  const TemporaryFile config(toml);
  const auto completed = run({"agent", "--config", config.path()});
  EXPECT_EQ(completed.status.code, 2);
  EXPECT_EQ(line_count(completed.error_output), 21U) << completed.error_output;
  EXPECT_TRUE(completed.error_output.ends_with("\nmemberlist: and 5 more\n"))
      << completed.error_output;
}

// A configuration with a key may come from a pipe, which has no mode that could be wrong.
TEST(Usage, AConfigurationMayComeFromStandardInput) {
  expect_error(run({"agent", "--config", "-"}, {}, "key = \"c2hvcnQ=\"\n"), 2, "16, 24 or 32");
}

TEST(Usage, AnAgentThatIsNotThereIsNamed) {
  const testing::ReservedPort reserved;
  const std::string nobody = reserved.address();
  const std::string text = "no agent answers at " + nobody +
                           ": start one with `memberlist agent`, or give --http HOST:PORT";
  const std::vector<Arguments> commands{{"members"},
                                        {"info"},
                                        {"join", "b"},
                                        {"leave"},
                                        {"meta", "x"},
                                        {"ping", "b"},
                                        {"monitor"},
                                        {"send", "b", "hi"},
                                        {"broadcast", "hi"},
                                        {"members", "--watch"},
                                        {"keys", "list"},
                                        {"keys", "use", "0123456789abcdef"},
                                        {"keys", "verify", "--incoming", "on"}};
  for (Arguments arguments : commands) {
    arguments.insert(arguments.end(), {"--http", nobody});
    expect_error(run(arguments), 1, text);
  }
  expect_error(run({"members"}, {{"MEMBERLIST_HTTP", nobody}}), 1, text);
}

TEST(Usage, KeygenPrintsKeysOfTheLengthsAskedFor) {
  const auto key = [](const Arguments& more) {
    Arguments arguments{"keygen"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments).output;
  };
  EXPECT_TRUE(std::regex_match(key({}), std::regex("[A-Za-z0-9+/]{43}=\n")));
  EXPECT_TRUE(std::regex_match(key({"--bytes", "16"}), std::regex("[A-Za-z0-9+/]{22}==\n")));
  EXPECT_TRUE(std::regex_match(key({"--bytes", "24"}), std::regex("[A-Za-z0-9+/]{32}\n")));
  EXPECT_NE(key({}), key({}));
}

TEST(Usage, VersionIsTextOrJson) {
  EXPECT_TRUE(
      std::regex_match(run({"version"}).output,
                       std::regex("memberlist \\d+\\.\\d+\\.\\d+ \\(protocol 1 to 5\\)\n")));
  const Json json = Json::parse(run({"version", "--format", "json"}).output);
  EXPECT_EQ(json["protocol"]["min"], 1);
  EXPECT_EQ(json["protocol"]["max"], 5);
  EXPECT_TRUE(run({"--version"}).output.starts_with("memberlist "));
}

}  // namespace
}  // namespace memberlist::cli_test
