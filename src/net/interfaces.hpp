#pragma once

#include <optional>
#include <span>
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
};

/// All addresses of this machine's interfaces that are up, in the system's order. Error: `system`.
[[nodiscard]] Result<std::vector<InterfaceAddress>> interface_addresses();

/// What a member bound to the unspecified address `bind` (`0.0.0.0` or `::`) tells others
/// (protocol 8): the first private address of a family that its sockets speak; where both are
/// spoken, IPv6 first. 169.254/16 comes after all others. Never a loopback address, which would
/// send others to themselves, nor a link-local IPv6 one, which means nothing without its zone:
/// a machine that has nothing else needs an explicit address. Error: `no_address`, with what was
/// found and what to try.
[[nodiscard]] Result<IpAddress> choose_advertised(const IpAddress& bind,
                                                  std::span<const InterfaceAddress> addresses);

/// The two above in one.
[[nodiscard]] Result<IpAddress> detect_advertised(const IpAddress& bind);

/// Where such a member, that has told others `current` so far, is to be found from now on; empty if
/// that is no other address. It stays as long as the machine has it, so that one more interface
/// makes nobody move, and where nothing better is there.
[[nodiscard]] std::optional<IpAddress> choose_moved(const IpAddress& bind, const IpAddress& current,
                                                    std::span<const InterfaceAddress> addresses);

/// The same, of what the machine has.
[[nodiscard]] std::optional<IpAddress> detect_moved(const IpAddress& bind,
                                                    const IpAddress& current);

/// This machine's name, empty if it has none.
[[nodiscard]] std::string host_name();

}  // namespace memberlist::net
