#include "sim/virtual_network.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace memberlist::sim {

std::size_t VirtualNetwork::AddressHash::operator()(const Address& address) const noexcept {
  Mixer mixer(address.port);
  mixer.bytes(std::as_bytes(std::span(address.ip.bytes())));
  return mixer.state();
}

HostId VirtualNetwork::attach(const Address& address, VirtualHost& host) {
  hosts_.push_back({.address = address, .process = &host});
  links_.add_host();
  by_address_[address] = hosts_.size() - 1;
  return hosts_.size() - 1;
}

void VirtualNetwork::readdress(HostId host, const Address& address) {
  const auto old = by_address_.find(hosts_.at(host).address);
  if (old != by_address_.end() && old->second == host) by_address_.erase(old);
  hosts_[host].address = address;
  by_address_[address] = host;
}

void VirtualNetwork::swap_addresses(HostId a, HostId b) {
  std::swap(hosts_.at(a).address, hosts_.at(b).address);
  by_address_[hosts_[a].address] = a;
  by_address_[hosts_[b].address] = b;
}

std::optional<HostId> VirtualNetwork::find(const Address& address) const {
  const auto at = by_address_.find(address);
  if (at == by_address_.end()) return std::nullopt;
  return at->second;
}

void VirtualNetwork::count(HostId from, HostId to, BytesView bytes) {
  bytes_sent_ += bytes.size();
  digest_.number(static_cast<std::uint64_t>(timeline_.now().time_since_epoch().count()));
  digest_.number((from << 32) + to);
  digest_.bytes(bytes);
}

// --- what a process is handed -------------------------------------------------------------------

bool VirtualNetwork::runs_now(const Host& host) const noexcept {
  return host.state == State::up && host.waiting.empty() && host.free_at <= timeline_.now();
}

// Runs `action` if the process runs, keeps it if it is held or busy, drops it if there is none.
void VirtualNetwork::deliver(HostId to, bool is_packet, VirtualTimeline::Action action) {
  Host& host = hosts_[to];
  if (runs_now(host)) {
    spend(to);
    return action();
  }
  if (host.state == State::killed || host.state == State::off) return;
  if (is_packet && host.waiting_packets == receive_buffer_packets_) {
    ++packets_overflowed_;
    return;
  }
  host.waiting_packets += is_packet ? 1 : 0;
  host.waiting.push_back({is_packet, std::move(action)});
  serve_later(to);
}

void VirtualNetwork::spend(HostId host) {
  if (hosts_[host].service_time > Duration::zero()) {
    hosts_[host].free_at = timeline_.now() + hosts_[host].service_time;
  }
}

void VirtualNetwork::serve_later(HostId id) {
  Host& host = hosts_[id];
  if (host.state != State::up || host.waiting.empty() || host.serving) return;
  host.serving = true;
  timeline_.at(host.free_at, [this, id] {
    hosts_[id].serving = false;
    serve(id);
  });
}

// A process that is busy takes one at a time, others all that has come. Its deadlines have every
// other turn, as in an event loop: neither they nor what comes must wait for ever.
void VirtualNetwork::serve(HostId id) {
  while (hosts_[id].state == State::up && !hosts_[id].waiting.empty() &&
         hosts_[id].free_at <= timeline_.now()) {
    const bool busy = hosts_[id].service_time > Duration::zero();
    if (busy && !hosts_[id].handled_due && hosts_[id].process->handle_due()) {
      hosts_[id].handled_due = true;
      spend(id);
      continue;
    }
    hosts_[id].handled_due = false;
    Waiting next = std::move(hosts_[id].waiting.front());
    hosts_[id].waiting.pop_front();
    hosts_[id].waiting_packets -= next.is_packet ? 1 : 0;
    spend(id);
    next.action();
  }
  serve_later(id);
}

void VirtualNetwork::release(HostId host) {
  hosts_[host].state = State::up;
  serve(host);
}

// --- datagrams ----------------------------------------------------------------------------------

VirtualNetwork::FlightId VirtualNetwork::take_off(HostId from, HostId to, BytesView bytes) {
  if (landed_.empty()) {
    landed_.push_back(static_cast<FlightId>(flights_.size()));
    flights_.emplace_back();
  }
  const FlightId id = landed_.back();
  landed_.pop_back();
  Flight& flight = flights_[id];
  flight.from = from;
  flight.to = to;
  flight.bytes.assign(bytes.begin(), bytes.end());
  return id;
}

void VirtualNetwork::land(FlightId id) {
  // The process may send meanwhile, which moves the other flights.
  Flight flight = std::exchange(flights_[id], {});
  hosts_[flight.to].process->on_packet(hosts_[flight.from].address, flight.bytes);
  flights_[id].bytes = std::move(flight.bytes);
  landed_.push_back(id);
}

void VirtualNetwork::arrive(FlightId id) {
  const HostId to = flights_[id].to;
  if (runs_now(hosts_[to])) {
    spend(to);
    return land(id);
  }
  // Waiting ones own their bytes, because they may be dropped.
  deliver(to, true,
          [this, from = flights_[id].from, to, bytes = std::exchange(flights_[id].bytes, {})] {
            hosts_[to].process->on_packet(hosts_[from].address, bytes);
          });
  landed_.push_back(id);
}

void VirtualNetwork::send(HostId from, const Address& to, BytesView bytes) {
  ++packets_sent_;
  const auto target = find(to);
  if (!target) return;
  count(from, *target, bytes);
  const Links::Fate fate = links_.datagram(from, *target, bytes.size(), timeline_.now());
  if (fate.refused) {
    timeline_.at(timeline_.now(), [this, from, to] {
      deliver(from, false, [this, from, to] {
        hosts_[from].process->on_send_error(
            to, {ErrorCode::unreachable, "network is unreachable", to.to_string()});
      });
    });
    return;
  }
  if (!fate.arrives) {
    ++packets_lost_;
    return;
  }
  const FlightId id = take_off(from, *target, bytes);
  if (fate.flipped && !bytes.empty()) {
    const std::uint64_t bit = *fate.flipped % (bytes.size() * 8);
    flights_[id].bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
  }
  timeline_.at(
      timeline_.now() + fate.delay, [this, id] { arrive(id); }, hosts_[*target].process->memory());
  if (!fate.second) return;
  const FlightId copy = take_off(from, *target, bytes);
  timeline_.after(*fate.second, [this, copy] { arrive(copy); });
}

// --- faults of a host ---------------------------------------------------------------------------

void VirtualNetwork::drop_connections(HostId host, bool reset) {
  std::vector<End> ends;
  for (const auto& [id, connection] : connections_) {
    for (int side = 0; side < 2; ++side) {
      if (connection.host[side] == host) ends.push_back({id, side});
    }
  }
  for (const End& end : ends) {
    if (reset) {
      transmit(end.connection, end.side,
               StreamFailed{{ErrorCode::unreachable, "connection reset by peer", {}}});
    }
    if (Connection* connection = find_connection(end.connection)) connection->broken = true;
    forget_side(end.connection, end.side);
  }
}

void VirtualNetwork::power_off(HostId host) {
  drop_connections(host, false);
  hosts_[host].state = State::off;
  hosts_[host].waiting.clear();
  hosts_[host].waiting_packets = 0;
}

void VirtualNetwork::kill(HostId host) {
  drop_connections(host, true);
  hosts_[host].state = State::killed;
  hosts_[host].waiting.clear();
  hosts_[host].waiting_packets = 0;
}

void VirtualNetwork::start(HostId host) {
  hosts_.at(host).state = State::up;
  hosts_[host].free_at = TimePoint{};
}

}  // namespace memberlist::sim
