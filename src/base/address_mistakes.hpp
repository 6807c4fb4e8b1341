#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace memberlist {

/// Why a text is no HOST, HOST:PORT, IPV6 or [IPV6]:PORT: a guess at what was meant, to follow a
/// colon. For texts that have failed to parse.
[[nodiscard]] std::string guess_address_mistake(std::string_view text);

/// Whether a host is written as an IPv4 address, right or wrong: its last label is a number. Such a
/// text is never looked up as a name: the system's resolver takes 010.0.0.2 for 8.0.0.2, and 10.2
/// for 10.0.0.2.
[[nodiscard]] bool looks_like_ipv4(std::string_view host);

/// Of an IPv6 address without brackets whose last group reads like `port`, and which is an address
/// without that group, too: what is doubtful, and how to write either. Else nothing.
[[nodiscard]] std::optional<std::string> find_doubtful_port(std::string_view text,
                                                            std::uint16_t port);

}  // namespace memberlist
