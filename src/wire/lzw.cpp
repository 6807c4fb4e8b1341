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
  bits.put(kClear, dictionary.width());
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

  [[nodiscard]] const std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  [[nodiscard]] bool has_room(std::size_t count) const noexcept {
    return capacity_ - size_ >= count;
  }
  // Makes room for `count` more bytes; false if they exceed the limit.
  [[nodiscard]] bool grow(std::size_t count) {
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

  // There must be room. The bytes may be some of those written earlier. kBlock bytes behind them
  // must be readable, too: where there is room for it, that many are copied at once, since nearly
  // all strings are shorter, and later writes overwrite what is too much.
  void append(const std::byte* source, std::size_t count) noexcept {
    std::byte* const to = data_ + size_;
    if (has_room(count + kBlock)) {
      copy_block(to, source);
      for (std::size_t at = kBlock; at < count; at += kBlock) copy_block(to + at, source + at);
    } else {
      std::memcpy(to, source, count);
    }
    size_ += count;
  }
  static constexpr std::size_t kBlock = 32;

  // Cuts the vector to the written bytes; more may follow.
  void finish() {
    if (growing_ == nullptr) return;
    growing_->resize(old_ + size_);
    capacity_ = size_;
  }

 private:
  static void copy_block(std::byte* to, const std::byte* from) noexcept {
    static_assert(kBlock == 2 * sizeof(Half));
    Half first{};
    Half second{};
    std::memcpy(&first, from, sizeof first);
    std::memcpy(&second, from + sizeof first, sizeof second);
    std::memcpy(to, &first, sizeof first);
    std::memcpy(to + sizeof first, &second, sizeof second);
  }
  // What a processor copies at once.
  using Half = std::uint64_t __attribute__((vector_size(16)));

  static constexpr std::size_t kFirstBytes = 4096;
  static constexpr std::size_t kMuch = limits::kMiB;

  std::byte* data_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
  Bytes* growing_ = nullptr;
  std::size_t old_ = 0;
  std::size_t max_;
};

// Each byte, at its number, and a block behind the last.
constexpr auto kLiterals = [] {
  std::array<std::byte, kClear + Output::kBlock> bytes{};
  for (std::size_t i = 0; i < kClear; ++i) bytes[i] = static_cast<std::byte>(i);
  return bytes;
}();

// The string of a code is in the output already, or one of the literals, so only its position is
// kept.
struct Place {
  std::uint32_t from;
  std::uint32_t size;
};

constexpr auto kLiteralPlaces = [] {
  std::array<Place, kClear> places{};
  for (std::uint32_t code = 0; code < kClear; ++code) places[code] = {code, 1};
  return places;
}();

class Decoder {
 public:
  Decoder(BytesView packed, Output& out) noexcept : position_(packed), out_(out) {
    std::ranges::copy(kLiteralPlaces, places_.begin());
  }

  // Runs until the end (true), or until the output has this many bytes.
  [[nodiscard]] WireResult<bool> run(std::size_t enough) {
    // A byte that is written may be part of any object, as far as a compiler knows. These copies
    // are seen by nothing else, so they stay in registers.
    Position position = position_;
    Output out = out_;
    const char* wrong = nullptr;
    WireErrorKind kind = WireErrorKind::malformed;
    bool at_end = false;
    while (out.size() < enough && !at_end && wrong == nullptr) {
      std::uint32_t code = 0;
      if (!position.in.take(position.width, code)) {
        wrong = "compressed data is cut off";
      } else if (code == kEnd) {
        at_end = true;
      } else if (code == kClear) {
        position.clear();
      } else if (code > position.next || (code == position.next && position.last_size == 0)) {
        wrong = "compressed data has an invalid code";
      } else if (!write(code, position, out)) {
        wrong = "decompressed data exceeds the limit";
        kind = WireErrorKind::limit;
      }
    }
    position_ = position;
    out_ = out;
    if (wrong == nullptr) return at_end;
    return std::unexpected(WireError{kind, wrong, position_.in.position()});
  }

 private:
  struct Position {
    explicit Position(BytesView packed) noexcept : in(packed) {}
    void clear() noexcept {
      next = kFirstFree;
      width = kMinWidth;
      last_size = 0;
    }

    BitReader in;
    std::uint32_t next = kFirstFree;
    unsigned width = kMinWidth;
    std::uint32_t last_from = 0;  // the place of the last string
    std::uint32_t last_size = 0;  // 0: there is none
  };

  // Writes the string of the code, and defines the next code: the previous string and the first
  // byte of this one. Which code comes is hard to predict, so there are few branches.
  [[nodiscard]] bool write(std::uint32_t code, Position& position, Output& out) {
    const bool is_new = code == position.next;
    const std::uint32_t from = is_new ? position.last_from : places_[code].from;
    const std::uint32_t known = is_new ? position.last_size : places_[code].size;
    const std::uint32_t size = known + (is_new ? 1U : 0U);
    if (!out.has_room(size)) {
      Output grown = out;
      if (!grown.grow(size)) return false;
      out = grown;
    }
    const auto here = static_cast<std::uint32_t>(out.size());
    const bool is_literal = code < kClear;
    out.append((is_literal ? kLiterals.data() : out.data()) + from, known);
    if (is_new) out.append(out.data() + from, 1);
    if (position.last_size != 0 && position.next < kCodes) {
      places_[position.next++] = {position.last_from, position.last_size + 1};
      if (position.next == 1U << position.width && position.width < kMaxWidth) ++position.width;
    }
    position.last_from = here;
    position.last_size = size;
    return true;
  }

  Position position_;
  Output& out_;
  // Only what is below the next code is read, and initialised: all of it would cost more than a
  // packet does.
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
