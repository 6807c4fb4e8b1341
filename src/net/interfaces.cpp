#include "net/interfaces.hpp"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include "net/socket_address.hpp"

namespace memberlist::net {
namespace {

// RFC 6890 reserves more than the private networks. These lead nowhere in the Internet either, so
// a machine that has such an address is told of it on purpose (test networks).
bool is_special_purpose(const IpAddress& ip) {
  const auto& raw = ip.bytes();
  if (!ip.is_v4()) {
    return raw[0] == 0x20 && raw[1] == 0x01 && raw[2] == 0x0d && raw[3] == 0xb8;  // 2001:db8::/32
  }
  const auto a = raw[12], b = raw[13], c = raw[14];
  return (a == 192 && b == 0 && (c == 0 || c == 2)) ||  // 192.0.0/24, 192.0.2/24
         (a == 198 && (b & 0xfe) == 18) ||              // 198.18/15
         (a == 198 && b == 51 && c == 100) ||           // 198.51.100/24
         (a == 203 && b == 0 && c == 113);              // 203.0.113/24
}

// Lower is better; `kUnfit` is never chosen.
constexpr int kUnfit = 100;

int rank(const IpAddress& bind, const InterfaceAddress& candidate) {
  const IpAddress& ip = candidate.ip;
  if (candidate.loopback || ip.is_loopback() || ip.is_unspecified()) return kUnfit;
  if (!reaches(family_of(bind), ip)) return kUnfit;
  if (ip.is_link_local()) return ip.is_v4() ? 10 : kUnfit;
  const int family = ip.is_v4() ? 1 : 0;
  if (ip.is_private()) return family;
  return is_special_purpose(ip) ? 2 + family : kUnfit;
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
    found.push_back({at->ifa_name, address->ip, (at->ifa_flags & IFF_LOOPBACK) != 0});
  }
  return found;
}

Result<IpAddress> choose_advertised(const IpAddress& bind,
                                    std::span<const InterfaceAddress> addresses) {
  const InterfaceAddress* best = nullptr;
  int best_rank = kUnfit;
  std::string seen;
  for (const InterfaceAddress& candidate : addresses) {
    const int candidate_rank = rank(bind, candidate);
    if (candidate_rank < best_rank) {
      best = &candidate;
      best_rank = candidate_rank;
    }
    seen += fmt::format("{}{} ({})", seen.empty() ? "" : ", ", candidate.ip.to_string(),
                        candidate.interface);
  }
  if (best != nullptr) return best->ip;
  return fail(ErrorCode::no_address,
              fmt::format("no private address to advertise was found among {}; set the address to "
                          "advertise, or bind to one address instead of {}",
                          seen.empty() ? "no addresses at all" : seen, bind.to_string()),
              "advertise");
}

Result<IpAddress> detect_advertised(const IpAddress& bind) {
  const auto addresses = interface_addresses();
  if (!addresses) return std::unexpected(addresses.error());
  return choose_advertised(bind, *addresses);
}

std::optional<IpAddress> choose_moved(const IpAddress& bind, const IpAddress& current,
                                      std::span<const InterfaceAddress> addresses) {
  if (std::ranges::find(addresses, current, &InterfaceAddress::ip) != addresses.end())
    return std::nullopt;
  const auto chosen = choose_advertised(bind, addresses);
  return chosen ? std::optional(*chosen) : std::nullopt;
}

std::optional<IpAddress> detect_moved(const IpAddress& bind, const IpAddress& current) {
  const auto addresses = interface_addresses();
  return addresses ? choose_moved(bind, current, *addresses) : std::nullopt;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  return name.data();
}

}  // namespace memberlist::net
