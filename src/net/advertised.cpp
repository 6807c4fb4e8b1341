#include "net/advertised.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <compare>
#include <string_view>
#include <vector>

#include "base/limits.hpp"
#include "net/socket_address.hpp"

namespace memberlist::net {
namespace {

// RFC 6890 reserves more than the private networks. These are not reachable on the Internet either,
// so a machine that has such an address has it on purpose (test networks).
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

constexpr std::string_view kPublic = "public";

// Why the address is never chosen; empty for a candidate.
std::string_view unfitness(const IpAddress& bind, const InterfaceAddress& address) {
  const IpAddress& ip = address.ip;
  if (address.loopback || ip.is_loopback()) return "loopback";
  if (ip.is_unspecified()) return "unspecified";
  if (!reaches(family_of(bind), ip)) return "this node listens on IPv4 only";
  if (ip.is_link_local() && !ip.is_v4()) return "link-local";
  return ip.is_private() || is_special_purpose(ip) ? std::string_view{} : kPublic;
}

// Compared in this order; the smaller one is better.
struct Rank {
  bool no_carrier = false;
  bool link_local = false;
  bool off_default_route = false;
  bool special_purpose = false;
  bool v4 = false;
  bool other_source = false;  // not the address that packets on the default route leave from

  friend auto operator<=>(const Rank&, const Rank&) = default;
};

bool is_source(const InterfaceAddress& address, const HostNetwork& network) {
  return std::ranges::find(network.default_sources, address.ip) != network.default_sources.end();
}

bool has_default_route(std::string_view interface, const HostNetwork& network) {
  return std::ranges::any_of(network.addresses, [&](const InterfaceAddress& address) {
    return address.interface == interface && is_source(address, network);
  });
}

Rank rank_of(const InterfaceAddress& address, const HostNetwork& network) {
  const IpAddress& ip = address.ip;
  return {.no_carrier = !address.running,
          .link_local = ip.is_link_local(),
          .off_default_route = !has_default_route(address.interface, network),
          .special_purpose = !ip.is_private(),
          .v4 = ip.is_v4(),
          .other_source = !is_source(address, network)};
}

std::string reason_of(const Rank& rank, std::size_t candidates) {
  if (rank.no_carrier) return "it is the best one, although its interface has no carrier";
  if (rank.link_local) {
    return "it is the best one, although only machines on the same link can reach it";
  }
  if (!rank.off_default_route) return "its interface has the default route";
  if (candidates == 1) return "it is the only private address";
  return "it is the first private address, and no interface that has one has the default route";
}

// `10.0.0.1 (eth0), 172.17.42.1 (docker0: no carrier)`; all but the chosen one.
std::string list(const IpAddress& bind, const HostNetwork& network, const InterfaceAddress* chosen,
                 std::string_view if_none) {
  std::string text;
  std::size_t named = 0, left_out = 0;
  for (const InterfaceAddress& address : network.addresses) {
    if (&address == chosen) continue;
    if (named == limits::kNamedAddresses) {
      ++left_out;
      continue;
    }
    std::string_view flaw = unfitness(bind, address);
    if (flaw.empty() && !address.running) flaw = "no carrier";
    if (flaw.empty() && address.ip.is_link_local()) flaw = "link-local";
    text += fmt::format("{}{} ({}{}{})", named++ == 0 ? "" : ", ", address.ip.to_string(),
                        address.interface, flaw.empty() ? "" : ": ", flaw);
  }
  if (left_out > 0) text += fmt::format(" and {} more", left_out);
  return text.empty() ? std::string(if_none) : text;
}

Error nothing_found(const IpAddress& bind, const HostNetwork& network) {
  return {ErrorCode::no_address,
          fmt::format("no private address to advertise was found among {}; set the address to "
                      "advertise, or bind to one address instead of {}",
                      list(bind, network, nullptr, "no addresses at all"), bind.to_string()),
          "advertise"};
}

}  // namespace

Result<AdvertisedChoice> choose_advertised(const IpAddress& bind, const HostNetwork& network) {
  const InterfaceAddress* best = nullptr;
  Rank best_rank;
  std::size_t candidates = 0;
  bool has_public = false;
  for (const InterfaceAddress& address : network.addresses) {
    const std::string_view flaw = unfitness(bind, address);
    has_public = has_public || flaw == kPublic;
    if (!flaw.empty()) continue;
    ++candidates;
    const Rank rank = rank_of(address, network);
    if (best != nullptr && rank >= best_rank) continue;
    best = &address;
    best_rank = rank;
  }
  // The other members are then probably at the public address, and not on this link: the operator
  // has to choose.
  if (best == nullptr || (best_rank.link_local && has_public)) {
    return std::unexpected(nothing_found(bind, network));
  }
  return AdvertisedChoice{.ip = best->ip,
                          .interface = best->interface,
                          .reason = reason_of(best_rank, candidates),
                          .others = list(bind, network, best, ""),
                          .doubtful = best_rank.no_carrier || best_rank.link_local};
}

Result<AdvertisedChoice> detect_advertised(const IpAddress& bind) {
  const auto network = host_network();
  if (!network) return std::unexpected(network.error());
  return choose_advertised(bind, *network);
}

std::optional<AdvertisedChoice> choose_moved(const IpAddress& bind, const IpAddress& current,
                                             const HostNetwork& network) {
  const auto& addresses = network.addresses;
  if (std::ranges::find(addresses, current, &InterfaceAddress::ip) != addresses.end()) {
    return std::nullopt;
  }
  auto chosen = choose_advertised(bind, network);
  return chosen ? std::optional(std::move(*chosen)) : std::nullopt;
}

std::optional<AdvertisedChoice> detect_moved(const IpAddress& bind, const IpAddress& current) {
  const auto network = host_network();
  return network ? choose_moved(bind, current, *network) : std::nullopt;
}

}  // namespace memberlist::net
