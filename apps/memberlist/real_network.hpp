#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "memberlist/sim/scenario.hpp"
#include "output.hpp"
#include "real_process.hpp"
#include "real_rules.hpp"

namespace memberlist::cli {

/// The paths of the system's programs.
struct NetworkTools {
  std::string ip;
  std::string nft;

  /// Error: one of them is not installed.
  [[nodiscard]] static std::expected<NetworkTools, CommandError> find();
};

/// A network of this machine's kernel that has no way out: a namespace for each node, and one with
/// the switch that all are connected to, where a firewall loses packets. It has no names, so that
/// any number of them can be there; nothing of it is left once it is destroyed.
class RealNetwork {
 public:
  /// Error: this needs root, or a program failed.
  [[nodiscard]] static std::expected<RealNetwork, CommandError> build(const NetworkTools& tools,
                                                                      std::size_t nodes);

  /// The namespace of a node.
  [[nodiscard]] int host(sim::NodeId node) const { return hosts_[node].descriptor(); }
  /// Whether the node's cable is in.
  [[nodiscard]] std::expected<void, CommandError> plug(sim::NodeId node, bool in) const;
  /// From now on the packets are lost that these faults lose, and no others.
  [[nodiscard]] std::expected<void, CommandError> suffer(const sim::Scenario& scenario,
                                                         const NetworkFaults& faults) const;
  /// Datagrams that all nodes have sent.
  [[nodiscard]] std::expected<std::uint64_t, CommandError> datagrams_sent() const;

 private:
  RealNetwork(NetworkTools tools, NetworkNamespace hub)
      : tools_(std::move(tools)), hub_(std::move(hub)) {}
  /// One of so many.
  [[nodiscard]] std::expected<void, CommandError> add_host(std::size_t nodes);

  NetworkTools tools_;
  NetworkNamespace hub_;
  std::vector<NetworkNamespace> hosts_;
};

}  // namespace memberlist::cli
