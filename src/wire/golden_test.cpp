// Everything in tests/golden, byte for byte: what we encode is what Go does, and what Go encodes
// decodes to the same fields.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "crypto/keyring.hpp"
#include "support/golden.hpp"
#include "wire/crc32.hpp"
#include "wire/layers.hpp"
#include "wire/lzw.hpp"
#include "wire/messages.hpp"
#include "wire/packet.hpp"
#include "wire/stream.hpp"

namespace memberlist::wire {
namespace {

using nlohmann::json;
using testing::from_hex;
using testing::hex_field;
using testing::load_golden;
using testing::to_hex;

// Owns what the views of a message built from JSON look at.
class Fields {
 public:
  explicit Fields(const json& object) : object_(object) {}

  template <class T>
  void get(const char* name, T& out) {
    out = object_.value(name, T{});
  }
  void get(const char* name, std::string_view& out) {
    out = as_text(keep(to_bytes(object_.value(name, std::string()))));
  }
  void get(const char* name, BytesView& out) {
    const auto bytes = hex_field(object_, name);
    out = bytes ? keep(*bytes) : BytesView{};
  }

 private:
  // Not null even if empty: the JSON tells an empty array from an absent one.
  BytesView keep(const Bytes& bytes) {
    auto owned = std::make_unique<std::byte[]>(bytes.size() + 1);
    std::ranges::copy(bytes, owned.get());
    kept_.push_back(std::move(owned));
    return {kept_.back().get(), bytes.size()};
  }

  json object_;
  std::vector<std::unique_ptr<std::byte[]>> kept_;
};

bool same(BytesView a, BytesView b) {
  return (a.data() == nullptr) == (b.data() == nullptr) && std::ranges::equal(a, b);
}

void fill(Fields& fields, Ping& m) {
  fields.get("SeqNo", m.seq_no);
  fields.get("Node", m.node);
  fields.get("SourceAddr", m.source_addr);
  fields.get("SourcePort", m.source_port);
  fields.get("SourceNode", m.source_node);
}
void expect_equal(const Ping& a, const Ping& b) {
  EXPECT_EQ(a.seq_no, b.seq_no);
  EXPECT_EQ(a.node, b.node);
  EXPECT_TRUE(same(a.source_addr, b.source_addr));
  EXPECT_EQ(a.source_port, b.source_port);
  EXPECT_EQ(a.source_node, b.source_node);
}

void fill(Fields& fields, IndirectPing& m) {
  fields.get("SeqNo", m.seq_no);
  fields.get("Target", m.target);
  fields.get("Port", m.port);
  fields.get("Node", m.node);
  fields.get("Nack", m.nack);
  fields.get("SourceAddr", m.source_addr);
  fields.get("SourcePort", m.source_port);
  fields.get("SourceNode", m.source_node);
}
void expect_equal(const IndirectPing& a, const IndirectPing& b) {
  EXPECT_EQ(a.seq_no, b.seq_no);
  EXPECT_TRUE(same(a.target, b.target));
  EXPECT_EQ(a.port, b.port);
  EXPECT_EQ(a.node, b.node);
  EXPECT_EQ(a.nack, b.nack);
  EXPECT_TRUE(same(a.source_addr, b.source_addr));
  EXPECT_EQ(a.source_port, b.source_port);
  EXPECT_EQ(a.source_node, b.source_node);
}

void fill(Fields& fields, Ack& m) {
  fields.get("SeqNo", m.seq_no);
  fields.get("Payload", m.payload);
}
void expect_equal(const Ack& a, const Ack& b) {
  EXPECT_EQ(a.seq_no, b.seq_no);
  EXPECT_TRUE(same(a.payload, b.payload));
}

void fill(Fields& fields, Nack& m) { fields.get("SeqNo", m.seq_no); }
void expect_equal(const Nack& a, const Nack& b) { EXPECT_EQ(a.seq_no, b.seq_no); }

void fill(Fields& fields, ErrorMessage& m) { fields.get("Error", m.error); }
void expect_equal(const ErrorMessage& a, const ErrorMessage& b) { EXPECT_EQ(a.error, b.error); }

template <class Accusation>
void fill_accusation(Fields& fields, Accusation& m) {
  fields.get("Incarnation", m.incarnation);
  fields.get("Node", m.node);
  fields.get("From", m.from);
}
template <class Accusation>
void expect_equal_accusation(const Accusation& a, const Accusation& b) {
  EXPECT_EQ(a.incarnation, b.incarnation);
  EXPECT_EQ(a.node, b.node);
  EXPECT_EQ(a.from, b.from);
}
void fill(Fields& fields, Suspect& m) { fill_accusation(fields, m); }
void fill(Fields& fields, Dead& m) { fill_accusation(fields, m); }
void expect_equal(const Suspect& a, const Suspect& b) { expect_equal_accusation(a, b); }
void expect_equal(const Dead& a, const Dead& b) { expect_equal_accusation(a, b); }

void fill(Fields& fields, Alive& m) {
  fields.get("Incarnation", m.incarnation);
  fields.get("Node", m.node);
  fields.get("Addr", m.addr);
  fields.get("Port", m.port);
  fields.get("Meta", m.meta);
  fields.get("Vsn", m.vsn);
}
void expect_equal(const Alive& a, const Alive& b) {
  EXPECT_EQ(a.incarnation, b.incarnation);
  EXPECT_EQ(a.node, b.node);
  EXPECT_TRUE(same(a.addr, b.addr));
  EXPECT_EQ(a.port, b.port);
  EXPECT_TRUE(same(a.meta, b.meta));
  EXPECT_TRUE(same(a.vsn, b.vsn));
}

void fill(Fields& fields, NodeState& m) {
  fields.get("Name", m.name);
  fields.get("Addr", m.addr);
  fields.get("Port", m.port);
  fields.get("Meta", m.meta);
  fields.get("Incarnation", m.incarnation);
  fields.get("State", m.state);
  fields.get("Vsn", m.vsn);
}
void expect_equal(const NodeState& a, const NodeState& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_TRUE(same(a.addr, b.addr));
  EXPECT_EQ(a.port, b.port);
  EXPECT_TRUE(same(a.meta, b.meta));
  EXPECT_EQ(a.incarnation, b.incarnation);
  EXPECT_EQ(a.state, b.state);
  EXPECT_TRUE(same(a.vsn, b.vsn));
}

void fill(Fields& fields, PushPullHeader& m) {
  fields.get("Nodes", m.nodes);
  fields.get("UserStateLen", m.user_state_len);
  fields.get("Join", m.join);
}
void expect_equal(const PushPullHeader& a, const PushPullHeader& b) {
  EXPECT_EQ(a.nodes, b.nodes);
  EXPECT_EQ(a.user_state_len, b.user_state_len);
  EXPECT_EQ(a.join, b.join);
}

void fill(Fields& fields, UserHeader& m) { fields.get("UserMsgLen", m.user_msg_len); }
void expect_equal(const UserHeader& a, const UserHeader& b) {
  EXPECT_EQ(a.user_msg_len, b.user_msg_len);
}

template <class Message>
Bytes bytes_of(const Message& message) {
  Bytes bytes;
  ByteWriter out(bytes);
  encode(out, message);
  return bytes;
}

// `bytes` are what `encode` writes of the message.
template <class Message>
void check_both_ways(const json& object, const Bytes& bytes) {
  Fields fields(object);
  Message expected;
  fill(fields, expected);
  EXPECT_EQ(to_hex(bytes_of(expected)), to_hex(bytes));

  ByteReader in(BytesView(bytes).subspan(Schema<Message>::kType ? 1 : 0));
  const auto decoded = decode<Message>(in);
  ASSERT_TRUE(decoded) << decoded.error().to_string();
  EXPECT_EQ(in.remaining(), 0U);
  expect_equal(*decoded, expected);
}

void check_message(int type, const json& fields, const Bytes& bytes) {
  switch (static_cast<MessageType>(type)) {
    case MessageType::ping:
      return check_both_ways<Ping>(fields, bytes);
    case MessageType::indirect_ping:
      return check_both_ways<IndirectPing>(fields, bytes);
    case MessageType::ack:
      return check_both_ways<Ack>(fields, bytes);
    case MessageType::nack:
      return check_both_ways<Nack>(fields, bytes);
    case MessageType::suspect:
      return check_both_ways<Suspect>(fields, bytes);
    case MessageType::alive:
      return check_both_ways<Alive>(fields, bytes);
    case MessageType::dead:
      return check_both_ways<Dead>(fields, bytes);
    case MessageType::error:
      return check_both_ways<ErrorMessage>(fields, bytes);
    case MessageType::push_pull:
      return check_both_ways<PushPullHeader>(fields, bytes);
    case MessageType::user:
      return check_both_ways<UserHeader>(fields, bytes);
    default:
      FAIL() << "no message of type " << type << " expected";
  }
}

TEST(GoldenMessages, EncodeByteForByteAndDecodeToEqualFields) {
  const json vectors = load_golden("messages.json");
  ASSERT_GE(vectors.size(), 88U);
  for (const json& vector : vectors) {
    const auto name = vector.at("name").get<std::string>();
    SCOPED_TRACE(name);
    Bytes bytes = from_hex(vector.at("hex").get<std::string>());
    if (name.starts_with("node state")) {
      bytes.erase(bytes.begin());
      check_both_ways<NodeState>(vector.at("fields"), bytes);
    } else {
      check_message(vector.at("type").get<int>(), vector.at("fields"), bytes);
    }
  }
}

TEST(GoldenCompression, EncodesByteForByteAndDecodes) {
  const json vectors = load_golden("compression.json");
  ASSERT_GE(vectors.size(), 13U);
  LzwEncoder lzw;
  for (const json& vector : vectors) {
    SCOPED_TRACE(vector.at("name").get<std::string>());
    const Bytes plain = from_hex(vector.at("plain").get<std::string>());
    const Bytes message = from_hex(vector.at("compressed_message").get<std::string>());

    Bytes packed;
    ASSERT_TRUE(lzw.encode(plain, packed));
    EXPECT_EQ(to_hex(bytes_of(Compressed{.algo = 0, .buf = packed})), to_hex(message));

    ByteReader in(BytesView(message).subspan(1));
    const auto compressed = decode<Compressed>(in);
    ASSERT_TRUE(compressed) << compressed.error().to_string();
    EXPECT_EQ(compressed->algo, 0);
    Bytes unpacked;
    const auto done = lzw_decode(compressed->buf, unpacked, plain.size());
    ASSERT_TRUE(done) << done.error().to_string();
    EXPECT_EQ(to_hex(unpacked), to_hex(plain));
  }
}

crypto::Keyring ring_of(const Bytes& key) {
  return crypto::Keyring::create(std::vector<Bytes>{key}).value();
}

TEST(GoldenEncryption, EncryptsByteForByteAndDecrypts) {
  const json vectors = load_golden("encryption.json");
  ASSERT_GE(vectors.size(), 84U);
  for (const json& vector : vectors) {
    const Bytes expected = from_hex(vector.at("payload").get<std::string>());
    SCOPED_TRACE(to_hex(expected).substr(0, 40));
    const Bytes plain = from_hex(vector.at("plain").get<std::string>());
    const Bytes authenticated = from_hex(vector.at("authenticated_data").get<std::string>());
    const Bytes nonce = from_hex(vector.at("nonce").get<std::string>());
    auto ring = ring_of(from_hex(vector.at("key").get<std::string>()));
    Sealing how;
    how.keyring = &ring;
    how.encryption_version = vector.at("version").get<std::uint8_t>();
    how.nonce_source = [&](std::span<std::byte> out) { std::ranges::copy(nonce, out.begin()); };

    Bytes payload(encrypted_payload_bytes(how.encryption_version, plain.size()));
    std::ranges::copy(plain, payload.begin() + kPayloadHeadBytes);
    seal_payload(how, authenticated, {}, payload, plain.size());
    EXPECT_EQ(to_hex(payload), to_hex(expected));

    Bytes scratch;
    const auto opened = open_payload(ring, authenticated, {}, expected, scratch);
    ASSERT_TRUE(opened) << opened.error().to_string();
    EXPECT_EQ(to_hex(*opened), to_hex(plain));
  }
}

// What a configuration of packets.json or streams.json asks for.
struct Configuration {
  std::string label;
  std::optional<crypto::Keyring> ring;
  Sealing how;

  explicit Configuration(const json& vector) : label(vector.at("label").get<std::string>()) {
    how.label = label;
    how.compress = vector.at("compression").get<bool>();
    if (vector.contains("key")) {
      ring = ring_of(from_hex(vector.at("key").get<std::string>()));
      how.keyring = &*ring;
    }
  }
  Configuration(const Configuration&) = delete;
  Configuration& operator=(const Configuration&) = delete;

  // Seal as the sealed bytes were: the nonce and version that are in them.
  void imitate(BytesView payload) {
    how.encryption_version = std::to_integer<std::uint8_t>(payload[0]);
    Bytes nonce = to_bytes(payload.subspan(1, crypto::kNonceBytes));
    how.nonce_source = [nonce](std::span<std::byte> out) { std::ranges::copy(nonce, out.begin()); };
  }
};

Bytes part_of(const json& message) {
  const int type = message.at("type").get<int>();
  Fields fields(message);
  switch (static_cast<MessageType>(type)) {
    case MessageType::ping: {
      Ping ping;
      fill(fields, ping);
      return bytes_of(ping);
    }
    case MessageType::suspect: {
      Suspect suspect;
      fill(fields, suspect);
      return bytes_of(suspect);
    }
    case MessageType::user: {
      Bytes part = from_hex(message.at("payload").get<std::string>());
      part.insert(part.begin(), std::byte{8});
      return part;
    }
    default:
      ADD_FAILURE() << "unexpected type " << type;
      return {};
  }
}

TEST(GoldenPackets, DecodeToTheirMessages) {
  const json vectors = load_golden("packets.json");
  ASSERT_GE(vectors.size(), 24U);
  for (const json& vector : vectors) {
    SCOPED_TRACE(vector.at("name").get<std::string>());
    const Configuration configuration(vector);
    const Bytes packet = from_hex(vector.at("packet").get<std::string>());
    PacketOpener opener;
    const auto opened = opener.open(configuration.how, packet);
    ASSERT_TRUE(opened) << opened.error().to_string();
    for (const json& expected : vector.at("messages")) {
      const auto message = opener.next_view();
      ASSERT_TRUE(message.has_value());
      ASSERT_TRUE(*message) << message->error().to_string();
      const Bytes part = part_of(expected);
      EXPECT_EQ(std::to_integer<int>(part[0]), static_cast<int>((*message)->type));
      EXPECT_EQ(to_hex(BytesView(part).subspan(1)), to_hex((*message)->body));
    }
    EXPECT_FALSE(opener.next_view().has_value());
    EXPECT_EQ(opener.truncated_parts(), 0U);
  }
}

TEST(GoldenPackets, EncodeByteForByte) {
  PacketSealer sealer;
  for (const json& vector : load_golden("packets.json")) {
    const auto name = vector.at("name").get<std::string>();
    SCOPED_TRACE(name);
    Configuration configuration(vector);
    const Bytes packet = from_hex(vector.at("packet").get<std::string>());
    if (configuration.ring) {
      configuration.imitate(BytesView(packet).subspan(label_overhead(configuration.label)));
    }
    std::vector<Bytes> parts;
    for (const json& message : vector.at("messages")) parts.push_back(part_of(message));
    const std::vector<BytesView> views(parts.begin(), parts.end());
    Bytes out(4096);
    const bool with_crc = name.find("checksum") != std::string::npos;
    EXPECT_EQ(to_hex(sealer.seal(configuration.how, views, with_crc, out)), to_hex(packet));
  }
}

// A node of streams.json. Its bytes have nil where the JSON beside them says "" (see the README in
// tests/golden), so that here, and only here, an empty byte array is an absent one.
void fill_stream_node(Fields& fields, NodeState& state) {
  fill(fields, state);
  if (state.meta.empty()) state.meta = {};
}

// The plain message of a vector of streams.json.
Bytes stream_plain(const json& vector) {
  Bytes plain;
  ByteWriter out(plain);
  if (vector.contains("ping")) {
    Fields fields(vector.at("ping"));
    Ping ping;
    fill(fields, ping);
    encode(out, ping);
  } else if (vector.contains("user")) {
    const Bytes user = from_hex(vector.at("user").get<std::string>());
    encode(out, UserHeader{static_cast<std::int64_t>(user.size())});
    out.bytes(user);
  } else {
    const Bytes user_state = from_hex(vector.at("user_state").get<std::string>());
    encode(out, PushPullHeader{static_cast<std::int64_t>(vector.at("nodes").size()),
                               static_cast<std::int64_t>(user_state.size()),
                               vector.at("join").get<bool>()});
    for (const json& node : vector.at("nodes")) {
      Fields fields(node);
      NodeState state;
      fill_stream_node(fields, state);
      encode(out, state);
    }
    out.bytes(user_state);
  }
  return plain;
}

void expect_push_pull(const json& vector, const PushPullMessage& message) {
  EXPECT_EQ(message.header.join, vector.at("join").get<bool>());
  EXPECT_EQ(to_hex(message.user_state), vector.at("user_state").get<std::string>());
  ASSERT_EQ(message.header.nodes, static_cast<std::int64_t>(vector.at("nodes").size()));
  ByteReader states(message.node_states);
  for (const json& node : vector.at("nodes")) {
    const auto state = decode<NodeState>(states);
    ASSERT_TRUE(state) << state.error().to_string();
    Fields fields(node);
    NodeState expected;
    fill_stream_node(fields, expected);
    expect_equal(*state, expected);
  }
  EXPECT_EQ(states.remaining(), 0U);
}

void expect_stream(const json& vector, const StreamMessage& message) {
  if (vector.contains("ping")) {
    Fields fields(vector.at("ping"));
    Ping expected;
    fill(fields, expected);
    expect_equal(std::get<Ping>(message), expected);
  } else if (vector.contains("user")) {
    EXPECT_EQ(to_hex(std::get<StreamUserMessage>(message).payload),
              vector.at("user").get<std::string>());
  } else {
    expect_push_pull(vector, std::get<PushPullMessage>(message));
  }
}

// Feeds pieces of the given size; the stream must be complete with its last byte.
void feed_in_pieces(StreamOpener& opener, BytesView stream, std::size_t piece) {
  while (!stream.empty()) {
    const std::size_t count = std::min(piece, stream.size());
    const auto progress = opener.feed(stream.first(count));
    ASSERT_TRUE(progress) << progress.error().to_string();
    stream = stream.subspan(count);
    ASSERT_EQ(*progress, stream.empty() ? StreamOpener::Progress::complete
                                        : StreamOpener::Progress::need_more);
  }
}

TEST(GoldenStreams, DecodeInPiecesOfAnySize) {
  const json vectors = load_golden("streams.json");
  ASSERT_GE(vectors.size(), 20U);
  for (const json& vector : vectors) {
    SCOPED_TRACE(vector.at("name").get<std::string>());
    const Configuration configuration(vector);
    const Bytes stream = from_hex(vector.at("stream").get<std::string>());
    Bytes dialled(label_overhead(configuration.label));
    put_label(dialled.data(), configuration.label);
    dialled.insert(dialled.end(), stream.begin(), stream.end());
    for (std::size_t piece = 1; piece <= dialled.size(); ++piece) {
      StreamOpener answering(configuration.how, false);
      ASSERT_NO_FATAL_FAILURE(feed_in_pieces(answering, stream, piece));
      expect_stream(vector, answering.message());
      StreamOpener dialling(configuration.how, true);
      ASSERT_NO_FATAL_FAILURE(feed_in_pieces(dialling, dialled, piece));
      expect_stream(vector, dialling.message());
    }
  }
}

TEST(GoldenStreams, EncodeByteForByte) {
  LzwEncoder lzw;
  for (const json& vector : load_golden("streams.json")) {
    SCOPED_TRACE(vector.at("name").get<std::string>());
    Configuration configuration(vector);
    const Bytes stream = from_hex(vector.at("stream").get<std::string>());
    if (configuration.ring) configuration.imitate(BytesView(stream).subspan(5));
    const Bytes plain = stream_plain(vector);
    EXPECT_EQ(to_hex(seal_stream(configuration.how, plain, false, lzw)), to_hex(stream));
  }
}

TEST(GoldenScaling, CompoundFraming) {
  PacketSealer sealer;
  Sealing how;
  how.compress = false;
  const json golden = load_golden("scaling.json");
  for (const json& vector : golden.at("compound")) {
    const Bytes expected = from_hex(vector.at("hex").get<std::string>());
    SCOPED_TRACE(to_hex(expected));
    std::vector<Bytes> parts;
    for (const json& part : vector.at("parts")) parts.push_back(from_hex(part.get<std::string>()));
    // One message alone goes out plain; Go frames it, too, when told so.
    if (parts.size() > 1) {
      const std::vector<BytesView> views(parts.begin(), parts.end());
      Bytes out(1024);
      EXPECT_EQ(to_hex(sealer.seal(how, views, false, out)), to_hex(expected));
    }
    PacketOpener opener;
    ASSERT_TRUE(opener.open(how, expected));
    for (const Bytes& part : parts) {
      const auto message = opener.next_view();
      ASSERT_TRUE(message.has_value());
      // The parts are no messages: what is wrong with them is told of each by itself.
      ASSERT_FALSE(*message);
      EXPECT_STREQ(message->error().what,
                   part.empty() ? "message is empty" : "unknown message type");
    }
    EXPECT_FALSE(opener.next_view().has_value());
    EXPECT_EQ(opener.truncated_parts(), 0U);
  }
}

TEST(GoldenScaling, Crc32) {
  const json golden = load_golden("scaling.json");
  for (const json& vector : golden.at("crc32")) {
    const Bytes bytes = from_hex(vector.at("bytes").get<std::string>());
    Bytes crc(4);
    (void)msgpack::put_big_endian<4>(crc.data(), crc32(bytes));
    EXPECT_EQ(to_hex(crc), vector.at("crc").get<std::string>());
  }
}

}  // namespace
}  // namespace memberlist::wire
