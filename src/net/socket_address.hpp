#pragma once

// Addresses for system calls, and which of them a socket can reach.

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "memberlist/address.hpp"
#include "memberlist/error.hpp"

namespace memberlist::net {

/// Which addresses a socket can reach.
enum class Family : std::uint8_t {
  v4,    ///< IPv4 only
  v6,    ///< IPv6 only
  dual,  ///< an IPv6 socket that also supports IPv4
};

/// The family of a socket bound to `ip`: `::` is dual, all others support only their own.
[[nodiscard]] Family family_of(const IpAddress& ip) noexcept;
/// Whether a socket of `family` can send to `ip`.
[[nodiscard]] bool reaches(Family family, const IpAddress& ip) noexcept;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  [[nodiscard]] const sockaddr* get() const noexcept {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
};

/// For a socket of `family`; IPv4 becomes IPv4-mapped where that is `dual`.
[[nodiscard]] SocketAddress to_socket_address(const Address& address, Family family) noexcept;
/// `std::nullopt` for what is neither IPv4 nor IPv6.
[[nodiscard]] std::optional<Address> from_socket_address(const sockaddr* raw) noexcept;

/// The system's message for an errno.
[[nodiscard]] std::string system_text(int error);
/// `unreachable`, about `to`: `cannot <verb> <address>: <the system's message>`.
[[nodiscard]] Error unreachable(std::string_view verb, const Address& to, std::string_view why);

}  // namespace memberlist::net
