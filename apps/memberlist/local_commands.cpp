#include <fmt/format.h>
#include <sys/random.h>

#include <CLI/App.hpp>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "commands.hpp"
#include "files.hpp"
#include "json_views.hpp"
#include "memberlist/key.hpp"
#include "memberlist/version.hpp"
#include "output.hpp"
#include "secret_text.hpp"
#include "text.hpp"

namespace memberlist::cli {

namespace {

int make_key(std::size_t key_bytes, const std::string& file) {
  Bytes key(key_bytes);
  // Up to 256 bytes come whole, once the kernel's generator is seeded (getrandom(2)).
  if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) {
    return report("the kernel gives no random bytes: try again");
  }
  const SecretText text(base64_encode(key) + "\n");
  const std::string fingerprint = key_fingerprint(key);
  wipe(key);
  if (file.empty()) {
    return print(text.view());
  }
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

}  // namespace

void add_local_commands(CLI::App& app, Run& run) {
  const auto key_bytes = std::make_shared<std::size_t>(32);
  CLI::App* keygen = add_command(app, "keygen", "print a new encryption key",
                                 "memberlist keygen --out cluster.key");
  const auto key_file = std::make_shared<std::string>();
  keygen->add_option("--out", *key_file, "a new file for it, that only its owner can read")
      ->type_name("FILE");
  keygen->add_option("--bytes", *key_bytes, "its length: 16, 24 or 32 (AES-128, -192, -256)")
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
}

}  // namespace memberlist::cli
