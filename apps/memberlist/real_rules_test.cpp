#include "real_rules.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace memberlist::cli {
namespace {

using sim::Fault;
using sim::FaultKind;

sim::Scenario with_fault(const Fault& fault) {
  sim::Scenario scenario;
  scenario.name = "one";
  scenario.faults = {fault};
  return scenario;
}

std::string mistakes_of(const sim::Scenario& scenario) {
  std::string text;
  for (const Error& mistake : real_mistakes(scenario)) {
    EXPECT_TRUE(mistake.message.starts_with(mistake.subject)) << mistake.message;
    text += mistake.message + "\n";
  }
  return text;
}

std::string rules_of(const Fault& fault, std::vector<sim::NodeId> nodes) {
  std::string text = firewall_commands(with_fault(fault), {{0, std::move(nodes)}});
  const std::string first = "flush chain bridge sim wire\n";
  EXPECT_TRUE(text.starts_with(first)) << text;
  return text.substr(first.size());
}

// --- what is refused -----------------------------------------------------------------------------

TEST(RealMistakes, EveryKindIsPlayedOrRefusedWithWhatWouldDo) {
  std::size_t refused = 0;
  for (const FaultKind kind : sim::fault_kinds()) {
    const std::string text = mistakes_of(with_fault({.kind = kind}));
    if (text.empty()) continue;
    ++refused;
    EXPECT_TRUE(text.starts_with("fault 1: kind is ")) << text;
    EXPECT_NE(text.find("`" + std::string(to_string(kind)) + "`"), std::string::npos) << text;
    EXPECT_TRUE(text.find(": use ") != std::string::npos ||
                text.find("leave it out") != std::string::npos)
        << text;
  }
  EXPECT_EQ(refused, 15U);
  for (const FaultKind kind : {FaultKind::crash, FaultKind::kill, FaultKind::pause, FaultKind::cut,
                               FaultKind::loss, FaultKind::partition, FaultKind::leave}) {
    EXPECT_EQ(mistakes_of(with_fault({.kind = kind})), "") << to_string(kind);
  }
}

TEST(RealMistakes, LinksThatNoFirewallCanMakeAreNamed) {
  sim::Scenario scenario;
  scenario.link.loss = 0.1;
  scenario.link.mtu = 1000;
  scenario.link.jitter = std::chrono::milliseconds(3);
  EXPECT_EQ(mistakes_of(scenario), "");
  scenario.link.duplicate = 0.1;
  scenario.link.tcp_stall = 0.1;
  scenario.zone_link.emplace();
  const std::string text = mistakes_of(scenario);
  for (const char* part : {"zone_link is ", "link: duplicate is ", "link: tcp_stall is "}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
  }
}

TEST(RealMistakes, ThoseWhoJoinLaterAreAgentsToo) {
  sim::Scenario scenario = with_fault({.kind = FaultKind::join, .nodes = {.count = 51}});
  scenario.nodes = 50;
  EXPECT_EQ(nodes_in_all(scenario), 101U);
  EXPECT_NE(mistakes_of(scenario).find("at most 100"), std::string::npos);
  scenario.nodes = 49;
  EXPECT_EQ(mistakes_of(scenario), "");
}

// --- the firewall --------------------------------------------------------------------------------

TEST(RealRules, LossIsOfEachDirectionOfEachNode) {
  const std::string loss = " meta l4proto { tcp, udp } numgen random mod 1000000 < 250000 drop\n";
  const std::string rule = "add rule bridge sim wire ";
  EXPECT_EQ(rules_of({.kind = FaultKind::loss, .rate = 0.25}, {3, 4}),
            rule + "iifname \"n3\"" + loss + rule + "oifname \"n3\"" + loss + rule +
                "iifname \"n4\"" + loss + rule + "oifname \"n4\"" + loss);
  EXPECT_EQ(
      rules_of({.kind = FaultKind::loss, .rate = 0.25, .direction = Fault::Direction::incoming},
               {3}),
      rule + "oifname \"n3\"" + loss);
  EXPECT_EQ(
      rules_of({.kind = FaultKind::loss, .rate = 0.25, .direction = Fault::Direction::outgoing},
               {3}),
      rule + "iifname \"n3\"" + loss);
}

TEST(RealRules, ACutIsOfDatagramsOrStreamsOrBoth) {
  const auto cut = [](bool udp, bool tcp) {
    return rules_of(
        {.kind = FaultKind::cut, .direction = Fault::Direction::incoming, .udp = udp, .tcp = tcp},
        {0});
  };
  const std::string rule = "add rule bridge sim wire oifname \"n0\" meta l4proto ";
  EXPECT_EQ(cut(true, false), rule + "udp drop\n");
  EXPECT_EQ(cut(false, true), rule + "tcp drop\n");
  EXPECT_EQ(cut(true, true), rule + "udp drop\n" + rule + "tcp drop\n");
}

TEST(RealRules, APartitionStandsBetweenItsNodesAndAllOthers) {
  EXPECT_EQ(rules_of({.kind = FaultKind::partition}, {0, 2}),
            "add rule bridge sim wire iifname { \"n0\", \"n2\" } oifname != { \"n0\", \"n2\" } "
            "meta l4proto { tcp, udp } drop\n"
            "add rule bridge sim wire iifname != { \"n0\", \"n2\" } oifname { \"n0\", \"n2\" } "
            "meta l4proto { tcp, udp } drop\n");
  EXPECT_EQ(rules_of({.kind = FaultKind::partition}, {}), "") << "a set of nft is never empty";
}

// The length that nft sees has the header of UDP in it.
TEST(RealRules, AnMtuIsOfWhatDatagramsCarry) {
  EXPECT_EQ(
      rules_of({.kind = FaultKind::mtu, .bytes = 600, .direction = Fault::Direction::outgoing},
               {1}),
      "add rule bridge sim wire iifname \"n1\" udp length > 608 drop\n");
}

TEST(RealRules, LinksThatLosePacketsDoSoForAll) {
  sim::Scenario scenario;
  scenario.link.loss = 0.001;
  EXPECT_EQ(firewall_commands(scenario, {}),
            "flush chain bridge sim wire\nadd rule bridge sim wire meta l4proto { tcp, udp } "
            "numgen random mod 1000000 < 1000 drop\n");
}

TEST(RealRules, TheCounterIsRead) {
  const auto count = counter_answer(
      R"({"nftables": [{"metainfo": {}}, {"counter": {"name": "datagrams", "packets": 42}}]})");
  ASSERT_TRUE(count);
  EXPECT_EQ(*count, 42U);
  EXPECT_FALSE(counter_answer("no such table"));
  EXPECT_FALSE(counter_answer("{}"));
}

}  // namespace
}  // namespace memberlist::cli
