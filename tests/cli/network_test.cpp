// Machines as people have them: interfaces, addresses and routes in networks of the tests' own.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
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

    // Public addresses are not announced by default, nor are addresses next to them.
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

// A firewall before `address` that lets UDP through to it only where that answers what went out.
[[nodiscard]] bool add_firewall(const std::string& address) {
  const std::string rules =
      "nft -f - >/dev/null 2>&1 <<'END'\n"
      "table ip wall {\n"
      "  chain in {\n"
      "    type filter hook input priority 0; policy accept;\n"
      "    ip daddr " +
      address +
      " meta l4proto udp ct state != established drop\n"
      "  }\n"
      "}\n"
      "END";
  return std::system(rules.c_str()) == 0;
}

// A member of several addresses, which others know at one that packets to `10.7.0.9` do not leave
// from by themselves.
Agent start_with_two_addresses() {
  ip_commands({"addr add 10.7.0.1/24 dev net0", "addr add 10.7.0.2/24 dev net0",
               "addr add 10.7.0.9/24 dev net0"});
  return Agent("two", {"--bind", "0.0.0.0:0", "--advertise", "10.7.0.2:0"});
}

TEST(SeveralAddresses, AnswersAndGossipPassAFirewall) {
  bool has_firewall = false;
  const bool ran = in_own_network([&] {
    Agent two = start_with_two_addresses();
    ASSERT_TRUE(two.address().starts_with("10.7.0.2:")) << two.address();
    has_firewall = add_firewall("10.7.0.9");
    if (!has_firewall) return;
    Agent walled("walled", {"--bind", "10.7.0.9:0"});
    ASSERT_TRUE(walled.client({"join", two.address()}).status.success());
    const auto pinged = walled.client({"ping", "two"});
    EXPECT_TRUE(pinged.status.success()) << pinged.error_output;
    ASSERT_TRUE(two.client({"broadcast", "news"}).status.success());
    const Json news = walled.wait_for("message");
    ASSERT_TRUE(news.is_object()) << "no gossip arrives";
    EXPECT_EQ(news.at("payload"), "news");
    EXPECT_EQ(news.value("from", ""), "two");
  });
  if (!ran) GTEST_SKIP() << kNoNetwork;
  if (!has_firewall) GTEST_SKIP() << "this machine gives tests no firewall (nft)";
}

TEST(SeveralAddresses, MessagesComeFromTheOneThatOthersKnow) {
  const bool ran = in_own_network([] {
    Agent two = start_with_two_addresses();
    Agent other("other", {"--bind", "10.7.0.9:0"});
    ASSERT_TRUE(two.client({"join", other.address()}).status.success());
    for (const Arguments& more : {Arguments{}, Arguments{"--reliable"}}) {
      Arguments send{"send", "other", "hello"};
      send.insert(send.end(), more.begin(), more.end());
      ASSERT_TRUE(two.client(send).status.success());
      const Json message = other.wait_for("message");
      ASSERT_TRUE(message.is_object());
      EXPECT_EQ(message.value("from", ""), "two") << message.dump();
    }
  });
  if (!ran) GTEST_SKIP() << kNoNetwork;
}

}  // namespace
}  // namespace memberlist::cli_test
