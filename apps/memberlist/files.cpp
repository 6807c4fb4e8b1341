#include "files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>
#include <vector>

#include "key_text.hpp"
#include "text.hpp"

namespace memberlist::cli {

namespace {

constexpr std::size_t kSecretFileLimitBytes = 64 * 1024;
constexpr std::size_t kTokenMinBytes = 16;
constexpr std::size_t kTokenMaxBytes = 1024;

struct FileCloser {
  void operator()(std::FILE* file) const noexcept {
    if (file != stdin) std::fclose(file);
  }
};

// A file that is open, or standard input.
class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ > STDERR_FILENO) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

std::unexpected<CommandError> unreadable(const std::string& path, int error) {
  return std::unexpected(CommandError{
      kExitFailed, fmt::format("cannot read {}: {}: check the path and its permissions", path,
                               std::generic_category().message(error))});
}

// Calls `use(line, number)` for each line that says something, until it returns false. A byte order
// mark, as Windows' editors put before UTF-8, is no part of the first line.
template <class Use>
void for_each_line(std::string_view text, Use use) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trim(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (!line.empty() && !line.starts_with('#') && !use(line, number)) return;
  }
}

bool is_own_group(gid_t group) {
  if (group == ::getegid()) return true;
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  groups.resize(static_cast<std::size_t>(std::max(count, 0)));
  return std::ranges::find(groups, group) != groups.end();
}

// A secret volume belongs to root, is readable by a group, and cannot be changed by its readers.
bool is_private(const struct stat& status) {
  constexpr mode_t kOthers = S_IRWXG | S_IRWXO;
  const bool group_reads = status.st_uid == 0 && is_own_group(status.st_gid);
  return (status.st_mode & (group_reads ? kOthers & ~mode_t{S_IRGRP} : kOthers)) == 0;
}

// Pipes and the like have no permissions that say anything: only files are looked at.
std::expected<void, CommandError> check_private(const struct stat& status,
                                                const std::string& path) {
  if (!S_ISREG(status.st_mode) || is_private(status)) return {};
  const bool roots = status.st_uid == 0 && ::geteuid() != 0;
  return std::unexpected(CommandError{
      kExitFailed,
      fmt::format(
          "{} contains a secret, but users other than its owner can read or change it (mode "
          "{:04o}): {}",
          path, status.st_mode & 07777,
          roots ? "let one group of this process read it at most, with mode 0640 or 0440 "
                  "(Kubernetes: `defaultMode: 0440` and `fsGroup`)"
                : "chmod 600 " + path)});
}

}  // namespace

std::expected<std::string, CommandError> read_file(const std::string& path,
                                                   std::size_t limit_bytes) {
  const std::unique_ptr<std::FILE, FileCloser> file(path == "-" ? stdin
                                                                : std::fopen(path.c_str(), "rbe"));
  if (file == nullptr) return unreadable(path, errno);
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
  if (std::ferror(file.get()) != 0) return unreadable(path, errno);
  return content;
}

std::expected<void, CommandError> check_private(const std::string& path) {
  if (path == "-") return {};
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return unreadable(path, errno);
  return check_private(status, path);
}

// Into one buffer that does not move, so that no copy of a part of the secret remains in memory.
std::expected<SecretText, CommandError> read_secret_file(const std::string& path) {
  const bool input = path == "-";
  const Descriptor file(input ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return unreadable(path, errno);
  if (!input) {
    if (const auto checked = check_private(status, path); !checked) {
      return std::unexpected(checked.error());
    }
  }
  std::string content(kSecretFileLimitBytes + 1, '\0');
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = ::read(file.get(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int error = errno;
      wipe_text(content);
      return unreadable(path, error);
    }
    if (got == 0) {
      content.resize(size);
      return SecretText(std::move(content));
    }
    size += static_cast<std::size_t>(got);
  }
  wipe_text(content);
  return std::unexpected(CommandError{
      kExitFailed, fmt::format("{} is larger than the limit of {} bytes: give a smaller file", path,
                               kSecretFileLimitBytes)});
}

std::expected<void, CommandError> write_secret_file(const std::string& path,
                                                    std::string_view text) {
  const auto failed = [&path] {
    return std::unexpected(
        CommandError{kExitFailed, fmt::format("cannot write {}: {}: give another path", path,
                                              std::generic_category().message(errno))});
  };
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() < 0) return failed();
  while (!text.empty()) {
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written < 0 && errno != EINTR) return failed();
    text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
  return {};
}

std::expected<std::vector<Bytes>, CommandError> read_key_file(const std::string& path) {
  const auto content = read_secret_file(path);
  if (!content) return std::unexpected(content.error());
  std::vector<Bytes> keys;
  std::expected<void, CommandError> outcome;
  for_each_line(content->view(), [&](std::string_view line, std::size_t number) {
    const std::string origin = fmt::format("{}, line {},", path, number);
    auto key = parse_key(line, origin);
    if (!key) {
      outcome = std::unexpected(key.error());
      return false;
    }
    if (const std::string warning = key_warning(line, origin); !warning.empty()) warn(warning);
    keys.push_back(std::move(*key));
    return true;
  });
  if (!outcome) {
    wipe(keys);
    return std::unexpected(outcome.error());
  }
  if (keys.empty()) {
    return std::unexpected(CommandError{
        kExitUsage,
        fmt::format("{} contains no key: write one per line; generate one with `memberlist keygen`",
                    path)});
  }
  return keys;
}

std::expected<std::string, CommandError> read_token_file(const std::string& path) {
  const auto content = read_secret_file(path);
  if (!content) return std::unexpected(content.error());
  std::string token;
  for_each_line(content->view(), [&](std::string_view line, std::size_t) {
    token = line;
    return false;
  });
  const bool printable = std::ranges::all_of(token, [](char c) { return c > ' ' && c < '\x7f'; });
  if (token.size() < kTokenMinBytes || token.size() > kTokenMaxBytes || !printable) {
    return std::unexpected(CommandError{
        kExitUsage, fmt::format("the token in {} is invalid: it must be one line of {} to {} "
                                "visible ASCII characters; generate one with `memberlist keygen`",
                                path, kTokenMinBytes, kTokenMaxBytes)});
  }
  return token;
}

}  // namespace memberlist::cli
