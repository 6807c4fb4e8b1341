#include "wire/msgpack.hpp"

#include <algorithm>
#include <limits>

#include "wire/messages.hpp"

namespace memberlist::wire::msgpack {
namespace {

unsigned tag_of(const std::byte* at) noexcept { return std::to_integer<unsigned>(*at); }

std::uint64_t read_big_endian(const std::byte* at, std::size_t bytes) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | std::to_integer<unsigned>(at[i]);
  return value;
}

// The bytes that follow a tag, except for small values, which are in the tag itself.
struct Shape {
  enum class Kind : std::uint8_t { plain, sized, array, map, invalid };
  Kind kind = Kind::plain;
  std::uint8_t length_bytes = 0;  // of the size or count after the tag
  std::uint8_t payload = 0;       // bytes after the tag and size that the size does not count
};

// 0xc0 .. 0xdf, the tags with individual meanings (msgpack specification).
constexpr std::array<Shape, 32> kShapes = [] {
  using Kind = Shape::Kind;
  return std::array<Shape, 32>{{
      {Kind::plain, 0, 0},    // c0 nil
      {Kind::invalid, 0, 0},  // c1 never used
      {Kind::plain, 0, 0},    // c2 false
      {Kind::plain, 0, 0},    // c3 true
      {Kind::sized, 1, 0},    // c4 bin8
      {Kind::sized, 2, 0},    // c5 bin16
      {Kind::sized, 4, 0},    // c6 bin32
      {Kind::sized, 1, 1},    // c7 ext8
      {Kind::sized, 2, 1},    // c8 ext16
      {Kind::sized, 4, 1},    // c9 ext32
      {Kind::plain, 0, 4},    // ca float32
      {Kind::plain, 0, 8},    // cb float64
      {Kind::plain, 0, 1},    // cc uint8
      {Kind::plain, 0, 2},    // cd uint16
      {Kind::plain, 0, 4},    // ce uint32
      {Kind::plain, 0, 8},    // cf uint64
      {Kind::plain, 0, 1},    // d0 int8
      {Kind::plain, 0, 2},    // d1 int16
      {Kind::plain, 0, 4},    // d2 int32
      {Kind::plain, 0, 8},    // d3 int64
      {Kind::plain, 0, 2},    // d4 fixext1
      {Kind::plain, 0, 3},    // d5 fixext2
      {Kind::plain, 0, 5},    // d6 fixext4
      {Kind::plain, 0, 9},    // d7 fixext8
      {Kind::plain, 0, 17},   // d8 fixext16
      {Kind::sized, 1, 0},    // d9 str8
      {Kind::sized, 2, 0},    // da raw16, str16
      {Kind::sized, 4, 0},    // db raw32, str32
      {Kind::array, 2, 0},    // dc array16
      {Kind::array, 4, 0},    // dd array32
      {Kind::map, 2, 0},      // de map16
      {Kind::map, 4, 0},      // df map32
  }};
}();

// One value's head: its bytes up to its first child, and how many children follow.
struct Head {
  bool whole = true;  // false: the head itself is truncated
  bool valid = true;
  bool container = false;
  std::uint64_t bytes = 1;
  std::uint64_t children = 0;
};

Head read_head(const std::byte* at, std::size_t left) noexcept {
  const unsigned tag = tag_of(at);
  Head head;
  if (tag < 0x80 || tag >= 0xe0) return head;
  if (tag < 0x90) return {.container = true, .children = 2ULL * (tag & 0x0fU)};
  if (tag < 0xa0) return {.container = true, .children = tag & 0x0fU};
  if (tag < 0xc0) return {.bytes = 1ULL + (tag & 0x1fU)};
  const Shape& shape = kShapes[tag - 0xc0U];
  if (shape.kind == Shape::Kind::invalid) return {.valid = false};
  if (left <= shape.length_bytes) return {.whole = false};
  const std::uint64_t count = read_big_endian(at + 1, shape.length_bytes);
  head.bytes = 1ULL + shape.length_bytes + shape.payload;
  if (shape.kind == Shape::Kind::sized) head.bytes += count;
  if (shape.kind == Shape::Kind::array || shape.kind == Shape::Kind::map) {
    head.container = true;
    head.children = shape.kind == Shape::Kind::map ? 2 * count : count;
  }
  return head;
}

// The number of one-byte values at the front of the bytes, up to `most`. An unknown field can be an
// array of very many of them.
std::size_t one_byte_values(BytesView bytes, std::uint64_t most) noexcept {
  const auto is_one_byte = [](std::byte byte) {
    const auto tag = std::to_integer<unsigned>(byte);
    return tag < 0x80 || tag >= 0xe0 || tag == 0xc0 || tag == 0xc2 || tag == 0xc3;
  };
  std::size_t run = 0;
  while (run < bytes.size() && run < most && is_one_byte(bytes[run])) ++run;
  return run;
}

}  // namespace

std::size_t signed_size(std::int64_t value) noexcept {
  if (value >= -32 && value <= 0x7f) return 1;
  if (value >= std::numeric_limits<std::int8_t>::min() && value < 0) return 2;
  if (value >= std::numeric_limits<std::int16_t>::min() &&
      value <= std::numeric_limits<std::int16_t>::max()) {
    return 3;
  }
  if (value >= std::numeric_limits<std::int32_t>::min() &&
      value <= std::numeric_limits<std::int32_t>::max()) {
    return 5;
  }
  return 9;
}

std::byte* put_signed(std::byte* at, std::int64_t value) noexcept {
  const auto bits = static_cast<std::uint64_t>(value);
  switch (signed_size(value)) {
    case 1:
      return put_big_endian<1>(at, bits);
    case 2:
      *at = std::byte{0xd0};
      return put_big_endian<1>(at + 1, bits);
    case 3:
      *at = std::byte{0xd1};
      return put_big_endian<2>(at + 1, bits);
    case 5:
      *at = std::byte{0xd2};
      return put_big_endian<4>(at + 1, bits);
    default:
      *at = std::byte{0xd3};
      return put_big_endian<8>(at + 1, bits);
  }
}

WireResult<bool> Scanner::scan(BytesView value) noexcept {
  const auto error = [this](WireErrorKind kind, const char* what) {
    return std::unexpected(WireError{kind, what, position_});
  };
  for (;;) {
    while (left_[level_] == 0) {
      if (level_ == 0) return position_ <= value.size();
      --level_;
    }
    if (position_ >= value.size()) return false;
    const std::uint64_t most = std::min(left_[level_], max_bytes_ - position_);
    if (const std::size_t run = one_byte_values(value.subspan(position_), most); run > 0) {
      position_ += run;
      left_[level_] -= run;
      continue;
    }
    const Head head = read_head(value.data() + position_, value.size() - position_);
    if (!head.valid) return error(WireErrorKind::malformed, "0xc1 is not a msgpack type");
    if (!head.whole) return false;
    const std::uint64_t room = max_bytes_ - position_;
    if (head.bytes > room || head.children > room - head.bytes) {
      return error(WireErrorKind::limit, "msgpack value is too large");
    }
    if (head.container && level_ == max_nesting_) {
      return error(WireErrorKind::limit, "msgpack value is nested too deeply");
    }
    position_ += head.bytes;
    --left_[level_];
    if (head.container) left_[++level_] = head.children;
  }
}

bool Decoder::fail(const char* what, WireErrorKind kind) noexcept {
  error_ = {kind, what, position()};
  at_ = end_;
  return false;
}

bool Decoder::truncated() noexcept {
  error_ = {WireErrorKind::malformed, kTruncated, static_cast<std::size_t>(end_ - begin_)};
  at_ = end_;
  return false;
}

bool Decoder::big_endian(std::size_t bytes, std::uint64_t& out) noexcept {
  if (static_cast<std::size_t>(end_ - at_) <= bytes) return truncated();
  out = read_big_endian(at_ + 1, bytes);
  return true;
}

bool Decoder::long_map_header(std::uint32_t& fields) noexcept {
  if (at_ == end_) return truncated();
  const unsigned tag = tag_of(at_);
  if (tag != 0xde && tag != 0xdf) return fail("message body is not a map");
  const std::size_t width = tag == 0xde ? 2 : 4;
  std::uint64_t count = 0;
  if (!big_endian(width, count)) return false;
  at_ += 1 + width;
  fields = static_cast<std::uint32_t>(count);
  return true;
}

bool Decoder::key(std::string_view& name) noexcept {
  name = {};
  if (at_ == end_) return truncated();
  const unsigned tag = tag_of(at_);
  const bool text =
      (tag >= 0xa0 && tag < 0xc0) || (tag >= 0xc4 && tag <= 0xc6) || (tag >= 0xd9 && tag <= 0xdb);
  return text ? value(name) : skip();
}

bool Decoder::take(std::size_t header, std::uint64_t size, BytesView& out) noexcept {
  if (static_cast<std::uint64_t>(end_ - at_) - header < size) return truncated();
  out = {at_ + header, static_cast<std::size_t>(size)};
  at_ += header + size;
  return true;
}

bool Decoder::long_raw(BytesView& out) noexcept {
  if (at_ == end_) return truncated();
  const unsigned tag = tag_of(at_);
  std::uint64_t size = 0;
  if (tag >= 0xa0 && tag < 0xc0) return take(1, tag & 0x1fU, out);
  switch (tag) {
    case 0xc0:
      out = {};
      ++at_;
      return true;
    case 0xc4:
    case 0xd9:
      return big_endian(1, size) && take(2, size, out);
    case 0xc5:
    case 0xda:
      return big_endian(2, size) && take(3, size, out);
    case 0xc6:
    case 0xdb:
      return big_endian(4, size) && take(5, size, out);
    default:
      return fail("field is not a string or byte array");
  }
}

bool Decoder::number(Number& out) noexcept {
  if (at_ == end_) return truncated();
  const unsigned tag = tag_of(at_);
  if (tag < 0x80 || tag == 0xc0) {
    out = {.bits = tag == 0xc0 ? 0 : tag};
    ++at_;
    return true;
  }
  if (tag >= 0xe0) {
    out = {.bits = ~std::uint64_t{0xff} | tag, .negative = true};
    ++at_;
    return true;
  }
  if (tag < 0xcc || tag > 0xd3) return fail("field is not an integer");
  const std::size_t width = std::size_t{1} << (tag & 3U);
  std::uint64_t bits = 0;
  if (!big_endian(width, bits)) return false;
  const bool is_signed = tag >= 0xd0;
  if (is_signed && (bits >> (8 * width - 1)) != 0) {
    if (width < 8) bits |= ~std::uint64_t{0} << (8 * width);
    out = {.bits = bits, .negative = true};
  } else {
    out = {.bits = bits};
  }
  at_ += 1 + width;
  return true;
}

bool Decoder::wide_unsigned(std::uint32_t& out, std::uint32_t max) noexcept {
  const std::byte* start = at_;
  Number parsed;
  if (!number(parsed)) return false;
  if (parsed.negative || parsed.bits > max) {
    at_ = start;
    return fail(parsed.negative ? "field is negative" : "integer is too large for the field");
  }
  out = static_cast<std::uint32_t>(parsed.bits);
  return true;
}

bool Decoder::wide_signed(std::int64_t& out) noexcept {
  const std::byte* start = at_;
  Number parsed;
  if (!number(parsed)) return false;
  out = static_cast<std::int64_t>(parsed.bits);
  if (!parsed.negative && out < 0) {
    at_ = start;
    return fail("integer is too large for the field");
  }
  return true;
}

bool Decoder::value(bool& out) noexcept {
  if (at_ == end_) return truncated();
  const unsigned tag = tag_of(at_);
  if (tag != 0xc0 && tag != 0xc2 && tag != 0xc3) return fail("field is not a boolean");
  out = tag == 0xc3;
  ++at_;
  return true;
}

bool Decoder::skip() noexcept {
  Scanner scanner;
  const auto whole = scanner.scan({at_, end_});
  if (!whole) {
    at_ += whole.error().offset;
    return fail(whole.error().what, whole.error().kind);
  }
  if (!*whole) return truncated();
  at_ += scanner.size();
  return true;
}

}  // namespace memberlist::wire::msgpack
