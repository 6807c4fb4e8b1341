#pragma once

#include <csignal>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>

namespace memberlist::cli {

/// Whether the process's terminal is closed while it runs. Under `nohup` this is ignored.
class Terminal {
 public:
  Terminal();
  [[nodiscard]] bool is_lost() const;

 private:
  bool matters_ = false;
};

/// What a signal asks a member for (docs/cli.md has the table).
enum class SignalMeaning : std::uint8_t { leave, nothing };

/// `hang_up_is_end`: SIGHUP came because the terminal has gone. Nothing for the signals that are
/// not the agent's to handle.
[[nodiscard]] std::optional<SignalMeaning> meaning_of(int signal, bool hang_up_is_end);

/// The name of a signal, such as SIGTERM.
[[nodiscard]] std::string signal_name(int signal);

/// The signals that `meaning_of` knows.
[[nodiscard]] sigset_t agent_signals();
/// SIGINT and SIGTERM.
[[nodiscard]] sigset_t end_signals();

/// Holds signals back until it is asked for them: for a process that must not have a second thread,
/// because it forks. They are blocked in this thread, and stay blocked.
class SignalPoll {
 public:
  explicit SignalPoll(const sigset_t& signals);
  /// The first one that has come, now as later; 0: none yet.
  [[nodiscard]] int signal() noexcept;

 private:
  sigset_t signals_;
  int signal_ = 0;
};

/// Turns signals into calls on a separate thread. Create it before any other thread that does not
/// block them: they are blocked in this thread and in those it starts, and stay blocked.
class SignalWatcher {
 public:
  SignalWatcher(const sigset_t& signals, std::function<void(int signal)> on_signal);
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;
  /// No call is under way or comes any more once this returns.
  ~SignalWatcher();

 private:
  void run();

  std::function<void(int)> on_signal_;
  int signal_fd_ = -1;
  int stop_fd_ = -1;
  std::thread thread_;
};

}  // namespace memberlist::cli
