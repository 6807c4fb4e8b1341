#include "agent_options.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "config_file.hpp"
#include "option_table.hpp"

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

// A value of each option that no option has by default.
const std::map<std::string, std::string> kSamples = {
    {"name", "x"},
    {"bind", "127.0.0.9:1"},
    {"advertise", "10.0.0.9"},
    {"join", "b"},
    {"retry-join", "true"},
    {"dns-server", "10.0.0.53"},
    {"profile", "wan"},
    {"set", "gossip_nodes=7"},
    {"key", "MDEyMzQ1Njc4OWFiY2RlZg=="},
    {"key-file", "/nowhere/keys"},
    {"label", "blue"},
    {"meta", "m"},
    {"meta-file", "/nowhere/meta"},
    {"allow", "10.0.0.0/8"},
    {"http", "off"},
    {"http-token-file", "/nowhere/token"},
    {"events", "json"},
    {"log-level", "debug"},
    {"log-format", "json"},
};

void give(std::optional<std::string>& option, const std::string& text) { option = text; }
void give(std::optional<bool>& option, const std::string& text) { option = text == "true"; }
void give(std::vector<std::string>& option, const std::string& text) { option = {text}; }
void give(std::optional<std::vector<std::string>>& option, const std::string& text) {
  option = {text};
}

// All that an agent would do, as text; or what is wrong.
std::string outcome_of(const AgentOptions& options) {
  const auto plan = plan_agent(options);
  if (!plan) return plan.error().text;
  const Config& config = plan->config;
  std::string text = config.name + ' ' + config.label + ' ' + config.bind.to_string() + ' ' +
                     config.advertise.value_or(Address{}).to_string() + ' ' +
                     std::string(as_text(config.meta)) + ' ' + plan->http_token.value_or("");
  for (const std::string& address : plan->join) text += " join " + address;
  for (const std::int64_t number :
       {std::int64_t{plan->retry_join}, std::int64_t{plan->http.has_value()},
        std::int64_t(plan->events), std::int64_t(plan->log_level), std::int64_t(plan->log_format),
        std::int64_t{config.gossip_nodes}, std::int64_t{config.probe_interval.count()},
        std::int64_t{config.allowed_networks.has_value()}, std::int64_t(config.keys.size()),
        std::int64_t(config.dns_servers.size())}) {
    text += ' ' + std::to_string(number);
  }
  return text;
}

TEST(AgentOptions, EachHasAnEffect) {
  const std::string without = outcome_of({});
  for (const AgentOption& option : kAgentOptions) {
    const auto sample = kSamples.find(option.name);
    ASSERT_NE(sample, kSamples.end()) << "give a sample of --" << option.name;
    AgentOptions options;
    std::visit([&](auto field) { give(options.*field, sample->second); }, option.field);
    EXPECT_NE(outcome_of(options), without) << "--" << option.name << " does nothing";
  }
}

TEST(AgentOptions, EachMayStandInTheFile) {
  for (const AgentOption& option : kAgentOptions) {
    const std::string& sample = kSamples.at(option.name);
    const bool flag = std::holds_alternative<std::optional<bool> AgentOptions::*>(option.field);
    const bool knob = option.group == OptionGroup::knobs;
    const std::string line = knob   ? "set = { gossip_nodes = 7 }"
                             : flag ? std::string(option.name) + " = true"
                                    : std::string(option.name) + " = \"" + sample + '"';
    AgentOptions options;
    std::visit([&](auto field) { give(options.*field, sample); }, option.field);
    const AgentOptions file = parse_config(line, "agent.toml");
    const AgentOptions merged = merge_options({}, file);
    std::visit([&](auto field) { EXPECT_EQ(merged.*field, options.*field) << line; }, option.field);
  }
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
           Case{"join", "http://h:7946", "remove \"http://\""},
           Case{"join", "'a'", "remove the quotes"},
           Case{"join", "a;b", "separate addresses by commas"},
           Case{"join", "a b", "it contains a blank"},
           Case{"join", "010.0.0.2", "without leading zeros"},
           Case{"join", "a:0", "port 0"},
           Case{"join", "fd00:99::2:7946", "if 7946 is the port, write [fd00:99::2]:7946"},
           Case{"join", "fd00:99::2:17946", "if 17946 is the port, write [fd00:99::2]:17946"},
           Case{"bind", "", "it is empty"},
           Case{"bind", ":7946", "no host before the port"},
           Case{"bind", "localhost", "names are not allowed here"},
           Case{"bind", "fd00:99::2:7946", "if 7946 is the port, write [fd00:99::2]:7946"},
           Case{"bind", "010.0.0.2:1", "without leading zeros"},
           Case{"advertise", "fd00:99::2:7946", "if 7946 is the port, write [fd00:99::2]:7946"},
           Case{"advertise", "[10.0.0.1]:7946", "only an IPv6 address goes into brackets"},
           Case{"advertise", "10.0.0.1/8", "it is a network"},
           Case{"dns-server", "a:53", "names are not allowed here"},
           Case{"dns-server", "10.0.0.1;10.0.0.2", "separate addresses by commas"},
           Case{"allow", "10.0.0.0/33", "is not a valid network"},
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
  const auto plan = plan_agent(file);
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
  EXPECT_FALSE(options.mistakes.error().has_value());
  EXPECT_EQ(options.name, "a");
  EXPECT_EQ(options.bind, "127.0.0.1:0");
  EXPECT_EQ(options.join, (std::vector<std::string>{"b:1", "c:2"}));
  EXPECT_EQ(options.retry_join, true);
  EXPECT_EQ(options.keys, std::vector<std::string>{"k"});
  EXPECT_EQ(options.allow, std::vector<std::string>{});
  EXPECT_EQ(options.log_level, "debug");
  std::vector<std::string> sets = options.sets;
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
    const CommandError error =
        parse_config(toml, "x.toml").mistakes.error().value_or(CommandError{kExitDone, "fine"});
    EXPECT_EQ(error.exit_code, kExitUsage) << toml;
    EXPECT_NE(error.text.find(expected), std::string::npos) << error.text;
    EXPECT_TRUE(error.more.empty()) << error.more.front();
  }
}

TEST(ConfigFile, UnknownKeysAreAnsweredWithTheNearest) {
  const std::pair<const char*, const char*> cases[] = {
      {"nmae = \"b\"", "did you mean `name`?"},
      {"retry_join = true", "did you mean `retry-join`?"},
      {"[sett]\ngossip_nodes = 1", "did you mean `set`?"},
      {"probe_interval = \"1s\"", "knobs go into the table [set]"},
      {"frobnicate = 1", "keys are the long options of `memberlist agent`"},
  };
  for (const auto& [toml, expected] : cases) {
    const std::string text =
        parse_config(toml, "x.toml").mistakes.error().value_or(CommandError{}).text;
    EXPECT_NE(text.find(expected), std::string::npos) << text;
  }
}

// All lines of what is wrong, in their order.
std::vector<std::string> mistakes_of(const AgentOptions& options) {
  const auto plan = plan_agent(options);
  if (plan) return {};
  EXPECT_EQ(plan.error().exit_code, kExitUsage);
  std::vector<std::string> lines = plan.error().more;
  lines.insert(lines.begin(), plan.error().text);
  return lines;
}

void expect_lines(const std::vector<std::string>& lines,
                  const std::vector<std::string>& beginnings) {
  EXPECT_EQ(lines.size(), beginnings.size());
  for (std::size_t i = 0; i < std::min(lines.size(), beginnings.size()); ++i) {
    EXPECT_TRUE(lines[i].starts_with(beginnings[i])) << lines[i];
  }
}

TEST(Mistakes, OfEachKindAreToldAtOnceWithTheirLines) {
  AgentOptions line;
  line.advertise = "somewhere";
  line.sets = {"probe_interval", "no_such_knob=1"};
  const auto file = parse_config(R"(nmae = "a"
label = 7
bind = "nowhere.example"
join = [
  "10.0.0.1",
  "a:http", "b:7946, [x",
]
allow = "10.0.0.0/99"
dns-server = ["10.0.0.53", "name"]
http = "0.0.0.0:7947"
log-level = "loud"
meta = "a"
meta-file = "b"
key = "c2hvcnQ="
[set]
gossip_nodes = "many"
probe_timeout = "0.1"
enable_compression = "maybe"
probe_intervall = "1s"
)",
                                 "x.toml");
  expect_lines(
      mistakes_of(merge_options(line, file)),
      {"--advertise: \"somewhere\"", "--set probe_interval: give KNOB=VALUE",
       "--set no_such_knob=1: there is no knob", "x.toml, line 1: `nmae`",
       "x.toml, line 2: `label`", "x.toml, line 3: bind: \"nowhere.example\"",
       "x.toml, line 6: join: \"a:http\"", "x.toml, line 6: join: \"[x\"",
       "x.toml, line 8: allow: ", "x.toml, line 9: dns-server: \"name\"",
       "x.toml, line 10: http 0.0.0.0:7947 can be reached", "x.toml, line 11: log-level loud",
       "x.toml, line 13: meta and --meta-file", "x.toml, line 14: the key in --key",
       "x.toml, line 16: `gossip_nodes`", "x.toml, line 17: `probe_timeout`",
       "x.toml, line 18: `enable_compression`", "x.toml, line 19: `probe_intervall`"});
}

TEST(Mistakes, ContradictionsBetweenKnobsNameTheLineThatCounts) {
  const auto file = parse_config(
      "label = \"" + std::string(300, 'x') + "\"\n[set]\nprobe_timeout = \"5s\"\n", "x.toml");
  AgentOptions line;
  line.sets = {"delegate_protocol_version=9", "udp_buffer_size=512"};
  line.meta = std::string(513, 'm');
  line.profile = "local";
  expect_lines(mistakes_of(merge_options(line, file)),
               {"meta is 513 bytes long", "delegate_protocol_version is 9",
                "x.toml, line 1: label is 300 bytes long", "x.toml, line 3: probe_timeout is 5s"});
}

// With an unknown value it is undecided whether the others fit.
TEST(Mistakes, DoNotFollowFromEachOther) {
  AgentOptions options;
  options.sets = {"probe_interval=10sec", "probe_timeout=5s"};
  expect_lines(mistakes_of(options), {"--set probe_interval=10sec: "});
  expect_lines(mistakes_of(parse_config("http = \"0.0.0.0\"\nhttp-token-file = 1", "x.toml")),
               {"x.toml, line 2: `http-token-file`"});
  expect_lines(mistakes_of(parse_config("profile = 1\n[set]\nprobe_timeout = \"4s\"", "x.toml")),
               {"x.toml, line 1: `profile`"});
  AgentOptions line;
  line.http = "0.0.0.0";
  expect_lines(mistakes_of(merge_options(line, parse_config("x", "x.toml"))), {"x.toml, line 1: "});
}

TEST(Mistakes, OfTheFileDoNotCountWhereTheCommandLineOverridesIt) {
  const auto file = parse_config("bind = \"nowhere\"\njoin = \"[x\"", "x.toml");
  AgentOptions line;
  line.bind = "127.0.0.1:0";
  line.join = {"10.0.0.1"};
  expect_lines(mistakes_of(merge_options(line, file)), {});
}

TEST(AgentOptions, AdviceIsGivenOnce) {
  AgentOptions options;
  options.sets = {"probe_intervall=1s"};
  EXPECT_EQ(error_of(options),
            "--set probe_intervall=1s: there is no knob \"probe_intervall\"; did you mean "
            "probe_interval?");
  options.sets = {"frobnicate_at_once=1"};
  EXPECT_EQ(error_of(options),
            "--set frobnicate_at_once=1: there is no knob \"frobnicate_at_once\"; `memberlist "
            "agent --help` lists the knobs");
  options.sets = {"gossip_nodes=many"};
  EXPECT_EQ(error_of(options),
            "--set gossip_nodes=many: gossip_nodes is \"many\"; it must be a whole number between "
            "0 and 255");
}

}  // namespace
}  // namespace memberlist::cli
