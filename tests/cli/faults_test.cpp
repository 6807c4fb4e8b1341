// The admin API while system calls fail: strace makes them.

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "cli_fixture.hpp"

namespace memberlist::cli_test {
namespace {

// An agent of which some system calls fail; nothing if strace cannot be used here.
std::optional<testing::Process> agent_with_faults(const std::string& faults,
                                                  const Arguments& more = {}) {
  const bool works = std::system("strace -f -qq -o /dev/null true >/dev/null 2>&1") == 0;
  if (!works) {
    return std::nullopt;
  }
  Arguments command{"strace",          "-f", "-qq", "-o", "/dev/null", "-e", "inject=" + faults,
                    MEMBERLIST_PROGRAM};
  const Arguments arguments = agent_arguments("a", more);
  command.insert(command.end(), arguments.begin(), arguments.end());
  return std::optional<testing::Process>(std::in_place, testing::ProcessOptions{command, {}, {}});
}

TEST(AdminFaults, AFailedAcceptIsTriedAgain) {
  for (const std::string error : {"ENFILE", "ECONNABORTED", "ENOBUFS"}) {
    auto agent = agent_with_faults("accept,accept4:error=" + error + ":when=2..3");
    if (!agent) {
      GTEST_SKIP() << "no strace that may be used";
    }
    const auto ready = agent->read_line(kPatience);
    ASSERT_TRUE(ready.has_value()) << agent->error_output();
    const std::string address = Json::parse(*ready).at("http");
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(http(address, "GET", "/v1/info").status, 200) << error << ", request " << i;
    }
  }
}

// Whichever thread cannot be had: the agent ends as it does without a fault, by its failed join at
// the latest.
TEST(AdminFaults, AThreadThatCannotBeHadIsAnError) {
  for (int which = 1; which <= 20; ++which) {
    auto agent = agent_with_faults("clone,clone3:error=EAGAIN:when=" + std::to_string(which),
                                   {"--join", "127.0.0.1:1"});
    if (!agent) {
      GTEST_SKIP() << "no strace that may be used";
    }
    const auto ended = agent->wait(kPatience);
    ASSERT_TRUE(ended.has_value()) << "a failed join ends it, if nothing else does";
    EXPECT_EQ(ended->code, 1) << which << ": signal " << ended->signal << "\n"
                              << agent->error_output();
  }
}

}  // namespace
}  // namespace memberlist::cli_test
