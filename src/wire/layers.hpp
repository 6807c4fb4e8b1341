#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "memberlist/bytes.hpp"
#include "wire/packet.hpp"
#include "wire/wire_error.hpp"

// The layers that packets and streams have in common: label header and encrypted payload
// (protocol 2).
namespace memberlist::wire {

inline constexpr std::size_t kLabelHeadBytes = 2;  ///< type and length, before the label
inline constexpr std::size_t kPayloadHeadBytes = 1 + crypto::kNonceBytes;  ///< version and nonce
inline constexpr std::size_t kAesBlockBytes = 16;                          ///< version 0 pads to it
inline constexpr std::size_t kMinEncryptedPayloadBytes = kPayloadHeadBytes + crypto::kTagBytes;

/// Size of the label header at the start of `bytes` (0: there is none). A truncated one is a
/// `malformed` error with `what` == kLabelTruncated, so that a stream can wait for more.
inline constexpr char kLabelTruncated[] = "label header is cut off";
[[nodiscard]] WireResult<std::size_t> label_header_bytes(BytesView bytes);

/// The label in the header of `header_bytes` at the start of `bytes`; empty if there is none.
[[nodiscard]] std::string_view label_in(BytesView bytes, std::size_t header_bytes);

/// Checks that input with this label (empty: without one) is for this node.
[[nodiscard]] WireResult<void> check_label(const Sealing& how, std::string_view label);

/// Writes the label header; nothing for an empty label. Returns the position after it.
std::byte* put_label(std::byte* at, std::string_view label);

/// Size of an encrypted payload for this much plaintext.
[[nodiscard]] constexpr std::size_t encrypted_payload_bytes(std::uint8_t version,
                                                            std::size_t plain) noexcept {
  const std::size_t pad = version == 0 ? kAesBlockBytes - plain % kAesBlockBytes : 0;
  return kMinEncryptedPayloadBytes + plain + pad;
}

/// Encrypts in place: `payload` is as long as encrypted_payload_bytes says, with the `plain` bytes
/// of plaintext at kPayloadHeadBytes; this function fills in the rest.
void seal_payload(const Sealing& how, BytesView authenticated, BytesView authenticated_more,
                  std::span<std::byte> payload, std::size_t plain);

/// Decrypts into `scratch` with the first key that matches; returns the plaintext, a view into
/// `scratch`, which grows if necessary and never shrinks.
[[nodiscard]] WireResult<BytesView> open_payload(crypto::Keyring& keyring, BytesView authenticated,
                                                 BytesView authenticated_more, BytesView payload,
                                                 Bytes& scratch);

/// Removes the padding of version 0 (PKCS#7): 1 to 16 bytes, each of which contains their number.
[[nodiscard]] WireResult<BytesView> remove_padding(BytesView padded);

}  // namespace memberlist::wire
