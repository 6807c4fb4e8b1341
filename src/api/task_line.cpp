#include "api/task_line.hpp"

#include <utility>

namespace memberlist::api {

/// The time in which one thread runs the tasks.
class TaskLine::Turn {
 public:
  explicit Turn(State& state) noexcept : state_(state) {}
  ~Turn() {
    if (!over_) end();  // a task has thrown
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  /// Nothing: the turn is over.
  [[nodiscard]] Task next() {
    const std::lock_guard lock(state_.mutex);
    if (state_.tasks.empty()) {
      over_ = true;
      state_.busy = false;
      return nullptr;
    }
    Task task = std::move(state_.tasks.front());
    state_.tasks.pop_front();
    return task;
  }

 private:
  void end() {
    const std::lock_guard lock(state_.mutex);
    state_.busy = false;
  }

  State& state_;
  bool over_ = false;
};

void TaskLine::run(Task task) {
  const std::shared_ptr<State> state = state_;
  {
    const std::lock_guard lock(state->mutex);
    state->tasks.push_back(std::move(task));
    if (std::exchange(state->busy, true)) return;
  }
  Turn turn(*state);
  while (const Task next = turn.next()) next();
}

bool TaskLine::busy() const {
  const std::lock_guard lock(state_->mutex);
  return state_->busy;
}

}  // namespace memberlist::api
