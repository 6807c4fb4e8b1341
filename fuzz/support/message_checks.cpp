#include "support/message_checks.hpp"

#include <algorithm>
#include <span>
#include <tuple>

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "support/input.hpp"

namespace memberlist::fuzz {
namespace {

// Byte arrays, which compare by content; and, where absent and empty differ, by that.
struct Raw {
  BytesView bytes;
  bool absent_differs = true;

  friend bool operator==(const Raw& a, const Raw& b) {
    if (a.absent_differs && (a.bytes.data() == nullptr) != (b.bytes.data() == nullptr)) {
      return false;
    }
    return std::ranges::equal(a.bytes, b.bytes);
  }
};

Raw always(BytesView bytes) { return {bytes, true}; }
Raw not_empty(BytesView bytes) { return {bytes, false}; }
Raw text(std::string_view text) { return {as_bytes(text), false}; }

auto fields(const wire::Ping& m) {
  return std::tuple(m.seq_no, text(m.node), not_empty(m.source_addr), m.source_port,
                    text(m.source_node));
}
auto fields(const wire::IndirectPing& m) {
  return std::tuple(m.seq_no, always(m.target), m.port, text(m.node), m.nack,
                    not_empty(m.source_addr), m.source_port, text(m.source_node));
}
auto fields(const wire::Ack& m) { return std::tuple(m.seq_no, always(m.payload)); }
auto fields(const wire::Nack& m) { return std::tuple(m.seq_no); }
auto fields(const wire::ErrorMessage& m) { return std::tuple(text(m.error)); }
auto fields(const wire::Suspect& m) {
  return std::tuple(m.incarnation, text(m.node), text(m.from));
}
auto fields(const wire::Alive& m) {
  return std::tuple(m.incarnation, text(m.node), always(m.addr), m.port, always(m.meta),
                    always(m.vsn));
}
auto fields(const wire::Dead& m) { return std::tuple(m.incarnation, text(m.node), text(m.from)); }
auto fields(const wire::PushPullHeader& m) { return std::tuple(m.nodes, m.user_state_len, m.join); }
auto fields(const wire::NodeState& m) {
  return std::tuple(text(m.name), always(m.addr), m.port, always(m.meta), m.incarnation, m.state,
                    always(m.vsn));
}
auto fields(const wire::UserHeader& m) { return std::tuple(m.user_msg_len); }
auto fields(const wire::Compressed& m) { return std::tuple(m.algo, always(m.buf)); }

void check_within(const Raw& field, BytesView body) {
  require(lies_in(field.bytes, body), "the views of a decoded message lie in its body");
}
template <class Number>
void check_within(const Number&, BytesView) {}

template <class Message>
void check(BytesView body) {
  ByteReader in(body);
  const auto message = wire::decode<Message>(in);
  if (!message) {
    require(in.position() == 0, "a message that cannot be decoded leaves the reader where it was");
    require(message.error().offset <= body.size(), "a decoding error points into the body");
    return;
  }
  std::apply([body](const auto&... field) { (check_within(field, body), ...); }, fields(*message));

  Bytes encoded;
  ByteWriter out(encoded);
  wire::encode(out, *message);
  ByteReader again(encoded);
  if constexpr (constexpr auto kType = wire::Schema<Message>::kType; kType.has_value()) {
    require(again.u8() == static_cast<std::uint8_t>(*kType),
            "an encoded message starts with its type");
  }
  const auto second = wire::decode<Message>(again);
  require(second.has_value(), "what we encode we can decode");
  require(again.remaining() == 0, "decoding takes all that encoding wrote");
  require(fields(*second) == fields(*message), "encoded and decoded again a message is the same");

  Bytes room(encoded.size() - 1);
  ByteWriter tight{std::span(room)};
  wire::encode(tight, *message);
  require(tight.overflowed() && tight.size() == 0, "a message that does not fit is not written");
}

}  // namespace

bool equal(const wire::Ping& a, const wire::Ping& b) { return fields(a) == fields(b); }
bool equal(const wire::Ack& a, const wire::Ack& b) { return fields(a) == fields(b); }
bool equal(const wire::ErrorMessage& a, const wire::ErrorMessage& b) {
  return fields(a) == fields(b);
}
bool equal(const wire::PushPullHeader& a, const wire::PushPullHeader& b) {
  return fields(a) == fields(b);
}

void check_message(wire::MessageType type, BytesView body) {
  using wire::MessageType;
  switch (type) {
    case MessageType::ping:
      return check<wire::Ping>(body);
    case MessageType::indirect_ping:
      return check<wire::IndirectPing>(body);
    case MessageType::ack:
      return check<wire::Ack>(body);
    case MessageType::suspect:
      return check<wire::Suspect>(body);
    case MessageType::alive:
      return check<wire::Alive>(body);
    case MessageType::dead:
      return check<wire::Dead>(body);
    case MessageType::nack:
      return check<wire::Nack>(body);
    case MessageType::error:
      return check<wire::ErrorMessage>(body);
    case MessageType::compressed:
      return check<wire::Compressed>(body);
    case MessageType::push_pull:
      return check<wire::PushPullHeader>(body);
    default:
      return;  // a user message of a packet is any bytes
  }
}

void check_all_messages(BytesView body) {
  for (std::uint8_t type = 0; type <= static_cast<std::uint8_t>(wire::MessageType::error); ++type) {
    check_message(wire::MessageType{type}, body);
  }
  check<wire::UserHeader>(body);
  check<wire::NodeState>(body);
}

}  // namespace memberlist::fuzz
