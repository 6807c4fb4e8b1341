#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "memberlist/time.hpp"

namespace memberlist::swim {

/// One suspicion of one member: its accusers, and the deadline for a refutation (protocol section
/// 6, Lifeguard's dogpile). A value without a timer: its owner watches `deadline()`.
class Suspicion {
 public:
  /// `accuser` raised it first, and never counts as a confirmation; empty if unknown (it came with
  /// a push/pull). `k` confirmations shorten its duration from `max` to `min`; with `k` = 0 it is
  /// `min` from the start. `input` is the number of the input that started it.
  Suspicion(TimePoint start, std::string_view accuser, std::uint32_t k, Duration min, Duration max,
            std::uint64_t input = 0);

  /// Another accusation. True if it is new: a new accuser, fewer than `k` so far, and the deadline
  /// came nearer; or the first named accuser, which may be the one that raised it and so shortens
  /// nothing. False changes nothing, as for an empty name.
  bool confirm(std::string_view from);

  /// This node was paused for `stood_still` until `now`, and may have missed a refutation. The
  /// first time, that duration does not count, and at least `least` is left from now on. From the
  /// second time on, at most `max` - `min` is forgiven in total, so that a node which is paused
  /// again and again still detects dead members.
  void forgive(TimePoint now, Duration stood_still, Duration least) noexcept;

  /// When the member is dead unless it refutes; may be in the past after `confirm`.
  [[nodiscard]] TimePoint deadline() const noexcept;
  [[nodiscard]] TimePoint start() const noexcept { return start_; }
  [[nodiscard]] std::uint64_t input() const noexcept { return input_; }
  [[nodiscard]] std::uint32_t confirmations() const noexcept;
  /// All the confirmations that it has room for have come (at once, with `k` = 0).
  [[nodiscard]] bool confirmed() const noexcept { return confirmations() >= k_; }
  /// Whether `name` accuses it.
  [[nodiscard]] bool accused_by(std::string_view name) const noexcept;
  /// Whether anybody but `self` accuses it, by name.
  [[nodiscard]] bool accused_by_others(std::string_view self) const noexcept;
  /// All accusers that counted, the first one first.
  [[nodiscard]] std::span<const std::string> accusers() const noexcept { return accusers_; }

 private:
  TimePoint start_;
  Duration min_;
  Duration max_;
  Duration forgivable_;  // what later pauses may still add
  bool forgiven_ = false;
  std::uint32_t k_;
  std::uint64_t input_;
  std::vector<std::string> accusers_;
};

}  // namespace memberlist::swim
