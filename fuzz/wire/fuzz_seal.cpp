// Our own packets: whatever parts are sealed in whatever way, the opener yields them again.
//
// Input: options (1 byte), then for each part its length (1 byte, times 8) and its content.

#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "base/limits.hpp"
#include "support/input.hpp"
#include "support/known_keys.hpp"
#include "wire/packet.hpp"

namespace memberlist::fuzz {
namespace {

constexpr unsigned kCompress = 0x01;
constexpr unsigned kCrc = 0x02;
constexpr unsigned kEncrypt = 0x04;
constexpr unsigned kVersion1 = 0x08;
constexpr unsigned kLabelled = 0x10;
constexpr std::size_t kLengthUnit = 8;

// User messages, which may hold any bytes.
std::vector<Bytes> take_parts(Input& input) {
  std::vector<Bytes> parts;
  std::size_t total = 0;
  while (parts.empty() || (!input.empty() && parts.size() < limits::kCompoundParts)) {
    Bytes part{std::byte{static_cast<std::uint8_t>(wire::MessageType::user)}};
    const BytesView content = input.take(input.u8() * kLengthUnit);
    part.insert(part.end(), content.begin(), content.end());
    total += part.size();
    if (total > limits::kDecompressedPacketBytes / 2) break;
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace
}  // namespace memberlist::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memberlist;
  static crypto::Keyring keys = fuzz::known_keys();
  static wire::PacketSealer sealer;
  static wire::PacketOpener opener;
  fuzz::Input input(data, size);
  const unsigned options = input.u8();
  const auto has = [options](unsigned option) { return (options & option) != 0; };
  wire::Sealing how;
  if (has(fuzz::kLabelled)) how.label = fuzz::kLabel;
  if (has(fuzz::kEncrypt)) how.keyring = &keys;
  how.encryption_version = has(fuzz::kVersion1) ? 1 : 0;
  how.compress = has(fuzz::kCompress);
  const std::vector<Bytes> parts = fuzz::take_parts(input);
  const std::vector<BytesView> views(parts.begin(), parts.end());
  std::size_t total = wire::PacketSealer::kMaxOverheadBytes;
  for (const Bytes& part : parts) total += part.size();
  Bytes out(total);
  const BytesView sealed = sealer.seal(how, views, has(fuzz::kCrc), out);
  fuzz::require(fuzz::lies_in(sealed, out), "a sealed packet lies in the buffer it was given");

  fuzz::require(opener.open(how, sealed).has_value(), "our own packets can be opened");
  for (const Bytes& part : parts) {
    const auto next = opener.next_view();
    fuzz::require(next && *next, "every part that was sealed comes out");
    fuzz::require((*next)->type == wire::MessageType::user &&
                      std::ranges::equal((*next)->body, std::span(part).subspan(1)),
                  "parts come out in order and unchanged");
  }
  fuzz::require(!opener.next_view() && opener.truncated_parts() == 0, "nothing else comes out");
  return 0;
}
