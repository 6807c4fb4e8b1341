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

// The strings that codes stand for, each as a shorter one and one more byte. Those of clear and end
// are there, and never used.
struct Entry {
  std::size_t prefix;
  std::byte last;
  std::size_t size;
};

std::vector<Entry> first_entries() {
  std::vector<Entry> entries;
  entries.reserve(kMostCodes);
  for (unsigned byte = 0; byte < 256; ++byte) {
    entries.push_back({0, static_cast<std::byte>(byte), 1});
  }
  entries.resize(kEnd + 1);
  return entries;
}

// Writes a code's string to the end, from its last byte to its first, which is returned.
std::byte append(const std::vector<Entry>& entries, std::size_t code, Bytes& out) {
  const std::size_t size = entries[code].size;
  out.resize(out.size() + size);
  std::byte byte{};
  for (std::size_t i = 1; i <= size; ++i, code = entries[code].prefix) {
    byte = entries[code].last;
    out[out.size() - i] = byte;
  }
  return byte;
}

// The width of the next code: it must be able to name the string that comes after the last.
unsigned width_for(std::size_t entries) {
  unsigned width = 9;
  while (width < 12 && entries >= std::size_t{1} << width) ++width;
  return width;
}

}  // namespace

LzwOutcome reference_lzw(BytesView packed, Bytes& out, std::size_t max_bytes) {
  Bits bits(packed);
  std::vector<Entry> entries = first_entries();
  std::optional<std::size_t> before;  // the last code, if there was one since the clear
  for (std::size_t left = max_bytes;;) {
    const auto code = bits.code(width_for(entries.size()));
    if (!code) return LzwOutcome::malformed;
    if (*code == kEnd) return LzwOutcome::done;
    if (*code == kClear) {
      entries.resize(kEnd + 1);
      before.reset();
      continue;
    }
    // The one code that may be used before it is known: the last string, and its first byte again.
    const bool next = *code == entries.size() && before;
    if (*code >= entries.size() && !next) return LzwOutcome::malformed;
    const std::size_t size = next ? entries[*before].size + 1 : entries[*code].size;
    if (size > left) return LzwOutcome::over_limit;
    left -= size;
    const std::byte first = append(entries, next ? *before : *code, out);
    if (next) out.push_back(first);
    if (before && entries.size() < kMostCodes) {
      entries.push_back({*before, first, entries[*before].size + 1});
    }
    before = *code;
  }
}

}  // namespace memberlist::fuzz
