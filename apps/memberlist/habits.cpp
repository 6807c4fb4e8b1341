// What users of Serf and Consul type from memory, and what does it here.

#include <algorithm>
#include <string_view>

#include "usage.hpp"

namespace memberlist::cli {

namespace {

struct Habit {
  std::string_view command;  ///< ours that it is given to; "" for the program, "*" for any
  std::string_view word;
  std::string_view hint;
};

constexpr std::string_view kKeys =
    "`memberlist keys list`, `add`, `use` and `remove` manage the keyring";

constexpr Habit kHabits[] = {
    // commands
    {"", "event", "use `memberlist broadcast TEXT`; `memberlist monitor` shows what arrives"},
    {"", "query",
     "there are no queries: `memberlist broadcast TEXT` asks all members, `memberlist send NAME "
     "TEXT` one, and `memberlist monitor` shows what they send back"},
    {"", "force-leave",
     "a failed member is detected and removed automatically; its name can return at another "
     "address after `agent --set dead_node_reclaim_time=TIME`"},
    {"", "reachability", "use `memberlist ping NAME` for each name of `memberlist members`"},
    {"", "rtt", "use `memberlist ping NAME --count 5`"},
    {"", "tags", "a member has one text instead of tags: use `memberlist meta TEXT`"},
    {"", "keyring", kKeys},
    {"", "nodes", "use `memberlist members`"},
    {"", "catalog", "use `memberlist members`"},
    {"", "reload",
     "members, meta data and keys change at run time with `memberlist join`, `meta` and `keys`; "
     "anything else takes a restart of the agent"},
    {"", "maint", "use `memberlist leave`, and start the agent again afterwards"},
    {"", "start", "use `memberlist agent`"},
    {"", "stop", "use `memberlist leave`"},
    {"", "status", "use `memberlist info` or `memberlist members`"},
    {"", "list", "use `memberlist members`, or `memberlist keys list` for keys"},
    {"", "kv", "there is no key-value store: `memberlist meta TEXT` holds up to 512 bytes"},
    {"", "services", "there is no service catalogue: `memberlist meta TEXT` holds up to 512 bytes"},
    {"", "operator",
     "there is no Raft and no leader: all members are equal; use `memberlist members`"},
    {"", "acl",
     "there are no access rules: `memberlist agent --http-token-file FILE` protects the admin API"},
    {"", "connect",
     "there is no service mesh: `memberlist send NAME TEXT` sends a message to a member"},
    {"", "snapshot", "members are not kept on disk: use `agent --join HOST[:PORT] --retry-join`"},
    {"", "exec", "commands are never run for others: read `memberlist monitor --format json`"},
    {"", "watch", "use `memberlist members --watch` or `memberlist monitor`"},
    {"", "-v", "use `memberlist --version`"},
    {"keys", "install", "use `memberlist keys add --key-file FILE`"},
    // options of `agent`
    {"agent", "--node", "use --name NAME"},
    {"agent", "--start-join", "use --join HOST[:PORT]"},
    {"agent", "--rejoin", "use --retry-join with --join HOST[:PORT]"},
    {"agent", "--rpc-addr", "use --http HOST:PORT"},
    {"agent", "--http-addr", "use --http HOST:PORT"},
    {"agent", "--client", "use --http HOST:PORT"},
    {"agent", "--rpc-auth", "use --http-token-file FILE"},
    {"agent", "--encrypt", "use --key-file FILE, or --key BASE64"},
    {"agent", "--keyring-file", "use --key-file FILE, with one key a line"},
    {"agent", "--tag", "a member has one text instead of tags: use --meta TEXT"},
    {"agent", "--tags-file", "use --meta-file FILE"},
    {"agent", "--role", "use --meta TEXT"},
    {"agent", "--node-meta", "use --meta TEXT"},
    {"agent", "--datacenter", "use --label LABEL, which keeps clusters apart"},
    {"agent", "--config-file", "use --config FILE"},
    {"agent", "--config-dir", "use --config FILE"},
    {"agent", "--dev", "use --profile local --bind 127.0.0.1"},
    {"agent", "--iface", "use --bind HOST[:PORT]"},
    {"agent", "--protocol", "use --set protocol_version=N"},
    {"agent", "--event-handler",
     "no commands are run on events: read those of --events json, or of `memberlist monitor "
     "--format json`"},
    {"agent", "--discover", "there is no discovery: use --join HOST[:PORT]"},
    {"agent", "--snapshot", "members are not kept on disk: use --join HOST[:PORT] --retry-join"},
    {"agent", "--data-dir", "nothing is kept on disk: leave it out"},
    {"agent", "--server", "all members are equal: leave it out"},
    {"agent", "--bootstrap-expect", "all members are equal: leave it out"},
    {"agent", "--ui", "leave it out"},
    {"agent", "--retry-interval", "--retry-join chooses the pauses, from 1 s up to 30 s"},
    {"agent", "--serf-lan-port", "use --bind HOST:PORT"},
    {"agent", "--bind-port", "use --bind HOST:PORT"},
    {"agent", "--port", "use --bind HOST:PORT"},
    // options of other commands
    {"members", "--name", "filter the output of `memberlist members --format json` by name"},
    {"members", "--role", "filter the output of `memberlist members --format json` by meta data"},
    {"members", "--tag", "filter the output of `memberlist members --format json` by meta data"},
    {"members", "--detailed", "use --format json, which shows everything"},
    {"members", "--wan", "leave it out"},
    {"monitor", "--log-level",
     "`monitor` shows events; the log goes to the agent's standard error: `memberlist agent "
     "--log-level debug`"},
    {"join", "--replay", "leave it out"},
    {"keys", "--install", "use `memberlist keys add --key-file FILE`"},
    {"keys", "--use", "use `memberlist keys use --key-file FILE`"},
    {"keys", "--remove", "use `memberlist keys remove FINGERPRINT`"},
    {"keys", "--list", "use `memberlist keys list`"},
    {"leave", "--force", "use `memberlist leave`"},
    // options of all that talk to an agent
    {"*", "--rpc-addr", "use --http HOST:PORT"},
    {"*", "--http-addr", "use --http HOST:PORT"},
    {"*", "--rpc-auth", "use --http-token-file FILE"},
    {"*", "--token", "use --http-token-file FILE: others can see an option with ps"},
    {"*", "--token-file", "use --http-token-file FILE"},
    {"*", "--json", "use --format json"},
};

}  // namespace

std::string_view habit_hint(std::string_view command, std::string_view word) {
  const auto* found = std::ranges::find_if(kHabits, [&](const Habit& habit) {
    const bool any = habit.command == "*" && word.starts_with('-');
    return habit.word == word && (habit.command == command || any);
  });
  return found != std::end(kHabits) ? found->hint : std::string_view();
}

}  // namespace memberlist::cli
