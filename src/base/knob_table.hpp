#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "memberlist/config.hpp"

namespace memberlist {

/// Where a knob lives in a Config, which is also its type.
using KnobField = std::variant<Duration Config::*, std::uint32_t Config::*, std::uint8_t Config::*,
                               bool Config::*>;

/// One row of the only table of knobs: `Config::set`, `Config::validate` and `knobs` read it.
struct Knob {
  KnobInfo info;
  KnobField field;
  std::int64_t min = 0;  ///< nanoseconds for a duration; a truth value has no limits
  std::int64_t max = 1;
  bool zero_is_off = false;  ///< 0 is allowed below `min`
};

[[nodiscard]] std::span<const Knob> knob_table() noexcept;

/// The row of that name, null if there is none.
[[nodiscard]] const Knob* find_knob(std::string_view name) noexcept;

/// An error if the knob's value in `config` is outside the knob's own limits.
[[nodiscard]] Result<void> check_knob(const Knob& knob, const Config& config);

/// The sentence about a value that is outside its limits; the value and the limits in words.
[[nodiscard]] std::unexpected<Error> bad_knob(std::string_view knob, std::string_view value,
                                              std::string_view limits,
                                              ErrorCode code = ErrorCode::invalid_argument);

}  // namespace memberlist
