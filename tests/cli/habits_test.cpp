// What users of Serf and Consul type from memory, misspellings, and options before and after the
// name of a command: each is answered by the equivalent here.

#include <gtest/gtest.h>

#include "../support/reserved_port.hpp"
#include "cli_fixture.hpp"

namespace memberlist::cli_test {
namespace {

const std::string kKey = "MDEyMzQ1Njc4OWFiY2RlZg==";

struct Typed {
  Arguments arguments;
  const char* answer;
  std::size_t mistakes = 1;
};

// Wrong usage, answered in a line for each mistake, of which one has `answer` in it.
void expect_hints(const std::vector<Typed>& all) {
  for (const auto& [arguments, answer, mistakes] : all) {
    const auto completed = run(arguments);
    EXPECT_EQ(completed.status.code, 2) << completed.error_output;
    EXPECT_EQ(completed.output, "");
    EXPECT_EQ(line_count(completed.error_output), mistakes) << completed.error_output;
    EXPECT_NE(completed.error_output.find(answer), std::string::npos)
        << "expected '" << answer << "' in: " << completed.error_output;
    EXPECT_EQ(completed.error_output.find(kKey), std::string::npos) << "a key must not be shown";
  }
}

TEST(Habits, SerfsGettingStartedIsAnswered) {
  expect_hints({
      {{"agent", "-node=agent-one", "-bind=172.20.20.10"}, "use --name NAME", 2},
      {{"agent", "-bind=172.20.20.10", "-node=agent-one"}, "--bind", 2},
      {{"agent", "-log-level=debug"}, "long options take two dashes: --log-level"},
      {{"agent", "-name", "a"}, "`-name`: long options take two dashes: --name"},
      {{"agent", "-event-handler=./handler.sh"}, "--events json"},
      {{"agent", "-tag", "role=db"}, "--meta TEXT"},
      {{"agent", "-encrypt=" + kKey}, "--key-file"},
      {{"agent", "-rpc-addr=127.0.0.1:7374"}, "--http HOST:PORT"},
      {{"agent", "-discover=cluster"}, "--join"},
      {{"agent", "-profile=local"}, "--profile"},
      {{"members", "-status=alive"}, "long options take two dashes: --status"},
      {{"members", "-name=web-01"}, "--format json"},
      {{"members", "-rpc-addr=127.0.0.1:7373"}, "--http HOST:PORT"},
      {{"members", "-http=127.0.0.1:7947"}, "long options take two dashes: --http"},
      {{"event", "deploy", "4b2f"}, "memberlist broadcast TEXT"},
      {{"query", "load"}, "memberlist send NAME TEXT"},
      {{"force-leave", "agent-two"}, "removed automatically"},
      {{"reachability"}, "memberlist ping NAME"},
      {{"rtt", "a", "b"}, "memberlist ping NAME"},
      {{"tags", "-set", "role=web"}, "memberlist meta TEXT"},
      {{"keys", "-install", kKey}, "memberlist keys add"},
      {{"keys", "-use", kKey}, "memberlist keys use"},
      {{"keys", "-remove", kKey}, "memberlist keys remove"},
      {{"keys", "-list"}, "memberlist keys list"},
      {{"keys", "install", kKey}, "memberlist keys add"},
      {{"monitor", "-log-level=debug"}, "memberlist agent --log-level"},
      {{"info", "-format=json"}, "long options take two dashes: --format"},
      {{"-version"}, "long options take two dashes: --version"},
      {{"-v"}, "memberlist --version"},
  });
}

TEST(Habits, ConsulsGettingStartedIsAnswered) {
  expect_hints({
      {{"agent", "-dev"}, "--profile local"},
      {{"agent", "-server", "-bootstrap-expect=1"}, "all members are equal", 2},
      {{"agent", "-data-dir=/tmp/consul"}, "nothing is kept on disk"},
      {{"agent", "-config-dir=/etc/consul.d"}, "--config FILE"},
      {{"agent", "-client=0.0.0.0"}, "--http HOST:PORT"},
      {{"agent", "--node", "one"}, "use --name NAME"},
      {{"members", "-detailed"}, "--format json"},
      {{"members", "-http-addr=127.0.0.1:8500"}, "--http HOST:PORT"},
      {{"members", "-token=abc"}, "--http-token-file"},
      {{"keyring", "-list"}, "memberlist keys list"},
      {{"catalog", "nodes"}, "memberlist members"},
      {{"kv", "put", "a", "b"}, "memberlist meta"},
      {{"reload"}, "memberlist join"},
      {{"operator", "raft", "list-peers"}, "memberlist members"},
      {{"acl", "bootstrap"}, "--http-token-file"},
      {{"connect", "proxy"}, "memberlist send"},
      {{"snapshot", "save", "a"}, "--retry-join"},
  });
}

TEST(Habits, MisspellingsAreRecognized) {
  expect_hints({
      {{"agnet"}, "there is no command `agnet`: did you mean `agent`?"},
      {{"member"}, "did you mean `members`?"},
      {{"keys", "ad"}, "there is no command `keys ad`: did you mean `keys add`?"},
      {{"members", "--fromat", "json"}, "there is no option `--fromat`: did you mean --format?"},
      {{"agent", "--nmae", "a"}, "did you mean --name?"},
      {{"agent", "--probe=3"}, "there is no option `--probe`"},
      {{"help", "agnet"}, "there is no command `agnet`"},
      {{"members", "extra"}, "`extra` is not expected here"},
      {{"keys", "add", kKey, kKey}, "looks like a key"},
      {{kKey}, "looks like a key"},
  });
}

TEST(Habits, HelpIsACommandToo) {
  EXPECT_EQ(run({"help"}).output, run({"--help"}).output);
  EXPECT_EQ(run({"help", "agent"}).output, run({"agent", "--help"}).output);
  EXPECT_EQ(run({"help", "keys", "add"}).output, run({"keys", "add", "--help"}).output);
  EXPECT_EQ(run({"members", "-h"}).output, run({"members", "--help"}).output);
  EXPECT_EQ(run({"keys", "-help"}).output, run({"keys", "--help"}).output);
  EXPECT_NE(run({"help", "rtt"}).error_output.find("memberlist ping"), std::string::npos);
}

TEST(Habits, TheAgentIsNamedAtAnyLevel) {
  const Agent agent("a");
  const testing::ReservedPort reserved;
  const Environment elsewhere{{"MEMBERLIST_HTTP", reserved.address()}};
  const std::string here = agent.http();
  const std::vector<Arguments> all{
      {"--http", here, "members"},
      {"members", "--http", here},
      {"--http", reserved.address(), "members", "--http", here},
      {"--http", here, "keys", "add", kKey},
      {"keys", "--http", here, "add", kKey},
      {"keys", "add", "--http=" + here, kKey},
      {"--http", reserved.address(), "keys", "--http", here, "list"},
  };
  for (const Arguments& arguments : all) {
    const auto completed = run(arguments, elsewhere);
    EXPECT_TRUE(completed.status.success()) << completed.error_output;
  }
  EXPECT_EQ(run({"--http", here, "agent"}).status.code, 2) << "an agent asks no other";
}

TEST(Habits, AnArgumentMayBeTheNameOfACommand) {
  const Agent named("members");
  Agent asked("b", {"--join", named.address()});
  ASSERT_FALSE(asked.wait_for("joined").is_null());
  for (const Arguments& arguments : std::vector<Arguments>{
           {"ping", "members"}, {"send", "members", "info"}, {"broadcast", "leave"}}) {
    const auto completed = asked.client(arguments);
    EXPECT_TRUE(completed.status.success()) << completed.error_output;
  }
}

}  // namespace
}  // namespace memberlist::cli_test
