#include "programs.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

namespace memberlist::interop {
namespace {

class Socket {
 public:
  Socket() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { ::close(fd_); }

  void connect(const std::string& address) const {
    const std::size_t colon = address.rfind(':');
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoul(address.substr(colon + 1))));
    if (::inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr) != 1 ||
        ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
      throw std::runtime_error("cannot connect to " + address);
    }
  }

  void send(std::string_view bytes) const {
    if (::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(bytes.size())) {
      throw std::runtime_error("cannot send");
    }
  }

  std::string receive_all() const {
    std::string result;
    std::array<char, 16384> buffer{};
    for (;;) {
      const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
      if (count < 0) throw std::runtime_error("cannot receive");
      if (count == 0) return result;
      result.append(buffer.data(), static_cast<std::size_t>(count));
    }
  }

 private:
  int fd_;
};

}  // namespace

std::string find_program(std::string_view name) {
  const char* path = std::getenv("PATH");
  // Debian's administration programs are not in every user's PATH.
  std::istringstream folders(std::string(path == nullptr ? "" : path) + ":/usr/sbin:/sbin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::filesystem::path candidate = std::filesystem::path(folder) / name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate.string();
  }
  return {};
}

std::string http_get(const std::string& address, const std::string& path) {
  const Socket socket;
  socket.connect(address);
  // HTTP/1.0: the answer ends with the connection, and comes in one piece.
  socket.send("GET " + path + " HTTP/1.0\r\nHost: " + address + "\r\n\r\n");
  const std::string answer = socket.receive_all();
  const std::size_t end_of_header = answer.find("\r\n\r\n");
  if (end_of_header == std::string::npos || answer.find(" 200 ") > answer.find('\r')) {
    throw std::runtime_error(address + path + " answers: " + answer);
  }
  return answer.substr(end_of_header + 4);
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "memberlist-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace memberlist::interop
