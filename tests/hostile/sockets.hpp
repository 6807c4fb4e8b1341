#pragma once

#include <netinet/in.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "memberlist/bytes.hpp"

namespace memberlist::hostile {

/// Attackers send from here, so that they are unknown to the cluster, and take no share of the
/// streams of the members at 127.0.0.1.
inline constexpr const char* kAttackerHost = "127.0.0.2";

/// `HOST:PORT`, IPv4.
sockaddr_in to_socket_address(const std::string& address);

/// Lets this process, and those that it starts, have as many descriptors as it may.
void raise_descriptor_limit();

/// A descriptor that is closed with its owner.
class Descriptor {
 public:
  explicit Descriptor(int fd);  ///< throws std::system_error if below 0
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const { return fd_; }

 private:
  int fd_;
};

/// A UDP socket of the attacker's. Throws std::system_error.
class UdpSocket {
 public:
  explicit UdpSocket(const std::string& target);

  /// Packets may be lost: tests that need to know ask for an answer.
  void send(BytesView packet) const;
  std::optional<Bytes> receive(std::chrono::milliseconds timeout) const;
  std::uint16_t port() const;

 private:
  Descriptor socket_;
};

/// A TCP connection of the attacker's. Whatever the agent does to it is fine: errors are ends.
class TcpStream {
 public:
  /// Throws std::system_error if the agent does not listen.
  explicit TcpStream(const std::string& target);

  /// As much as goes until the agent has closed, or `timeout` is over; false then.
  bool write(BytesView bytes, std::chrono::milliseconds timeout = std::chrono::seconds(10)) const;
  void end_writing() const;
  /// What comes until the agent ends it; nothing if it does not within `timeout`.
  std::optional<Bytes> read_to_end(std::chrono::milliseconds timeout) const;

 private:
  Descriptor socket_;
};

}  // namespace memberlist::hostile
