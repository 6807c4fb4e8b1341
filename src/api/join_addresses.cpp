#include "api/join_addresses.hpp"

#include <fmt/format.h>

#include <utility>

#include "memberlist/address.hpp"
#include "net/zones.hpp"

namespace memberlist::api {

Result<JoinAddress> parse_join_address(std::string_view text, std::uint16_t default_port) {
  const auto wrong = [text](std::string_view why) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("'{}' is no address to join through: {}; write [NAME/]HOST[:PORT], IPv6 "
                    "with a port in brackets",
                    text, why),
        std::string(text));
  };
  JoinAddress address;
  address.text = text;
  // The last slash: names may have some, hosts have none.
  if (const std::size_t slash = text.rfind('/'); slash != std::string_view::npos) {
    if (slash == 0) return wrong("the name before the slash is empty");
    address.name = text.substr(0, slash);
    text.remove_prefix(slash + 1);
  }
  const auto numbered = net::number_zone(text);
  if (!numbered) return fail(numbered.error().code, numbered.error().message, address.text);
  auto parts = HostPort::parse(*numbered);
  if (!parts) return wrong("its host or its port cannot be read");
  if (parts->host.empty()) return wrong("it has no host");
  address.host = std::move(parts->host);
  address.port = parts->port.value_or(default_port);
  if (address.port == 0) return wrong("nobody listens on port 0");
  return address;
}

}  // namespace memberlist::api
