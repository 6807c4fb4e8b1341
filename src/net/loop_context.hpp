#pragma once

// Private to this room: what a Loop consists of, and the descriptors that it watches.

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/timer_heap.hpp"
#include "net/loop.hpp"
#include "net/poller.hpp"

namespace memberlist::net {

struct LoopBuffers;

/// Calls a handler whenever a descriptor is ready for what it is wanted for. On the loop's thread,
/// or while `run` is not active. The loop must outlive it, and the descriptor must stay open.
class Watch {
 public:
  using Handler = std::function<void(Readiness)>;

  Watch(Loop::Context& loop, int descriptor, Handler handler);
  /// The handler is not called any more. It may destroy the Watch itself.
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// From now on the handler is called for this. Returns 0, or the errno why that is not possible;
  /// then it is wanted for nothing.
  [[nodiscard]] int want(Readiness readiness);
  [[nodiscard]] Readiness wanted() const noexcept;

 private:
  friend class Loop;
  struct State;
  std::shared_ptr<State> state_;
};

struct Loop::Context {
  /// The place of a Watch. What was reported for an earlier one at the same place is stale.
  struct Place {
    Watch::State* watch = nullptr;
    std::uint32_t generation = 0;
  };

  ~Context();

  [[nodiscard]] bool run_tasks();
  void call_deadlines();
  void wait();

  Poller poller;
  TimerHeap<Deadline::State*> deadlines;
  std::vector<Place> places;
  std::vector<std::uint32_t> free_places;
  std::deque<Task> tasks;  // those of this turn
  bool stops = false;      // a task has said so

  std::mutex mutex;
  std::deque<Task> posted;                 // guarded
  bool sleeps = false;                     // guarded: the thread is to be woken for a task
  std::atomic<bool> stop_at_once = false;  // there was no memory for a task that stops

  std::weak_ptr<LoopBuffers> loop_buffers;  // see LoopBuffers::of
};

}  // namespace memberlist::net
