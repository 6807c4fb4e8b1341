#include <fmt/format.h>
#include <sys/random.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <expected>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "commands.hpp"
#include "files.hpp"
#include "json_views.hpp"
#include "memberlist/key.hpp"
#include "memberlist/version.hpp"
#include "output.hpp"
#include "secret_text.hpp"
#include "text.hpp"
#include "usage.hpp"

namespace memberlist::cli {

namespace {

int make_key(std::size_t key_bytes, const std::string& file) {
  Bytes key(key_bytes);
  // Up to 256 bytes come whole, once the kernel's generator is seeded (getrandom(2)).
  if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) {
    return report("the kernel returned no random bytes: try again");
  }
  const SecretText text(base64_encode(key) + "\n");
  const std::string fingerprint = key_fingerprint(key);
  wipe(key);
  if (file.empty()) return print(text.view());
  if (const auto written = write_secret_file(file, text.view()); !written) {
    return report(written.error());
  }
  return print(fmt::format("key {} written to {}\n", fingerprint, escape_controls(file)));
}

int print_version(const std::string& format) {
  const Json json{{"version", version()},
                  {"protocol", {{"min", kProtocolVersionMin}, {"max", kProtocolVersionMax}}}};
  const std::string text = fmt::format("memberlist {} (protocol {} to {})", version(),
                                       kProtocolVersionMin, kProtocolVersionMax);
  return write_out((format == "json" ? to_line(json) : text) + "\n")
             ? kExitDone
             : report("standard output cannot be written");
}

// The command of these names, below `app`; else what is wrong with them.
std::expected<const CLI::App*, std::string> named_command(const CLI::App& app,
                                                          const std::vector<std::string>& names) {
  const CLI::App* command = &app;
  for (const std::string& name : names) {
    const auto all = command->get_subcommands({});
    const auto found = std::ranges::find(all, name, &CLI::App::get_name);
    if (found == all.end()) {
      const std::string_view habit = command == &app ? habit_hint("", name) : std::string_view();
      const std::string hint = habit.empty()
                                   ? fmt::format("see `{} --help`", command_text(*command))
                                   : std::string(habit);
      return std::unexpected(fmt::format("there is no command `{}`: {}", name, hint));
    }
    command = *found;
  }
  return command;
}

void add_help_command(CLI::App& app, Run& run) {
  const auto names = std::make_shared<std::vector<std::string>>();
  CLI::App* command = add_command(app, "help", "print the help of a command, same as its --help",
                                  "memberlist help keys add");
  command->add_option("COMMAND", *names, "the command; without one, all are listed")
      ->type_name("...");
  command->callback([&app, names, &run] {
    run = [&app, names] {
      const auto named = named_command(app, *names);
      return named ? print(help_text(**named)) : report(CommandError{kExitUsage, named.error()});
    };
  });
}

}  // namespace

void add_local_commands(CLI::App& app, Run& run) {
  const auto key_bytes = std::make_shared<std::size_t>(32);
  CLI::App* keygen = add_command(app, "keygen", "print a new encryption key",
                                 "memberlist keygen --out cluster.key");
  const auto key_file = std::make_shared<std::string>();
  keygen
      ->add_option("--out", *key_file,
                   "write the key to this new file, which only its owner can read")
      ->type_name("FILE");
  keygen->add_option("--bytes", *key_bytes, "length of the key: 16, 24 or 32 (AES-128, -192, -256)")
      ->check(CLI::IsMember({16, 24, 32}))
      ->capture_default_str()
      ->type_name("N");
  keygen->callback([key_bytes, key_file, &run] {
    run = [key_bytes, key_file] { return make_key(*key_bytes, *key_file); };
  });

  const auto format = std::make_shared<std::string>("text");
  CLI::App* version_command = add_command(app, "version", "print the version of this program",
                                          "memberlist version --format json");
  version_command->add_option("--format", *format)
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  version_command->callback([format, &run] { run = [format] { return print_version(*format); }; });
  add_help_command(app, run);
}

}  // namespace memberlist::cli
