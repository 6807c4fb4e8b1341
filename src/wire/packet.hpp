#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/limits.hpp"
#include "crypto/keyring.hpp"
#include "memberlist/bytes.hpp"
#include "wire/lzw.hpp"
#include "wire/messages.hpp"
#include "wire/wire_error.hpp"

// The layers of a packet (protocol 2), outermost first: label, encryption, checksum, compression,
// compound, message.
namespace memberlist::wire {

/// Overhead of a compound: its head, and a length for each part.
inline constexpr std::size_t kCompoundHeadBytes = 2;
inline constexpr std::size_t kCompoundPartOverhead = 2;

/// Maximum overhead of encryption: version, nonce, tag, and padding for version 0.
[[nodiscard]] constexpr std::size_t encryption_overhead(std::uint8_t version) noexcept {
  return version == 0 ? 45 : 29;
}
/// Bytes that the label header takes.
[[nodiscard]] constexpr std::size_t label_overhead(std::string_view label) noexcept {
  return label.empty() ? 0 : 2 + label.size();
}

/// The keys for packets and streams, for the rooms above, which do not see `crypto`.
using Keyring = crypto::Keyring;

/// How this node's packets and streams are sealed and opened. The keyring must outlive it.
struct Sealing {
  std::string label;
  crypto::Keyring* keyring = nullptr;   ///< null or empty: no encryption
  std::uint8_t encryption_version = 1;  ///< 0 if this node speaks protocol 1
  bool compress = true;
  bool verify_incoming = true;
  bool verify_outgoing = true;
  bool skip_inbound_label_check = false;
  /// Fills a nonce; if empty, the system's secure generator does.
  std::function<void(std::span<std::byte>)> nonce_source;

  [[nodiscard]] bool has_keys() const noexcept { return keyring != nullptr && !keyring->empty(); }
  [[nodiscard]] bool encrypts() const noexcept { return has_keys() && verify_outgoing; }
};

/// Builds datagrams. Keeps its scratch space, so that nothing is allocated in the steady state.
class PacketSealer {
 public:
  /// Bytes that `out` must have beyond the parts for every layer's header and trailer.
  static constexpr std::size_t kMaxOverheadBytes = 2 + limits::kLabelBytes + 45 + 5 +
                                                   kCompoundHeadBytes +
                                                   kCompoundPartOverhead * limits::kCompoundParts;

  /// Seals whole messages (type and body each) into one datagram: one message plain, several as a
  /// compound; then compression (if on, and only if shorter), checksum (if `with_crc`), encryption,
  /// label. At most 255 parts of at most 65,535 bytes each (asserted). Returns the datagram, which
  /// lies in `out`; `out` must have room for the parts and kMaxOverheadBytes (asserted), and must
  /// not hold a part.
  [[nodiscard]] BytesView seal(const Sealing& how, std::span<const BytesView> parts, bool with_crc,
                               std::span<std::byte> out);

 private:
  LzwEncoder lzw_;
  Bytes scratch_;
};

/// One innermost message of a packet, not decoded.
struct MessageView {
  MessageType type = MessageType::ping;
  BytesView body;  ///< after the type byte
};

/// A user message of a packet: all of its body.
struct UserMessage {
  BytesView payload;
};
/// What a packet can hold.
using PacketMessage =
    std::variant<Ping, IndirectPing, Ack, Nack, Suspect, Alive, Dead, UserMessage>;

/// Opens datagrams, and yields their innermost messages one by one, whatever the nesting of
/// compound, compressed and checksum (bounded by limits::kPacketNesting and kPacketMessages).
/// Views are valid until the next `open`. Nothing is allocated in the steady state; the room for
/// decompressing is given back once no packet has needed it for a while.
class PacketOpener {
 public:
  /// Removes label and encryption; an error says why the whole datagram is dropped. The datagram
  /// must remain until its messages have been handled: those that were not encrypted are views of
  /// it.
  [[nodiscard]] WireResult<void> open(const Sealing& how, BytesView datagram);

  /// The next message, decoded; `std::nullopt` at the end. An error concerns one part (bad
  /// compression, bad checksum, an unknown type, nesting too deep, an invalid body):
  /// continue calling to get the others. One of the kind `not_expected`: the packet seems to be
  /// encrypted, and there is no key.
  [[nodiscard]] std::optional<WireResult<PacketMessage>> next();
  /// The same without decoding the body: to look at what is sent. Either this or `next`.
  [[nodiscard]] std::optional<WireResult<MessageView>> next_view();

  /// The label that the datagram came with; empty if there is none.
  [[nodiscard]] std::string_view label() const noexcept { return label_; }

  /// Parts that compounds announced but did not contain.
  [[nodiscard]] std::size_t truncated_parts() const noexcept { return truncated_parts_; }

 private:
  // What nearly all packets are decompressed to.
  static constexpr std::size_t kOrdinaryRoomBytes = 4 * limits::kKiB;

  // A compound whose parts are being read.
  struct Compound {
    BytesView lengths;        // of the remaining parts, two bytes each
    BytesView parts;          // the remaining ones
    std::size_t offset = 0;   // of `parts` in its layer
    std::size_t nesting = 0;  // of the compound itself
  };
  // Bytes that start with a type byte, and their position.
  struct Item {
    BytesView bytes;
    std::size_t offset = 0;
    std::size_t nesting = 0;
  };

  [[nodiscard]] std::optional<Item> next_item();
  // Unwraps one item: a message, an error, or nothing (it contains others, which come next).
  [[nodiscard]] std::optional<WireResult<MessageView>> unwrap(const Item& item);
  [[nodiscard]] std::optional<WireError> enter_compound(const Item& item);
  [[nodiscard]] std::optional<WireError> enter_compressed(const Item& item);
  [[nodiscard]] std::optional<WireError> enter_checked(const Item& item);
  [[nodiscard]] WireResult<BytesView> unpack(BytesView packed);
  void give_back() noexcept;

  [[nodiscard]] bool may_be_encrypted(const MessageView& message) const noexcept;

  std::string_view label_;
  BytesView unsealed_;  // the datagram after its label if there is no key; otherwise empty
  Bytes plain_;         // decrypted
  Bytes unpacked_;      // room for all decompressed bytes of a packet
  Bytes outgrown_;      // the one before, which became too small within the packet
  std::size_t unpacked_bytes_ = 0;
  std::size_t packets_with_less_ = 0;  // in a row, for which a smaller room would do
  std::optional<Item> pending_;
  std::array<Compound, limits::kPacketNesting + 1> compounds_;
  std::size_t compound_count_ = 0;
  std::size_t item_count_ = 0;
  std::size_t truncated_parts_ = 0;
};

}  // namespace memberlist::wire
