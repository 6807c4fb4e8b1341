#include "process.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <string>
#include <system_error>

namespace memberlist::testing {
namespace {

using namespace std::chrono_literals;

TEST(Process, ReadsLinesAndTheExitCode) {
  Process process({{"sh", "-c", "echo one; echo two >&2; printf three; exit 7"}, {}, {}});
  EXPECT_EQ(process.read_line(5s), "one");
  EXPECT_EQ(process.read_line(5s), "three");
  EXPECT_EQ(process.read_line(5s), std::nullopt);
  EXPECT_TRUE(process.output_ended());
  const auto status = process.wait(5s);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->code, 7);
  EXPECT_FALSE(status->success());
  EXPECT_EQ(process.output(), "one\nthree");
}

TEST(Process, WritesToTheChild) {
  Process process({{"cat"}, {}, {}});
  ASSERT_TRUE(process.write("hello\n"));
  EXPECT_EQ(process.read_line(5s), "hello");
  process.close_input();
  const auto status = process.wait(5s);
  ASSERT_TRUE(status.has_value());
  EXPECT_TRUE(status->success());
}

TEST(Process, ReadLineGivesUpAtItsDeadline) {
  Process process({{"cat"}, {}, {}});
  EXPECT_EQ(process.read_line(20ms), std::nullopt);
  EXPECT_FALSE(process.output_ended());
  EXPECT_TRUE(process.running());
  EXPECT_EQ(process.wait(20ms), std::nullopt);
}

TEST(Process, WritingToAnEndedChildFailsAndDoesNotEndTheTest) {
  Process process({{"true"}, {}, {}});
  ASSERT_TRUE(process.wait(5s).has_value());
  EXPECT_FALSE(process.write("x"));
  EXPECT_FALSE(process.signal(SIGTERM));
}

TEST(Process, AChildThatNobodyReadsDoesNotBlock) {
  Process process({{"head", "-c", "1000000", "/dev/zero"}, {}, {}});
  const auto status = process.wait(10s);
  ASSERT_TRUE(status.has_value());
  EXPECT_TRUE(status->success());
}

TEST(Process, ASignalIsSeenInTheStatus) {
  Process process({{"cat"}, {}, {}});
  ASSERT_TRUE(process.signal(SIGKILL));
  const auto status = process.wait(5s);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->code, std::nullopt);
  EXPECT_EQ(status->signal, SIGKILL);
}

TEST(Process, TheDestructorEndsTheChildAndItsChildren) {
  std::optional<std::string> grandchild;
  {
    Process process({{"sh", "-c", "cat <&0 & echo $!; wait"}, {}, {}});
    grandchild = process.read_line(5s);
    ASSERT_TRUE(grandchild.has_value());
  }
  const pid_t pid = std::stoi(grandchild.value_or("0"));
  // It is init's to reap now: gone, or a zombie, as soon as it is dead.
  const auto gone = [&] {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(stat, text);
    return text.empty() || text.find(") Z") != std::string::npos;
  };
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  while (!gone() && std::chrono::steady_clock::now() < deadline) {
  }
  EXPECT_TRUE(gone());
}

TEST(Process, TakesEnvironmentAndDirectory) {
  const Completed done =
      run({{"sh", "-c", "echo $PROCESS_TEST; pwd"}, {{"PROCESS_TEST", "set"}}, "/"}, 5s);
  EXPECT_EQ(done.output, "set\n/\n");
}

TEST(Process, RunPassesInputAndCollectsErrors) {
  const Completed done = run({{"sh", "-c", "cat; echo bad >&2"}, {}, {}}, 5s, "in");
  EXPECT_EQ(done.output, "in");
  EXPECT_EQ(done.error_output, "bad\n");
  EXPECT_TRUE(done.status.success());
}

TEST(Process, RunThrowsWhenItTakesTooLong) {
  EXPECT_THROW(run({{"tail", "-f", "/dev/null"}, {}, {}}, 50ms), std::runtime_error);
}

TEST(Process, AProgramThatDoesNotExistCannotBeStarted) {
  EXPECT_THROW(Process({{"/no/such/program"}, {}, {}}), std::system_error);
}

}  // namespace
}  // namespace memberlist::testing
