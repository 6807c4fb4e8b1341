#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "memberlist/export.hpp"
#include "memberlist/language.hpp"

namespace memberlist {

/// What went wrong, for programs to act on. docs/guide/errors.md lists which call returns which.
enum class ErrorCode : std::uint8_t {
  invalid_argument,  ///< An argument or a knob is out of range; nothing was changed.
  too_large,         ///< A payload or a queue exceeds the limit given in the message.
  unknown_member,    ///< The table has no member of that name.
  member_not_alive,  ///< The member is known, but dead or left.
  name_required,     ///< `require_node_names` is on and the address has no name.
  unresolved,        ///< A host name has no address.
  address_in_use,    ///< Another program uses the port.
  no_address,        ///< There is no address to advertise, or not one that others can reach.
  unreachable,       ///< Connecting, reading or writing failed.
  timed_out,         ///< The deadline passed.
  refused_by_peer,   ///< The peer answered with an error.
  incompatible,      ///< The protocol versions of the two sides do not overlap.
  vetoed,            ///< The application's policy refused.
  own_address,       ///< The address leads back to this node itself.
  name_taken,        ///< Another member, at another address, has this node's name.
  protocol,          ///< The peer's bytes could not be understood.
  crypto,            ///< A key is invalid, or the peer's bytes are not encrypted with ours.
  shut_down,         ///< The object was shut down or has left, or its threads are a parent's.
  cancelled,         ///< The caller cancelled the call.
  system,            ///< The operating system refused; the message says what.
};

/// The code's name as it is spelled above.
[[nodiscard]] MEMBERLIST_API std::string_view to_string(ErrorCode code) noexcept;

/// Why a call failed: a code for programs, a message for people, and the subject it concerns.
struct Error {
  ErrorCode code = ErrorCode::system;  ///< for programs to act on
  std::string message{};  ///< a sentence that names the subject, and the limit if there is one
  std::string subject{};  ///< a knob, a member, an address; may be empty

  /// Equal in code, message and subject.
  friend bool operator==(const Error&, const Error&) = default;
};

/// A value, or the reason why there is none.
template <class T>
using Result = std::expected<T, Error>;

/// Builds the failing side of a Result.
[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message,
                                                 std::string subject = {}) {
  return std::unexpected(Error{code, std::move(message), std::move(subject)});
}

}  // namespace memberlist
