#include "wire/stream.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>
#include <utility>

#include "wire/layers.hpp"

namespace memberlist::wire {
namespace {

constexpr std::size_t kFrameHeadBytes = 5;  // type and payload length
// The map of the message, and the nesting of an unknown field in it.
constexpr std::size_t kBodyNesting = limits::kMsgpackNesting + 1;
// The `Buf` of a compressed message, its key, `Algo`, and fields of later versions.
constexpr std::size_t kCompressedBodyBytes =
    limits::kCompressedStreamBytes + limits::kStreamBodyBytes;

// Before the compressed bytes: type, map, `Algo` and its value, key and length of `Buf`.
constexpr std::size_t kCompressedHeadBytes = 17;
// When the buffer of received bytes grows, it reserves this fraction more than needed.
constexpr std::size_t kGrowthPart = 4;
// Type and header of a push/pull, of a peer that seals as this node does.
constexpr std::size_t kPushPullHeadBytes = 64;
// Bytes decompressed before they are parsed.
constexpr std::size_t kUnpackStep = 64 * limits::kKiB;

// The texts of errors name these limits.
static_assert(limits::kPushPullNodes == 1'048'576);
static_assert(limits::kStreamMessageBytes == 40 * limits::kMiB);
static_assert(limits::kDecompressedStreamBytes == 40 * limits::kMiB);
static_assert(limits::kStreamPayloadBytes == 20 * limits::kMiB);
static_assert(limits::kUserMessageBytes == 20 * limits::kMiB);
static_assert(limits::kUserStateBytes == 20 * limits::kMiB);

constexpr std::byte byte_of(MessageType type) { return std::byte{static_cast<std::uint8_t>(type)}; }

// Type, map, `Algo`, and `Buf` without its bytes.
void append_compressed_head(Bytes& out, std::size_t packed_bytes) {
  constexpr std::byte kAny{};
  ByteWriter writer(out);
  encode(writer, Compressed{.algo = 0, .buf = BytesView(&kAny, 0)});
  out.pop_back();  // the empty value
  const std::size_t at = out.size();
  out.resize(at + msgpack::raw_header_size(packed_bytes));
  (void)msgpack::put_raw_header(out.data() + at, packed_bytes);
}

// Frees the plain bytes as soon as they are compressed: there may be many.
Bytes compress(Bytes plain, LzwEncoder& lzw) {
  Bytes packed;
  packed.reserve(plain.size() / 2);
  (void)lzw.encode(plain, packed);  // without a limit it does not fail
  plain = Bytes();                  // frees the memory, which `= {}` would not
  Bytes message;
  message.reserve(packed.size() + kCompressedHeadBytes + kStreamSealBytes);
  append_compressed_head(message, packed.size());
  message.insert(message.end(), packed.begin(), packed.end());
  return message;
}

// The header of a compressed push/pull.
std::optional<PushPullHeader> push_pull_header(BytesView packed) {
  Bytes begin;
  if (!LzwUnpacker(packed, begin, kUnpackStep).more(kPushPullHeadBytes)) return std::nullopt;
  if (begin.empty() || begin[0] != byte_of(MessageType::push_pull)) return std::nullopt;
  ByteReader reader(BytesView(begin).subspan(1));
  const WireResult<PushPullHeader> header = decode<PushPullHeader>(reader);
  return header ? std::optional(*header) : std::nullopt;
}

// As a node that seals a message in parts compresses it.
Bytes compressed_header(const PushPullHeader& header) {
  Bytes plain;
  ByteWriter writer(plain);
  encode(writer, header);
  Bytes packed;
  LzwEncoder().encode_part(plain, packed);
  return packed;
}

// The bytes reserved before a message.
std::size_t head_bytes(const Sealing& how, bool with_label_header) {
  const std::size_t label = with_label_header ? label_overhead(how.label) : 0;
  return label + (how.encrypts() ? kFrameHeadBytes + kPayloadHeadBytes : 0);
}

// Seals the message, which is stored after the room reserved for that.
Bytes seal_in_place(const Sealing& how, Bytes out, bool with_label_header) {
  if (with_label_header) put_label(out.data(), how.label);
  if (!how.encrypts()) return out;
  const std::size_t plain_bytes = out.size() - head_bytes(how, with_label_header);
  const std::size_t payload = encrypted_payload_bytes(how.encryption_version, plain_bytes);
  assert(payload <= std::numeric_limits<std::uint32_t>::max());
  const std::size_t label = with_label_header ? label_overhead(how.label) : 0;
  out.resize(label + kFrameHeadBytes + payload);
  const auto frame = std::span(out).subspan(label, kFrameHeadBytes);
  frame[0] = byte_of(MessageType::encrypted);
  msgpack::put_big_endian<4>(&frame[1], payload);
  seal_payload(how, frame, as_bytes(how.label), std::span(out).last(payload), plain_bytes);
  return out;
}

}  // namespace

Bytes seal_stream(const Sealing& how, Bytes plain, bool with_label_header, LzwEncoder& lzw) {
  if (how.compress) plain = compress(std::move(plain), lzw);
  plain.insert(plain.begin(), head_bytes(how, with_label_header), std::byte{});
  return seal_in_place(how, std::move(plain), with_label_header);
}

void append_stream_part(const Sealing& how, BytesView plain, Bytes& out, LzwEncoder& lzw) {
  if (how.compress) return lzw.encode_part(plain, out);
  out.insert(out.end(), plain.begin(), plain.end());
}

Bytes seal_stream_parts(const Sealing& how, std::span<const BytesView> parts,
                        bool with_label_header) {
  std::size_t bytes = how.compress ? LzwEncoder::kEndOfParts.size() : 0;
  for (const BytesView part : parts) bytes += part.size();
  const std::size_t head = head_bytes(how, with_label_header);
  Bytes out;
  out.reserve(head + kCompressedHeadBytes + bytes + kStreamSealBytes);
  out.resize(head);
  if (how.compress) append_compressed_head(out, bytes);
  for (const BytesView part : parts) out.insert(out.end(), part.begin(), part.end());
  if (how.compress) {
    out.insert(out.end(), LzwEncoder::kEndOfParts.begin(), LzwEncoder::kEndOfParts.end());
  }
  return seal_in_place(how, std::move(out), with_label_header);
}

std::size_t stream_payload_bytes(const Sealing& how, std::size_t parts_bytes) noexcept {
  std::size_t bytes = parts_bytes;
  if (how.compress) bytes += kCompressedHeadBytes + LzwEncoder::kEndOfParts.size();
  return how.encrypts() ? encrypted_payload_bytes(how.encryption_version, bytes) : bytes;
}

StreamOpener::StreamOpener(const Sealing& how, bool expect_label)
    : how_(&how), stage_(expect_label ? Stage::label : Stage::outer) {}

StreamOpener::StreamOpener(const StreamOpener& other, const Sealing& how) : StreamOpener(other) {
  assert(stage_ != Stage::complete);
  how_ = &how;
}

bool StreamOpener::started() const noexcept { return started_; }

std::string_view StreamOpener::peer_label() const noexcept {
  const auto size = stage_ == Stage::label ? label_header_bytes(bytes_) : 0;
  return size ? label_in(bytes_, *size) : std::string_view{};
}

std::size_t StreamOpener::held_bytes() const noexcept { return bytes_.size(); }

std::size_t StreamOpener::announced_bytes() const noexcept { return announced_; }

const StreamMessage& StreamOpener::message() const {
  assert(stage_ == Stage::complete);
  return message_;
}

std::unexpected<WireError> StreamOpener::error(WireErrorKind kind, const char* what) const {
  return std::unexpected(WireError{kind, what, position_});
}

WireResult<StreamOpener::Progress> StreamOpener::feed(BytesView bytes, KnownStates* known) {
  assert(stage_ != Stage::complete);
  if (bytes.empty()) return Progress::need_more;
  started_ = true;
  make_room(bytes.size());
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  for (;;) {
    const auto stepped = step(known);
    if (!stepped) return std::unexpected(stepped.error());
    if (stage_ == Stage::complete) return Progress::complete;
    if (!*stepped) {
      if (whole_) {
        return std::unexpected(WireError{WireErrorKind::malformed, kTruncated, bytes_.size()});
      }
      return Progress::need_more;
    }
  }
}

/// Grows by less than a doubling, so that a large message wastes little memory.
void StreamOpener::make_room(std::size_t more) {
  const std::size_t needed = bytes_.size() + more;
  if (needed > bytes_.capacity()) bytes_.reserve(needed + needed / kGrowthPart);
}

StreamOpener::Step StreamOpener::step(KnownStates* known) {
  switch (stage_) {
    case Stage::label:
      return read_label();
    case Stage::outer:
      return read_outer();
    case Stage::sealed:
      return read_sealed();
    case Stage::inner:
      return read_inner();
    case Stage::packed:
      return read_packed(known);
    case Stage::message:
      return read_message();
    case Stage::complete:
      break;
  }
  return true;
}

void StreamOpener::replace(Bytes inner) {
  bytes_ = std::move(inner);
  position_ = 0;
  whole_ = true;
}

StreamOpener::Step StreamOpener::read_label() {
  const auto size = label_header_bytes(bytes_);
  if (!size) {
    if (size.error().what == kLabelTruncated) return false;
    return std::unexpected(size.error());
  }
  if (auto fits = check_label(*how_, label_in(bytes_, *size)); !fits) {
    return std::unexpected(fits.error());
  }
  position_ = *size;
  stage_ = Stage::outer;
  return true;
}

StreamOpener::Step StreamOpener::read_outer() {
  if (left().empty()) return false;
  encrypted_ = left()[0] == byte_of(MessageType::encrypted);
  if (encrypted_ && !how_->has_keys()) {
    return error(WireErrorKind::not_expected, "stream is encrypted, but no key is configured");
  }
  if (!encrypted_ && how_->has_keys() && how_->verify_incoming) {
    return error(WireErrorKind::not_encrypted, "stream is not encrypted, but must be");
  }
  stage_ = encrypted_ ? Stage::sealed : Stage::inner;
  return true;
}

StreamOpener::Step StreamOpener::read_sealed() {
  ByteReader reader(left());
  const auto head = reader.bytes(1);
  const auto size = reader.u32();
  if (!head || !size) return false;
  announced_ = *size;
  if (*size > limits::kStreamPayloadBytes) {
    return error(WireErrorKind::limit, "encrypted payload exceeds 20 MiB");
  }
  if (*size < kMinEncryptedPayloadBytes) {
    return error(WireErrorKind::undecryptable, "encrypted payload is too short");
  }
  const auto payload = reader.bytes(*size);
  if (!payload) return false;
  Bytes plain;
  const auto text = open_payload(*how_->keyring, left().first(kFrameHeadBytes),
                                 as_bytes(how_->label), *payload, plain);
  if (!text) {
    WireError failed = text.error();
    failed.offset += position_ + kFrameHeadBytes;
    return std::unexpected(failed);
  }
  plain.resize(text->size());  // without the padding, which is at its end
  replace(std::move(plain));
  stage_ = Stage::inner;
  return true;
}

StreamOpener::Step StreamOpener::read_inner() {
  if (left().empty()) return false;
  type_ = static_cast<MessageType>(left()[0]);
  ++position_;
  stage_ = type_ == MessageType::compressed ? Stage::packed : Stage::message;
  return true;
}

StreamOpener::Step StreamOpener::read_packed(KnownStates* known) {
  Compressed compressed;
  const Step read = read_body(kCompressedBodyBytes, compressed);
  if (!read || !*read) return read;
  if (compressed.algo != 0) return error(WireErrorKind::malformed, "unknown compression algorithm");
  // The view remains valid: moving a vector does not move its bytes.
  const Bytes packed = std::exchange(bytes_, Bytes());
  position_ = 0;
  if (known != nullptr && recognize(compressed.buf, *known)) return true;
  LzwUnpacker unpacker(compressed.buf, bytes_,
                       std::min(max_unpacked_, limits::kDecompressedStreamBytes));
  for (;;) {
    const auto ended = unpacker.more(std::max(kUnpackStep, bytes_.size() / kGrowthPart));
    unpacked_ = bytes_.size();
    if (!ended) {
      WireError failed = ended.error();
      if (failed.kind == WireErrorKind::limit) {
        failed.what = max_unpacked_ < limits::kDecompressedStreamBytes
                          ? "busy: message decompresses to more than this node accepts now"
                          : "message decompresses to more than 40 MiB";
      }
      return std::unexpected(failed);
    }
    whole_ = *ended;
    const Step unpacked = read_unpacked();
    if (!unpacked || whole_ || stage_ == Stage::complete) return unpacked;
  }
}

// Takes a push/pull whose node states are known. False: it is something else, which is not said to
// be valid.
bool StreamOpener::recognize(BytesView packed, KnownStates& known) {
  const std::optional<PushPullHeader> header = push_pull_header(packed);
  if (!header || header->join || header->nodes <= 0 || header->nodes != known.members()) {
    return false;
  }
  const std::size_t most = std::min(max_unpacked_, limits::kUserStateBytes);
  if (header->user_state_len < 0 || std::cmp_greater(header->user_state_len, most)) return false;
  BytesView left = packed;
  const auto skip = [&left](BytesView part) {
    if (left.size() < part.size()) return false;
    const bool same = as_text(left.first(part.size())) == as_text(part);
    left = left.subspan(part.size());
    return same;
  };
  Bytes user_state;
  if (!skip(compressed_header(*header)) || !std::ranges::all_of(known.parts(), skip)) return false;
  const auto size = static_cast<std::size_t>(header->user_state_len);
  if (!lzw_decode(left, user_state, size) || user_state.size() != size) return false;
  bytes_ = std::move(user_state);
  unpacked_ = size;
  type_ = MessageType::push_pull;
  message_ = PushPullMessage{*header, {}, bytes_, {}, true};
  stage_ = Stage::complete;
  return true;
}

// Parses the bytes decompressed so far, so that an invalid message is refused at its first bytes,
// however long it is. Bytes after the message are never decompressed.
StreamOpener::Step StreamOpener::read_unpacked() {
  if (stage_ == Stage::packed) {
    if (bytes_.empty()) return error(WireErrorKind::malformed, "compressed message is empty");
    type_ = static_cast<MessageType>(bytes_[0]);
    if (type_ == MessageType::compressed) {
      return error(WireErrorKind::malformed, "compressed message inside a compressed message");
    }
    ++position_;
    stage_ = Stage::message;
  }
  while (stage_ != Stage::complete) {
    const Step stepped = read_message();
    if (!stepped || !*stepped) return stepped;
  }
  return true;
}

// Reads and skips one body, which must be a new one; false if it is not complete yet. First it
// tries to decode the body. If bytes are missing, the scanner looks for the end as they arrive, and
// then the body is decoded again: each byte is examined three times at most.
template <class Body>
StreamOpener::Step StreamOpener::read_body(std::size_t max_bytes, Body& body) {
  const auto at = [this](WireError failed) {
    failed.offset += position_;
    return std::unexpected(failed);
  };
  if (scanner_) {
    const auto ended = scanner_->scan(left());
    if (!ended) return at(ended.error());
    if (!*ended) return false;
  }
  ByteReader reader(left());
  if (const auto decoded = decode_into(reader, body); !decoded) {
    if (scanner_ || decoded.error().what != kTruncated) return at(decoded.error());
    scanner_.emplace(max_bytes, kBodyNesting);
    const auto ended = scanner_->scan(left());
    if (!ended) return at(ended.error());
    return false;
  }
  if (reader.position() > max_bytes) {
    return error(WireErrorKind::limit, "message body is too large");
  }
  scanner_.reset();
  position_ += reader.position();
  return true;
}

StreamOpener::Step StreamOpener::read_message() {
  if (part_ == Part::header) return read_header();
  if (part_ == Part::node_states) return read_node_states();
  return read_raw();
}

template <class Body>
StreamOpener::Step StreamOpener::read_plain_message() {
  Body body;
  const Step read = read_body(limits::kStreamBodyBytes, body);
  if (!read || !*read) return read;
  message_ = body;
  stage_ = Stage::complete;
  return true;
}

StreamOpener::Step StreamOpener::read_header() {
  switch (type_) {
    case MessageType::ping:
      return read_plain_message<Ping>();
    case MessageType::ack:
      return read_plain_message<Ack>();
    case MessageType::error:
      return read_plain_message<ErrorMessage>();
    case MessageType::user: {
      UserHeader header;
      const Step read = read_body(limits::kStreamBodyBytes, header);
      if (!read || !*read) return read;
      const std::int64_t size = header.user_msg_len;
      if (size < 0) return error(WireErrorKind::malformed, "user message has a negative length");
      if (std::cmp_greater(size, limits::kUserMessageBytes)) {
        return error(WireErrorKind::limit, "user message exceeds 20 MiB");
      }
      raw_bytes_ = static_cast<std::size_t>(size);
      part_ = Part::raw;
      return true;
    }
    case MessageType::push_pull: {
      PushPullHeader header;
      const Step read = read_body(limits::kStreamBodyBytes, header);
      if (!read || !*read) return read;
      return read_push_pull(header);
    }
    default:
      return std::unexpected(WireError{WireErrorKind::malformed,
                                       "message type is not allowed in streams", position_ - 1});
  }
}

StreamOpener::Step StreamOpener::read_push_pull(const PushPullHeader& header) {
  if (header.nodes < 0) {
    return error(WireErrorKind::malformed, "push/pull has a negative number of members");
  }
  if (std::cmp_greater(header.nodes, limits::kPushPullNodes)) {
    return error(WireErrorKind::limit, "push/pull has more than 1,048,576 members");
  }
  if (header.user_state_len < 0) {
    return error(WireErrorKind::malformed, "user state has a negative length");
  }
  if (std::cmp_greater(header.user_state_len, limits::kUserStateBytes)) {
    return error(WireErrorKind::limit, "user state exceeds 20 MiB");
  }
  header_ = header;
  nodes_left_ = header.nodes;
  raw_bytes_ = static_cast<std::size_t>(header.user_state_len);
  states_begin_ = position_;
  part_ = Part::node_states;
  return true;
}

void VersionsSeen::add(BytesView vsn) noexcept {
  if (vsn.size() < kBytes || count_ > seen_.size()) return;
  for (std::size_t i = 0; i < count_; ++i) {
    if (std::memcmp(seen_[i].data(), vsn.data(), kBytes) == 0) return;
  }
  if (count_ < seen_.size()) std::memcpy(seen_[count_].data(), vsn.data(), kBytes);
  ++count_;
}

StreamOpener::Step StreamOpener::read_node_states() {
  for (; nodes_left_ > 0; --nodes_left_) {
    NodeState state;
    const Step read = read_body(limits::kStreamBodyBytes, state);
    if (!read || !*read) return read;
    // Tables are keyed by name, so a valid state has at most one, which is dropped later. Many
    // would only cost time.
    if (state.name.empty() && std::exchange(nameless_seen_, true)) {
      return error(WireErrorKind::malformed, "more than one member state without a name");
    }
    versions_.add(state.vsn);
    if (position_ + raw_bytes_ > limits::kStreamMessageBytes) {
      return error(WireErrorKind::limit, "message exceeds 40 MiB");
    }
  }
  part_ = Part::raw;
  return true;
}

StreamOpener::Step StreamOpener::read_raw() {
  if (left().size() < raw_bytes_) return false;
  const BytesView payload = left().first(raw_bytes_);
  if (type_ == MessageType::user) {
    message_ = StreamUserMessage{payload};
  } else {
    const BytesView states = BytesView(bytes_).first(position_).subspan(states_begin_);
    message_ = PushPullMessage{header_, states, payload, versions_};
  }
  stage_ = Stage::complete;
  return true;
}

}  // namespace memberlist::wire
