#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "base/limits.hpp"
#include "memberlist/bytes.hpp"
#include "wire/messages.hpp"
#include "wire/msgpack.hpp"
#include "wire/packet.hpp"
#include "wire/wire_error.hpp"

// Streams (protocol 3): `[label header] [encryption frame] [compression] type, body`.
namespace memberlist::wire {

/// Maximum number of bytes that label header and encryption add. Code that builds a large message
/// reserves this room first, so that it can be sealed in place.
inline constexpr std::size_t kStreamSealBytes = 2 + limits::kLabelBytes + 5 + 45;

/// Seals the plain bytes of one stream message (type byte first, all of it) as they go out:
/// compression if on (always applied), the encryption frame, and, if `with_label_header` (the
/// dialling side's first bytes), the label header in clear.
[[nodiscard]] Bytes seal_stream(const Sealing& how, Bytes plain, bool with_label_header,
                                LzwEncoder& lzw);

/// Appends a part of a message's plain bytes in the form in which `seal_stream_parts` takes it. It
/// depends on nothing but those bytes and on whether there is compression, so it can be kept.
void append_stream_part(const Sealing& how, BytesView plain, Bytes& out, LzwEncoder& lzw);

/// The same as `seal_stream` of the concatenated plain bytes of all parts, without compressing
/// anything.
[[nodiscard]] Bytes seal_stream_parts(const Sealing& how, std::span<const BytesView> parts,
                                      bool with_label_header);

/// The size that a peer compares with limits::kStreamPayloadBytes, or with
/// limits::kCompressedStreamBytes, if the parts have this many bytes.
[[nodiscard]] std::size_t stream_payload_bytes(const Sealing& how,
                                               std::size_t parts_bytes) noexcept;

/// The versions (NodeState::vsn) in a push/pull, each once. A cluster has few.
class VersionsSeen {
 public:
  static constexpr std::size_t kBytes = 6;  // of a member; shorter ones are not valid
  using Versions = std::array<std::byte, kBytes>;

  void add(BytesView vsn) noexcept;
  /// Nothing if there are too many to be remembered.
  [[nodiscard]] std::optional<std::span<const Versions>> all() const noexcept {
    if (count_ > seen_.size()) return std::nullopt;
    return std::span(seen_).first(count_);
  }

 private:
  std::array<Versions, 4> seen_{};
  std::size_t count_ = 0;
};

/// A whole push/pull message. Views live as long as the StreamOpener that holds the bytes.
struct PushPullMessage {
  PushPullHeader header;
  BytesView node_states;  ///< `header.nodes` valid node states one after another; decode<NodeState>
  BytesView user_state;
  VersionsSeen versions{};  ///< of the node states
  bool is_known = false;    ///< the node states are all KnownStates, and not given
};

/// The node states that the receiver itself would send. A message with the same ones, compressed in
/// the same parts, is recognized by its bytes, and they are neither decompressed nor decoded.
class KnownStates {
 public:
  KnownStates() = default;
  KnownStates(const KnownStates&) = delete;
  KnownStates& operator=(const KnownStates&) = delete;
  virtual ~KnownStates() = default;

  /// How many there are; 0 if messages must be decoded all the same.
  [[nodiscard]] virtual std::int64_t members() = 0;
  /// As `seal_stream_parts` takes them. Asked for only if a message has as many members. Valid
  /// until the next call.
  [[nodiscard]] virtual std::vector<BytesView> parts() = 0;
};
struct StreamUserMessage {
  BytesView payload;
};
using StreamMessage = std::variant<PushPullMessage, StreamUserMessage, Ping, Ack, ErrorMessage>;

/// Reads one message from a stream, fed with bytes as they come, in pieces of any size. Memory
/// grows with the bytes received, never by an announced length; all announced lengths and counts
/// are checked against the limits first. Each byte is examined a bounded number of times.
class StreamOpener {
 public:
  /// `expect_label`: this side was dialled, so the label header comes first (both empty is equal).
  /// The answering side of an exchange sends none.
  /// `how` must outlive this.
  StreamOpener(const Sealing& how, bool expect_label);
  StreamOpener(const Sealing&& how, bool expect_label) = delete;

  // The message's views stay with the bytes when these are moved, but not when they are copied.
  /// A copy of `other`, which must not be complete, that uses `how` instead.
  StreamOpener(const StreamOpener& other, const Sealing& how);
  StreamOpener(StreamOpener&&) noexcept = default;
  StreamOpener& operator=(StreamOpener&&) noexcept = default;
  StreamOpener& operator=(const StreamOpener&) = delete;
  ~StreamOpener() = default;

  enum class Progress : std::uint8_t { need_more, complete };
  /// Adds bytes. Must not be called again after `complete` or an error. `known` may be null: what
  /// to compare a push/pull with that is no join.
  [[nodiscard]] WireResult<Progress> feed(BytesView bytes, KnownStates* known = nullptr);
  /// Refuses compressed messages that decompress to more (limits::kDecompressedStreamBytes always
  /// applies). Call it before the bytes that complete the message.
  void limit_unpacked(std::size_t bytes) noexcept { max_unpacked_ = bytes; }
  /// Bytes decompressed so far, including those of a refused message.
  [[nodiscard]] std::size_t unpacked_bytes() const noexcept { return unpacked_; }
  /// Whether any byte has been received: an end of file before that is not an error.
  [[nodiscard]] bool started() const noexcept;
  /// After an error about the label: the received one; empty if there was none.
  [[nodiscard]] std::string_view peer_label() const noexcept;
  /// Bytes in memory, for the limits.
  [[nodiscard]] std::size_t held_bytes() const noexcept;
  /// The payload announced by the encryption frame so far (0 if none): from 60 % of the limit warn.
  [[nodiscard]] std::size_t announced_bytes() const noexcept;
  /// The message's type, as soon as it is known, whatever layers it is in.
  [[nodiscard]] std::optional<MessageType> first_type() const noexcept {
    if (stage_ != Stage::message && stage_ != Stage::complete) return std::nullopt;
    return type_;
  }
  /// Precondition: complete.
  [[nodiscard]] const StreamMessage& message() const;

 private:
  StreamOpener(const StreamOpener&) = default;

  enum class Stage : std::uint8_t { label, outer, sealed, inner, packed, message, complete };
  enum class Part : std::uint8_t { header, node_states, raw };
  using Step = WireResult<bool>;  // false: more bytes are needed

  [[nodiscard]] Step step(KnownStates* known);
  [[nodiscard]] Step read_label();
  [[nodiscard]] Step read_outer();
  [[nodiscard]] Step read_sealed();
  [[nodiscard]] Step read_inner();
  [[nodiscard]] Step read_packed(KnownStates* known);
  [[nodiscard]] bool recognize(BytesView packed, KnownStates& known);
  [[nodiscard]] Step read_unpacked();
  [[nodiscard]] Step read_message();
  [[nodiscard]] Step read_header();
  [[nodiscard]] Step read_push_pull(const PushPullHeader& header);
  [[nodiscard]] Step read_node_states();
  [[nodiscard]] Step read_raw();
  template <class Body>
  [[nodiscard]] Step read_body(std::size_t max_bytes, Body& body);
  template <class Body>
  [[nodiscard]] Step read_plain_message();

  [[nodiscard]] BytesView left() const noexcept { return BytesView(bytes_).subspan(position_); }
  [[nodiscard]] std::unexpected<WireError> error(WireErrorKind kind, const char* what) const;
  void make_room(std::size_t more);
  // Continues with the bytes of an inner layer, which are complete.
  void replace(Bytes inner);

  const Sealing* how_;
  Stage stage_;
  Bytes bytes_;               // of the layer being read
  std::size_t position_ = 0;  // bytes read
  bool whole_ = false;        // the bytes are complete: they come from an inner layer
  bool encrypted_ = false;
  bool started_ = false;
  std::size_t announced_ = 0;
  std::size_t max_unpacked_ = limits::kDecompressedStreamBytes;
  std::size_t unpacked_ = 0;

  // For a body that arrives in several pieces, so that no byte is examined over and over.
  std::optional<msgpack::Scanner> scanner_;

  Part part_ = Part::header;
  MessageType type_ = MessageType::ping;
  std::int64_t nodes_left_ = 0;
  bool nameless_seen_ = false;
  VersionsSeen versions_;
  PushPullHeader header_;
  std::size_t raw_bytes_ = 0;     // announced after the header and the node states
  std::size_t states_begin_ = 0;  // of the node states
  StreamMessage message_;
};

}  // namespace memberlist::wire
