#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "memberlist/engine.hpp"
#include "memberlist/time.hpp"

namespace memberlist::api {

/// A call of the application that the engine's owner is to make.
struct Command {
  /// What is carried without being waited for is counted apart, because there may be much of it.
  enum class Kind : std::uint8_t { call, message };

  std::function<void(Engine&, TimePoint)> run;
  std::size_t bytes = 0;  // of its payload
  Kind kind = Kind::call;
};

/// Passes commands from all threads to the one that owns the engine, in order. Bounded in number
/// and in bytes; an empty queue accepts a command of any size.
///
/// Its mutex is held only briefly, and never while code of the application runs or objects of the
/// application are destroyed.
class CommandQueue {
 public:
  /// `wake` is called when a command enters an empty queue: the owner must `take`.
  explicit CommandQueue(std::function<void()> wake) : wake_(std::move(wake)) {}

  enum class Pushed : std::uint8_t { yes, full, closed };
  /// Waits for room for at most `patience`.
  [[nodiscard]] Pushed push(Command command, Duration patience = Duration::zero());
  /// Takes all over into `commands`, which must be empty.
  void take(std::vector<Command>& commands);
  /// Takes no more, and drops what waits.
  void close();

 private:
  [[nodiscard]] bool has_room(const Command& command) const noexcept;

  const std::function<void()> wake_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::vector<Command> commands_;
  std::size_t bytes_ = 0;
  std::size_t messages_ = 0;
  std::size_t waiting_ = 0;  // threads that wait for room
  bool closed_ = false;
};

}  // namespace memberlist::api
