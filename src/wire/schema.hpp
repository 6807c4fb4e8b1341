#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "wire/msgpack.hpp"
#include "wire/wire_error.hpp"

// Encoder and decoder of a message, both from one list of its fields.
namespace memberlist::wire::schema {

/// A field's name as a template argument.
template <std::size_t N>
struct Name {
  // NOLINTNEXTLINE(google-explicit-constructor): written as a literal in the lists of fields
  consteval Name(const char (&literal)[N]) { std::ranges::copy(literal, text); }
  char text[N];
  [[nodiscard]] constexpr std::string_view view() const noexcept { return {text, N - 1}; }
};

enum class When : std::uint8_t { always, not_empty };

/// One field: its name on the wire, the member that holds it, and whether an empty one is left out.
template <Name kText, auto kMember, When kWhen = When::always>
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

template <class... Fields>
struct FieldList {};

/// Specialised for each message: `using Fields = FieldList<...>`, in alphabetical order, which is
/// the order on the wire.
template <class Message>
struct Schema;

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

// Small unsigned fields go the way of the 32-bit ones.
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
void encode_fields(ByteWriter& out, std::optional<std::uint8_t> type, const Message& message,
                   FieldList<Fields...>) {
  static_assert(sizeof...(Fields) < 16, "the map's header is one byte");
  const std::size_t head = type ? 2 : 1;
  std::byte* at = out.claim((head + ... + field_size(message, Fields{})));
  if (at == nullptr) return;
  if (type) *at++ = std::byte{*type};
  const std::size_t count = (std::size_t{0} + ... + (Fields::present(message) ? 1U : 0U));
  *at++ = static_cast<std::byte>(0x80U | count);
  ((at = put_field(at, message, Fields{})), ...);
}

/// Writes the type byte (if any) and the body, all or nothing.
template <class Message>
void encode_message(ByteWriter& out, std::optional<std::uint8_t> type, const Message& message) {
  encode_fields(out, type, message, typename Schema<Message>::Fields{});
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

// Reads the value if the field has this name. `read` tells whether, `ok` whether it could be read.
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
  // One pass in the order of the wire reads all that Go sends; what is then left is out of order,
  // written in another form, or of a later version.
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

/// Reads a body from the front of `in`; on an error `in` stays where it was.
template <class Message>
WireResult<Message> decode_message(ByteReader& in) noexcept {
  WireResult<Message> message;
  msgpack::Decoder decoder(in.rest());
  if (!decode_fields(decoder, *message, typename Schema<Message>::Fields{})) {
    WireError error = decoder.error();
    error.offset += in.position();
    message = std::unexpected(error);
    return message;
  }
  (void)in.bytes(decoder.position());
  return message;
}

}  // namespace memberlist::wire::schema
