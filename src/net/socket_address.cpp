#include "net/socket_address.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <cstring>
#include <system_error>

namespace memberlist::net {

Family family_of(const IpAddress& ip) noexcept {
  if (ip.is_v4()) return Family::v4;
  return ip.is_unspecified() ? Family::dual : Family::v6;
}

bool reaches(Family family, const IpAddress& ip) noexcept {
  return family == Family::dual || (family == Family::v4) == ip.is_v4();
}

SocketAddress to_socket_address(const Address& address, Family family) noexcept {
  SocketAddress out;
  if (family == Family::v4) {
    sockaddr_in raw{};
    raw.sin_family = AF_INET;
    raw.sin_port = htons(address.port);
    const BytesView ip = address.ip.wire_bytes();
    std::memcpy(&raw.sin_addr, ip.data(), std::min(ip.size(), sizeof raw.sin_addr));
    out.length = sizeof raw;
    std::memcpy(&out.storage, &raw, sizeof raw);
    return out;
  }
  sockaddr_in6 raw{};
  raw.sin6_family = AF_INET6;
  raw.sin6_port = htons(address.port);
  raw.sin6_scope_id = address.ip.scope_id();
  std::memcpy(&raw.sin6_addr, address.ip.bytes().data(), sizeof raw.sin6_addr);
  out.length = sizeof raw;
  std::memcpy(&out.storage, &raw, sizeof raw);
  return out;
}

std::optional<Address> from_socket_address(const sockaddr* raw) noexcept {
  if (raw == nullptr) return std::nullopt;
  if (raw->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, raw, sizeof v4);
    const auto ip = IpAddress::from_bytes(std::as_bytes(std::span(&v4.sin_addr, 1)));
    if (!ip) return std::nullopt;
    return Address{*ip, ntohs(v4.sin_port)};
  }
  if (raw->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, raw, sizeof v6);
    auto ip = IpAddress::from_bytes(std::as_bytes(std::span(&v6.sin6_addr, 1)));
    if (!ip) return std::nullopt;
    // The zone counts for link-local addresses only: elsewhere it would make equal addresses
    // differ.
    if (ip->is_link_local()) ip->set_scope_id(v6.sin6_scope_id);
    return Address{*ip, ntohs(v6.sin6_port)};
  }
  return std::nullopt;
}

std::string system_text(int error) { return std::generic_category().message(error); }

Error unreachable(std::string_view verb, const Address& to, std::string_view why) {
  const std::string text = to.to_string();
  return Error{ErrorCode::unreachable, fmt::format("cannot {} {}: {}", verb, text, why), text};
}

}  // namespace memberlist::net
