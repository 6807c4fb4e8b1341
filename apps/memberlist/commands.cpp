#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <string>

#include "commands.hpp"
#include "memberlist/version.hpp"
#include "output.hpp"
#include "text.hpp"

namespace memberlist::cli {

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::string& example) {
  CLI::App* command = app.add_subcommand(name, description);
  command->footer("Example: " + example);
  return command;
}

namespace {

int misused(const CLI::App& app, std::string what) {
  // CLI11's texts may have several lines, and may end with a full stop.
  for (char& c : what) {
    c = c == '\n' ? ' ' : c;
  }
  while (what.ends_with('.') || what.ends_with(' ')) {
    what.pop_back();
  }
  std::string command = "memberlist";
  for (const CLI::App* chosen : app.get_subcommands()) {
    command += " " + chosen->get_name();
  }
  return report(CommandError{kExitUsage, fmt::format("{}: see `{} --help`", what, command)});
}

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app("Cluster membership on the wire of HashiCorp memberlist.", "memberlist");
  app.footer("Each command has --help with an example. Start with: memberlist agent --help");
  app.set_version_flag("--version", "memberlist " + std::string(version()));
  Run run_chosen;
  add_agent_command(app, run_chosen);
  add_client_commands(app, run_chosen);
  add_key_commands(app, run_chosen);
  add_local_commands(app, run_chosen);
  if (argc > 1 && argv[1][0] != '-') {
    const auto named = [&](const CLI::App* command) { return command->check_name(argv[1]); };
    if (app.get_subcommands(named).empty()) {
      return misused(app, fmt::format("there is no command `{}`", escape_controls(argv[1])));
    }
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return write_out(app.help()) ? kExitDone : kExitFailed;
  } catch (const CLI::CallForVersion&) {
    return write_out(app.version() + "\n") ? kExitDone : kExitFailed;
  } catch (const CLI::ParseError& error) {
    return misused(app, error.what());
  }
  if (!run_chosen) {
    return write_out(app.help()) ? kExitDone : kExitFailed;
  }
  return run_chosen();
}

}  // namespace memberlist::cli
