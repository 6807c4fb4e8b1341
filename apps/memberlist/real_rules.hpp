#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <vector>

#include "memberlist/error.hpp"
#include "memberlist/sim/scenario.hpp"
#include "output.hpp"

// What of a scenario real agents can suffer, and what the firewall between them does of it.
namespace memberlist::cli {

/// All that makes it impossible to play the scenario with real agents; each says what would do.
/// Their subjects are those of `sim::Scenario::mistakes`.
[[nodiscard]] std::vector<Error> real_mistakes(const sim::Scenario& scenario);

/// How many nodes there are in the end.
[[nodiscard]] std::size_t nodes_in_all(const sim::Scenario& scenario);

/// Whether a fault of this kind is one of the network, and so the firewall's.
[[nodiscard]] bool is_of_network(sim::FaultKind kind) noexcept;

/// The address of a node in the network of its cluster.
[[nodiscard]] std::string ip_of(sim::NodeId node);
/// The end of a node's cable at the switch.
[[nodiscard]] std::string port_of(sim::NodeId node);

/// The faults of the network that go on, by their number in the scenario: who suffers from them.
using NetworkFaults = std::map<std::size_t, std::vector<sim::NodeId>>;

/// The commands of nft that let the switch drop what is lost, from now on.
[[nodiscard]] std::string firewall_commands(const sim::Scenario& scenario,
                                            const NetworkFaults& faults);
/// Those that come first: they make what the others change, and a counter of datagrams.
[[nodiscard]] std::string firewall_beginning();

/// How the counter is asked, behind the program's name.
[[nodiscard]] std::vector<std::string> counter_question();
/// The number of datagrams in the answer. Error: it is none.
[[nodiscard]] std::expected<std::uint64_t, CommandError> counter_answer(const std::string& json);

}  // namespace memberlist::cli
