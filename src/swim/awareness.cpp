#include "swim/awareness.hpp"

#include <algorithm>

namespace memberlist::swim {

bool Awareness::apply_delta(int delta) noexcept {
  const std::int64_t moved = std::int64_t{score_} + delta;
  const auto clamped =
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(moved, 0, std::int64_t{max_score_}));
  const bool changed = clamped != score_;
  score_ = clamped;
  return changed;
}

Duration Awareness::scale(Duration duration) const noexcept {
  return duration * (std::int64_t{score_} + 1);
}

}  // namespace memberlist::swim
