#include "memberlist/error.hpp"

namespace memberlist {

std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::too_large:
      return "too_large";
    case ErrorCode::unknown_member:
      return "unknown_member";
    case ErrorCode::member_not_alive:
      return "member_not_alive";
    case ErrorCode::name_required:
      return "name_required";
    case ErrorCode::unresolved:
      return "unresolved";
    case ErrorCode::address_in_use:
      return "address_in_use";
    case ErrorCode::no_address:
      return "no_address";
    case ErrorCode::unreachable:
      return "unreachable";
    case ErrorCode::timed_out:
      return "timed_out";
    case ErrorCode::refused_by_peer:
      return "refused_by_peer";
    case ErrorCode::incompatible:
      return "incompatible";
    case ErrorCode::vetoed:
      return "vetoed";
    case ErrorCode::own_address:
      return "own_address";
    case ErrorCode::name_taken:
      return "name_taken";
    case ErrorCode::protocol:
      return "protocol";
    case ErrorCode::crypto:
      return "crypto";
    case ErrorCode::shut_down:
      return "shut_down";
    case ErrorCode::cancelled:
      return "cancelled";
    case ErrorCode::system:
      return "system";
  }
  return "unknown";
}

}  // namespace memberlist
