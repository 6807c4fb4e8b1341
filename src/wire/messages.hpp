#pragma once

#include <cstdint>
#include <string_view>

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "memberlist/bytes.hpp"
#include "wire/wire_error.hpp"

// Message bodies (protocol 4): one msgpack map each, fields in alphabetical order when encoded, in
// any order when decoded. Decoded values are views into the received bytes. A byte array with a
// null data pointer is 'absent' and encoded as nil; an empty one with a pointer is encoded empty.
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

struct Ack {
  std::uint32_t seq_no = 0;
  BytesView payload;
};

struct Nack {
  std::uint32_t seq_no = 0;
};

struct ErrorMessage {
  std::string_view error;
};

struct Suspect {
  std::uint32_t incarnation = 0;
  std::string_view node;
  std::string_view from;
};

struct Alive {
  std::uint32_t incarnation = 0;
  std::string_view node;
  BytesView addr;
  std::uint16_t port = 0;
  BytesView meta;
  BytesView vsn;
};

struct Dead {
  std::uint32_t incarnation = 0;
  std::string_view node;
  std::string_view from;
};

struct PushPullHeader {
  std::int64_t nodes = 0;
  std::int64_t user_state_len = 0;
  bool join = false;
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

struct UserHeader {
  std::int64_t user_msg_len = 0;
};

struct Compressed {
  std::uint8_t algo = 0;
  BytesView buf;
};

// `encode` writes the type byte and the body (NodeState: the body only; headers of streams: with
// their type byte, because they open the stream).
void encode(ByteWriter& out, const Ping& message);
void encode(ByteWriter& out, const IndirectPing& message);
void encode(ByteWriter& out, const Ack& message);
void encode(ByteWriter& out, const Nack& message);
void encode(ByteWriter& out, const ErrorMessage& message);
void encode(ByteWriter& out, const Suspect& message);
void encode(ByteWriter& out, const Alive& message);
void encode(ByteWriter& out, const Dead& message);
void encode(ByteWriter& out, const PushPullHeader& message);
void encode(ByteWriter& out, const UserHeader& message);
void encode(ByteWriter& out, const NodeState& state);
void encode(ByteWriter& out, const Compressed& message);

// `decode` reads a body (without the type byte) from the front of `in`, and advances `in` past it;
// the caller handles bytes after the body. A truncated body is `malformed` with `what` ==
// kTruncated, so that a stream can distinguish 'wait for more' from 'wrong'. An array, so that its
// address is the same wherever it is compared.
inline constexpr char kTruncated[] = "message is cut off";

WireResult<Ping> decode_ping(ByteReader& in);
WireResult<IndirectPing> decode_indirect_ping(ByteReader& in);
WireResult<Ack> decode_ack(ByteReader& in);
WireResult<Nack> decode_nack(ByteReader& in);
WireResult<ErrorMessage> decode_error(ByteReader& in);
WireResult<Suspect> decode_suspect(ByteReader& in);
WireResult<Alive> decode_alive(ByteReader& in);
WireResult<Dead> decode_dead(ByteReader& in);
WireResult<PushPullHeader> decode_push_pull_header(ByteReader& in);
WireResult<UserHeader> decode_user_header(ByteReader& in);
WireResult<NodeState> decode_node_state(ByteReader& in);
WireResult<Compressed> decode_compressed(ByteReader& in);

}  // namespace memberlist::wire
