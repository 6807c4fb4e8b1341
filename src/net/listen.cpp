#include "net/listen.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.hpp"
#include "net/interfaces.hpp"
#include "net/packet_info.hpp"
#include "net/socket_transport.hpp"
#include "net/sockets.hpp"
#include "net/udp_batch.hpp"

namespace memberlist::net {
namespace {

// Connections that wait to be accepted; the kernel cuts it to its own limit.
constexpr int kListenBacklog = 512;

// Of the same family as `like`, which is not among them.
std::string own_addresses(const IpAddress& like) {
  std::string texts;
  for (const InterfaceAddress& own :
       interface_addresses().value_or(std::vector<InterfaceAddress>())) {
    if (own.ip.is_v4() != like.is_v4()) continue;
    texts += fmt::format("{}{} ({})", texts.empty() ? "" : ", ", own.ip.to_string(), own.interface);
  }
  return texts.empty() ? std::string("none of this family") : texts;
}

Error bind_error(int error, const Address& address, std::string_view kind) {
  const std::string text = address.to_string();
  switch (error) {
    case EADDRINUSE:
      return {ErrorCode::address_in_use,
              fmt::format("cannot listen on {} ({}): another program has this port; stop it, "
                          "choose another port, or port 0 for one that the kernel chooses",
                          text, kind),
              text};
    case EADDRNOTAVAIL:
      return {ErrorCode::invalid_argument,
              fmt::format("bind: {} is not an address of this machine, which has {}; choose one of "
                          "these, or {} for all",
                          address.ip.to_string(), own_addresses(address.ip),
                          address.ip.is_v4() ? "0.0.0.0" : "::"),
              "bind"};
    case EACCES:
      return {ErrorCode::system,
              fmt::format("cannot listen on {} ({}): not permitted; choose a port above 1023", text,
                          kind),
              text};
    case EAFNOSUPPORT:
      return {ErrorCode::system,
              fmt::format("cannot listen on {} ({}): this machine has no {}", text, kind,
                          address.ip.is_v4() ? "IPv4" : "IPv6"),
              text};
    default:
      return {ErrorCode::system,
              fmt::format("cannot listen on {} ({}): {}", text, kind, system_text(error)), text};
  }
}

enum class Kind : std::uint8_t { udp, tcp };

struct Failure {
  int error = 0;
  Kind kind = Kind::udp;
};

// Opens and binds it, and listens if it is for TCP. Returns 0, or the errno.
int bind_one(Descriptor& socket, Kind kind, const Address& address, Family family) {
  socket = open_socket(family, kind == Kind::tcp ? SOCK_STREAM : SOCK_DGRAM);
  if (!socket.is_open()) return errno;
  if (family != Family::v4 &&
      !set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, family == Family::v6 ? 1 : 0)) {
    return errno;
  }
  // A port whose last connections still wait for stray segments may be taken again at once. Not so
  // for UDP, where it would let two programs share the port.
  if (kind == Kind::tcp && !set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1)) return errno;
  const SocketAddress raw = to_socket_address(address, family);
  if (::bind(socket.get(), raw.get(), raw.length) != 0) return errno;
  if (kind == Kind::tcp && ::listen(socket.get(), kListenBacklog) != 0) return errno;
  return 0;
}

// Binds both, the one of kind `first` first. With port 0 the second one follows it to its port,
// which is then that of the address.
std::optional<Failure> bind_in_order(BoundSockets& bound, Kind first) {
  const auto socket_of = [&](Kind kind) -> Descriptor& {
    return kind == Kind::tcp ? bound.tcp : bound.udp;
  };
  const Kind second = first == Kind::tcp ? Kind::udp : Kind::tcp;
  if (const int error = bind_one(socket_of(first), first, bound.address, bound.family)) {
    return Failure{error, first};
  }
  const auto local = local_address_of(socket_of(first));
  if (!local) return Failure{errno, first};
  bound.address.port = local->port;
  const int error = bind_one(socket_of(second), second, bound.address, bound.family);
  return error != 0 ? std::optional(Failure{error, second}) : std::nullopt;
}

void request_receive_buffer(const Descriptor& socket) {
  constexpr std::size_t kLeast = 64 * limits::kKiB;
  for (std::size_t bytes = kReceiveBufferBytes; bytes >= kLeast; bytes /= 2) {
    // Linux grants every request, but cuts it to its limit.
    if (set_option(socket, SOL_SOCKET, SO_RCVBUF, static_cast<int>(bytes))) return;
  }
}

}  // namespace

Result<BoundSockets> bind_both(const Address& wanted) {
  const int attempts = wanted.port == 0 ? limits::kPortAttempts : 1;
  const Family family = family_of(wanted.ip);
  for (int attempt = 0; attempt < attempts; ++attempt) {
    BoundSockets bound{.udp = {}, .tcp = {}, .address = wanted, .family = family};
    // A port that the kernel chooses is free for one of the two, and the other has to follow. They
    // take turns at being the first: the kernel prefers some ports for TCP (of one half of its
    // range, of odd numbers), and just these may be taken for UDP.
    const auto failure = bind_in_order(bound, attempt % 2 == 0 ? Kind::tcp : Kind::udp);
    if (!failure) {
      request_receive_buffer(bound.udp);
      enable_error_queue(bound.udp.get(), bound.family);
      bound.packet_info =
          wanted.ip.is_unspecified() && enable_packet_info(bound.udp.get(), bound.family);
      return bound;
    }
    if (wanted.port != 0 || failure->error != EADDRINUSE) {
      const std::string_view kind = failure->kind == Kind::tcp ? "TCP" : "UDP";
      return std::unexpected(bind_error(failure->error, bound.address, kind));
    }
  }
  return std::unexpected(Error{
      ErrorCode::address_in_use,
      fmt::format("cannot listen on {}: the kernel found no port that is free for UDP and TCP "
                  "in {} attempts; stop what holds them, or choose a port",
                  wanted.ip.to_string(), attempts),
      wanted.to_string()});
}

}  // namespace memberlist::net
