#include "files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "text.hpp"

namespace memberlist::cli {

namespace {

constexpr std::size_t kSecretFileLimitBytes = 64 * 1024;
constexpr std::size_t kTokenMinBytes = 16;
constexpr std::size_t kTokenMaxBytes = 1024;

struct FileCloser {
  void operator()(std::FILE* file) const noexcept {
    if (file != stdin) {
      std::fclose(file);
    }
  }
};

std::unexpected<CommandError> unreadable(const std::string& path, int error) {
  return std::unexpected(CommandError{
      kExitFailed, fmt::format("cannot read {}: {}: check the path and its permissions", path,
                               std::generic_category().message(error))});
}

// Calls `use(line, number)` for each line that says something, until it returns false.
template <class Use>
void for_each_line(std::string_view text, Use use) {
  std::size_t number = 0;
  for (const std::string& raw : split(text, '\n')) {
    ++number;
    const std::string_view line = trim(raw);
    if (!line.empty() && !line.starts_with('#') && !use(line, number)) {
      return;
    }
  }
}

}  // namespace

std::expected<std::string, CommandError> read_file(const std::string& path,
                                                   std::size_t limit_bytes) {
  const std::unique_ptr<std::FILE, FileCloser> file(path == "-" ? stdin
                                                                : std::fopen(path.c_str(), "rbe"));
  if (file == nullptr) {
    return unreadable(path, errno);
  }
  std::string content;
  std::array<char, 64 * 1024> buffer{};
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), file.get())) {
    content.append(buffer.data(), got);
    if (content.size() > limit_bytes) {
      return std::unexpected(CommandError{
          kExitFailed, fmt::format("{} is larger than the limit of {} bytes: give a smaller file",
                                   path, limit_bytes)});
    }
  }
  if (std::ferror(file.get()) != 0) {
    return unreadable(path, errno);
  }
  return content;
}

std::expected<Bytes, CommandError> parse_key(std::string_view text, std::string_view origin) {
  const auto key = base64_decode(trim(text));
  if (!key) {
    return std::unexpected(CommandError{
        kExitUsage, fmt::format("the key in {} is not base64: a key is the base64 text of 16, 24 "
                                "or 32 bytes; make one with `memberlist keygen`",
                                origin)});
  }
  if (key->size() != 16 && key->size() != 24 && key->size() != 32) {
    return std::unexpected(CommandError{
        kExitUsage, fmt::format("the key in {} has {} bytes: it must have 16, 24 or 32; make one "
                                "with `memberlist keygen`",
                                origin, key->size())});
  }
  return *key;
}

std::expected<std::vector<Bytes>, CommandError> read_key_file(const std::string& path) {
  const auto content = read_file(path, kSecretFileLimitBytes);
  if (!content) {
    return std::unexpected(content.error());
  }
  std::vector<Bytes> keys;
  std::expected<void, CommandError> outcome;
  for_each_line(*content, [&](std::string_view line, std::size_t number) {
    auto key = parse_key(line, fmt::format("{}, line {},", path, number));
    if (!key) {
      outcome = std::unexpected(key.error());
      return false;
    }
    keys.push_back(std::move(*key));
    return true;
  });
  if (!outcome) {
    return std::unexpected(outcome.error());
  }
  if (keys.empty()) {
    return std::unexpected(CommandError{
        kExitUsage,
        fmt::format("{} holds no key: put one a line; make one with `memberlist keygen`", path)});
  }
  return keys;
}

std::expected<std::string, CommandError> read_token_file(const std::string& path) {
  const auto content = read_file(path, kSecretFileLimitBytes);
  if (!content) {
    return std::unexpected(content.error());
  }
  std::string token;
  for_each_line(*content, [&](std::string_view line, std::size_t) {
    token = line;
    return false;
  });
  const bool printable = std::ranges::all_of(token, [](char c) { return c > ' ' && c < '\x7f'; });
  if (token.size() < kTokenMinBytes || token.size() > kTokenMaxBytes || !printable) {
    return std::unexpected(CommandError{
        kExitUsage, fmt::format("the token in {} is unfit: it must be one line of {} to {} visible "
                                "ASCII characters; make one with `memberlist keygen`",
                                path, kTokenMinBytes, kTokenMaxBytes)});
  }
  return token;
}

}  // namespace memberlist::cli
