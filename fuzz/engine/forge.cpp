#include "forge.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>

#include "base/byte_writer.hpp"
#include "wire/crc32.hpp"
#include "wire/messages.hpp"
#include "wire/stream.hpp"
#include "world.hpp"

namespace memberlist::fuzz {
namespace {

constexpr std::size_t kMessageBytes = 4096;
constexpr std::array kVersions{std::byte{1}, std::byte{5}, std::byte{2},
                               std::byte{0}, std::byte{0}, std::byte{0}};

template <class Message>
Bytes encoded(const Message& message) {
  Bytes bytes;
  ByteWriter writer(bytes);
  wire::encode(writer, message);
  return bytes;
}

std::uint32_t pick_incarnation(ByteSource& in) {
  const std::uint8_t which = in.byte();
  constexpr std::uint32_t kLast = std::numeric_limits<std::uint32_t>::max();
  if (which < 200) return which % 16;
  if (which < 240) return kLast - which % 4;
  return in.u32();
}

std::uint32_t pick_seq_no(ByteSource& in, const PeerKnowledge& known) {
  const std::uint8_t which = in.byte();
  if (which < 224 && !known.packet_seq_nos.empty()) {
    return known
        .packet_seq_nos[known.packet_seq_nos.size() - 1 - which % known.packet_seq_nos.size()];
  }
  return which < 240 ? which % 16 : in.u32();
}

Bytes pick_versions(ByteSource& in) {
  const std::uint8_t which = in.byte();
  if (which < 192) return {kVersions.begin(), kVersions.end()};
  if (which < 224) {  // old and new ones, with ranges that overlap ours
    Bytes versions{kVersions.begin(), kVersions.end()};
    versions[1] = std::byte{static_cast<std::uint8_t>(2 + which % 4)};
    return versions;
  }
  return to_bytes(in.take(in.below(9)));
}

Bytes pick_meta(ByteSource& in) {
  const std::uint8_t which = in.byte();
  if (which < 128) return {};
  if (which < 200) return Bytes(which % 8, std::byte{which});
  if (which < 220) return Bytes(512 + which % 2, std::byte{'m'});
  return to_bytes(in.take(which % 32));
}

wire::NodeState node_state(std::string_view name, const WireAddress& address, BytesView meta,
                           std::uint32_t incarnation, std::int64_t state, BytesView versions) {
  return {name, address.ip, address.port, meta, incarnation, state, versions};
}

void add_state(ByteSource& in, ByteWriter& out) {
  const std::string name = pick_name(in);
  const WireAddress address = pick_wire_address(in);
  const Bytes meta = pick_meta(in);
  const Bytes versions = pick_versions(in);
  const std::uint8_t state = in.byte();
  const std::int64_t status = state < 248 ? state % 4 : static_cast<std::int8_t>(state);
  wire::encode(out, node_state(name, address, meta, pick_incarnation(in), status, versions));
}

Bytes push_pull(ByteSource& in) {
  const std::uint8_t shape = in.byte();
  const std::int64_t states = shape % 16;
  const std::int64_t user_bytes = (shape & 16) != 0 ? 5 : 0;
  const bool lies = (shape & 64) != 0;
  wire::PushPullHeader header{states, user_bytes, (shape & 32) != 0};
  if (lies) {
    header.nodes += static_cast<std::int8_t>(in.byte());
    header.user_state_len += static_cast<std::int8_t>(in.byte());
    if ((shape & 128) != 0) header.nodes *= 70'000;
  }
  Bytes bytes;
  ByteWriter out(bytes);
  wire::encode(out, header);
  for (std::int64_t i = 0; i < states && !in.empty(); ++i) add_state(in, out);
  if (user_bytes != 0) out.bytes(as_bytes("state"));
  return bytes;
}

Bytes stream_user_message(ByteSource& in) {
  const std::uint8_t shape = in.byte();
  const std::size_t size = shape % 64;
  std::int64_t announced = static_cast<std::int64_t>(size);
  if ((shape & 64) != 0) announced += static_cast<std::int8_t>(in.byte());
  if ((shape & 128) != 0) announced *= 1 << 20;
  Bytes bytes;
  ByteWriter out(bytes);
  wire::encode(out, wire::UserHeader{announced});
  out.bytes(in.take(size));
  return bytes;
}

Bytes some_ping(ByteSource& in, const PeerKnowledge& known) {
  const std::string node = pick_name(in);
  const WireAddress source = pick_wire_address(in);
  return encoded(wire::Ping{pick_seq_no(in, known), node, source.ip, source.port, "asker"});
}

Bytes some_indirect_ping(ByteSource& in, const PeerKnowledge& known) {
  const std::string node = pick_name(in);
  const WireAddress target = pick_wire_address(in);
  const WireAddress source = pick_wire_address(in);
  return encoded(wire::IndirectPing{pick_seq_no(in, known), target.ip, target.port, node, in.flag(),
                                    source.ip, source.port, "asker"});
}

Bytes some_alive(ByteSource& in) {
  const std::string node = pick_name(in);
  const WireAddress address = pick_wire_address(in);
  const Bytes meta = pick_meta(in);
  const Bytes versions = pick_versions(in);
  return encoded(wire::Alive{pick_incarnation(in), node, address.ip, address.port, meta, versions});
}

template <class Accusation>
Bytes some_accusation(ByteSource& in) {
  const std::string node = pick_name(in);
  const std::string from = in.flag() ? node : pick_name(in);
  return encoded(Accusation{pick_incarnation(in), node, from});
}

Bytes user_message(BytesView payload) {
  Bytes bytes{static_cast<std::byte>(wire::MessageType::user)};
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

/// One wrong byte, or the end missing.
void damage(ByteSource& in, Bytes& bytes) {
  if (bytes.empty()) return;
  const std::size_t at = in.u16() % bytes.size();
  const std::uint8_t flip = in.byte();
  if (flip == 0) {
    bytes.resize(at);
  } else {
    bytes[at] ^= std::byte{flip};
  }
}

}  // namespace

Forge::Forge()
    : keys_(crypto::Keyring::create({}).value()), wrong_keys_(crypto::Keyring::create({}).value()) {
  const Bytes wrong(16, std::byte{9});
  (void)wrong_keys_.add(wrong);
}

void Forge::configure(const Config& config) {
  keys_ = crypto::Keyring::create(config.keys).value();
  sound_ = {};
  sound_.label = config.label;
  sound_.keyring = &keys_;
  sound_.encryption_version = config.protocol_version == 1 ? 0 : 1;
  sound_.compress = false;  // most compressed ones come from `message`
  sound_.nonce_source = [](std::span<std::byte> nonce) {
    std::ranges::fill(nonce, std::byte{0x5a});
  };
  opening_ = sound_;
  opening_.verify_incoming = config.gossip_verify_outgoing;
  strips_label_ = config.skip_inbound_label_check;
}

/// What stands in front of such an engine removes the label.
Bytes Forge::stripped(Bytes bytes, const wire::Sealing& how) const {
  if (!strips_label_) return bytes;
  const auto label = static_cast<std::ptrdiff_t>(wire::label_overhead(how.label));
  bytes.erase(bytes.begin(), bytes.begin() + label);
  return bytes;
}

Bytes Forge::message(ByteSource& in, const PeerKnowledge& known, int depth) {
  const std::size_t kind = in.below(16);
  switch (kind) {
    case 0:
    case 1:
      return some_alive(in);
    case 2:
    case 3:
      return some_accusation<wire::Suspect>(in);
    case 4:
    case 5:
      return some_accusation<wire::Dead>(in);
    case 6:
      return some_ping(in, known);
    case 7:
      return some_indirect_ping(in, known);
    case 8:
    case 9:
      return encoded(wire::Ack{pick_seq_no(in, known), in.take(in.below(8))});
    case 10:
      return encoded(wire::Nack{pick_seq_no(in, known)});
    case 11:
      return user_message(in.take(in.below(32)));
    case 12:
      return to_bytes(in.take(in.byte()));  // whatever it is
    default:
      return depth > 0 ? nested(in, known, kind, depth - 1) : Bytes{};
  }
}

Bytes Forge::nested(ByteSource& in, const PeerKnowledge& known, std::size_t kind, int depth) {
  Bytes bytes;
  ByteWriter out(bytes);
  if (kind == 13) {  // compound
    std::vector<Bytes> parts(in.below(5));
    for (Bytes& part : parts) part = message(in, known, depth);
    out.u8(static_cast<std::uint8_t>(wire::MessageType::compound));
    out.u8(static_cast<std::uint8_t>(parts.size()));
    for (const Bytes& part : parts) out.u16(static_cast<std::uint16_t>(part.size()));
    for (const Bytes& part : parts) out.bytes(part);
  } else if (kind == 14) {  // compressed
    Bytes packed;
    (void)lzw_.encode(message(in, known, depth), packed);
    wire::encode(out, wire::Compressed{.algo = 0, .buf = packed});
  } else {  // checksum
    const Bytes inner = message(in, known, depth);
    out.u8(static_cast<std::uint8_t>(wire::MessageType::has_crc));
    out.u32(wire::crc32(inner));
    out.bytes(inner);
  }
  if (bytes.size() > kMessageBytes) bytes.resize(kMessageBytes);
  return bytes;
}

wire::Sealing Forge::odd_sealing(std::uint8_t flags) {
  wire::Sealing odd = sound_;
  if ((flags & 1) != 0) odd.keyring = &wrong_keys_;
  if ((flags & 2) != 0) odd.keyring = nullptr;
  if ((flags & 4) != 0) odd.label = odd.label.empty() ? "green" : "";
  if ((flags & 8) != 0) odd.label = "red";
  if ((flags & 16) != 0) odd.encryption_version ^= 1;
  if ((flags & 32) != 0) odd.compress = true;
  return odd;
}

Bytes Forge::packet(ByteSource& in, const PeerKnowledge& known) {
  const std::uint8_t shape = in.byte();
  if (shape >= 250) return to_bytes(in.take(in.u16()));  // nothing of ours
  std::vector<Bytes> messages(1 + shape % 4);
  for (Bytes& each : messages) each = message(in, known, 5);
  const wire::Sealing how = (shape & 0x20) != 0 ? odd_sealing(in.byte()) : sound_;
  Bytes bytes = seal(how, messages, (shape & 0x10) != 0);
  if ((shape & 0x20) == 0) bytes = stripped(std::move(bytes), how);
  if ((shape & 0xc0) == 0xc0) damage(in, bytes);
  return bytes;
}

Bytes Forge::stream(ByteSource& in, const PeerKnowledge& known, bool dialling) {
  const std::uint8_t shape = in.byte();
  if (shape >= 250) return to_bytes(in.take(in.u16()));
  Bytes plain;
  switch (shape % 8) {
    case 0:
    case 1:
    case 2:
      plain = push_pull(in);
      break;
    case 3:
      plain = stream_user_message(in);
      break;
    case 4:
      plain = some_ping(in, known);
      break;
    case 5:
      plain = encoded(wire::Ack{known.stream_seq_no + (in.byte() >= 224 ? 1U : 0U), {}});
      break;
    case 6:
      plain = encoded(wire::ErrorMessage{pick_name(in)});
      break;
    default:
      plain = message(in, known, 3);
  }
  const wire::Sealing how = (shape & 0x20) != 0 ? odd_sealing(in.byte()) : sound_;
  const bool with_label = dialling != ((shape & 0x18) == 0x18);
  Bytes bytes = wire::seal_stream(how, plain, with_label, lzw_);
  if (with_label && (shape & 0x20) == 0) bytes = stripped(std::move(bytes), how);
  if ((shape & 0xc0) == 0xc0) damage(in, bytes);
  return bytes;
}

Bytes Forge::sound_packet(std::span<const Bytes> messages) {
  return stripped(seal(sound_, messages, false), sound_);
}

Bytes Forge::sound_stream(BytesView plain, bool dialling) {
  Bytes bytes = wire::seal_stream(sound_, plain, dialling, lzw_);
  return dialling ? stripped(std::move(bytes), sound_) : bytes;
}

Bytes Forge::seal(const wire::Sealing& how, std::span<const Bytes> messages, bool with_crc) {
  parts_.assign(messages.begin(), messages.end());
  std::size_t bytes = wire::PacketSealer::kMaxOverheadBytes;
  for (const Bytes& each : messages) bytes += each.size();
  Bytes room(bytes);
  const BytesView sealed = sealer_.seal(how, parts_, with_crc, room);
  return to_bytes(sealed);
}

Bytes sound_alive(std::size_t member, std::uint32_t incarnation) {
  const Address address = member_address(member);
  return encoded(wire::Alive{
      incarnation, member_name(member), address.ip.wire_bytes(), address.port, {}, kVersions});
}

Bytes sound_push_pull(std::size_t members, bool join) {
  Bytes bytes;
  ByteWriter out(bytes);
  wire::encode(out, wire::PushPullHeader{static_cast<std::int64_t>(members), 0, join});
  for (std::size_t i = 1; i <= members; ++i) {
    const Address address = member_address(i);
    const std::string name = member_name(i);
    const WireAddress told{to_bytes(address.ip.wire_bytes()), address.port};
    wire::encode(out, node_state(name, told, {}, 1, 0, kVersions));
  }
  return bytes;
}

}  // namespace memberlist::fuzz
