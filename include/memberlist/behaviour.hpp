#pragma once

#include <cstddef>

namespace memberlist {

/// Switches of an engine's behaviour, for simulation and comparison only: the defaults are the
/// product, and nothing else is meant for production. Each can be turned off for itself, and then
/// its part of the engine does what its comment says after 'off'. On the wire nothing changes.
struct Behaviour {
  /// @name Lifeguard
  /// The three parts of arXiv 1707.00788, section IV. With all of them off, failures are detected
  /// as in SWIM with suspicion.
  /// @{

  /// LHA-Probe: the health score lengthens this node's probe interval and timeout; nacks tell
  /// whether missing answers count against it. Off: the score stays 0, and no nacks are requested.
  bool lha_probe = true;
  /// LHA-Suspicion: a suspicion lasts for the greatest time at first, and independent accusations
  /// shorten it to the least. Off: it lasts for the least time (SWIM, section 4.2), and only the
  /// first accusation is passed on.
  bool lha_suspicion = true;
  /// Buddy system: a suspect is told that it is suspect by those who probe it, with the ping. Off:
  /// only gossip tells it.
  bool buddy_system = true;

  /// @}
  /// @name What this library adds to failure detection
  /// The Go library has none of it (docs/differences.md).
  /// @{

  /// A node that was paused distrusts itself (protocol 5, 'Stalls'). Off: it finds all deadlines
  /// passed.
  bool stall_rule = true;
  /// A helper sends its nack after this share of the time that the prober has left, in percent, 1
  /// to 100; Lifeguard has 80. 0: after `Config::probe_timeout`, as the Go library.
  std::size_t nack_percent = 80;
  /// The probe interval grows with the health score. Off: probes begin at the plain interval, and
  /// those for which an earlier probe leaves no time are left out.
  bool slowed_interval = true;
  /// The timeout of the direct ping grows with the health score. Off: it does not.
  bool scaled_timeout = true;

  /// @}

  friend bool operator==(const Behaviour&, const Behaviour&) = default;
};

}  // namespace memberlist
