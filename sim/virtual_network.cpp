#include "sim/virtual_network.hpp"

#include <algorithm>
#include <utility>

namespace memberlist::sim {

namespace {

constexpr std::uint64_t kFnvPrime = 0x100000001b3;

void mix(std::uint64_t& digest, std::uint64_t value) { digest = (digest ^ value) * kFnvPrime; }

}  // namespace

HostId VirtualNetwork::attach(const Address& address, VirtualHost& host) {
  hosts_.push_back({.address = address, .process = &host, .waiting = {}});
  by_address_[address] = hosts_.size() - 1;
  return hosts_.size() - 1;
}

void VirtualNetwork::readdress(HostId host, const Address& address) {
  by_address_.erase(hosts_.at(host).address);
  hosts_.at(host).address = address;
  by_address_[address] = host;
}

std::optional<HostId> VirtualNetwork::find(const Address& address) const {
  const auto at = by_address_.find(address);
  if (at == by_address_.end()) return std::nullopt;
  return at->second;
}

bool VirtualNetwork::apart(HostId a, HostId b) const { return hosts_[a].group != hosts_[b].group; }

const LinkRule& VirtualNetwork::rule_of(HostId from, HostId to) const {
  const auto at = rules_.find({from, to});
  return at == rules_.end() ? default_rule_ : at->second;
}

LinkRule& VirtualNetwork::rule(HostId from, HostId to) {
  return rules_.try_emplace({from, to}, default_rule_).first->second;
}

void VirtualNetwork::heal_partitions() {
  for (Host& host : hosts_) host.group = 0;
}

Duration VirtualNetwork::draw_latency(const LinkRule& rule) {
  return rule.jitter > Duration::zero() ? rule.latency + random_.below(rule.jitter) : rule.latency;
}

void VirtualNetwork::count(HostId from, HostId to, BytesView bytes) {
  bytes_sent_ += bytes.size();
  mix(digest_, static_cast<std::uint64_t>(timeline_.now().time_since_epoch().count()));
  mix(digest_, from * 65'536 + to);
  for (const std::byte byte : bytes) mix(digest_, std::to_integer<std::uint64_t>(byte));
}

// Runs `action` if the process runs, keeps it if it is paused, drops it if there is none.
void VirtualNetwork::deliver(HostId to, bool is_packet, VirtualTimeline::Action action) {
  Host& host = hosts_[to];
  if (host.state == State::up) return action();
  if (host.state != State::paused) return;
  if (is_packet && ++host.waiting_packets > kReceiveBufferPackets) return;
  host.waiting.push_back(std::move(action));
}

void VirtualNetwork::resume(HostId host) {
  hosts_[host].state = State::up;
  hosts_[host].waiting_packets = 0;
  for (auto& action : std::exchange(hosts_[host].waiting, {})) action();
}

// --- datagrams ----------------------------------------------------------------------------------

void VirtualNetwork::send(HostId from, const Address& to, BytesView bytes) {
  ++packets_sent_;
  const auto target = find(to);
  if (!target) return;
  count(from, *target, bytes);
  const LinkRule& rule = rule_of(from, *target);
  if (rule.udp_refused) {
    timeline_.at(timeline_.now(), [this, from, to] {
      deliver(from, false, [this, from, to] {
        hosts_[from].process->on_send_error(
            to, {ErrorCode::unreachable, "network is unreachable", to.to_string()});
      });
    });
    return;
  }
  const bool lost = rule.loss > 0 && random_.unit() < rule.loss;
  if (rule.udp_cut || lost || apart(from, *target)) {
    ++packets_lost_;
    return;
  }
  timeline_.after(draw_latency(rule), [this, from, to = *target, copy = to_bytes(bytes)]() mutable {
    deliver(to, true, [this, from, to, copy = std::move(copy)]() mutable {
      hosts_[to].process->on_packet(hosts_[from].address, std::move(copy));
    });
  });
}

// --- streams ------------------------------------------------------------------------------------

VirtualNetwork::Connection* VirtualNetwork::find_connection(ConnectionId id) {
  const auto at = connections_.find(id);
  return at == connections_.end() ? nullptr : &at->second;
}

VirtualNetwork::End* VirtualNetwork::find_end(HostId host, StreamId id, const char* what) {
  const auto at = ends_.find({host, id});
  if (at != ends_.end()) return &at->second;
  violations_.push_back(std::string(what) + " of a stream that is unknown or ended, by host " +
                        std::to_string(host));
  return nullptr;
}

void VirtualNetwork::forget_side(ConnectionId id, int side) {
  Connection* connection = find_connection(id);
  if (connection == nullptr) return;
  connection->wants_events[side] = false;
  if (connection->id[side]) ends_.erase({connection->host[side], *connection->id[side]});
  if (!connection->wants_events[0] && !connection->wants_events[1]) connections_.erase(id);
}

void VirtualNetwork::dial(HostId from, StreamId id, const Address& to) {
  const ConnectionId connection_id = next_connection_++;
  Connection& connection = connections_[connection_id];
  const auto target = find(to);
  connection.host[0] = from;
  connection.host[1] = target.value_or(from);
  connection.id[0] = id;
  ends_[{from, id}] = {connection_id, 0};
  if (!target || rule_of(from, *target).tcp_cut || apart(from, *target)) {
    connection.broken = true;
    connection.wants_events[1] = false;
    return;
  }
  timeline_.after(draw_latency(rule_of(from, *target)),
                  [this, connection_id] { arrive_dial(connection_id); });
}

void VirtualNetwork::arrive_dial(ConnectionId id) {
  Connection* connection = find_connection(id);
  if (connection == nullptr) return;
  const HostId from = connection->host[0];
  const HostId to = connection->host[1];
  const State state = hosts_[to].state;
  if (state == State::off) {
    connection->broken = true;
    connection->wants_events[1] = false;
    return;
  }
  if (state == State::killed || rule_of(from, to).tcp_refused) {
    connection->wants_events[1] = false;
    return transmit(id, 1, StreamFailed{{ErrorCode::unreachable, "connection refused", {}}});
  }
  // The machine completes the handshake, whether the process runs or not.
  transmit(id, 1, StreamConnected{});
  deliver(to, false, [this, id, from, to] {
    Connection* accepted = find_connection(id);
    if (accepted == nullptr) return;
    accepted->id[1] = hosts_[to].process->on_accept(hosts_[from].address);
    if (accepted->id[1]) {
      ends_[{to, *accepted->id[1]}] = {id, 1};
    } else {
      transmit(id, 1, StreamEnd{});
      forget_side(id, 1);
    }
  });
}

// Sends something to the other side, behind everything that was sent before.
void VirtualNetwork::transmit(ConnectionId id, int sender, StreamEvent event, Bytes bytes) {
  Connection* connection = find_connection(id);
  if (connection == nullptr || connection->broken) return;
  const HostId from = connection->host[sender];
  const HostId to = connection->host[1 - sender];
  const LinkRule& rule = rule_of(from, to);
  if (rule.tcp_cut || apart(from, to) || hosts_[to].state == State::off) {
    connection->broken = true;
    return;
  }
  Duration delay = draw_latency(rule);
  if (rule.loss > 0 && random_.unit() < rule.loss) delay += kRetransmit;
  TimePoint& arrived = connection->arrived_until[sender];
  arrived = std::max(arrived, timeline_.now() + delay);
  timeline_.at(arrived, [this, id, side = 1 - sender, to, event = std::move(event),
                         bytes = std::move(bytes)]() mutable {
    deliver(to, false, [this, id, side, event = std::move(event), bytes = std::move(bytes)] {
      tell(id, side, event, bytes);
    });
  });
}

// Tells one side's process, data in pieces.
void VirtualNetwork::tell(ConnectionId id, int side, StreamEvent event, Bytes bytes) {
  const auto wanted = [&]() -> Connection* {
    Connection* connection = find_connection(id);
    const bool listens =
        connection != nullptr && connection->wants_events[side] && connection->id[side].has_value();
    return listens ? connection : nullptr;
  };
  Connection* connection = wanted();
  if (connection == nullptr) return;
  VirtualHost& process = *hosts_[connection->host[side]].process;
  const StreamId stream = *connection->id[side];
  if (std::holds_alternative<StreamConnected>(event)) connection->connected = true;
  if (!std::holds_alternative<StreamData>(event)) {
    if (std::holds_alternative<StreamFailed>(event)) forget_side(id, side);
    return process.on_stream(stream, event);
  }
  const std::size_t piece = stream_piece_bytes_ == 0 ? bytes.size() : stream_piece_bytes_;
  BytesView rest = bytes;
  while (!rest.empty() && wanted() != nullptr) {
    const BytesView head = rest.first(std::min(piece, rest.size()));
    rest = rest.subspan(head.size());
    process.on_stream(stream, StreamData{head});
  }
}

void VirtualNetwork::write(HostId from, StreamId id, BytesView bytes) {
  const End* end = find_end(from, id, "write");
  if (end == nullptr) return;
  const Connection* connection = find_connection(end->connection);
  if (end->side == 0 && !connection->connected) {
    violations_.push_back("write before the dial has succeeded, by host " + std::to_string(from));
  }
  count(from, connection->host[1 - end->side], bytes);
  transmit(end->connection, end->side, StreamData{}, to_bytes(bytes));
}

void VirtualNetwork::close(HostId from, StreamId id) {
  const End* found = find_end(from, id, "close");
  if (found == nullptr) return;
  const End end = *found;
  transmit(end.connection, end.side, StreamEnd{});
  forget_side(end.connection, end.side);
}

void VirtualNetwork::abort(HostId from, StreamId id) {
  const End* found = find_end(from, id, "abort");
  if (found == nullptr) return;
  const End end = *found;
  transmit(end.connection, end.side,
           StreamFailed{{ErrorCode::unreachable, "connection reset by peer", {}}});
  forget_side(end.connection, end.side);
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
}

void VirtualNetwork::kill(HostId host) {
  drop_connections(host, true);
  hosts_[host].state = State::killed;
  hosts_[host].waiting.clear();
}

}  // namespace memberlist::sim
