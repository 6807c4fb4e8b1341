#include "layer_rules.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "cpp_text.hpp"

// The layer test's own test: each forbidden thing, made up, must be caught; and what is allowed
// must not be.
namespace memberlist::layers {
namespace {

struct Snippet {
  std::string path;
  std::string source;
};

void PrintTo(const Snippet& snippet, std::ostream* out) {
  *out << snippet.path << ": " << snippet.source;
}

class Forbidden : public testing::TestWithParam<Snippet> {};

TEST_P(Forbidden, IsCaughtOnItsLine) {
  const Snippet& snippet = GetParam();
  const auto violations = check_file(snippet.path, "// first line\n\n" + snippet.source + "\n");
  ASSERT_FALSE(violations.empty());
  for (const Violation& violation : violations) {
    EXPECT_EQ(violation.line, 3U);
    EXPECT_FALSE(violation.rule.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Arrows, Forbidden,
    testing::Values(Snippet{"src/base/random.cpp", "#include \"crypto/keyring.hpp\""},
                    Snippet{"src/base/text.hpp", "#include \"memberlist/engine.hpp\""},
                    Snippet{"src/crypto/keyring.cpp", "#include \"wire/packet.hpp\""},
                    Snippet{"src/wire/packet.cpp", "#include \"swim/probe.hpp\""},
                    Snippet{"src/wire/packet.cpp", "#include \"memberlist/memberlist.hpp\""},
                    Snippet{"src/wire/packet.cpp", "#include <memberlist/engine.hpp>"},
                    Snippet{"src/swim/probe.cpp", "#include \"net/socket_transport.hpp\""},
                    Snippet{"src/swim/probe.cpp", "#include <net/socket_transport.hpp>"},
                    Snippet{"src/swim/probe.cpp", "#  include \"../net/socket_transport.hpp\""},
                    Snippet{"src/swim/probe.cpp", "/* why */ #include \"api/event_queue.hpp\""},
                    Snippet{"src/swim/probe.cpp", "#include \"crypto/keyring.hpp\""},
                    Snippet{"src/swim/probe.cpp", "#include \"memberlist/memberlist.hpp\""},
                    Snippet{"src/net/loop.cpp", "#include \"swim/probe.hpp\""},
                    Snippet{"src/net/loop.cpp", "#include \"memberlist/memberlist.hpp\""},
                    Snippet{"src/api/memberlist.cpp", "#include \"wire/packet.hpp\""},
                    Snippet{"src/capi/capi.cpp", "#include \"swim/probe.hpp\""},
                    Snippet{"sim/world.cpp", "#include \"net/loop.hpp\""},
                    Snippet{"sim/world.cpp", "#include \"memberlist/memberlist.hpp\""},
                    Snippet{"apps/memberlist/main.cpp", "#include \"net/loop.hpp\""},
                    Snippet{"apps/memberlist/main.cpp", "#include \"../../src/swim/probe.hpp\""},
                    Snippet{"apps/memberlist/main.cpp", "#include \"base/limits.hpp\""},
                    Snippet{"src/wire/packet_test.cpp", "#include \"swim/probe.hpp\""},
                    Snippet{"src/swim/probe.cpp", "#include PROBE_HEADER"}));

TEST(UnknownRoom, IsCaught) { EXPECT_EQ(check_file("src/attic/old.cpp", "int x;\n").size(), 1U); }

INSTANTIATE_TEST_SUITE_P(
    OtherPeoplesHeaders, Forbidden,
    testing::Values(Snippet{"include/memberlist/config.hpp", "#include <fmt/format.h>"},
                    Snippet{"include/memberlist/config.hpp", "#include <asio.hpp>"},
                    Snippet{"include/memberlist/config.hpp", "#include \"base/limits.hpp\""},
                    Snippet{"include/memberlist/config.hpp", "#include <sys/socket.h>"},
                    Snippet{"src/net/tls.cpp", "#include <openssl/ssl.h>"},
                    Snippet{"src/base/random.cpp", "#include <openssl/rand.h>"},
                    Snippet{"src/net/loop.cpp", "#include <asio/post.hpp>"},
                    Snippet{"src/api/memberlist.cpp", "#include <ares.h>"},
                    Snippet{"apps/memberlist/agent.cpp", "#include <asio.hpp>"},
                    Snippet{"src/net/loop.cpp", "#include <boost/asio/io_context.hpp>"},
                    Snippet{"src/api/memberlist.cpp", "#include <boost/beast/http/read.hpp>"},
                    Snippet{"src/swim/probe.cpp", "#include <thread>"},
                    Snippet{"src/swim/probe.cpp", "#include <mutex>"},
                    Snippet{"src/swim/probe.cpp", "#include <shared_mutex>"},
                    Snippet{"src/swim/probe.cpp", "#include <condition_variable>"},
                    Snippet{"src/wire/lzw.cpp", "#include <random>"},
                    Snippet{"src/wire/lzw.cpp", "#include <ctime>"},
                    Snippet{"src/wire/lzw.cpp", "#include <time.h>"},
                    Snippet{"src/wire/lzw.cpp", "#include <sys/socket.h>"},
                    Snippet{"src/wire/lzw.cpp", "#include <arpa/inet.h>"},
                    Snippet{"sim/world.cpp", "#include <pthread.h>"},
                    Snippet{"sim/world.cpp", "#include <future>"}));

INSTANTIATE_TEST_SUITE_P(
    Words, Forbidden,
    testing::Values(Snippet{"src/swim/probe.cpp", "int fd = socket(2, 1, 0);"},
                    Snippet{"src/swim/probe.cpp", "int fd = ::socket(2, 1, 0);"},
                    Snippet{"src/swim/probe.cpp", "sendto(fd, data, size, 0, nullptr, 0);"},
                    Snippet{"src/swim/probe.cpp", "sockaddr_in6 address{};"},
                    Snippet{"src/swim/probe.cpp", "epoll_wait(fd, events, 8, -1);"},
                    Snippet{"src/swim/probe.cpp", "std::thread worker;"},
                    Snippet{"src/swim/probe.cpp", "std :: jthread worker;"},
                    Snippet{"src/swim/probe.cpp", "auto x = std::async(f);"},
                    Snippet{"src/swim/probe.cpp", "pthread_t worker;"},
                    Snippet{"src/swim/probe.cpp", "thread_local int calls = 0;"},
                    Snippet{"src/swim/probe.cpp", "std::mutex lock;"},
                    Snippet{"src/swim/probe.cpp", "using std::recursive_mutex;"},
                    Snippet{"src/swim/probe.cpp", "std::scoped_lock held(x);"},
                    Snippet{"src/swim/probe.cpp", "auto now = std::chrono::steady_clock::now();"},
                    Snippet{"src/swim/probe.cpp", "using C = std::chrono::system_clock;"},
                    Snippet{"src/swim/probe.cpp", "auto t = high_resolution_clock::now();"},
                    Snippet{"src/swim/probe.cpp", "auto t = time(nullptr);"},
                    Snippet{"src/swim/probe.cpp", "auto t = std::time(nullptr);"},
                    Snippet{"src/swim/probe.cpp", "clock_gettime(0, &t);"},
                    Snippet{"src/wire/lzw.cpp", "std::random_device seed;"},
                    Snippet{"src/wire/lzw.cpp", "std::mt19937_64 generator(1);"},
                    Snippet{"src/wire/lzw.cpp", "std::uniform_int_distribution<int> pick(0, 3);"},
                    Snippet{"src/wire/lzw.cpp", "int n = rand();"},
                    Snippet{"src/wire/lzw.cpp", "std::shuffle(a, b, generator);"},
                    Snippet{"src/wire/lzw.cpp", "std::ranges::shuffle(a, generator);"},
                    Snippet{"sim/world.cpp", "getrandom(buffer, 8, 0);"},
                    Snippet{"src/api/memberlist.cpp", "const char* home = std::getenv(\"HOME\");"},
                    Snippet{"src/wire/lzw.cpp", "auto s = R\"x(\")x\"; std::mutex lock;"},
                    Snippet{"src/wire/lzw.cpp", "int n = 1'000; std::mutex lock; int m = 2'000;"},
                    Snippet{"src/wire/lzw.cpp", "char c = '\"'; std::mutex lock; char d = '\"';"}));

class Allowed : public testing::TestWithParam<Snippet> {};

TEST_P(Allowed, Passes) {
  const Snippet& snippet = GetParam();
  for (const Violation& violation : check_file(snippet.path, snippet.source)) {
    ADD_FAILURE() << violation.text << ": " << violation.rule;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Arrows, Allowed,
    testing::Values(Snippet{"src/wire/packet.cpp",
                            "#include \"crypto/keyring.hpp\"\n"
                            "#include \"packet.hpp\"\n"
                            "#include <vector>\n"
                            "#include <fmt/format.h>\n"},
                    Snippet{"src/swim/probe.cpp", "#include \"memberlist/engine.hpp\""},
                    Snippet{"src/crypto/keyring.cpp", "#include <openssl/evp.h>"},
                    Snippet{"src/net/interfaces.cpp", "#include <net/if.h>\n#include <ares.h>\n"},
                    Snippet{"src/net/loop.cpp", "std::mutex m; auto t = steady_clock::now();"},
                    Snippet{"src/api/memberlist.cpp", "#include \"memberlist/memberlist.hpp\""},
                    Snippet{"apps/memberlist/main.cpp",
                            "#include <CLI/CLI.hpp>\n"
                            "#include <boost/asio/io_context.hpp>\n"
                            "#include \"base/text.hpp\"\n"
                            "#include \"commands.hpp\"\n"
                            "#include \"sim/world.hpp\"\n"},
                    Snippet{"src/swim/probe_test.cpp",
                            "#include \"crypto/keyring.hpp\"\n"
                            "#include <fstream>\n"
                            "#include \"support/harness.hpp\"\n"},
                    Snippet{"bench/codec.cpp", "#include \"wire/packet.hpp\"\n#include <thread>"}));

INSTANTIATE_TEST_SUITE_P(
    Words, Allowed,
    testing::Values(Snippet{"src/swim/probe.cpp", "// a std::mutex would be wrong here"},
                    Snippet{"src/swim/probe.cpp", "/* #include <thread>\n#include <mutex> */"},
                    Snippet{"src/swim/probe.cpp", "log(\"no std::mutex, no \\\" socket()\");"},
                    Snippet{"src/swim/probe.cpp", "auto s = R\"(std::mutex \" rand())\";"},
                    Snippet{"src/swim/probe.cpp", "deadline.time(); timers->sleep(1); x.socket();"},
                    Snippet{"src/swim/probe.cpp", "timer_time(now); EngineClock::duration d;"},
                    Snippet{"src/swim/probe.cpp", "X(TimePoint t) : time(t), random(t) {}"},
                    Snippet{"src/swim/probe.cpp", "TimePoint Probe::time() { return time(now); }"},
                    Snippet{"src/swim/probe.cpp", "random.shuffle(members); base::shuffle(x, r);"},
                    Snippet{"src/swim/probe.cpp", "std::string thread; int future = 0;"}));

TEST(CppText, BlanksKeepLinesAndColumns) {
  const std::string source = "a /* x\n y */ b // c\n\"d\\\"e\" f 'g' 1'0\n";
  const std::string code = without_comments_and_literals(source);
  EXPECT_EQ(code, "a     \n      b     \n\"    \" f ' ' 1'0\n");
}

TEST(CppText, IncludesSurviveBlanking) {
  const auto includes =
      includes_of(without_comments_and_literals("#include \"a/b.hpp\"  // c\n # include <d>\n"));
  ASSERT_EQ(includes.size(), 2U);
  EXPECT_EQ(includes[0].name, "a/b.hpp");
  EXPECT_TRUE(includes[0].quoted);
  EXPECT_EQ(includes[1].name, "d");
  EXPECT_EQ(includes[1].line, 2U);
}

}  // namespace
}  // namespace memberlist::layers
