#include <chrono>
#include <cstdlib>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "commands.hpp"
#include "event_text.hpp"
#include "http_client.hpp"
#include "output.hpp"
#include "signals.hpp"

namespace memberlist::cli {

namespace {

constexpr auto kLineInHandTimeout = std::chrono::milliseconds(200);

// Ends the process on a signal, even if the agent or the reader of standard output hangs. The
// current line is completed if it can be written.
class EndWhenTold {
 public:
  [[nodiscard]] bool write(std::string_view text) {
    const std::scoped_lock lock(writing_);
    return write_out(text);
  }

 private:
  void end() {
    // Held to the end, so that no further line is begun.
    static_cast<void>(writing_.try_lock_for(kLineInHandTimeout));
    std::_Exit(kExitDone);
  }

  std::timed_mutex writing_;
  SignalWatcher watcher_{end_signals(), [this](int) { end(); }};
};

// Reads the agent's events until the process ends; `on_event` as in AdminClient::events.
int follow(const AgentTarget& target,
           const std::function<bool(const Json& event, bool more_at_hand)>& on_event) {
  auto client = AdminClient::open(target);
  if (!client) return report(client.error());
  const auto ended = client->events(on_event);
  return ended ? kExitDone : report(ended.error());
}

bool changes_members(const Json& event) {
  return event.contains("member") || event.value("event", "") == "ready" ||
         event.value("event", "") == "lost";
}

}  // namespace

int run_monitor(const AgentTarget& target, const std::string& format) {
  EndWhenTold output;
  const bool colour = colour_wanted();
  return follow(target, [&](const Json& event, bool) {
    return output.write((format == "json" ? to_line(event) : event_text(event, colour)) + "\n");
  });
}

int run_watch(const AgentTarget& target,
              const std::function<std::expected<std::string, CommandError>(AdminClient&)>& draw) {
  EndWhenTold output;
  auto views = AdminClient::open(target);
  if (!views) return report(views.error());
  std::optional<CommandError> error;
  bool changed = false;
  const int exit_code = follow(target, [&](const Json& event, bool more_at_hand) {
    changed = changed || changes_members(event);
    // The events at hand are one change: the members are asked for after the last of them.
    if (!changed || more_at_hand) return true;
    changed = false;
    const auto drawn = draw(*views);
    if (!drawn) {
      error = drawn.error();
    } else if (!output.write(*drawn)) {
      error = CommandError{kExitFailed, "standard output is no longer read"};
    }
    return !error;
  });
  return error ? report(*error) : exit_code;
}

}  // namespace memberlist::cli
