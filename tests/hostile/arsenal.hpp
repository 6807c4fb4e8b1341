#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "crypto/keyring.hpp"
#include "memberlist/bytes.hpp"
#include "wire/messages.hpp"
#include "wire/packet.hpp"

namespace memberlist::hostile {

/// What a cluster is protected by, and the attacker knows.
struct Protection {
  const char* name;
  const char* key_base64;  ///< empty: none
  const char* label;

  /// For the names of tests.
  friend void PrintTo(const Protection& protection, std::ostream* out) { *out << protection.name; }
};

inline constexpr Protection kPlain{"Plain", "", ""};
inline constexpr Protection kKeyed{"Keyed",
                                   "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "hostile"};

/// Wraps bytes as a member of the cluster would.
class Wrapper {
 public:
  explicit Wrapper(const Protection& protection);

  /// One datagram with these bytes in it, whatever they are.
  Bytes packet(BytesView inside);
  /// The same with padding as of encryption version 0, which need not be right.
  Bytes packet_of_version_0(BytesView padded);
  /// One stream with these bytes in it, label header included.
  Bytes stream(BytesView inside);
  /// The sequence number of an ack in a datagram.
  std::optional<std::uint32_t> ack_in(BytesView packet);
  const wire::Sealing& sealing() const { return sealing_; }

 private:
  std::string label_;
  crypto::Keyring keyring_;
  wire::Sealing sealing_;
  wire::PacketSealer sealer_;
  wire::LzwEncoder lzw_;
  wire::PacketOpener opener_;
  Bytes buffer_;
};

/// A message: type byte and body.
template <class Message>
Bytes encoded(const Message& message) {
  Bytes bytes;
  ByteWriter out(bytes);
  wire::encode(out, message);
  return bytes;
}

/// Inside of packets: a valid message of each type, and each layer around one, by name. Made by the
/// Go library (tests/golden) where it makes such a thing by itself.
std::map<std::string, Bytes> valid_packets();
/// Inside of streams: one of each kind of exchange, plain and compressed.
std::map<std::string, Bytes> valid_streams();

Bytes compound_of(std::span<const BytesView> parts);
Bytes compressed(BytesView inside);
/// So many layers, one in the other, around a ping.
Bytes nested_compounds(std::size_t levels);
Bytes nested_checksums(std::size_t levels);
/// Compression makes what is compressed longer, so here they are as many as go into `max_bytes`.
Bytes nested_compressions(std::size_t max_bytes);
/// A compressed message of so many zeros: about one byte for each 2,000.
Bytes bomb(std::size_t plain_bytes);
/// An unknown field of so many arrays in arrays, in a ping.
Bytes ping_with_nested_field(std::size_t levels);

}  // namespace memberlist::hostile
