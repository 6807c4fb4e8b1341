#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "memberlist/time.hpp"

namespace memberlist::swim {

/// One suspicion of one member: who accuses it, and until when it may refute (protocol section 6,
/// Lifeguard's dogpile). A value without a timer: whoever holds it watches `deadline()`.
class Suspicion {
 public:
  /// `accuser` is who raised it first, and never counts as a confirmation; empty if that is not
  /// known (it was heard of in a push/pull). `k` confirmations shorten its life from `max` to
  /// `min`; with `k` = 0 it is `min` from the start.
  Suspicion(TimePoint start, std::string_view accuser, std::uint32_t k, Duration min, Duration max);

  /// Somebody accuses it too. True if that is news: a new accuser, fewer than `k` so far, and the
  /// deadline came nearer; or the first accuser whose name is known, who may be the one it began
  /// with and so shortens nothing. False changes nothing, as it is for an empty name.
  bool confirm(std::string_view from);

  /// This node stood still for `stood_still` until `now`, and may not have heard a refutation. The
  /// first time, none of that counts, and at least `least` is left from now on. From the second
  /// time on, at most `max` - `min` is forgiven in all, so that a node which stands still again and
  /// again still finds out who is dead.
  void forgive(TimePoint now, Duration stood_still, Duration least) noexcept;

  /// When the member is dead unless it refutes; may be in the past after `confirm`.
  [[nodiscard]] TimePoint deadline() const noexcept;
  [[nodiscard]] TimePoint start() const noexcept { return start_; }
  [[nodiscard]] std::uint32_t confirmations() const noexcept;
  /// All the confirmations that it has room for have come (at once, with `k` = 0).
  [[nodiscard]] bool confirmed() const noexcept { return confirmations() >= k_; }
  /// Whether `name` accuses it.
  [[nodiscard]] bool accused_by(std::string_view name) const noexcept;
  /// Whether anybody but `self` accuses it, by name.
  [[nodiscard]] bool accused_by_others(std::string_view self) const noexcept;
  /// Everyone who counted, the first accuser first.
  [[nodiscard]] std::span<const std::string> accusers() const noexcept { return accusers_; }

 private:
  TimePoint start_;
  Duration min_;
  Duration max_;
  Duration forgivable_;  // what later pauses may still add
  bool forgiven_ = false;
  std::uint32_t k_;
  std::vector<std::string> accusers_;
};

}  // namespace memberlist::swim
