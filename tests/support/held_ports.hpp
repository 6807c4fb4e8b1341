#pragma once

// Simulates another program that uses ports: for tests of programs that must find a free one.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <functional>
#include <vector>

namespace memberlist::testing {

/// The ports that the kernel chooses from in the network of a test: few enough to hold half of
/// them.
inline constexpr std::uint16_t kFirstPort = 41'000;
inline constexpr std::uint16_t kPorts = 400;

/// Has the kernel choose from these alone. For a thread in a network of its own (own_network.hpp).
[[nodiscard]] inline bool shrink_port_range() {
  std::ofstream range("/proc/sys/net/ipv4/ip_local_port_range");
  range << kFirstPort << ' ' << kFirstPort + kPorts - 1 << std::flush;
  return range.good();
}

/// Sockets bound to ports of 127.0.0.1, as long as this lives.
class HeldPorts {
 public:
  HeldPorts() = default;
  HeldPorts(const HeldPorts&) = delete;
  HeldPorts& operator=(const HeldPorts&) = delete;
  ~HeldPorts() {
    for (const int fd : sockets_) ::close(fd);
  }

  /// `type` is SOCK_STREAM or SOCK_DGRAM; `holds` is asked for each port, counted from 0.
  void hold(int type, const std::function<bool(std::uint16_t)>& holds) {
    for (std::uint16_t i = 0; i < kPorts; ++i) {
      if (!holds(i)) continue;
      sockaddr_in at{};
      at.sin_family = AF_INET;
      at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      at.sin_port = htons(static_cast<std::uint16_t>(kFirstPort + i));
      sockets_.push_back(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
      ASSERT_EQ(::bind(sockets_.back(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    }
  }

 private:
  std::vector<int> sockets_;
};

}  // namespace memberlist::testing
