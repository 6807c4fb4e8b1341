#pragma once

#include <functional>
#include <thread>

namespace memberlist::cli {

/// Turns SIGINT and SIGTERM into calls on a thread of its own. Make it before any other thread
/// starts: the signals are blocked in this thread and in those it starts, and stay so.
class SignalWatcher {
 public:
  explicit SignalWatcher(std::function<void(int signal)> on_signal);
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
