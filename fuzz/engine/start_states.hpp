#pragma once

#include <cstddef>
#include <cstdint>

#include "driver.hpp"

namespace memberlist::fuzz {

/// Where a program begins; its first byte says which.
enum class StartState : std::uint8_t {
  alone,
  three_members,
  twelve_members,
  joining,            ///< one dial open, one exchange under way
  suspecting,         ///< of three members one is suspect
  accused,            ///< this node has refuted just now
  leaving,            ///< the leave message is queued
  left,               ///< it was sent
  remembering,        ///< one member dead, one left
  serving_push_pull,  ///< half of a peer's message is there
  making_push_pull,   ///< ours is sent
  stream_ping,        ///< a probe has no answer, and TCP is tried
  in_bad_health,      ///< several probes have failed
  relaying,           ///< two peers' indirect pings are served
  busy,               ///< one operation of each kind is open
  count,
};

/// Brings a new engine there, by the same inputs that programs are made of. What the configuration
/// turns off is left out.
void start_from(StartState state, Driver& driver);

}  // namespace memberlist::fuzz
