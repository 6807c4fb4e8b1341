#pragma once

#include <optional>

#include "swim/context.hpp"
#include "swim/membership.hpp"
#include "wire/stream.hpp"

namespace memberlist::swim {

/// What the two sides of a push/pull tell each other, and what may be believed (protocol 6).
class PushPull {
 public:
  PushPull(Context& context, Membership& membership) : context_(context), membership_(membership) {}

  /// This node's whole state as a plain stream message.
  [[nodiscard]] Bytes encode_local_state(bool join);
  /// Whether the state of the peer at `from` may be merged: its versions fit those of all live
  /// members here, and the application has no objection to a join.
  [[nodiscard]] Result<void> check(const wire::PushPullMessage& message, const Address& from);
  /// Believes a peer's state, member by member, and hands its user state on.
  void merge(const wire::PushPullMessage& message, const Address& from);

 private:
  [[nodiscard]] Result<void> check_versions(const wire::PushPullMessage& message,
                                            const Address& from) const;
  [[nodiscard]] std::size_t encoded_bytes(std::size_t user_state_bytes) const;
  [[nodiscard]] std::optional<Address> speaker_of(const wire::PushPullMessage& message,
                                                  const Address& from) const;
  [[nodiscard]] Result<void> ask_policy(const wire::PushPullMessage& message);

  Context& context_;
  Membership& membership_;
};

}  // namespace memberlist::swim
