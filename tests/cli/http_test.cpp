// The admin API as HTTP: its answers, and the requests it refuses.

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <csignal>
#include <memory>
#include <thread>

#include "../support/own_network.hpp"
#include "cli_fixture.hpp"

namespace memberlist::cli_test {
namespace {

class Http : public ::testing::Test {
 protected:
  HttpAnswer get(const std::string& path, const Arguments& headers = {}) const {
    return http(agent_.http(), "GET", path, "", headers);
  }
  HttpAnswer post(const std::string& path, const std::string& body,
                  const Arguments& headers = {}) const {
    return http(agent_.http(), "POST", path, body, headers);
  }

  static std::string code_of(const HttpAnswer& answer) {
    return Json::parse(answer.body).at("error").at("code");
  }

  Agent agent_{"a"};
};

TEST_F(Http, AnswersAsDocumented) {
  const auto members = get("/v1/members");
  EXPECT_EQ(members.status, 200);
  EXPECT_NE(members.head.find("application/json"), std::string::npos);
  EXPECT_EQ(Json::parse(members.body).at(0).at("name"), "a");
  EXPECT_EQ(Json::parse(get("/v1/members?status=dead").body).size(), 0U);
  EXPECT_EQ(Json::parse(get("/v1/members/a").body).at("self"), true);
  EXPECT_EQ(Json::parse(get("/v1/info").body).at("name"), "a");
  const auto meta = http(agent_.http(), "PUT", "/v1/meta", R"({"meta_base64":"/w=="})");
  EXPECT_EQ(meta.status, 200) << meta.body;
  EXPECT_EQ(Json::parse(get("/v1/members/a").body).at("meta_base64"), "/w==");
  EXPECT_EQ(post("/v1/broadcast", R"({"payload":"x","name":"one"})").status, 200);
}

TEST_F(Http, ErrorsHaveCodeAndFittingStatus) {
  const std::pair<HttpAnswer, std::pair<int, const char*>> cases[] = {
      {get("/v1/members/nobody"), {404, "unknown_member"}},
      {get("/v1/members?status=asleep"), {400, "bad_request"}},
      {get("/"), {404, "not_found"}},
      {get("/v1/join"), {405, "method_not_allowed"}},
      {post("/v1/info", "{}"), {405, "method_not_allowed"}},
      {http(agent_.http(), "POST", "/v1/info"), {405, "method_not_allowed"}},
      {http(agent_.http(), "DELETE", "/v1/meta"), {405, "method_not_allowed"}},
      {http(agent_.http(), "POST", "/v1/ping"), {400, "bad_request"}},
      {post("/v1/ping", "no json"), {400, "bad_request"}},
      {post("/v1/ping", "[]"), {400, "bad_request"}},
      {post("/v1/ping", "{}"), {400, "bad_request"}},
      {post("/v1/ping", R"({"name":7})"), {400, "bad_request"}},
      {post("/v1/ping", R"({"name":"a","nmae":"a"})"), {400, "bad_request"}},
      {post("/v1/ping", R"({"name":"nobody"})"), {404, "unknown_member"}},
      {post("/v1/send", R"({"name":"nobody","payload":"x"})"), {404, "unknown_member"}},
      {post("/v1/send", R"({"name":"a"})"), {400, "bad_request"}},
      {post("/v1/send", R"({"name":"a","payload":"x","payload_base64":"eA=="})"),
       {400, "bad_request"}},
      {post("/v1/send", R"({"name":"a","payload_base64":"?"})"), {400, "bad_request"}},
      {post("/v1/send", R"({"name":"a","payload":"x","reliable":"yes"})"), {400, "bad_request"}},
      {post("/v1/join", R"({"addresses":[]})"), {400, "bad_request"}},
      {post("/v1/join", R"({"addresses":[1]})"), {400, "bad_request"}},
      {post("/v1/broadcast", R"({"payload":")" + std::string(70000, 'x') + "\"}"),
       {413, "too_large"}},
      {post("/v1/meta", "{}"), {405, "method_not_allowed"}},
  };
  for (const auto& [answer, expected] : cases) {
    EXPECT_EQ(answer.status, expected.first) << answer.head << "\n" << answer.body;
    EXPECT_EQ(code_of(answer), expected.second) << answer.body;
  }
}

// Each would be a copy of the whole answer.
TEST_F(Http, ServesNoRanges) {
  const std::string whole = get("/v1/members").body;
  const auto ranges = get("/v1/members", {"Range: bytes=0-,0-,0-,-1"});
  EXPECT_EQ(ranges.status, 200);
  EXPECT_EQ(ranges.body, whole);
  const auto malformed = get("/v1/members", {"rAnge: bytes=0-1,5-2"});
  EXPECT_EQ(malformed.status, 200);
  EXPECT_EQ(malformed.body, whole);
  const auto of_an_error = get("/v1/nothing", {"Range: bytes=0-1"});
  EXPECT_EQ(of_an_error.status, 404);
  EXPECT_NE(of_an_error.body.find("not_found"), std::string::npos) << of_an_error.body;
}

// A value costs much more memory than its bytes in the body.
TEST_F(Http, BoundsTheValuesOfABody) {
  for (const std::string& values : {std::string(5000, '['), "[" + std::string(5000, ',') + "]"}) {
    const auto answer = post("/v1/ping", R"({"name":)" + values);
    EXPECT_EQ(answer.status, 400);
    EXPECT_NE(answer.body.find("more than 4096 values"), std::string::npos) << answer.body;
  }
  // What is within a string counts nothing.
  EXPECT_EQ(post("/v1/ping", R"({"name":"\")" + std::string(5000, '[') + "\"}").status, 404);
}

TEST_F(Http, RefusesForeignHosts) {
  for (const std::string host :
       {"evil.example", "evil.example:7947", "10.0.0.1", "localhost.evil"}) {
    const auto answer = get("/v1/members", {"Host: " + host});
    EXPECT_EQ(answer.status, 403) << host;
    EXPECT_EQ(code_of(answer), "foreign_host");
  }
  EXPECT_EQ(get("/v1/members", {"Host: localhost:8000"}).status, 200);
  EXPECT_EQ(raw_http(agent_.http(), "GET /v1/info HTTP/1.1\r\n\r\n").status, 403);
  EXPECT_EQ(get("/v1/info", {"Host: localhost", "Host: evil.example"}).status, 403);
}

TEST_F(Http, RefusesForeignOrigins) {
  const std::string body = R"({"payload":"x"})";
  for (const std::string origin : {"http://evil.example", "null", "http://127.0.0.1:1"}) {
    const auto answer = post("/v1/broadcast", body, {"Origin: " + origin});
    EXPECT_EQ(answer.status, 403) << origin;
    EXPECT_EQ(code_of(answer), "foreign_origin");
    EXPECT_EQ(get("/v1/info", {"Origin: " + origin}).status, 403) << origin;
    EXPECT_EQ(answer.head.find("Access-Control"), std::string::npos);
  }
  EXPECT_EQ(post("/v1/broadcast", body, {"Origin: http://" + agent_.http()}).status, 200);
  EXPECT_EQ(post("/v1/broadcast", body, {"Sec-Fetch-Site: cross-site"}).status, 403);
  EXPECT_EQ(http(agent_.http(), "OPTIONS", "/v1/info", "", {"Origin: http://evil.example"}).status,
            403);
}

TEST_F(Http, BoundsBodiesBeforeTheyCome) {
  const auto too_long = raw_http(agent_.http(),
                                 "PUT /v1/meta HTTP/1.1\r\nHost: localhost\r\n"
                                 "Content-Length: 999999999999\r\n\r\n");
  EXPECT_EQ(too_long.status, 413);
  const auto chunked = raw_http(agent_.http(),
                                "PUT /v1/meta HTTP/1.1\r\nHost: localhost\r\n"
                                "Transfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(chunked.status, 411);
  EXPECT_GE(get("/v1/members/" + std::string(3000, 'x')).status, 400);
  EXPECT_EQ(get("/v1/info").status, 200) << "it still serves";
}

TEST_F(Http, BoundsTheHead) {
  std::string request = "GET /v1/info HTTP/1.1\r\nHost: localhost\r\n";
  for (int i = 0; i < 2000; ++i) {
    request += "X-" + std::to_string(i) + ": many short lines\r\n";
  }
  EXPECT_EQ(raw_http(agent_.http(), request + "\r\n").status, 431);
  EXPECT_EQ(get("/v1/info").status, 200);
}

TEST_F(Http, ASilentClientDoesNotKeepTheAgentFromEnding) {
  const OpenConnection silent(agent_.http());
  const OpenConnection halfway(agent_.http());
  halfway.write("POST /v1/ping HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{");
  const OpenConnection never_reads(agent_.http());
  never_reads.write("GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto begin = std::chrono::steady_clock::now();
  agent_.process().signal(SIGTERM);
  EXPECT_EQ(agent_.process().wait(kPatience).value_or(testing::ExitStatus{}).code, 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(8))
      << "sooner than any of the server's own deadlines";
}

TEST_F(Http, StreamsEventsUntilTheAgentLeaves) {
  testing::Process monitor(
      {{MEMBERLIST_PROGRAM, "monitor", "--format", "json", "--http", agent_.http()}, {}, {}});
  ASSERT_TRUE(monitor.read_line(kPatience).has_value());
  EXPECT_EQ(Json::parse(get("/v1/info").body).at("event_subscribers"), 1);
  const auto left = http(agent_.http(), "POST", "/v1/leave");
  EXPECT_EQ(left.status, 200) << left.body;
  EXPECT_EQ(Json::parse(left.body).at("left"), true);
  const auto line = monitor.read_line(kPatience);
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(Json::parse(*line)["event"], "left");
  EXPECT_EQ(agent_.process().wait(kPatience).value_or(testing::ExitStatus{}).code, 0);
}

TEST_F(Http, BoundsTheSubscribers) {
  std::vector<testing::Process> monitors;
  for (int i = 0; i < 16; ++i) {
    monitors.push_back(testing::Process(
        {{MEMBERLIST_PROGRAM, "monitor", "--format", "json", "--http", agent_.http()}, {}, {}}));
  }
  for (auto& monitor : monitors) {
    ASSERT_TRUE(monitor.read_line(kPatience).has_value());
  }
  const auto one_more = run({"monitor", "--http", agent_.http()});
  EXPECT_EQ(one_more.status.code, 1);
  EXPECT_NE(one_more.error_output.find("16"), std::string::npos) << one_more.error_output;
  EXPECT_EQ(get("/v1/info").status, 200) << "other requests are still served";
}

// --- clients that keep a server busy ------------------------------------------------------------

std::string info_request(const std::string& more = {}) {
  return "GET /v1/info HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n";
}

// More than there may be connections; without a token, and all from one address.
TEST_F(Http, AnswersBesideHalfSentRequests) {
  std::vector<std::unique_ptr<OpenConnection>> half;
  for (int i = 0; i < 300; ++i) {
    half.push_back(std::make_unique<OpenConnection>(agent_.http()));
    half.back()->write(i % 2 == 0 ? "GET /v1/info HTTP/1.1\r\nHost: loc"
                                  : "POST /v1/ping HTTP/1.1\r\nHost: localhost\r\n"
                                    "Content-Length: 100\r\n\r\n{");
    if (i % 20 == 0) {
      EXPECT_EQ(get("/v1/info").status, 200) << i;
    }
  }
  EXPECT_EQ(get("/v1/info").status, 200);
  EXPECT_EQ(half.front()->read_to_end(), "") << "the one that has waited longest made room";
}

TEST_F(Http, EndsAHeadThatDoesNotComeToItsEnd) {
  const OpenConnection slow(agent_.http());
  slow.write("GET /v1/info HTTP/1.1\r\n");
  EXPECT_EQ(slow.read_to_end(), "");
}

TEST_F(Http, ServesManyRequestsOnOneConnection) {
  const OpenConnection connection(agent_.http());
  connection.write(info_request() + info_request());
  connection.write(info_request("Connection: close\r\n"));
  const std::string answers = connection.read_to_end();
  std::size_t count = 0;
  for (std::size_t at = 0; (at = answers.find("HTTP/1.1 200 OK\r\n", at)) != std::string::npos;
       ++at) {
    ++count;
  }
  EXPECT_EQ(count, 3U) << answers;
}

TEST_F(Http, AnswersHeadWithoutABody) {
  const auto answer = http(agent_.http(), "HEAD", "/v1/info");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(answer.head.find("Content-Length: 0"), std::string::npos) << answer.head;
}

// As `curl -d` sends it: as a form, and above 1 MB only after the server has asked for it.
TEST_F(Http, TakesLargeMessagesAsCurlSendsThem) {
  const std::string payload(12'000, 'x');
  const auto sent = post("/v1/send", R"({"name":"a","reliable":true,"payload":")" + payload + "\"}",
                         {"Content-Type: application/x-www-form-urlencoded"});
  EXPECT_EQ(sent.status, 200) << sent.body;
  EXPECT_EQ(Json::parse(sent.body).at("payload_bytes"), payload.size());
  const std::string large =
      R"({"name":"a","reliable":true,"payload":")" + std::string(2'000'000, 'x') + "\"}";
  const OpenConnection asks(agent_.http());
  asks.write(
      "POST /v1/send HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
      "Expect: 100-continue\r\nContent-Length: " +
      std::to_string(large.size()) + "\r\n\r\n");
  asks.write(large);
  const std::string answers = asks.read_to_end();
  EXPECT_NE(answers.find("HTTP/1.1 200 OK"), std::string::npos) << answers;
}

TEST_F(Http, FreesThePlaceOfAReaderThatEnds) {
  {
    const OpenConnection reader(agent_.http());
    reader.write("GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    testing::Process monitor(
        {{MEMBERLIST_PROGRAM, "monitor", "--format", "json", "--http", agent_.http()}, {}, {}});
    ASSERT_TRUE(monitor.read_line(kPatience).has_value());
  }
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (Json::parse(get("/v1/info").body).at("event_subscribers") != 0 &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(Json::parse(get("/v1/info").body).at("event_subscribers"), 0);
}

// Its address is taken away, so that neither its end nor a reset reaches the agent.
TEST(HttpReader, IsGivenUpWhenItIsGoneWithoutAWord) {
  const bool ran = testing::in_own_network([] {
    ASSERT_TRUE(testing::ip_command("addr add 10.99.0.1/32 dev lo"));
    const Agent agent("a", {"--http", "127.0.0.1:0"});
    {
      const OpenConnection reader(agent.http(), "10.99.0.1");
      reader.write("GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
      const auto readers = [&] {
        return Json::parse(http(agent.http(), "GET", "/v1/info").body)
            .at("event_subscribers")
            .get<int>();
      };
      const auto wait_for = [&](int count) {
        const auto deadline = std::chrono::steady_clock::now() + 4 * kPatience;
        while (readers() != count && std::chrono::steady_clock::now() < deadline) {
          std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        return readers() == count;
      };
      ASSERT_TRUE(wait_for(1));
      ASSERT_TRUE(testing::ip_command("addr del 10.99.0.1/32 dev lo"));
      EXPECT_TRUE(wait_for(0)) << "within about 30 s, while the reader's socket is still open";
    }
  });
  if (!ran) {
    GTEST_SKIP() << "no private network available";
  }
}

// No descriptors for a while: connections wait, and are served afterwards.
TEST_F(Http, ServesAgainAfterDescriptorsRanOut) {
  const auto limit_to = [&](rlim_t files) {
    const rlimit limit{files, 4096};
    return ::prlimit(agent_.process().pid(), RLIMIT_NOFILE, &limit, nullptr) == 0;
  };
  ASSERT_EQ(get("/v1/info").status, 200);
  ASSERT_TRUE(limit_to(4));
  const OpenConnection waiting(agent_.http());
  waiting.write(info_request("Connection: close\r\n"));
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (agent_.process().error_output().find("cannot accept") == std::string::npos &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_NE(agent_.process().error_output().find("cannot accept"), std::string::npos);
  ASSERT_TRUE(limit_to(1024));
  EXPECT_TRUE(waiting.read_to_end().starts_with("HTTP/1.1 200"));
  EXPECT_EQ(get("/v1/info").status, 200);
}

TEST(HttpToken, MakesTheHostFree) {
  const TemporaryFile token("0123456789abcdefghij\n");
  const Agent agent("a", {"--http-token-file", token.path()});
  const std::string host = "Host: some.name.example:7947";
  EXPECT_EQ(http(agent.http(), "GET", "/v1/info", "", {host}).status, 401);
  for (const std::string scheme : {"Bearer", "bearer", "BEARER"}) {
    const auto answer = http(agent.http(), "GET", "/v1/info", "",
                             {host, "Authorization: " + scheme + " 0123456789abcdefghij"});
    EXPECT_EQ(answer.status, 200) << scheme;
  }
}

TEST(HttpToken, IsNeededWhereOthersCanConnect) {
  const TemporaryFile token("# the token\n0123456789abcdefghij\n");
  const TemporaryFile other("another-token-of-20b\n");
  const Agent agent("a", {"--http", "0.0.0.0:0", "--http-token-file", token.path()});
  const std::string port = agent.http().substr(agent.http().rfind(':') + 1);
  const std::string address = "127.0.0.1:" + port;
  EXPECT_EQ(http(address, "GET", "/v1/info").status, 401);
  EXPECT_EQ(http(address, "GET", "/v1/info", "", {"Authorization: Bearer wrong"}).status, 401);
  EXPECT_EQ(
      http(address, "GET", "/v1/info", "", {"Authorization: Bearer 0123456789abcdefghij"}).status,
      200);
  EXPECT_TRUE(run({"info", "--http", address, "--http-token-file", token.path()}).status.success());
  for (const Arguments& more : {Arguments{}, Arguments{"--http-token-file", other.path()}}) {
    Arguments arguments{"info", "--http", address};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto refused = run(arguments);
    EXPECT_EQ(refused.status.code, 1);
    EXPECT_NE(refused.error_output.find("--http-token-file"), std::string::npos);
  }
  const TemporaryFile unfit("short\n");
  EXPECT_EQ(run(agent_arguments("b", {"--http-token-file", unfit.path()})).status.code, 2);
}

TEST(HttpServer, ListensOnIpv6Too) {
  const Agent agent("a", {"--http", "[::1]:0"});
  EXPECT_TRUE(agent.http().starts_with("[::1]:"));
  const auto info = run({"info", "--http", agent.http()});
  EXPECT_TRUE(info.status.success()) << info.error_output;
}

}  // namespace
}  // namespace memberlist::cli_test
