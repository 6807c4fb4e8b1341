#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "memberlist/bytes.hpp"
#include "wire/schema.hpp"

// The table of messages (protocol 4): each with its type byte and its fields. A body is one msgpack
// map, with the fields in alphabetical order when encoded, in any order when decoded. Decoded
// values are views into the received bytes. A byte array with a null data pointer is 'absent' and
// encoded as nil; an empty one with a pointer is encoded empty.
namespace memberlist::wire {

enum class MessageType : std::uint8_t {
  ping = 0,
  indirect_ping = 1,
  ack = 2,
  suspect = 3,
  alive = 4,
  dead = 5,
  push_pull = 6,
  compound = 7,
  user = 8,
  compressed = 9,
  encrypted = 10,
  nack = 11,
  has_crc = 12,
  error = 13,
  has_label = 244,
};

struct Ping {
  std::uint32_t seq_no = 0;
  std::string_view node;
  BytesView source_addr;
  std::uint16_t source_port = 0;
  std::string_view source_node;
};
template <>
struct Schema<Ping> {
  static constexpr std::optional kType = MessageType::ping;
  using Fields = FieldList<Field<"Node", &Ping::node>, Field<"SeqNo", &Ping::seq_no>,
                           Field<"SourceAddr", &Ping::source_addr, When::not_empty>,
                           Field<"SourceNode", &Ping::source_node, When::not_empty>,
                           Field<"SourcePort", &Ping::source_port, When::not_empty>>;
};

struct IndirectPing {
  std::uint32_t seq_no = 0;
  BytesView target;
  std::uint16_t port = 0;
  std::string_view node;
  bool nack = false;
  BytesView source_addr;
  std::uint16_t source_port = 0;
  std::string_view source_node;
};
template <>
struct Schema<IndirectPing> {
  static constexpr std::optional kType = MessageType::indirect_ping;
  using Fields =
      FieldList<Field<"Nack", &IndirectPing::nack>, Field<"Node", &IndirectPing::node>,
                Field<"Port", &IndirectPing::port>, Field<"SeqNo", &IndirectPing::seq_no>,
                Field<"SourceAddr", &IndirectPing::source_addr, When::not_empty>,
                Field<"SourceNode", &IndirectPing::source_node, When::not_empty>,
                Field<"SourcePort", &IndirectPing::source_port, When::not_empty>,
                Field<"Target", &IndirectPing::target>>;
};

struct Ack {
  std::uint32_t seq_no = 0;
  BytesView payload;
};
template <>
struct Schema<Ack> {
  static constexpr std::optional kType = MessageType::ack;
  using Fields = FieldList<Field<"Payload", &Ack::payload>, Field<"SeqNo", &Ack::seq_no>>;
};

struct Nack {
  std::uint32_t seq_no = 0;
};
template <>
struct Schema<Nack> {
  static constexpr std::optional kType = MessageType::nack;
  using Fields = FieldList<Field<"SeqNo", &Nack::seq_no>>;
};

struct ErrorMessage {
  std::string_view error;
};
template <>
struct Schema<ErrorMessage> {
  static constexpr std::optional kType = MessageType::error;
  using Fields = FieldList<Field<"Error", &ErrorMessage::error>>;
};

struct Suspect {
  std::uint32_t incarnation = 0;
  std::string_view node;
  std::string_view from;
};
template <>
struct Schema<Suspect> {
  static constexpr std::optional kType = MessageType::suspect;
  using Fields =
      FieldList<Field<"From", &Suspect::from>, Field<"Incarnation", &Suspect::incarnation>,
                Field<"Node", &Suspect::node>>;
};

struct Alive {
  std::uint32_t incarnation = 0;
  std::string_view node;
  BytesView addr;
  std::uint16_t port = 0;
  BytesView meta;
  BytesView vsn;
};
template <>
struct Schema<Alive> {
  static constexpr std::optional kType = MessageType::alive;
  using Fields = FieldList<Field<"Addr", &Alive::addr>, Field<"Incarnation", &Alive::incarnation>,
                           Field<"Meta", &Alive::meta>, Field<"Node", &Alive::node>,
                           Field<"Port", &Alive::port>, Field<"Vsn", &Alive::vsn>>;
};

struct Dead {
  std::uint32_t incarnation = 0;
  std::string_view node;
  std::string_view from;
};
template <>
struct Schema<Dead> {
  static constexpr std::optional kType = MessageType::dead;
  using Fields = FieldList<Field<"From", &Dead::from>, Field<"Incarnation", &Dead::incarnation>,
                           Field<"Node", &Dead::node>>;
};

struct PushPullHeader {
  std::int64_t nodes = 0;
  std::int64_t user_state_len = 0;
  bool join = false;
};
template <>
struct Schema<PushPullHeader> {
  static constexpr std::optional kType = MessageType::push_pull;
  using Fields =
      FieldList<Field<"Join", &PushPullHeader::join>, Field<"Nodes", &PushPullHeader::nodes>,
                Field<"UserStateLen", &PushPullHeader::user_state_len>>;
};

struct NodeState {
  std::string_view name;
  BytesView addr;
  std::uint16_t port = 0;
  BytesView meta;
  std::uint32_t incarnation = 0;
  std::int64_t state = 0;
  BytesView vsn;
};
template <>
struct Schema<NodeState> {
  static constexpr std::optional<MessageType> kType = std::nullopt;
  using Fields =
      FieldList<Field<"Addr", &NodeState::addr>, Field<"Incarnation", &NodeState::incarnation>,
                Field<"Meta", &NodeState::meta>, Field<"Name", &NodeState::name>,
                Field<"Port", &NodeState::port>, Field<"State", &NodeState::state>,
                Field<"Vsn", &NodeState::vsn>>;
};

struct UserHeader {
  std::int64_t user_msg_len = 0;
};
template <>
struct Schema<UserHeader> {
  static constexpr std::optional kType = MessageType::user;
  using Fields = FieldList<Field<"UserMsgLen", &UserHeader::user_msg_len>>;
};

struct Compressed {
  std::uint8_t algo = 0;
  BytesView buf;
};
template <>
struct Schema<Compressed> {
  static constexpr std::optional kType = MessageType::compressed;
  using Fields = FieldList<Field<"Algo", &Compressed::algo>, Field<"Buf", &Compressed::buf>>;
};

}  // namespace memberlist::wire
