#include "real_rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "json_views.hpp"

namespace memberlist::cli {

namespace {

using sim::Fault;
using sim::FaultKind;

// The largest cluster of agents on one machine.
constexpr std::size_t kMaxAgents = 100;
constexpr double kMillion = 1e6;
constexpr std::size_t kUdpHeader = 8;
constexpr std::string_view kAddRule = "add rule bridge sim wire";
constexpr std::string_view kUdp = "meta l4proto udp";
constexpr std::string_view kTcp = "meta l4proto tcp";
constexpr std::string_view kBoth = "meta l4proto { tcp, udp }";

// Why agents cannot suffer from it; empty if they can.
std::string_view obstacle(FaultKind kind) {
  switch (kind) {
    case FaultKind::block:
      return "nothing keeps the network from a process but not from its machine: use `cut`, or "
             "`pause` for all of it";
    case FaultKind::slow:
      return "no machine is slow by so much for each packet: use `hiccup`";
    case FaultKind::drift:
    case FaultKind::step:
      return "all agents have this machine's clock: leave it out";
    case FaultKind::move:
    case FaultKind::swap:
      return "an agent keeps its address: use `kill` with `lasts`";
    case FaultKind::bursts:
      return "the firewall loses by chance only: use `loss`";
    case FaultKind::duplicate:
    case FaultKind::reorder:
    case FaultKind::corrupt:
    case FaultKind::latency:
    case FaultKind::bandwidth:
      return "the firewall lets a packet pass as it is, or drops it: use `loss`, or leave it out";
    case FaultKind::tcp_stall:
    case FaultKind::tcp_reset:
      return "the firewall does not know connections: use `cut` with udp = false";
    case FaultKind::namesake:
      return "each agent has a name of its own: leave it out";
    default:
      return {};
  }
}

template <class... Values>
Error refused(std::string subject, fmt::format_string<Values...> why, Values&&... values) {
  std::string message = subject + " " + fmt::format(why, std::forward<Values>(values)...);
  return {ErrorCode::invalid_argument, std::move(message), std::move(subject)};
}

// Of the links, what is left out without a word: their latency, which is that of this machine.
std::vector<std::string> link_mistakes(const sim::Link& link) {
  std::vector<std::string> keys;
  const auto refuse = [&](bool wrong, const char* key) {
    if (wrong) keys.emplace_back(key);
  };
  refuse(link.bursts.begin > 0, "bursts");
  refuse(link.duplicate > 0, "duplicate");
  refuse(link.reorder > 0, "reorder");
  refuse(link.corrupt > 0, "corrupt");
  refuse(link.bandwidth > 0, "bandwidth");
  refuse(link.udp_cut, "udp_cut");
  refuse(link.tcp_cut, "tcp_cut");
  refuse(link.udp_refused, "udp_refused");
  refuse(link.tcp_refused, "tcp_refused");
  refuse(link.tcp_stall > 0, "tcp_stall");
  refuse(link.tcp_reset > 0, "tcp_reset");
  refuse(link.tcp_half_close > 0, "tcp_half_close");
  return keys;
}

// --- rules ---------------------------------------------------------------------------------------

std::string chance(double rate) {
  return fmt::format("numgen random mod 1000000 < {}", std::llround(rate * kMillion));
}

// What is dropped of the packets that a fault is about.
std::vector<std::string> losses(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::cut: {
      std::vector<std::string> all;
      if (fault.udp) all.emplace_back(kUdp);
      if (fault.tcp) all.emplace_back(kTcp);
      return all;
    }
    case FaultKind::loss:
      return {fmt::format("{} {}", kBoth, chance(fault.rate))};
    case FaultKind::mtu:
      return {fmt::format("udp length > {}", fault.bytes + kUdpHeader)};
    default:
      return {};
  }
}

std::string ports(const std::vector<sim::NodeId>& nodes) {
  std::vector<std::string> quoted;
  quoted.reserve(nodes.size());
  for (const sim::NodeId node : nodes) quoted.push_back(fmt::format("\"{}\"", port_of(node)));
  return fmt::format("{{ {} }}", fmt::join(quoted, ", "));
}

bool is_wall(FaultKind kind) { return kind == FaultKind::partition || kind == FaultKind::flap; }

// A rule for each node, not for all together: what goes from one of them to another one suffers
// twice.
void add_fault(std::string& text, const Fault& fault, const std::vector<sim::NodeId>& nodes) {
  if (nodes.empty()) return;
  const auto add = [&](std::string_view which, std::string_view what) {
    fmt::format_to(std::back_inserter(text), "{} {} {} drop\n", kAddRule, which, what);
  };
  if (is_wall(fault.kind)) {
    add(fmt::format("iifname {0} oifname != {0}", ports(nodes)), kBoth);
    add(fmt::format("iifname != {0} oifname {0}", ports(nodes)), kBoth);
    return;
  }
  for (const std::string& loss : losses(fault)) {
    for (const sim::NodeId node : nodes) {
      const std::string port = port_of(node);
      if (fault.direction != Fault::Direction::incoming) {
        add(fmt::format("iifname \"{}\"", port), loss);
      }
      if (fault.direction != Fault::Direction::outgoing) {
        add(fmt::format("oifname \"{}\"", port), loss);
      }
    }
  }
}

}  // namespace

// --- what is refused -----------------------------------------------------------------------------

std::vector<Error> real_mistakes(const sim::Scenario& scenario) {
  std::vector<Error> mistakes;
  if (const std::size_t nodes = nodes_in_all(scenario); nodes > kMaxAgents) {
    mistakes.push_back(
        refused("nodes", "and those who join later are {}; one machine takes at most {} agents",
                nodes, kMaxAgents));
  }
  if (scenario.zone_link) {
    mistakes.push_back(
        refused("zone_link", "is not to be had: all agents are on one switch; leave it out"));
  }
  for (const std::string& key : link_mistakes(scenario.link)) {
    mistakes.push_back(
        refused(fmt::format("link: {}", key),
                "is not to be had between agents; leave it out, or use loss or mtu"));
  }
  for (std::size_t i = 0; i < scenario.faults.size(); ++i) {
    const FaultKind kind = scenario.faults[i].kind;
    const std::string_view why = obstacle(kind);
    if (why.empty()) continue;
    mistakes.push_back(refused(fmt::format("fault {}: kind", i + 1),
                               "is `{}`, which no real agent can be made to suffer: {}",
                               to_string(kind), why));
  }
  return mistakes;
}

std::size_t nodes_in_all(const sim::Scenario& scenario) {
  std::size_t nodes = scenario.nodes;
  for (const Fault& fault : scenario.faults) {
    if (fault.kind == FaultKind::join) nodes += fault.nodes.count;
  }
  return nodes;
}

bool is_of_network(FaultKind kind) noexcept {
  return is_wall(kind) || kind == FaultKind::cut || kind == FaultKind::loss ||
         kind == FaultKind::mtu;
}

// --- the firewall --------------------------------------------------------------------------------

std::string ip_of(sim::NodeId node) {
  const sim::NodeId host = node + 1;
  return fmt::format("10.0.{}.{}", host / 256, host % 256);
}

std::string port_of(sim::NodeId node) { return fmt::format("n{}", node); }

// What a node sends is counted before anything is dropped.
std::string firewall_beginning() {
  return "add table bridge sim\n"
         "add counter bridge sim datagrams\n"
         "add chain bridge sim sent { type filter hook prerouting priority -400; }\n"
         "add rule bridge sim sent meta l4proto udp counter name datagrams\n"
         "add chain bridge sim wire { type filter hook forward priority 0; }\n";
}

std::string firewall_commands(const sim::Scenario& scenario, const NetworkFaults& faults) {
  std::string text = "flush chain bridge sim wire\n";
  if (scenario.link.loss > 0) {
    text += fmt::format("{} {} {} drop\n", kAddRule, kBoth, chance(scenario.link.loss));
  }
  if (scenario.link.mtu > 0) {
    text += fmt::format("{} udp length > {} drop\n", kAddRule, scenario.link.mtu + kUdpHeader);
  }
  for (const auto& [index, nodes] : faults) add_fault(text, scenario.faults[index], nodes);
  return text;
}

std::vector<std::string> counter_question() {
  return {"-j", "list", "counter", "bridge", "sim", "datagrams"};
}

std::expected<std::uint64_t, CommandError> counter_answer(const std::string& text) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_object() && json.contains("nftables")) {
    for (const Json& entry : json["nftables"]) {
      if (entry.contains("counter")) return entry["counter"].value("packets", std::uint64_t{0});
    }
  }
  return std::unexpected(CommandError{
      kExitFailed, fmt::format("nft does not tell how many packets there were: {}", text)});
}

}  // namespace memberlist::cli
