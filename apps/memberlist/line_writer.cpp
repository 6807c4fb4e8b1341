#include "line_writer.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace memberlist::cli {

namespace {

// What a pipe takes whole once poll says that it can be written to.
constexpr std::size_t kPieceBytes = PIPE_BUF;

enum class Ready : std::uint8_t { yes, no, told_to_stop };

// A negative timeout waits for ever. `stop_fd` may be -1.
Ready wait_until_writable(int fd, int stop_fd, int timeout_ms) noexcept {
  for (;;) {
    std::array<pollfd, 2> fds{{{fd, POLLOUT, 0}, {stop_fd, POLLIN, 0}}};
    const int count = ::poll(fds.data(), fds.size(), timeout_ms);
    if (count < 0 && errno == EINTR) continue;
    if (fds[1].revents != 0) return Ready::told_to_stop;
    return count == 0 ? Ready::no : Ready::yes;  // of an error the write tells
  }
}

// What is left of the bytes after one write; nothing if it failed.
std::optional<std::string_view> write_piece(int fd, std::string_view bytes) noexcept {
  const ssize_t count = ::write(fd, bytes.data(), std::min(bytes.size(), kPieceBytes));
  if (count < 0) {
    // Another process may have made the descriptor non-blocking; poll is called again.
    return errno == EINTR || errno == EAGAIN ? std::optional(bytes) : std::nullopt;
  }
  return bytes.substr(static_cast<std::size_t>(count));
}

// Signals are for the threads that expect them.
std::thread start_without_signals(std::function<void()> run) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(run));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

bool write_within(int fd, std::string_view bytes, std::chrono::milliseconds patience) noexcept {
  while (!bytes.empty()) {
    if (wait_until_writable(fd, -1, static_cast<int>(patience.count())) != Ready::yes) return false;
    const auto left = write_piece(fd, bytes);
    if (!left) return false;
    bytes = *left;
  }
  return true;
}

// Shared with the thread, which outlives the writer if a write does not come back.
class LineWriter::Queue {
 public:
  Queue(int fd, TellLost tell_lost, LineLimits limits)
      : fd_(fd),
        stop_fd_(::eventfd(0, EFD_CLOEXEC)),
        tell_lost_(std::move(tell_lost)),
        limits_(limits) {
    if (stop_fd_ < 0) throw std::system_error(errno, std::generic_category(), "writing lines");
  }
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;
  ~Queue() { ::close(stop_fd_); }

  void push(std::string line) {
    const std::scoped_lock lock(mutex_);
    if (closed_) return;
    bytes_ += line.size();
    lines_.push_back(std::move(line));
    while (lines_.size() > 1 && (lines_.size() > limits_.lines || bytes_ > limits_.bytes)) {
      bytes_ -= lines_.front().size();
      lines_.pop_front();
      lose_one();
    }
    changed_.notify_all();
  }

  // True once the thread has nothing more to do.
  bool close(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    closed_ = true;
    changed_.notify_all();
    const auto ended = [this] { return ended_; };
    if (changed_.wait_for(lock, timeout, ended)) return true;
    const std::uint64_t one = 1;
    // An eventfd takes a write of 8 bytes whole, unless it is full, and then it is set.
    static_cast<void>(::write(stop_fd_, &one, sizeof one) == sizeof one);
    // Only a write that hangs in spite of poll keeps the thread now.
    return changed_.wait_for(lock, std::chrono::milliseconds(100), ended);
  }

  std::uint64_t lost() const {
    const std::scoped_lock lock(mutex_);
    return lost_;
  }

  void run() {
    while (const auto line = next()) {
      if (!write(*line)) break;
    }
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

 private:
  void lose_one() {
    ++lost_;
    ++untold_;
  }

  std::optional<std::string> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || !lines_.empty(); });
    if (lines_.empty()) return std::nullopt;
    std::string line = std::move(lines_.front());
    lines_.pop_front();
    bytes_ -= line.size();
    return line;
  }

  // Writes the line, after one about lost lines. False if it was stopped.
  bool write(const std::string& line) {
    std::uint64_t told = 0;
    {
      const std::scoped_lock lock(mutex_);
      told = untold_;
    }
    if (told > 0) {
      switch (write_whole(tell_lost_(told))) {
        case Ready::told_to_stop:
          return false;
        case Ready::yes: {
          const std::scoped_lock lock(mutex_);
          untold_ -= told;
          break;
        }
        case Ready::no:
          break;
      }
    }
    const Ready written = write_whole(line);
    if (written != Ready::yes) {
      const std::scoped_lock lock(mutex_);
      lose_one();
    }
    return written != Ready::told_to_stop;
  }

  // No: the descriptor refuses it.
  Ready write_whole(const std::string& line) {
    // After a line that broke off, as on a full disk, the next one begins where lines begin.
    const std::string text = broken_off_ ? "\n" + line : line;
    std::string_view left = text;
    while (!left.empty()) {
      if (wait_until_writable(fd_, stop_fd_, -1) == Ready::told_to_stop) return Ready::told_to_stop;
      const auto rest = write_piece(fd_, left);
      if (!rest) {
        broken_off_ = broken_off_ || left.size() < text.size();
        return Ready::no;
      }
      left = *rest;
    }
    broken_off_ = false;
    return Ready::yes;
  }

  const int fd_;
  const int stop_fd_;
  const TellLost tell_lost_;
  const LineLimits limits_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> lines_;
  std::size_t bytes_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t untold_ = 0;  // of these, those that no line has told of
  bool closed_ = false;
  bool ended_ = false;
  bool broken_off_ = false;  // the thread's own
};

LineWriter::LineWriter(int fd, TellLost tell_lost, LineLimits limits)
    : queue_(std::make_shared<Queue>(fd, std::move(tell_lost), limits)),
      thread_(start_without_signals([queue = queue_] { queue->run(); })) {}

LineWriter::~LineWriter() { close(kLastLinesTimeout); }

void LineWriter::push(std::string line) { queue_->push(std::move(line)); }

void LineWriter::close(std::chrono::milliseconds timeout) {
  if (!thread_.joinable()) return;
  if (queue_->close(timeout)) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

std::uint64_t LineWriter::lost() const { return queue_->lost(); }

}  // namespace memberlist::cli
