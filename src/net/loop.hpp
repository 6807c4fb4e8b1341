#pragma once

#include <functional>
#include <memory>

#include "memberlist/time.hpp"

namespace memberlist::net {

/// One thread's event loop: runs what is posted, what the sockets of this room wait for, and one
/// deadline. Everything that a Loop calls is called from the thread that is in `run`.
class Loop {
 public:
  using Task = std::function<void()>;  // not move_only_function: libc++ has none

  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs until `stop`. One thread at a time.
  void run();
  /// Makes `run` return once the tasks posted before have run; later ones are kept for a next
  /// `run`, or dropped by the destructor. From any thread.
  void stop();
  /// Runs a task soon, after those posted before. From any thread; never runs it at once.
  void post(Task task);

  /// The steady clock on the engine's time line. From any thread.
  [[nodiscard]] static TimePoint now() noexcept;

  /// What `set_deadline` is for; to be set before `run`.
  void on_deadline(std::function<void()> handler);
  /// Calls the handler once `when` has come, instead of at any earlier given time; `kNever` for not
  /// at all. May call it a little early, if an earlier deadline was postponed, so the handler must
  /// look at the clock. From the loop's thread, or while nobody is in `run`.
  void set_deadline(TimePoint when);

  /// What the other sources of this room hang on.
  struct Context;
  [[nodiscard]] Context& context() noexcept { return *context_; }

 private:
  void arm();
  std::unique_ptr<Context> context_;
};

}  // namespace memberlist::net
