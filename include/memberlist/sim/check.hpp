#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "memberlist/time.hpp"

namespace memberlist::sim {

/// What a World verifies on the way.
enum class CheckLevel : std::uint8_t {
  none,     ///< nothing: the fastest
  cluster,  ///< each change of a view, against the rules and the truth (docs/simulator.md)
  packets,  ///< and each packet: its size, and that it can be read
  inside,   ///< and the engine's tables, counts and timers after each input: for small worlds
};

/// A rule that was broken.
struct Finding {
  std::string check{};  ///< the name of the checker
  Duration at{};        ///< since the beginning of the run
  std::string node{};   ///< at which node it showed
  std::string text{};   ///< what is wrong, one sentence
};

/// How often one checker was in a position to fire. If a count is 0, the run proves nothing of it.
struct CheckCount {
  std::string check{};          ///< its name
  std::uint64_t exercised = 0;  ///< times that it compared something
  std::uint64_t findings = 0;   ///< times that it found something
};

/// The outcome of all checkers.
struct CheckReport {
  std::vector<Finding> findings{};   ///< the first 100
  std::vector<CheckCount> counts{};  ///< one for each checker

  /// Whether nothing was found.
  [[nodiscard]] bool passed() const noexcept { return findings.empty(); }
};

}  // namespace memberlist::sim
