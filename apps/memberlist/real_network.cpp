#include "real_network.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>

namespace memberlist::cli {

namespace {

using Done = std::expected<void, CommandError>;

// Runs the commands of `ip` or `nft` one after the other.
Done perform(const std::vector<std::string>& tool, const NetworkNamespace& where,
             const std::string& commands) {
  const auto done = run_tool(tool, where.descriptor(), commands);
  if (!done) return std::unexpected(done.error());
  return {};
}

std::string mac_of(sim::NodeId node) {
  const sim::NodeId host = node + 1;
  return fmt::format("02:00:00:00:{:02x}:{:02x}", host / 256, host % 256);
}

// Each knows where the others are: what the kernel would find out by itself is in one table for all
// namespaces of the machine, which a few clusters fill (net.ipv4.neigh.default.gc_thresh3), and
// then packets are lost that no fault of the scenario loses.
std::string neighbours(sim::NodeId node, std::size_t nodes) {
  std::string commands;
  for (sim::NodeId other = 0; other < nodes; ++other) {
    if (other == node) continue;
    commands +=
        fmt::format("neigh add {} lladdr {} dev eth0 nud permanent\n", ip_of(other), mac_of(other));
  }
  return commands;
}

}  // namespace

std::expected<NetworkTools, CommandError> NetworkTools::find() {
  auto ip = find_tool("ip", "iproute2");
  if (!ip) return std::unexpected(ip.error());
  auto nft = find_tool("nft", "nftables");
  if (!nft) return std::unexpected(nft.error());
  return NetworkTools{.ip = std::move(*ip), .nft = std::move(*nft)};
}

std::expected<RealNetwork, CommandError> RealNetwork::build(const NetworkTools& tools,
                                                            std::size_t nodes) {
  auto hub = NetworkNamespace::create();
  if (!hub) return std::unexpected(hub.error());
  RealNetwork network(tools, std::move(*hub));
  Done done = perform({tools.ip, "-batch", "-"}, network.hub_,
                      "link add net0 type bridge\nlink set net0 up\n");
  if (done) done = perform({tools.nft, "-f", "-"}, network.hub_, firewall_beginning());
  for (std::size_t node = 0; done && node < nodes; ++node) done = network.add_host(nodes);
  if (!done) return std::unexpected(done.error());
  return network;
}

Done RealNetwork::add_host(std::size_t nodes) {
  auto host = NetworkNamespace::create();
  if (!host) return std::unexpected(host.error());
  const sim::NodeId node = hosts_.size();
  const std::string port = port_of(node);
  const Done cable = perform(
      {tools_.ip, "-batch", "-"}, hub_,
      fmt::format("link add {0} type veth peer name eth0 address {1} netns /proc/{2}/fd/{3}\n"
                  "link set {0} master net0 up\n",
                  port, mac_of(node), ::getpid(), host->descriptor()));
  if (!cable) return cable;
  hosts_.push_back(std::move(*host));
  return perform({tools_.ip, "-batch", "-"}, hosts_.back(),
                 fmt::format("link set lo up\n"
                             "addr add {}/16 dev eth0\n"
                             "link set eth0 up\n",
                             ip_of(node)) +
                     neighbours(node, nodes));
}

Done RealNetwork::plug(sim::NodeId node, bool in) const {
  return perform({tools_.ip, "link", "set", port_of(node), in ? "up" : "down"}, hub_, {});
}

Done RealNetwork::suffer(const sim::Scenario& scenario, const NetworkFaults& faults) const {
  return perform({tools_.nft, "-f", "-"}, hub_, firewall_commands(scenario, faults));
}

std::expected<std::uint64_t, CommandError> RealNetwork::datagrams_sent() const {
  std::vector<std::string> question = counter_question();
  question.insert(question.begin(), tools_.nft);
  const auto answer = run_tool(question, hub_.descriptor(), {});
  if (!answer) return std::unexpected(answer.error());
  return counter_answer(*answer);
}

}  // namespace memberlist::cli
