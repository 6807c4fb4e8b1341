#pragma once

// Private to this room: which of this machine's addresses a datagram came to, or leaves from. For
// sockets that are bound to all of them; other sockets have only one.

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <optional>

#include "memberlist/address.hpp"
#include "net/socket_address.hpp"

namespace memberlist::net {

/// Space for the one control message of a datagram.
struct PacketInfo {
  alignas(cmsghdr) std::array<std::byte, 64> control{};
};

/// Asks the system to report the destination address of each datagram. False: not supported, and
/// then the functions below do nothing.
[[nodiscard]] bool enable_packet_info(int descriptor, Family family) noexcept;

/// The destination of a datagram; unspecified if it is unknown, or not a unicast address.
[[nodiscard]] IpAddress sent_to(msghdr& header) noexcept;

/// Makes a datagram leave from this address, using a header whose target is set. It does nothing if
/// source and target are of different families.
void set_source(msghdr& header, PacketInfo& room, Family family, const IpAddress& source,
                const IpAddress& target) noexcept;

/// Whether a failure to send says that the source is no address of this machine (any more), or none
/// for that target.
[[nodiscard]] bool refuses_source(int error) noexcept;

}  // namespace memberlist::net
