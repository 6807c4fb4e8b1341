#include "process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#ifdef __linux__
#include <sys/prctl.h>
#endif

extern char** environ;

namespace memberlist::testing {
namespace {

[[noreturn]] void throw_errno(const std::string& what, int error = errno) {
  throw std::system_error(error, std::generic_category(), what);
}

/// A file descriptor that is closed with its owner.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { reset(); }

  int get() const { return fd_; }
  void reset() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read;
  Fd write;
};

/// Close-on-exec, so that no child inherits the pipes of another.
Pipe make_pipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) throw_errno("pipe");
  return {Fd(fds[0]), Fd(fds[1])};
}

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& changes) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!changes.contains(std::string(text.substr(0, text.find('='))))) result.emplace_back(text);
  }
  for (const auto& [name, value] : changes) result.push_back(name + "=" + value);
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// The child's side between fork and exec: only async-signal-safe calls.
struct ChildSetup {
  pid_t parent;
  int input;
  int output;
  int error;
  const char* directory;
  char** argv;
  char** environment;

  /// Returns only on failure, with errno set.
  void run() const {
    ::setpgid(0, 0);
#ifdef __linux__
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);  // the parent died before the request was made
#endif
    sigset_t none;
    sigemptyset(&none);
    ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
    if (::dup2(input, STDIN_FILENO) < 0 || ::dup2(output, STDOUT_FILENO) < 0 ||
        ::dup2(error, STDERR_FILENO) < 0) {
      return;
    }
    if (directory != nullptr && ::chdir(directory) != 0) return;
    ::execvpe(argv[0], argv, environment);
  }
};

/// Appends what can be read at once; false at the end of the file.
bool drain(int fd, std::string& out) {
  std::array<char, 16384> buffer{};
  const ssize_t count = ::read(fd, buffer.data(), buffer.size());
  if (count < 0) return errno == EINTR || errno == EAGAIN;
  out.append(buffer.data(), static_cast<std::size_t>(count));
  return count > 0;
}

/// Keeps a write to a closed pipe from ending the whole test: blocks SIGPIPE for this thread and
/// takes back the one that such a write leaves pending.
class SigpipeGuard {
 public:
  SigpipeGuard() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &previous_);
  }
  SigpipeGuard(const SigpipeGuard&) = delete;
  SigpipeGuard& operator=(const SigpipeGuard&) = delete;
  ~SigpipeGuard() {
    const timespec at_once{};
    while (::sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
    }
    ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
  }

 private:
  sigset_t pipe_{};
  sigset_t previous_{};
};

ExitStatus to_exit_status(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return {info.si_status, 0};
  return {std::nullopt, info.si_status};
}

}  // namespace

struct Process::State {
  pid_t pid = -1;
  Fd input;
  Fd output;
  Fd error;
  Pipe stop;
  Pipe ended;

  mutable std::mutex mutex;
  std::condition_variable changed;
  std::string output_text;
  std::size_t output_read = 0;
  bool output_closed = false;
  std::string error_text;
  std::optional<ExitStatus> status;      // what `wait` tells: after all output is read
  std::optional<ExitStatus> raw_status;  // as soon as the process has ended

  std::thread reader;
  std::thread waiter;

  explicit State(ProcessOptions options);
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State();

  void read_output();
  void wait_for_end();
  std::optional<std::string> take_line();
};

Process::State::State(ProcessOptions options) : stop(make_pipe()), ended(make_pipe()) {
  if (options.argv.empty()) throw std::invalid_argument("a process needs at least a program");
  Pipe in = make_pipe();
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  Pipe failure = make_pipe();
  std::vector<std::string> environment = merged_environment(options.environment);
  std::vector<char*> environment_pointers = pointers(environment);
  std::vector<char*> argv_pointers = pointers(options.argv);
  const std::string directory = options.directory.string();
  const ChildSetup setup{::getpid(),
                         in.read.get(),
                         out.write.get(),
                         err.write.get(),
                         directory.empty() ? nullptr : directory.c_str(),
                         argv_pointers.data(),
                         environment_pointers.data()};
  pid = ::fork();
  if (pid < 0) throw_errno("fork");
  if (pid == 0) {
    setup.run();
    const int error_number = errno;
    static_cast<void>(!::write(failure.write.get(), &error_number, sizeof error_number));
    ::_exit(127);
  }
  failure.write.reset();
  int child_error = 0;
  ssize_t count = 0;
  do {
    count = ::read(failure.read.get(), &child_error, sizeof child_error);
  } while (count < 0 && errno == EINTR);
  if (count != 0) {
    ::waitpid(pid, nullptr, 0);
    throw_errno("cannot start " + options.argv[0], child_error);
  }
  input = std::move(in.write);
  output = std::move(out.read);
  error = std::move(err.read);
  reader = std::thread([this] { read_output(); });
  waiter = std::thread([this] { wait_for_end(); });
}

Process::State::~State() {
  // Until it is reaped below the pid cannot belong to anyone else, dead or alive.
  ::kill(-pid, SIGKILL);
  ::kill(pid, SIGKILL);
  waiter.join();
  // A process that left the group and still holds the pipe must not keep us waiting for its end.
  stop.write.reset();
  reader.join();
  ::waitpid(pid, nullptr, 0);
}

void Process::State::read_output() {
  bool output_open = true;
  bool error_open = true;
  bool running = true;
  while (output_open || error_open || running) {
    std::array<pollfd, 4> fds{{{output_open ? output.get() : -1, POLLIN, 0},
                               {error_open ? error.get() : -1, POLLIN, 0},
                               {running ? ended.read.get() : -1, POLLIN, 0},
                               {stop.read.get(), POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), -1) < 0) continue;
    std::string text;
    std::string error_bytes;
    if (fds[0].revents != 0) output_open = drain(output.get(), text);
    if (fds[1].revents != 0) error_open = drain(error.get(), error_bytes);
    const std::lock_guard lock(mutex);
    output_text += text;
    error_text += error_bytes;
    output_closed = !output_open;
    // What is there is read before an end is told or a stop obeyed.
    if (text.empty() && error_bytes.empty()) {
      if (fds[2].revents != 0) {
        running = false;
        status = raw_status;
      }
      if (fds[3].revents != 0) output_open = error_open = running = false;
    }
    changed.notify_all();
  }
}

void Process::State::wait_for_end() {
  siginfo_t info{};
  // Not reaped here: as a zombie it keeps its pid, so that a late signal hits no other process.
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) != 0) {
    if (errno != EINTR) break;
  }
  const std::lock_guard lock(mutex);
  raw_status = to_exit_status(info);
  ended.write.reset();
}

/// Needs the lock.
std::optional<std::string> Process::State::take_line() {
  const std::size_t end = output_text.find('\n', output_read);
  if (end == std::string::npos) {
    if (!output_closed || output_read == output_text.size()) return std::nullopt;
    return output_text.substr(std::exchange(output_read, output_text.size()));
  }
  std::string line = output_text.substr(output_read, end - output_read);
  output_read = end + 1;
  return line;
}

Process::Process(ProcessOptions options) : state_(std::make_unique<State>(std::move(options))) {}
Process::Process(Process&&) noexcept = default;
Process& Process::operator=(Process&&) noexcept = default;
Process::~Process() = default;

pid_t Process::pid() const { return state_->pid; }

std::optional<std::string> Process::read_line(Timeout timeout) {
  std::unique_lock lock(state_->mutex);
  std::optional<std::string> line;
  state_->changed.wait_for(lock, timeout, [&] {
    line = state_->take_line();
    return line.has_value() || state_->output_closed;
  });
  return line;
}

bool Process::output_ended() const {
  const std::lock_guard lock(state_->mutex);
  return state_->output_closed && state_->output_read == state_->output_text.size();
}

std::string Process::output() const {
  const std::lock_guard lock(state_->mutex);
  return state_->output_text;
}

std::string Process::error_output() const {
  const std::lock_guard lock(state_->mutex);
  return state_->error_text;
}

bool Process::write(std::string_view bytes) {
  const SigpipeGuard guard;
  while (!bytes.empty()) {
    const ssize_t count = ::write(state_->input.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void Process::close_input() { state_->input.reset(); }

bool Process::signal(int number) {
  const std::lock_guard lock(state_->mutex);
  return !state_->raw_status.has_value() && ::kill(state_->pid, number) == 0;
}

std::optional<ExitStatus> Process::wait(Timeout timeout) {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait_for(lock, timeout, [&] { return state_->status.has_value(); });
  return state_->status;
}

bool Process::running() { return !wait(Timeout::zero()).has_value(); }

Completed run(ProcessOptions options, Process::Timeout timeout, std::string_view input) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  const auto left = [&] {
    return std::max(Process::Timeout::zero(), std::chrono::duration_cast<Process::Timeout>(
                                                  deadline - std::chrono::steady_clock::now()));
  };
  const std::string name = options.argv.empty() ? "" : options.argv.front();
  Process process(std::move(options));
  process.write(input);
  process.close_input();
  // The output can outlast the process by what is still in the pipe: read it to its end.
  while (process.read_line(left()).has_value()) {
  }
  const std::optional<ExitStatus> status = process.wait(left());
  if (!status.has_value()) {
    throw std::runtime_error(name + " ran out of time; its output: " + process.output() +
                             "; its errors: " + process.error_output());
  }
  return {*status, process.output(), process.error_output()};
}

}  // namespace memberlist::testing
