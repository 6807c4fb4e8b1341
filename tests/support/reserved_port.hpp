#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>

#include "own_loopback.hpp"

namespace memberlist::testing {

/// A reserved port of this test's loopback address, for UDP and TCP, without a listener:
/// connections to it are refused.
class ReservedPort {
 public:
  /// Throws std::runtime_error.
  ReservedPort() {
    // Below the range from which the kernel chooses: between `release` and the bind of its user, no
    // connection of other programs can take it. Tests in other processes search here, too, so each
    // starts somewhere else.
    constexpr std::uint16_t kFirst = 12'000;
    constexpr std::uint16_t kLast = 32'000;
    constexpr int kAttempts = 100;
    std::random_device entropy;
    std::uniform_int_distribution<std::uint16_t> any(kFirst, kLast);
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      port_ = any(entropy);
      if (take(SOCK_STREAM) && take(SOCK_DGRAM)) return;
      release();
    }
    throw std::runtime_error("no port is free for TCP and UDP at once");
  }
  ReservedPort(const ReservedPort&) = delete;
  ReservedPort& operator=(const ReservedPort&) = delete;
  ~ReservedPort() { release(); }

  [[nodiscard]] std::string address() const {
    return own_loopback_text() + ":" + std::to_string(port_);
  }
  /// Lets a program have it that cannot say which port the kernel chose. Another one may still be
  /// quicker.
  void release() {
    for (int& fd : sockets_) {
      if (fd >= 0) ::close(std::exchange(fd, -1));
    }
  }

 private:
  bool take(int type) {
    int& fd = sockets_[type == SOCK_STREAM ? 0 : 1];
    fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    const std::array<std::uint8_t, 4> own = own_loopback();
    std::memcpy(&at.sin_addr.s_addr, own.data(), own.size());
    at.sin_port = htons(port_);
    return fd >= 0 && ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
  }

  std::array<int, 2> sockets_{-1, -1};
  std::uint16_t port_ = 0;
};

}  // namespace memberlist::testing
