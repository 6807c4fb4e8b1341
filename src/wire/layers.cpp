#include "wire/layers.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace memberlist::wire {
namespace {

constexpr std::uint8_t kHighestVersion = 1;

std::unexpected<WireError> error(WireErrorKind kind, const char* what, std::size_t offset) {
  return std::unexpected(WireError{kind, what, offset});
}

}  // namespace

WireResult<std::size_t> label_header_bytes(BytesView bytes) {
  if (bytes.empty() || bytes[0] != std::byte{static_cast<std::uint8_t>(MessageType::has_label)}) {
    return 0;
  }
  if (bytes.size() < kLabelHeadBytes) {
    return error(WireErrorKind::malformed, kLabelTruncated, bytes.size());
  }
  const auto size = std::to_integer<std::size_t>(bytes[1]);
  if (size == 0) return error(WireErrorKind::malformed, "label header has an empty label", 1);
  if (bytes.size() < kLabelHeadBytes + size) {
    return error(WireErrorKind::malformed, kLabelTruncated, bytes.size());
  }
  return kLabelHeadBytes + size;
}

std::string_view label_in(BytesView bytes, std::size_t header_bytes) {
  if (header_bytes == 0) return {};
  return as_text(bytes.first(header_bytes).subspan(kLabelHeadBytes));
}

WireResult<void> check_label(const Sealing& how, std::string_view label) {
  if (how.skip_inbound_label_check) {
    if (label.empty()) return {};
    return error(WireErrorKind::label, "label header found, but skip_inbound_label_check is set",
                 0);
  }
  if (label == how.label) return {};
  return error(WireErrorKind::label,
               label.empty()       ? "no label, but this node has one"
               : how.label.empty() ? "label found, but this node has none"
                                   : "label is not the configured one",
               0);
}

std::byte* put_label(std::byte* at, std::string_view label) {
  if (label.empty()) return at;
  assert(label.size() <= limits::kLabelBytes);
  *at++ = std::byte{static_cast<std::uint8_t>(MessageType::has_label)};
  *at++ = static_cast<std::byte>(label.size());
  std::memcpy(at, label.data(), label.size());
  return at + label.size();
}

void seal_payload(const Sealing& how, BytesView authenticated, BytesView authenticated_more,
                  std::span<std::byte> payload, std::size_t plain) {
  assert(how.has_keys() && how.encryption_version <= kHighestVersion);
  assert(payload.size() == encrypted_payload_bytes(how.encryption_version, plain));
  crypto::Nonce nonce;
  if (how.nonce_source) {
    how.nonce_source(nonce);
  } else {
    crypto::secure_random(nonce);
  }
  payload[0] = std::byte{how.encryption_version};
  std::ranges::copy(nonce, payload.begin() + 1);
  const auto text = payload.subspan(kPayloadHeadBytes, payload.size() - kMinEncryptedPayloadBytes);
  std::ranges::fill(text.subspan(plain), static_cast<std::byte>(text.size() - plain));
  how.keyring->primary().seal(nonce, authenticated, authenticated_more, text,
                              payload.last<crypto::kTagBytes>());
}

WireResult<BytesView> open_payload(crypto::Keyring& keyring, BytesView authenticated,
                                   BytesView authenticated_more, BytesView payload,
                                   Bytes& scratch) {
  if (payload.size() < kMinEncryptedPayloadBytes) {
    return error(WireErrorKind::undecryptable, "encrypted payload is too short", payload.size());
  }
  const auto version = std::to_integer<std::uint8_t>(payload[0]);
  if (version > kHighestVersion) {
    return error(WireErrorKind::undecryptable, "unknown encryption version", 0);
  }
  crypto::Nonce nonce;
  std::ranges::copy(payload.subspan(1, crypto::kNonceBytes), nonce.begin());
  const BytesView sealed =
      payload.subspan(kPayloadHeadBytes, payload.size() - kMinEncryptedPayloadBytes);
  if (scratch.size() < sealed.size()) scratch.resize(sealed.size());
  const auto text = std::span(scratch).first(sealed.size());
  const bool fits = std::ranges::any_of(keyring.ciphers(), [&](crypto::Cipher& cipher) {
    return cipher.open(nonce, authenticated, authenticated_more, sealed,
                       payload.last<crypto::kTagBytes>(), text);
  });
  if (!fits) {
    return error(WireErrorKind::undecryptable, "no configured key decrypts the payload",
                 payload.size());
  }
  if (version == 0) return remove_padding(text);
  return text;
}

WireResult<BytesView> remove_padding(BytesView padded) {
  if (padded.empty() || padded.size() % kAesBlockBytes != 0) {
    return error(WireErrorKind::malformed, "padded length is not a multiple of 16 bytes",
                 padded.size());
  }
  const std::byte last = padded.back();
  const auto count = std::to_integer<std::size_t>(last);
  const bool sound =
      count >= 1 && count <= kAesBlockBytes &&
      std::ranges::all_of(padded.last(count), [last](std::byte byte) { return byte == last; });
  if (!sound) return error(WireErrorKind::malformed, "bad padding", padded.size() - 1);
  return padded.first(padded.size() - count);
}

}  // namespace memberlist::wire
