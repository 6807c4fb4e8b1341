#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>

namespace memberlist::api {

/// Runs tasks where there is no thread for them: on the threads that bring them, in order, one at a
/// time, and never one within another. So a task that brings the next one, without end, uses no
/// stack. While a thread runs tasks, it also runs what others bring.
///
/// Thread-safe. A task may destroy the line; what it still has is run all the same.
class TaskLine {
 public:
  using Task = std::function<void()>;

  /// Runs the task, and what is brought meanwhile. What a task throws reaches the caller; the
  /// tasks behind it are then run by the next call.
  void run(Task task);
  /// Whether a thread is running tasks.
  [[nodiscard]] bool busy() const;

 private:
  struct State {
    std::mutex mutex;
    std::deque<Task> tasks;
    bool busy = false;
  };
  class Turn;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace memberlist::api
