#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <string_view>

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "base/field_count.hpp"
#include "memberlist/bytes.hpp"
#include "wire/msgpack.hpp"
#include "wire/wire_error.hpp"

// Encodes and decodes any message from its schema: the type byte, and the fields in the order of
// the wire. For example, this is a message,
//
//   struct Suspect {
//     std::uint32_t incarnation = 0;
//     std::string_view node;
//     std::string_view from;
//   };
//
// this is its schema,
//
//   template <>
//   struct Schema<Suspect> {
//     static constexpr std::optional kType = MessageType::suspect;
//     using Fields = FieldList<Field<"From", &Suspect::from>,
//                              Field<"Incarnation", &Suspect::incarnation>,
//                              Field<"Node", &Suspect::node>>;
//   };
//
// and these are the bytes that `encode` writes for Suspect{.incarnation = 7, .node = "a",
// .from = "b"}:
//
//   03                                      the type byte
//   83                                      a map of three fields
//   a4 46 72 6f 6d  a1 62                   From: "b"
//   ab 49 6e 63 61 72 6e 61 74 69 6f 6e 07  Incarnation: 7
//   a4 4e 6f 64 65  a1 61                   Node: "a"
//
// A field that is left out of the list, or is not in its place, does not compile.
namespace memberlist::wire {
namespace schema {

/// A field's name as a template argument.
template <std::size_t N>
struct Name {
  // NOLINTNEXTLINE(google-explicit-constructor): written as a literal in the lists of fields
  consteval Name(const char (&literal)[N]) { std::ranges::copy(literal, text); }
  char text[N];
  [[nodiscard]] constexpr std::string_view view() const noexcept { return {text, N - 1}; }
};

}  // namespace schema

enum class When : std::uint8_t { always, not_empty };

/// One field: its name on the wire, the member that holds it, and whether an empty one is left out.
template <schema::Name kText, auto kMember, When kWhen = When::always>
struct Field {
  static constexpr std::string_view kName = kText.view();
  static_assert(kName.size() < 32, "the key's header is one byte");

  /// The key as it is sent.
  static constexpr auto kKey = [] {
    std::array<std::byte, kName.size() + 1> key{};
    key[0] = static_cast<std::byte>(0xa0U | kName.size());
    for (std::size_t i = 0; i < kName.size(); ++i) key[i + 1] = static_cast<std::byte>(kName[i]);
    return key;
  }();

  template <class Message>
  static bool present(const Message& message) noexcept {
    if constexpr (kWhen == When::always) {
      return true;
    } else if constexpr (requires { (message.*kMember).empty(); }) {
      return !(message.*kMember).empty();
    } else {
      return message.*kMember != 0;
    }
  }
};

/// The fields of a message in alphabetical order, which is the order on the wire.
template <class... Fields>
struct FieldList {
  static_assert(sizeof...(Fields) < 16, "the map's header is one byte");
  static_assert(std::ranges::is_sorted(std::array{Fields::kName...}), "alphabetical order");
};

/// Specialised next to each message: `kType`, its type byte (`std::nullopt` if only the body is
/// sent), and `Fields`, a FieldList.
template <class Message>
struct Schema;

namespace schema {

// --- encoding

[[nodiscard]] inline std::size_t value_size(std::uint32_t value) noexcept {
  return msgpack::unsigned_size(value);
}
[[nodiscard]] inline std::size_t value_size(std::int64_t value) noexcept {
  return msgpack::signed_size(value);
}
[[nodiscard]] inline std::size_t value_size(bool) noexcept { return 1; }
[[nodiscard]] inline std::size_t value_size(BytesView value) noexcept {
  return msgpack::raw_header_size(value.size()) + value.size();
}
[[nodiscard]] inline std::size_t value_size(std::string_view value) noexcept {
  return value_size(as_bytes(value));
}

inline std::byte* put(std::byte* at, std::uint32_t value) noexcept {
  return msgpack::put_unsigned(at, value);
}
inline std::byte* put(std::byte* at, std::int64_t value) noexcept {
  return msgpack::put_signed(at, value);
}
inline std::byte* put(std::byte* at, bool value) noexcept {
  *at = std::byte{value ? std::uint8_t{0xc3} : std::uint8_t{0xc2}};
  return at + 1;
}
inline std::byte* put(std::byte* at, BytesView value) noexcept {
  if (value.data() != nullptr) return msgpack::put_raw(at, value);
  *at = std::byte{0xc0};  // absent
  return at + 1;
}
inline std::byte* put(std::byte* at, std::string_view value) noexcept {
  return msgpack::put_raw(at, as_bytes(value));
}

// Small unsigned fields are encoded like 32-bit ones.
template <class T>
[[nodiscard]] T widened(T value) noexcept {
  return value;
}
[[nodiscard]] inline std::uint32_t widened(std::uint8_t value) noexcept { return value; }
[[nodiscard]] inline std::uint32_t widened(std::uint16_t value) noexcept { return value; }

template <class Message, Name kText, auto kMember, When kWhen>
std::size_t field_size(const Message& message, Field<kText, kMember, kWhen> field) noexcept {
  if (!field.present(message)) return 0;
  return field.kKey.size() + value_size(widened(message.*kMember));
}

template <class Message, Name kText, auto kMember, When kWhen>
std::byte* put_field(std::byte* at, const Message& message,
                     Field<kText, kMember, kWhen> field) noexcept {
  if (!field.present(message)) return at;
  std::memcpy(at, field.kKey.data(), field.kKey.size());
  return put(at + field.kKey.size(), widened(message.*kMember));
}

template <class Message, class... Fields>
void encode_fields(ByteWriter& out, const Message& message, FieldList<Fields...>) {
  static_assert(field_count<Message>() == sizeof...(Fields), "each member has a field");
  constexpr auto kType = Schema<Message>::kType;
  constexpr std::size_t kHeadBytes = kType.has_value() ? 2 : 1;
  std::byte* at = out.claim((kHeadBytes + ... + field_size(message, Fields{})));
  if (at == nullptr) return;
  if constexpr (kType.has_value()) *at++ = static_cast<std::byte>(*kType);
  const std::size_t count = (std::size_t{0} + ... + (Fields::present(message) ? 1U : 0U));
  *at++ = static_cast<std::byte>(0x80U | count);
  ((at = put_field(at, message, Fields{})), ...);
}

// --- decoding

// Reads the field if its key, as Go encodes it, is what comes next.
template <class Message, Name kText, auto kMember, When kWhen>
bool read_expected(msgpack::Decoder& in, std::uint32_t& left, Message& message,
                   Field<kText, kMember, kWhen> field) noexcept {
  if (left == 0 || !in.skip_key(field.kKey)) return true;
  --left;
  return in.value(message.*kMember);
}

// Reads the value if the field has this name, and returns whether it has; `ok`: the value is valid.
template <class Message, Name kText, auto kMember, When kWhen>
bool read_named(msgpack::Decoder& in, std::string_view name, bool& ok, Message& message,
                Field<kText, kMember, kWhen> field) noexcept {
  if (name != field.kName) return false;
  ok = in.value(message.*kMember);
  return true;
}

template <class Message, class... Fields>
bool decode_fields(msgpack::Decoder& in, Message& message, FieldList<Fields...>) noexcept {
  std::uint32_t left = 0;
  if (!in.map_header(left)) return false;
  // One pass in the order of the wire reads everything that Go sends. Remaining fields are out of
  // order, encoded in another form, or of a later version.
  if (!(read_expected(in, left, message, Fields{}) && ...)) return false;
  for (; left > 0; --left) {
    std::string_view name;
    if (!in.key(name)) return false;
    bool ok = true;
    const bool known = (read_named(in, name, ok, message, Fields{}) || ...);
    if (!known) ok = in.skip();
    if (!ok) return false;
  }
  return true;
}

}  // namespace schema

/// Writes the type byte (if there is one) and the body. On a fixed span, both or nothing.
template <class Message>
void encode(ByteWriter& out, const Message& message) {
  schema::encode_fields(out, message, typename Schema<Message>::Fields{});
}

/// Reads a body (without the type byte) from the front of `in` into `message`, whose fields must
/// have their default values, and advances `in` past it; the caller handles what follows. After an
/// error `in` is where it was. A body that is cut off is `malformed` with `what` == kTruncated, so
/// that a stream can distinguish 'wait for more' from 'wrong'.
template <class Message>
[[nodiscard]] WireResult<void> decode_into(ByteReader& in, Message& message) noexcept {
  msgpack::Decoder decoder(in.rest());
  if (!schema::decode_fields(decoder, message, typename Schema<Message>::Fields{})) {
    WireError error = decoder.error();
    error.offset += in.position();
    return std::unexpected(error);
  }
  (void)in.bytes(decoder.position());
  return {};
}

/// The same, and returns it.
template <class Message>
[[nodiscard]] WireResult<Message> decode(ByteReader& in) noexcept {
  WireResult<Message> message;
  if (const auto done = decode_into(in, *message); !done) message = std::unexpected(done.error());
  return message;
}

}  // namespace memberlist::wire
