#include "net/interfaces.hpp"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include "net/socket_address.hpp"

namespace memberlist::net {
namespace {

// Remote hosts to ask the route for: a root name server, whose addresses do not change.
constexpr std::array<std::string_view, 2> kFarAway{"198.41.0.4", "2001:503:ba3e::2:30"};

// Connecting a datagram socket chooses its route and its source, and sends nothing.
std::optional<IpAddress> source_towards(const IpAddress& target) {
  const Family family = target.is_v4() ? Family::v4 : Family::v6;
  const int descriptor = ::socket(target.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
  if (descriptor < 0) return std::nullopt;
  constexpr std::uint16_t kAnyPort = 53;
  const SocketAddress to = to_socket_address({target, kAnyPort}, family);
  SocketAddress own;
  own.length = sizeof own.storage;
  const bool found =
      ::connect(descriptor, to.get(), to.length) == 0 &&
      ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&own.storage), &own.length) == 0;
  ::close(descriptor);
  const auto source = found ? from_socket_address(own.get()) : std::nullopt;
  return source ? std::optional(source->ip) : std::nullopt;
}

}  // namespace

Result<std::vector<InterfaceAddress>> interface_addresses() {
  ifaddrs* raw = nullptr;
  if (::getifaddrs(&raw) != 0) {
    return fail(ErrorCode::system,
                fmt::format("cannot list the network interfaces: {}", system_text(errno)));
  }
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> list(raw, &::freeifaddrs);
  std::vector<InterfaceAddress> found;
  for (const ifaddrs* at = list.get(); at != nullptr; at = at->ifa_next) {
    if ((at->ifa_flags & IFF_UP) == 0) continue;
    const auto address = from_socket_address(at->ifa_addr);
    if (!address) continue;
    found.push_back({at->ifa_name, address->ip, (at->ifa_flags & IFF_LOOPBACK) != 0,
                     (at->ifa_flags & IFF_RUNNING) != 0});
  }
  return found;
}

std::vector<IpAddress> default_route_sources() {
  std::vector<IpAddress> sources;
  for (const std::string_view text : kFarAway) {
    const auto target = IpAddress::parse(text);
    const auto source = target ? source_towards(*target) : std::nullopt;
    if (source) sources.push_back(*source);
  }
  return sources;
}

Result<HostNetwork> host_network() {
  auto addresses = interface_addresses();
  if (!addresses) return std::unexpected(std::move(addresses.error()));
  return HostNetwork{std::move(*addresses), default_route_sources()};
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  return name.data();
}

}  // namespace memberlist::net
