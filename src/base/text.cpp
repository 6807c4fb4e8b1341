#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>

#include "memberlist/name_text.hpp"

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

struct Range {
  char32_t first;
  char32_t last;
};

// What moves a cursor, ends a line, changes the direction of writing, or is not seen: C0, DEL and
// C1, all blanks but U+0020 (Zs, Zl, Zp), and Unicode's Default_Ignorable_Code_Point, without the
// variation selectors and the joiner U+200D, which are part of visible emoji.
constexpr Range kEscaped[] = {
    {0x0000, 0x001f},   {0x007f, 0x00a0}, {0x00ad, 0x00ad}, {0x034f, 0x034f},   {0x061c, 0x061c},
    {0x115f, 0x1160},   {0x1680, 0x1680}, {0x17b4, 0x17b5}, {0x180b, 0x180f},   {0x2000, 0x200c},
    {0x200e, 0x200f},   {0x2028, 0x202f}, {0x205f, 0x206f}, {0x3000, 0x3000},   {0x3164, 0x3164},
    {0xfeff, 0xfeff},   {0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
    {0xe0000, 0xe0fff},
};

bool is_escaped(char32_t code) noexcept {
  return std::ranges::any_of(
      kEscaped, [code](const Range& range) { return code >= range.first && code <= range.last; });
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

// `at_an_end`: at an end of the whole text, where a blank is invisible.
void append_escaped(std::string& out, std::string_view raw, Character character, bool at_an_end) {
  if (character.code == U'\\') {
    out += "\\\\";
  } else if (character.size == 0 || is_escaped(character.code) ||
             (at_an_end && character.code == U' ')) {
    append_hex(out, raw);
  } else {
    out += raw;
  }
}

// The value of a hexadecimal digit; -1 if it is none.
int digit_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Reads `\\` or `\xNN` at the front of `text` and takes it away.
std::optional<char> take_escape(std::string_view& text) noexcept {
  std::size_t size = 0;
  int value = -1;
  if (text.starts_with("\\\\")) {
    size = 2, value = '\\';
  } else if (text.starts_with("\\x") && text.size() >= 4) {
    const int high = digit_value(text[2]);
    const int low = digit_value(text[3]);
    size = 4, value = high < 0 || low < 0 ? -1 : high * 16 + low;
  }
  if (value < 0) return std::nullopt;
  text.remove_prefix(size);
  return static_cast<char>(value);
}

std::unexpected<Error> bad_base64(std::string_view why) {
  return fail(ErrorCode::invalid_argument, "this is not base64: " + std::string(why));
}

}  // namespace

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

// Unicode's Bidi_Control, its separators of lines and paragraphs, and the byte order mark.
bool steers_output(char32_t code) noexcept {
  const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
  const bool separator = code == 0x2028 || code == 0x2029;
  const bool direction = code == 0x061c || code == 0x200e || code == 0x200f || code == 0xfeff ||
                         (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  return control || separator || direction;
}

std::string escape_controls(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character character = first_character(text);
    const std::size_t width = std::max<std::size_t>(character.size, 1);
    if (character.size == 0 || steers_output(character.code)) {
      append_hex(out, text.substr(0, width));
    } else {
      out += text.substr(0, width);
    }
    text.remove_prefix(width);
  }
  return out;
}

std::string escape_for_log(std::string_view text, std::size_t max_bytes) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size_before = out.size();
    const Character character = first_character(text.substr(at));
    const std::size_t width = character.size == 0 ? 1 : character.size;
    const bool at_an_end = at == 0 || at + width == text.size();
    append_escaped(out, text.substr(at, width), character, at_an_end);
    if (out.size() > max_bytes) {
      out.resize(size_before);
      out += "...";
      return out;
    }
    at += width;
  }
  return out;
}

std::string show_name(std::string_view name) {
  return escape_for_log(name, std::numeric_limits<std::size_t>::max());
}

std::string read_name(std::string_view shown) {
  std::string name;
  for (std::string_view rest = shown; !rest.empty();) {
    if (rest.front() != '\\') {
      name += rest.front();
      rest.remove_prefix(1);
    } else if (const auto byte = take_escape(rest)) {
      name += *byte;
    } else {
      return std::string(shown);
    }
  }
  return name;
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
  if (text.size() % 4 != 0) return bad_base64("its length is not a multiple of 4");
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
