#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "commands.hpp"
#include "event_text.hpp"
#include "http_client.hpp"
#include "output.hpp"
#include "signals.hpp"

namespace memberlist::cli {

namespace {

// Reads the agent's events until a signal comes; `on_event` as in AdminClient::events.
int follow(const AgentTarget& target,
           const std::function<bool(const Json& event, bool more_at_hand)>& on_event) {
  auto client = AdminClient::open(target);
  if (!client) {
    return report(client.error());
  }
  const SignalWatcher watcher([&client](int) { client->stop(); });
  const auto ended = client->events(on_event);
  return ended ? kExitDone : report(ended.error());
}

bool changes_members(const Json& event) {
  return event.contains("member") || event.value("event", "") == "ready" ||
         event.value("event", "") == "lost";
}

}  // namespace

int run_monitor(const AgentTarget& target, const std::string& format) {
  const bool colour = colour_wanted();
  return follow(target, [&](const Json& event, bool) {
    return write_out((format == "json" ? to_line(event) : event_text(event, colour)) + "\n");
  });
}

int run_watch(const AgentTarget& target,
              const std::function<std::expected<void, CommandError>(AdminClient&)>& draw) {
  auto views = AdminClient::open(target);
  if (!views) {
    return report(views.error());
  }
  std::optional<CommandError> error;
  bool changed = false;
  const int exit_code = follow(target, [&](const Json& event, bool more_at_hand) {
    changed = changed || changes_members(event);
    // The events at hand are one change: the members are asked for after the last of them.
    if (!changed || more_at_hand) {
      return true;
    }
    changed = false;
    if (const auto drawn = draw(*views); !drawn) {
      error = drawn.error();
      return false;
    }
    return true;
  });
  return error ? report(*error) : exit_code;
}

}  // namespace memberlist::cli
