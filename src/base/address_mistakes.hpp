#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace memberlist {

/// Why a text is not a valid HOST, HOST:PORT, IPV6 or [IPV6]:PORT, with a suggestion, to follow a
/// colon. For texts that have failed to parse.
[[nodiscard]] std::string guess_address_mistake(std::string_view text);

/// Whether a host is written as an IPv4 address, valid or not: its last label is a number. Such a
/// text is never resolved as a name: the system's resolver reads 010.0.0.2 as 8.0.0.2, and 10.2 as
/// 10.0.0.2.
[[nodiscard]] bool looks_like_ipv4(std::string_view host);

/// For an IPv6 address without brackets whose last group could be `port`, and which is also an
/// address without that group: the ambiguity, and how to write each alternative. Otherwise nothing.
[[nodiscard]] std::optional<std::string> find_doubtful_port(std::string_view text,
                                                            std::uint16_t port);

}  // namespace memberlist
