#pragma once

#include <functional>
#include <memory>

#include "memberlist/error.hpp"
#include "memberlist/time.hpp"

namespace memberlist::net {

/// The event loop of one thread: runs posted tasks, and the handlers of the sockets and deadlines
/// of this room. Everything that a Loop calls is called from the thread that is in `run`.
class Loop {
 public:
  using Task = std::function<void()>;  // not move_only_function: libc++ has none

  /// Error: `system` (no descriptors are left).
  [[nodiscard]] static Result<std::shared_ptr<Loop>> create();
  /// The same; throws std::system_error instead.
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs until `stop`. One thread at a time.
  void run();
  /// Makes `run` return once the tasks posted before have run; later ones are kept for a next
  /// `run`, or dropped by the destructor. If there is no memory for that, it returns after the task
  /// at hand. From any thread.
  void stop() noexcept;
  /// Runs a task soon, after those posted before. From any thread; never runs it at once.
  void post(Task task);

  /// Whether the caller is what `run` runs. From any thread. Not a comparison of thread
  /// identifiers: a later thread may get the identifier of one that has ended.
  [[nodiscard]] bool runs_here() const noexcept;

  /// The steady clock on the engine's time line. From any thread.
  [[nodiscard]] static TimePoint now() noexcept;

  /// For the sources of this room.
  struct Context;
  [[nodiscard]] Context& context() noexcept { return *context_; }

 private:
  std::unique_ptr<Context> context_;
};

/// Calls a handler at a given time. A loop may have many deadlines. May be created on any thread;
/// everything else is called on the loop's thread, or while `run` is not active. The loop must
/// outlive it.
class Deadline {
 public:
  Deadline(Loop& loop, std::function<void()> handler);
  /// For the sources of this room.
  Deadline(Loop::Context& loop, std::function<void()> handler);
  /// The handler is not called any more. It may destroy the Deadline itself.
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  /// Calls the handler at `when`, instead of at any earlier given time; `kNever`: not at all. Up to
  /// a millisecond late, so that deadlines which are close to each other wake the thread once.
  void set(TimePoint when);

 private:
  friend struct Loop::Context;
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace memberlist::net
