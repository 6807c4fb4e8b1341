#include "agent.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <future>
#include <iterator>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "admin_api.hpp"
#include "agent_metrics.hpp"
#include "end_of_service.hpp"
#include "event_hub.hpp"
#include "http_server.hpp"
#include "json_views.hpp"
#include "log.hpp"
#include "memberlist/memberlist.hpp"
#include "name_views.hpp"
#include "output.hpp"
#include "signals.hpp"

namespace memberlist::cli {

namespace {

// What the events of an agent leave out: the ready line and `left` say it.
bool is_own_change(const Event& event) {
  const auto* change = std::get_if<MemberEvent>(&event);
  return change != nullptr && change->self && change->kind != MemberEventKind::conflict;
}

using namespace std::chrono_literals;

// As docs/cli.md promises it.
constexpr JoinRetry kRetry{.first_pause = 1s, .longest_pause = 30s, .attempts = 0, .jitter = 0};
constexpr auto kLeftEventTimeout = 500ms;

// Ctrl-C below a runner that forwards it comes twice. A second signal is one that comes later.
constexpr auto kSameSignalTime = 1s;

// Why the agent ends.
struct EndReason {
  bool must_leave = false;
  std::optional<CommandError> error;
};

// The first reason that anybody gives.
class EndSwitch {
 public:
  void trigger(EndReason reason) {
    const std::scoped_lock lock(mutex_);
    if (!reason_) {
      reason_ = std::move(reason);
      changed_.notify_all();
    }
  }

  EndReason wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return reason_.has_value(); });
    return reason_.value_or(EndReason{});
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<EndReason> reason_;
};

CommandError create_error(const Error& error) {
  const auto with_hint = [&](int exit_code, std::string_view hint) {
    return CommandError{exit_code, fmt::format("{}: {}", error.message, hint)};
  };
  switch (error.code) {
    case ErrorCode::address_in_use:
      return with_hint(kExitFailed, "choose another with --bind HOST:PORT");
    case ErrorCode::no_address:
      return with_hint(kExitFailed,
                       "set an address that others can reach with --advertise HOST:PORT");
    case ErrorCode::crypto:
      return with_hint(kExitUsage, "generate a key with `memberlist keygen`");
    case ErrorCode::invalid_argument:
      // An address may be there later: the command line is right, and the machine is not so far.
      if (error.subject == "bind") return {kExitFailed, "--" + error.message};
      [[fallthrough]];
    case ErrorCode::too_large:
      return config_error(error);
    default:
      return {kExitFailed, error.message};  // what is known of the cause is in it
  }
}

CommandError join_error(const AgentPlan& plan, const Error& error) {
  const char* hint = "check that a member runs there, or give --retry-join to keep trying";
  if (error.code == ErrorCode::name_taken) {
    hint =
        "choose another with --name, or give --retry-join to wait until the other member is gone";
  } else if (error.code == ErrorCode::own_address) {
    hint = "name another member, or give --retry-join to wait for one";
  } else if (error.code == ErrorCode::crypto) {
    hint = "compare the keys of both (`memberlist keys list`), or give --retry-join to keep trying";
  }
  std::vector<std::string> addresses;
  std::ranges::transform(plan.join, std::back_inserter(addresses), show_join_address);
  return {kExitFailed, fmt::format("cannot join through {}: {}: {}", fmt::join(addresses, ", "),
                                   error.message, hint)};
}

void log_joined(const JoinResult& joined, Log& log) {
  for (const Error& failure : joined.failures) {
    // Where all hosts have the same list, each is in it.
    const bool self = failure.code == ErrorCode::own_address;
    log.write({self ? LogLevel::info : LogLevel::warning,
               "join: " + failure.message,
               show_join_address(failure.subject),
               {{"error", std::string(to_string(failure.code))}}});
  }
  log.write(LogLevel::info, fmt::format("joined through {} of {} addresses", joined.contacted,
                                        joined.contacted + joined.failures.size()));
}

Json ready_json(const Memberlist& list, const std::optional<AdminServer>& server) {
  Json json = plain_event_json("ready", std::chrono::system_clock::now());
  const Member self = list.local_member();
  put_name(json, "name", self.name());
  json["address"] = self.address().to_string();
  json["http"] = server ? Json(server->address().to_string()) : Json(nullptr);
  return json;
}

void leave_cluster(Memberlist& list, EventHub& hub, Log& log, bool must_leave) {
  if (must_leave) {
    log.write(LogLevel::info,
              "leaving the cluster; another signal after one second ends the agent immediately");
    if (const auto left = list.leave({.timeout = kLeaveTimeout}); !left) {
      log.write({LogLevel::warning,
                 "leaving: " + left.error().message,
                 {},
                 {{"error", std::string(to_string(left.error().code))}}});
    }
  }
  if (!hub.wait_until_left(kLeftEventTimeout)) {
    hub.publish(plain_event_json("left", std::chrono::system_clock::now()));
  }
}

// The parts that live as long as the member does.
class Agent {
 public:
  Agent(AgentPlan plan, EndSwitch& end, Log& log)
      : plan_(std::move(plan)), end_(end), log_(log), hub_(plan_.events) {
    metrics_.watch_output([this] { return LostLines{hub_.lost(), log_.lost()}; });
  }
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;
  ~Agent() { wipe(plan_.config.keys); }  // if they were not handed on

  int run() {
    if (plan_.http) {
      auto server = AdminServer::bind(*plan_.http, plan_.http_token);
      if (!server) return report(server.error());
      server_ = std::move(*server);
    }
    std::promise<void> ready;
    auto created =
        Memberlist::create(std::move(plan_.config), handlers(ready.get_future().share()));
    if (!created) return report(create_error(created.error()));
    Memberlist list = std::move(*created);
    viewer_ = viewer_of(list);
    hub_.ready(ready_json(list, server_));
    ready.set_value();
    const EndReason reason = serve_until_end(list);
    log_.close();
    return reason.error ? report(*reason.error) : kExitDone;
  }

 private:
  // Joins through the addresses of the plan: once, or until one answers. Only the member's end
  // stops it: a peer may already know this member, and a leave must notify it.
  void join(Memberlist& list) {
    JoinOptions options;
    if (plan_.retry_join) options.retry = kRetry;
    list.join_async(plan_.join, options, [this](const Result<JoinResult>& joined) {
      if (joined) {
        log_joined(*joined, log_);
      } else if (joined.error().code != ErrorCode::shut_down) {
        // Others may have joined through this one meanwhile: they are notified, too.
        end_.trigger({true, join_error(plan_, joined.error())});
      }
    });
  }

  Handlers handlers(std::shared_future<void> ready) {
    Handlers handlers;
    // Nothing is reported before the ready line; the viewer is complete by then.
    handlers.on_events = [this, ready = std::move(ready)](Memberlist&,
                                                          std::span<const Event> batch) {
      const auto now = std::chrono::system_clock::now();
      ready.wait();
      for (const Event& event : batch) {
        if (!is_own_change(event)) hub_.publish(event_json(event, viewer_, now));
      }
    };
    handlers.on_log = [this](const LogRecord& record) { log_.write(record); };
    if (server_) {
      handlers.metrics = metrics_.sink();  // who asks for them asks there
    }
    return handlers;
  }

  EndReason serve_until_end(Memberlist& list) {
    AdminApi api(list, hub_, metrics_, server_ ? server_->address().to_string() : "",
                 [this] { end_.trigger({}); });
    const EndOfService end_of_service(list, hub_, server_);
    if (server_) {
      server_->serve(api, hub_,
                     [this](LogLevel level, std::string_view text) { log_.write(level, text); });
    }
    if (!plan_.join.empty()) join(list);
    EndReason reason = end_.wait();
    leave_cluster(list, hub_, log_, reason.must_leave);
    return reason;
  }

  AgentPlan plan_;  // the config goes to the member
  EndSwitch& end_;
  Log& log_;
  EventHub hub_;
  AgentMetrics metrics_;
  Viewer viewer_;
  std::optional<AdminServer> server_;
};

// What signals do to an agent (docs/cli.md).
class Signals {
 public:
  Signals(EndSwitch& end, Log& log) : end_(end), log_(log) {}

 private:
  void on_signal(int signal) {
    const bool hang_up = signal == SIGHUP && terminal_.is_lost();
    if (meaning_of(signal, hang_up) == SignalMeaning::leave) {
      leave(signal);
    } else {
      log_.write(LogLevel::info, fmt::format("{} is ignored", signal_name(signal)));
    }
  }

  void leave(int signal) {
    const auto now = std::chrono::steady_clock::now();
    if (!first_) {
      first_ = now;
      end_.trigger({true, std::nullopt});
    } else if (now - *first_ > kSameSignalTime) {
      std::_Exit(128 + signal);
    }
  }

  EndSwitch& end_;
  Log& log_;
  const Terminal terminal_;
  std::optional<std::chrono::steady_clock::time_point> first_;
  // The last one: its thread uses the others.
  SignalWatcher watcher_{agent_signals(), [this](int signal) { on_signal(signal); }};
};

}  // namespace

int run_agent(AgentPlan plan) {
  EndSwitch end;
  Log log(plan.log_level, plan.log_format);
  Signals signals(end, log);
  return Agent(std::move(plan), end, log).run();
}

}  // namespace memberlist::cli
