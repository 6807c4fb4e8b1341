// The encrypted payload, as packets and streams have it, and its padding.
//
// Input: options (1 byte: the key, the version, kRaw), how much of the rest is authenticated data
// (1 byte), the rest. With kRaw the rest is the payload itself.

#include <algorithm>
#include <array>
#include <span>

#include "support/input.hpp"
#include "support/known_keys.hpp"
#include "wire/layers.hpp"

namespace memberlist::fuzz {
namespace {

constexpr unsigned kKeyMask = 0x03;
constexpr unsigned kVersion1 = 0x04;
constexpr unsigned kRaw = 0x08;
constexpr unsigned kTwoPieces = 0x10;

void check_padding(BytesView padded) {
  std::size_t count = 0;
  if (!padded.empty() && padded.size() % 16 == 0) {
    count = std::to_integer<std::size_t>(padded.back());
    if (count > 16) count = 0;
    for (std::size_t i = 1; i <= count; ++i) {
      if (padded[padded.size() - i] != padded.back()) {
        count = 0;
      }
    }
  }
  const auto removed = wire::remove_padding(padded);
  require(removed.has_value() == (count != 0), "padding is removed if it is right");
  if (removed) {
    require(removed->data() == padded.data() && removed->size() == padded.size() - count,
            "padding is removed whole, and nothing else");
  }
}

void check_sealed(unsigned options, BytesView authenticated, BytesView plain) {
  static crypto::Keyring receiver = known_keys();
  crypto::Keyring sender =
      known_keys(std::span(kKeys).subspan((options & kKeyMask) % kKeys.size(), 1));
  const auto version = static_cast<std::uint8_t>((options & kVersion1) != 0);
  Bytes payload(wire::encrypted_payload_bytes(version, plain.size()));
  std::ranges::copy(plain, payload.begin() + wire::kPayloadHeadBytes);
  // In two pieces, as a stream's frame head and label are.
  const std::size_t split = (options & kTwoPieces) != 0 ? authenticated.size() / 2 : 0;
  wire::Sealing how;
  how.keyring = &sender;
  how.encryption_version = version;
  wire::seal_payload(how, authenticated.first(split), authenticated.subspan(split), payload,
                     plain.size());
  Bytes scratch;
  const auto opened = wire::open_payload(receiver, authenticated, {}, payload, scratch);
  require(opened && std::ranges::equal(*opened, plain), "what was sealed comes out again");
  require(lies_in(*opened, scratch), "what comes out lies in the scratch space");

  Bytes other = to_bytes(authenticated);
  other.push_back(std::byte{0});
  require(!wire::open_payload(receiver, other, {}, payload, scratch),
          "other authenticated data does not fit");
  payload[plain.size() % payload.size()] ^= std::byte{0x40};
  require(!wire::open_payload(receiver, authenticated, {}, payload, scratch),
          "a changed payload does not open");
}

}  // namespace
}  // namespace memberlist::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memberlist;
  static crypto::Keyring keys = fuzz::known_keys();
  fuzz::Input input(data, size);
  const unsigned options = input.u8();
  const BytesView authenticated = input.take(input.u8());
  const Bytes rest = to_bytes(input.rest());
  fuzz::check_padding(rest);
  if ((options & fuzz::kRaw) == 0) {
    fuzz::check_sealed(options, authenticated, rest);
    return 0;
  }
  Bytes scratch;
  const auto opened = wire::open_payload(keys, authenticated, {}, rest, scratch);
  if (opened) fuzz::require(fuzz::lies_in(*opened, scratch), "plaintext lies in the scratch space");
  return 0;
}
