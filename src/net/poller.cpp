#include "net/poller.hpp"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <limits>
#include <system_error>
#include <vector>

#include "net/descriptor.hpp"

#if defined(__linux__) && !defined(MEMBERLIST_PORTABLE_POLLER)
#define MEMBERLIST_EPOLL
#include <sys/epoll.h>
#include <sys/eventfd.h>
#endif

namespace memberlist::net {
namespace {

[[noreturn]] void throw_errno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// Rounded up, so that nobody is woken just before the time, in vain. -1: for ever.
int to_milliseconds(std::optional<Duration> timeout) {
  if (!timeout) return -1;
  constexpr std::int64_t kMost = std::numeric_limits<int>::max();
  const auto wanted = std::chrono::ceil<std::chrono::milliseconds>(*timeout).count();
  return static_cast<int>(std::clamp<std::int64_t>(wanted, 0, kMost));
}

}  // namespace

#if defined(MEMBERLIST_EPOLL)

struct Poller::State {
  // More are reported by the next call.
  static constexpr std::size_t kEventsPerCall = 128;
  static constexpr std::uint64_t kWakerKey = std::numeric_limits<std::uint64_t>::max();

  Descriptor epoll{::epoll_create1(EPOLL_CLOEXEC)};
  Descriptor waker{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  std::array<epoll_event, kEventsPerCall> events{};
  std::vector<Ready> ready;
};

Poller::Poller() : state_(std::make_unique<State>()) {
  if (!state_->epoll.is_open()) throw_errno("epoll_create1");
  if (!state_->waker.is_open()) throw_errno("eventfd");
  if (const int error = want(state_->waker.get(), State::kWakerKey, {}, {.read = true})) {
    throw std::system_error(error, std::generic_category(), "epoll_ctl");
  }
  state_->ready.reserve(State::kEventsPerCall);
}

int Poller::want(int descriptor, std::uint64_t key, Readiness before, Readiness now) {
  epoll_event event{};
  if (now.read) event.events |= EPOLLIN;
  if (now.write) event.events |= EPOLLOUT;
  event.data.u64 = key;
  // Not left in with nothing wanted: epoll would report its failures all the same, without end.
  const int what = !now.any() ? EPOLL_CTL_DEL : before.any() ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  return ::epoll_ctl(state_->epoll.get(), what, descriptor, &event) == 0 ? 0 : errno;
}

std::span<const Poller::Ready> Poller::wait(std::optional<Duration> timeout) {
  State& s = *state_;
  s.ready.clear();
  const int count = ::epoll_wait(s.epoll.get(), s.events.data(), static_cast<int>(s.events.size()),
                                 to_milliseconds(timeout));
  // A signal has interrupted it: -1, and nothing is ready.
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = s.events[static_cast<std::size_t>(i)];
    if (event.data.u64 == State::kWakerKey) {
      std::uint64_t times = 0;
      (void)!::read(s.waker.get(), &times, sizeof times);
      continue;
    }
    const bool failed = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
    s.ready.push_back({event.data.u64,
                       {.read = failed || (event.events & EPOLLIN) != 0,
                        .write = failed || (event.events & EPOLLOUT) != 0}});
  }
  return s.ready;
}

void Poller::wake() noexcept {
  const std::uint64_t once = 1;
  (void)!::write(state_->waker.get(), &once, sizeof once);  // fails only where it is awake anyway
}

#else

struct Poller::State {
  Descriptor woken;  // the end of a pipe to read from
  Descriptor waker;
  std::vector<pollfd> polled;  // the pipe first
  std::vector<std::uint64_t> keys;
  std::vector<Ready> ready;
};

Poller::Poller() : state_(std::make_unique<State>()) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) throw_errno("pipe");
  state_->woken = Descriptor(ends[0]);
  state_->waker = Descriptor(ends[1]);
  for (const int end : ends) {
    ::fcntl(end, F_SETFL, O_NONBLOCK);
    ::fcntl(end, F_SETFD, FD_CLOEXEC);
  }
  state_->polled.push_back({ends[0], POLLIN, 0});
  state_->keys.push_back(0);
}

int Poller::want(int descriptor, std::uint64_t key, Readiness before, Readiness now) {
  State& s = *state_;
  std::size_t at = s.polled.size();
  if (before.any()) {
    at = static_cast<std::size_t>(std::ranges::find(s.polled, descriptor, &pollfd::fd) -
                                  s.polled.begin());
  } else {
    s.polled.push_back({descriptor, 0, 0});
    s.keys.push_back(key);
  }
  if (now.any()) {
    s.polled[at].events = static_cast<short>((now.read ? POLLIN : 0) | (now.write ? POLLOUT : 0));
  } else {
    s.polled.erase(s.polled.begin() + static_cast<std::ptrdiff_t>(at));
    s.keys.erase(s.keys.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return 0;
}

std::span<const Poller::Ready> Poller::wait(std::optional<Duration> timeout) {
  State& s = *state_;
  s.ready.clear();
  const int count = ::poll(s.polled.data(), s.polled.size(), to_milliseconds(timeout));
  if (count <= 0) return s.ready;  // time is up, or a signal
  if (s.polled[0].revents != 0) {
    std::array<char, 64> bytes{};
    while (::read(s.woken.get(), bytes.data(), bytes.size()) > 0) continue;
  }
  for (std::size_t i = 1; i < s.polled.size(); ++i) {
    const int events = s.polled[i].revents;
    if (events == 0) continue;
    const bool failed = (events & (POLLERR | POLLHUP | POLLNVAL)) != 0;
    s.ready.push_back(
        {s.keys[i],
         {.read = failed || (events & POLLIN) != 0, .write = failed || (events & POLLOUT) != 0}});
  }
  return s.ready;
}

void Poller::wake() noexcept {
  const char once = 0;
  (void)!::write(state_->waker.get(), &once, sizeof once);  // fails only where it is awake anyway
}

#endif

Poller::~Poller() = default;

}  // namespace memberlist::net
