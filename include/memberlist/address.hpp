#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "memberlist/bytes.hpp"
#include "memberlist/error.hpp"
#include "memberlist/export.hpp"

namespace memberlist {

/// An IPv4 or IPv6 address in canonical form: 16 bytes, IPv4 as IPv4-mapped IPv6 (protocol 4:
/// 'an IPv4-mapped IPv6 address is the IPv4 address'), so equal addresses compare equal.
class MEMBERLIST_API IpAddress {
 public:
  /// The unspecified address `::`.
  constexpr IpAddress() noexcept = default;

  /// From raw bytes in network order; `std::nullopt` unless there are 4 or 16.
  [[nodiscard]] static std::optional<IpAddress> from_bytes(BytesView raw) noexcept;
  /// From four bytes in reading order, as in `v4(127, 0, 0, 1)`.
  [[nodiscard]] static constexpr IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c,
                                              std::uint8_t d) noexcept {
    IpAddress ip;
    ip.bytes_ = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d};
    return ip;
  }
  /// From text such as `10.0.0.1`, `::1` or `fe80::1%2` (a numeric zone); no brackets, no port.
  /// Error: `invalid_argument`.
  [[nodiscard]] static Result<IpAddress> parse(std::string_view text);

  [[nodiscard]] bool is_v4() const noexcept;           ///< also if written as IPv4-mapped IPv6
  [[nodiscard]] bool is_unspecified() const noexcept;  ///< `0.0.0.0` or `::`
  [[nodiscard]] bool is_loopback() const noexcept;     ///< 127/8 or ::1
  [[nodiscard]] bool is_link_local() const noexcept;   ///< 169.254/16 or fe80::/10
  /// Whether packets to it reach several machines: 224/4, 255.255.255.255, ff00::/8.
  [[nodiscard]] bool is_multicast() const noexcept;
  /// Whether RFC 6890 reserves it for private use (10/8, 172.16/12, 192.168/16, 100.64/10,
  /// 169.254/16, 127/8, fc00::/7, fe80::/10, ::1).
  [[nodiscard]] bool is_private() const noexcept;

  /// All 16 bytes, in network order.
  [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }
  /// The bytes as they are sent: 4 for IPv4, otherwise 16. A view into this object.
  [[nodiscard]] BytesView wire_bytes() const noexcept;
  /// Zone of a link-local IPv6 address, 0 if there is none. Never sent.
  [[nodiscard]] std::uint32_t scope_id() const noexcept { return scope_id_; }
  /// Sets the interface of a link-local IPv6 address; 0 removes it.
  void set_scope_id(std::uint32_t id) noexcept { scope_id_ = id; }

  /// Text without brackets: `10.0.0.1`, `2001:db8::1`, `fe80::1%2`.
  [[nodiscard]] std::string to_string() const;

  /// By bytes, then by zone: an order for containers, with no meaning beyond.
  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  std::uint32_t scope_id_ = 0;
};

/// An IP address and a port.
struct MEMBERLIST_API Address {
  IpAddress ip{};          ///< any, including the unspecified one
  std::uint16_t port = 0;  ///< in host byte order

  /// Parses `10.0.0.1:7946` or `[::1]:7946`; a text without a port gets `default_port` (IPv6 then
  /// needs no brackets). Host names are an error: they need a resolver. Error: `invalid_argument`.
  [[nodiscard]] static Result<Address> parse(std::string_view text, std::uint16_t default_port);

  /// `10.0.0.1:7946`, `[2001:db8::1]:7946`.
  [[nodiscard]] std::string to_string() const;

  /// By address, then by port.
  friend constexpr auto operator<=>(const Address&, const Address&) = default;
};

/// A network in CIDR notation.
class MEMBERLIST_API Network {
 public:
  /// From `10.0.0.0/8` or `2001:db8::/32`; a bare address is a network of one.
  /// Error: `invalid_argument`.
  [[nodiscard]] static Result<Network> parse(std::string_view text);

  /// Whether the network contains the address; zones are ignored.
  [[nodiscard]] bool contains(const IpAddress& ip) const noexcept;
  /// `10.0.0.0/8`, `2001:db8::/32`.
  [[nodiscard]] std::string to_string() const;

  /// Equal in address and length of the prefix.
  friend bool operator==(const Network&, const Network&) = default;

 private:
  IpAddress base_;
  std::uint8_t prefix_bits_ = 0;  // of the 128-bit form
};

/// The two parts of a listening address; the host is not resolved.
struct HostPort {
  std::string host{};                   ///< a name or an address, without brackets
  std::optional<std::uint16_t> port{};  ///< empty if none was given

  /// Splits `host`, `host:port`, `[v6]:port` or `v6`. Error: `invalid_argument`, if it is none of
  /// these.
  [[nodiscard]] static MEMBERLIST_API Result<HostPort> parse(std::string_view text);
};

}  // namespace memberlist

// Doxygen does not find the scope of a specialisation in std.
/// @cond
/// Addresses as keys of unordered containers.
template <>
struct std::hash<memberlist::Address> {
  /// Equal for equal addresses, within one run of a program.
  MEMBERLIST_API std::size_t operator()(const memberlist::Address& address) const noexcept;
};
/// @endcond
