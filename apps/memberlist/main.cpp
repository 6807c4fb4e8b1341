#include <csignal>
#include <exception>
#include <string>

#include "commands.hpp"
#include "output.hpp"

int main(int argc, char** argv) {
  // A reader that goes away is an error of that write, not the end of a member.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return memberlist::cli::run_command_line(argc, argv);
  } catch (const std::exception& error) {
    return memberlist::cli::report(std::string("cannot go on: ") + error.what());
  }
}
