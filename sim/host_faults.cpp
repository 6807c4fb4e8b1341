#include "sim/host_faults.hpp"

#include <algorithm>

#include "sim/fault_rules.hpp"

namespace memberlist::sim {
namespace {

/// Of two independent events, at least one.
void add_probability(double& probability, double more) {
  probability = 1 - (1 - probability) * (1 - more);
}

/// The tighter of two limits, where 0 is none.
template <class T>
void add_limit(T& limit, std::size_t other) {
  const T more = static_cast<T>(other);
  limit = limit == 0 ? more : std::min(limit, more);
}

void worsen(Link& link, const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::cut:
      link.udp_cut = link.udp_cut || fault.udp;
      link.tcp_cut = link.tcp_cut || fault.tcp;
      break;
    case FaultKind::loss:
      add_probability(link.loss, fault.rate);
      break;
    case FaultKind::bursts:
      add_probability(link.bursts.begin, fault.rate);
      break;
    case FaultKind::duplicate:
      add_probability(link.duplicate, fault.rate);
      break;
    case FaultKind::reorder:
      link.reorder_delay = link.reorder > 0 ? std::max(link.reorder_delay, fault.time) : fault.time;
      add_probability(link.reorder, fault.rate);
      break;
    case FaultKind::corrupt:
      add_probability(link.corrupt, fault.rate);
      break;
    case FaultKind::latency:
      link.latency += fault.time;
      break;
    case FaultKind::bandwidth:
      add_limit(link.bandwidth, fault.bytes);
      break;
    case FaultKind::mtu:
      add_limit(link.mtu, fault.bytes);
      break;
    case FaultKind::tcp_stall:
      add_probability(link.tcp_stall, fault.rate);
      break;
    case FaultKind::tcp_reset:
      add_probability(link.tcp_reset, fault.rate);
      break;
    default:
      break;  // not of links
  }
}

}  // namespace

void HostFaults::begin(NodeId node, std::size_t fault) {
  std::vector<std::size_t>& faults = hosts_[node].faults;
  const auto place = std::ranges::lower_bound(faults, fault);
  if (place != faults.end() && *place == fault) return;
  faults.insert(place, fault);
  apply(node, faults_[fault].kind);
}

void HostFaults::end(NodeId node, std::size_t fault) {
  if (std::erase(hosts_[node].faults, fault) != 0) apply(node, faults_[fault].kind);
}

void HostFaults::restarted(NodeId node) {
  hosts_[node].paused = false;
  hosts_[node].blocked = false;
  apply_stops(node);
  apply_clock(node);
}

void HostFaults::heal() {
  for (NodeId node = 0; node < hosts_.size(); ++node) {
    if (hosts_[node].faults.empty()) continue;
    hosts_[node].faults.clear();
    apply_stops(node);
    apply_clock(node);
    apply_links(node);
    apply_group(node);
  }
}

bool HostFaults::suffers(const Host& host, FaultKind kind) const {
  return std::ranges::any_of(host.faults,
                             [&](std::size_t fault) { return faults_[fault].kind == kind; });
}

void HostFaults::apply(NodeId node, FaultKind kind) {
  switch (kind) {
    case FaultKind::pause:
    case FaultKind::hiccup:
    case FaultKind::block:
      return apply_stops(node);
    case FaultKind::slow:
    case FaultKind::drift:
      return apply_clock(node);
    case FaultKind::partition:
    case FaultKind::flap:
      return apply_group(node);
    default:
      if (rule_of(kind).link) apply_links(node);
  }
}

void HostFaults::apply_stops(NodeId node) {
  if (!world_.running(node)) return;
  Host& host = hosts_[node];
  const bool paused = suffers(host, FaultKind::pause) || suffers(host, FaultKind::hiccup);
  const bool blocked = suffers(host, FaultKind::block);
  if (paused == host.paused && blocked == host.blocked) return;
  if (host.paused || host.blocked) world_.resume(node);
  if (paused) world_.pause(node);
  if (blocked) world_.block(node);
  host.paused = paused;
  host.blocked = blocked;
}

void HostFaults::apply_clock(NodeId node) {
  if (!world_.running(node)) return;
  Duration time_per_input{};
  HostClock clock;
  for (const std::size_t fault : hosts_[node].faults) {
    if (faults_[fault].kind == FaultKind::slow) time_per_input += faults_[fault].time;
    if (faults_[fault].kind == FaultKind::drift) {
      clock.drift = (1 + clock.drift) * (1 + faults_[fault].rate) - 1;
    }
  }
  world_.slow(node, time_per_input);
  world_.set_clock(node, clock);
}

void HostFaults::apply_links(NodeId node) {
  Link outgoing = Link::perfect();
  Link incoming = Link::perfect();
  for (const std::size_t index : hosts_[node].faults) {
    const Fault& fault = faults_[index];
    if (fault.direction != Fault::Direction::incoming) worsen(outgoing, fault);
    if (fault.direction != Fault::Direction::outgoing) worsen(incoming, fault);
  }
  world_.impair(node, outgoing, incoming);
}

void HostFaults::apply_group(NodeId node) {
  std::vector<std::size_t> walls;
  for (const std::size_t fault : hosts_[node].faults) {
    const FaultKind kind = faults_[fault].kind;
    if (kind == FaultKind::partition || kind == FaultKind::flap) walls.push_back(fault);
  }
  const int next = static_cast<int>(groups_.size());
  world_.set_group(node, groups_.try_emplace(std::move(walls), next).first->second);
}

}  // namespace memberlist::sim
