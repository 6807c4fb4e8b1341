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
  EXPECT_NE(error_of(options).find("--bind nowhere.example"), std::string::npos);
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
