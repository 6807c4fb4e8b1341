#include "net/sockets.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>

namespace memberlist::net {
namespace {

#if defined(SOCK_CLOEXEC) && defined(SOCK_NONBLOCK)
constexpr int kFlags = SOCK_CLOEXEC | SOCK_NONBLOCK;
#else
Descriptor prepared(Descriptor socket) noexcept {
  if (!socket.is_open()) return socket;
  ::fcntl(socket.get(), F_SETFD, FD_CLOEXEC);
  ::fcntl(socket.get(), F_SETFL, O_NONBLOCK);
#if defined(SO_NOSIGPIPE)
  (void)set_option(socket, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
  return socket;
}
#endif

using NameCall = int (*)(int, sockaddr*, socklen_t*);

std::optional<Address> name_of(const Descriptor& socket, NameCall call) noexcept {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  auto* raw = reinterpret_cast<sockaddr*>(&storage);
  if (call(socket.get(), raw, &length) != 0) return std::nullopt;
  return from_socket_address(raw);
}

}  // namespace

Descriptor open_socket(Family family, int type) noexcept {
  const int domain = family == Family::v4 ? AF_INET : AF_INET6;
#if defined(SOCK_CLOEXEC) && defined(SOCK_NONBLOCK)
  return Descriptor(::socket(domain, type | kFlags, 0));
#else
  return prepared(Descriptor(::socket(domain, type, 0)));
#endif
}

Descriptor accept_connection(const Descriptor& listener) noexcept {
#if defined(SOCK_CLOEXEC) && defined(SOCK_NONBLOCK)
  return Descriptor(::accept4(listener.get(), nullptr, nullptr, kFlags));
#else
  return prepared(Descriptor(::accept(listener.get(), nullptr, nullptr)));
#endif
}

bool set_option(const Descriptor& socket, int level, int name, int value) noexcept {
  return ::setsockopt(socket.get(), level, name, &value, sizeof value) == 0;
}

std::optional<Address> local_address_of(const Descriptor& socket) noexcept {
  return name_of(socket, &::getsockname);
}

std::optional<Address> peer_address_of(const Descriptor& socket) noexcept {
  return name_of(socket, &::getpeername);
}

int connect_result(const Descriptor& socket) noexcept {
  int result = 0;
  socklen_t length = sizeof result;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &result, &length) != 0) return errno;
  return result;
}

void reset_at_close(const Descriptor& socket) noexcept {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace memberlist::net
