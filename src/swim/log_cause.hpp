#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "memberlist/event.hpp"

namespace memberlist::swim {

/// Causes of log lines that peers can provoke, each limited on its own.
enum class LogCause : std::uint8_t {
  malformed,
  undecryptable,
  unencrypted,
  encrypted,
  label,
  foreign,
  network,
  poison,
  limit,
  full,
  wrong_name,
  conflict,
  veto,
  refutation,
  stream,
  send_error,
  tcp_only,
  no_udp,
  stall,
  state_size,
  death,
};

/// The cause as it is spelled above: the field `cause` of its lines.
[[nodiscard]] std::string_view to_string(LogCause cause) noexcept;

/// The content of a log line: a sentence and, for details beyond its peer and cause, fields.
struct LogLine {
  LogLine(std::string sentence, std::vector<LogField> more = {})
      : text(std::move(sentence)), fields(std::move(more)) {}

  std::string text;
  std::vector<LogField> fields;
};

}  // namespace memberlist::swim
