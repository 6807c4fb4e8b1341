#include "swim/context.hpp"

#include <fmt/format.h>

#include <chrono>

namespace memberlist::swim {
namespace {

void add_times(const LastingStates::State& state, std::vector<LogField>& fields) {
  using std::chrono::milliseconds;
  fields.push_back({"times", std::to_string(state.times)});
  const auto lasted = std::chrono::duration_cast<milliseconds>(state.lasted());
  fields.push_back({"lasted_milliseconds", std::to_string(lasted.count())});
}

}  // namespace

void Context::write_line(LogCause cause, LogLevel level, const LogLimiter::Verdict& verdict,
                         std::string peer, LogLine line) {
  line.fields.push_back({"cause", std::string(to_string(cause))});
  if (verdict.suppressed_before > 0) {
    const std::string count = std::to_string(verdict.suppressed_before);
    line.text += " (" + count + " similar lines were not logged)";
    line.fields.push_back({"suppressed", count});
  }
  out.log(level, std::move(line.text), std::move(peer), std::move(line.fields));
}

void Context::tell_state(LogCause cause, LogLevel level, const LogLimiter::Verdict& verdict,
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
  state.told = now;
  write_line(cause, level, verdict, std::move(peer), std::move(line));
}

void Context::tell_end(const LastingStates::State& state, std::string text) {
  text += fmt::format(" (lasted {}, seen {} times)", rough_duration(state.lasted()), state.times);
  std::vector<LogField> fields{{"state", "over"}};
  add_times(state, fields);
  out.log(LogLevel::info, std::move(text), state.peer, std::move(fields));
}

void Context::plan_end_of_states() {
  if (end_of_states_planned_) return;
  const auto next = lasting_states.next_over();
  if (!next) return;
  end_of_states_planned_ = true;
  timers.schedule(*next, {TimerEvent::Kind::lasting_states, 0});
}

void Context::end_quiet_states() {
  end_of_states_planned_ = false;
  for (const LastingStates::State& state : lasting_states.take_over(now)) {
    tell_end(state,
             "not seen for " + rough_duration(limits::kLastingStateReminder) + ": " + state.text);
  }
  plan_end_of_states();
}

}  // namespace memberlist::swim
