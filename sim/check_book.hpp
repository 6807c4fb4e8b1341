#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "memberlist/sim/check.hpp"

namespace memberlist::sim {

/// The checkers of a world, in the order of their report. docs/simulator.md says what each demands.
enum class Check : std::uint8_t {
  view_order,
  transitions,
  own_incarnation,
  suspicion_time,
  evidence,
  probed_incarnation,
  round_robin,
  table,
  packets,
  inside,
  contract,
  accuracy,
  leave_seen,
  newcomer,
  announcement,
  at_rest,
};
inline constexpr std::size_t kChecks = 16;

[[nodiscard]] std::string_view to_string(Check check) noexcept;

/// What the checkers found, and how often each was in a position to.
class CheckBook {
 public:
  static constexpr std::size_t kKeptFindings = 100;

  void exercised(Check check, std::uint64_t times = 1) noexcept { counts_[index(check)] += times; }
  void finding(Check check, Duration at, std::string node, std::string text);
  /// Counts the comparison, and notes a finding with this text if it does not hold. `text` is a
  /// callable, which is called only if it is needed.
  template <class Text>
  void require(bool holds, Check check, Duration at, const std::string& node, Text&& text) {
    exercised(check);
    if (!holds) finding(check, at, node, std::forward<Text>(text)());
  }

  [[nodiscard]] CheckReport report() const;

 private:
  static std::size_t index(Check check) noexcept { return static_cast<std::size_t>(check); }

  std::array<std::uint64_t, kChecks> counts_{};
  std::array<std::uint64_t, kChecks> found_{};
  std::vector<Finding> findings_;
};

}  // namespace memberlist::sim
