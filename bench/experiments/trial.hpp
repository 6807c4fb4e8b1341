#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "experiment.hpp"
#include "memberlist/behaviour.hpp"
#include "memberlist/config.hpp"
#include "memberlist/sim/link.hpp"
#include "memberlist/time.hpp"

namespace memberlist::bench {

/// A way in which all members of a cluster work.
struct Variant {
  std::string_view name;
  Config config;
  Behaviour behaviour{};
};

/// With the constants of the paper: suspicions last at least `alpha` periods times log10(n), and at
/// most 6 times as long; the health score goes up to 8; nobody is pinged by TCP.
[[nodiscard]] Config paper_config(std::uint32_t alpha);
/// SWIM, each part of Lifeguard by itself, and all of them, at alpha 5.
[[nodiscard]] std::vector<Variant> paper_variants();

/// What some members suffer from.
enum class Trouble : std::uint8_t {
  block,  ///< no message comes in or goes out, timers go on
  stand,  ///< the same until it begins a probe; then it stands still, and its deadlines pass
  pause,  ///< the process stands still
  slow,   ///< each input takes `on`
};

/// A cluster of which the first `troubled` members are in trouble, all of them at the same times.
struct Setting {
  Variant variant{};
  std::size_t nodes = 128;
  std::size_t troubled = 1;
  Trouble trouble = Trouble::block;
  Duration on{};   ///< so long
  Duration off{};  ///< and then well for so long, again and again
  /// Whole rounds of it until this has passed. Then all are well for a while.
  Duration lasts = std::chrono::seconds(120);
  /// In the middle of it, so many of those that are well crash, and are to be detected.
  std::size_t crashes = 0;
  /// They are in trouble only once, and to be detected.
  bool detect_troubled = false;
  sim::Link link = data_centre();
  std::uint64_t seed = 1;
};

/// What others wrongly hold of members who are well.
struct FalseClaims {
  std::uint64_t at_all = 0;      ///< at any other member
  std::uint64_t at_healthy = 0;  ///< of these, at members who are well
  FalseClaims& operator+=(const FalseClaims& other) {
    at_all += other.at_all;
    at_healthy += other.at_healthy;
    return *this;
  }
};

/// What came of a trial, or of several.
struct Outcome {
  FalseClaims accused;   ///< suspected, by a probe of one's own that failed
  FalseClaims declared;  ///< dead, by a suspicion of one's own that expired
  FalseClaims believed;  ///< dead, those included that others declared
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;  ///< of packets and streams
  double node_seconds = 0;
  std::vector<double> first;  ///< seconds until the first of those who are well held one for dead
  std::vector<double> all;    ///< until all of them did
  std::uint64_t missed = 0;   ///< who was not held for dead by all of them
  Outcome& operator+=(const Outcome& other);
};

[[nodiscard]] Outcome play_trial(const Setting& setting);

/// Adds the figures that each trial has.
Line& add_outcome(Line& line, const Outcome& outcome);

}  // namespace memberlist::bench
