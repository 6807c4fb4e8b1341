// The agent's configuration file, up to the plan that is made of it; and the same options given a
// second time by the command line.
//
// Input: the file.

#include <string>

#include "agent_options.hpp"
#include "config_file.hpp"
#include "support/input.hpp"

namespace memberlist::fuzz {
namespace {

using namespace memberlist::cli;

void require_error(const CommandError& error) {
  require(error.exit_code == kExitUsage, "a file that cannot be used is an error of its writer");
  require(!error.text.empty(), "an error says what is wrong");
}

void plan(AgentOptions options) {
  // Another file's content is not this file's fault.
  options.meta_file.reset();
  options.key_file.reset();
  options.http_token_file.reset();
  const auto made = plan_agent(options);
  if (!made) return require_error(made.error());
  if (const auto valid = made->config.validate(); !valid) {
    require(!valid.error().message.empty(), "the library says what it does not take");
  }
}

}  // namespace
}  // namespace memberlist::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memberlist;
  // Of its very size, and not closed by a zero.
  const Bytes file = to_bytes(fuzz::Input(data, size).rest());
  const cli::AgentOptions options = cli::parse_config(as_text(file), "agent.toml");
  if (const auto error = options.mistakes.error()) {
    fuzz::require_error(*error);
  }
  fuzz::plan(options);
  fuzz::plan(cli::merge_options(options, options));
  return 0;
}
