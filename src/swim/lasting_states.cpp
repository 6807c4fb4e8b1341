#include "swim/lasting_states.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/limits.hpp"

namespace memberlist::swim {

bool LastingStates::State::is_due(TimePoint now) const noexcept {
  return !told || now - *told >= limits::kLastingStateReminder;
}

LastingStates::State* LastingStates::seen(TimePoint now, LogCause cause, std::uint64_t subject) {
  const std::pair key{cause, subject};
  auto found = states_.find(key);
  if (found == states_.end()) {
    if (states_.size() >= limits::kLastingStates) return nullptr;
    found = states_.try_emplace(key).first;
    found->second.began = now;
  }
  State& state = found->second;
  state.seen = now;
  ++state.times;
  return &state;
}

std::optional<LastingStates::State> LastingStates::well(TimePoint now, LogCause cause,
                                                        std::uint64_t subject) {
  if (states_.empty()) return std::nullopt;
  const auto found = states_.find({cause, subject});
  if (found == states_.end() || now - found->second.seen < limits::kLastingStateSettles) {
    return std::nullopt;
  }
  State state = std::move(found->second);
  states_.erase(found);
  if (!state.told) return std::nullopt;
  return state;
}

std::vector<LastingStates::State> LastingStates::take_over(TimePoint now) {
  std::vector<State> over;
  for (auto at = states_.begin(); at != states_.end();) {
    State& state = at->second;
    if (now - state.seen < limits::kLastingStateReminder) {
      ++at;
      continue;
    }
    const bool passed_at_once = state.lasted() < limits::kLastingStateSettles;
    if (state.told && !passed_at_once) over.push_back(std::move(state));
    at = states_.erase(at);
  }
  std::ranges::stable_sort(over, {}, &State::began);
  return over;
}

std::optional<TimePoint> LastingStates::next_over() const noexcept {
  if (states_.empty()) return std::nullopt;
  const auto quietest =
      std::ranges::min_element(states_, {}, [](const auto& entry) { return entry.second.seen; });
  return quietest->second.seen + limits::kLastingStateReminder;
}

std::string rough_duration(Duration time) {
  using namespace std::chrono;
  if (time < minutes(1)) return fmt::format("{} s", duration_cast<seconds>(time).count());
  const auto all_minutes = duration_cast<minutes>(time).count();
  if (all_minutes < 60) return fmt::format("{} min", all_minutes);
  return fmt::format("{} h {} min", all_minutes / 60, all_minutes % 60);
}

}  // namespace memberlist::swim
