#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace memberlist {
namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoDigit = 0xff;

constexpr std::array<std::uint8_t, 256> base64_values() noexcept {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::size_t i = 0; i < kBase64.size(); ++i) {
    values[static_cast<unsigned char>(kBase64[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr auto kBase64Values = base64_values();

struct Character {
  char32_t code = 0;
  std::size_t size = 0;  // in bytes; 0: not UTF-8
};

// The character at the front of a text that is not empty.
Character first_character(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  std::size_t size = 0;
  char32_t code = 0;
  char32_t smallest = 0;
  if ((lead & 0xe0U) == 0xc0) {
    size = 2, code = lead & 0x1fU, smallest = 0x80;
  } else if ((lead & 0xf0U) == 0xe0) {
    size = 3, code = lead & 0x0fU, smallest = 0x800;
  } else if ((lead & 0xf8U) == 0xf0) {
    size = 4, code = lead & 0x07U, smallest = 0x10000;
  } else {
    return {};
  }
  if (text.size() < size) return {};
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fU);
  }
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < smallest || code > 0x10ffff || surrogate) return {};
  return {code, size};
}

// Terminals act on the first two ranges; the others reorder or break a line in a viewer.
bool is_printable(char32_t code) noexcept {
  const auto in = [code](char32_t first, char32_t last) { return code >= first && code <= last; };
  return !(code < 0x20 || in(0x7f, 0x9f) || in(0x200e, 0x200f) || in(0x2028, 0x202e) ||
           in(0x2066, 0x2069) || code == 0xfeff);
}

void append_hex(std::string& out, std::string_view raw) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char c : raw) {
    const auto byte = static_cast<unsigned char>(c);
    out += "\\x";
    out += kDigits[byte >> 4];
    out += kDigits[byte & 0x0fU];
  }
}

void append_escaped(std::string& out, std::string_view raw, Character character) {
  switch (character.code) {
    case U'\n':
      out += "\\n";
      return;
    case U'\r':
      out += "\\r";
      return;
    case U'\t':
      out += "\\t";
      return;
    case U'\\':
      out += "\\\\";
      return;
    default:
      break;
  }
  if (character.size != 0 && is_printable(character.code)) {
    out += raw;
  } else {
    append_hex(out, raw);
  }
}

std::unexpected<Error> bad_base64(std::string_view why) {
  return fail(ErrorCode::invalid_argument, "this is not base64: " + std::string(why));
}

}  // namespace

std::string escape_for_log(std::string_view text, std::size_t max_bytes) {
  std::string out;
  while (!text.empty()) {
    const std::size_t size_before = out.size();
    const Character character = first_character(text);
    const std::size_t width = character.size == 0 ? 1 : character.size;
    append_escaped(out, text.substr(0, width), character);
    if (out.size() > max_bytes) {
      out.resize(size_before);
      out += "...";
      return out;
    }
    text.remove_prefix(width);
  }
  return out;
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t size = first_character(text).size;
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string base64_encode(BytesView bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8 | (i < count ? std::to_integer<std::uint32_t>(bytes[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      out += i <= count ? kBase64[group >> (18 - 6 * i) & 0x3fU] : '=';
    }
  }
  return out;
}

Result<Bytes> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return bad_base64("its length is no multiple of 4");
  Bytes out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t at = 0; at < text.size(); at += 4) {
    const std::string_view group = text.substr(at, 4);
    std::size_t digits = 4;
    if (at + 4 == text.size()) {
      while (digits > 2 && group[digits - 1] == '=') --digits;
    }
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::uint8_t digit =
          i < digits ? kBase64Values[static_cast<unsigned char>(group[i])] : std::uint8_t{0};
      if (digit == kNoDigit) return bad_base64("it has a character outside its alphabet");
      value = value << 6 | digit;
    }
    const std::size_t count = digits - 1;
    if ((value & (0xffffffU >> (8 * count))) != 0) return bad_base64("its last bits are not zero");
    for (std::size_t i = 0; i < count; ++i) {
      out.push_back(static_cast<std::byte>(value >> (16 - 8 * i) & 0xffU));
    }
  }
  return out;
}

}  // namespace memberlist
