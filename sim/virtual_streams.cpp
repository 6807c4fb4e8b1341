#include <algorithm>
#include <string>
#include <utility>

#include "sim/virtual_network.hpp"

// Connections: pairs of byte pipes that keep their order.
namespace memberlist::sim {

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
  const Links::SegmentFate fate =
      target ? links_.segment(from, *target, 0, timeline_.now(), true) : Links::SegmentFate{};
  if (!target || !fate.arrives) {
    connection.broken = true;
    connection.wants_events[1] = false;
    return;
  }
  timeline_.after(fate.delay, [this, connection_id] { arrive_dial(connection_id); });
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
  if (state == State::killed || links_.refuses_streams(from, to)) {
    connection->wants_events[1] = false;
    return transmit(id, 1, StreamFailed{{ErrorCode::unreachable, "connection refused", {}}});
  }
  // The machine completes the handshake, whether the process runs or not.
  transmit(id, 1, StreamConnected{});
  connection = find_connection(id);
  if (connection == nullptr) return;
  connection->broken = connection->broken || links_.stalls_stream(from, to);
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
  if (connection == nullptr || connection->broken || connection->ended_early[sender]) return;
  const HostId from = connection->host[sender];
  const HostId to = connection->host[1 - sender];
  const bool is_handshake = std::holds_alternative<StreamConnected>(event);
  const Links::SegmentFate fate =
      links_.segment(from, to, bytes.size(), timeline_.now(), is_handshake);
  if (!fate.arrives || hosts_[to].state == State::off) {
    connection->broken = true;
    return;
  }
  if (fate.reset && connection->connected) return reset_on_the_way(id);
  TimePoint& arrived = connection->arrived_until[sender];
  arrived = std::max(arrived, timeline_.now() + fate.delay);
  plan_segment(id, 1 - sender, arrived, std::move(event), std::move(bytes));
  if (!fate.half_close || !connection->connected) return;
  connection->ended_early[sender] = true;
  plan_segment(id, 1 - sender, arrived, StreamEnd{}, {});
}

void VirtualNetwork::plan_segment(ConnectionId id, int side, TimePoint when, StreamEvent event,
                                  Bytes bytes) {
  const HostId to = find_connection(id)->host[side];
  timeline_.at(
      when, [this, id, side, to, event = std::move(event), bytes = std::move(bytes)]() mutable {
        deliver(to, false, [this, id, side, event = std::move(event), bytes = std::move(bytes)] {
          tell(id, side, event, bytes);
        });
      });
}

// Something between the two hosts ends the connection for both.
void VirtualNetwork::reset_on_the_way(ConnectionId id) {
  Connection* connection = find_connection(id);
  for (int side = 0; side < 2; ++side) {
    const TimePoint when = std::max(timeline_.now(), connection->arrived_until[1 - side]);
    plan_segment(id, side, when,
                 StreamFailed{{ErrorCode::unreachable, "connection reset by peer", {}}}, {});
  }
  connection->broken = true;
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

}  // namespace memberlist::sim
