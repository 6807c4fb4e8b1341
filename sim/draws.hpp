#pragma once

#include <cstdint>

#include "memberlist/time.hpp"

namespace memberlist::sim {

/// What a random choice of the network is about. Each has a stream of its own.
enum class Draw : std::uint8_t {
  latency,
  loss,
  burst,
  duplicate,
  reorder,
  corrupt,
  corrupt_where,
  stall,
  reset,
  half_close,
};

/// Random choices without a state: what is drawn for a packet depends on the seed, the subject of
/// the choice, the sender and the number of the packet among the sender's, and on nothing else. So
/// a fault that is added draws for itself, and changes no other choice.
class Draws {
 public:
  explicit Draws(std::uint64_t seed) noexcept : seed_(mix(seed)) {}

  [[nodiscard]] std::uint64_t number(Draw about, std::uint64_t sender,
                                     std::uint64_t packet) const noexcept {
    const auto kind = static_cast<std::uint64_t>(about) + 1;
    return mix(seed_ ^ mix(kind * 0x9e37'79b9'7f4a'7c15U + sender) ^
               (packet * 0xd134'2543'de82'ef95U));
  }
  /// Uniform in [0, 1).
  [[nodiscard]] double unit(Draw about, std::uint64_t sender, std::uint64_t packet) const noexcept {
    constexpr double kStep = 1.0 / 9007199254740992.0;  // 2^-53
    return static_cast<double>(number(about, sender, packet) >> 11) * kStep;
  }
  /// Whether something of this probability happens.
  [[nodiscard]] bool happens(double probability, Draw about, std::uint64_t sender,
                             std::uint64_t packet) const noexcept {
    return probability > 0 && unit(about, sender, packet) < probability;
  }

 private:
  /// The finalizer of splitmix64.
  [[nodiscard]] static std::uint64_t mix(std::uint64_t value) noexcept {
    value += 0x9e37'79b9'7f4a'7c15U;
    value = (value ^ (value >> 30)) * 0xbf58'476d'1ce4'e5b9U;
    value = (value ^ (value >> 27)) * 0x94d0'49bb'1331'11ebU;
    return value ^ (value >> 31);
  }

  std::uint64_t seed_;
};

}  // namespace memberlist::sim
