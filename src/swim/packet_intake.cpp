#include "swim/packet_intake.hpp"

#include <fmt/format.h>

#include <optional>
#include <variant>

#include "base/limits.hpp"
#include "base/overloaded.hpp"

namespace memberlist::swim {
namespace {

Evidence gossip_from(const Address& from, std::string_view accuser = {}) {
  Evidence evidence;
  evidence.kind = Cause::Kind::gossip;
  evidence.accuser = accuser;
  evidence.source = &from;
  return evidence;
}

}  // namespace

void PacketIntake::take(const Address& from, BytesView datagram, const IpAddress& asked) {
  ++journal_.counters.packets_received;
  journal_.counters.packet_bytes_received += datagram.size();
  if (!node_.allowed(from.ip)) return journal_.drop_foreign({.from = from});
  const auto dropped = [&](const wire::WireError& error) {
    journal_.drop(error, {.from = from, .label = opener_.label(), .begin = datagram});
  };
  requests_ = 0;
  const wire::WireResult<void> opened = opener_.open(keys_.sealing, datagram);
  if (!opened) return dropped(opened.error());
  sender_ = cluster_.table.note_heard(from, clock_.now);
  while (const std::optional<wire::WireResult<wire::PacketMessage>> next = opener_.next()) {
    if (*next) {
      message(**next, from, asked);
    } else {
      dropped(next->error());
    }
  }
  if (opener_.truncated_parts() == 0) return;
  ++journal_.counters.dropped_malformed;
  journal_.log_peer(LogCause::malformed, LogLevel::warning, from, [&] {
    return fmt::format("compound message cut off: {} parts missing", opener_.truncated_parts());
  });
}

void PacketIntake::message(const wire::PacketMessage& message, const Address& from,
                           const IpAddress& asked) {
  std::visit(
      Overloaded{
          [&](const wire::Ping& ping) {
            if (may_ask(from)) prober_.on_ping(ping, from, asked);
          },
          [&](const wire::IndirectPing& request) {
            if (may_ask(from)) prober_.on_indirect_ping(request, from, asked);
          },
          [&](const wire::Ack& ack) { prober_.on_ack(ack); },
          [&](const wire::Nack& nack) { prober_.on_nack(nack); },
          [&](const wire::Suspect& claim) {
            membership_.suspect(claim, gossip_from(from, claim.from));
          },
          [&](const wire::Alive& claim) { membership_.alive(claim, gossip_from(from)); },
          [&](const wire::Dead& claim) { membership_.dead(claim, gossip_from(from, claim.from)); },
          [&](const wire::UserMessage& user) {
            user_messages_.received(user.payload, from, sender_);
          },
      },
      message);
}

/// Each request is answered with a packet or more, and a few bytes of compressed compound could
/// hold a thousand: they would make floods of this node's answers, at whatever address they seem to
/// come from.
bool PacketIntake::may_ask(const Address& from) {
  if (++requests_ <= limits::kPacketRequests) return true;
  if (requests_ > limits::kPacketRequests + 1) return false;
  ++journal_.counters.dropped_limit;
  journal_.log_peer(LogCause::limit, LogLevel::warning, from, [] {
    return fmt::format("pings ignored: more than {} in one packet", limits::kPacketRequests);
  });
  return false;
}

}  // namespace memberlist::swim
