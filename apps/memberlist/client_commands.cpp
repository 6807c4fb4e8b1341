#include <fmt/format.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "files.hpp"
#include "http_client.hpp"
#include "member_views.hpp"
#include "memberlist/name_text.hpp"
#include "name_views.hpp"
#include "output.hpp"
#include "text.hpp"

namespace memberlist::cli {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kPayloadLimitBytes = std::size_t{20} * 1024 * 1024;
constexpr auto kPingPause = 200ms;
constexpr const char* kNameHelp = "the member, as `memberlist members` shows its name";

// What all these commands may be given; each uses its part.
struct Arguments {
  std::string format;
  std::string statuses;
  bool watch = false;
  std::vector<std::string> addresses;
  std::string name;
  std::optional<std::string> text;
  std::optional<std::string> file;
  bool reliable = false;
  unsigned count = 1;
};

using Command = std::function<std::expected<int, CommandError>(const Arguments&, AdminClient&)>;

CLI::App* add_client_command(CLI::App& app, Run& run, AgentTarget& target, const std::string& name,
                             const std::string& description, const std::string& example,
                             const std::shared_ptr<Arguments>& arguments, Command action) {
  return add_asking_command(app, run, name, description, example, target,
                            [arguments, action = std::move(action)](AdminClient& client) {
                              return action(*arguments, client);
                            });
}

void add_format_option(CLI::App& command, std::string& format,
                       const std::vector<std::string>& choices) {
  format = choices.front();
  command.add_option("--format", format)->check(CLI::IsMember(choices))->capture_default_str();
}

// --- members, info -------------------------------------------------------------------------------

std::expected<void, CommandError> check_statuses(const std::string& statuses) {
  for (const std::string& status : split(statuses, ',')) {
    if (!statuses.empty() && status != "alive" && status != "suspect" && status != "dead" &&
        status != "left") {
      return std::unexpected(CommandError{
          kExitUsage, fmt::format("--status {}: there is no status `{}`: give alive, suspect, dead "
                                  "or left, or several with commas",
                                  statuses, status)});
    }
  }
  return {};
}

std::string members_path(const Arguments& arguments) {
  return arguments.statuses.empty() ? "/v1/members"
                                    : "/v1/members?status=" + percent_encode(arguments.statuses);
}

std::string members_text(const Arguments& arguments, const Json& members, bool colour) {
  if (arguments.format == "json") return to_line(members) + "\n";
  return arguments.format == "csv" ? members_csv(members) : members_table(members, colour);
}

std::expected<int, CommandError> members(const Arguments& arguments, AdminClient& client) {
  const auto answer = client.get(members_path(arguments));
  if (!answer) return std::unexpected(answer.error());
  return print(members_text(arguments, *answer, colour_wanted()));
}

int watch_members(const Arguments& arguments, const AgentTarget& target) {
  const bool terminal = terminal_output() && arguments.format == "table";
  return run_watch(target, [&](AdminClient& client) -> std::expected<std::string, CommandError> {
    const auto answer = client.get(members_path(arguments));
    if (!answer) return std::unexpected(answer.error());
    const std::string text = members_text(arguments, *answer, colour_wanted());
    // On a terminal the new table replaces the old one.
    return terminal ? "\x1b[H\x1b[2J" + text : text;
  });
}

std::expected<int, CommandError> info(const Arguments& arguments, AdminClient& client) {
  const auto answer = client.get("/v1/info");
  if (!answer) return std::unexpected(answer.error());
  return print(arguments.format == "json" ? to_line(*answer) + "\n" : info_text(*answer));
}

// --- join, leave, meta ---------------------------------------------------------------------------

std::expected<int, CommandError> join(const Arguments& arguments, AdminClient& client) {
  Json addresses = Json::array();
  for (const std::string& written : arguments.addresses) {
    addresses.push_back(show_join_address(read_join_address(written)));
  }
  const auto answer = client.post("/v1/join", {{"addresses", addresses}});
  if (!answer) return std::unexpected(answer.error());
  for (const Json& failure : answer->value("failures", Json::array())) {
    warn(fmt::format("{}: {}", failure.value("address", "?"), failure.value("message", "?")));
  }
  return print(fmt::format("joined: {} answered\n", answer->value("contacted", 0U)));
}

std::expected<int, CommandError> leave(const Arguments&, AdminClient& client) {
  const auto answer = client.post("/v1/leave", Json::object());
  if (!answer) return std::unexpected(answer.error());
  if (!answer->value("told", true)) {
    warn(
        "the agent has left, but the leave message was not fully transmitted in time: some members "
        "may report a failure");
  }
  return print("the agent has left the cluster and ends\n");
}

std::expected<int, CommandError> meta(const Arguments& arguments, AdminClient& client) {
  const std::string encoded = base64_encode(as_bytes(arguments.text.value_or("")));
  const auto answer = client.put("/v1/meta", {{"meta_base64", encoded}});
  if (!answer) return std::unexpected(answer.error());
  if (!answer->value("told", true)) {
    warn("the meta data is changed, but was not fully transmitted in time");
  }
  return print("meta data changed\n");
}

// --- ping, send, broadcast -----------------------------------------------------------------------

// A request about the member of this name, which is written as the views show it.
Json request_about(const std::string& written) {
  Json request;
  put_name(request, "name", read_name(written));
  if (request.contains("name_base64")) {
    request.erase("name");  // one of them says it
  }
  return request;
}

std::string ping_summary(unsigned sent, std::vector<double> times) {
  std::string text = fmt::format("{} sent, {} answered", sent, times.size());
  if (!times.empty()) {
    const auto [least, most] = std::ranges::minmax(times);
    double sum = 0;
    for (const double time : times) sum += time;
    text += fmt::format(", least {}, mean {}, most {}", milliseconds_text(least),
                        milliseconds_text(sum / static_cast<double>(times.size())),
                        milliseconds_text(most));
  }
  return text + "\n";
}

std::expected<int, CommandError> ping(const Arguments& arguments, AdminClient& client) {
  std::vector<double> times;
  std::optional<CommandError> error;
  for (unsigned i = 0; i < arguments.count; ++i) {
    if (i > 0) std::this_thread::sleep_for(kPingPause);
    const auto answer = client.post("/v1/ping", request_about(arguments.name));
    if (!answer) {
      error = answer.error();
      if (arguments.count > 1) warn(error->text);
      continue;
    }
    times.push_back(answer->value("round_trip_ns", 0.0));
    if (const int exit_code =
            print(fmt::format("{} answered after {}\n", show_name(read_name(arguments.name)),
                              milliseconds_text(times.back())))) {
      return exit_code;
    }
  }
  if (times.empty() && arguments.count == 1 && error) return std::unexpected(*error);
  if (arguments.count > 1) print(ping_summary(arguments.count, times));
  return times.empty() ? kExitFailed : kExitDone;
}

std::expected<std::string, CommandError> payload_of(const Arguments& arguments) {
  if (arguments.text.has_value() == arguments.file.has_value()) {
    return std::unexpected(CommandError{kExitUsage, "give either TEXT or --file FILE"});
  }
  return arguments.text ? *arguments.text : read_file(*arguments.file, kPayloadLimitBytes);
}

std::expected<int, CommandError> send(const Arguments& arguments, AdminClient& client) {
  const auto payload = payload_of(arguments);
  if (!payload) return std::unexpected(payload.error());
  Json request = request_about(arguments.name);
  request["payload_base64"] = base64_encode(as_bytes(*payload));
  request["reliable"] = arguments.reliable;
  const auto answer = client.post("/v1/send", request);
  if (!answer) {
    CommandError error = answer.error();
    if (answer.error().code == "too_large" && !arguments.reliable) {
      error.text += ": send it with --reliable";
    }
    return std::unexpected(error);
  }
  return print(
      fmt::format("sent {} bytes to {}\n", payload->size(), show_name(read_name(arguments.name))));
}

std::expected<int, CommandError> broadcast(const Arguments& arguments, AdminClient& client) {
  const auto payload = payload_of(arguments);
  if (!payload) return std::unexpected(payload.error());
  const auto answer =
      client.post("/v1/broadcast", {{"payload_base64", base64_encode(as_bytes(*payload))}});
  if (!answer) {
    CommandError error = answer.error();
    if (answer.error().code == "too_large") {
      error.text += ": shorten it, or send it to each member with `memberlist send --reliable`";
    }
    return std::unexpected(error);
  }
  return print(fmt::format("queued {} bytes for all members\n", payload->size()));
}

void add_payload_options(CLI::App& command, Arguments& arguments) {
  command.add_option("TEXT", arguments.text, "the message")->type_name("");
  command.add_option("--file", arguments.file, "the message from a file, - for standard input")
      ->type_name("FILE");
}

// --- the commands --------------------------------------------------------------------------------

void add_views(CLI::App& app, Run& run, AgentTarget& target) {
  const auto members_arguments = std::make_shared<Arguments>();
  CLI::App* command = add_client_command(
      app, run, target, "members", "show the members as this agent sees them",
      "memberlist members --status alive,suspect --format json", members_arguments, members);
  add_format_option(*command, members_arguments->format, {"table", "json", "csv"});
  command
      ->add_option("--status", members_arguments->statuses,
                   "only these: alive, suspect, dead, left, comma-separated")
      ->type_name("S,...");
  command->add_flag("--watch", members_arguments->watch, "print the list again after each change");
  command->callback([members_arguments, &target, &run] {
    run = [members_arguments, &target] {
      if (const auto valid = check_statuses(members_arguments->statuses); !valid) {
        return report(valid.error());
      }
      return members_arguments->watch ? watch_members(*members_arguments, target)
                                      : with_agent(target, [&](AdminClient& client) {
                                          return members(*members_arguments, client);
                                        });
    };
  });

  const auto info_arguments = std::make_shared<Arguments>();
  command = add_client_command(
      app, run, target, "info",
      "show name, address, versions, health score, members by status, queue, view digest, counters",
      "memberlist info --format json", info_arguments, info);
  add_format_option(*command, info_arguments->format, {"text", "json"});

  const auto monitor_arguments = std::make_shared<Arguments>();
  command = add_command(app, "monitor", "show events as they happen, until Ctrl-C",
                        "memberlist monitor --format json");
  add_target_options(*command, target);
  add_format_option(*command, monitor_arguments->format, {"text", "json"});
  command->callback([monitor_arguments, &target, &run] {
    run = [monitor_arguments, &target] { return run_monitor(target, monitor_arguments->format); };
  });
}

void add_changes(CLI::App& app, Run& run, AgentTarget& target) {
  const auto join_arguments = std::make_shared<Arguments>();
  add_client_command(app, run, target, "join", "join a cluster through these members",
                     "memberlist join 10.0.0.2 10.0.0.3:7946", join_arguments, join)
      ->add_option("ADDR", join_arguments->addresses, "[NAME/]HOST[:PORT] of a member")
      ->required()
      ->type_name("...");
  const auto leave_arguments = std::make_shared<Arguments>();
  add_client_command(app, run, target, "leave", "leave the cluster gracefully and end the agent",
                     "memberlist leave", leave_arguments, leave);
  const auto meta_arguments = std::make_shared<Arguments>();
  add_client_command(app, run, target, "meta",
                     "change the agent's meta data and announce it to the cluster",
                     "memberlist meta role=db", meta_arguments, meta)
      ->add_option("TEXT", meta_arguments->text, "the meta data, at most 512 bytes")
      ->required()
      ->type_name("");
}

void add_messages(CLI::App& app, Run& run, AgentTarget& target) {
  const auto ping_arguments = std::make_shared<Arguments>();
  CLI::App* command =
      add_client_command(app, run, target, "ping", "measure the round-trip time to a member",
                         "memberlist ping b --count 5", ping_arguments, ping);
  command->add_option("NAME", ping_arguments->name, kNameHelp)->required()->type_name("");
  command->add_option("--count", ping_arguments->count, "how many pings")
      ->check(CLI::Range(1U, 1000000U))
      ->capture_default_str()
      ->type_name("N");

  const auto send_arguments = std::make_shared<Arguments>();
  command = add_client_command(app, run, target, "send", "send a user message to one member",
                               "memberlist send b \"hello\" --reliable", send_arguments, send);
  command->add_option("NAME", send_arguments->name, kNameHelp)->required()->type_name("");
  add_payload_options(*command, *send_arguments);
  command->add_flag("--reliable", send_arguments->reliable,
                    "by TCP, up to 20 MiB; else one packet");

  const auto broadcast_arguments = std::make_shared<Arguments>();
  command = add_client_command(
      app, run, target, "broadcast", "send a user message to all members by gossip",
      "memberlist broadcast \"deploy 42\"", broadcast_arguments, broadcast);
  add_payload_options(*command, *broadcast_arguments);
}

}  // namespace

AgentTarget default_target() {
  AgentTarget target;
  const char* named = std::getenv("MEMBERLIST_HTTP");
  if (named != nullptr && *named != '\0') target.address = named;
  return target;
}

void add_target_options(CLI::App& command, AgentTarget& target) {
  command
      .add_option("--http", target.address,
                  "the agent's admin address; also set by the environment variable MEMBERLIST_HTTP")
      ->capture_default_str()
      ->type_name("HOST:PORT");
  command
      .add_option("--http-token-file", target.token_file,
                  "file with the token, if the agent requires one")
      ->type_name("FILE");
}

CLI::App* add_asking_command(CLI::App& app, Run& run, const std::string& name,
                             const std::string& description, const std::string& example,
                             AgentTarget& target, Ask ask) {
  CLI::App* command = add_command(app, name, description, example);
  add_target_options(*command, target);
  command->callback([&target, &run, ask = std::move(ask)] {
    run = [&target, ask] { return with_agent(target, ask); };
  });
  return command;
}

int with_agent(const AgentTarget& target, const Ask& ask) {
  auto client = AdminClient::open(target);
  if (!client) return report(client.error());
  const auto exit_code = ask(*client);
  return exit_code ? *exit_code : report(exit_code.error());
}

void add_client_commands(CLI::App& app, Run& run, AgentTarget& target) {
  add_views(app, run, target);
  add_changes(app, run, target);
  add_messages(app, run, target);
}

}  // namespace memberlist::cli
