#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>

namespace memberlist::facade_test {

/// Listens, and never says a word.
class SilentPeer {
 public:
  SilentPeer() : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in raw{};
    raw.sin_family = AF_INET;
    raw.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&raw), sizeof raw), 0);
    EXPECT_EQ(::listen(fd_, 8), 0);
    socklen_t length = sizeof raw;
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&raw), &length), 0);
    port_ = ntohs(raw.sin_port);
  }
  SilentPeer(const SilentPeer&) = delete;
  SilentPeer& operator=(const SilentPeer&) = delete;
  ~SilentPeer() { ::close(fd_); }

  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  /// Waits for a connection.
  void wait_for_dial() const { ::close(::accept(fd_, nullptr, nullptr)); }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

}  // namespace memberlist::facade_test
