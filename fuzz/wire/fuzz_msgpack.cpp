// Where a msgpack value ends: the scanner at once and in pieces, the decoder's skip, and a second,
// recursive reader agree.
//
// Input: the most bytes a value may have (2), a seed of the pieces (2), the value and more.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/byte_reader.hpp"
#include "base/limits.hpp"
#include "base/random.hpp"
#include "support/input.hpp"
#include "wire/msgpack.hpp"

namespace memberlist::fuzz {
namespace {

enum class End { whole, cut_off, invalid, too_deep };

End skip_value(ByteReader& in, std::size_t depth);

End skip_bytes(ByteReader& in, std::optional<std::uint64_t> count) {
  if (!count || *count > in.remaining()) return End::cut_off;
  (void)in.bytes(static_cast<std::size_t>(*count));
  return End::whole;
}

End skip_values(ByteReader& in, std::optional<std::uint64_t> count, std::size_t depth) {
  if (!count) return End::cut_off;
  if (depth == limits::kMsgpackNesting) return End::too_deep;
  for (std::uint64_t i = 0; i < *count; ++i) {
    if (const End end = skip_value(in, depth + 1); end != End::whole) return end;
  }
  return End::whole;
}

std::optional<std::uint64_t> sum(std::optional<std::uint64_t> count, std::uint64_t more) {
  return count ? std::optional(*count + more) : std::nullopt;
}
std::optional<std::uint64_t> twice(std::optional<std::uint64_t> count) {
  return sum(count, count.value_or(0));
}

// After the msgpack specification's table of formats.
End skip_value(ByteReader& in, std::size_t depth) {
  const auto first = in.u8();
  if (!first) return End::cut_off;
  const unsigned tag = *first;
  if (tag <= 0x7f || tag >= 0xe0) return End::whole;
  if (tag <= 0x8f) return skip_values(in, 2U * (tag & 0x0fU), depth);
  if (tag <= 0x9f) return skip_values(in, tag & 0x0fU, depth);
  if (tag <= 0xbf) return skip_bytes(in, tag & 0x1fU);
  switch (tag) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return End::whole;
    case 0xc4:
    case 0xd9:
      return skip_bytes(in, in.u8());
    case 0xc5:
    case 0xda:
      return skip_bytes(in, in.u16());
    case 0xc6:
    case 0xdb:
      return skip_bytes(in, in.u32());
    case 0xc7:
      return skip_bytes(in, sum(in.u8(), 1));
    case 0xc8:
      return skip_bytes(in, sum(in.u16(), 1));
    case 0xc9:
      return skip_bytes(in, sum(in.u32(), 1));
    case 0xcc:
    case 0xd0:
      return skip_bytes(in, 1);
    case 0xcd:
    case 0xd1:
    case 0xd4:
      return skip_bytes(in, 2);
    case 0xd5:
      return skip_bytes(in, 3);
    case 0xca:
    case 0xce:
    case 0xd2:
      return skip_bytes(in, 4);
    case 0xd6:
      return skip_bytes(in, 5);
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return skip_bytes(in, 8);
    case 0xd7:
      return skip_bytes(in, 9);
    case 0xd8:
      return skip_bytes(in, 17);
    case 0xdc:
      return skip_values(in, in.u16(), depth);
    case 0xdd:
      return skip_values(in, in.u32(), depth);
    case 0xde:
      return skip_values(in, twice(in.u16()), depth);
    case 0xdf:
      return skip_values(in, twice(in.u32()), depth);
    default:
      return End::invalid;
  }
}

// The scanner's answer, in the same words; its size is that of a whole value.
End scan(wire::msgpack::Scanner& scanner, BytesView bytes) {
  const auto whole = scanner.scan(bytes);
  if (whole) return *whole ? End::whole : End::cut_off;
  return whole.error().kind == wire::WireErrorKind::limit ? End::too_deep : End::invalid;
}

void check_pieces(BytesView bytes, std::uint16_t seed, End expected, std::size_t size) {
  wire::msgpack::Scanner scanner;
  Random random(seed);
  End end = End::cut_off;
  for (std::size_t given = 0; end == End::cut_off && given < bytes.size();) {
    given = std::min(bytes.size(), given + 1 + random.below(seed == 0 ? 1 : bytes.size()));
    end = scan(scanner, bytes.first(given));
  }
  require(end == expected, "the scanner says the same, in whatever pieces the bytes come");
  require(end != End::whole || scanner.size() == size, "and finds the same end");
}

void check_limit(BytesView bytes, std::size_t max_bytes, End expected, std::size_t size) {
  wire::msgpack::Scanner scanner(max_bytes);
  const End end = scan(scanner, bytes);
  if (expected == End::whole && size > max_bytes) {
    require(end == End::too_deep, "a value over the limit is refused");
  } else if (end == End::whole) {
    require(expected == End::whole && scanner.size() == size, "a limit changes no end");
  } else if (expected == End::whole) {
    require(false, "a value within the limit is taken");
  }
}

void check_decoder(BytesView bytes, End expected, std::size_t size) {
  wire::msgpack::Decoder decoder(bytes);
  const bool skipped = decoder.skip();
  require(skipped == (expected == End::whole), "skip takes what is whole, and nothing else");
  if (skipped) {
    require(decoder.position() == size, "skip finds the same end");
  } else {
    require(decoder.error().offset <= bytes.size(), "an error points into the bytes");
  }
}

}  // namespace
}  // namespace memberlist::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memberlist;
  fuzz::Input input(data, size);
  const std::size_t max_bytes = input.u16();
  const std::uint16_t seed = input.u16();
  const Bytes bytes = to_bytes(input.rest());
  ByteReader reader(bytes);
  const fuzz::End expected = fuzz::skip_value(reader, 0);
  const std::size_t end = reader.position();
  fuzz::check_pieces(bytes, seed, expected, end);
  fuzz::check_limit(bytes, max_bytes, expected, end);
  fuzz::check_decoder(bytes, expected, end);
  return 0;
}
