#include "api/join_addresses.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/address_mistakes.hpp"
#include "base/text.hpp"
#include "memberlist/address.hpp"
#include "net/zones.hpp"

namespace memberlist::api {

Result<JoinAddress> parse_join_address(std::string_view text, std::uint16_t default_port) {
  const auto wrong = [whole = text](std::string_view why) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("\"{}\" is not an address to join through: {}; write [NAME/]HOST[:PORT] or "
                    "[NAME/][IPV6]:PORT",
                    escape_for_log(whole), why),
        std::string(whole));
  };
  JoinAddress address;
  address.text = text;
  // The last slash: names may have some, hosts have none.
  if (const std::size_t slash = text.rfind('/'); slash != std::string_view::npos) {
    if (slash == 0) return wrong("the name before the slash is empty");
    // What looks like a name and is none: the beginning of a URL or of a network.
    const bool is_url = text.find("://") != std::string_view::npos;
    if (is_url || Network::parse(text)) return wrong(guess_address_mistake(text));
    address.name = text.substr(0, slash);
    text.remove_prefix(slash + 1);
  }
  const auto numbered = net::number_zone(text);
  if (!numbered) return fail(numbered.error().code, numbered.error().message, address.text);
  auto parts = HostPort::parse(*numbered);
  if (!parts) return wrong(guess_address_mistake(text));
  if (const auto doubt = find_doubtful_port(text, default_port)) return wrong(*doubt);
  address.host = std::move(parts->host);
  address.port = parts->port.value_or(default_port);
  if (address.port == 0) return wrong("port 0 is not valid here");
  return address;
}

}  // namespace memberlist::api
