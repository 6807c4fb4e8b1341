#include "sim/virtual_messages.hpp"

#include <stdexcept>

namespace memberlist::sim {

namespace {

BytesView wire_address(const Claim& claim) {
  return claim.raw_address ? BytesView(*claim.raw_address) : claim.address.ip.wire_bytes();
}

template <class Message>
Message decoded(const SeenMessage& seen) {
  if (seen.type != wire::Schema<Message>::kType) {
    throw std::logic_error("the message is of another type");
  }
  ByteReader reader(seen.body);
  return wire::decode<Message>(reader).value();
}

}  // namespace

Bytes versions(std::uint8_t min, std::uint8_t max, std::uint8_t current, std::uint8_t delegate_min,
               std::uint8_t delegate_max, std::uint8_t delegate_current) {
  Bytes bytes;
  for (const std::uint8_t value :
       {min, max, current, delegate_min, delegate_max, delegate_current}) {
    bytes.push_back(std::byte{value});
  }
  return bytes;
}

Bytes alive_message(const Claim& claim) {
  return message_bytes(wire::Alive{.incarnation = claim.incarnation,
                                   .node = claim.name,
                                   .addr = wire_address(claim),
                                   .port = claim.address.port,
                                   .meta = claim.meta,
                                   .vsn = claim.vsn});
}

Bytes suspect_message(std::string_view node, std::uint32_t incarnation, std::string_view from) {
  return message_bytes(wire::Suspect{.incarnation = incarnation, .node = node, .from = from});
}

Bytes dead_message(std::string_view node, std::uint32_t incarnation, std::string_view from) {
  return message_bytes(wire::Dead{.incarnation = incarnation, .node = node, .from = from});
}

Bytes ping_message(std::uint32_t seq_no, std::string_view node, std::optional<Address> source) {
  wire::Ping ping;
  ping.seq_no = seq_no;
  ping.node = node;
  if (source) {
    ping.source_addr = source->ip.wire_bytes();
    ping.source_port = source->port;
    ping.source_node = "asker";
  }
  return message_bytes(ping);
}

Bytes indirect_ping_message(std::uint32_t seq_no, std::string_view node, const Address& target,
                            bool nack, std::optional<Address> source) {
  wire::IndirectPing ping;
  ping.seq_no = seq_no;
  ping.node = node;
  ping.target = target.ip.wire_bytes();
  ping.port = target.port;
  ping.nack = nack;
  if (source) {
    ping.source_addr = source->ip.wire_bytes();
    ping.source_port = source->port;
    ping.source_node = "asker";
  }
  return message_bytes(ping);
}

Bytes ack_message(std::uint32_t seq_no, BytesView payload) {
  return message_bytes(wire::Ack{.seq_no = seq_no, .payload = payload});
}

Bytes user_message(std::string_view payload) {
  Bytes bytes{static_cast<std::byte>(wire::MessageType::user)};
  ByteWriter(bytes).bytes(as_bytes(payload));
  return bytes;
}

Bytes push_pull_message(bool join, const std::vector<Claim>& claims, std::string_view user_state) {
  Bytes bytes;
  ByteWriter writer(bytes);
  wire::encode(writer,
               wire::PushPullHeader{.nodes = static_cast<std::int64_t>(claims.size()),
                                    .user_state_len = static_cast<std::int64_t>(user_state.size()),
                                    .join = join});
  for (const Claim& claim : claims) {
    wire::encode(writer, wire::NodeState{.name = claim.name,
                                         .addr = wire_address(claim),
                                         .port = claim.address.port,
                                         .meta = claim.meta,
                                         .incarnation = claim.incarnation,
                                         .state = static_cast<std::int64_t>(claim.status),
                                         .vsn = claim.vsn});
  }
  writer.bytes(as_bytes(user_state));
  return bytes;
}

Bytes stream_user_message(std::string_view payload) {
  Bytes bytes =
      message_bytes(wire::UserHeader{.user_msg_len = static_cast<std::int64_t>(payload.size())});
  ByteWriter(bytes).bytes(as_bytes(payload));
  return bytes;
}

wire::Ping SeenMessage::ping() const { return decoded<wire::Ping>(*this); }
wire::IndirectPing SeenMessage::indirect_ping() const { return decoded<wire::IndirectPing>(*this); }
wire::Ack SeenMessage::ack() const { return decoded<wire::Ack>(*this); }
wire::Nack SeenMessage::nack() const { return decoded<wire::Nack>(*this); }
wire::Suspect SeenMessage::suspect() const { return decoded<wire::Suspect>(*this); }
wire::Alive SeenMessage::alive() const { return decoded<wire::Alive>(*this); }
wire::Dead SeenMessage::dead() const { return decoded<wire::Dead>(*this); }
std::string_view SeenMessage::user() const {
  if (type != wire::MessageType::user) throw std::logic_error("the message is of another type");
  return as_text(body);
}

std::string_view SeenMessage::about() const {
  switch (type) {
    case wire::MessageType::alive:
      return alive().node;
    case wire::MessageType::suspect:
      return suspect().node;
    case wire::MessageType::dead:
      return dead().node;
    default:
      return {};
  }
}

std::vector<Claim> claims_of(BytesView node_states, std::size_t count) {
  std::vector<Claim> claims;
  ByteReader reader(node_states);
  for (std::size_t i = 0; i < count; ++i) {
    const wire::NodeState state = wire::decode<wire::NodeState>(reader).value();
    claims.push_back({.name = std::string(state.name),
                      .address = {IpAddress::from_bytes(state.addr).value(), state.port},
                      .incarnation = state.incarnation,
                      .status = static_cast<MemberStatus>(state.state),
                      .meta = to_bytes(state.meta),
                      .vsn = to_bytes(state.vsn)});
  }
  return claims;
}

}  // namespace memberlist::sim
