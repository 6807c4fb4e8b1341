#include "wire/lzw.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "base/limits.hpp"

namespace memberlist::wire {
namespace {

constexpr std::uint32_t kClear = 256;
constexpr std::uint32_t kEnd = 257;
constexpr std::uint32_t kFirstFree = 258;
constexpr unsigned kMinWidth = 9;
constexpr unsigned kMaxWidth = 12;
constexpr std::uint32_t kCodes = 1U << kMaxWidth;
// The encoder clears its table instead of assigning this code.
constexpr std::uint32_t kLastCode = kCodes - 1;

// --- encoding

constexpr unsigned kMinTableBits = 6;
constexpr unsigned kMaxTableBits = 13;  // twice the number of codes

// Writes codes, least significant bit first, into a vector that grows by pages.
class BitWriter {
 public:
  BitWriter(Bytes& out, std::size_t max_bytes) noexcept
      : out_(out), start_(out.size()), max_bytes_(max_bytes), used_(out.size()) {}

  void put(std::uint32_t code, unsigned width) {
    bits_ |= std::uint64_t{code} << count_;
    count_ += width;
    if (count_ >= 32) flush_word();
  }

  [[nodiscard]] bool over() const noexcept { return used_ - start_ > max_bytes_; }
  [[nodiscard]] bool at_whole_byte() const noexcept { return count_ % 8 == 0; }

  // Writes the last, partly filled byte; false if the output exceeds the limit.
  [[nodiscard]] bool finish() {
    room(sizeof(std::uint32_t));
    while (count_ > 0) {
      out_[used_++] = static_cast<std::byte>(bits_);
      bits_ >>= 8;
      count_ -= std::min(count_, 8U);
    }
    out_.resize(used_);
    return !over();
  }

 private:
  static constexpr std::size_t kPageBytes = 1024;

  void room(std::size_t bytes) {
    if (out_.size() - used_ < bytes) out_.resize(used_ + std::max(kPageBytes, used_ / 2));
  }

  void flush_word() {
    room(sizeof(std::uint32_t));
    auto word = static_cast<std::uint32_t>(bits_);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap32(word);
    std::memcpy(out_.data() + used_, &word, sizeof word);
    used_ += sizeof word;
    bits_ >>= 32;
    count_ -= 32;
  }

  Bytes& out_;
  std::size_t start_;
  std::size_t max_bytes_;
  std::size_t used_;
  std::uint64_t bits_ = 0;
  unsigned count_ = 0;
};

// The codes in use, and the table that finds the code of a code and one more byte.
class Dictionary {
 public:
  // Uses only twice as many slots as the input can fill: for a packet, most of the time is spent
  // on clearing them.
  explicit Dictionary(std::size_t input_bytes) noexcept
      : bits_(std::clamp(static_cast<unsigned>(std::bit_width(input_bytes)) + 1, kMinTableBits,
                         kMaxTableBits)) {
    clear();
  }

  void clear() noexcept {
    std::fill_n(table_.begin(), std::size_t{1} << bits_, 0U);
    last_ = kEnd;
    width_ = kMinWidth;
  }

  // The code of `prefix` and `next`, or 0; then `slot` is where it belongs.
  [[nodiscard]] std::uint32_t find(std::uint32_t prefix, std::uint32_t next,
                                   std::uint32_t& slot) const noexcept {
    const std::uint32_t key = prefix << 8 | next;
    const std::uint32_t mask = (1U << bits_) - 1;
    slot = (key * 0x9e3779b1U) >> (32 - bits_);
    for (; table_[slot] != 0; slot = (slot + 1) & mask) {
      if (table_[slot] >> kMaxWidth == key) return table_[slot] & (kCodes - 1);
    }
    return 0;
  }

  // Gives the pair the next code; false if there is none left.
  [[nodiscard]] bool add(std::uint32_t prefix, std::uint32_t next, std::uint32_t slot) noexcept {
    if (!grow()) return false;
    table_[slot] = (prefix << 8 | next) << kMaxWidth | last_;
    return true;
  }
  // Takes the next code, and widens the codes when it no longer fits.
  [[nodiscard]] bool grow() noexcept {
    ++last_;
    if (last_ == kLastCode) return false;
    if (last_ == 1U << width_) ++width_;
    return true;
  }
  [[nodiscard]] unsigned width() const noexcept { return width_; }

 private:
  unsigned bits_;
  std::uint32_t last_ = kEnd;
  unsigned width_ = kMinWidth;
  // Open addressing; prefix code, next byte, code of the two. Only what is used is initialised.
  std::array<std::uint32_t, std::size_t{1} << kMaxTableBits> table_;
};

void put_clear(BitWriter& bits, Dictionary& dictionary) {
  bits.put(kClear, dictionary.width());
  dictionary.clear();
}

// Writes a clear code and all codes but the end code; false as soon as they exceed the limit.
[[nodiscard]] bool put_codes(BytesView plain, BitWriter& bits, Dictionary& dictionary) {
  const auto byte_at = [&](std::size_t i) { return std::to_integer<std::uint32_t>(plain[i]); };
  bits.put(kClear, kMinWidth);
  if (plain.empty()) return true;
  std::uint32_t prefix = byte_at(0);
  for (std::size_t i = 1; i < plain.size(); ++i) {
    const std::uint32_t next = byte_at(i);
    std::uint32_t slot = 0;
    if (const std::uint32_t found = dictionary.find(prefix, next, slot); found != 0) {
      prefix = found;
      continue;
    }
    bits.put(prefix, dictionary.width());
    if (bits.over()) return false;
    if (!dictionary.add(prefix, next, slot)) put_clear(bits, dictionary);
    prefix = next;
  }
  bits.put(prefix, dictionary.width());
  return true;
}

}  // namespace

bool LzwEncoder::encode(BytesView plain, Bytes& out, std::size_t max_bytes) {
  BitWriter bits(out, max_bytes);
  Dictionary dictionary(plain.size());
  if (!put_codes(plain, bits, dictionary)) return false;
  // The decoder counts the last code, too, before it reads the end.
  if (!plain.empty() && !dictionary.grow()) put_clear(bits, dictionary);
  bits.put(kEnd, dictionary.width());
  return bits.finish();
}

void LzwEncoder::encode_part(BytesView plain, Bytes& out) {
  BitWriter bits(out, std::numeric_limits<std::size_t>::max());
  Dictionary dictionary(plain.size());
  (void)put_codes(plain, bits, dictionary);
  if (!plain.empty()) (void)dictionary.grow();
  put_clear(bits, dictionary);
  // Clear codes are harmless, and of nine bits: eight of them at most lead to a whole byte.
  while (!bits.at_whole_byte()) bits.put(kClear, kMinWidth);
  (void)bits.finish();
}

// --- decoding

namespace {

// Reads codes, least significant bit first.
class BitReader {
 public:
  explicit BitReader(BytesView bytes) noexcept
      : at_(bytes.data()), end_(bytes.data() + bytes.size()), begin_(bytes.data()) {}

  // False: there are not enough bytes left.
  [[nodiscard]] bool take(unsigned width, std::uint32_t& code) noexcept {
    if (count_ < width && !refill(width)) return false;
    code = static_cast<std::uint32_t>(bits_) & ((1U << width) - 1);
    bits_ >>= width;
    count_ -= width;
    return true;
  }
  [[nodiscard]] std::size_t position() const noexcept {
    return static_cast<std::size_t>(at_ - begin_) - count_ / 8;
  }

 private:
  [[nodiscard]] bool refill(unsigned width) noexcept {
    if (end_ - at_ >= 4) {
      std::uint32_t word = 0;
      std::memcpy(&word, at_, sizeof word);
      if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap32(word);
      bits_ |= std::uint64_t{word} << count_;
      at_ += sizeof word;
      count_ += 32;
      return true;
    }
    for (; count_ < width; count_ += 8) {
      if (at_ == end_) return false;
      bits_ |= std::to_integer<std::uint64_t>(*at_++) << count_;
    }
    return true;
  }

  const std::byte* at_;
  const std::byte* end_;
  const std::byte* begin_;
  std::uint64_t bits_ = 0;
  unsigned count_ = 0;
};

// Where the decompressed bytes go: a buffer of fixed size, or the end of a vector that grows by
// doubling, up to a limit.
class Output {
 public:
  explicit Output(std::span<std::byte> fixed) noexcept
      : data_(fixed.data()), capacity_(fixed.size()), max_(fixed.size()) {}
  Output(Bytes& growing, std::size_t max) noexcept
      : growing_(&growing),
        old_(growing.size()),
        max_(std::min(max, std::size_t{std::numeric_limits<std::uint32_t>::max()})) {}

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  // Makes room for `count` more bytes; false if they exceed the limit.
  [[nodiscard]] bool reserve(std::size_t count) {
    if (capacity_ - size_ >= count) return true;
    if (growing_ == nullptr || max_ - size_ < count) return false;
    // Doubles while it is small; grows by less later, because more would be wasted.
    const std::size_t needed = size_ + count;
    const std::size_t more = needed < kMuch ? needed : needed / 8;
    capacity_ = std::min(max_, std::max(kFirstBytes, needed + more));
    growing_->reserve(old_ + capacity_);
    growing_->resize(old_ + capacity_);
    data_ = growing_->data() + old_;
    return true;
  }
  void put(std::byte byte) noexcept { data_[size_++] = byte; }

  // Copies bytes written earlier, from `from`; they end at or before the write position.
  void repeat(std::size_t from, std::size_t count) noexcept {
    std::byte* to = data_ + size_;
    const std::byte* source = data_ + from;
    if (capacity_ - size_ >= count + kWord) {
      // Copies whole words: up to seven bytes too many, which later writes overwrite. Most strings
      // fit the first one.
      copy_word(to, source);
      for (std::size_t i = kWord; i < count; i += kWord) copy_word(to + i, source + i);
    } else {
      std::memcpy(to, source, count);
    }
    size_ += count;
  }
  [[nodiscard]] std::byte at(std::size_t index) const noexcept { return data_[index]; }

  // Cuts the vector to the written bytes; more may follow.
  void finish() {
    if (growing_ == nullptr) return;
    growing_->resize(old_ + size_);
    capacity_ = size_;
  }

 private:
  static constexpr std::size_t kWord = sizeof(std::uint64_t);
  static void copy_word(std::byte* to, const std::byte* from) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, from, kWord);
    std::memcpy(to, &word, kWord);
  }

  static constexpr std::size_t kFirstBytes = 4096;
  static constexpr std::size_t kMuch = limits::kMiB;

  std::byte* data_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
  Bytes* growing_ = nullptr;
  std::size_t old_ = 0;
  std::size_t max_;
};

// The string of a code is already in the output, so only its position is kept.
struct Place {
  std::uint32_t from;
  std::uint32_t size;
};

class Decoder {
 public:
  Decoder(BytesView packed, Output& out) noexcept : in_(packed), out_(out) {}

  // Runs until the end (true), or until the output has this many bytes.
  [[nodiscard]] WireResult<bool> run(std::size_t enough) {
    while (out_.size() < enough) {
      std::uint32_t code = 0;
      if (!in_.take(width_, code)) return error("compressed data is cut off");
      if (code == kEnd) return true;
      if (code == kClear) {
        next_ = kFirstFree;
        width_ = kMinWidth;
        last_ = {};
        continue;
      }
      if (code > next_ || (code == next_ && last_.size == 0)) {
        return error("compressed data has an invalid code");
      }
      if (!write(code)) return error("decompressed data exceeds the limit", WireErrorKind::limit);
    }
    return false;
  }

 private:
  // Writes the string of the code, and defines the next code: the previous string and the first
  // byte of this one.
  [[nodiscard]] bool write(std::uint32_t code) {
    const bool is_new = code == next_;
    const Place source = is_new ? last_ : code < kClear ? Place{0, 1} : places_[code];
    const std::size_t count = source.size + (is_new ? 1U : 0U);
    if (!out_.reserve(count)) return false;
    const Place here{static_cast<std::uint32_t>(out_.size()), static_cast<std::uint32_t>(count)};
    if (code < kClear) {
      out_.put(static_cast<std::byte>(code));
    } else {
      out_.repeat(source.from, source.size);
      if (is_new) out_.put(out_.at(source.from));
    }
    if (last_.size != 0 && next_ < kCodes) {
      places_[next_++] = {last_.from, last_.size + 1};
      if (next_ == 1U << width_ && width_ < kMaxWidth) ++width_;
    }
    last_ = here;
    return true;
  }

  [[nodiscard]] std::unexpected<WireError> error(
      const char* what, WireErrorKind kind = WireErrorKind::malformed) const noexcept {
    return std::unexpected(WireError{kind, what, in_.position()});
  }

  BitReader in_;
  Output& out_;
  std::uint32_t next_ = kFirstFree;
  unsigned width_ = kMinWidth;
  Place last_{};
  // Not initialised, which would cost more than a packet does: only what is below `next_` is read.
  std::array<Place, kCodes> places_;
};

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

}  // namespace

WireResult<void> lzw_decode(BytesView packed, Bytes& out, std::size_t max_bytes) {
  Output output(out, max_bytes);
  const auto done = Decoder(packed, output).run(kAll);
  output.finish();
  if (!done) return std::unexpected(done.error());
  return {};
}

WireResult<std::size_t> lzw_decode_into(BytesView packed, std::span<std::byte> out) {
  Output output(out);
  if (auto done = Decoder(packed, output).run(kAll); !done) return std::unexpected(done.error());
  return output.size();
}

struct LzwUnpacker::State {
  State(BytesView packed, Bytes& out, std::size_t max_bytes)
      : output(out, max_bytes), decoder(packed, output) {}

  Output output;
  Decoder decoder;
};

LzwUnpacker::LzwUnpacker(BytesView packed, Bytes& out, std::size_t max_bytes)
    : state_(std::make_unique<State>(packed, out, max_bytes)) {}

LzwUnpacker::~LzwUnpacker() = default;

WireResult<bool> LzwUnpacker::more(std::size_t bytes) {
  const auto done = state_->decoder.run(state_->output.size() + bytes);
  state_->output.finish();
  return done;
}

}  // namespace memberlist::wire
