// LZW: our decoder against a second one, which was written from the format's description; and our
// encoder, which both must be able to follow.
//
// Input: the limit (1 byte, times 256), then the bytes, once as compressed ones and once as what
// is to be compressed.

#include <algorithm>
#include <cstddef>

#include "support/input.hpp"
#include "support/reference_lzw.hpp"
#include "wire/lzw.hpp"

namespace memberlist::fuzz {
namespace {

constexpr std::size_t kMostBytes = std::size_t{8} * 1024;

template <class T>
LzwOutcome outcome_of(const wire::WireResult<T>& result) {
  if (result) return LzwOutcome::done;
  return result.error().kind == wire::WireErrorKind::limit ? LzwOutcome::over_limit
                                                           : LzwOutcome::malformed;
}

// Behind a prefix, which has to stay as it is.
void check_decoders(BytesView packed, std::size_t max_bytes, Bytes& reference) {
  const LzwOutcome expected = reference_lzw(packed, reference, max_bytes);

  const Bytes before(3, std::byte{0x5a});
  Bytes grown = before;
  const auto decoded = wire::lzw_decode(packed, grown, max_bytes);
  require(outcome_of(decoded) == expected, "both decoders take and refuse the same");
  require(grown.size() >= before.size() && grown.size() - before.size() <= max_bytes,
          "no more is decoded than the limit allows");
  require(std::equal(before.begin(), before.end(), grown.begin()), "what was there stays");
  if (decoded) {
    require(std::ranges::equal(BytesView(grown).subspan(before.size()), reference),
            "both decoders decode the same");
  } else {
    require(decoded.error().offset <= packed.size(), "an error points into the bytes");
  }

  Bytes fixed(max_bytes);
  const auto written = wire::lzw_decode_into(packed, fixed);
  require(outcome_of(written) == expected, "a fixed buffer makes no difference");
  if (written) {
    require(std::ranges::equal(BytesView(fixed).first(*written), reference),
            "a fixed buffer gets the same bytes");
  }
}

void check_round_trip(BytesView plain) {
  static wire::LzwEncoder encoder;
  Bytes packed;
  require(encoder.encode(plain, packed), "without a limit everything can be compressed");
  Bytes decoded;
  check_decoders(packed, plain.size(), decoded);
  require(std::ranges::equal(decoded, plain), "what was compressed comes out again");

  Bytes within;
  require(encoder.encode(plain, within, packed.size()) && within == packed,
          "a limit that is kept changes nothing");
  Bytes beyond;
  require(!encoder.encode(plain, beyond, packed.size() - 1), "a limit that is not kept is told");
}

}  // namespace
}  // namespace memberlist::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memberlist;
  fuzz::Input input(data, size);
  const std::size_t max_bytes = input.u8() * std::size_t{256};
  // Enough to fill the table of codes and start again; more is only slower.
  if (size > fuzz::kMostBytes) return -1;
  const Bytes bytes = to_bytes(input.rest());
  Bytes reference;
  fuzz::check_decoders(bytes, max_bytes, reference);
  fuzz::check_round_trip(bytes);
  if (!reference.empty() && reference.size() <= fuzz::kMostBytes) {
    fuzz::check_round_trip(reference);
  }
  return 0;
}
