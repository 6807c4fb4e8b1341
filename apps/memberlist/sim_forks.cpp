#include "sim_forks.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>

#include "signals.hpp"

namespace memberlist::cli {

namespace {

constexpr int kWaitMilliseconds = 100;

static_assert(std::is_trivially_copyable_v<Ending>, "it passes a pipe");

// What the copy of the process does; it never returns into the code of its parent.
[[noreturn]] void live(::pid_t parent, int pipe, const std::function<Ending()>& future) {
#if defined(__linux__)
  // Whoever ends the parent ends the futures, too.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  if (::getppid() != parent) ::_exit(kExitFailed);
  try {
    const Ending ending = future();
    // Fewer bytes than a pipe takes at once.
    const bool told = ::write(pipe, &ending, sizeof ending) == sizeof ending;
    ::_exit(told ? kExitDone : kExitFailed);
  } catch (const std::exception& error) {
    report(fmt::format("a future failed: {}", error.what()));
    ::_exit(kExitFailed);
  }
}

int wait_for_end(::pid_t process) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

std::string end_text(int status) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
    return "a future was killed: perhaps there is too little memory; give fewer --jobs";
  }
  if (WIFSIGNALED(status)) {
    return fmt::format("a future was ended by {}", signal_name(WTERMSIG(status)));
  }
  return "a future ended without a result";
}

}  // namespace

ForkPool::~ForkPool() {
  for (const Child& child : children_) ::kill(child.process, SIGKILL);
  for (const Child& child : children_) {
    static_cast<void>(wait_for_end(child.process));
    ::close(child.pipe);
  }
}

void ForkPool::fail(std::string text) {
  if (!failure_) failure_ = CommandError{kExitFailed, std::move(text)};
}

bool ForkPool::start(std::size_t number, const std::function<Ending()>& future) {
  if (!wait_until_fewer(jobs_)) return false;
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    fail(fmt::format("cannot make a pipe: {}", std::strerror(errno)));
    return false;
  }
  const ::pid_t parent = ::getpid();
  const ::pid_t process = ::fork();
  if (process == 0) live(parent, pipe[1], future);
  ::close(pipe[1]);
  if (process < 0) {
    ::close(pipe[0]);
    fail(fmt::format("cannot fork: {}; give fewer --jobs", std::strerror(errno)));
    return false;
  }
  children_.push_back({.process = process, .pipe = pipe[0], .number = number});
  return true;
}

bool ForkPool::finish() { return wait_until_fewer(1); }

bool ForkPool::wait_until_fewer(std::size_t most) {
  do {
    // What has ended is taken in even if there is room.
    if (!wait_for_some(children_.size() < most ? 0 : kWaitMilliseconds)) return false;
  } while (children_.size() >= most);
  return true;
}

// Takes in those that have ended, or will within this time.
bool ForkPool::wait_for_some(int milliseconds) {
  std::vector<pollfd> fds;
  fds.reserve(children_.size());
  for (const Child& child : children_) fds.push_back({child.pipe, POLLIN, 0});
  if (::poll(fds.data(), fds.size(), milliseconds) < 0) return waiting_();
  for (std::size_t i = fds.size(); i-- > 0;) {
    if (fds[i].revents == 0) continue;
    const Child child = children_[i];
    children_.erase(children_.begin() + static_cast<std::ptrdiff_t>(i));
    collect(child);
  }
  return waiting_() && !failure_;
}

void ForkPool::collect(const Child& child) {
  Ending ending;
  const bool told = ::read(child.pipe, &ending, sizeof ending) == sizeof ending;
  ::close(child.pipe);
  const int status = wait_for_end(child.process);
  if (!told) return fail(end_text(status));
  if (endings_.size() <= child.number) endings_.resize(child.number + 1);
  endings_[child.number] = ending;
  ++done_;
}

}  // namespace memberlist::cli
