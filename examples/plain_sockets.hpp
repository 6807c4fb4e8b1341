#pragma once

// The sockets of own_loop_poll.cpp: IPv4, and no call waits.

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <string>

#include "memberlist/address.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/engine.hpp"

namespace examples {

/// An address as the system has it.
struct RawAddress {
  RawAddress() = default;
  explicit RawAddress(const memberlist::Address& address) {
    raw.sin_family = AF_INET;
    raw.sin_port = htons(address.port);
    std::memcpy(&raw.sin_addr, address.ip.wire_bytes().data(), sizeof raw.sin_addr);
  }
  [[nodiscard]] memberlist::Address address() const {
    const auto ip = memberlist::IpAddress::from_bytes(std::as_bytes(std::span(&raw.sin_addr, 1)));
    return {ip.value_or(memberlist::IpAddress{}), ntohs(raw.sin_port)};
  }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&raw); }

  sockaddr_in raw{};
  socklen_t size = sizeof raw;
};

/// Of a new descriptor: its calls do not wait, and no program that we start has it.
inline int prepared(int fd) {
  if (fd >= 0) ::fcntl(fd, F_SETFL, O_NONBLOCK);
  if (fd >= 0) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return fd;
}

struct BoundSockets {
  int udp = -1;
  int listener = -1;
  memberlist::Address address;
};

/// Binds a socket; `at` gets the port if the kernel has to choose it.
inline bool bind_at(int fd, RawAddress& at) {
  return ::bind(fd, at.get(), at.size) == 0 && ::getsockname(fd, at.get(), &at.size) == 0;
}

/// UDP and TCP at one port. One that the kernel chooses (port 0) is free for one of the two, and
/// another program may have it for the other: then again, and the other one first. Nothing: `errno`
/// says why.
inline std::optional<BoundSockets> bind_both(const memberlist::Address& wanted) {
  const int attempts = wanted.port == 0 ? 128 : 1;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    RawAddress at(wanted);
    const int udp = prepared(::socket(AF_INET, SOCK_DGRAM, 0));
    const int tcp = prepared(::socket(AF_INET, SOCK_STREAM, 0));
    const int yes = 1;  // a program that is started again gets its port at once
    ::setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    const bool tcp_first = attempt % 2 == 0;
    if (bind_at(tcp_first ? tcp : udp, at) && bind_at(tcp_first ? udp : tcp, at) &&
        ::listen(tcp, 128) == 0) {
      return BoundSockets{udp, tcp, at.address()};
    }
    const int why = errno;
    ::close(udp);
    ::close(tcp);
    errno = why;
  }
  return std::nullopt;
}

/// One connection.
class PlainStream {
 public:
  /// One that was accepted, or (`connecting`) is being dialled.
  explicit PlainStream(int fd, bool connecting = false) : fd_(fd), connecting_(connecting) {}
  PlainStream(const PlainStream&) = delete;
  PlainStream& operator=(const PlainStream&) = delete;
  ~PlainStream() { ::close(fd_); }

  /// What poll() is to wait for.
  [[nodiscard]] pollfd wanted() const {
    const bool writes = connecting_ || !unsent_.empty();
    const bool reads = !connecting_ && !read_ended_;
    return {fd_, static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)), 0};
  }
  void write(memberlist::BytesView bytes) {
    unsent_.insert(unsent_.end(), bytes.begin(), bytes.end());
  }
  /// Ends the stream once all is written; then it is over when the peer has ended it, too.
  void close() {
    closed_ = true;
    if (unsent_.empty()) ::shutdown(fd_, SHUT_WR);
  }
  [[nodiscard]] bool closed() const { return closed_; }

  /// Does what poll() found possible, and says what has happened, if anything. What was read is in
  /// `room`.
  std::optional<memberlist::StreamEvent> serve(int ready, std::span<std::byte> room) {
    if (connecting_) return connected();
    if ((ready & POLLOUT) != 0 && !write_some()) return failed(errno);
    if ((ready & ~POLLOUT) == 0) return std::nullopt;
    const auto size = ::recv(fd_, room.data(), room.size(), 0);
    if (size < 0 && errno == EAGAIN) return std::nullopt;
    if (size < 0 || read_ended_) return failed(size < 0 ? errno : ECONNRESET);
    read_ended_ = size == 0;
    if (read_ended_) return memberlist::StreamEnd{};
    return memberlist::StreamData{room.first(static_cast<std::size_t>(size))};
  }

 private:
  memberlist::StreamEvent connected() {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return failed(error);
    connecting_ = false;
    return memberlist::StreamConnected{};
  }
  bool write_some() {
    const auto sent = ::send(fd_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    unsent_.erase(unsent_.begin(), unsent_.begin() + sent);
    if (unsent_.empty() && closed_) ::shutdown(fd_, SHUT_WR);
    return true;
  }
  static memberlist::StreamFailed failed(int error) {
    return {{memberlist::ErrorCode::unreachable, std::strerror(error), {}}};
  }

  int fd_;
  bool connecting_;
  bool read_ended_ = false;
  bool closed_ = false;
  memberlist::Bytes unsent_;
};

}  // namespace examples
