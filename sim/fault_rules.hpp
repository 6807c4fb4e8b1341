#pragma once

#include <cstdint>
#include <string_view>

#include "memberlist/sim/scenario.hpp"

namespace memberlist::sim {

/// What a kind of fault does to whom it happens.
enum class FaultEffect : std::uint8_t {
  down,      ///< the process ends, or stands still, or is not reached
  cut_off,   ///< the network between nodes is cut
  impaired,  ///< it can still be reached
  none,      ///< it is what applications do
};

/// Whether a kind needs a field of a Fault, may have it, or must not.
enum class FieldUse : std::uint8_t { no, may, must };

/// One row of the only list of the kinds of faults.
struct FaultRule {
  FaultKind kind;
  std::string_view name;
  FaultEffect effect;
  FieldUse lasts = FieldUse::no;
  FieldUse time = FieldUse::no;
  FieldUse every = FieldUse::no;
  FieldUse bytes = FieldUse::no;
  double rate_min = 0;  ///< not allowed itself
  double rate_max = 0;  ///< equal to `rate_min`: there is no rate
  bool link = false;    ///< of the links of the nodes: has a direction
};

/// A key is added, used, and the old one removed. Between these steps is a pause for what is on its
/// way.
inline constexpr int kKeySteps = 3;
inline constexpr Duration kKeyPause = std::chrono::seconds(5);

[[nodiscard]] const FaultRule& rule_of(FaultKind kind) noexcept;

/// When a fault has ended; of one that stays, when it has begun.
[[nodiscard]] Duration end_of(const Fault& fault) noexcept;

}  // namespace memberlist::sim
