#include "net/listen.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <asio/ip/v6_only.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "net/interfaces.hpp"
#include "net/packet_info.hpp"
#include "net/socket_transport.hpp"
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

Error bind_error(const asio::error_code& error, const Address& address, std::string_view kind) {
  const std::string text = address.to_string();
  switch (error.value()) {
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
              fmt::format("cannot listen on {} ({}): {}", text, kind, error.message()), text};
  }
}

template <class Socket>
typename Socket::endpoint_type endpoint_of(const Address& address, Family family) {
  const SocketAddress raw = to_socket_address(address, family);
  typename Socket::endpoint_type endpoint;
  endpoint.resize(raw.length);
  std::memcpy(endpoint.data(), raw.get(), raw.length);
  return endpoint;
}

// Opens and binds it, and listens if it is for TCP.
template <class Socket>
asio::error_code bind_one(Socket& socket, const Address& address, Family family) {
  constexpr bool kIsListener = std::is_same_v<Socket, asio::ip::tcp::acceptor>;
  asio::error_code error;
  const auto endpoint = endpoint_of<Socket>(address, family);
  socket.open(endpoint.protocol(), error);
  if (error) return error;
  close_on_exec(socket.native_handle());
  if (family != Family::v4) {
    socket.set_option(asio::ip::v6_only(family == Family::v6), error);
    if (error) return error;
  }
  if constexpr (kIsListener) {
    // A port whose last connections still wait for stray segments may be taken again at once.
    // Not so for UDP, where it would let two programs share the port.
    socket.set_option(asio::socket_base::reuse_address(true), error);
    if (error) return error;
  }
  socket.bind(endpoint, error);
  if (error) return error;
  socket.non_blocking(true, error);
  if (error) return error;
  if constexpr (kIsListener) socket.listen(kListenBacklog, error);
  return error;
}

struct Failure {
  asio::error_code error;
  std::string_view kind;
};

// Binds the first one at `address`, whose port it fills in, and the second one at the same.
template <class First, class Second>
std::optional<Failure> bind_in_order(First& first, Second& second, Address& address,
                                     Family family) {
  const auto kind_of = []<class Socket>(const Socket&) -> std::string_view {
    return std::is_same_v<Socket, asio::ip::udp::socket> ? "UDP" : "TCP";
  };
  if (const auto error = bind_one(first, address, family)) return Failure{error, kind_of(first)};
  asio::error_code error;
  address.port = first.local_endpoint(error).port();
  if (error) return Failure{error, kind_of(first)};
  error = bind_one(second, address, family);
  return error ? std::optional(Failure{error, kind_of(second)}) : std::nullopt;
}

void request_receive_buffer(asio::ip::udp::socket& socket) {
  constexpr std::size_t kLeast = 64 * limits::kKiB;
  for (std::size_t bytes = kReceiveBufferBytes; bytes >= kLeast; bytes /= 2) {
    asio::error_code error;
    socket.set_option(asio::socket_base::receive_buffer_size(static_cast<int>(bytes)), error);
    if (!error) return;  // Linux grants every request, but cuts it to its limit
  }
}

}  // namespace

Result<BoundSockets> bind_both(asio::io_context& io, const Address& wanted) {
  const int attempts = wanted.port == 0 ? limits::kPortAttempts : 1;
  const Family family = family_of(wanted.ip);
  for (int attempt = 0; attempt < attempts; ++attempt) {
    BoundSockets bound{.udp = asio::ip::udp::socket(io),
                       .tcp = asio::ip::tcp::acceptor(io),
                       .address = wanted,
                       .family = family};
    // A port that the kernel chooses is free for one of the two, and the other has to follow. They
    // take turns at being the first: the kernel prefers some ports for TCP (of one half of its
    // range, of odd numbers), and just these may be taken for UDP.
    const auto failure = attempt % 2 == 0
                             ? bind_in_order(bound.tcp, bound.udp, bound.address, family)
                             : bind_in_order(bound.udp, bound.tcp, bound.address, family);
    if (!failure) {
      request_receive_buffer(bound.udp);
      enable_error_queue(bound.udp.native_handle(), bound.family);
      bound.packet_info =
          wanted.ip.is_unspecified() && enable_packet_info(bound.udp.native_handle(), bound.family);
      return bound;
    }
    if (wanted.port != 0 || failure->error.value() != EADDRINUSE) {
      return std::unexpected(bind_error(failure->error, bound.address, failure->kind));
    }
  }
  return std::unexpected(Error{
      ErrorCode::address_in_use,
      fmt::format("cannot listen on {}: the kernel found no port that is free for UDP and TCP "
                  "in {} attempts; stop what holds them, or choose a port",
                  wanted.ip.to_string(), attempts),
      wanted.to_string()});
}

void close_on_exec(int descriptor) noexcept {
  const int flags = ::fcntl(descriptor, F_GETFD);
  if (flags >= 0) ::fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC);
}

}  // namespace memberlist::net
