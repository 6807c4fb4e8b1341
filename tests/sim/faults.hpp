#pragma once

#include "memberlist/sim/scenario.hpp"

namespace memberlist::sim {

/// A fault of this kind with all that it needs.
inline Fault fault_of(FaultKind kind) {
  Fault fault{.kind = kind, .at = std::chrono::seconds(1)};
  switch (kind) {
    case FaultKind::hiccup:
      fault.time = std::chrono::milliseconds(100);
      fault.every = std::chrono::seconds(1);
      break;
    case FaultKind::slow:
    case FaultKind::keys:
    case FaultKind::step:
    case FaultKind::latency:
      fault.time = std::chrono::milliseconds(100);
      break;
    case FaultKind::reorder:
      fault.time = std::chrono::milliseconds(100);
      fault.rate = 0.1;
      break;
    case FaultKind::drift:
    case FaultKind::loss:
    case FaultKind::bursts:
    case FaultKind::duplicate:
    case FaultKind::corrupt:
    case FaultKind::tcp_stall:
    case FaultKind::tcp_reset:
      fault.rate = 0.1;
      break;
    case FaultKind::bandwidth:
      fault.bytes = 1000;
      break;
    case FaultKind::mtu:
      fault.bytes = 64;
      break;
    case FaultKind::broadcast:
      fault.bytes = 10;
      break;
    case FaultKind::flap:
      fault.every = std::chrono::seconds(1);
      break;
    case FaultKind::swap:
      fault.nodes.count = 2;
      break;
    default:
      break;
  }
  return fault;
}

}  // namespace memberlist::sim
