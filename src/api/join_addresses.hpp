#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "memberlist/error.hpp"

namespace memberlist::api {

/// An address to join through, in its parts: `[name/]host[:port]` (protocol 9).
struct JoinAddress {
  std::string text;  ///< as it was given
  std::string name;  ///< of the member expected there; may be empty
  std::string host;  ///< an IP address or a host name
  std::uint16_t port = 0;
};

/// The zone of an IPv6 address may be an interface's name. Error: `invalid_argument`, with the text
/// as its subject.
[[nodiscard]] Result<JoinAddress> parse_join_address(std::string_view text,
                                                     std::uint16_t default_port);

}  // namespace memberlist::api
