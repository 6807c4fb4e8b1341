#pragma once

#include <functional>
#include <optional>
#include <string>

#include "http_client.hpp"

namespace CLI {
class App;
}

namespace memberlist::cli {

/// The action of the chosen command; set while the command line is parsed. Returns the exit code.
using Run = std::function<int()>;

/// Checks a command's arguments for further mistakes, once the command line is parsed as far as
/// possible.
using Check = std::function<std::optional<CommandError>()>;

/// Parses the command line and runs the command. Returns the exit code.
int run_command_line(int argc, char** argv);

void add_agent_command(CLI::App& app, Run& run, Check& check);
/// What shows and changes a running agent. They ask the one that `target` names once the command
/// line is read; it outlives `run`.
void add_client_commands(CLI::App& app, Run& run, AgentTarget& target);
/// `keys` and its commands: a running agent's keyring.
void add_key_commands(CLI::App& app, Run& run, AgentTarget& target);
/// `sim` and its commands: clusters in virtual time.
void add_sim_commands(CLI::App& app, Run& run);
/// What needs no agent.
void add_local_commands(CLI::App& app, Run& run);

/// Adds a command whose help ends with an example.
CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::string& example);
/// The agent given by the environment, or the default one.
AgentTarget default_target();
/// Adds `--http` and `--http-token-file`. Every level of a command has them, all for the same
/// target: they can be given before and after the name of the subcommand, and the inner one wins.
void add_target_options(CLI::App& command, AgentTarget& target);
/// What a command does with an agent.
using Ask = std::function<std::expected<int, CommandError>(AdminClient&)>;
/// Adds a command that talks to the agent given by `target` after the command line was parsed.
CLI::App* add_asking_command(CLI::App& app, Run& run, const std::string& name,
                             const std::string& description, const std::string& example,
                             AgentTarget& target, Ask ask);
/// Connects to an agent's API, performs an operation, and reports errors. Returns the exit code.
int with_agent(const AgentTarget& target, const Ask& ask);

/// `monitor`: prints events until SIGINT or SIGTERM.
int run_monitor(const AgentTarget& target, const std::string& format);
/// `members --watch`: prints what `draw` returns, now and after each change, until SIGINT or
/// SIGTERM or until it returns an error.
int run_watch(const AgentTarget& target,
              const std::function<std::expected<std::string, CommandError>(AdminClient&)>& draw);

}  // namespace memberlist::cli
