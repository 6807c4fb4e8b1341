// The commands that talk to an agent, with two agents that know each other.

#include <gtest/gtest.h>

#include <csignal>

#include "../support/reserved_port.hpp"
#include "cli_fixture.hpp"

namespace memberlist::cli_test {
namespace {

void expect_failure(const testing::Completed& completed, const std::string& part) {
  EXPECT_EQ(completed.status.code, 1);
  EXPECT_EQ(line_count(completed.error_output), 1U) << completed.error_output;
  EXPECT_NE(completed.error_output.find(part), std::string::npos) << completed.error_output;
}

class Client : public ::testing::Test {
 protected:
  Client() : a_("a", {"--meta", "first"}), b_("b", {"--join", a_.address()}) {}

  void SetUp() override {
    ASSERT_FALSE(a_.wait_for_member("join", "b").is_null());
    ASSERT_FALSE(b_.wait_for_member("join", "a").is_null());
  }

  Agent a_;
  Agent b_;
};

TEST_F(Client, MembersShowsAllFormats) {
  const Json members = a_.client_json({"members"});
  ASSERT_EQ(members.size(), 2U);
  EXPECT_EQ(members[0]["name"], "a");
  EXPECT_EQ(members[0]["self"], true);
  EXPECT_EQ(members[0]["meta"], "first");
  EXPECT_EQ(members[0]["meta_base64"], "Zmlyc3Q=");
  EXPECT_EQ(members[1]["name"], "b");
  EXPECT_EQ(members[1]["address"], b_.address());
  EXPECT_EQ(members[1]["status"], "alive");
  EXPECT_EQ(members[1]["self"], false);
  EXPECT_EQ(members[1]["protocol"], Json::parse(R"({"min":1,"max":5,"current":2})"));

  const std::string table = a_.client({"members"}).output;
  EXPECT_EQ(line_count(table), 3U) << table;
  EXPECT_TRUE(table.starts_with("NAME  ADDRESS"));
  EXPECT_EQ(table.find('\x1b'), std::string::npos);
  const std::string csv = a_.client({"members", "--format", "csv"}).output;
  EXPECT_EQ(line_count(csv), 3U) << csv;
  EXPECT_NE(csv.find("\nb," + b_.address() + ",alive,"), std::string::npos) << csv;
}

TEST_F(Client, MembersCanBeFiltered) {
  EXPECT_EQ(a_.client_json({"members", "--status", "alive"}).size(), 2U);
  EXPECT_EQ(a_.client_json({"members", "--status", "dead,left"}).size(), 0U);
}

TEST_F(Client, MembersWatchDrawsAgainOnChanges) {
  testing::Process watch(
      {{MEMBERLIST_PROGRAM, "members", "--watch", "--format", "json", "--http", a_.http()},
       {},
       {}});
  const auto first = watch.read_line(kPatience);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(Json::parse(*first).size(), 2U);
  ASSERT_TRUE(b_.client({"meta", "changed"}).status.success());
  std::optional<std::string> line;
  do {
    line = watch.read_line(kPatience);
    ASSERT_TRUE(line.has_value());
  } while (line->find("\"meta\":\"changed\"") == std::string::npos);
  watch.signal(SIGINT);
  EXPECT_TRUE(watch.wait(kPatience).value_or(testing::ExitStatus{}).success());
}

TEST_F(Client, InfoShowsTheNode) {
  const Json info = a_.client_json({"info"});
  EXPECT_EQ(info["name"], "a");
  EXPECT_EQ(info["address"], a_.address());
  EXPECT_EQ(info["http"], a_.http());
  EXPECT_EQ(info["health_score"], 0);
  EXPECT_EQ(info["members"], Json::parse(R"({"alive":2,"suspect":0,"dead":0,"left":0})"));
  EXPECT_EQ(info["view_digest"].get<std::string>().size(), 16U);
  EXPECT_GT(info["counters"]["streams_accepted"], 0U);
  EXPECT_GT(info["max_packet_payload_bytes"], 1000U);
  const std::string text = a_.client({"info"}).output;
  EXPECT_NE(text.find("2 alive, 0 suspect"), std::string::npos) << text;
}

TEST_F(Client, JoinSaysHowManyAnswered) {
  const Agent c("c");
  const auto joined = a_.client({"join", c.address()});
  EXPECT_TRUE(joined.status.success()) << joined.error_output;
  EXPECT_NE(joined.output.find("1 answered"), std::string::npos) << joined.output;
  EXPECT_EQ(a_.client_json({"members"}).size(), 3U);
  const testing::ReservedPort reserved;
  const std::string nobody = reserved.address();
  expect_failure(a_.client({"join", nobody}), nobody);
  const auto partly = a_.client({"join", nobody, c.address()});
  EXPECT_TRUE(partly.status.success());
  EXPECT_NE(partly.error_output.find(nobody), std::string::npos) << partly.error_output;
}

TEST_F(Client, MetaReachesTheOthers) {
  EXPECT_TRUE(a_.client({"meta", "second"}).status.success());
  EXPECT_EQ(b_.wait_for_member("update", "a")["member"]["meta"], "second");
  expect_failure(a_.client({"meta", std::string(513, 'x')}), "512");
}

TEST_F(Client, PingMeasures) {
  const auto one = a_.client({"ping", "b"});
  EXPECT_TRUE(one.status.success()) << one.error_output;
  EXPECT_EQ(line_count(one.output), 1U);
  EXPECT_NE(one.output.find(" ms"), std::string::npos);
  const auto three = a_.client({"ping", "b", "--count", "3"});
  EXPECT_EQ(line_count(three.output), 4U) << three.output;
  EXPECT_NE(three.output.find("3 sent, 3 answered"), std::string::npos) << three.output;
  expect_failure(a_.client({"ping", "nobody"}), "nobody");
}

TEST_F(Client, SendReachesOneMember) {
  for (const Arguments& how : {Arguments{}, Arguments{"--reliable"}}) {
    Arguments arguments{"send", "b", "hello"};
    arguments.insert(arguments.end(), how.begin(), how.end());
    const auto sent = a_.client(arguments);
    EXPECT_TRUE(sent.status.success()) << sent.error_output;
    const Json message = b_.wait_for("message");
    ASSERT_FALSE(message.is_null());
    EXPECT_EQ(message["payload"], "hello");
    EXPECT_EQ(message["payload_base64"], "aGVsbG8=");
    EXPECT_EQ(message["reliable"], !how.empty());
  }
  expect_failure(a_.client({"send", "nobody", "hello"}), "memberlist members");
  EXPECT_EQ(a_.client({"send", "b"}).status.code, 2);
  EXPECT_EQ(a_.client({"send", "b", "text", "--file", "-"}).status.code, 2);
}

TEST_F(Client, SendTakesFilesOfAnyBytes) {
  std::string bytes;
  for (int i = 0; i < 100000; ++i) {
    bytes += static_cast<char>(i * 7);
  }
  const TemporaryFile file(bytes);
  const auto sent = a_.client({"send", "b", "--file", file.path(), "--reliable"});
  EXPECT_TRUE(sent.status.success()) << sent.error_output;
  const Json message = b_.wait_for("message");
  ASSERT_FALSE(message.is_null());
  EXPECT_FALSE(message.contains("payload")) << "it is no UTF-8";
  EXPECT_EQ(message["payload_base64"].get<std::string>().size(), (bytes.size() + 2) / 3 * 4);
  expect_failure(a_.client({"send", "b", "--file", file.path()}), "--reliable");
  EXPECT_TRUE(a_.client({"send", "b", "--file", "-"}, "from stdin").status.success());
  EXPECT_EQ(b_.wait_for("message")["payload"], "from stdin");
}

TEST_F(Client, BroadcastReachesAll) {
  const auto sent = a_.client({"broadcast", "to all"});
  EXPECT_TRUE(sent.status.success()) << sent.error_output;
  EXPECT_EQ(b_.wait_for("message")["payload"], "to all");
  const TemporaryFile large(std::string(100000, 'x'));
  const std::string limit =
      std::to_string(a_.client_json({"info"})["max_packet_payload_bytes"].get<std::uint64_t>());
  expect_failure(a_.client({"broadcast", "--file", large.path()}), limit);
}

TEST_F(Client, MonitorShowsEventsAsTheyCome) {
  const auto monitor = [this](const std::string& format) {
    return testing::Process(
        {{MEMBERLIST_PROGRAM, "monitor", "--format", format, "--http", a_.http()}, {}, {}});
  };
  testing::Process json = monitor("json");
  const auto ready = json.read_line(kPatience);
  ASSERT_TRUE(ready.has_value());
  EXPECT_EQ(Json::parse(*ready)["event"], "ready");
  testing::Process text = monitor("text");
  ASSERT_TRUE(text.read_line(kPatience).has_value());
  ASSERT_TRUE(b_.client({"send", "a", "watch this"}).status.success());
  const auto line = json.read_line(kPatience);
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(Json::parse(*line)["payload"], "watch this");
  const auto words = text.read_line(kPatience);
  ASSERT_TRUE(words.has_value());
  EXPECT_NE(words->find("from b: watch this"), std::string::npos) << *words;

  json.signal(SIGINT);
  EXPECT_TRUE(json.wait(kPatience).value_or(testing::ExitStatus{}).success());
  a_.process().signal(SIGKILL);
  const auto ended = text.wait(kPatience);
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->code, 1);
  EXPECT_NE(text.error_output().find(a_.http()), std::string::npos) << text.error_output();
}

TEST(ClientOfAKilledMember, SeesItSuspectThenDead) {
  Agent a("a", quick_to_suspect());
  Agent b("b", {"--join", a.address()});
  ASSERT_FALSE(a.wait_for_member("join", "b").is_null());
  b.process().signal(SIGKILL);
  ASSERT_FALSE(a.wait_for_member("suspect", "b").is_null());
  const Json dead = a.wait_for_member("leave", "b");
  ASSERT_FALSE(dead.is_null());
  const Json members = a.client_json({"members", "--status", "dead"});
  ASSERT_EQ(members.size(), 1U);
  EXPECT_EQ(members[0]["name"], "b");
  expect_failure(a.client({"ping", "b"}), "b");
  expect_failure(a.client({"send", "b", "x", "--reliable"}), "dead");
}

}  // namespace
}  // namespace memberlist::cli_test
