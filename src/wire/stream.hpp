#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "memberlist/bytes.hpp"
#include "wire/messages.hpp"
#include "wire/packet.hpp"
#include "wire/wire_error.hpp"

// Streams (protocol 3): `[label header] [encryption frame] [compression] type, body`.
namespace memberlist::wire {

/// Seals the plain bytes of one stream message (type byte first, all of it) as they go out:
/// compression if on (always applied), the encryption frame, and, if `with_label_header` (the
/// dialling side's first bytes), the label header in clear.
[[nodiscard]] Bytes seal_stream(const Sealing& how, BytesView plain, bool with_label_header,
                                LzwEncoder& lzw);

/// A whole push/pull message. Views live as long as the StreamOpener that holds the bytes.
struct PushPullMessage {
  PushPullHeader header;
  BytesView node_states;  ///< `header.nodes` valid node states one after another; decode_node_state
  BytesView user_state;
};
struct StreamUserMessage {
  BytesView payload;
};
using StreamMessage = std::variant<PushPullMessage, StreamUserMessage, Ping, Ack, ErrorMessage>;

/// Reads one message from a stream, fed with bytes as they come, in pieces of any size. Memory
/// grows with the bytes received, never by an announced length; all announced lengths and counts
/// are checked against the limits first. Each byte is looked at a bounded number of times.
class StreamOpener {
 public:
  /// `expect_label`: this side was dialled, so the label header comes first (both empty is equal).
  /// The answering side of an exchange sends none.
  StreamOpener(const Sealing& how, bool expect_label);

  enum class Progress : std::uint8_t { need_more, complete };
  /// Takes bytes; after `complete` or an error it must not be fed again.
  [[nodiscard]] WireResult<Progress> feed(BytesView bytes);
  /// Whether any byte has come: an end of file before that is no error.
  [[nodiscard]] bool started() const noexcept;
  /// Bytes held, for the limits.
  [[nodiscard]] std::size_t held_bytes() const noexcept;
  /// The payload announced by the encryption frame so far (0 if none): from 60 % of the limit warn.
  [[nodiscard]] std::size_t announced_bytes() const noexcept;
  /// Precondition: complete.
  [[nodiscard]] const StreamMessage& message() const;

 private:
  // to be designed by the implementer
};

}  // namespace memberlist::wire
