#pragma once

#include <cstdint>
#include <functional>

#include "base/timer_heap.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/time.hpp"

namespace memberlist::sim {

/// Virtual time: a clock that stands still until it is run, and what is to happen when. Events of
/// one moment happen in the order in which they were planned, so a run is a function of its
/// inputs.
class VirtualTimeline {
 public:
  using Action = std::move_only_function<void()>;

  /// Not the epoch, so that code which takes a zero for 'unset' is found out.
  static constexpr TimePoint kStart{std::chrono::hours(1)};

  [[nodiscard]] TimePoint now() const noexcept { return now_; }
  /// Since the start, for messages and expectations.
  [[nodiscard]] Duration elapsed() const noexcept { return now_ - kStart; }

  /// Plans `action`; a time that has passed means now, behind what is planned for now. `memory` is
  /// what the action will read: it is fetched into the caches while the one before it runs. It
  /// need not exist any more by then.
  TimerHandle at(TimePoint when, Action action, BytesView memory = {});
  TimerHandle after(Duration delay, Action action) { return at(now_ + delay, std::move(action)); }
  /// Puts off, or brings forward, what has not happened yet; false if it has.
  bool reschedule(TimerHandle planned, TimePoint when);
  bool cancel(TimerHandle planned) { return heap_.cancel(planned); }

  /// Runs everything up to and including `end`, and leaves the clock there.
  void run_until(TimePoint end);
  void run_for(Duration duration) { run_until(now_ + duration); }
  /// Runs until `done` holds (asked after each event); false if it does not before `limit` is over.
  bool run_until(const std::function<bool()>& done, Duration limit);

  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

 private:
  struct Planned {
    Action action{};
    BytesView memory{};
  };

  [[nodiscard]] bool step(TimePoint end);
  void fetch_next() const;

  TimePoint now_ = kStart;
  std::uint64_t steps_ = 0;
  TimerHeap<Planned> heap_;
};

}  // namespace memberlist::sim
