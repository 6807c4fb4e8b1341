// Output without a reader, and signals: neither keeps a member from working, or from announcing its
// departure.

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <pty.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "cli_fixture.hpp"

namespace memberlist::cli_test {
namespace {

// A full FIFO without a reader.
class FullFifo {
 public:
  FullFifo() {
    std::string directory =
        (std::filesystem::temp_directory_path() / "memberlist-fifo-XXXXXX").string();
    directory_ = ::mkdtemp(directory.data());
    EXPECT_EQ(::mkfifo(path().c_str(), 0600), 0);
    fd_ = ::open(path().c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    EXPECT_GE(fd_, 0);
    while (::write(fd_, "x", 1) == 1) {
    }
  }
  FullFifo(const FullFifo&) = delete;
  FullFifo& operator=(const FullFifo&) = delete;
  ~FullFifo() {
    ::close(fd_);
    std::filesystem::remove_all(directory_);
  }

  std::string path() const { return directory_ / "fifo"; }

 private:
  std::filesystem::path directory_;
  int fd_ = -1;
};

sockaddr_in ipv4(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
  EXPECT_EQ(::inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr), 1);
  return to;
}

// Makes the member at this address log a line.
void send_junk(const std::string& address) {
  const sockaddr_in to = ipv4(address);
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(::sendto(fd, "\xff\xff", 2, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to), 2);
  ::close(fd);
}

// Takes connections, and answers nothing.
class SilentServer {
 public:
  SilentServer() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in own = ipv4("127.0.0.1:0");
    socklen_t size = sizeof own;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
    EXPECT_EQ(::listen(fd_, 8), 0);
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&own), &size), 0);
    address_ = "127.0.0.1:" + std::to_string(ntohs(own.sin_port));
  }
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;
  ~SilentServer() {
    hang_up();
    ::close(fd_);
  }

  const std::string& address() const { return address_; }
  void accept() { connection_ = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC); }
  void hang_up() {
    if (connection_ >= 0) ::close(connection_);
    connection_ = -1;
  }

 private:
  int fd_;
  int connection_ = -1;
  std::string address_;
};

// The program below a shell that redirects its streams; the process is the program's own.
testing::Process redirected(const Arguments& arguments, const std::string& redirections) {
  std::vector<std::string> argv{"/bin/sh", "-c", "exec \"$0\" \"$@\" " + redirections,
                                MEMBERLIST_PROGRAM};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return testing::Process({argv, {}, {}});
}

Arguments joining(const Agent& other) {
  return agent_arguments("a", {"--join", other.address(), "--http", "off"});
}

void expect_end(testing::Process& process, int code) {
  const auto status = process.wait(kPatience);
  ASSERT_TRUE(status.has_value()) << "it does not end";
  EXPECT_EQ(status->code, code) << "signal " << status->signal << process.error_output();
}

void expect_left(Agent& watcher) {
  const Json leave = watcher.wait_for_member("leave", "a");
  ASSERT_FALSE(leave.is_null());
  EXPECT_EQ(leave["member"]["status"], "left");
}

TEST(Output, NobodyWhoDoesNotReadItStopsAMember) {
  const FullFifo fifo;
  const std::string full = fifo.path();
  for (const std::string& redirections :
       {"2>" + full, ">" + full, ">" + full + " 2>" + full, std::string(">/dev/full 2>/dev/full"),
        std::string(">&- 2>&-")}) {
    SCOPED_TRACE(redirections);
    Agent watcher("w");
    testing::Process agent = redirected(joining(watcher), redirections);
    const Json join = watcher.wait_for_member("join", "a");
    ASSERT_FALSE(join.is_null());
    send_junk(join["member"]["address"]);
    EXPECT_TRUE(watcher.client({"ping", "a"}).status.success());
    agent.signal(SIGTERM);
    expect_left(watcher);
    expect_end(agent, 0);
  }
}

TEST(Output, WhatIsLostIsCounted) {
  testing::Process agent = redirected(agent_arguments("a"), "2>/dev/full");
  const auto ready = agent.read_line(kPatience);
  ASSERT_TRUE(ready.has_value());
  const Json json = Json::parse(*ready);
  send_junk(json["address"]);
  const std::string address = json["http"];
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  const auto lost = [&] {
    return Json::parse(http(address, "GET", "/v1/info").body)["lost_lines"];
  };
  while (lost()["log"] == 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(lost()["events"], 0);
  const std::string metrics = http(address, "GET", "/metrics").body;
  EXPECT_NE(metrics.find("memberlist_output_lost_total{output=\"log\"}"), std::string::npos);
}

TEST(Signals, ThatAskForAnEndMakeItLeave) {
  for (const int signal : {SIGINT, SIGTERM, SIGQUIT, SIGPWR, SIGXCPU}) {
    SCOPED_TRACE(signal);
    Agent watcher("w");
    testing::Process agent = redirected(joining(watcher), "");
    ASSERT_FALSE(watcher.wait_for_member("join", "a").is_null());
    agent.signal(signal);
    expect_left(watcher);
    expect_end(agent, 0);
  }
}

TEST(Signals, ThatAskForNothingChangeNothing) {
  Agent watcher("w");
  testing::Process agent = redirected(joining(watcher), "");
  ASSERT_FALSE(watcher.wait_for_member("join", "a").is_null());
  for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGSTKFLT,
                           SIGPIPE, SIGXFSZ, SIGRTMIN, SIGRTMAX}) {
    agent.signal(signal);
  }
  EXPECT_TRUE(watcher.client({"ping", "a"}).status.success());
  agent.signal(SIGTERM);
  expect_left(watcher);
  expect_end(agent, 0);
  EXPECT_NE(agent.error_output().find("SIGHUP is ignored"), std::string::npos)
      << agent.error_output();
}

// As Ctrl-C below a runner that forwards it.
TEST(Signals, TwoAtOnceCountAsOne) {
  Agent watcher("w");
  testing::Process agent = redirected(joining(watcher), "");
  ASSERT_FALSE(watcher.wait_for_member("join", "a").is_null());
  agent.signal(SIGSTOP);
  agent.signal(SIGINT);
  agent.signal(SIGTERM);
  agent.signal(SIGCONT);
  expect_left(watcher);
  expect_end(agent, 0);
}

TEST(Signals, AClosedTerminalMakesItLeave) {
  Agent watcher("w");
  Arguments arguments = joining(watcher);
  arguments.insert(arguments.begin(), MEMBERLIST_PROGRAM);
  std::vector<char*> argv;
  for (std::string& argument : arguments) {
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);
  int terminal = -1;
  const pid_t pid = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  EXPECT_FALSE(watcher.wait_for_member("join", "a").is_null());
  ::close(terminal);
  expect_left(watcher);
  ::kill(pid, SIGKILL);
  EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
}

TEST(Signals, EndMonitorAndWatchThoughTheAgentHangs) {
  for (const Arguments& command : {Arguments{"monitor"}, Arguments{"members", "--watch"}}) {
    SilentServer hanging;
    Arguments arguments = command;
    arguments.insert(arguments.end(), {"--http", hanging.address()});
    testing::Process process = redirected(arguments, "");
    hanging.accept();
    process.signal(SIGTERM);
    expect_end(process, 0);
  }
}

TEST(Signals, EndMonitorAndWatchThoughNobodyReads) {
  const FullFifo fifo;
  for (const Arguments& command : {Arguments{"monitor"}, Arguments{"members", "--watch"}}) {
    const Agent agent("a");
    Arguments arguments = command;
    arguments.insert(arguments.end(), {"--http", agent.http()});
    testing::Process process = redirected(arguments, ">" + fifo.path());
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (agent.client_json({"info"})["event_subscribers"] == 0) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    }
    process.signal(SIGINT);
    expect_end(process, 0);
  }
}

TEST(Agent, WhoseJoinFailsLeavesThoseWhoJoinedItMeanwhile) {
  SilentServer silent;
  testing::Process agent = redirected(
      agent_arguments("a", {"--join", silent.address(), "--set", "tcp_timeout=60s"}), "");
  const auto ready = agent.read_line(kPatience);
  ASSERT_TRUE(ready.has_value());
  silent.accept();
  Agent watcher("w", {"--join", Json::parse(*ready)["address"].get<std::string>()});
  ASSERT_FALSE(watcher.wait_for_member("join", "a").is_null());
  silent.hang_up();
  expect_left(watcher);
  expect_end(agent, 1);
}

}  // namespace
}  // namespace memberlist::cli_test
