#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "commands.hpp"
#include "memberlist/version.hpp"
#include "mistakes.hpp"
#include "output.hpp"
#include "usage.hpp"

namespace memberlist::cli {

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::string& example) {
  CLI::App* command = app.add_subcommand(name, description);
  command->footer("Example: " + example);
  return command;
}

namespace {

// The mistakes in the command line: unknown options, and those that `check` finds after them.
CommandError misuse(const CLI::App& app, const CLI::ParseError& error, const Check& check,
                    std::span<char* const> arguments) {
  Mistakes mistakes;
  for (std::string& text : explain_misuse(app, error, arguments)) {
    mistakes.add({kExitUsage, std::move(text)});
  }
  // After another error the options do not have their values.
  const bool all_read = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  if (const auto more = all_read ? check() : std::nullopt) mistakes.add(*more);
  return mistakes.error().value_or(CommandError{kExitUsage, "the command line is wrong"});
}

int answer_misuse(const CLI::App& app, const CLI::ParseError& error, const Check& check,
                  std::span<char* const> arguments) {
  if (const CLI::App* command = short_help_wanted(app)) return print(help_text(*command));
  if (lacks_command(app, error)) print(help_text(chosen_command(app)));
  return report(misuse(app, error, check, arguments));
}

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app("Cluster membership over HashiCorp memberlist's protocol.", "memberlist");
  app.footer("Each command has --help with an example. Start with: memberlist agent --help");
  app.set_version_flag("--version", "memberlist " + std::string(version()));
  // One command at a time; what follows it is its own, even if it is the name of another.
  app.require_subcommand(0, 1);
  app.set_help_flag("--help", "print this help (also -h)");
  Run run_chosen;
  AgentTarget target = default_target();
  add_target_options(app, target);
  Check check;
  add_agent_command(app, run_chosen, check);
  add_client_commands(app, run_chosen, target);
  add_key_commands(app, run_chosen, target);
  add_sim_commands(app, run_chosen);
  add_local_commands(app, run_chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return print(help_text(chosen_command(app)));
  } catch (const CLI::CallForVersion&) {
    return print(app.version() + "\n");
  } catch (const CLI::ParseError& error) {
    return answer_misuse(app, error, check, std::span(argv, static_cast<std::size_t>(argc)));
  }
  if (!run_chosen) return print(help_text(app));
  return run_chosen();
}

}  // namespace memberlist::cli
