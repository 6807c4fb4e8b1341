#pragma once

// Private to this room.

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>

#include "memberlist/address.hpp"
#include "memberlist/error.hpp"
#include "net/socket_address.hpp"

namespace memberlist::net {

/// A UDP socket and a TCP listener at one address and port; both non-blocking.
struct BoundSockets {
  asio::ip::udp::socket udp;
  asio::ip::tcp::acceptor tcp;
  Address address;
  Family family = Family::v4;
  /// Bound to all addresses, and datagrams come with the one that they were sent to.
  bool packet_info = false;
};

/// Binds both; with port 0 the kernel chooses one that is free for both. Errors: see
/// Transport::open.
[[nodiscard]] Result<BoundSockets> bind_both(asio::io_context& io, const Address& wanted);

/// Sets close-on-exec, so that programs started by this process do not inherit the descriptor.
void close_on_exec(int descriptor) noexcept;

}  // namespace memberlist::net
