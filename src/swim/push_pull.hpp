#pragma once

#include <cstdint>
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
  /// Whether a peer's state may be merged: the versions of all live members fit together, and the
  /// application has no objection to a join.
  [[nodiscard]] Result<void> check(const wire::PushPullMessage& message);
  /// Whether the answer to a join leaves this node its name: it is an error if the name is that of
  /// a live member elsewhere, or of the one at `from` that has answered.
  [[nodiscard]] Result<void> check_name(const wire::PushPullMessage& answer, const Address& from);
  /// The name is that of the member at `holder`, says the one at `from`: notes it, and says so.
  [[nodiscard]] std::unexpected<Error> name_taken(const Address& holder, const Address& from);
  /// Believes a peer's state, member by member, and hands its user state on.
  void merge(const wire::PushPullMessage& message, const Address& from);

 private:
  [[nodiscard]] Result<void> check_versions(const wire::PushPullMessage& message) const;
  [[nodiscard]] std::size_t encoded_bytes(std::size_t user_state_bytes) const;
  [[nodiscard]] std::optional<Address> speaker_of(const wire::PushPullMessage& message,
                                                  const Address& from) const;
  [[nodiscard]] bool is_ours(const Address& claimed, std::uint32_t incarnation) const;
  template <class Visit>
  void for_each_live(const wire::PushPullMessage& message, Visit&& visit) const;
  [[nodiscard]] Result<void> ask_policy(const wire::PushPullMessage& message);

  Context& context_;
  Membership& membership_;
};

}  // namespace memberlist::swim
