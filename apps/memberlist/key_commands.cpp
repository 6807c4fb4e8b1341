#include <fmt/format.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "files.hpp"
#include "http_client.hpp"
#include "key_text.hpp"
#include "output.hpp"
#include "secret_text.hpp"
#include "text.hpp"

namespace memberlist::cli {

namespace {

struct KeyArguments {
  std::optional<std::string> key;
  std::optional<std::string> key_file;
  std::string format;
  std::optional<std::string> incoming;
  std::optional<std::string> outgoing;
};

using Answer = std::expected<Json, CommandError>;

// --- which key ----------------------------------------------------------------------------------

// What a command's key was given as: the key itself, or its fingerprint alone.
struct NamedKey {
  Bytes key;
  std::string fingerprint;

  [[nodiscard]] Json request() const {
    return key.empty() ? Json{{"fingerprint", fingerprint}}
                       : Json{{"key_base64", base64_encode(key)}};
  }
};

std::unexpected<CommandError> refusal(std::string text) {
  return std::unexpected(CommandError{kExitUsage, std::move(text)});
}

std::expected<Bytes, CommandError> only_key_of(const std::string& path) {
  auto keys = read_key_file(path);
  if (!keys) return std::unexpected(keys.error());
  if (keys->size() != 1) {
    const std::size_t count = keys->size();
    wipe(*keys);
    return refusal(fmt::format("{} holds {} keys: give a file with only one key", path, count));
  }
  return std::move(keys->front());
}

std::expected<NamedKey, CommandError> named_key(const KeyArguments& arguments,
                                                bool by_fingerprint) {
  if (arguments.key.has_value() == arguments.key_file.has_value()) {
    return refusal(by_fingerprint
                       ? "give either KEY (a fingerprint, as in `memberlist keys list`) or "
                         "--key-file FILE (- for standard input)"
                       : "give either --key-file FILE (- for standard input) or KEY");
  }
  if (arguments.key && by_fingerprint && is_fingerprint(*arguments.key)) {
    return NamedKey{{}, *arguments.key};
  }
  auto key = arguments.key ? parse_key(*arguments.key, "KEY") : only_key_of(*arguments.key_file);
  if (!key) return std::unexpected(key.error());
  if (const std::string warning = key_warning(arguments.key.value_or(""), "KEY");
      !warning.empty()) {
    warn(warning);
  }
  std::string fingerprint = key_fingerprint(*key);
  return NamedKey{std::move(*key), std::move(fingerprint)};
}

// --- what is shown ------------------------------------------------------------------------------

Json keys_of(const Json& answer) {
  return answer.is_object() ? answer.value("keys", Json::array()) : Json::array();
}

std::string verify_text(const Json& answer) {
  if (keys_of(answer).empty()) return "no keys: packets are sent and accepted in plaintext";
  return fmt::format(
      "sends {}; accepts {}",
      answer.value("gossip_verify_outgoing", true) ? "encrypted" : "plaintext",
      answer.value("gossip_verify_incoming", true) ? "only encrypted" : "plaintext and encrypted");
}

std::string keys_table(const Json& answer) {
  std::string text;
  const auto line = [&](std::string_view fingerprint, std::string_view bytes,
                        std::string_view primary, std::string_view encrypted,
                        std::string_view decrypted) {
    fmt::format_to(std::back_inserter(text), "{:<16}  {:>5}  {:<7}  {:>12}  {:>12}\n", fingerprint,
                   bytes, primary, encrypted, decrypted);
  };
  const Json keys = keys_of(answer);
  if (!keys.empty()) line("KEY", "BYTES", "PRIMARY", "ENCRYPTED", "DECRYPTED");
  for (const Json& key : keys) {
    line(escape_controls(key.value("fingerprint", "?")), fmt::to_string(key.value("bytes", 0U)),
         key.value("primary", false) ? "yes" : "",
         fmt::to_string(key.value("encrypted", std::uint64_t{0})),
         fmt::to_string(key.value("decrypted", std::uint64_t{0})));
  }
  return text + verify_text(answer) + "\n";
}

std::string ring_text(const Json& answer) {
  const std::size_t count = keys_of(answer).size();
  return fmt::format("{} {} in the keyring; {}", count, count == 1 ? "key" : "keys",
                     verify_text(answer));
}

// --- the commands -------------------------------------------------------------------------------

std::expected<int, CommandError> list(const KeyArguments& arguments, AdminClient& client) {
  const auto answer = client.get("/v1/keys");
  if (!answer) return std::unexpected(answer.error());
  return print(arguments.format == "json" ? to_line(*answer) + "\n" : keys_table(*answer));
}

// Sends the key to `path`; `done` says with the fingerprint what came of it.
std::expected<int, CommandError> change(const KeyArguments& arguments, AdminClient& client,
                                        const std::string& path, bool by_fingerprint,
                                        std::string_view done) {
  auto named = named_key(arguments, by_fingerprint);
  if (!named) return std::unexpected(named.error());
  const auto answer = client.post(path, named->request());
  wipe(named->key);
  if (!answer) return std::unexpected(answer.error());
  return print(fmt::format("key {} {}; {}\n", named->fingerprint, done, ring_text(*answer)));
}

std::expected<int, CommandError> verify(const KeyArguments& arguments, AdminClient& client) {
  Json request = Json::object();
  for (const auto& [field, given] :
       {std::pair{"incoming", &arguments.incoming}, std::pair{"outgoing", &arguments.outgoing}}) {
    if (*given) request[field] = **given == "on";
  }
  if (request.empty()) return refusal("give --incoming on|off, --outgoing on|off or both");
  const auto answer = client.put("/v1/keys/verify", request);
  if (!answer) return std::unexpected(answer.error());
  return print(ring_text(*answer) + "\n");
}

using Action = std::function<std::expected<int, CommandError>(const KeyArguments&, AdminClient&)>;

CLI::App* add_key_command(CLI::App& keys, Run& run, AgentTarget& target, const std::string& name,
                          const std::string& description, const std::string& example,
                          const std::shared_ptr<KeyArguments>& arguments, Action action) {
  return add_asking_command(keys, run, name, description, example, target,
                            [arguments, action = std::move(action)](AdminClient& client) {
                              return action(*arguments, client);
                            });
}

void add_change(CLI::App& keys, Run& run, AgentTarget& target, const std::string& name,
                const std::string& description, const std::string& example, bool by_fingerprint,
                const std::string& done) {
  const auto arguments = std::make_shared<KeyArguments>();
  CLI::App* command = add_key_command(keys, run, target, name, description, example, arguments,
                                      [path = "/v1/keys/" + name, by_fingerprint, done](
                                          const KeyArguments& given, AdminClient& client) {
                                        return change(given, client, path, by_fingerprint, done);
                                      });
  command
      ->add_option("KEY", arguments->key,
                   by_fingerprint
                       ? "the key's fingerprint, as in `keys list`; or the key itself"
                       : "the key in base64; other users can see it with ps: prefer --key-file")
      ->type_name("");
  command
      ->add_option("--key-file", arguments->key_file,
                   "the key from a file as for `memberlist agent --key-file`, - for standard input")
      ->type_name("FILE");
}

}  // namespace

void add_key_commands(CLI::App& app, Run& run, AgentTarget& target) {
  CLI::App* keys =
      add_command(app, "keys", "show and change the encryption keys of a running agent",
                  "memberlist keys add --key-file new.key");
  keys->require_subcommand(1);
  add_target_options(*keys, target);

  const auto list_arguments = std::make_shared<KeyArguments>();
  add_key_command(*keys, run, target, "list",
                  "show the keys by fingerprint, the primary first, and how often each was used",
                  "memberlist keys list --format json", list_arguments, list)
      ->add_option("--format", list_arguments->format)
      ->check(CLI::IsMember({"table", "json"}))
      ->default_str("table");
  list_arguments->format = "table";
  add_change(*keys, run, target, "add", "add a key for decryption; the first key also encrypts",
             "memberlist keys add --key-file new.key", false, "is there");
  add_change(*keys, run, target, "use", "make a key of the keyring the primary, which encrypts",
             "memberlist keys use --key-file new.key", true, "is the primary");
  add_change(*keys, run, target, "remove", "remove a key that is not the primary",
             "memberlist keys remove 2ae1f3c9b0d47a55", true, "is gone");

  const auto verify_arguments = std::make_shared<KeyArguments>();
  CLI::App* command = add_key_command(
      *keys, run, target, "verify",
      "switch the encryption of outgoing traffic and the rejection of plaintext",
      "memberlist keys verify --incoming off --outgoing on", verify_arguments, verify);
  command->add_option("--incoming", verify_arguments->incoming, "reject plaintext: on or off")
      ->check(CLI::IsMember({"on", "off"}))
      ->type_name("on|off");
  command
      ->add_option("--outgoing", verify_arguments->outgoing, "encrypt outgoing traffic: on or off")
      ->check(CLI::IsMember({"on", "off"}))
      ->type_name("on|off");
}

}  // namespace memberlist::cli
