#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <thread>

#include "api/task_line.hpp"
#include "base/limits.hpp"
#include "memberlist/event.hpp"

namespace memberlist::api {

/// How much an EventQueue holds and delivers.
struct EventQueueLimits {
  std::size_t messages = 0;  ///< that wait
  std::size_t payload_bytes = limits::kWaitingPayloadBytes;
  std::size_t batch = limits::kEventBatch;  ///< events in one call
};

/// Delivers events to the application in order, in batches, on a separate thread, and runs tasks
/// in order with them. A batch is what waits, up to the next task. What carries others' payload
/// (user messages, merged states) is bounded, in number and in bytes: the oldest goes first.
/// Everything else waits for as long as it must.
///
/// Thread-safe. The handler may end the queue's life: then its thread goes on alone until the
/// handler returns.
class EventQueue {
 public:
  using Handler = std::function<void(std::span<const Event>)>;
  using Task = std::function<void()>;

  /// Starts the thread; throws std::system_error if there is none. Without a handler it takes no
  /// events, and the thread starts with the first task.
  EventQueue(Handler handler, const EventQueueLimits& limits);
  /// Stops without delivering the events that wait; waits for the handler to return, unless called
  /// by it.
  ~EventQueue();
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  /// Takes events over. True: some message had to be dropped for the first time since the queue was
  /// last empty, which is worth one line in the log.
  bool push(std::span<Event> events);
  /// Calls `task` on the queue's thread, after the events before it, even if the others of these
  /// are no longer delivered. If the queue has no thread any more, or none is to be had, a calling
  /// thread runs it: this one, or one that is running such tasks already (TaskLine).
  void run(Task task);
  /// Messages dropped so far.
  [[nodiscard]] std::uint64_t dropped() const;

  /// No more events are taken. `deliver_rest`: the thread ends once it has delivered what waits,
  /// else after the batch at hand.
  void stop(bool deliver_rest);
  /// Waits, after `stop`, until the handler is called no more. Returns at once on the queue's own
  /// thread.
  void wait_until_stopped();
  [[nodiscard]] bool on_own_thread() const;
  [[nodiscard]] bool has_handler() const noexcept;

 private:
  struct State;
  void start();
  [[nodiscard]] bool hand_to_thread(Task& task);
  std::shared_ptr<State> state_;
  TaskLine without_thread_;
  std::thread thread_;  // set once, with the state's mutex held
};

}  // namespace memberlist::api
