#include "net/resolver.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "net/test_name_server.hpp"
#include "net/test_sockets.hpp"

namespace memberlist::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

using Found = Result<std::vector<IpAddress>>;
using Ways = TestNameServer::Ways;

/// Longer than anything takes on a machine that is busy with other things.
constexpr seconds kPatience{60};

std::vector<std::string> texts(const Found& found) {
  std::vector<std::string> all;
  if (found) {
    for (const IpAddress& ip : *found) all.push_back(ip.to_string());
  } else {
    all.push_back(found.error().message);
  }
  std::ranges::sort(all);
  return all;
}

using Texts = std::vector<std::string>;

class ResolverTest : public ::testing::Test {
 protected:
  ResolverTest() {
    server_.set("two.example", {.addresses = {"10.0.0.1", "10.0.0.2", "fd00::7"}});
    server_.set("silent.example", {.silent = true});
  }
  ~ResolverTest() override {
    running_.call([this] { resolver_.reset(); });
  }
  void open(const ResolverOptions& options) {
    running_.call([&] {
      auto created = Resolver::create(running_.loop(), options);
      ASSERT_TRUE(created);
      resolver_ = std::move(*created);
    });
  }
  void open() { open({.servers = {server_.address()}}); }
  std::future<Found> ask(const std::string& host, Duration timeout = kPatience) {
    auto promise = std::make_shared<std::promise<Found>>();
    auto found = promise->get_future();
    running_.call([&] {
      resolver_->resolve(host, timeout, [promise](Found result) { promise->set_value(result); });
    });
    return found;
  }
  [[nodiscard]] Texts found(const std::string& host) { return texts(ask(host).get()); }

  TestNameServer server_;
  RunningLoop running_;
  std::unique_ptr<Resolver> resolver_;
};

// As long as it lives, no socket can be watched: in the place of what watches them is something
// else.
class NothingIsWatched {
 public:
  NothingIsWatched() {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      const auto what = std::filesystem::read_symlink(entry.path(), gone);
      if (what == "anon_inode:[eventpoll]") watcher_ = std::stoi(entry.path().filename());
    }
    if (watcher_ < 0) return;
    saved_ = ::dup(watcher_);
    const int nothing = ::open("/dev/null", O_RDONLY);
    ::dup2(nothing, watcher_);
    ::close(nothing);
  }
  NothingIsWatched(const NothingIsWatched&) = delete;
  NothingIsWatched& operator=(const NothingIsWatched&) = delete;
  ~NothingIsWatched() {
    ::dup2(saved_, watcher_);
    ::close(saved_);
  }
  [[nodiscard]] bool worked() const { return watcher_ >= 0; }

 private:
  int watcher_ = -1;
  int saved_ = -1;
};

// No exception may pass through the library that asks for the watching, which is written in C.
TEST(Resolver, ASocketThatCannotBeWatchedIsAnErrorOfTheSystem) {
  TestNameServer server;
  server.set("two", {.addresses = {"10.0.0.1"}});
  Loop loop;
  auto resolver = Resolver::create(loop, {.servers = {server.address()}});
  ASSERT_TRUE(resolver);
  std::optional<Found> found;
  {
    const NothingIsWatched nothing;
    if (!nothing.worked()) GTEST_SKIP() << "this system watches sockets in another way";
    (*resolver)->resolve("two", kPatience, [&](Found answer) {
      found = std::move(answer);
      loop.stop();
    });
  }
  if (!found) loop.run();
  ASSERT_TRUE(found && !*found);
  EXPECT_EQ(found->error().code, ErrorCode::system) << found->error().message;
  EXPECT_NE(found->error().message.find("cannot be watched"), std::string::npos);
}

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
  open();
  for (const char* name : {"localhost", "LOCALHOST", "some.localhost"}) {
    const Found found = ask(name).get();
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_NE(std::find(found->begin(), found->end(), IpAddress::v4(127, 0, 0, 1)), found->end());
    EXPECT_EQ(server_.asked_by_tcp(name) + server_.asked_by_udp(name), 0) << name;
  }
}

TEST_F(ResolverTest, ReadsTheHostsFileFirst) {
  open();
  std::ifstream hosts("/etc/hosts");
  int names = 0;
  for (std::string line; std::getline(hosts, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string address, name;
    if (!(words >> address >> name)) continue;
    ++names;
    EXPECT_TRUE(ask(name).get()) << name;
    EXPECT_EQ(server_.asked_by_tcp(name) + server_.asked_by_udp(name), 0) << name;
  }
  if (names == 0) GTEST_SKIP() << "this machine's hosts file has no names";
}

// --- TCP first ----------------------------------------------------------------------------------

TEST_F(ResolverTest, AsksByTcpForANameWithADot) {
  open();
  EXPECT_EQ(found("two.example"), (Texts{"10.0.0.1", "10.0.0.2", "fd00::7"}));
  EXPECT_EQ(server_.asked_by_tcp("two.example"), 2) << "A and AAAA";
  EXPECT_EQ(server_.asked_by_udp("two.example"), 0);
}

TEST_F(ResolverTest, AsksTheOrdinaryWayForANameWithoutADot) {
  server_.set("short", {.addresses = {"10.0.0.3"}});
  open();
  EXPECT_EQ(found("short"), Texts{"10.0.0.3"});
  EXPECT_EQ(server_.asked_by_tcp("short"), 0);
}

TEST_F(ResolverTest, FetchesLongListsByTcp) {
  TestName many{.cut_by_udp = true};
  for (int i = 1; i <= 100; ++i) many.addresses.push_back("10.1.0." + std::to_string(i));
  server_.set("many.example", many);
  server_.set("many", many);
  open();
  EXPECT_EQ(found("many.example").size(), 100U);
  EXPECT_EQ(server_.asked_by_udp("many.example"), 0);
  EXPECT_EQ(found("many").size(), 100U) << "a short name's list is cut by UDP, and fetched by TCP";
  EXPECT_GT(server_.asked_by_tcp("many"), 0);
}

TEST_F(ResolverTest, AsksByUdpWhereNobodyListensByTcp) {
  TestNameServer server(Ways::udp);
  server.set("two.example", {.addresses = {"10.0.0.1"}});
  open({.servers = {server.address()}});
  EXPECT_EQ(found("two.example"), Texts{"10.0.0.1"});
  EXPECT_GT(server.asked_by_udp("two.example"), 0);
}

TEST_F(ResolverTest, AsksByUdpTooWhereNobodyAnswersByTcp) {
  server_.set("slow.example", {.addresses = {"10.0.0.1"}, .silent_by_tcp = true});
  // TCP alone would take longer than any of this.
  open({.servers = {server_.address()}, .try_timeout = 10 * kPatience});
  Found found = std::unexpected(Error{});
  for (Duration time = seconds(1); !found && time < kPatience; time *= 2) {
    found = ask("slow.example", time).get();  // half of it may be short on a busy machine
  }
  EXPECT_EQ(texts(found), Texts{"10.0.0.1"});
}

TEST_F(ResolverTest, AsksByUdpWhenTcpEndsHalfWay) {
  server_.set("half.example", {.addresses = {"10.0.0.1", "fd00::1"}, .closes_half_way = true});
  open();
  EXPECT_EQ(found("half.example"), (Texts{"10.0.0.1", "fd00::1"}));
}

// --- several servers ----------------------------------------------------------------------------

TEST_F(ResolverTest, AsksTheNextServerWhereNobodyListensAtTheFirst) {
  const TestNameServer nobody(Ways::none);
  open({.servers = {nobody.address(), server_.address()}, .try_timeout = seconds(5)});
  EXPECT_EQ(found("two.example").size(), 3U);
  EXPECT_EQ(server_.asked_by_udp("two.example"), 0) << "TCP is refused at once";
}

TEST_F(ResolverTest, AsksTheNextServerWhereTheFirstNeverAnswers) {
  TestNameServer mute;
  for (const char* name : {"two.example", "two"}) mute.set(name, {.silent = true});
  server_.set("two", {.addresses = {"10.0.0.1"}});
  open({.servers = {mute.address(), server_.address()},
        .try_timeout = milliseconds(50),
        .tries = 10});
  EXPECT_EQ(found("two.example").size(), 3U);
  EXPECT_EQ(found("two").size(), 1U);
  EXPECT_GT(mute.asked_by_tcp("two.example"), 0);
  EXPECT_GT(mute.asked_by_udp("two"), 0);
}

TEST_F(ResolverTest, IsToldThatThereIsNoServer) {
  const TestNameServer nobody(Ways::none);
  // c-ares hears of one refusal for both questions by UDP, and has the other one wait for its time.
  open({.servers = {nobody.address()}, .try_timeout = milliseconds(20), .tries = 1});
  const Found found = ask("two.example").get();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::unresolved);
  EXPECT_NE(found.error().message.find("no name server answered"), std::string::npos)
      << found.error().message;
}

// --- aliases ------------------------------------------------------------------------------------

TEST_F(ResolverTest, FollowsAliasesInsideOneAnswer) {
  server_.set("www.example", {.alias = "web.example"});
  server_.set("web.example", {.alias = "two.example"});
  open();
  EXPECT_EQ(found("www.example"), (Texts{"10.0.0.1", "10.0.0.2", "fd00::7"}));
  EXPECT_EQ(server_.asked_by_tcp("two.example"), 0);
}

TEST_F(ResolverTest, FollowsAliasesFromAnswerToAnswer) {
  server_.set("www.example", {.alias = "web.example", .whole_chain = false});
  server_.set("web.example", {.alias = "two.example", .whole_chain = false});
  server_.set("short", {.alias = "web.example", .whole_chain = false});
  open();
  EXPECT_EQ(found("www.example"), (Texts{"10.0.0.1", "10.0.0.2", "fd00::7"}));
  EXPECT_EQ(found("short"), (Texts{"10.0.0.1", "10.0.0.2", "fd00::7"}));
}

TEST_F(ResolverTest, GivesUpAliasesThatLeadNowhere) {
  server_.set("ring.example", {.alias = "ring.example", .whole_chain = false});
  server_.set("to.example", {.alias = "fro.example", .whole_chain = false});
  server_.set("fro.example", {.alias = "to.example", .whole_chain = false});
  server_.set("whole-ring.example", {.alias = "whole-ring.example"});
  server_.set("lost.example", {.alias = "nobody.example", .whole_chain = false});
  open();
  for (const char* name : {"ring.example", "to.example", "whole-ring.example", "lost.example"}) {
    const Found found = ask(name).get();
    ASSERT_FALSE(found) << name;
    EXPECT_EQ(found.error().code, ErrorCode::unresolved) << name;
    EXPECT_EQ(found.error().subject, name);
  }
  // Both ways, and each question up to the limit with A, AAAA and CNAME.
  const int most = 2 * 3 * static_cast<int>(limits::kAliasesOfName + 1);
  EXPECT_LE(server_.asked_by_tcp("to.example") + server_.asked_by_udp("to.example"), most);
}

// --- what cannot be believed --------------------------------------------------------------------

TEST_F(ResolverTest, TakesSoManyAddressesOfOneName) {
  TestName crowd;
  for (std::size_t i = 0; i < 2 * limits::kAddressesOfName; ++i) {
    crowd.addresses.push_back("10.2." + std::to_string(i / 256) + "." + std::to_string(i % 256));
  }
  server_.set("crowd.example", crowd);
  open();
  EXPECT_EQ(found("crowd.example").size(), limits::kAddressesOfName);
}

TEST_F(ResolverTest, SurvivesWhatIsNoAnswer) {
  using namespace std::string_view_literals;
  constexpr std::string_view kGarbage[] = {
      "?"sv,
      "\x84\x80"sv,
      "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"sv,
      // As many records as there can be, of which none comes.
      "\x84\x80\x00\x01\xff\xff\x00\x00\x00\x00\x01g\x07"
      "example\x00\x00\x01\x00\x01"sv,
      // A name that points to itself.
      "\x84\x80\x00\x01\x00\x01\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01"sv,
      // An address of 9 bytes, and one whose length lies behind the end.
      "\x84\x80\x00\x01\x00\x01\x00\x00\x00\x00\x01g\x07"
      "example\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x01\x00\x09nineBytes"sv,
      "\x84\x80\x00\x01\x00\x01\x00\x00\x00\x00\x01g\x07"
      "example\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x01\xff\xff\x0a"sv,
      // Refused, and a failure of the server.
      "\x84\x85\x00\x01\x00\x00\x00\x00\x00\x00\x01g\x07"
      "example\x00\x00\x01\x00\x01"sv,
      "\x84\x82\x00\x01\x00\x00\x00\x00\x00\x00\x01g\x07"
      "example\x00\x00\x01\x00\x01"sv,
  };
  open({.servers = {server_.address()}, .try_timeout = milliseconds(20), .tries = 1});
  for (const std::string_view garbage : kGarbage) {
    server_.set("g.example", {.raw = std::string(garbage)});
    EXPECT_FALSE(ask("g.example").get());
  }
  server_.set("g.example", {.addresses = {"10.0.0.1"}});
  open({.servers = {server_.address()}, .try_timeout = milliseconds(20), .tries = 12});
  EXPECT_EQ(found("g.example"), Texts{"10.0.0.1"}) << "so far it was asked for what was no answer";
}

TEST_F(ResolverTest, TreatsMappedAddressesAsIpv4) {
  open();
  server_.set("mapped.example", {.addresses = {"::ffff:10.0.0.1", "10.0.0.1", "::ffff:10.0.0.2"}});
  EXPECT_EQ(found("::ffff:10.0.0.1"), Texts{"10.0.0.1"});
  EXPECT_EQ(found("mapped.example"), (Texts{"10.0.0.1", "10.0.0.2"}));
}

TEST_F(ResolverTest, SaysThatANameIsUnknown) {
  open();
  const Found found = ask("nobody.example").get();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::unresolved);
  EXPECT_EQ(found.error().subject, "nobody.example");
}

TEST_F(ResolverTest, RefusesNamesThatCannotBe) {
  open();
  for (const std::string& name : {std::string(300, 'x'), std::string("a..b"), std::string(),
                                  std::string("."), std::string(70, 'x') + ".example"}) {
    const Found found = ask(name).get();
    ASSERT_FALSE(found) << name;
    EXPECT_EQ(found.error().code, ErrorCode::unresolved);
  }
}

// --- the end ------------------------------------------------------------------------------------

TEST_F(ResolverTest, GivesUpAtTheDeadline) {
  open({.servers = {server_.address()}, .try_timeout = seconds(5)});
  const Found found = ask("silent.example", milliseconds(30)).get();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::timed_out);
}

TEST_F(ResolverTest, GivesUpWhenTheServersDo) {
  open({.servers = {server_.address()}, .try_timeout = milliseconds(20), .tries = 1});
  const Found found = ask("silent.example").get();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::unresolved);
}

TEST_F(ResolverTest, CancelsWhatIsOpen) {
  open();
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
  open();
  auto open = ask("silent.example");
  running_.call([&] { resolver_.reset(); });
  EXPECT_EQ(open.get().error().code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace memberlist::net
