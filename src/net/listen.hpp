#pragma once

// Private to this room.

#include "memberlist/address.hpp"
#include "memberlist/error.hpp"
#include "net/descriptor.hpp"
#include "net/socket_address.hpp"

namespace memberlist::net {

/// A UDP socket and a TCP listener at one address and port; both non-blocking.
struct BoundSockets {
  Descriptor udp;
  Descriptor tcp;
  Address address;
  Family family = Family::v4;
  /// Bound to all addresses, and datagrams come with the one that they were sent to.
  bool packet_info = false;
};

/// Binds both; with port 0 the kernel chooses one that is free for both. Errors: see
/// Transport::open.
[[nodiscard]] Result<BoundSockets> bind_both(const Address& wanted);

}  // namespace memberlist::net
