#include "swim/stall_rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>

namespace memberlist::swim {
namespace {

// This node was paused if it handles a deadline by this part (half) of a probe's time too late. A
// probe fails without a fault of its target if this node sleeps from before the answer arrives
// until after the deadline; answers arrive early, so a shorter sleep hardly hides one.
constexpr int kStallShare = 2;

}  // namespace

void StallRule::check() {
  if (!node_.behaviour.stall_rule) return;
  // The driver calls the engine when a deadline is reached, so from then, or from the last input,
  // until now the process was not running.
  const TimePoint awaited = std::max(last_input_, clock_.timers.next());
  last_input_ = clock_.now;
  if (clock_.now < awaited) return;  // nothing was due
  const Duration stood_still = clock_.now - awaited;
  if (stood_still >= node_.probe_interval() / kStallShare) go_on_after(stood_still);
}

void StallRule::go_on_after(Duration stood_still) {
  ++journal_.counters.stalls;
  journal_.trace([&] { return trace::Stall{stood_still}; });
  journal_.log_state(LogCause::stall, 0, LogLevel::warning, std::string_view{}, [&] {
    const auto time = std::chrono::floor<std::chrono::milliseconds>(stood_still);
    return LogLine(fmt::format("process was paused for {}; repeating its probes and extending "
                               "suspicions",
                               format_duration(time)),
                   {{"milliseconds", std::to_string(time.count())}});
  });
  const std::int64_t missed = std::min<std::int64_t>(stood_still / node_.probe_interval(),
                                                     node_.config.awareness_max_multiplier);
  const std::int64_t score = health_.score();
  health_.add(static_cast<int>(std::max<std::int64_t>(missed - score, 0)));
  prober_.forgive(stood_still);
  membership_.forgive(stood_still);
  push_pull_schedule_.after_stall();
}

}  // namespace memberlist::swim
