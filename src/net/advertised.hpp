#pragma once

#include <optional>
#include <string>

#include "memberlist/address.hpp"
#include "memberlist/error.hpp"
#include "net/interfaces.hpp"

namespace memberlist::net {

/// The address that a member announces, and how it was found.
struct AdvertisedChoice {
  IpAddress ip;
  std::string interface;
  std::string reason;     ///< why this one, as the end of a sentence
  std::string others;     ///< those that were not chosen, each with the reason
  bool doubtful = false;  ///< a last resort: probably unreachable for others
};

/// The address that a member bound to the unspecified address `bind` (`0.0.0.0` or `::`) announces
/// (protocol 8): a private address of a family that its sockets support. The interface of the
/// default route is preferred, then the system's order; of one interface's addresses, IPv6 is
/// preferred if both are supported. 169.254/16 comes after those, and an interface without carrier
/// (a bridge with nothing plugged in) after everything else.
///
/// Never a public address, and no 169.254/16 if there is one; never a loopback address, which would
/// direct others to themselves, nor a link-local IPv6 one, which means nothing without its zone: a
/// machine that has no other needs an explicit address. Error: `no_address`, with the addresses
/// found and a suggestion.
[[nodiscard]] Result<AdvertisedChoice> choose_advertised(const IpAddress& bind,
                                                         const HostNetwork& network);

/// The same, for the addresses of this machine.
[[nodiscard]] Result<AdvertisedChoice> detect_advertised(const IpAddress& bind);

/// The new address of such a member, which has announced `current` so far; empty if it is
/// unchanged. It does not change while the machine has it, so that an additional interface makes no
/// member move, or if there is no better address.
[[nodiscard]] std::optional<AdvertisedChoice> choose_moved(const IpAddress& bind,
                                                           const IpAddress& current,
                                                           const HostNetwork& network);

/// The same, for the addresses of this machine.
[[nodiscard]] std::optional<AdvertisedChoice> detect_moved(const IpAddress& bind,
                                                           const IpAddress& current);

}  // namespace memberlist::net
