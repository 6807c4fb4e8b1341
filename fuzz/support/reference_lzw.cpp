#include "support/reference_lzw.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace memberlist::fuzz {
namespace {

class Bits {
 public:
  explicit Bits(BytesView bytes) : bytes_(bytes) {}

  std::optional<std::size_t> code(unsigned width) {
    std::size_t value = 0;
    for (unsigned i = 0; i < width; ++i, ++at_) {
      if (at_ / 8 == bytes_.size()) return std::nullopt;
      const bool bit = (std::to_integer<unsigned>(bytes_[at_ / 8]) >> (at_ % 8) & 1U) != 0;
      if (bit) value |= std::size_t{1} << i;
    }
    return value;
  }

 private:
  BytesView bytes_;
  std::size_t at_ = 0;
};

constexpr std::size_t kClear = 256;
constexpr std::size_t kEnd = 257;
constexpr std::size_t kMostCodes = 4096;

// The strings that codes stand for; those of clear and end are there, and never used.
using Strings = std::vector<Bytes>;

Strings first_strings() {
  Strings strings;
  for (unsigned byte = 0; byte < 256; ++byte) strings.push_back({static_cast<std::byte>(byte)});
  strings.resize(kEnd + 1);
  return strings;
}

// The width of the next code: it must be able to name the string that comes after the last.
unsigned width_for(std::size_t strings) {
  unsigned width = 9;
  while (width < 12 && strings >= std::size_t{1} << width) ++width;
  return width;
}

}  // namespace

LzwOutcome reference_lzw(BytesView packed, Bytes& out, std::size_t max_bytes) {
  Bits bits(packed);
  Strings strings = first_strings();
  std::optional<Bytes> before;  // what the last code stood for, if there was one since the clear
  for (std::size_t written = 0;;) {
    const auto code = bits.code(width_for(strings.size()));
    if (!code) return LzwOutcome::malformed;
    if (*code == kEnd) return LzwOutcome::done;
    if (*code == kClear) {
      strings.resize(kEnd + 1);
      before.reset();
      continue;
    }
    Bytes now;
    if (*code < strings.size()) {
      now = strings[*code];
    } else if (*code == strings.size() && before) {
      now = *before;
      now.push_back(before->front());
    } else {
      return LzwOutcome::malformed;
    }
    if (now.size() > max_bytes - written) return LzwOutcome::over_limit;
    out.insert(out.end(), now.begin(), now.end());
    written += now.size();
    if (before && strings.size() < kMostCodes) {
      before->push_back(now.front());
      strings.push_back(*std::move(before));
    }
    before = std::move(now);
  }
}

}  // namespace memberlist::fuzz
