#include "wire/packet.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "wire/crc32.hpp"
#include "wire/layers.hpp"
#include "wire/msgpack.hpp"

namespace memberlist::wire {
namespace {

constexpr std::size_t kCrcHeadBytes = 5;  // type and checksum
constexpr std::size_t kCompoundLengthBytes = 2;
constexpr std::size_t kCompressedHeadBytes = 12;  // type, map, Algo and its value, key of Buf
// Most packets are pings and acks, which are shorter, and of which compression saves nothing.
constexpr std::size_t kWorthCompressing = 128;

// The texts name the limits.
static_assert(limits::kPacketNesting == 4);
constexpr char kTooDeep[] = "packet has more than 4 nested layers";
static_assert(limits::kPacketMessages == 1024);
constexpr char kTooMany[] = "packet has more than 1,024 messages";
static_assert(limits::kDecompressedPacketBytes == 65'535);
constexpr char kTooLarge[] = "packet decompresses to more than 65,535 bytes";

constexpr std::byte byte_of(MessageType type) { return std::byte{static_cast<std::uint8_t>(type)}; }

// Whether a packet that no key decrypts is probably plaintext. An encrypted packet starts with 0 or
// 1, which are also the types of pings: such a packet is plaintext if it decodes as a ping.
bool looks_plain(BytesView message) {
  const auto first = std::to_integer<std::uint8_t>(message[0]);
  if (first > static_cast<std::uint8_t>(MessageType::indirect_ping)) {
    return first <= static_cast<std::uint8_t>(MessageType::error);
  }
  ByteReader body(message.subspan(1));
  const bool decoded = first == static_cast<std::uint8_t>(MessageType::ping)
                           ? decode<Ping>(body).has_value()
                           : decode<IndirectPing>(body).has_value();
  return decoded && body.remaining() == 0;
}

template <class Message>
WireResult<PacketMessage> decode_as(BytesView body) {
  ByteReader in(body);
  WireResult<Message> message = decode<Message>(in);
  if (!message) return std::unexpected(message.error());
  return PacketMessage(*message);
}

// Precondition: a type that `unwrap` accepts.
WireResult<PacketMessage> decode_packet_message(const MessageView& message) {
  switch (message.type) {
    case MessageType::ping:
      return decode_as<Ping>(message.body);
    case MessageType::indirect_ping:
      return decode_as<IndirectPing>(message.body);
    case MessageType::ack:
      return decode_as<Ack>(message.body);
    case MessageType::nack:
      return decode_as<Nack>(message.body);
    case MessageType::suspect:
      return decode_as<Suspect>(message.body);
    case MessageType::alive:
      return decode_as<Alive>(message.body);
    case MessageType::dead:
      return decode_as<Dead>(message.body);
    case MessageType::user:
      return PacketMessage(UserMessage{message.body});
    default:
      assert(false);
      return PacketMessage(UserMessage{});
  }
}

// Writes the parts as one message: alone, or as a compound. Returns its end.
std::byte* put_parts(std::byte* at, std::span<const BytesView> parts) {
  if (parts.size() > 1) {
    *at++ = byte_of(MessageType::compound);
    *at++ = static_cast<std::byte>(parts.size());
    for (const BytesView part : parts) {
      assert(part.size() <= limits::kCompoundPartBytes);
      at = msgpack::put_big_endian<kCompoundLengthBytes>(at, part.size());
    }
  }
  for (const BytesView part : parts) {
    if (!part.empty()) std::memcpy(at, part.data(), part.size());
    at += part.size();
  }
  return at;
}

[[maybe_unused]] std::size_t total_bytes(std::span<const BytesView> parts) {
  std::size_t total = 0;
  for (const BytesView part : parts) total += part.size();
  return total;
}

// Compresses in place if it is long enough and becomes shorter; returns the new end.
std::byte* compress(std::byte* begin, std::byte* end, LzwEncoder& lzw, Bytes& scratch) {
  const auto plain = static_cast<std::size_t>(end - begin);
  if (plain < kWorthCompressing) return end;
  scratch.clear();
  if (!lzw.encode({begin, plain}, scratch, plain - kCompressedHeadBytes)) return end;
  const std::size_t header = kCompressedHeadBytes + msgpack::raw_header_size(scratch.size());
  if (header + scratch.size() >= plain) return end;
  ByteWriter out(std::span(begin, plain));
  encode(out, Compressed{.algo = 0, .buf = scratch});
  return begin + out.size();
}

}  // namespace

BytesView PacketSealer::seal(const Sealing& how, std::span<const BytesView> parts, bool with_crc,
                             std::span<std::byte> out) {
  assert(!parts.empty() && parts.size() <= limits::kCompoundParts);
  assert(out.size() >= total_bytes(parts) + kMaxOverheadBytes);
  const bool encrypts = how.encrypts();
  std::byte* const payload = put_label(out.data(), how.label);
  std::byte* const checked = payload + (encrypts ? kPayloadHeadBytes : 0);
  std::byte* const message = checked + (with_crc ? kCrcHeadBytes : 0);

  std::byte* end = put_parts(message, parts);
  if (how.compress) end = compress(message, end, lzw_, scratch_);
  if (with_crc) {
    *checked = byte_of(MessageType::has_crc);
    msgpack::put_big_endian<4>(checked + 1, crc32({message, end}));
  }
  if (encrypts) {
    const auto plain = static_cast<std::size_t>(end - checked);
    const std::size_t size = encrypted_payload_bytes(how.encryption_version, plain);
    seal_payload(how, as_bytes(how.label), {}, {payload, size}, plain);
    end = payload + size;
  }
  return {out.data(), end};
}

WireResult<void> PacketOpener::open(const Sealing& how, BytesView datagram) {
  give_back();
  pending_.reset();
  compound_count_ = item_count_ = truncated_parts_ = unpacked_bytes_ = 0;
  label_ = {};
  unsealed_ = {};

  const auto label_bytes = label_header_bytes(datagram);
  if (!label_bytes) return std::unexpected(label_bytes.error());
  label_ = label_in(datagram, *label_bytes);
  if (auto fits = check_label(how, label_); !fits) return fits;

  BytesView message = datagram.subspan(*label_bytes);
  if (!how.has_keys()) unsealed_ = message;
  std::size_t offset = *label_bytes;
  if (message.empty()) {
    return std::unexpected(WireError{WireErrorKind::malformed, "packet is empty", *label_bytes});
  }
  if (how.has_keys()) {
    auto plain = open_payload(*how.keyring, as_bytes(how.label), {}, message, plain_);
    if (plain) {
      message = *plain;
      offset = 0;
    } else if (how.verify_incoming || plain.error().kind != WireErrorKind::undecryptable) {
      WireError error = plain.error();
      error.offset += *label_bytes;
      if (looks_plain(message)) {
        error = {WireErrorKind::not_encrypted, "packet is not encrypted", *label_bytes};
      }
      return std::unexpected(error);
    }
  }
  pending_ = Item{.bytes = message, .offset = offset};
  return {};
}

std::optional<PacketOpener::Item> PacketOpener::next_item() {
  if (pending_) return std::exchange(pending_, std::nullopt);
  while (compound_count_ > 0) {
    Compound& top = compounds_[compound_count_ - 1];
    if (top.lengths.empty()) {
      --compound_count_;
      continue;
    }
    const std::size_t size = std::to_integer<std::size_t>(top.lengths[0]) << 8 |
                             std::to_integer<std::size_t>(top.lengths[1]);
    if (size > top.parts.size()) {
      truncated_parts_ += top.lengths.size() / kCompoundLengthBytes;
      --compound_count_;
      continue;
    }
    const Item item{top.parts.first(size), top.offset, top.nesting + 1};
    top.lengths = top.lengths.subspan(kCompoundLengthBytes);
    top.parts = top.parts.subspan(size);
    top.offset += size;
    return item;
  }
  return std::nullopt;
}

std::optional<WireResult<PacketMessage>> PacketOpener::next() {
  const std::optional<WireResult<MessageView>> view = next_view();
  if (!view) return std::nullopt;
  if (!*view) return std::unexpected(view->error());
  WireResult<PacketMessage> message = decode_packet_message(**view);
  if (!message && may_be_encrypted(**view)) {
    return std::unexpected(WireError{WireErrorKind::not_expected, "encrypted", 0});
  }
  return message;
}

/// Without a key, the first byte of an encrypted packet, its version, looks like the type of a
/// ping. If the rest is invalid, the packet is more likely encrypted than malformed.
bool PacketOpener::may_be_encrypted(const MessageView& message) const noexcept {
  return unsealed_.size() >= kMinEncryptedPayloadBytes &&
         message.type <= MessageType::indirect_ping && message.body.data() == unsealed_.data() + 1;
}

std::optional<WireResult<MessageView>> PacketOpener::next_view() {
  for (;;) {
    const auto item = next_item();
    if (!item) return std::nullopt;
    if (++item_count_ > limits::kPacketMessages) {
      pending_.reset();
      compound_count_ = 0;
      return std::unexpected(WireError{WireErrorKind::limit, kTooMany, item->offset});
    }
    if (auto message = unwrap(*item)) return message;
  }
}

std::optional<WireResult<MessageView>> PacketOpener::unwrap(const Item& item) {
  const auto failed = [&item](WireErrorKind kind, const char* what) {
    return WireResult<MessageView>(std::unexpected(WireError{kind, what, item.offset}));
  };
  if (item.bytes.empty()) return failed(WireErrorKind::malformed, "message is empty");
  const auto type = static_cast<MessageType>(item.bytes[0]);
  std::optional<WireError> error;
  switch (type) {
    case MessageType::ping:
    case MessageType::indirect_ping:
    case MessageType::ack:
    case MessageType::suspect:
    case MessageType::alive:
    case MessageType::dead:
    case MessageType::user:
    case MessageType::nack:
      return MessageView{type, item.bytes.subspan(1)};
    case MessageType::push_pull:
    case MessageType::encrypted:
    case MessageType::error:
      return failed(WireErrorKind::malformed, "message type is not allowed in packets");
    case MessageType::compound:
      error = enter_compound(item);
      break;
    case MessageType::compressed:
      error = enter_compressed(item);
      break;
    case MessageType::has_crc:
      error = enter_checked(item);
      break;
    case MessageType::has_label:
      return failed(WireErrorKind::label, "label header inside a packet");
    default:
      return failed(WireErrorKind::malformed, "unknown message type");
  }
  if (error) return WireResult<MessageView>(std::unexpected(*error));
  return std::nullopt;
}

std::optional<WireError> PacketOpener::enter_compound(const Item& item) {
  if (item.nesting >= limits::kPacketNesting) {
    return WireError{WireErrorKind::limit, kTooDeep, item.offset};
  }
  if (item.bytes.size() < kCompoundHeadBytes) {
    return WireError{WireErrorKind::malformed, "compound has no count", item.offset + 1};
  }
  const auto count = std::to_integer<std::size_t>(item.bytes[1]);
  const BytesView rest = item.bytes.subspan(kCompoundHeadBytes);
  const std::size_t lengths = count * kCompoundLengthBytes;
  if (rest.size() < lengths) {
    truncated_parts_ += count;
    return WireError{WireErrorKind::malformed, "list of compound lengths is cut off",
                     item.offset + item.bytes.size()};
  }
  // Each level of nesting has one compound open at most, so there is always room.
  compounds_[compound_count_++] = {rest.first(lengths), rest.subspan(lengths),
                                   item.offset + kCompoundHeadBytes + lengths, item.nesting};
  return std::nullopt;
}

std::optional<WireError> PacketOpener::enter_compressed(const Item& item) {
  if (item.nesting >= limits::kPacketNesting) {
    return WireError{WireErrorKind::limit, kTooDeep, item.offset};
  }
  ByteReader reader(item.bytes.subspan(1));
  const auto body = decode<Compressed>(reader);
  if (!body) {
    WireError error = body.error();
    error.offset += item.offset + 1;
    return error;
  }
  if (body->algo != 0) {
    return WireError{WireErrorKind::malformed, "unknown compression algorithm", item.offset};
  }
  const auto plain = unpack(body->buf);
  if (!plain) {
    WireError error = plain.error();
    if (error.kind == WireErrorKind::limit) error.what = kTooLarge;
    return error;
  }
  pending_ = Item{*plain, 0, item.nesting + 1};
  return std::nullopt;
}

/// Into the rest of the room, which never grows, so that views of what was decompressed before stay
/// valid. What does not fit gets the largest room that there may be.
WireResult<BytesView> PacketOpener::unpack(BytesView packed) {
  if (unpacked_.empty()) unpacked_.resize(kOrdinaryRoomBytes);
  const auto rest = [this] { return std::span(unpacked_).subspan(unpacked_bytes_); };
  auto size = lzw_decode_into(packed, rest());
  if (!size && size.error().kind == WireErrorKind::limit &&
      unpacked_.size() < limits::kDecompressedPacketBytes) {
    outgrown_ = std::exchange(unpacked_, Bytes(limits::kDecompressedPacketBytes));
    size = lzw_decode_into(packed, rest());
  }
  if (!size) return std::unexpected(size.error());
  const BytesView plain = rest().first(*size);
  unpacked_bytes_ += *size;
  return plain;
}

/// The room for decompressing, if no packet has needed it for a while.
void PacketOpener::give_back() noexcept {
  constexpr std::size_t kAWhile = 64;
  outgrown_ = Bytes();
  const std::size_t less = unpacked_.size() > kOrdinaryRoomBytes ? kOrdinaryRoomBytes : 0;
  packets_with_less_ = unpacked_bytes_ > less ? 0 : packets_with_less_ + 1;
  if (packets_with_less_ == kAWhile) unpacked_ = Bytes();
}

std::optional<WireError> PacketOpener::enter_checked(const Item& item) {
  if (item.nesting >= limits::kPacketNesting) {
    return WireError{WireErrorKind::limit, kTooDeep, item.offset};
  }
  ByteReader reader(item.bytes.subspan(1));
  const auto announced = reader.u32();
  if (!announced) {
    return WireError{WireErrorKind::malformed, "checksum is cut off",
                     item.offset + item.bytes.size()};
  }
  if (*announced != crc32(reader.rest())) {
    return WireError{WireErrorKind::malformed, "bad checksum", item.offset + 1};
  }
  pending_ = Item{reader.rest(), item.offset + kCrcHeadBytes, item.nesting + 1};
  return std::nullopt;
}

}  // namespace memberlist::wire
