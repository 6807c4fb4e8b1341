#include <fmt/format.h>

#include <CLI/App.hpp>
#include <expected>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "agent.hpp"
#include "agent_options.hpp"
#include "commands.hpp"
#include "config_file.hpp"
#include "memberlist/config.hpp"
#include "secret_text.hpp"

namespace memberlist::cli {

namespace {

struct AgentArguments {
  AgentOptions options;
  std::vector<std::string> allow;
  std::string config_file;
};

constexpr const char* kExample =
    "memberlist agent --name a --bind 10.0.0.1 --join 10.0.0.2,10.0.0.3 --set probe_interval=2s";

std::string footer_text() {
  std::string text = std::string("Example: ") + kExample + "\n\nKnobs for --set:\n";
  for (const KnobInfo& knob : knobs()) {
    fmt::format_to(std::back_inserter(text), "  {:<28} {} ({})\n", knob.name, knob.meaning,
                   knob.limits);
  }
  text.pop_back();
  return text;
}

void add_member_options(CLI::App& command, AgentOptions& options) {
  command.add_option("--name", options.name, "the member's name; default: the host name")
      ->type_name("NAME");
  command
      .add_option(
          "--bind", options.bind,
          "address to listen on, UDP and TCP; port 0: the kernel chooses; IPv6 in brackets; "
          "default: 0.0.0.0:7946")
      ->type_name("HOST[:PORT]");
  command
      .add_option("--advertise", options.advertise,
                  "address announced to the others; default: detected")
      ->type_name("HOST[:PORT]");
  command
      .add_option("--join", options.join, "a member to join through; repeatable, also --join a,b,c")
      ->allow_extra_args(false)
      ->type_name("HOST[:PORT]");
  command.add_flag_callback(
      "--retry-join", [&options] { options.retry_join = true; },
      "keep trying until one answers instead of failing at start");
  command
      .add_option("--dns-server", options.dns_servers,
                  "name server for host names in --join; repeatable; default: the system's")
      ->allow_extra_args(false)
      ->type_name("HOST[:PORT]");
  command
      .add_option("--profile", options.profile, "timing defaults: lan, wan or local; default: lan")
      ->type_name("NAME");
  command.add_option("--set", options.sets, "sets a knob (see below); repeatable")
      ->allow_extra_args(false)
      ->type_name("KNOB=VALUE");
}

void add_security_options(CLI::App& command, AgentArguments& arguments) {
  AgentOptions& options = arguments.options;
  command
      .add_option("--key", options.keys,
                  "encryption key of 16, 24 or 32 bytes; repeatable, the first is the primary; "
                  "other users can see it with ps: prefer --key-file")
      ->allow_extra_args(false)
      ->type_name("BASE64");
  command
      .add_option(
          "--key-file", options.key_file,
          "file with one key per line, # begins a comment, - for standard input; only its owner "
          "may have access (chmod 600), or, if root owns it, also a group of this process (0640)")
      ->type_name("FILE");
  command.add_option("--label", options.label, "cluster label")->type_name("LABEL");
  command.add_option("--meta", options.meta, "the member's meta data, at most 512 bytes")
      ->type_name("TEXT");
  command.add_option("--meta-file", options.meta_file, "the meta data from a file")
      ->type_name("FILE");
  command
      .add_option("--allow", arguments.allow,
                  "network that members may be in; repeatable; default: all")
      ->allow_extra_args(false)
      ->type_name("CIDR");
}

void add_surface_options(CLI::App& command, AgentArguments& arguments) {
  AgentOptions& options = arguments.options;
  command
      .add_option("--http", options.http,
                  "admin address; off: none; port 0: the kernel chooses; default: 127.0.0.1:7947")
      ->type_name("HOST:PORT");
  command
      .add_option("--http-token-file", options.http_token_file,
                  "token that clients of the admin address must send; required unless that is a "
                  "loopback address")
      ->type_name("FILE");
  command
      .add_option("--config", arguments.config_file,
                  "TOML file with the same option names, - for standard input; options override it")
      ->type_name("FILE");
  command
      .add_option("--events", options.events,
                  "events on standard output: json, text or off; default: text")
      ->type_name("FORMAT");
  command
      .add_option("--log-level", options.log_level,
                  "debug, info, warning or error; the log goes to standard error; default: info")
      ->type_name("LEVEL");
  command.add_option("--log-format", options.log_format, "text or json; default: text")
      ->type_name("FORMAT");
}

// What the agent was given, by `app`'s command line and by its file.
AgentOptions options_of(const AgentArguments& arguments, const CLI::App& app) {
  AgentOptions options = arguments.options;
  if (!arguments.allow.empty()) {
    options.allow = arguments.allow;
  }
  if (app.count("--http") + app.count("--http-token-file") > 0) {
    options.mistakes.add({kExitUsage,
                          "--http and --http-token-file before `agent` select the agent to talk "
                          "to: write them after `agent` to set the address to listen on"});
  }
  if (arguments.config_file.empty()) {
    return options;
  }
  return merge_options(std::move(options), read_config_file(arguments.config_file));
}

std::expected<AgentPlan, CommandError> plan_of(const AgentArguments& arguments,
                                               const CLI::App& app) {
  AgentOptions options = options_of(arguments, app);
  auto plan = plan_agent(options);
  for (std::string& key : options.keys) {
    wipe_text(key);
  }
  return plan;
}

}  // namespace

void add_agent_command(CLI::App& app, Run& run_chosen, Check& check) {
  const auto arguments = std::make_shared<AgentArguments>();
  CLI::App* command = add_command(
      app, "agent", "run a member until SIGINT or SIGTERM, then leave gracefully", kExample);
  command->footer("");  // CLI11 would print it after the text that the function makes
  command->footer(footer_text);
  add_member_options(*command, arguments->options);
  add_security_options(*command, *arguments);
  add_surface_options(*command, *arguments);
  command->callback([arguments, &app, &run_chosen] {
    run_chosen = [arguments, &app] {
      auto plan = plan_of(*arguments, app);
      return plan ? run_agent(std::move(*plan)) : report(plan.error());
    };
  });
  check = [arguments, &app, command]() -> std::optional<CommandError> {
    if (!command->parsed()) {
      return std::nullopt;
    }
    const auto plan = plan_of(*arguments, app);
    return plan ? std::nullopt : std::optional(plan.error());
  };
}

}  // namespace memberlist::cli
