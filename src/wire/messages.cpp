#include "wire/messages.hpp"

#include "wire/schema.hpp"

namespace memberlist::wire {
namespace schema {

// The fields of protocol 4, in alphabetical order.

template <>
struct Schema<Ping> {
  using Fields = FieldList<Field<"Node", &Ping::node>, Field<"SeqNo", &Ping::seq_no>,
                           Field<"SourceAddr", &Ping::source_addr, When::not_empty>,
                           Field<"SourceNode", &Ping::source_node, When::not_empty>,
                           Field<"SourcePort", &Ping::source_port, When::not_empty>>;
};

template <>
struct Schema<IndirectPing> {
  using Fields =
      FieldList<Field<"Nack", &IndirectPing::nack>, Field<"Node", &IndirectPing::node>,
                Field<"Port", &IndirectPing::port>, Field<"SeqNo", &IndirectPing::seq_no>,
                Field<"SourceAddr", &IndirectPing::source_addr, When::not_empty>,
                Field<"SourceNode", &IndirectPing::source_node, When::not_empty>,
                Field<"SourcePort", &IndirectPing::source_port, When::not_empty>,
                Field<"Target", &IndirectPing::target>>;
};

template <>
struct Schema<Ack> {
  using Fields = FieldList<Field<"Payload", &Ack::payload>, Field<"SeqNo", &Ack::seq_no>>;
};

template <>
struct Schema<Nack> {
  using Fields = FieldList<Field<"SeqNo", &Nack::seq_no>>;
};

template <>
struct Schema<ErrorMessage> {
  using Fields = FieldList<Field<"Error", &ErrorMessage::error>>;
};

template <>
struct Schema<Suspect> {
  using Fields =
      FieldList<Field<"From", &Suspect::from>, Field<"Incarnation", &Suspect::incarnation>,
                Field<"Node", &Suspect::node>>;
};

template <>
struct Schema<Alive> {
  using Fields = FieldList<Field<"Addr", &Alive::addr>, Field<"Incarnation", &Alive::incarnation>,
                           Field<"Meta", &Alive::meta>, Field<"Node", &Alive::node>,
                           Field<"Port", &Alive::port>, Field<"Vsn", &Alive::vsn>>;
};

template <>
struct Schema<Dead> {
  using Fields = FieldList<Field<"From", &Dead::from>, Field<"Incarnation", &Dead::incarnation>,
                           Field<"Node", &Dead::node>>;
};

template <>
struct Schema<PushPullHeader> {
  using Fields =
      FieldList<Field<"Join", &PushPullHeader::join>, Field<"Nodes", &PushPullHeader::nodes>,
                Field<"UserStateLen", &PushPullHeader::user_state_len>>;
};

template <>
struct Schema<NodeState> {
  using Fields =
      FieldList<Field<"Addr", &NodeState::addr>, Field<"Incarnation", &NodeState::incarnation>,
                Field<"Meta", &NodeState::meta>, Field<"Name", &NodeState::name>,
                Field<"Port", &NodeState::port>, Field<"State", &NodeState::state>,
                Field<"Vsn", &NodeState::vsn>>;
};

template <>
struct Schema<UserHeader> {
  using Fields = FieldList<Field<"UserMsgLen", &UserHeader::user_msg_len>>;
};

template <>
struct Schema<Compressed> {
  using Fields = FieldList<Field<"Algo", &Compressed::algo>, Field<"Buf", &Compressed::buf>>;
};

}  // namespace schema

namespace {

template <class Message>
void encode_typed(ByteWriter& out, MessageType type, const Message& message) {
  schema::encode_message(out, static_cast<std::uint8_t>(type), message);
}

}  // namespace

void encode(ByteWriter& out, const Ping& message) { encode_typed(out, MessageType::ping, message); }
void encode(ByteWriter& out, const IndirectPing& message) {
  encode_typed(out, MessageType::indirect_ping, message);
}
void encode(ByteWriter& out, const Ack& message) { encode_typed(out, MessageType::ack, message); }
void encode(ByteWriter& out, const Nack& message) { encode_typed(out, MessageType::nack, message); }
void encode(ByteWriter& out, const ErrorMessage& message) {
  encode_typed(out, MessageType::error, message);
}
void encode(ByteWriter& out, const Suspect& message) {
  encode_typed(out, MessageType::suspect, message);
}
void encode(ByteWriter& out, const Alive& message) {
  encode_typed(out, MessageType::alive, message);
}
void encode(ByteWriter& out, const Dead& message) { encode_typed(out, MessageType::dead, message); }
void encode(ByteWriter& out, const PushPullHeader& message) {
  encode_typed(out, MessageType::push_pull, message);
}
void encode(ByteWriter& out, const UserHeader& message) {
  encode_typed(out, MessageType::user, message);
}
void encode(ByteWriter& out, const NodeState& state) {
  schema::encode_message(out, std::nullopt, state);
}
void encode(ByteWriter& out, const Compressed& message) {
  encode_typed(out, MessageType::compressed, message);
}

WireResult<Ping> decode_ping(ByteReader& in) { return schema::decode_message<Ping>(in); }
WireResult<IndirectPing> decode_indirect_ping(ByteReader& in) {
  return schema::decode_message<IndirectPing>(in);
}
WireResult<Ack> decode_ack(ByteReader& in) { return schema::decode_message<Ack>(in); }
WireResult<Nack> decode_nack(ByteReader& in) { return schema::decode_message<Nack>(in); }
WireResult<ErrorMessage> decode_error(ByteReader& in) {
  return schema::decode_message<ErrorMessage>(in);
}
WireResult<Suspect> decode_suspect(ByteReader& in) { return schema::decode_message<Suspect>(in); }
WireResult<Alive> decode_alive(ByteReader& in) { return schema::decode_message<Alive>(in); }
WireResult<Dead> decode_dead(ByteReader& in) { return schema::decode_message<Dead>(in); }
WireResult<PushPullHeader> decode_push_pull_header(ByteReader& in) {
  return schema::decode_message<PushPullHeader>(in);
}
WireResult<UserHeader> decode_user_header(ByteReader& in) {
  return schema::decode_message<UserHeader>(in);
}
WireResult<NodeState> decode_node_state(ByteReader& in) {
  return schema::decode_message<NodeState>(in);
}
WireResult<Compressed> decode_compressed(ByteReader& in) {
  return schema::decode_message<Compressed>(in);
}

}  // namespace memberlist::wire
