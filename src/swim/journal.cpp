#include "swim/journal.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "wire/foreign.hpp"

namespace memberlist::swim {
namespace {

void add_times(const LastingStates::State& state, std::vector<LogField>& fields) {
  using std::chrono::milliseconds;
  fields.push_back({"times", std::to_string(state.times)});
  const auto lasted = std::chrono::duration_cast<milliseconds>(state.lasted());
  fields.push_back({"lasted_milliseconds", std::to_string(lasted.count())});
}

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

std::string label_text(std::string_view label) {
  return label.empty() ? "no label" : fmt::format("the label '{}'", escape_for_log(label));
}

}  // namespace

void Journal::write_line(LogCause cause, LogLevel level, const LogLimiter::Verdict& verdict,
                         std::string peer, LogLine line) {
  line.fields.push_back({"cause", std::string(to_string(cause))});
  if (verdict.suppressed_before > 0) {
    const std::string count = std::to_string(verdict.suppressed_before);
    line.text += " (" + count + " similar lines were not logged)";
    line.fields.push_back({"suppressed", count});
  }
  log(level, std::move(line.text), std::move(peer), std::move(line.fields));
}

void Journal::tell_state(LogCause cause, LogLevel level, const LogLimiter::Verdict& verdict,
                         LastingStates::State& state, std::string peer, LogLine line) {
  if (state.told) {
    line.text += fmt::format(" (still, after {}; seen {} times)", rough_duration(state.lasted()),
                             state.times);
    line.fields.push_back({"state", "lasts"});
    add_times(state, line.fields);
  } else {
    state.text = line.text;
    state.peer = peer;
    line.fields.push_back({"state", "begins"});
  }
  state.told = clock_.now;
  write_line(cause, level, verdict, std::move(peer), std::move(line));
}

void Journal::tell_end(const LastingStates::State& state, std::string text) {
  text += fmt::format(" (lasted {}, seen {} times)", rough_duration(state.lasted()), state.times);
  std::vector<LogField> fields{{"state", "over"}};
  add_times(state, fields);
  log(LogLevel::info, std::move(text), state.peer, std::move(fields));
}

void Journal::plan_end_of_states() {
  if (end_of_states_planned_) return;
  const auto next = lasting_states_.next_over();
  if (!next) return;
  end_of_states_planned_ = true;
  clock_.timers.schedule(*next, {TimerEvent::Kind::lasting_states, 0});
}

void Journal::end_quiet_states() {
  end_of_states_planned_ = false;
  for (const LastingStates::State& state : lasting_states_.take_over(clock_.now)) {
    tell_end(state,
             "not seen for " + rough_duration(limits::kLastingStateReminder) + ": " + state.text);
  }
  plan_end_of_states();
}

/// Each connection of a peer has another port; a peer that sends two labels makes two mistakes.
std::uint64_t Journal::subject_of(LogCause cause, const Dropped& dropped) const {
  const Address peer = dropped.by_stream ? Address{dropped.from.ip, 0} : dropped.from;
  const std::uint64_t what = cause == LogCause::label ? subject(dropped.label) : 0;
  return subject(peer) ^ what;
}

std::string Journal::mistake(const wire::WireError& error, const Dropped& dropped) const {
  const std::string peer = dropped.from.ip.to_string();
  if (const std::string_view protocol = wire::foreign_protocol(dropped.begin); !protocol.empty()) {
    return fmt::format("{} speaks {} on the gossip port, which accepts only memberlist", peer,
                       protocol);
  }
  switch (error.kind) {
    case wire::WireErrorKind::label:
      if (node_.config.skip_inbound_label_check) break;
      return fmt::format("{} uses {}; this node has {}", peer, label_text(dropped.label),
                         label_text(node_.config.label));
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

void Journal::count_drop(wire::WireErrorKind kind) noexcept {
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

void Journal::drop(const wire::WireError& error, const Dropped& dropped) {
  count_drop(error.kind);
  const LogCause cause = cause_of(error, dropped);
  const auto make_line = [&] {
    LogLine line(fmt::format("{} dropped: {}", dropped.what, mistake(error, dropped)));
    if (error.kind == wire::WireErrorKind::label) {
      line.fields.push_back({"label", escape_for_log(dropped.label)});
    }
    return line;
  };
  // Each unreadable input is logged separately; the other mistakes are lasting conditions.
  if (cause == LogCause::malformed || cause == LogCause::limit) {
    return log_peer(cause, LogLevel::warning, dropped.from, make_line);
  }
  log_state(cause, subject_of(cause, dropped), LogLevel::warning, dropped.from, make_line);
}

void Journal::drop_foreign(const Dropped& dropped) {
  ++counters.dropped_network;
  log_state(LogCause::network, subject_of(LogCause::network, dropped), LogLevel::warning,
            dropped.from, [&] {
              return fmt::format("{} dropped: {} is in none of the allowed networks", dropped.what,
                                 dropped.from.ip.to_string());
            });
}

}  // namespace memberlist::swim
