#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "memberlist/export.hpp"

namespace memberlist {

/// What a program can act on when a call fails.
enum class ErrorCode : std::uint8_t {
  invalid_argument,  ///< An argument or a knob is outside its limits; nothing was changed.
  too_large,         ///< A payload is over the limit that the text names; nothing was sent.
  unknown_member,    ///< No member of that name is in the table.
  member_not_alive,  ///< The member is known, but dead or gone.
  name_required,     ///< `require_node_names` is on and the address came without a name.
  unresolved,        ///< A host name has no address.
  address_in_use,    ///< The port is taken by somebody else.
  no_address,        ///< No address could be found that others could be told.
  unreachable,       ///< Connecting, reading or writing failed.
  timed_out,         ///< The deadline passed.
  refused_by_peer,   ///< The peer answered with an error.
  incompatible,      ///< Protocol versions of the two sides do not overlap.
  vetoed,            ///< The application's own policy refused.
  own_address,       ///< The address leads back to this node itself.
  name_taken,        ///< Another member, at another address, has this node's name.
  protocol,          ///< The peer's bytes could not be understood.
  crypto,            ///< A key is unfit, or no key of ours opens the peer's bytes.
  shut_down,         ///< The object was shut down, or has left.
  cancelled,         ///< The caller gave up waiting.
  system,            ///< The operating system refused; the text says what.
};

/// The code's name as it is spelled above.
[[nodiscard]] MEMBERLIST_API std::string_view to_string(ErrorCode code) noexcept;

/// Why a call failed: a code to act on, a sentence for people, and the thing it concerns.
struct Error {
  ErrorCode code = ErrorCode::system;  ///< what a program can act on
  std::string message;  ///< a sentence that names the thing, and the limit if it is one
  std::string subject;  ///< a knob, a member, an address; may be empty

  /// Equal in code, message and subject.
  friend bool operator==(const Error&, const Error&) = default;
};

/// A value, or why there is none.
template <class T>
using Result = std::expected<T, Error>;

/// Builds the failing side of a Result.
[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message,
                                                 std::string subject = {}) {
  return std::unexpected(Error{code, std::move(message), std::move(subject)});
}

}  // namespace memberlist
