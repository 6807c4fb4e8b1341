#pragma once

// Plain blocking sockets of peers that are not ours, and a loop on a thread, for this room's tests.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "../../tests/support/descriptor_limit.hpp"
#include "memberlist/address.hpp"
#include "net/loop.hpp"
#include "net/socket_address.hpp"

namespace memberlist::net {

using testing::DescriptorLimit;

/// A blocking socket whose calls give up after ten seconds.
class PlainSocket {
 public:
  PlainSocket(int type, const IpAddress& ip) : family_(ip.is_v4() ? Family::v4 : Family::v6) {
    fd_ = ::socket(ip.is_v4() ? AF_INET : AF_INET6, type, 0);
    EXPECT_GE(fd_, 0);
    const timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  }
  explicit PlainSocket(int fd) : fd_(fd) {
    const timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  PlainSocket(PlainSocket&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), family_(other.family_) {}
  PlainSocket& operator=(PlainSocket&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(family_, other.family_);
    return *this;
  }
  ~PlainSocket() { close(); }

  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  [[nodiscard]] int fd() const { return fd_; }

  void bind(const IpAddress& ip, std::uint16_t port = 0) {
    const SocketAddress raw = to_socket_address({ip, port}, family_);
    EXPECT_EQ(::bind(fd_, raw.get(), raw.length), 0);
  }
  void connect(const Address& to) {
    const SocketAddress raw = to_socket_address(to, family_);
    EXPECT_EQ(::connect(fd_, raw.get(), raw.length), 0) << system_text(errno);
  }
  void listen() { EXPECT_EQ(::listen(fd_, 8), 0); }
  PlainSocket accept() { return PlainSocket(::accept(fd_, nullptr, nullptr)); }

  [[nodiscard]] Address local() const {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&storage), &length), 0);
    return from_socket_address(reinterpret_cast<sockaddr*>(&storage)).value_or(Address{});
  }
  void send_to(const Address& to, std::string_view text) {
    const SocketAddress raw = to_socket_address(to, family_);
    EXPECT_EQ(::sendto(fd_, text.data(), text.size(), 0, raw.get(), raw.length),
              static_cast<ssize_t>(text.size()));
  }
  bool write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t count = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  void end_writing() { ::shutdown(fd_, SHUT_WR); }
  /// One datagram or piece; empty at the end of a stream, `std::nullopt` on an error.
  std::optional<std::string> read() {
    std::array<char, 65536> room{};
    const ssize_t count = ::recv(fd_, room.data(), room.size(), 0);
    if (count < 0) return std::nullopt;
    return std::string(room.data(), static_cast<std::size_t>(count));
  }
  /// All until the end of the stream; `std::nullopt` if it ends by an error.
  std::optional<std::string> read_all() {
    std::string all;
    for (;;) {
      const auto piece = read();
      if (!piece) return std::nullopt;
      if (piece->empty()) return all;
      all += *piece;
    }
  }

 private:
  int fd_ = -1;
  Family family_ = Family::v4;
};

/// A Loop that runs on a thread of its own.
class RunningLoop {
 public:
  ~RunningLoop() { loop_.stop(); }

  [[nodiscard]] Loop& loop() { return loop_; }
  /// Runs `work` on the loop's thread and waits for it.
  template <class Work>
  auto call(Work work) {
    std::packaged_task<decltype(work())()> task(std::move(work));
    auto done = task.get_future();
    loop_.post([&task] { task(); });
    return done.get();
  }

 private:
  Loop loop_;
  std::jthread thread_{[this] { loop_.run(); }};
};

}  // namespace memberlist::net
