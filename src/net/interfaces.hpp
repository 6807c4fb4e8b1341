#pragma once

#include <string>
#include <vector>

#include "memberlist/address.hpp"
#include "memberlist/error.hpp"

namespace memberlist::net {

/// An address of a network interface that is up.
struct InterfaceAddress {
  std::string interface;
  IpAddress ip;
  bool loopback = false;  ///< the interface's own flag
  bool running = true;    ///< the interface has a carrier, or needs none
};

/// All addresses of this machine's interfaces that are up, in the system's order. Error: `system`.
[[nodiscard]] Result<std::vector<InterfaceAddress>> interface_addresses();

/// The addresses from which packets to the Internet leave, at most one of each family; none where
/// there is no default route. The system is asked for its routes; nothing is sent.
[[nodiscard]] std::vector<IpAddress> default_route_sources();

/// The addresses at which this machine may be reached.
struct HostNetwork {
  std::vector<InterfaceAddress> addresses;
  std::vector<IpAddress> default_sources;
};

/// Both of the above.
[[nodiscard]] Result<HostNetwork> host_network();

/// This machine's name, empty if it has none.
[[nodiscard]] std::string host_name();

}  // namespace memberlist::net
