#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "swim/context.hpp"

namespace memberlist::swim {

/// Builds and queues the packets that this node sends: fills the space that is left with
/// broadcasts, and knows who understands a checksum (protocol 2, 5 and 7). Packets leave from the
/// advertised address, answers from `asked`, the own address that they were asked for at, if that
/// is known.
class PacketSender {
 public:
  explicit PacketSender(Context& context) : context_(context) {}

  /// One whole message, alone.
  void send(const Address& to, BytesView message, const IpAddress& asked = {});
  /// Whole messages, and to a member what rides along in the space left: news about others, and
  /// what the policy has to add. Nobody else gets that: it could have more bytes sent, and to
  /// whomever, than it has to send itself.
  void send_with_piggyback(const Address& to, std::span<const BytesView> messages,
                           const IpAddress& asked = {});
  /// As much news about members as fits into one packet, the same to each target so that every
  /// piece of news goes to as many, and what the policy has to add for each; nothing if there is
  /// none.
  void send_member_broadcasts(std::span<const MemberIndex> targets);
  /// As many user messages as fit into one packet; nothing if there are none.
  void send_user_broadcasts(const Address& to);

  /// The largest user payload that fits a packet beside every overhead, also that of encryption
  /// that is not there yet.
  [[nodiscard]] std::size_t max_payload() const noexcept;

 private:
  // Bytes of a packet that its messages may fill, the compound's own overhead left to them.
  [[nodiscard]] std::size_t room(bool with_crc) const noexcept;
  [[nodiscard]] std::size_t room(bool with_crc, bool encrypted) const noexcept;
  [[nodiscard]] bool understands_crc(MemberIndex member) const;
  // Adds what fits, to be sent in so many packets, and returns the bytes that are still free.
  std::size_t add_member_broadcasts(std::size_t free_bytes, std::uint32_t copies = 1);
  void add_user_broadcasts(std::size_t free_bytes);
  void add_policy_broadcasts(std::size_t free_bytes);
  void flush(const Address& to, bool with_crc, const IpAddress& asked = {});

  Context& context_;
  wire::PacketSealer sealer_;
  std::vector<BytesView> parts_;
  std::vector<Bytes> policy_messages_;
};

}  // namespace memberlist::swim
