#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "swim/clock.hpp"
#include "swim/cluster_view.hpp"
#include "swim/gossip_queues.hpp"
#include "swim/journal.hpp"
#include "swim/local_node.hpp"
#include "swim/output_queue.hpp"
#include "swim/sealing_keys.hpp"

namespace memberlist::swim {

/// What a PacketSender reads and changes.
struct PacketSenderUses {
  const Clock& clock_;
  const LocalNode& node_;
  ClusterView& cluster_;
  GossipQueues& queues_;
  SealingKeys& keys_;
  OutputQueue& out_;
  Journal& journal_;
};

/// Builds and queues the packets that this node sends: fills the remaining space with broadcasts,
/// and knows which members understand a checksum (protocol 2, 5 and 7). Packets leave from the
/// advertised address, answers from `asked`, the local address that was asked, if that is known.
class PacketSender : PacketSenderUses {
 public:
  explicit PacketSender(const PacketSenderUses& uses) : PacketSenderUses(uses) {}

  /// One whole message, alone.
  void send(const Address& to, BytesView message, const IpAddress& asked = {});
  /// Complete messages, and, for a member, piggybacked messages in the remaining space: updates
  /// about others, and the policy's messages. Other receivers do not get those: a stranger could
  /// have more bytes sent, to any address, than it has to send itself.
  void send_with_piggyback(const Address& to, std::span<const BytesView> messages,
                           const IpAddress& asked = {});
  /// As many updates about members as fit into one packet, the same to each target so that each
  /// update goes to the same number of members, then members learned by a join, and the policy's
  /// messages for each; nothing if there is none. Without turns for user messages (Behaviour),
  /// these as well.
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
  // Adds what fits, to be sent in this many packets, and returns the number of free bytes.
  std::size_t add_member_broadcasts(std::size_t free_bytes, std::uint32_t copies = 1);
  std::size_t add_user_broadcasts(std::size_t free_bytes, std::uint32_t copies = 1);
  std::size_t add_broadcasts(BroadcastQueue& queue, std::size_t free_bytes, std::uint32_t limit,
                             std::uint32_t copies);
  std::size_t add_learned_by_join(std::size_t free_bytes);
  void drop_too_large();
  void log_too_large(std::size_t messages);
  void add_policy_broadcasts(std::size_t free_bytes);
  [[nodiscard]] std::vector<std::uint64_t>* traced_updates() noexcept {
    return journal_.wants_trace() ? &updates_ : nullptr;
  }
  void flush(const Address& to, bool with_crc, const IpAddress& asked = {});
  void seal(bool with_crc);
  void transmit(const Address& to, const IpAddress& asked = {});

  wire::PacketSealer sealer_;
  std::vector<BytesView> parts_;
  std::vector<BytesView> sealed_;  // packets of the parts, in the room of the outputs
  std::vector<Bytes> policy_messages_;
  Bytes learned_;  // messages about those learned by a join, one after another
  std::vector<std::size_t> learned_sizes_;
  std::vector<std::uint64_t> updates_;  // for the trace: the inputs that queued what is sent
};

}  // namespace memberlist::swim
