#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace memberlist::interop {

/// Tells one member lies about others, unencrypted.
class Liar {
 public:
  Liar() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}
  Liar(const Liar&) = delete;
  Liar& operator=(const Liar&) = delete;
  ~Liar() { ::close(fd_); }

  /// That `victim` is dead.
  void accuse(const std::string& to, const std::string& victim, std::uint32_t incarnation) const {
    send(to, "\x05\x83" + field("Incarnation") + number(incarnation) + field("Node") + raw(victim) +
                 field("From") + raw("liar"));
  }
  /// That there is a member called `ghost` at 127.0.0.1:9, with these six version bytes.
  void invent(const std::string& to, const std::string& ghost, const std::string& versions) const {
    using namespace std::string_literals;
    send(to, "\x04\x86" + field("Addr") + raw("\x7f\0\0\1"s) + field("Incarnation") + number(1) +
                 field("Meta") + raw("") + field("Node") + raw(ghost) + field("Port") + "\x09" +
                 field("Vsn") + raw(versions));
  }

 private:
  static std::string raw(const std::string& text) {
    return static_cast<char>(0xa0 + text.size()) + text;
  }
  static std::string field(const std::string& name) { return raw(name); }
  static std::string number(std::uint32_t value) {
    std::string bytes = "\xce";
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
    return bytes;
  }
  void send(const std::string& to, const std::string& packet) const {
    const std::size_t colon = to.rfind(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(to.substr(colon + 1))));
    ::inet_pton(AF_INET, to.substr(0, colon).c_str(), &address.sin_addr);
    const ssize_t sent = ::sendto(fd_, packet.data(), packet.size(), 0,
                                  reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (sent < 0) throw std::runtime_error("the lie could not be sent");
  }

  int fd_;
};

}  // namespace memberlist::interop
