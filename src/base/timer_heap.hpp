#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "memberlist/time.hpp"

namespace memberlist {

/// Names one scheduled timer. The default names none. Stale handles are harmless.
struct TimerHandle {
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  std::uint32_t slot = kNone;
  std::uint32_t generation = 0;

  friend bool operator==(const TimerHandle&, const TimerHandle&) = default;
};

/// Timers as values: the owner of the clock pops those that are due. Cancelling leaves nothing
/// behind; equal times pop in the order of their scheduling. An indexed 4-ary heap: O(log n) each,
/// and no allocation beyond the largest number of timers that were ever pending at once.
///
/// `Payload` is a small movable, default-constructible value that says what to do.
template <class Payload>
class TimerHeap {
 public:
  TimerHandle schedule(TimePoint when, Payload payload) {
    const std::uint32_t slot = take_slot();
    slots_[slot].payload = std::move(payload);
    heap_.push_back({when, next_sequence_++, slot});
    sift_up(heap_.size() - 1);
    return {slot, slots_[slot].generation};
  }

  /// False if the timer has fired or was cancelled before.
  bool cancel(TimerHandle handle) {
    if (!pending(handle)) return false;
    remove_at(slots_[handle.slot].position);
    return true;
  }

  /// Moves a pending timer; among those of its new time it is the last. False if it has fired or
  /// was cancelled before.
  bool reschedule(TimerHandle handle, TimePoint when) {
    if (!pending(handle)) return false;
    const std::size_t at = slots_[handle.slot].position;
    heap_[at].when = when;
    heap_[at].sequence = next_sequence_++;
    sift(at);
    return true;
  }

  [[nodiscard]] bool pending(TimerHandle handle) const noexcept {
    return handle.slot < slots_.size() && slots_[handle.slot].generation == handle.generation &&
           slots_[handle.slot].position != kFree;
  }

  /// The earliest time, `kNever` if nothing is pending.
  [[nodiscard]] TimePoint next() const noexcept {
    return heap_.empty() ? kNever : heap_.front().when;
  }

  /// The payload of the earliest timer; null if nothing is pending.
  [[nodiscard]] const Payload* next_payload() const noexcept {
    return heap_.empty() ? nullptr : &slots_[heap_.front().slot].payload;
  }

  /// Takes out the earliest timer that is due at `now`; its handle is stale from then on.
  [[nodiscard]] std::optional<Payload> pop_due(TimePoint now) {
    if (heap_.empty() || heap_.front().when > now) return std::nullopt;
    std::optional<Payload> payload{std::move(slots_[heap_.front().slot].payload)};
    remove_at(0);
    return payload;
  }

  [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }
  [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }

 private:
  static constexpr std::uint32_t kFree = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::size_t kArity = 4;

  struct Entry {
    TimePoint when;
    std::uint64_t sequence;
    std::uint32_t slot;

    bool before(const Entry& other) const noexcept {
      return when != other.when ? when < other.when : sequence < other.sequence;
    }
  };
  struct Slot {
    Payload payload{};
    std::uint32_t generation = 0;
    std::uint32_t position = kFree;  // in the heap
  };

  std::uint32_t take_slot() {
    if (free_.empty()) {
      assert(slots_.size() < kFree);
      slots_.emplace_back();
      free_.reserve(slots_.capacity());  // so that freeing never allocates
      return static_cast<std::uint32_t>(slots_.size() - 1);
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }

  void remove_at(std::size_t at) {
    Slot& slot = slots_[heap_[at].slot];
    slot.payload = Payload{};
    slot.position = kFree;
    ++slot.generation;
    free_.push_back(heap_[at].slot);
    const Entry last = heap_.back();
    heap_.pop_back();
    if (at == heap_.size()) return;
    place(at, last);
    sift(at);
  }

  void place(std::size_t at, const Entry& entry) {
    heap_[at] = entry;
    slots_[entry.slot].position = static_cast<std::uint32_t>(at);
  }

  void sift(std::size_t at) {
    if (at > 0 && heap_[at].before(heap_[(at - 1) / kArity])) {
      sift_up(at);
    } else {
      sift_down(at);
    }
  }

  void sift_up(std::size_t at) {
    const Entry entry = heap_[at];
    while (at > 0) {
      const std::size_t parent = (at - 1) / kArity;
      if (!entry.before(heap_[parent])) break;
      place(at, heap_[parent]);
      at = parent;
    }
    place(at, entry);
  }

  void sift_down(std::size_t at) {
    const Entry entry = heap_[at];
    for (;;) {
      const std::size_t first = at * kArity + 1;
      if (first >= heap_.size()) break;
      std::size_t best = first;
      const std::size_t end = first + kArity < heap_.size() ? first + kArity : heap_.size();
      for (std::size_t child = first + 1; child < end; ++child) {
        if (heap_[child].before(heap_[best])) best = child;
      }
      if (!heap_[best].before(entry)) break;
      place(at, heap_[best]);
      at = best;
    }
    place(at, entry);
  }

  std::vector<Entry> heap_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace memberlist
