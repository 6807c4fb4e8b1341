#include "api/command_queue.hpp"

#include <cassert>
#include <utility>

#include "base/limits.hpp"

namespace memberlist::api {

bool CommandQueue::has_room(const Command& command) const noexcept {
  if (commands_.empty()) return true;
  if (bytes_ + command.bytes > limits::kWaitingCommandBytes) return false;
  return command.kind == Command::Kind::message
             ? messages_ < limits::kWaitingMessages
             : commands_.size() - messages_ < limits::kWaitingCommands;
}

CommandQueue::Pushed CommandQueue::push(Command command, Duration patience) {
  {
    std::unique_lock lock(mutex_);
    const auto ready = [&] { return closed_ || has_room(command); };
    if (patience > Duration::zero() && !ready()) {
      ++waiting_;
      room_.wait_for(lock, patience, ready);
      --waiting_;
    }
    if (closed_) return Pushed::closed;
    if (!has_room(command)) return Pushed::full;
    const bool first = commands_.empty();
    const std::size_t bytes = command.bytes;
    const bool is_message = command.kind == Command::Kind::message;
    commands_.push_back(std::move(command));
    bytes_ += bytes;
    messages_ += is_message ? 1U : 0U;
    if (!first) return Pushed::yes;
  }
  wake_();
  return Pushed::yes;
}

void CommandQueue::take(std::vector<Command>& commands) {
  assert(commands.empty());
  const std::lock_guard lock(mutex_);
  commands_.swap(commands);
  bytes_ = 0;
  messages_ = 0;
  if (waiting_ > 0) room_.notify_all();
}

void CommandQueue::close() {
  std::vector<Command> dropped;
  const std::lock_guard lock(mutex_);
  closed_ = true;
  commands_.swap(dropped);
  room_.notify_all();
}

}  // namespace memberlist::api
