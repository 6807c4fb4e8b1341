#pragma once

#include <cstddef>

#include "memberlist/bytes.hpp"
#include "memberlist/engine.hpp"

namespace memberlist::sim {

/// What an engine holds on to for a while.
struct Holdings {
  std::size_t timers = 0;
  std::size_t streams = 0;
  std::size_t operations = 0;
  std::size_t awaited = 0;  ///< answers to pings
  std::size_t suspicions = 0;
  std::size_t members = 0;  ///< those that are not forgotten yet
};

[[nodiscard]] Holdings holdings_of(const Engine& engine);

/// What each input reads of an engine, its heap memory left out.
[[nodiscard]] BytesView memory_of(const Engine& engine);

}  // namespace memberlist::sim
