#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <span>
#include <string>

#include "commands.hpp"
#include "memberlist/version.hpp"
#include "output.hpp"
#include "usage.hpp"

namespace memberlist::cli {

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::string& example) {
  CLI::App* command = app.add_subcommand(name, description);
  command->footer("Example: " + example);
  return command;
}

int run_command_line(int argc, char** argv) {
  CLI::App app("Cluster membership on the wire of HashiCorp memberlist.", "memberlist");
  app.footer("Each command has --help with an example. Start with: memberlist agent --help");
  app.set_version_flag("--version", "memberlist " + std::string(version()));
  // One command at a time; what follows it is its own, even if it is the name of another.
  app.require_subcommand(0, 1);
  app.set_help_flag("--help", "print this help, as -h does");
  Run run_chosen;
  AgentTarget target = default_target();
  add_target_options(app, target);
  add_agent_command(app, run_chosen);
  add_client_commands(app, run_chosen, target);
  add_key_commands(app, run_chosen, target);
  add_local_commands(app, run_chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return print(help_text(chosen_command(app)));
  } catch (const CLI::CallForVersion&) {
    return print(app.version() + "\n");
  } catch (const CLI::ParseError& error) {
    if (const CLI::App* command = short_help_wanted(app)) {
      return print(help_text(*command));
    }
    return report(CommandError{
        kExitUsage, explain_misuse(app, error, std::span(argv, static_cast<std::size_t>(argc)))});
  }
  if (!run_chosen) {
    return print(help_text(app));
  }
  return run_chosen();
}

}  // namespace memberlist::cli
