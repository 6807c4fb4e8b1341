#include "key_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "memberlist/key.hpp"
#include "secret_text.hpp"
#include "text.hpp"

namespace memberlist::cli {

namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool is_key_size(std::size_t bytes) { return bytes == 16 || bytes == 24 || bytes == 32; }

bool is_hexadecimal(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

bool is_hexadecimal_key(std::string_view text) {
  return text.size() % 2 == 0 && is_key_size(text.size() / 2) && is_hexadecimal(text);
}

// The text in the standard alphabet and with its padding, whatever alphabet and padding it has.
std::string in_standard_form(std::string_view text) {
  std::string standard(text);
  std::ranges::replace(standard, '-', '+');
  std::ranges::replace(standard, '_', '/');
  standard.append((4 - standard.size() % 4) % 4, '=');
  return standard;
}

bool decodes_to_key(std::string_view text) {
  const auto key = base64_decode(text);
  return key && is_key_size(key->size());
}

// `key` holds the base64 of a key again, with or without a line end.
bool is_base64_twice(BytesView key) { return decodes_to_key(trim(as_text(key))); }

bool is_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c < '\x7f'; });
}

// What is wrong with a text that is no base64, and what to do.
std::string_view guess_about_text(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) {
    return "begins with a byte order mark: save the file as plain text without one";
  }
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff") || text.contains('\0')) {
    return "is in UTF-16: save the file as plain ASCII or UTF-8 text";
  }
  if (!is_text(text)) return "is not text: raw bytes must be encoded, e.g. with `base64 -w0 FILE`";
  if (text.starts_with('[') || text.starts_with('{')) {
    return "looks like JSON: write one key a line, without brackets, quotes and commas";
  }
  if (text.starts_with("-----BEGIN")) {
    return "looks like PEM: it must be the base64 text of 16, 24 or 32 random bytes";
  }
  if (text.find_first_of("\"'`,;") != std::string_view::npos) {
    return "has quotes or separators around it: write the base64 text alone";
  }
  if (text.find_first_of(" \t\r\n") != std::string_view::npos) {
    return "has blanks or line ends inside: write the base64 text alone";
  }
  if (decodes_to_key(in_standard_form(text))) {
    return text.find_first_of("-_") != std::string_view::npos
               ? "is in the URL-safe alphabet: write + for - and / for _, and = up to a length "
                 "that is a multiple of 4"
               : "lacks its padding: append = until the length is a multiple of 4";
  }
  return "is not base64";
}

// The same for text that is base64, but of a number of bytes that no key has.
std::string guess_about_bytes(std::string_view text, BytesView key) {
  if (is_hexadecimal_key(text)) {
    return "is in hexadecimal: convert it, e.g. with `xxd -r -p | base64`";
  }
  if (is_base64_twice(key)) return "is base64 of base64: decode it once";
  if (!key.empty() && is_key_size(key.size() - 1) && key.back() == std::byte{'\n'}) {
    return "has a line end behind its bytes: encode them without it, e.g. with printf, not echo";
  }
  return fmt::format("has {} bytes: it must have 16, 24 or 32", key.size());
}

std::unexpected<CommandError> no_key(std::string_view origin, std::string_view guess) {
  return std::unexpected(CommandError{
      kExitUsage, fmt::format("the key in {} {}; a key is the base64 text of 16, 24 or 32 bytes, "
                              "such as `memberlist keygen` makes",
                              origin, guess)});
}

}  // namespace

std::expected<Bytes, CommandError> parse_key(std::string_view text, std::string_view origin) {
  text = trim(text);
  auto key = base64_decode(text);
  if (!key) return no_key(origin, guess_about_text(text));
  if (!is_key_size(key->size())) {
    const std::string guess = guess_about_bytes(text, *key);
    wipe(*key);
    return no_key(origin, guess);
  }
  return std::move(*key);
}

std::string key_warning(std::string_view text, std::string_view origin) {
  text = trim(text);
  if (!is_hexadecimal_key(text) || !decodes_to_key(text)) return {};
  return fmt::format(
      "the key in {} has {} hexadecimal digits, which are taken as base64 of {} bytes: if it is in "
      "hexadecimal, convert it, e.g. with `xxd -r -p | base64`",
      origin, text.size(), text.size() / 4 * 3);
}

bool could_be_key(std::string_view text) {
  text = trim(text);
  constexpr std::size_t kMostChars = 128;
  if (text.starts_with("--") || text.size() > kMostChars) return false;
  const auto is_plain = [](unsigned char c) {
    return std::islower(c) != 0 || c == '-' || c == '_';
  };
  if (std::ranges::all_of(text, is_plain)) {
    return false;  // random bytes have digits or capitals; words of a command line have not
  }
  auto decoded = base64_decode(in_standard_form(text));
  if (!decoded) return false;
  const bool key = is_key_size(decoded->size()) ||
                   (!decoded->empty() && is_key_size(decoded->size() - 1)) ||
                   is_base64_twice(*decoded) || is_hexadecimal_key(text);
  wipe(*decoded);
  return key;
}

}  // namespace memberlist::cli
