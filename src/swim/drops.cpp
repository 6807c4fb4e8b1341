#include "swim/drops.hpp"

#include <fmt/format.h>

#include "wire/foreign.hpp"

namespace memberlist::swim {
namespace {

LogCause cause_of(const wire::WireError& error, const Dropped& dropped) noexcept {
  if (!wire::foreign_protocol(dropped.begin).empty()) return LogCause::foreign;
  switch (error.kind) {
    case wire::WireErrorKind::malformed:
      return LogCause::malformed;
    case wire::WireErrorKind::limit:
      return LogCause::limit;
    case wire::WireErrorKind::label:
      return LogCause::label;
    case wire::WireErrorKind::undecryptable:
      return LogCause::undecryptable;
    case wire::WireErrorKind::not_encrypted:
      return LogCause::unencrypted;
    case wire::WireErrorKind::not_expected:
      return LogCause::encrypted;
  }
  return LogCause::malformed;
}

// Each connection of a peer has another port; a peer that sends two labels makes two mistakes.
std::uint64_t subject_of(const Context& context, LogCause cause, const Dropped& dropped) {
  const Address peer = dropped.by_stream ? Address{dropped.from.ip, 0} : dropped.from;
  const std::uint64_t what = cause == LogCause::label ? context.subject(dropped.label) : 0;
  return context.subject(peer) ^ what;
}

std::string label_text(std::string_view label) {
  return label.empty() ? "no label" : fmt::format("the label '{}'", escape_for_log(label));
}

// The mistake in the operator's words; the peer's text is in it only if escaped.
std::string mistake(const Context& context, const wire::WireError& error, const Dropped& dropped) {
  const std::string peer = dropped.from.ip.to_string();
  if (const std::string_view protocol = wire::foreign_protocol(dropped.begin); !protocol.empty()) {
    return fmt::format("{} speaks {} on the gossip port, which accepts only memberlist", peer,
                       protocol);
  }
  switch (error.kind) {
    case wire::WireErrorKind::label:
      if (context.config.skip_inbound_label_check) break;
      return fmt::format("{} uses {}; this node has {}", peer, label_text(dropped.label),
                         label_text(context.config.label));
    case wire::WireErrorKind::undecryptable:
      return fmt::format("{} uses none of this node's keys, or its bytes were changed in transit",
                         peer);
    case wire::WireErrorKind::not_encrypted:
      return fmt::format("{} sends unencrypted; this node requires encryption", peer);
    case wire::WireErrorKind::not_expected:
      return fmt::format("{} sends encrypted; this node has no key", peer);
    case wire::WireErrorKind::malformed:
    case wire::WireErrorKind::limit:
      break;
  }
  return error.to_string();
}

}  // namespace

void count_drop(Context& context, wire::WireErrorKind kind) noexcept {
  EngineCounters& counters = context.counters;
  switch (kind) {
    case wire::WireErrorKind::malformed:
      ++counters.dropped_malformed;
      return;
    case wire::WireErrorKind::limit:
      ++counters.dropped_limit;
      return;
    case wire::WireErrorKind::label:
      ++counters.dropped_label;
      return;
    case wire::WireErrorKind::undecryptable:
      ++counters.dropped_undecryptable;
      return;
    case wire::WireErrorKind::not_encrypted:
      ++counters.dropped_unencrypted;
      return;
    case wire::WireErrorKind::not_expected:
      ++counters.dropped_encrypted;
      return;
  }
}

void note_drop(Context& context, const wire::WireError& error, const Dropped& dropped) {
  count_drop(context, error.kind);
  const LogCause cause = cause_of(error, dropped);
  const auto make_line = [&] {
    LogLine line(fmt::format("{} dropped: {}", dropped.what, mistake(context, error, dropped)));
    if (error.kind == wire::WireErrorKind::label) {
      line.fields.push_back({"label", escape_for_log(dropped.label)});
    }
    return line;
  };
  // Each unreadable input is logged separately; the other mistakes are lasting conditions.
  if (cause == LogCause::malformed || cause == LogCause::limit) {
    return context.log_peer(cause, LogLevel::warning, dropped.from, make_line);
  }
  context.log_state(cause, subject_of(context, cause, dropped), LogLevel::warning, dropped.from,
                    make_line);
}

void note_foreign(Context& context, const Dropped& dropped) {
  ++context.counters.dropped_network;
  context.log_state(LogCause::network, subject_of(context, LogCause::network, dropped),
                    LogLevel::warning, dropped.from, [&] {
                      return fmt::format("{} dropped: {} is in none of the allowed networks",
                                         dropped.what, dropped.from.ip.to_string());
                    });
}

}  // namespace memberlist::swim
