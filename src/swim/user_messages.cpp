#include "swim/user_messages.hpp"

#include <fmt/format.h>

#include <string>

#include "base/limits.hpp"
#include "wire/messages.hpp"

namespace memberlist::swim {

void UserMessages::received(BytesView payload, const Address& from) {
  ++journal_.counters.user_messages;
  const MemberIndex sender = cluster_.table.find(from);
  out_.push(Event{UserMessage{
      from, sender == kNoMember ? std::string{} : cluster_.table.at(sender).record->name,
      to_bytes(payload), false}});
}

Result<void> UserMessages::send_best_effort(const Address& to, BytesView payload) {
  auto fits = check_fits_packet(payload, "message", " (or send it reliably)");
  if (fits) packets_.send(to, encode(payload));
  return fits;
}

Result<OperationId> UserMessages::send_reliable(const Address& to, BytesView payload,
                                                std::optional<Duration> timeout) {
  if (payload.size() > limits::kUserMessageBytes) {
    return fail(ErrorCode::too_large,
                fmt::format("a message of {} bytes: at most {} are allowed", payload.size(),
                            limits::kUserMessageBytes),
                "payload");
  }
  const OperationId id = operations_.start(timeout, "the message was not sent in time");
  streams_.dial_user_message(to, payload, id);
  return id;
}

Result<void> UserMessages::broadcast(BytesView payload, std::string_view name) {
  if (auto fits = check_fits_packet(payload, "broadcast", ""); !fits) return fits;
  if (node_.life == Life::left) return fail(ErrorCode::shut_down, "this node has left the cluster");
  BroadcastQueue& queue = queues_.user_broadcasts;
  if (name.empty()) {
    queue.queue_unique(encode(payload), 0, clock_.input);
  } else {
    queue.queue_named(name, encode(payload), 0, clock_.input);
  }
  queue.prune(limits::kQueuedUserBroadcasts, limits::kQueuedBroadcastBytes);
  return {};
}

Result<void> UserMessages::check_fits_packet(BytesView payload, std::string_view what,
                                             std::string_view instead) const {
  const std::size_t most = packets_.max_payload();
  if (payload.size() <= most) return {};
  return fail(ErrorCode::too_large,
              fmt::format("a {} of {} bytes does not fit a packet: at most {}{}", what,
                          payload.size(), most, instead),
              "payload");
}

/// The type byte and the payload.
BytesView UserMessages::encode(BytesView payload) {
  encoded_.assign(1, static_cast<std::byte>(wire::MessageType::user));
  encoded_.insert(encoded_.end(), payload.begin(), payload.end());
  return encoded_;
}

}  // namespace memberlist::swim
