#include "http_connection.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <system_error>

namespace memberlist::cli {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxHeadBytes = std::size_t{16} * 1024;
constexpr auto kHeadTimeout = 10s;
// From the accept to the last byte of the body.
constexpr auto kRequestTimeout = 120s;
// Without any progress.
constexpr auto kWriteTimeout = 10s;

// Gives each Range header of a head another name, which nobody asks for: whoever wants nothing of
// ranges ignores them (RFC 9110, section 14.2), while the HTTP library would copy the answer once
// for each range, and cut errors.
void hide_ranges(std::string& head, std::size_t end) {
  constexpr std::string_view kName = "\nrange:";
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  auto from = head.begin();
  const auto to = head.begin() + static_cast<std::ptrdiff_t>(end);
  while ((from = std::search(from, to, kName.begin(), kName.end(), same)) != to) {
    from[1] = 'x';
    from += kName.size();
  }
}

}  // namespace

StopSignal::StopSignal() {
  if (::pipe(fds_.data()) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe");
  }
  for (const int fd : fds_) {
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
}

StopSignal::~StopSignal() {
  raise();
  ::close(fds_[0]);
}

void StopSignal::raise() noexcept {
  if (!raised_.exchange(true)) {
    ::close(fds_[1]);  // the reading end hears of it
  }
}

Connection::Connection(int fd, const StopSignal& stop)
    : fd_(fd), stop_(stop), read_deadline_(Clock::now() + kRequestTimeout) {}

Connection::~Connection() {
  // What was sent and not read (the body of a refused request) would make the kernel reset the
  // connection, and the answer might be lost with it.
  ::shutdown(fd_, SHUT_WR);
  std::array<char, 16 * 1024> unread{};
  for (int i = 0; i < 16 && ::recv(fd_, unread.data(), unread.size(), MSG_DONTWAIT) > 0; ++i) {
  }
  ::close(fd_);
}

Connection::Head Connection::read_head() {
  const auto deadline = Clock::now() + kHeadTimeout;
  std::array<char, 4096> buffer{};
  while (wait_for(POLLIN, deadline)) {
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      continue;
    }
    if (got <= 0) {
      break;
    }
    // The end may lie across two reads.
    const std::size_t from = head_.size() < 3 ? 0 : head_.size() - 3;
    head_.append(buffer.data(), static_cast<std::size_t>(got));
    const std::size_t end = head_.find("\r\n\r\n", from);
    if (std::min(end, head_.size()) > kMaxHeadBytes) {
      return Head::too_large;
    }
    if (end != std::string::npos) {
      hide_ranges(head_, end);
      return Head::complete;
    }
  }
  return Head::none;
}

bool Connection::wait_for(short events, Clock::time_point deadline) const {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(std::max(deadline - Clock::now(), 0ns));
    std::array<pollfd, 2> fds{{{fd_, events, 0}, {stop_.fd(), POLLIN, 0}}};
    const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) {
      continue;
    }
    return ready > 0 && fds[0].revents != 0;
  }
}

bool Connection::is_readable() const {
  return served_ < head_.size() || wait_for(POLLIN, read_deadline_);
}

bool Connection::is_writable() const { return wait_for(POLLOUT, Clock::now() + kWriteTimeout); }

ssize_t Connection::read(char* data, std::size_t size) {
  if (served_ < head_.size()) {
    const std::size_t count = std::min(size, head_.size() - served_);
    std::memcpy(data, head_.data() + served_, count);
    served_ += count;
    return static_cast<ssize_t>(count);
  }
  while (wait_for(POLLIN, read_deadline_)) {
    const ssize_t got = ::recv(fd_, data, size, MSG_DONTWAIT);
    if (got >= 0 || (errno != EAGAIN && errno != EINTR)) {
      return got;
    }
  }
  return -1;
}

ssize_t Connection::write(const char* data, std::size_t size) {
  std::size_t written = 0;
  while (written < size) {
    if (!wait_for(POLLOUT, Clock::now() + kWriteTimeout)) {
      return -1;
    }
    const ssize_t sent = ::send(fd_, data + written, size - written, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      return -1;
    }
    written += sent > 0 ? static_cast<std::size_t>(sent) : 0;
  }
  return static_cast<ssize_t>(size);
}

// Nothing here asks who is at the other end.
void Connection::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

void Connection::get_local_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

}  // namespace memberlist::cli
