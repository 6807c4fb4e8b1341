// What lies behind the label and the encryption of packets, as a node with keys opens it.
//
// Input: options (1 byte, see below), then what is sealed; or, with kRaw, the datagram itself.
// Whatever is sealed rightly must be opened, and yield what the same bytes yield in clear; what was
// changed on its way must not be opened.

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "support/input.hpp"
#include "support/known_keys.hpp"
#include "support/packet_checks.hpp"
#include "wire/layers.hpp"
#include "wire/packet.hpp"

namespace memberlist::fuzz {
namespace {

constexpr unsigned kLabelConfigured = 0x01;
constexpr unsigned kSkipCheck = 0x02;
constexpr unsigned kPlaintextAllowed = 0x04;
constexpr unsigned kVersion1 = 0x08;
constexpr unsigned kLabelSent = 0x10;
constexpr unsigned kRaw = 0x20;
constexpr unsigned kOtherKey = 0x40;
constexpr unsigned kOwnPadding = 0x80;  // of version 0: the input has it, right or wrong

struct Case {
  unsigned options;
  wire::Sealing receiver;
  BytesView text;

  [[nodiscard]] bool has(unsigned option) const { return (options & option) != 0; }
  [[nodiscard]] bool label_fits() const {
    if (has(kSkipCheck)) return !has(kLabelSent);
    return has(kLabelConfigured) == has(kLabelSent);
  }
};

// The text as it is encrypted; what the receiver must find in it, if it can be found.
struct Padded {
  Bytes text;
  std::optional<BytesView> plain;
};

Padded pad(const Case& c) {
  Padded out{to_bytes(c.text), std::nullopt};
  if (c.has(kVersion1)) {
    out.plain = c.text;
  } else if (!c.has(kOwnPadding)) {
    const std::size_t count = 16 - c.text.size() % 16;
    out.text.insert(out.text.end(), count, static_cast<std::byte>(count));
    out.plain = c.text;
  } else if (!out.text.empty() && out.text.size() % 16 == 0) {
    const auto count = std::to_integer<std::size_t>(out.text.back());
    const auto is_count = [&](std::byte byte) { return byte == out.text.back(); };
    if (count >= 1 && count <= 16 &&
        std::all_of(out.text.end() - static_cast<std::ptrdiff_t>(count), out.text.end(),
                    is_count)) {
      out.plain = c.text.first(c.text.size() - count);
    }
  }
  return out;
}

Bytes seal(const Case& c, BytesView text) {
  Bytes datagram;
  if (c.has(kLabelSent)) {
    datagram = {std::byte{244}, static_cast<std::byte>(kLabel.size())};
    datagram.insert(datagram.end(), as_bytes(kLabel).begin(), as_bytes(kLabel).end());
  }
  crypto::Keyring sender = known_keys(std::span(kKeys).subspan(c.has(kOtherKey) ? 1 : 0, 1));
  const crypto::Nonce nonce{std::byte{1}, std::byte{2}};
  Bytes sealed = to_bytes(text);
  std::array<std::byte, crypto::kTagBytes> tag{};
  sender.primary().seal(nonce, as_bytes(c.receiver.label), {}, sealed, tag);
  datagram.push_back(c.has(kVersion1) ? std::byte{1} : std::byte{0});
  datagram.insert(datagram.end(), nonce.begin(), nonce.end());
  datagram.insert(datagram.end(), sealed.begin(), sealed.end());
  datagram.insert(datagram.end(), tag.begin(), tag.end());
  return datagram;
}

// What the bytes yield when nothing is around them.
PacketContent in_clear(BytesView plain) {
  static wire::PacketOpener opener;
  require(opener.open({}, plain).has_value(), "in clear there is nothing to refuse");
  return drain(opener);
}

void open_sealed(const Case& c, wire::PacketOpener& opener) {
  const Padded padded = pad(c);
  Bytes datagram = seal(c, padded.text);
  const auto opened = opener.open(c.receiver, datagram);
  if (!c.label_fits()) {
    require(!opened && opened.error().kind == wire::WireErrorKind::label,
            "a packet with another label is refused for its label");
    return;
  }
  if (!padded.plain) {
    require(!opened && opened.error().kind == wire::WireErrorKind::malformed,
            "bad padding is refused");
    return;
  }
  require(opened.has_value(), "what was sealed with our key and label can be opened");
  const PacketContent content = drain(opener);
  // Of these two the opener in clear would make an error for the whole packet.
  if (!padded.plain->empty() && padded.plain->front() != std::byte{244}) {
    require(equal(content, in_clear(*padded.plain)), "sealing changes nothing of the content");
  }

  // One bit changed, anywhere behind the label.
  const std::size_t head = c.has(kLabelSent) ? 2 + kLabel.size() : 0;
  const std::size_t at = head + c.text.size() * 7 % (datagram.size() - head);
  datagram[at] ^= std::byte{0x10};
  const auto tampered = opener.open(c.receiver, datagram);
  if (tampered) {
    require(c.has(kPlaintextAllowed), "a changed packet cannot be opened");
    (void)drain(opener);
  }
}

}  // namespace
}  // namespace memberlist::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memberlist;
  static crypto::Keyring keys = fuzz::known_keys();
  static wire::PacketOpener opener;
  fuzz::Input input(data, size);
  const unsigned options = input.u8();
  fuzz::Case c{options, {}, input.rest()};
  if (c.has(fuzz::kLabelConfigured)) c.receiver.label = fuzz::kLabel;
  c.receiver.keyring = &keys;
  c.receiver.verify_incoming = !c.has(fuzz::kPlaintextAllowed);
  c.receiver.skip_inbound_label_check = c.has(fuzz::kSkipCheck);
  if (!c.has(fuzz::kRaw)) {
    fuzz::open_sealed(c, opener);
    return 0;
  }
  const Bytes exact = to_bytes(c.text);
  if (opener.open(c.receiver, exact)) (void)fuzz::drain(opener);
  return 0;
}
