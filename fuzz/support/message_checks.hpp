#pragma once

#include "memberlist/bytes.hpp"
#include "wire/messages.hpp"

namespace memberlist::fuzz {

/// Whether two decoded messages have equal fields; an absent byte array is not an empty one, unless
/// the field is left out when empty.
[[nodiscard]] bool equal(const wire::Ping& a, const wire::Ping& b);
[[nodiscard]] bool equal(const wire::Ack& a, const wire::Ack& b);
[[nodiscard]] bool equal(const wire::ErrorMessage& a, const wire::ErrorMessage& b);
[[nodiscard]] bool equal(const wire::PushPullHeader& a, const wire::PushPullHeader& b);

/// Decodes the body as that type of message and checks what has to hold: views lie in the body, an
/// error points into it, and what is decoded, encoded and decoded again is equal.
void check_message(wire::MessageType type, BytesView body);

/// The same as each message there is, those of streams too.
void check_all_messages(BytesView body);

}  // namespace memberlist::fuzz
