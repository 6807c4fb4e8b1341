#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "output.hpp"

// Programs that this one starts, in network namespaces of their own.
namespace memberlist::cli {

/// A descriptor that is closed with its owner.
class OwnDescriptor {
 public:
  OwnDescriptor() = default;
  explicit OwnDescriptor(int fd) noexcept : fd_(fd) {}
  OwnDescriptor(OwnDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnDescriptor& operator=(OwnDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OwnDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }
  /// Somebody else closes it.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

/// A network namespace without a name: it is gone, with all that is in it, once its owner has ended
/// and no process is in it.
class NetworkNamespace {
 public:
  /// Error: this needs root.
  [[nodiscard]] static std::expected<NetworkNamespace, CommandError> create();
  [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }

 private:
  explicit NetworkNamespace(OwnDescriptor descriptor) noexcept
      : descriptor_(std::move(descriptor)) {}
  OwnDescriptor descriptor_;
};

/// A file in memory, at its beginning.
[[nodiscard]] OwnDescriptor memory_file(std::string_view content = {});
/// All that is in it.
[[nodiscard]] std::string content_of(const OwnDescriptor& memory_file);

/// What is to be started.
struct ProcessPlan {
  std::vector<std::string> arguments;  ///< the path of the program, and its arguments
  int network = -1;                    ///< a network namespace; -1: that of this process
  int input = -1;                      ///< -1: nothing
  int output = -1;                     ///< -1: to nowhere
  int errors = -1;                     ///< -1: to nowhere
};

/// A process. It is killed with its owner, and also if the thread that started it ends before.
class ChildProcess {
 public:
  [[nodiscard]] static std::expected<ChildProcess, CommandError> start(ProcessPlan plan);
  ChildProcess(ChildProcess&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  ChildProcess& operator=(ChildProcess&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
  }
  ~ChildProcess() { kill(); }

  /// Nothing if it has ended.
  void signal(int number) const;
  /// Whether it runs; the system forgets it once it does not.
  [[nodiscard]] bool is_running();
  /// Ends it at once, and waits for that.
  void kill();
  /// Waits for its end: whether it was successful.
  [[nodiscard]] bool wait();

 private:
  explicit ChildProcess(pid_t pid) noexcept : pid_(pid) {}
  pid_t pid_ = -1;
};

/// The path of a system's program. Error: it is not installed, with the package that has it.
[[nodiscard]] std::expected<std::string, CommandError> find_tool(const std::string& name,
                                                                 const std::string& package);

/// Runs a program to its end, and returns its output; `network` is a namespace, or -1. Error: what
/// the program says.
[[nodiscard]] std::expected<std::string, CommandError> run_tool(
    const std::vector<std::string>& arguments, int network, std::string_view input);

}  // namespace memberlist::cli
