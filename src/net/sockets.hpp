#pragma once

// Private to this room: system calls on sockets, all of which are non-blocking and not inherited by
// programs that this process starts. Where a call fails, `errno` says why.

#include <optional>

#include "memberlist/address.hpp"
#include "net/descriptor.hpp"
#include "net/socket_address.hpp"

namespace memberlist::net {

/// A socket of the type `SOCK_STREAM` or `SOCK_DGRAM`; closed if the call fails.
[[nodiscard]] Descriptor open_socket(Family family, int type) noexcept;
/// The next connection that waits; closed if there is none (EAGAIN), or the call fails.
[[nodiscard]] Descriptor accept_connection(const Descriptor& listener) noexcept;
[[nodiscard]] bool set_option(const Descriptor& socket, int level, int name, int value) noexcept;
[[nodiscard]] std::optional<Address> local_address_of(const Descriptor& socket) noexcept;
[[nodiscard]] std::optional<Address> peer_address_of(const Descriptor& socket) noexcept;
/// What has become of a connection in the making: 0, or the errno.
[[nodiscard]] int connect_result(const Descriptor& socket) noexcept;
/// From now on closing it resets the connection.
void reset_at_close(const Descriptor& socket) noexcept;

}  // namespace memberlist::net
