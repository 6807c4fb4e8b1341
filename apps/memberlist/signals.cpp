#include "signals.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>
#include <utility>

namespace memberlist::cli {

SignalWatcher::SignalWatcher(std::function<void(int)> on_signal)
    : on_signal_(std::move(on_signal)) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal_fd_ = ::signalfd(-1, &set, SFD_CLOEXEC);
  stop_fd_ = ::eventfd(0, EFD_CLOEXEC);
  if (signal_fd_ < 0 || stop_fd_ < 0) {
    throw std::system_error(errno, std::generic_category(), "waiting for signals");
  }
  thread_ = std::thread([this] { run(); });
}

SignalWatcher::~SignalWatcher() {
  const std::uint64_t one = 1;
  // An eventfd takes a write of 8 bytes whole, and this is its only one.
  static_cast<void>(::write(stop_fd_, &one, sizeof one) == sizeof one);
  thread_.join();
  ::close(signal_fd_);
  ::close(stop_fd_);
}

void SignalWatcher::run() {
  for (;;) {
    std::array<pollfd, 2> fds{{{signal_fd_, POLLIN, 0}, {stop_fd_, POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), -1) < 0) {
      continue;
    }
    if (fds[1].revents != 0) {
      return;
    }
    signalfd_siginfo info{};
    if (fds[0].revents != 0 && ::read(signal_fd_, &info, sizeof info) == sizeof info) {
      on_signal_(static_cast<int>(info.ssi_signo));
    }
  }
}

}  // namespace memberlist::cli
