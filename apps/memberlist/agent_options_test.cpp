#include "agent_options.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "config_file.hpp"

namespace memberlist::cli {
namespace {

using namespace std::chrono_literals;

std::string error_of(const AgentOptions& options) {
  const auto plan = plan_agent(options);
  return plan ? "" : plan.error().text;
}

TEST(AgentOptions, DefaultsAreThoseOfTheDocumentation) {
  const auto plan = plan_agent({});
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(plan->config.bind.to_string(), "0.0.0.0:7946");
  ASSERT_TRUE(plan->http.has_value());
  EXPECT_EQ(plan->http.value_or(Address{}).to_string(), "127.0.0.1:7947");
  EXPECT_EQ(plan->config.probe_interval, 1s);
  EXPECT_EQ(plan->events, EventFormat::text);
  EXPECT_EQ(plan->log_level, LogLevel::info);
  EXPECT_FALSE(plan->retry_join);
  EXPECT_FALSE(plan->config.allowed_networks.has_value());
}

TEST(AgentOptions, TakeAllThatIsGiven) {
  AgentOptions options;
  options.name = "a";
  options.bind = "[::1]:0";
  options.advertise = "192.0.2.7";
  options.profile = "wan";
  options.label = "blue";
  options.meta = "hello";
  options.http = "localhost:0";
  options.events = "json";
  options.log_level = "debug";
  options.log_format = "json";
  options.retry_join = true;
  options.join = {"b", "c:1"};
  options.keys = {"MDEyMzQ1Njc4OWFiY2RlZg=="};
  options.allow = {{"10.0.0.0/8"}};
  options.dns_servers = {"10.0.0.53", "[fd00::53]:5353"};
  options.sets = {"gossip_nodes=7"};
  const auto plan = plan_agent(options);
  ASSERT_TRUE(plan.has_value()) << plan.error().text;
  EXPECT_EQ(plan->config.bind.to_string(), "[::1]:0");
  EXPECT_EQ(plan->config.advertise.value_or(Address{}).to_string(), "192.0.2.7:0");
  EXPECT_EQ(plan->config.probe_interval, 5s);
  EXPECT_EQ(plan->config.gossip_nodes, 7U);
  EXPECT_EQ(plan->config.label, "blue");
  EXPECT_EQ(plan->config.meta, to_bytes("hello"));
  EXPECT_EQ(plan->config.keys, std::vector<Bytes>{to_bytes("0123456789abcdef")});
  EXPECT_EQ(plan->config.allowed_networks.value_or(std::vector<Network>{}).size(), 1U);
  EXPECT_EQ(plan->config.dns_servers,
            (std::vector<Address>{
                {IpAddress::v4(10, 0, 0, 53), 0},
                {IpAddress::parse("fd00::53").value_or(IpAddress()), 5353},
            }));
  EXPECT_EQ(plan->http.value_or(Address{}).to_string(), "127.0.0.1:0");
  EXPECT_EQ(plan->join, options.join);
}

TEST(AgentOptions, ZonesMayBeNamesOfInterfaces) {
  AgentOptions options;
  options.bind = "[fe80::1%lo]:7946";
  options.advertise = "fe80::1%lo";
  const auto plan = plan_agent(options);
  ASSERT_TRUE(plan.has_value()) << plan.error().text;
  EXPECT_NE(plan->config.bind.ip.scope_id(), 0U);
  EXPECT_EQ(plan->config.advertise.value_or(Address{}).ip, plan->config.bind.ip);
  options.bind = "[fe80::1%nosuch0]:7946";
  EXPECT_NE(error_of(options).find("no network interface \"nosuch0\""), std::string::npos);
}

TEST(AgentOptions, TheLevelOfWarningsMayBeShort) {
  for (const char* word : {"warning", "warn"}) {
    AgentOptions options;
    options.log_level = word;
    const auto plan = plan_agent(options);
    ASSERT_TRUE(plan.has_value());
    EXPECT_EQ(plan->log_level, LogLevel::warning);
  }
}

TEST(AgentOptions, HttpCanBeOff) {
  AgentOptions options;
  options.http = "off";
  const auto plan = plan_agent(options);
  ASSERT_TRUE(plan.has_value());
  EXPECT_FALSE(plan->http.has_value());
}

TEST(AgentOptions, ErrorsNameTheOptionAndWhatToTry) {
  AgentOptions options;
  options.http = "0.0.0.0:7947";
  EXPECT_NE(error_of(options).find("--http-token-file"), std::string::npos);
  options = {};
  options.bind = "nowhere.example";
  EXPECT_NE(error_of(options).find("--bind: \"nowhere.example\""), std::string::npos);
  options = {};
  options.keys = {"c2VjcmV0"};
  EXPECT_NE(error_of(options).find("memberlist keygen"), std::string::npos);
  EXPECT_EQ(error_of(options).find("c2VjcmV0"), std::string::npos) << "a key must not be shown";
  options = {};
  options.sets = {"probe_interval"};
  EXPECT_NE(error_of(options).find("KNOB=VALUE"), std::string::npos);
  options.sets = {"no_such_knob=1"};
  EXPECT_NE(error_of(options).find("no_such_knob"), std::string::npos);
  options = {};
  options.profile = "moon";
  EXPECT_NE(error_of(options).find("lan, wan, local"), std::string::npos);
  options = {};
  options.meta = "a";
  options.meta_file = "b";
  EXPECT_NE(error_of(options).find("one of them"), std::string::npos);
}

// What is given, and what the one line says, which is found before anything starts.
TEST(AgentOptions, MalformedAddressesAreWrongUsageWithAGuess) {
  struct Case {
    const char* option;
    const char* text;
    const char* guess;
  };
  for (const auto& [option, text, guess] : {
           Case{"join", "", "it is empty"},
           Case{"join", "a,,b", "it is empty"},
           Case{"join", "a:http", "its port must be a number"},
           Case{"join", "a:99999", "its port must be a number"},
           Case{"join", ":7946", "no host before the port"},
           Case{"join", "[x", "closing bracket is missing"},
           Case{"join", "10.0.0.0/24", "it is a network"},
           Case{"join", "http://h:7946", "take \"http://\" away"},
           Case{"join", "'a'", "take the quotes out"},
           Case{"join", "a;b", "separate addresses by commas"},
           Case{"join", "a b", "it has a blank in it"},
           Case{"join", "010.0.0.2", "without leading zeros"},
           Case{"join", "a:0", "port 0"},
           Case{"join", "fd00:99::2:7946", "if 7946 is the port, write [fd00:99::2]:7946"},
           Case{"join", "fd00:99::2:17946", "if 17946 is the port, write [fd00:99::2]:17946"},
           Case{"bind", "", "it is empty"},
           Case{"bind", ":7946", "no host before the port"},
           Case{"bind", "localhost", "a name cannot stand here"},
           Case{"bind", "fd00:99::2:7946", "if 7946 is the port, write [fd00:99::2]:7946"},
           Case{"bind", "010.0.0.2:1", "without leading zeros"},
           Case{"advertise", "fd00:99::2:7946", "if 7946 is the port, write [fd00:99::2]:7946"},
           Case{"advertise", "[10.0.0.1]:7946", "only an IPv6 address goes into brackets"},
           Case{"advertise", "10.0.0.1/8", "it is a network"},
           Case{"dns-server", "a:53", "a name cannot stand here"},
           Case{"dns-server", "10.0.0.1;10.0.0.2", "separate addresses by commas"},
           Case{"allow", "10.0.0.0/33", "is no network"},
       }) {
    AgentOptions options;
    const std::string_view name = option;
    if (name == "join") options.join = {text};
    if (name == "bind") options.bind = text;
    if (name == "advertise") options.advertise = text;
    if (name == "dns-server") options.dns_servers = {text};
    if (name == "allow") options.allow = {{text}};
    const auto plan = plan_agent(options);
    ASSERT_FALSE(plan.has_value()) << option << " " << text;
    EXPECT_EQ(plan.error().exit_code, kExitUsage);
    const std::string& error = plan.error().text;
    EXPECT_TRUE(error.starts_with(std::string("--") + option + ": ")) << error;
    EXPECT_NE(error.find(guess), std::string::npos) << text << ": " << error;
  }
}

TEST(AgentOptions, APortInDoubtMayBeThatOfBind) {
  AgentOptions options;
  options.bind = "[::]:8300";
  options.advertise = "fd00:99::2:8300";
  EXPECT_NE(error_of(options).find("write [fd00:99::2]:8300"), std::string::npos);
  options.advertise = "[fd00:99::2:8300]";
  EXPECT_EQ(error_of(options), "");
  options.advertise = "fd00:99::2:8301";
  EXPECT_EQ(error_of(options), "") << "an address like any other";
}

TEST(AgentOptions, ListsMayHaveCommasAndBlanks) {
  const auto file = parse_config("join = \"a, b:1 ,c\"\nallow = [\" 10.0.0.0/8,::1\"]", "x.toml");
  ASSERT_TRUE(file.has_value());
  const auto plan = plan_agent(*file);
  ASSERT_TRUE(plan.has_value()) << plan.error().text;
  EXPECT_EQ(plan->join, (std::vector<std::string>{"a", "b:1", "c"}));
  EXPECT_EQ(plan->config.allowed_networks.value_or(std::vector<Network>{}).size(), 2U);
}

TEST(AgentOptions, TheCommandLineOverridesTheFile) {
  AgentOptions line;
  line.name = "line";
  line.join = {"b"};
  line.key_file = "line.keys";
  line.sets = {"gossip_nodes=2"};
  AgentOptions file;
  file.name = "file";
  file.label = "blue";
  file.join = {"c"};
  file.keys = {"x"};
  file.meta = "m";
  file.retry_join = true;
  file.sets = {"gossip_nodes=1"};
  const AgentOptions merged = merge_options(line, file);
  EXPECT_EQ(merged.name, "line");
  EXPECT_EQ(merged.label, "blue");
  EXPECT_EQ(merged.join, std::vector<std::string>{"b"});
  EXPECT_EQ(merged.key_file, "line.keys");
  EXPECT_TRUE(merged.keys.empty());
  EXPECT_EQ(merged.meta, "m");
  EXPECT_EQ(merged.retry_join, true);
  EXPECT_EQ(merged.sets, (std::vector<std::string>{"gossip_nodes=1", "gossip_nodes=2"}));
}

TEST(ConfigFile, HasTheNamesOfTheOptions) {
  const auto options = parse_config(R"(
    name = "a"
    bind = "127.0.0.1:0"
    join = ["b:1", "c:2"]
    retry-join = true
    key = "k"
    allow = []
    log-level = "debug"
    [set]
    probe_interval = "200ms"
    gossip_nodes = 4
    enable_compression = false
  )",
                                    "x.toml");
  ASSERT_TRUE(options.has_value()) << options.error().text;
  EXPECT_EQ(options->name, "a");
  EXPECT_EQ(options->bind, "127.0.0.1:0");
  EXPECT_EQ(options->join, (std::vector<std::string>{"b:1", "c:2"}));
  EXPECT_EQ(options->retry_join, true);
  EXPECT_EQ(options->keys, std::vector<std::string>{"k"});
  EXPECT_EQ(options->allow, std::vector<std::string>{});
  EXPECT_EQ(options->log_level, "debug");
  std::vector<std::string> sets = options->sets;
  std::ranges::sort(sets);
  EXPECT_EQ(sets, (std::vector<std::string>{"enable_compression=false", "gossip_nodes=4",
                                            "probe_interval=200ms"}));
}

TEST(ConfigFile, ErrorsNameFileLineAndKey) {
  const std::pair<const char*, const char*> cases[] = {
      {"name = \"a\"\nnmae = \"b\"", "x.toml, line 2: `nmae`"},
      {"name = 1", "x.toml, line 1: `name`"},
      {"\n\nname = ", "x.toml, line 3"},
      {"join = [1]", "`join`"},
      {"retry-join = \"yes\"", "true or false"},
      {"set = 1", "`set`"},
      {"[set]\nprobe_interval = 1.5", "line 2: `probe_interval`"},
  };
  for (const auto& [toml, expected] : cases) {
    const auto options = parse_config(toml, "x.toml");
    ASSERT_FALSE(options.has_value()) << toml;
    EXPECT_EQ(options.error().exit_code, kExitUsage);
    EXPECT_NE(options.error().text.find(expected), std::string::npos) << options.error().text;
  }
}

}  // namespace
}  // namespace memberlist::cli
