#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "byte_source.hpp"
#include "crypto/keyring.hpp"
#include "memberlist/config.hpp"
#include "sim/peer_knowledge.hpp"
#include "wire/packet.hpp"

namespace memberlist::fuzz {

using sim::PeerKnowledge;

/// Makes what peers send out of the fuzzer's bytes: well-formed messages with odd fields, in right
/// and wrong layers, and broken ones. Keeps only scratch space from one call to the next.
class Forge {
 public:
  Forge();
  Forge(const Forge&) = delete;  // the sealings point into this object
  Forge& operator=(const Forge&) = delete;

  /// Seals as members of this configuration do, from now on.
  void configure(const Config& config);
  /// Whether the engine has keys at the moment, and has to encrypt.
  void expect(bool has_keys, bool encrypts);

  /// One message, type byte first. Nests at most `depth` layers.
  [[nodiscard]] Bytes message(ByteSource& in, const PeerKnowledge& known, int depth);
  /// One datagram.
  [[nodiscard]] Bytes packet(ByteSource& in, const PeerKnowledge& known);
  /// All that one side says in a stream. `dialling`: the side that the label is expected of.
  [[nodiscard]] Bytes stream(ByteSource& in, const PeerKnowledge& known, bool dialling);

  /// Whole messages in one datagram, as a sound member sends them.
  [[nodiscard]] Bytes sound_packet(std::span<const Bytes> messages);
  [[nodiscard]] Bytes sound_stream(Bytes plain, bool dialling);
  /// How a member reads what the engine sends.
  [[nodiscard]] const wire::Sealing& opening() const noexcept { return opening_; }

 private:
  [[nodiscard]] Bytes nested(ByteSource& in, const PeerKnowledge& known, std::size_t kind,
                             int depth);
  [[nodiscard]] Bytes seal(const wire::Sealing& how, std::span<const Bytes> messages,
                           bool with_crc);
  [[nodiscard]] wire::Sealing odd_sealing(std::uint8_t flags);
  [[nodiscard]] Bytes stripped(Bytes bytes, const wire::Sealing& how) const;

  crypto::Keyring keys_;
  crypto::Keyring other_keys_;  ///< unknown to the engine, unless it was told
  crypto::Keyring all_keys_;
  wire::Sealing sound_;
  wire::Sealing opening_;
  wire::PacketSealer sealer_;
  wire::LzwEncoder lzw_;
  std::vector<BytesView> parts_;
  bool strips_label_ = false;
};

/// The node state or alive message of a member as it is in the beginning, incarnation 1.
[[nodiscard]] Bytes sound_alive(std::size_t member, std::uint32_t incarnation);
[[nodiscard]] Bytes sound_push_pull(std::size_t members, bool join);

}  // namespace memberlist::fuzz
