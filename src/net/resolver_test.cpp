#include "net/resolver.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>

#include "net/test_sockets.hpp"

namespace memberlist::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

using Found = Result<std::vector<IpAddress>>;

// A name server for a few names, over UDP, and over TCP for the one whose answer it cuts short.
class NameServer {
 public:
  NameServer() {
    // The same port for both: what the kernel has free for UDP may be taken for TCP.
    bool bound = false;
    for (int attempt = 0; attempt < 20 && !bound; ++attempt) {
      udp_ = PlainSocket(SOCK_DGRAM, IpAddress::v4(127, 0, 0, 1));
      udp_.bind(IpAddress::v4(127, 0, 0, 1));
      const SocketAddress raw = to_socket_address(udp_.local(), Family::v4);
      bound = ::bind(tcp_.fd(), raw.get(), raw.length) == 0;
    }
    EXPECT_TRUE(bound);
    tcp_.listen();
    threads_[0] = std::jthread([this] { serve_udp(); });
    threads_[1] = std::jthread([this] { serve_tcp(); });
  }
  ~NameServer() {
    stop_ = true;
    PlainSocket waker(SOCK_DGRAM, IpAddress::v4(127, 0, 0, 1));
    waker.send_to(udp_.local(), "");
    ::shutdown(tcp_.fd(), SHUT_RDWR);
  }
  [[nodiscard]] std::string address() const { return udp_.local().to_string(); }

 private:
  void serve_udp() {
    std::array<char, 512> room{};
    while (!stop_) {
      sockaddr_storage from{};
      socklen_t length = sizeof from;
      const ssize_t size = ::recvfrom(udp_.fd(), room.data(), room.size(), 0,
                                      reinterpret_cast<sockaddr*>(&from), &length);
      if (size < 12) continue;
      const std::string reply = answer({room.data(), static_cast<std::size_t>(size)}, false);
      if (reply.empty()) continue;
      ::sendto(udp_.fd(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from),
               length);
    }
  }
  void serve_tcp() {
    while (!stop_) {
      PlainSocket peer = tcp_.accept();
      if (peer.fd() < 0) continue;
      std::string question;
      while (question.size() < 2 ||
             question.size() < 2U + static_cast<unsigned char>(question[1])) {
        const auto piece = peer.read();
        if (!piece || piece->empty()) break;
        question += *piece;
      }
      if (question.size() < 14) continue;
      const std::string reply = answer(question.substr(2), true);
      peer.write(number(reply.size()) + reply);
      (void)peer.read();
    }
  }
  static std::string number(std::size_t value) {
    return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
  }
  // One question in, its answer out; empty for none.
  static std::string answer(const std::string& question, bool tcp) {
    std::string name;
    std::size_t at = 12;
    while (at < question.size() && question[at] != 0) {
      const auto length = static_cast<unsigned char>(question[at]);
      name += question.substr(at + 1, length) + ".";
      at += length + 1U;
    }
    const char type = question[at + 2];
    if (name.starts_with("silent.")) return {};
    std::vector<std::string> records;
    bool known = true;
    bool cut = false;
    if (name == "two.example.") {
      if (type == 1) records = {{10, 0, 0, 1}, {10, 0, 0, 2}};
      if (type == 28) records = {std::string("\xfd", 1) + std::string(14, '\0') + "\x07"};
    } else if (name == "many.example.") {
      cut = !tcp && type == 1;
      for (char i = 1; i <= 100 && type == 1 && tcp; ++i) records.push_back({10, 1, 0, i});
    } else {
      known = false;
    }
    const char flags = static_cast<char>(cut ? 0x86 : 0x84);
    std::string reply = question.substr(0, 2) + flags + (known ? '\x80' : '\x83') + number(1) +
                        number(records.size()) + number(0) + number(0) +
                        question.substr(12, at + 5 - 12);
    for (const std::string& data : records) {
      reply += std::string("\xc0\x0c\x00", 3) + type + number(1) + number(0) + number(60) +
               number(data.size()) + data;
    }
    return reply;
  }

  PlainSocket udp_{SOCK_DGRAM, IpAddress::v4(127, 0, 0, 1)};
  PlainSocket tcp_{SOCK_STREAM, IpAddress::v4(127, 0, 0, 1)};
  std::atomic<bool> stop_ = false;
  std::array<std::jthread, 2> threads_;
};

class ResolverTest : public ::testing::Test {
 protected:
  ~ResolverTest() override {
    running_.call([this] { resolver_.reset(); });
  }
  void open(const ResolverOptions& options = {}) {
    running_.call([&] {
      auto created = Resolver::create(running_.loop(), options);
      ASSERT_TRUE(created);
      resolver_ = std::move(*created);
    });
  }
  std::future<Found> ask(const std::string& host, Duration timeout = seconds(10)) {
    auto promise = std::make_shared<std::promise<Found>>();
    auto found = promise->get_future();
    running_.call([&] {
      resolver_->resolve(host, timeout, [promise](Found result) { promise->set_value(result); });
    });
    return found;
  }

  NameServer server_;
  RunningLoop running_;
  std::unique_ptr<Resolver> resolver_;
};

TEST_F(ResolverTest, AnswersIpAddressesAtOnce) {
  open();
  bool answered = false;
  running_.call([&] {
    resolver_->resolve("::1", seconds(1), [&](const Found& found) {
      answered = true;
      ASSERT_TRUE(found);
      ASSERT_EQ(found->size(), 1U);
      EXPECT_TRUE(found->front().is_loopback());
    });
    EXPECT_TRUE(answered);
  });
}

TEST_F(ResolverTest, KnowsLocalhostWithoutANameServer) {
  open({.servers = server_.address()});
  for (const char* name : {"localhost", "LOCALHOST", "some.localhost"}) {
    const Found found = ask(name).get();
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_NE(std::find(found->begin(), found->end(), IpAddress::v4(127, 0, 0, 1)), found->end());
  }
}

TEST_F(ResolverTest, FindsAddressesOfBothFamilies) {
  open({.servers = server_.address()});
  const Found found = ask("two.example").get();
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->size(), 3U);
  for (const char* text : {"10.0.0.1", "10.0.0.2", "fd00::7"}) {
    EXPECT_NE(std::find(found->begin(), found->end(), IpAddress::parse(text)), found->end())
        << text;
  }
}

TEST_F(ResolverTest, FetchesLongListsByTcp) {
  open({.servers = server_.address()});
  const Found found = ask("many.example").get();
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->size(), 100U);
}

TEST_F(ResolverTest, SaysThatANameIsUnknown) {
  open({.servers = server_.address()});
  const Found found = ask("nobody.example").get();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::unresolved);
  EXPECT_EQ(found.error().subject, "nobody.example");
}

TEST_F(ResolverTest, RefusesNamesThatCannotBe) {
  open({.servers = server_.address()});
  for (const std::string& name : {std::string(300, 'x'), std::string("a..b"), std::string()}) {
    const Found found = ask(name).get();
    ASSERT_FALSE(found) << name;
    EXPECT_EQ(found.error().code, ErrorCode::unresolved);
  }
}

TEST_F(ResolverTest, GivesUpAtTheDeadline) {
  open({.servers = server_.address(), .try_timeout = seconds(5)});
  const Found found = ask("silent.example", milliseconds(30)).get();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::timed_out);
}

TEST_F(ResolverTest, GivesUpWhenTheServersDo) {
  open({.servers = server_.address(), .try_timeout = milliseconds(20), .tries = 1});
  const Found found = ask("silent.example").get();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::unresolved);
}

TEST_F(ResolverTest, CancelsWhatIsOpen) {
  open({.servers = server_.address()});
  auto first = ask("silent.example");
  auto second = ask("silent.example");
  running_.call([&] { resolver_->cancel_all(); });
  for (auto* open : {&first, &second}) {
    const Found found = open->get();
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, ErrorCode::cancelled);
  }
  EXPECT_TRUE(ask("two.example").get()) << "it goes on working";
}

TEST_F(ResolverTest, CancelsWhenItIsDestroyed) {
  open({.servers = server_.address()});
  auto open = ask("silent.example");
  running_.call([&] { resolver_.reset(); });
  EXPECT_EQ(open.get().error().code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace memberlist::net
