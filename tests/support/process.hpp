#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace memberlist::testing {

/// What to start and where.
struct ProcessOptions {
  /// The program (looked up in PATH if it has no slash) and its arguments.
  std::vector<std::string> argv;
  /// Added to this process's environment, or put in place of what is there.
  std::map<std::string, std::string> environment;
  /// Working directory; empty: this process's.
  std::filesystem::path directory;
};

/// How a process ended.
struct ExitStatus {
  /// The exit code, if it exited by itself.
  std::optional<int> code;
  /// The signal that ended it, else 0.
  int signal = 0;

  bool success() const { return code == 0; }
};

/// A child process with pipes to its standard streams.
///
/// Its output is always drained, so a child that nobody reads never blocks. The destructor kills
/// the child's whole process group and reaps the child; where the system can do it (Linux) the
/// child is also killed when the thread that started it ends, so that a crashed test leaves nothing
/// behind. Start processes from a thread that lives as long as they shall.
///
/// One thread at a time may use an object; different objects are independent.
class Process {
 public:
  using Timeout = std::chrono::milliseconds;

  /// Starts the child. Throws std::system_error if it cannot be started (no such program, ...).
  explicit Process(ProcessOptions options);
  Process(Process&&) noexcept;
  Process& operator=(Process&&) noexcept;
  ~Process();

  pid_t pid() const;

  /// The next line of standard output without its newline; a last line without one counts too.
  /// Nothing if none came within `timeout`, or if the output has ended (see `output_ended`).
  std::optional<std::string> read_line(Timeout timeout);
  /// True when standard output is closed and every line of it has been read.
  bool output_ended() const;
  /// All of standard output up to now, also what `read_line` has returned.
  std::string output() const;
  /// All of standard error up to now.
  std::string error_output() const;

  /// Writes all of `bytes` to standard input; false if the child does not read any more.
  bool write(std::string_view bytes);
  void close_input();

  /// Sends a signal to the child alone; false if it has ended. SIGKILL, SIGSTOP and SIGCONT are
  /// what tests of failure detection use.
  bool signal(int number);
  /// Waits for the child to end, and for all that it wrote to be readable here; nothing if it still
  /// runs after `timeout`. May be called again.
  std::optional<ExitStatus> wait(Timeout timeout);
  bool running();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What a process that ran to its end left behind.
struct Completed {
  ExitStatus status;
  std::string output;
  std::string error_output;
};

/// Runs a process to its end, with `input` as its standard input. Kills it and throws
/// std::runtime_error, with the output so far, if it takes longer than `timeout`.
Completed run(ProcessOptions options, Process::Timeout timeout, std::string_view input = {});

}  // namespace memberlist::testing
