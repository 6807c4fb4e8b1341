#include <fmt/format.h>
#include <sys/random.h>

#include <CLI/App.hpp>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "commands.hpp"
#include "json_views.hpp"
#include "memberlist/version.hpp"
#include "output.hpp"
#include "text.hpp"

namespace memberlist::cli {

namespace {

int print_key(std::size_t key_bytes) {
  Bytes key(key_bytes);
  // Up to 256 bytes come whole, once the kernel's generator is seeded (getrandom(2)).
  if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) {
    return report("the kernel gives no random bytes: try again");
  }
  return write_out(base64_encode(key) + "\n") ? kExitDone
                                              : report("standard output cannot be written");
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

}  // namespace

void add_local_commands(CLI::App& app, Run& run) {
  const auto key_bytes = std::make_shared<std::size_t>(32);
  CLI::App* keygen = add_command(app, "keygen", "print a new encryption key",
                                 "memberlist keygen --bytes 16 > cluster.key");
  keygen->add_option("--bytes", *key_bytes, "its length: 16, 24 or 32 (AES-128, -192, -256)")
      ->check(CLI::IsMember({16, 24, 32}))
      ->capture_default_str()
      ->type_name("N");
  keygen->callback([key_bytes, &run] { run = [key_bytes] { return print_key(*key_bytes); }; });

  const auto format = std::make_shared<std::string>("text");
  CLI::App* version_command = add_command(app, "version", "print the version of this program",
                                          "memberlist version --format json");
  version_command->add_option("--format", *format)
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  version_command->callback([format, &run] { run = [format] { return print_version(*format); }; });
}

}  // namespace memberlist::cli
