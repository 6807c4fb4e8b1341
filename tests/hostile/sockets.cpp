#include "sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace memberlist::hostile {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

[[noreturn]] void throw_errno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

int open_socket(int type, const std::string& target) {
  const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
  if (fd < 0) throw_errno("socket");
  const sockaddr_in from = to_socket_address(std::string(kAttackerHost) + ":0");
  const sockaddr_in to = to_socket_address(target);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
      ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    const int error = errno;
    ::close(fd);
    errno = error;
    throw_errno("connect");
  }
  return fd;
}

/// False if nothing happens in time.
bool wait_for(int fd, short events, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
    pollfd polled{fd, events, 0};
    const int ready = ::poll(&polled, 1, left > 0 ? static_cast<int>(left) : 0);
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) throw_errno("poll");
  }
}

}  // namespace

sockaddr_in to_socket_address(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(static_cast<std::uint16_t>(std::stoul(address.substr(colon + 1))));
  if (::inet_pton(AF_INET, address.substr(0, colon).c_str(), &result.sin_addr) != 1) {
    throw std::runtime_error("no IPv4 address: " + address);
  }
  return result;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) throw_errno("getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) throw_errno("setrlimit");
}

Descriptor::Descriptor(int fd) : fd_(fd) {
  if (fd < 0) throw_errno("descriptor");
}

Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

UdpSocket::UdpSocket(const std::string& target) : socket_(open_socket(SOCK_DGRAM, target)) {}

void UdpSocket::send(BytesView packet) const {
  (void)::send(socket_.get(), packet.data(), packet.size(), MSG_NOSIGNAL);
}

std::optional<Bytes> UdpSocket::receive(milliseconds timeout) const {
  if (!wait_for(socket_.get(), POLLIN, Clock::now() + timeout)) return std::nullopt;
  Bytes packet(65'536);
  const ssize_t count = ::recv(socket_.get(), packet.data(), packet.size(), MSG_DONTWAIT);
  if (count < 0) return std::nullopt;
  packet.resize(static_cast<std::size_t>(count));
  return packet;
}

std::uint16_t UdpSocket::port() const {
  sockaddr_in own{};
  socklen_t size = sizeof own;
  if (::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&own), &size) != 0) {
    throw_errno("getsockname");
  }
  return ntohs(own.sin_port);
}

TcpStream::TcpStream(const std::string& target) : socket_(open_socket(SOCK_STREAM, target)) {
  ::fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
}

bool TcpStream::write(BytesView bytes, milliseconds timeout) const {
  const auto deadline = Clock::now() + timeout;
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    } else if (errno != EAGAIN && errno != EINTR) {
      return false;
    } else if (!wait_for(socket_.get(), POLLOUT, deadline)) {
      return false;
    }
  }
  return true;
}

void TcpStream::end_writing() const { (void)::shutdown(socket_.get(), SHUT_WR); }

std::optional<Bytes> TcpStream::read_to_end(milliseconds timeout) const {
  const auto deadline = Clock::now() + timeout;
  Bytes result;
  std::array<std::byte, 65'536> buffer;
  for (;;) {
    const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (count > 0) {
      result.insert(result.end(), buffer.begin(), buffer.begin() + count);
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
      return result;
    } else if (!wait_for(socket_.get(), POLLIN, deadline)) {
      return std::nullopt;
    }
  }
}

}  // namespace memberlist::hostile
