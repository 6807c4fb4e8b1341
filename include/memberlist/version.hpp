#pragma once

#include <string_view>

#include "memberlist/export.hpp"

namespace memberlist {

/// The library's version, e.g. `0.1.0`.
[[nodiscard]] MEMBERLIST_API std::string_view version() noexcept;

/// Protocol versions of memberlist's wire that this library speaks (protocol 4, `Vsn`).
inline constexpr unsigned kProtocolVersionMin = 1;
inline constexpr unsigned kProtocolVersionMax = 5;

}  // namespace memberlist
