#include "swim/packets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/limits.hpp"
#include "swim/alive_message.hpp"
#include "swim/keys.hpp"
#include "swim/scaling.hpp"

namespace memberlist::swim {
namespace {

constexpr std::size_t kCrcBytes = 5;
// Members that speak at least this understand a checksum (protocol 2).
constexpr std::uint8_t kCrcProtocol = 5;

std::size_t cost_of(std::size_t message_bytes) {
  return message_bytes + wire::kCompoundPartOverhead;
}

}  // namespace

void PacketSender::send(const Address& to, BytesView message, const IpAddress& asked) {
  updates_.clear();
  parts_.assign(1, message);
  flush(to, understands_crc(cluster_.table.find(to)), asked);
}

void PacketSender::send_with_piggyback(const Address& to, std::span<const BytesView> messages,
                                       const IpAddress& asked) {
  const MemberIndex member = cluster_.table.find(to);
  const bool with_crc = understands_crc(member);
  updates_.clear();
  parts_.assign(messages.begin(), messages.end());
  std::size_t used = 0;
  for (const BytesView message : messages) used += cost_of(message.size());
  if (member != kNoMember && used < room(with_crc)) {
    std::size_t left = add_member_broadcasts(room(with_crc) - used);
    if (!node_.behaviour.user_turns) left = add_user_broadcasts(left);
    if (node_.policy != nullptr) add_policy_broadcasts(left);
  }
  flush(to, with_crc, asked);
}

void PacketSender::send_member_broadcasts(std::span<const MemberIndex> targets) {
  if (targets.empty()) return;
  updates_.clear();
  parts_.clear();
  const auto copies = static_cast<std::uint32_t>(targets.size());
  std::size_t left = add_member_broadcasts(room(true), copies);
  if (parts_.empty()) drop_too_large();
  left = add_learned_by_join(left);
  if (!node_.behaviour.user_turns) left = add_user_broadcasts(left, copies);
  const std::size_t for_all = parts_.size();
  std::optional<bool> sealed;  // with or without a checksum: what `sealed_` has for all targets
  for (const MemberIndex target : targets) {
    parts_.resize(for_all);
    if (node_.policy != nullptr) add_policy_broadcasts(left);
    if (parts_.empty()) continue;
    const bool with_crc = understands_crc(target);
    const bool is_own = parts_.size() != for_all;  // the policy's messages are for one
    if (is_own || sealed != with_crc) seal(with_crc);
    sealed = is_own ? std::nullopt : std::optional(with_crc);
    transmit(cluster_.table.at(target).record->address);
  }
}

void PacketSender::send_user_broadcasts(const Address& to) {
  const bool with_crc = understands_crc(cluster_.table.find(to));
  updates_.clear();
  parts_.clear();
  (void)add_user_broadcasts(room(with_crc));
  if (!parts_.empty()) flush(to, with_crc);
}

/// Room for encryption is always kept: it can begin while a message waits in the queue.
std::size_t PacketSender::max_payload() const noexcept {
  constexpr std::size_t kTypeByte = 1;
  return room(true, true) - wire::kCompoundPartOverhead - kTypeByte;
}

std::size_t PacketSender::room(bool with_crc) const noexcept {
  return room(with_crc, keys_.sealing.encrypts());
}

std::size_t PacketSender::room(bool with_crc, bool encrypted) const noexcept {
  std::size_t overhead = wire::kCompoundHeadBytes + wire::label_overhead(keys_.sealing.label);
  if (with_crc) overhead += kCrcBytes;
  if (encrypted) overhead += wire::encryption_overhead(keys_.sealing.encryption_version);
  return node_.config.udp_buffer_size - overhead;
}

bool PacketSender::understands_crc(MemberIndex member) const {
  return member != kNoMember && cluster_.table.at(member).record->protocol.max >= kCrcProtocol;
}

std::size_t PacketSender::add_member_broadcasts(std::size_t free_bytes, std::uint32_t copies) {
  const std::uint32_t limit = retransmit_limit(node_.config.retransmit_mult, cluster_.counted());
  return add_broadcasts(queues_.member_broadcasts, free_bytes, limit, copies);
}

/// What is left if no message fits an empty packet: members that have larger packets can have so
/// much meta data. Gossip would go on for ever, and send nothing.
void PacketSender::drop_too_large() {
  BroadcastQueue& queue = queues_.member_broadcasts;
  if (queue.empty()) return;
  log_too_large(queue.size());
  queue.reset();
}

void PacketSender::log_too_large(std::size_t messages) {
  journal_.log_state(LogCause::limit, 0, LogLevel::warning, std::string_view{}, [&] {
    return fmt::format(
        "not gossiped: news about {} of the members, which no packet of {} bytes "
        "can hold; raise udp_buffer_size to that of the other members",
        messages, node_.config.udp_buffer_size);
  });
}

/// As they are by now. Two kinds are left out: those that are not alive any more, which is news and
/// queued as such, and those whose message no packet can hold, so that others do not wait for them.
std::size_t PacketSender::add_learned_by_join(std::size_t free_bytes) {
  std::vector<MemberIndex>& members = queues_.learned_by_join.members;
  if (members.empty()) return free_bytes;
  const std::size_t most = room(true);
  learned_.clear();
  learned_sizes_.clear();
  std::size_t too_large = 0;
  for (; !members.empty(); members.pop_back()) {
    const MemberEntry& entry = cluster_.table.at(members.back());
    if (entry.record == nullptr || entry.status != MemberStatus::alive) continue;
    const std::size_t begin = learned_.size();
    ByteWriter writer(learned_);
    wire::encode(writer, AliveMessage(entry).get());
    const std::size_t size = learned_.size() - begin;
    if (cost_of(size) > most) {
      ++too_large;
      learned_.resize(begin);
      continue;
    }
    if (cost_of(size) > free_bytes) break;
    free_bytes -= cost_of(size);
    learned_sizes_.push_back(size);
  }
  if (too_large > 0) log_too_large(too_large);
  if (members.empty()) members = std::vector<MemberIndex>();
  BytesView rest = learned_;  // which does not move any more
  for (const std::size_t size : learned_sizes_) {
    parts_.push_back(rest.first(size));
    rest = rest.subspan(size);
    if (auto* const updates = traced_updates()) updates->push_back(queues_.learned_by_join.input);
  }
  return free_bytes;
}

/// Others do not forward user messages, so each member must be a target: in two rounds through all,
/// wherever they begin, every member is chosen at least once.
std::size_t PacketSender::add_user_broadcasts(std::size_t free_bytes, std::uint32_t copies) {
  std::uint32_t limit = retransmit_limit(node_.config.retransmit_mult, cluster_.counted());
  if (node_.behaviour.user_turns) {
    limit = std::max(limit, static_cast<std::uint32_t>(2 * cluster_.table.live_count()));
  }
  return add_broadcasts(queues_.user_broadcasts, free_bytes, limit, copies);
}

std::size_t PacketSender::add_broadcasts(BroadcastQueue& queue, std::size_t free_bytes,
                                         std::uint32_t limit, std::uint32_t copies) {
  const std::size_t before = parts_.size();
  queue.take(wire::kCompoundPartOverhead, free_bytes, limit, parts_, copies, traced_updates());
  for (std::size_t i = before; i < parts_.size(); ++i) free_bytes -= cost_of(parts_[i].size());
  return free_bytes;
}

void PacketSender::add_policy_broadcasts(std::size_t free_bytes) {
  constexpr std::size_t kOverhead = wire::kCompoundPartOverhead + 1;  // and the type byte
  if (free_bytes <= kOverhead) return;
  policy_messages_.clear();
  node_.policy->fill_broadcasts(kOverhead, free_bytes, policy_messages_);
  for (Bytes& message : policy_messages_) {
    if (message.size() + kOverhead > free_bytes) break;
    free_bytes -= message.size() + kOverhead;
    message.insert(message.begin(), static_cast<std::byte>(wire::MessageType::user));
    parts_.emplace_back(message);
  }
}

void PacketSender::flush(const Address& to, bool with_crc, const IpAddress& asked) {
  seal(with_crc);
  transmit(to, asked);
}

/// One datagram for every 255 parts, which is more than a datagram of the usual size holds.
void PacketSender::seal(bool with_crc) {
  sealed_.clear();
  for (std::size_t at = 0; at < parts_.size(); at += limits::kCompoundParts) {
    const std::size_t count = std::min(limits::kCompoundParts, parts_.size() - at);
    const std::span<const BytesView> parts = std::span(parts_).subspan(at, count);
    std::size_t bytes = wire::PacketSealer::kMaxOverheadBytes;
    for (const BytesView part : parts) bytes += part.size();
    const BytesView packet = sealer_.seal(keys_.sealing, parts, with_crc, out_.packet_room(bytes));
    out_.keep_packet(packet);
    sealed_.push_back(packet);
    note_key_use(keys_, cluster_, journal_);
  }
}

/// What was sealed last; also several times, to one after the other.
void PacketSender::transmit(const Address& to, const IpAddress& asked) {
  const IpAddress& from = asked.is_unspecified() ? node_.advertise.ip : asked;
  for (const BytesView packet : sealed_) {
    out_.push(SendPacket{to, packet, from, clock_.input});
    ++journal_.counters.packets_sent;
    journal_.counters.packet_bytes_sent += packet.size();
  }
  if (updates_.empty()) return;
  journal_.trace([&] { return trace::PacketSent{to, updates_}; });
}

}  // namespace memberlist::swim
