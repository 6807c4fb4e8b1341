#pragma once

#include <string_view>

#include "swim/context.hpp"

// Dropped input: each reason has a counter, and a log line that tells an operator which mistake it
// is, and which peer makes it.
namespace memberlist::swim {

/// What was dropped.
struct Dropped {
  const char* what = "packet";
  Address from;
  std::string_view label{};  ///< that it came with; empty if it had none
  BytesView begin{};         ///< its first bytes, if they are at hand
  bool by_stream = false;    ///< not by a packet
};

/// Counts it by the reason that the wire gives.
void count_drop(Context& context, wire::WireErrorKind kind) noexcept;
/// Counts it and logs it.
void note_drop(Context& context, const wire::WireError& error, const Dropped& dropped);
/// The same for what comes from outside the allowed networks.
void note_foreign(Context& context, const Dropped& dropped);

}  // namespace memberlist::swim
