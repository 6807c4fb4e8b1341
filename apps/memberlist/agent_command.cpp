#include <fmt/format.h>

#include <CLI/App.hpp>
#include <expected>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent.hpp"
#include "agent_options.hpp"
#include "commands.hpp"
#include "config_file.hpp"
#include "memberlist/config.hpp"
#include "option_table.hpp"
#include "secret_text.hpp"

namespace memberlist::cli {

namespace {

struct AgentArguments {
  AgentOptions options;
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

// Adds an option to the command, whose text goes into `options`.
class OptionAdder {
 public:
  OptionAdder(CLI::App& command, AgentOptions& options) : command_(command), options_(options) {}

  void add(const AgentOption& option) {
    std::visit([&](auto field) { add(option, field); }, option.field);
  }

 private:
  static std::string dashed(const AgentOption& option) { return std::string("--") + option.name; }

  void add(const AgentOption& option, std::optional<std::string> AgentOptions::* field) {
    command_.add_option(dashed(option), options_.*field, option.help)->type_name(option.value);
  }

  void add(const AgentOption& option, std::optional<bool> AgentOptions::* field) {
    command_.add_flag_callback(
        dashed(option), [this_options = &options_, field] { this_options->*field = true; },
        option.help);
  }

  void add(const AgentOption& option, std::vector<std::string> AgentOptions::* field) {
    command_.add_option(dashed(option), options_.*field, option.help)
        ->allow_extra_args(false)
        ->type_name(option.value);
  }

  void add(const AgentOption& option,
           std::optional<std::vector<std::string>> AgentOptions::* field) {
    const auto take = [this_options = &options_, field](const std::vector<std::string>& texts) {
      this_options->*field = texts;
    };
    command_.add_option_function<std::vector<std::string>>(dashed(option), take, option.help)
        ->allow_extra_args(false)
        ->type_name(option.value);
  }

  CLI::App& command_;
  AgentOptions& options_;
};

void add_options(CLI::App& command, AgentArguments& arguments) {
  OptionAdder adder(command, arguments.options);
  for (const AgentOption& option : kAgentOptions) adder.add(option);
  command
      .add_option("--config", arguments.config_file,
                  "TOML file with the same option names, - for standard input; options override it")
      ->type_name("FILE");
}

// What the agent was given, by `app`'s command line and by its file.
AgentOptions options_of(const AgentArguments& arguments, const CLI::App& app) {
  AgentOptions options = arguments.options;
  if (app.count("--http") + app.count("--http-token-file") > 0) {
    options.mistakes.add({kExitUsage,
                          "--http and --http-token-file before `agent` select the agent to talk "
                          "to: write them after `agent` to set the address to listen on"});
  }
  if (arguments.config_file.empty()) return options;
  return merge_options(std::move(options), read_config_file(arguments.config_file));
}

std::expected<AgentPlan, CommandError> plan_of(const AgentArguments& arguments,
                                               const CLI::App& app) {
  AgentOptions options = options_of(arguments, app);
  auto plan = plan_agent(options);
  for (std::string& key : options.keys) wipe_text(key);
  return plan;
}

}  // namespace

void add_agent_command(CLI::App& app, Run& run_chosen, Check& check) {
  const auto arguments = std::make_shared<AgentArguments>();
  CLI::App* command = add_command(
      app, "agent", "run a member until SIGINT or SIGTERM, then leave gracefully", kExample);
  command->footer("");  // CLI11 would print it after the text that the function makes
  command->footer(footer_text);
  add_options(*command, *arguments);
  command->callback([arguments, &app, &run_chosen] {
    run_chosen = [arguments, &app] {
      auto plan = plan_of(*arguments, app);
      return plan ? run_agent(std::move(*plan)) : report(plan.error());
    };
  });
  check = [arguments, &app, command]() -> std::optional<CommandError> {
    if (!command->parsed()) return std::nullopt;
    const auto plan = plan_of(*arguments, app);
    return plan ? std::nullopt : std::optional(plan.error());
  };
}

}  // namespace memberlist::cli
