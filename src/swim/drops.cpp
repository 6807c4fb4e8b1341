#include "swim/drops.hpp"

#include <fmt/format.h>

#include "wire/foreign.hpp"

namespace memberlist::swim {
namespace {

LogCause cause_of(wire::WireErrorKind kind) noexcept {
  switch (kind) {
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

std::string label_text(std::string_view label) {
  return label.empty() ? "no label" : fmt::format("the label '{}'", escape_for_log(label));
}

// The mistake in the operator's words; the peer's text is in it only if escaped.
std::string mistake(const Context& context, const wire::WireError& error, const Dropped& dropped) {
  const std::string peer = dropped.from.ip.to_string();
  if (const std::string_view protocol = wire::foreign_protocol(dropped.begin); !protocol.empty()) {
    return fmt::format("{} speaks {} to the gossip port, which takes memberlist only", peer,
                       protocol);
  }
  switch (error.kind) {
    case wire::WireErrorKind::label:
      if (context.config.skip_inbound_label_check) break;
      return fmt::format("{} sends with {}; this node has {}", peer, label_text(dropped.label),
                         label_text(context.config.label));
    case wire::WireErrorKind::undecryptable:
      return fmt::format("{} sends with none of this node's keys, or somebody changes its bytes",
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
  context.log_peer(cause_of(error.kind), LogLevel::warning, dropped.from, [&] {
    LogLine line(fmt::format("{} dropped: {}", dropped.what, mistake(context, error, dropped)));
    if (error.kind == wire::WireErrorKind::label) {
      line.fields.push_back({"label", escape_for_log(dropped.label)});
    }
    return line;
  });
}

void note_foreign(Context& context, const Dropped& dropped) {
  ++context.counters.dropped_network;
  context.log_peer(LogCause::network, LogLevel::warning, dropped.from, [&] {
    return fmt::format("{} dropped: {} is in none of the allowed networks", dropped.what,
                       dropped.from.ip.to_string());
  });
}

}  // namespace memberlist::swim
