#include "swim/log_cause.hpp"

namespace memberlist::swim {

std::string_view to_string(LogCause cause) noexcept {
  switch (cause) {
    case LogCause::malformed:
      return "malformed";
    case LogCause::undecryptable:
      return "undecryptable";
    case LogCause::unencrypted:
      return "unencrypted";
    case LogCause::encrypted:
      return "encrypted";
    case LogCause::label:
      return "label";
    case LogCause::foreign:
      return "foreign";
    case LogCause::network:
      return "network";
    case LogCause::poison:
      return "poison";
    case LogCause::limit:
      return "limit";
    case LogCause::full:
      return "full";
    case LogCause::wrong_name:
      return "wrong_name";
    case LogCause::conflict:
      return "conflict";
    case LogCause::veto:
      return "veto";
    case LogCause::refutation:
      return "refutation";
    case LogCause::stream:
      return "stream";
    case LogCause::send_error:
      return "send_error";
    case LogCause::tcp_only:
      return "tcp_only";
    case LogCause::no_udp:
      return "no_udp";
    case LogCause::stall:
      return "stall";
    case LogCause::state_size:
      return "state_size";
    case LogCause::death:
      return "death";
  }
  return "unknown";
}

}  // namespace memberlist::swim
