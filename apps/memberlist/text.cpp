#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>
#include <iterator>

namespace memberlist::cli {

namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> make_reverse_alphabet() {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
  }
  return table;
}

constexpr auto kReverseAlphabet = make_reverse_alphabet();

std::uint8_t byte_at(std::string_view text, std::size_t i) {
  return static_cast<std::uint8_t>(text[i]);
}

// Length of the well-formed UTF-8 sequence at `at`, 0 if there is none (RFC 3629, section 4).
std::size_t sequence_length(std::string_view text, std::size_t at) noexcept {
  const std::uint8_t first = byte_at(text, at);
  if (first < 0x80) {
    return 1;
  }
  std::size_t length = 0;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xbf;
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3;
    low = first == 0xe0 ? 0xa0 : 0x80;
    high = first == 0xed ? 0x9f : 0xbf;
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4;
    low = first == 0xf0 ? 0x90 : 0x80;
    high = first == 0xf4 ? 0x8f : 0xbf;
  }
  if (length == 0 || text.size() - at < length) {
    return 0;
  }
  if (byte_at(text, at + 1) < low || byte_at(text, at + 1) > high) {
    return 0;
  }
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte_at(text, at + i) & 0xc0) != 0x80) {
      return 0;
    }
  }
  return length;
}

// The code point of a sequence that `sequence_length` has found.
char32_t code_point(std::string_view text, std::size_t at, std::size_t length) {
  if (length == 1) {
    return byte_at(text, at);
  }
  char32_t code = byte_at(text, at) & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    code = code << 6 | (byte_at(text, at + i) & 0x3fU);
  }
  return code;
}

// What moves the cursor, ends a line, or changes the direction of writing (Unicode's Bidi_Control).
bool steers_output(char32_t code) {
  const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
  const bool separator = code == 0x2028 || code == 0x2029;
  const bool direction = code == 0x061c || code == 0x200e || code == 0x200f ||
                         (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  return control || separator || direction;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_length(text, at);
    if (length == 0) {
      return false;
    }
    at += length;
  }
  return true;
}

std::string escape_controls(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_length(text, at);
    if (length != 0 && !steers_output(code_point(text, at, length))) {
      out.append(text.substr(at, length));
      at += length;
      continue;
    }
    for (std::size_t i = 0; i < (length == 0 ? 1 : length); ++i, ++at) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte_at(text, at));
    }
  }
  return out;
}

std::size_t display_width(std::string_view text) noexcept {
  std::size_t width = 0;
  for (const char c : text) {
    width += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
  }
  return width;
}

std::string pad_right(std::string_view text, std::size_t width) {
  std::string out(text);
  const std::size_t have = display_width(text);
  if (have < width) {
    out.append(width - have, ' ');
  }
  return out;
}

std::string base64_encode(BytesView bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = bytes.size() - i < 3 ? bytes.size() - i : 3;
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < count ? std::to_integer<std::uint32_t>(bytes[i + j]) : 0);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += j <= count ? kAlphabet[group >> (18 - 6 * j) & 0x3f] : '=';
    }
  }
  return out;
}

std::optional<Bytes> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) {
    return std::nullopt;
  }
  std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  Bytes out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t group = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool pad = i >= text.size() - padding;
    const std::int8_t value = pad ? std::int8_t{0} : kReverseAlphabet[byte_at(text, i)];
    if (value < 0) {
      return std::nullopt;
    }
    group = group << 6 | static_cast<std::uint32_t>(value);
    if (i % 4 == 3) {
      for (const unsigned shift : {16U, 8U, 0U}) {
        out.push_back(static_cast<std::byte>(group >> shift & 0xff));
      }
      group = 0;
    }
  }
  // The bits that are left over must be zero, so that the same bytes have one form only.
  for (; padding > 0; --padding) {
    if (out.back() != std::byte{0}) {
      return std::nullopt;
    }
    out.pop_back();
  }
  return out;
}

bool is_fingerprint(std::string_view text) noexcept {
  constexpr std::size_t kDigits = 16;
  return text.size() == kDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string rfc3339(std::chrono::system_clock::time_point when) {
  const auto millis = std::chrono::floor<std::chrono::milliseconds>(when);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(millis);
  const std::time_t time = std::chrono::system_clock::to_time_t(seconds);
  std::tm utc{};
  ::gmtime_r(&time, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     (millis - seconds).count());
}

std::string escape_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (std::size_t at = 0; at < json.size();) {
    const std::size_t length = std::max<std::size_t>(sequence_length(json, at), 1);
    const char32_t code = code_point(json, at, length);
    // Below 0x20 there is only the white space between values: in strings they are escaped already.
    if (code >= 0x20 && steers_output(code)) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<std::uint32_t>(code));
    } else {
      out.append(json.substr(at, length));
    }
    at += length;
  }
  return out;
}

std::string csv_field(std::string_view text) {
  std::string field = escape_controls(text);
  if (!field.empty() && std::string_view("=+-@").contains(field.front())) {
    field.insert(field.begin(), '\'');
  }
  if (field.find_first_of(",\"") == std::string::npos) {
    return field;
  }
  std::string out = "\"";
  for (const char c : field) {
    if (c == '"') {
      out += '"';
    }
    out += c;
  }
  out += '"';
  return out;
}

std::string_view trim(std::string_view text) noexcept {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(end + 1);
  }
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (kUnreserved.find(text[i]) != std::string_view::npos) {
      out += text[i];
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", byte_at(text, i));
    }
  }
  return out;
}

std::string milliseconds_text(double nanoseconds) {
  return fmt::format("{:.3f} ms", nanoseconds / 1e6);
}

}  // namespace memberlist::cli
