#include "arsenal.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <stdexcept>
#include <variant>

#include "../interop/member_view.hpp"
#include "support/golden.hpp"
#include "wire/crc32.hpp"
#include "wire/layers.hpp"
#include "wire/lzw.hpp"
#include "wire/stream.hpp"

namespace memberlist::hostile {
namespace {

crypto::Keyring keyring_of(const Protection& protection) {
  std::vector<Bytes> keys;
  const std::string key = interop::from_base64(protection.key_base64);
  if (!key.empty()) keys.push_back(to_bytes(key));
  auto ring = crypto::Keyring::create(keys);
  if (!ring) throw std::runtime_error(ring.error().message);
  return std::move(*ring);
}

/// The field `hex` of the vector with this name.
Bytes golden(const nlohmann::json& vectors, const std::string& name, const char* hex) {
  for (const auto& vector : vectors) {
    if (vector.at("name") == name) return testing::from_hex(vector.at(hex).get<std::string>());
  }
  throw std::runtime_error("no golden vector '" + name + "'");
}

Bytes checksummed(BytesView inside) {
  Bytes result{std::byte{12}};
  ByteWriter out(result);
  out.u32(wire::crc32(inside));
  out.bytes(inside);
  return result;
}

/// Puts a network in place of 127.0.0.1 that no changed byte brings into what the tests allow, so
/// that whoever is in there is read to the end, and yet never a member.
Bytes somewhere_else(Bytes bytes) {
  const Bytes loopback = testing::bytes_of("\x7f\x00\x00\x01");
  const Bytes elsewhere = testing::bytes_of("\x0a\x09\x09\x09");
  const auto found = std::ranges::search(bytes, loopback);
  std::ranges::copy(elsewhere, found.begin());
  return bytes;
}

template <class Wrap>
Bytes nested(std::size_t levels, Wrap&& wrap) {
  Bytes inside = encoded(wire::Ping{1, {}, {}, 0, {}});
  for (std::size_t i = 0; i < levels; ++i) inside = wrap(inside);
  return inside;
}

}  // namespace

Wrapper::Wrapper(const Protection& protection)
    : label_(protection.label),
      keyring_(keyring_of(protection)),
      buffer_(65'536 + wire::PacketSealer::kMaxOverheadBytes) {
  sealing_.label = label_;
  sealing_.keyring = &keyring_;
  sealing_.compress = false;
}

Bytes Wrapper::packet(BytesView inside) {
  const std::array<BytesView, 1> parts{inside};
  return to_bytes(sealer_.seal(sealing_, parts, false, buffer_));
}

Bytes Wrapper::packet_of_version_0(BytesView padded) {
  const std::size_t head = wire::label_overhead(label_);
  Bytes result(head + wire::kMinEncryptedPayloadBytes + padded.size());
  wire::put_label(result.data(), label_);
  const auto payload = std::span(result).subspan(head);
  crypto::Nonce nonce{};
  crypto::secure_random(nonce);
  payload[0] = std::byte{0};
  std::ranges::copy(nonce, payload.begin() + 1);
  std::ranges::copy(padded, payload.begin() + wire::kPayloadHeadBytes);
  keyring_.primary().seal(nonce, as_bytes(label_), {},
                          payload.subspan(wire::kPayloadHeadBytes, padded.size()),
                          payload.last<crypto::kTagBytes>());
  return result;
}

Bytes Wrapper::stream(BytesView inside) {
  return wire::seal_stream(sealing_, to_bytes(inside), true, lzw_);
}

std::optional<std::uint32_t> Wrapper::ack_in(BytesView packet) {
  if (!opener_.open(sealing_, packet)) return std::nullopt;
  while (const auto message = opener_.next_view()) {
    if (!*message || (*message)->type != wire::MessageType::ack) continue;
    ByteReader in((*message)->body);
    if (const auto ack = wire::decode<wire::Ack>(in)) return ack->seq_no;
  }
  return std::nullopt;
}

std::map<std::string, Bytes> valid_packets() {
  const nlohmann::json messages = testing::load_golden("messages.json");
  const nlohmann::json packets = testing::load_golden("packets.json");
  std::map<std::string, Bytes> result{
      {"ping", golden(messages, "ping minimal", "hex")},
      {"ping with source", golden(messages, "ping full", "hex")},
      {"indirect ping", golden(messages, "indirect ping nack=true full", "hex")},
      {"ack", golden(messages, "ack payload 15 bytes", "hex")},
      {"nack", golden(messages, "nack seq 65536", "hex")},
      {"suspect", golden(messages, "suspect", "hex")},
      {"alive", somewhere_else(golden(messages, "alive", "hex"))},
      {"dead", golden(messages, "dead", "hex")},
      {"user", to_bytes("\x08hello")},
      {"compound", golden(packets, "plain: ping with piggybacked suspect", "packet")},
      {"compressed", golden(packets, "compressed: user 300 x u", "packet")},
  };
  result["checksum"] = checksummed(result.at("ping"));
  result["all layers"] = checksummed(compressed(result.at("compound")));
  return result;
}

std::map<std::string, Bytes> valid_streams() {
  const nlohmann::json streams = testing::load_golden("streams.json");
  const auto plain = [&](const std::string& kind) {
    return golden(streams, "plain: " + kind + " (label header not included)", "stream");
  };
  std::map<std::string, Bytes> result{
      {"push/pull", somewhere_else(plain("push/pull join=true"))},
      {"user message", plain("user hello")},
      {"ping", plain("ping")},
  };
  for (const char* kind : {"push/pull", "user message", "ping"}) {
    result[std::string("compressed ") + kind] = compressed(result.at(kind));
  }
  return result;
}

Bytes compound_of(std::span<const BytesView> parts) {
  assert(parts.size() <= 255);
  Bytes result;
  ByteWriter out(result);
  out.u8(7);
  out.u8(static_cast<std::uint8_t>(parts.size()));
  for (const BytesView part : parts) out.u16(static_cast<std::uint16_t>(part.size()));
  for (const BytesView part : parts) out.bytes(part);
  return result;
}

Bytes compressed(BytesView inside) {
  Bytes packed;
  (void)wire::LzwEncoder().encode(inside, packed);
  return encoded(wire::Compressed{.algo = 0, .buf = packed});
}

Bytes nested_compounds(std::size_t levels) {
  return nested(levels, [](const Bytes& inside) {
    const std::array<BytesView, 1> parts{inside};
    return compound_of(parts);
  });
}

Bytes nested_checksums(std::size_t levels) {
  return nested(levels, [](const Bytes& inside) { return checksummed(inside); });
}

Bytes nested_compressions(std::size_t max_bytes) {
  Bytes inside;
  for (Bytes next = encoded(wire::Ping{1, {}, {}, 0, {}}); next.size() <= max_bytes;
       next = compressed(inside)) {
    inside = std::move(next);
  }
  return inside;
}

Bytes bomb(std::size_t plain_bytes) { return compressed(Bytes(plain_bytes)); }

Bytes ping_with_nested_field(std::size_t levels) {
  Bytes result = testing::bytes_of("\x00\x81\xa1x");
  for (std::size_t i = 0; i < levels; ++i) result.push_back(std::byte{0x91});
  result.push_back(std::byte{0xc0});
  return result;
}

}  // namespace memberlist::hostile
