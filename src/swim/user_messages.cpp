#include "swim/user_messages.hpp"

#include <string>
#include <utility>

#include "base/limits.hpp"
#include "swim/message_checks.hpp"
#include "wire/messages.hpp"

namespace memberlist::swim {

void UserMessages::received(BytesView payload, const Address& from, MemberIndex sender) {
  ++journal_.counters.user_messages;
  // The packet may have introduced its sender before this message.
  if (sender == kNoMember) sender = cluster_.table.find(from);
  out_.push(Event{UserMessage{
      from, sender == kNoMember ? std::string{} : cluster_.table.at(sender).record->name,
      to_bytes(payload), false}});
}

Result<void> UserMessages::send_best_effort(const Address& to, BytesView payload) {
  auto fits = check_packet_message(payload.size(), packets_.max_payload());
  if (fits) packets_.send(to, encode(payload));
  return fits;
}

Result<OperationId> UserMessages::send_reliable(const Address& to, BytesView payload,
                                                std::optional<Duration> timeout) {
  if (auto fits = check_stream_message(payload.size()); !fits) {
    return std::unexpected(std::move(fits.error()));
  }
  const OperationId id = operations_.start(timeout, "the message was not sent in time");
  streams_.dial_user_message(to, payload, id);
  return id;
}

Result<void> UserMessages::broadcast(BytesView payload, std::string_view name) {
  if (auto fits = check_broadcast(payload.size(), packets_.max_payload()); !fits) return fits;
  if (node_.life == Life::left) return std::unexpected(left_error());
  BroadcastQueue& queue = queues_.user_broadcasts;
  if (name.empty()) {
    queue.queue_unique(encode(payload), 0, clock_.input);
  } else {
    queue.queue_named(name, encode(payload), 0, clock_.input);
  }
  queue.prune(limits::kQueuedUserBroadcasts, limits::kQueuedBroadcastBytes);
  return {};
}

/// The type byte and the payload.
BytesView UserMessages::encode(BytesView payload) {
  encoded_.assign(1, static_cast<std::byte>(wire::MessageType::user));
  encoded_.insert(encoded_.end(), payload.begin(), payload.end());
  return encoded_;
}

}  // namespace memberlist::swim
