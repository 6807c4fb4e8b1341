#pragma once

#include <cstdint>

#include "memberlist/event.hpp"
#include "swim/awareness.hpp"
#include "swim/output_queue.hpp"

namespace memberlist::swim {

/// This node's health score, whose changes are events.
class LocalHealth {
 public:
  LocalHealth(std::uint32_t max_multiplier, OutputQueue& out)
      : awareness_(max_multiplier), out_(out) {}
  LocalHealth(const LocalHealth& other, OutputQueue& out)
      : awareness_(other.awareness_), out_(out) {}

  void add(int delta) {
    if (!awareness_.apply_delta(delta)) return;
    out_.push(Event{HealthChanged{awareness_.score()}});
  }
  [[nodiscard]] std::uint32_t score() const noexcept { return awareness_.score(); }
  /// `duration` * (score + 1).
  [[nodiscard]] Duration scale(Duration duration) const noexcept {
    return awareness_.scale(duration);
  }

 private:
  Awareness awareness_;
  OutputQueue& out_;
};

}  // namespace memberlist::swim
