// The admin server's limits, made small, with clients that do not behave. None of the tests waits
// for one of the other limits: those are minutes.

#include "http_server.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "end_of_service.hpp"

namespace memberlist::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 30s;
constexpr int kPatienceMs = 30'000;
constexpr auto kShort = 100ms;
constexpr auto kLong = 10min;
constexpr const char* kToken = "0123456789abcdef";

sockaddr_in loopback(const char* ip, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  ::inet_pton(AF_INET, ip, &address.sin_addr);
  return address;
}

// A client that sends and reads what a test wants it to, and gives up after `kPatience`.
class Client {
 public:
  explicit Client(const Address& server, const char* from = "127.0.0.1")
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    // The smallest, so that it is soon full.
    const int bytes = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    const sockaddr_in own = loopback(from, 0);
    const sockaddr_in to = loopback("127.0.0.1", server.port);
    if (fd_ < 0 || ::bind(fd_, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 ||
        ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
      ::close(fd_);
      throw std::runtime_error("cannot connect");
    }
  }
  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { ::close(fd_); }

  int fd() const { return fd_; }

  // False if the server has closed the connection.
  bool write(std::string_view text) const {
    return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) >= 0;
  }

  // What comes until `end` is in it, or until the connection ends.
  std::string read_until(std::string_view end) const {
    std::string all;
    std::array<char, 65536> buffer{};
    while (end.empty() || all.find(end) == std::string::npos) {
      pollfd readable{fd_, POLLIN, 0};
      if (::poll(&readable, 1, kPatienceMs) <= 0) {
        ADD_FAILURE() << "nothing came, and the connection has not ended; before: " << all;
        return all;
      }
      const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
      if (got <= 0) return all;
      all.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return all;
  }
  std::string read_to_end() const { return read_until({}); }

  // Whether the server ends the connection without being read.
  bool is_cut_off() const {
    pollfd ended{fd_, POLLRDHUP, 0};
    return ::poll(&ended, 1, kPatienceMs) == 1;
  }

 private:
  int fd_;
};

// Accepts connections and sends nothing: a member that joins there waits.
class SilentListener {
 public:
  SilentListener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback("127.0.0.1", 0);
    socklen_t size = sizeof address;
    if (fd_ < 0 || ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::listen(fd_, 16) != 0 ||
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("cannot listen");
    }
    port_ = ntohs(address.sin_port);
  }
  SilentListener(const SilentListener&) = delete;
  SilentListener& operator=(const SilentListener&) = delete;
  ~SilentListener() { ::close(fd_); }
  std::uint16_t port() const { return port_; }
  // Until there is a connection.
  void wait() const {
    pollfd dialled{fd_, POLLIN, 0};
    EXPECT_EQ(::poll(&dialled, 1, kPatienceMs), 1);
  }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

std::string get(const std::string& path, const std::string& headers = {}) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n";
}

std::string post(const std::string& path, const std::string& body,
                 const std::string& headers = {}) {
  return "POST " + path +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         headers + "\r\n" + body;
}

// The head of a request whose body waits until it is asked for.
std::string upload_head(std::size_t bytes) {
  return "POST /v1/send HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: " +
         std::to_string(bytes) + "\r\n\r\n";
}

Memberlist lonely_member() {
  Config config = Config::local();
  config.name = "a";
  config.bind = {IpAddress::v4(127, 0, 0, 1), 0};
  config.tcp_timeout = kLong;
  auto list = Memberlist::create(std::move(config));
  if (!list) throw std::runtime_error(list.error().message);
  return *std::move(list);
}

HttpLimits patient_limits() {
  HttpLimits limits;
  limits.head_timeout = limits.idle_timeout = limits.body_timeout = limits.write_timeout = kLong;
  limits.linger_timeout = kLong;
  return limits;
}

class HttpServerTest : public ::testing::Test {
 protected:
  ~HttpServerTest() override {
    hub_.close(0ms);
    list_.shutdown();
    if (server_) server_->stop();
  }

  void serve(const HttpLimits& limits, std::optional<std::string> token = std::nullopt) {
    auto bound = AdminServer::bind({IpAddress::v4(127, 0, 0, 1), 0}, std::move(token), limits);
    ASSERT_TRUE(bound.has_value());
    server_ = std::move(*bound);
    server().serve(api_, hub_, [](LogLevel, std::string_view) {});
  }

  AdminServer& server() {
    if (!server_) throw std::logic_error("it does not serve yet");
    return *server_;
  }
  Client client(const char* from = "127.0.0.1") { return Client(server().address(), from); }

  // The answer to one request, with a connection of its own.
  std::string ask(const std::string& request) {
    const Client asks = client();
    EXPECT_TRUE(asks.write(request));
    return asks.read_until("}\n");
  }

  std::string join_request() const {
    return post("/v1/join",
                R"({"addresses":["127.0.0.1:)" + std::to_string(listener_.port()) + "\"]}");
  }

  bool wait_for_subscribers(std::size_t count) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (hub_.subscriber_count() != count && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(2ms);
    }
    return hub_.subscriber_count() == count;
  }

  SilentListener listener_;
  Memberlist list_ = lonely_member();
  EventHub hub_{EventFormat::off};
  AgentMetrics metrics_;
  AdminApi api_{list_, hub_, metrics_, "", [] {}};
  std::optional<AdminServer> server_;
};

bool is_ok(const std::string& answer) { return answer.starts_with("HTTP/1.1 200 "); }
bool is_busy(const std::string& answer) {
  return answer.starts_with("HTTP/1.1 503 ") && answer.find("\"busy\"") != std::string::npos;
}

// --- how many ------------------------------------------------------------------------------------

TEST_F(HttpServerTest, CallsBeyondTheLimitAreTold) {
  HttpLimits limits = patient_limits();
  limits.calls = 2;
  limits.call_threads = 1;
  serve(limits);
  std::vector<Client> joiners;
  std::vector<pollfd> waiting;
  for (int i = 0; i < 3; ++i) {
    joiners.push_back(client());
    ASSERT_TRUE(joiners.back().write(join_request()));
    waiting.push_back({joiners.back().fd(), POLLIN, 0});
  }
  ASSERT_EQ(::poll(waiting.data(), waiting.size(), kPatienceMs), 1) << "one of three is answered";
  for (std::size_t i = 0; i < joiners.size(); ++i) {
    if (waiting[i].revents != 0) {
      EXPECT_TRUE(is_busy(joiners[i].read_until("}\n")));
    }
  }
  EXPECT_TRUE(is_ok(ask(get("/v1/info")))) << "what waits for nothing is answered";
}

TEST_F(HttpServerTest, LargeBodiesShareMemory) {
  HttpLimits limits = patient_limits();
  limits.held_bytes = 1'000'000;
  serve(limits);
  {
    const Client first = client();
    ASSERT_TRUE(first.write(upload_head(600'000)));
    EXPECT_TRUE(first.read_until("\r\n\r\n").starts_with("HTTP/1.1 100 "));
    EXPECT_TRUE(is_busy(ask(upload_head(600'000))));
    EXPECT_TRUE(ask(post("/v1/send", R"({"name":"x","payload":"y"})")).starts_with("HTTP/1.1 404 "))
        << "a small one needs no place";
  }
  // It is gone: its place is free as soon as the server has seen that. One may be larger than all.
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::string answer;
  do {
    const Client next = client();
    ASSERT_TRUE(next.write(upload_head(2'000'000)));
    answer = next.read_until("\r\n\r\n");
  } while (!answer.starts_with("HTTP/1.1 100 ") && std::chrono::steady_clock::now() < deadline);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 100 ")) << answer;
}

TEST_F(HttpServerTest, LargeAnswersShareTheSameMemory) {
  HttpLimits limits = patient_limits();
  limits.large_bytes = 100;
  limits.held_bytes = 300;
  serve(limits);
  EXPECT_TRUE(is_ok(ask(get("/v1/info")))) << "one is always possible";
  const Client upload = client();
  ASSERT_TRUE(upload.write(upload_head(200)));
  EXPECT_TRUE(upload.read_until("\r\n\r\n").starts_with("HTTP/1.1 100 "));
  EXPECT_TRUE(is_busy(ask(get("/v1/info"))));
}

// --- whose connection makes room ----------------------------------------------------------------

TEST_F(HttpServerTest, WhoHasShownNoTokenTakesNoPlaceOfThoseWhoHave) {
  HttpLimits limits = patient_limits();
  limits.connections = 4;
  serve(limits, kToken);
  const std::string request =
      get("/v1/info", "Authorization: Bearer " + std::string(kToken) + "\r\n");
  const Client known = client();
  ASSERT_TRUE(known.write(request));
  EXPECT_TRUE(is_ok(known.read_until("}\n")));
  std::vector<Client> strangers;
  for (int i = 0; i < 40; ++i) {
    strangers.push_back(client());
    ASSERT_TRUE(strangers.back().write("GET /v1/info HTTP/1.1\r\n"));
    if (i % 10 == 0) {
      EXPECT_TRUE(is_ok(ask(request)));
    }
  }
  EXPECT_EQ(strangers.front().read_to_end(), "") << "the one that has waited longest made room";
  ASSERT_TRUE(known.write(request));
  EXPECT_TRUE(is_ok(known.read_until("}\n"))) << "it has waited longer than all of them";
}

TEST_F(HttpServerTest, OneSourceTakesNoPlaceOfOthers) {
  HttpLimits limits = patient_limits();
  limits.connections = 4;
  serve(limits);
  const Client lonely = client("127.0.0.2");
  ASSERT_TRUE(lonely.write("GET /v1/info HTTP/1.1\r\n"));
  std::vector<Client> crowd;
  for (int i = 0; i < 40; ++i) {
    crowd.push_back(client("127.0.0.3"));
    ASSERT_TRUE(crowd.back().write("GET /v1/info HTTP/1.1\r\n"));
  }
  EXPECT_EQ(crowd.front().read_to_end(), "");
  ASSERT_TRUE(lonely.write("Host: localhost\r\n\r\n"));
  EXPECT_TRUE(is_ok(lonely.read_until("}\n"))) << "the oldest, but the only one of its source";
}

TEST_F(HttpServerTest, CallsAndReadersOfEventsMakeNoRoom) {
  HttpLimits limits = patient_limits();
  limits.connections = 3;
  serve(limits);
  const Client reader = client();
  ASSERT_TRUE(reader.write(get("/v1/events")));
  ASSERT_TRUE(wait_for_subscribers(1));
  const Client joiner = client();
  ASSERT_TRUE(joiner.write(join_request()));
  std::vector<Client> crowd;
  for (int i = 0; i < 40; ++i) {
    crowd.push_back(client());
    ASSERT_TRUE(crowd.back().write("GET /v1/info HTTP/1.1\r\n"));
  }
  EXPECT_EQ(crowd.front().read_to_end(), "");
  hub_.publish({{"event", "health"}, {"score", 1}});
  EXPECT_NE(reader.read_until("score").find("score"), std::string::npos);
}

// --- how long -----------------------------------------------------------------------------------

// Each byte of a head comes in time, and the head does not.
TEST_F(HttpServerTest, AHeadHasItsTimeHoweverItComes) {
  HttpLimits limits = patient_limits();
  limits.head_timeout = kShort;
  serve(limits);
  const Client slow = client();
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  ASSERT_TRUE(slow.write("GET /v1/info HTTP/1.1\r\nX: "));
  while (slow.write("x") && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_LT(std::chrono::steady_clock::now(), deadline);
  EXPECT_EQ(client().read_to_end(), "") << "the same for who says nothing at all";
}

TEST_F(HttpServerTest, ABodyHasItsTime) {
  HttpLimits limits = patient_limits();
  limits.body_timeout = kShort;
  serve(limits);
  EXPECT_EQ(ask(upload_head(100)).find("HTTP/1.1 100 "), 0U) << "and then the connection ends";
}

TEST_F(HttpServerTest, BetweenRequestsAConnectionHasItsTime) {
  HttpLimits limits = patient_limits();
  limits.idle_timeout = kShort;
  serve(limits);
  const Client idle = client();
  ASSERT_TRUE(idle.write(get("/v1/info")));
  EXPECT_TRUE(is_ok(idle.read_to_end()));
}

// It sends one request after the other, and reads no answer.
TEST_F(HttpServerTest, WhoReadsNoAnswersIsCutOff) {
  HttpLimits limits = patient_limits();
  limits.write_timeout = kShort;
  serve(limits);
  const Client deaf = client();
  std::string requests;
  for (int i = 0; i < 1000; ++i) requests += get("/metrics");
  EXPECT_TRUE(deaf.write(requests));
  EXPECT_TRUE(deaf.is_cut_off());
}

TEST_F(HttpServerTest, WhoReadsNoEventsLosesItsPlace) {
  HttpLimits limits = patient_limits();
  limits.write_timeout = kShort;
  serve(limits);
  const Client deaf = client();
  ASSERT_TRUE(deaf.write(get("/v1/events")));
  ASSERT_TRUE(wait_for_subscribers(1));
  // More than the kernel keeps for a connection.
  hub_.publish({{"event", "message"}, {"payload", std::string(8'000'000, 'x')}});
  EXPECT_TRUE(wait_for_subscribers(0));
}

TEST_F(HttpServerTest, SilenceOfEventsHasBlankLines) {
  HttpLimits limits = patient_limits();
  limits.heartbeat = kShort;
  serve(limits);
  const Client reader = client();
  ASSERT_TRUE(reader.write(get("/v1/events")));
  const std::string beats = "1\r\n\n\r\n1\r\n\n\r\n";
  EXPECT_NE(reader.read_until(beats).find(beats), std::string::npos);
}

// A client of HTTP/1.0 knows no chunks.
TEST_F(HttpServerTest, EventsEndWithTheHub) {
  serve(patient_limits());
  const Client reader = client();
  const Client old_reader = client();
  ASSERT_TRUE(reader.write(get("/v1/events")));
  ASSERT_TRUE(old_reader.write("GET /v1/events HTTP/1.0\r\nHost: localhost\r\n\r\n"));
  ASSERT_TRUE(wait_for_subscribers(2));
  hub_.publish({{"event", "health"}});
  hub_.close(kPatience);
  const std::string line = "{\"event\":\"health\"}\n";
  EXPECT_TRUE(reader.read_to_end().ends_with("\r\n\r\n13\r\n" + line + "\r\n0\r\n\r\n"));
  EXPECT_TRUE(old_reader.read_to_end().ends_with("\r\n\r\n" + line));
}

// A running call, an answer that is not read, and a client that only waits for more.
TEST_F(HttpServerTest, StopsWhateverItsClientsDo) {
  serve(patient_limits());
  const Client deaf = client();
  std::string requests;
  for (int i = 0; i < 1000; ++i) requests += get("/metrics");
  ASSERT_TRUE(deaf.write(requests));
  const Client joiner = client();
  ASSERT_TRUE(joiner.write(join_request()));
  const Client refused = client();
  ASSERT_TRUE(refused.write("no HTTP\r\n\r\n"));
  EXPECT_TRUE(refused.read_until("}\n").starts_with("HTTP/1.1 400 "));
  hub_.close(0ms);
  list_.shutdown();
  const auto begin = std::chrono::steady_clock::now();
  server().stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, kPatience) << "the others are minutes";
}

// The call uses an API that ends with the scope.
TEST_F(HttpServerTest, AnExceptionWhileServingWaitsForTheCallsUnderWay) {
  auto bound = AdminServer::bind({IpAddress::v4(127, 0, 0, 1), 0}, std::nullopt);
  ASSERT_TRUE(bound.has_value());
  server_ = std::move(*bound);
  const Client joiner = client();
  try {
    AdminApi api(list_, hub_, metrics_, "", [] {});
    const EndOfService end_of_service(list_, hub_, server_);
    server().serve(api, hub_, [](LogLevel, std::string_view) {});
    ASSERT_TRUE(joiner.write(join_request()));
    listener_.wait();
    throw std::runtime_error("no thread");
  } catch (const std::runtime_error&) {
    const std::string answer = joiner.read_to_end();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 ")) << answer;
    EXPECT_NE(answer.find("shut_down"), std::string::npos) << answer;
  }
}

// Without a thread there is no service, and what has begun can be ended.
TEST_F(HttpServerTest, CanBeStoppedWithoutHavingServed) {
  auto server = AdminServer::bind({IpAddress::v4(127, 0, 0, 1), 0}, std::nullopt);
  ASSERT_TRUE(server.has_value());
  server->stop();
  server->stop();
}

}  // namespace
}  // namespace memberlist::cli
