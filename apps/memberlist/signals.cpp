#include "signals.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <system_error>
#include <utility>

namespace memberlist::cli {

namespace {

// Those that ask for an end. SIGPWR and SIGXCPU come before one that cannot be handled.
constexpr std::array kLeave{SIGINT, SIGTERM, SIGQUIT, SIGPWR, SIGXCPU};
// Signals that would end the process if they were not handled. SIGABRT and the other crash signals
// are unchanged, and so are those that stop and continue a process.
constexpr std::array kNothing{SIGHUP,    SIGUSR1, SIGUSR2, SIGALRM,
                              SIGVTALRM, SIGPROF, SIGIO,   SIGSTKFLT};

bool has_terminal() {
  const int fd = ::open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

bool is_ignored(int signal) {
  struct sigaction action{};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

Terminal::Terminal() : matters_(has_terminal() && !is_ignored(SIGHUP)) {}
bool Terminal::is_lost() const { return matters_ && !has_terminal(); }

std::optional<SignalMeaning> meaning_of(int signal, bool hang_up_is_end) {
  if (std::ranges::find(kLeave, signal) != kLeave.end() || (signal == SIGHUP && hang_up_is_end)) {
    return SignalMeaning::leave;
  }
  const bool real_time = signal >= SIGRTMIN && signal <= SIGRTMAX;
  if (std::ranges::find(kNothing, signal) != kNothing.end() || real_time) {
    return SignalMeaning::nothing;
  }
  return std::nullopt;
}

std::string signal_name(int signal) {
  if (signal >= SIGRTMIN && signal <= SIGRTMAX) {
    return fmt::format("SIGRTMIN+{}", signal - SIGRTMIN);
  }
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", signal);
}

sigset_t agent_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    if (meaning_of(signal, false)) sigaddset(&set, signal);
  }
  return set;
}

sigset_t end_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

SignalPoll::SignalPoll(const sigset_t& signals) : signals_(signals) {
  ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
}

int SignalPoll::signal() noexcept {
  constexpr timespec kAtOnce{};
  if (signal_ == 0) signal_ = std::max(0, ::sigtimedwait(&signals_, nullptr, &kAtOnce));
  return signal_;
}

SignalWatcher::SignalWatcher(const sigset_t& signals, std::function<void(int)> on_signal)
    : on_signal_(std::move(on_signal)) {
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal_fd_ = ::signalfd(-1, &signals, SFD_CLOEXEC);
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
    if (::poll(fds.data(), fds.size(), -1) < 0) continue;
    if (fds[1].revents != 0) return;
    signalfd_siginfo info{};
    if (fds[0].revents != 0 && ::read(signal_fd_, &info, sizeof info) == sizeof info) {
      on_signal_(static_cast<int>(info.ssi_signo));
    }
  }
}

}  // namespace memberlist::cli
