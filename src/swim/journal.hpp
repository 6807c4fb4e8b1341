#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "memberlist/engine.hpp"
#include "swim/clock.hpp"
#include "swim/keyed_hash.hpp"
#include "swim/lasting_states.hpp"
#include "swim/local_node.hpp"
#include "swim/log_cause.hpp"
#include "swim/log_limiter.hpp"
#include "swim/metric_name.hpp"
#include "swim/output_queue.hpp"
#include "wire/wire_error.hpp"

namespace memberlist::swim {

/// The peer of a log line, as text; created only if the line is written.
[[nodiscard]] inline std::string text_of(std::string_view peer) { return std::string(peer); }
[[nodiscard]] inline std::string text_of(const Address& peer) { return peer.to_string(); }
[[nodiscard]] inline std::string text_of(const Address* peer) {
  return peer != nullptr ? peer->to_string() : std::string{};
}

/// Input that was dropped.
struct Dropped {
  const char* what = "packet";
  Address from;
  std::string_view label{};  ///< that it came with; empty if it had none
  BytesView begin{};         ///< its first bytes, if they are known
  bool by_stream = false;    ///< not by a packet
};

/// What a Journal remembers.
struct JournalState {
  EngineCounters counters;
  LogLimiter log_limiter_;
  LastingStates lasting_states_;
  bool end_of_states_planned_ = false;
};

/// What this node reports of its own work: counters, log lines within their limits, metrics and,
/// if asked for, a trace.
/// Nothing in it changes what the node does.
class Journal : JournalState {
 public:
  Journal(const EngineEnvironment& environment, const LocalNode& node, Clock& clock,
          OutputQueue& out)
      : node_(node),
        clock_(clock),
        out_(out),
        metrics_(environment.metrics),
        trace_(environment.trace),
        stopwatch_(environment.stopwatch) {}
  Journal(const Journal& other, const EngineEnvironment& environment, const LocalNode& node,
          Clock& clock, OutputQueue& out)
      : JournalState(other),
        node_(node),
        clock_(clock),
        out_(out),
        metrics_(other.metrics_),
        trace_(other.trace_),
        stopwatch_(environment.stopwatch) {}

  using JournalState::counters;

  // --- log lines

  /// Logs something that peers cannot provoke again and again.
  void log(LogLevel level, std::string text, std::string peer = {},
           std::vector<LogField> fields = {}) {
    out_.log(level, std::move(text), std::move(peer), std::move(fields));
  }

  /// Logs what a peer provoked, within the limits of its cause. `peer` is a text, an address or a
  /// pointer to one. `make_line` gives a text or a LogLine, and is called only if the line goes
  /// out.
  template <class Peer, class MakeLine>
  void log_peer(LogCause cause, LogLevel level, const Peer& peer, MakeLine&& make_line) {
    const LogLimiter::Verdict verdict =
        log_limiter_.admit(clock_.now, static_cast<std::size_t>(cause));
    if (!verdict.emit) return;
    write_line(cause, level, verdict, text_of(peer), std::forward<MakeLine>(make_line)());
  }

  /// Distinguishes a lasting condition from others of its cause.
  [[nodiscard]] std::uint64_t subject(std::string_view name) const {
    return NameHash{node_.secrets.hash_tables}(name);
  }
  [[nodiscard]] std::uint64_t subject(const Address& address) const {
    return AddressHash{node_.secrets.hash_tables}(address);
  }

  /// Logs a condition that lasts or recurs in the same way, but not each time that it is observed
  /// (LastingStates).
  template <class Peer, class MakeLine>
  void log_state(LogCause cause, std::uint64_t subject, LogLevel level, const Peer& peer,
                 MakeLine&& make_line) {
    LastingStates::State* state = lasting_states_.seen(clock_.now, cause, subject);
    if (state == nullptr) return log_peer(cause, level, peer, make_line);
    plan_end_of_states();
    if (!state->is_due(clock_.now)) return;
    const LogLimiter::Verdict verdict =
        log_limiter_.admit(clock_.now, static_cast<std::size_t>(cause));
    if (!verdict.emit) return;
    tell_state(cause, level, verdict, *state, text_of(peer), std::forward<MakeLine>(make_line)());
  }
  /// There is a sign that a lasting state is over: `make_text` says of what there is an end.
  template <class MakeText>
  void end_state(LogCause cause, std::uint64_t subject, MakeText&& make_text) {
    const auto over = lasting_states_.well(clock_.now, cause, subject);
    if (over) tell_end(*over, std::forward<MakeText>(make_text)());
  }
  [[nodiscard]] bool has_lasting_states() const noexcept { return lasting_states_.size() > 0; }
  /// Reports which lasting states have not been observed for long.
  void end_quiet_states();

  // --- dropped input: each reason has a counter, and a log line that tells an operator which
  // mistake it is, and which peer makes it

  /// Counts it by the reason that the wire gives.
  void count_drop(wire::WireErrorKind kind) noexcept;
  /// Counts it and logs it.
  void drop(const wire::WireError& error, const Dropped& dropped);
  /// The mistake in the operator's words; the peer's text is in it only if escaped.
  [[nodiscard]] std::string mistake(const wire::WireError& error, const Dropped& dropped) const;
  /// The same as `drop` for what comes from outside the allowed networks.
  void drop_foreign(const Dropped& dropped);

  // --- metrics: where nobody listens, each is one test of a flag

  [[nodiscard]] bool wants_metrics() const noexcept { return metrics_; }
  void sample(SampleName name, std::uint64_t value) {
    if (!metrics_) return;
    out_.push(MetricRecord{MetricKind::sample, name.text, static_cast<double>(value)});
  }
  void gauge(GaugeName name, std::uint64_t value) {
    if (!metrics_) return;
    out_.push(MetricRecord{MetricKind::gauge, name.text, static_cast<double>(value)});
  }
  /// A sample in milliseconds.
  void time(SampleName name, Duration time) {
    if (!metrics_) return;
    const std::chrono::duration<double, std::milli> milliseconds = time;
    out_.push(MetricRecord{MetricKind::sample, name.text, milliseconds.count()});
  }
  /// Does the work, and samples how long it takes if there is a stopwatch.
  template <class Work>
  void timed(SampleName name, Work&& work) {
    if (!metrics_ || !stopwatch_) return std::forward<Work>(work)();
    const TimePoint began = stopwatch_();
    std::forward<Work>(work)();
    time(name, stopwatch_() - began);
  }

  // --- trace: where nobody listens, each is one test of a flag

  [[nodiscard]] bool wants_trace() const noexcept { return trace_; }
  /// Puts out the step that `make_step` returns; it is called only if somebody listens.
  template <class MakeStep>
  void trace(MakeStep&& make_step) {
    if (!trace_) [[likely]]
      return;
    out_.push(TraceRecord{clock_.input, clock_.now, std::forward<MakeStep>(make_step)()});
  }

 private:
  void write_line(LogCause cause, LogLevel level, const LogLimiter::Verdict& verdict,
                  std::string peer, LogLine line);
  void tell_state(LogCause cause, LogLevel level, const LogLimiter::Verdict& verdict,
                  LastingStates::State& state, std::string peer, LogLine line);
  void tell_end(const LastingStates::State& state, std::string text);
  void plan_end_of_states();
  [[nodiscard]] std::uint64_t subject_of(LogCause cause, const Dropped& dropped) const;

  const LocalNode& node_;
  Clock& clock_;
  OutputQueue& out_;
  const bool metrics_;
  const bool trace_;
  const std::function<TimePoint()> stopwatch_;
};

}  // namespace memberlist::swim
