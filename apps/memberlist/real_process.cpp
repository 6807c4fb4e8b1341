#include "real_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <system_error>
#include <thread>

#include "text.hpp"

namespace memberlist::cli {

namespace {

constexpr int kCannotStart = 127;  // as shells have it

std::string error_text(int error) { return std::generic_category().message(error); }

CommandError failure(std::string_view what, int error) {
  return {kExitFailed, fmt::format("{}: {}", what, error_text(error))};
}

// What a child does between fork and exec: only calls that are safe there.
struct ChildSetup {
  pid_t parent;
  int network;
  std::array<int, 3> streams;
  char** arguments;

  // Returns on failure only, with errno.
  void run() const {
    // Ctrl-C is for the parent, which ends its children.
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(kCannotStart);
    if (network >= 0 && ::setns(network, CLONE_NEWNET) != 0) return;
    for (int target = 0; target < 3; ++target) {
      if (::dup2(streams[static_cast<std::size_t>(target)], target) < 0) return;
    }
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execv(arguments[0], arguments);
  }
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

bool read_again(ssize_t result) { return result < 0 && errno == EINTR; }

// The number of an error that a child has written; nothing if it could be started.
std::optional<int> read_failure(int fd) {
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(fd, &error, sizeof error);
  } while (read_again(got));
  return got == static_cast<ssize_t>(sizeof error) ? std::optional(error) : std::nullopt;
}

}  // namespace

// --- namespaces ----------------------------------------------------------------------------------

std::expected<NetworkNamespace, CommandError> NetworkNamespace::create() {
  OwnDescriptor descriptor;
  int error = 0;
  // A thread can be in another one than the rest of its process.
  std::thread([&] {
    if (::unshare(CLONE_NEWNET) == 0) {
      descriptor = OwnDescriptor(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    }
    if (descriptor.get() < 0) error = errno;
  }).join();
  if (descriptor.get() >= 0) return NetworkNamespace(std::move(descriptor));
  if (error == EPERM) {
    return std::unexpected(
        CommandError{kExitUsage,
                     "network namespaces need root: run it with sudo, or give the scenario to "
                     "`memberlist sim run`"});
  }
  return std::unexpected(failure("cannot make a network namespace", error));
}

// --- files ---------------------------------------------------------------------------------------

OwnDescriptor memory_file(std::string_view content) {
  OwnDescriptor file(::memfd_create("memberlist", MFD_CLOEXEC));
  while (!content.empty()) {
    const ssize_t written = ::write(file.get(), content.data(), content.size());
    if (read_again(written)) continue;
    if (written <= 0) return {};
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

std::string content_of(const OwnDescriptor& memory_file) {
  std::string content;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t got = ::pread(memory_file.get(), buffer.data(), buffer.size(),
                                static_cast<off_t>(content.size()));
    if (read_again(got)) continue;
    if (got <= 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

// --- processes -----------------------------------------------------------------------------------

std::expected<ChildProcess, CommandError> ChildProcess::start(ProcessPlan plan) {
  std::array<int, 2> failure_pipe{};
  if (::pipe2(failure_pipe.data(), O_CLOEXEC) != 0) {
    return std::unexpected(failure("cannot start a program", errno));
  }
  const OwnDescriptor failed(failure_pipe[0]);
  OwnDescriptor fails(failure_pipe[1]);
  const OwnDescriptor nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const auto stream = [&](int fd) { return fd >= 0 ? fd : nothing.get(); };
  std::vector<char*> arguments = pointers(plan.arguments);
  const ChildSetup setup{.parent = ::getpid(),
                         .network = plan.network,
                         .streams = {stream(plan.input), stream(plan.output), stream(plan.errors)},
                         .arguments = arguments.data()};
  const pid_t pid = ::fork();
  if (pid == 0) {
    setup.run();
    const int error = errno;
    static_cast<void>(::write(fails.get(), &error, sizeof error) > 0);
    ::_exit(kCannotStart);
  }
  if (pid < 0) return std::unexpected(failure("cannot start a program", errno));
  ChildProcess child(pid);
  fails = OwnDescriptor();
  if (const auto error = read_failure(failed.get())) {
    return std::unexpected(failure("cannot start " + plan.arguments.front(), *error));
  }
  return child;
}

void ChildProcess::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

bool ChildProcess::is_running() {
  if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
  return pid_ > 0;
}

void ChildProcess::kill() {
  signal(SIGKILL);
  static_cast<void>(wait());
}

bool ChildProcess::wait() {
  if (pid_ <= 0) return false;
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// --- tools ---------------------------------------------------------------------------------------

std::expected<std::string, CommandError> find_tool(const std::string& name,
                                                   const std::string& package) {
  const char* path = std::getenv("PATH");
  std::vector<std::string> folders = split(path == nullptr ? "" : path, ':');
  // Where they are, also if the user's path does not say so.
  folders.insert(folders.end(), {"/usr/sbin", "/sbin"});
  for (const std::string& folder : folders) {
    std::string file = fmt::format("{}/{}", folder, name);
    if (!folder.empty() && ::access(file.c_str(), X_OK) == 0) return file;
  }
  return std::unexpected(CommandError{
      kExitUsage,
      fmt::format("the program `{}` is not there: install the package {}", name, package)});
}

std::expected<std::string, CommandError> run_tool(const std::vector<std::string>& arguments,
                                                  int network, std::string_view input) {
  const OwnDescriptor given = memory_file(input);
  const OwnDescriptor output = memory_file();
  auto child = ChildProcess::start({.arguments = arguments,
                                    .network = network,
                                    .input = given.get(),
                                    .output = output.get(),
                                    .errors = output.get()});
  if (!child) return std::unexpected(child.error());
  const bool done = child->wait();
  std::string text = content_of(output);
  if (done) return text;
  return std::unexpected(CommandError{
      kExitFailed, fmt::format("`{}` failed: {}", fmt::join(arguments, " "), trim(text))});
}

}  // namespace memberlist::cli
