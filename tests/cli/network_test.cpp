// Machines as people have them: interfaces, addresses and routes in networks of the tests' own.

#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>
#include <sstream>
#include <string>
#include <thread>

#include "../support/own_network.hpp"
#include "cli_fixture.hpp"

namespace memberlist::cli_test {
namespace {

using testing::in_own_network;
using testing::ip_command;

constexpr const char* kNoNetwork = "this machine gives tests no network of their own";

void ip_commands(std::initializer_list<const char*> all) {
  for (const char* words : all) ASSERT_TRUE(ip_command(words)) << words;
}

// `eth0`, with something at its other end.
void add_eth0() {
  ip_commands({"link add eth0 type veth peer name far", "link set far up", "link set eth0 up"});
}

// An unplugged bridge, as docker0 is before the first container runs.
void add_empty_bridge() {
  ip_commands({"link add docker0 type bridge", "link set docker0 up",
               "link add unplugged type veth peer name nowhere",
               "link set unplugged master docker0"});
}

Agent start(const std::string& bind) {
  return Agent("a", {"--bind", bind, "--log-level", "info", "--log-format", "json"});
}

// The line of the log about the address that was chosen, which may come behind the ready line;
// null if none comes.
Json choice(Agent& agent) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  do {
    std::istringstream lines(agent.process().error_output());
    for (std::string line; std::getline(lines, line);) {
      const Json json = Json::parse(line, nullptr, false);
      if (json.is_object() && json.contains("not_chosen")) return json;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  } while (std::chrono::steady_clock::now() < deadline);
  return nullptr;
}

TEST(Advertised, IsOnTheInterfaceOfTheDefaultRoute) {
  const bool ran = in_own_network([] {
    add_empty_bridge();
    add_eth0();
    ip_commands({"addr add 172.17.42.1/16 dev docker0", "addr add 172.18.0.1/16 dev net0",
                 "addr add 10.0.0.1/24 dev eth0", "route add default via 10.0.0.254"});
    Agent agent = start("0.0.0.0:0");
    EXPECT_TRUE(agent.address().starts_with("10.0.0.1:")) << agent.address();
    const Json line = choice(agent);
    ASSERT_TRUE(line.is_object()) << agent.process().error_output();
    EXPECT_EQ(line.at("level"), "info");
    EXPECT_EQ(line.at("advertised"), "10.0.0.1");
    EXPECT_EQ(line.at("interface"), "eth0");
    EXPECT_NE(line.at("text").get<std::string>().find("default route"), std::string::npos);
    const std::string others = line.at("not_chosen");
    EXPECT_NE(others.find("172.17.42.1 (docker0"), std::string::npos) << others;
    EXPECT_NE(others.find("172.18.0.1 (net0"), std::string::npos) << others;
  });
  if (!ran) GTEST_SKIP() << kNoNetwork;
}

TEST(Advertised, IsNoLinkLocalAddressWhereThereIsAnIpv6Network) {
  const bool ran = in_own_network([] {
    add_eth0();
    ip_commands({"addr add 169.254.172.7/16 dev eth0", "-6 addr add fd00:99::7/64 dev eth0 nodad",
                 "-6 addr add 2a00:99::7/64 dev eth0 nodad",
                 "-6 route add default via fd00:99::1 dev eth0"});
    Agent agent = start("[::]:0");
    EXPECT_TRUE(agent.address().starts_with("[fd00:99::7]:")) << agent.address();

    // Public addresses are not told unasked, and neither is what lies beside them.
    ip_commands({"-6 addr del fd00:99::7/64 dev eth0"});
    const auto refused = run(agent_arguments("b", {"--bind", "[::]:0"}));
    EXPECT_EQ(refused.status.code, 1);
    EXPECT_NE(refused.error_output.find("2a00:99::7 (eth0: public)"), std::string::npos)
        << refused.error_output;
    EXPECT_NE(refused.error_output.find("--advertise"), std::string::npos);
  });
  if (!ran) GTEST_SKIP() << kNoNetwork;
}

TEST(Advertised, IsALastResortWithAWarning) {
  const bool ran = in_own_network([] {
    add_eth0();
    ip_commands({"addr add 169.254.172.7/16 dev eth0", "-6 addr add 2a00:99::7/64 dev eth0 nodad"});
    Agent agent = start("0.0.0.0:0");
    EXPECT_TRUE(agent.address().starts_with("169.254.172.7:")) << agent.address();
    const Json line = choice(agent);
    ASSERT_TRUE(line.is_object()) << agent.process().error_output();
    EXPECT_EQ(line.at("level"), "warning");
    EXPECT_NE(line.at("text").get<std::string>().find("2a00:99::7 (eth0: this node listens on"),
              std::string::npos);
  });
  if (!ran) GTEST_SKIP() << kNoNetwork;
}

}  // namespace
}  // namespace memberlist::cli_test
