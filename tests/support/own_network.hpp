#pragma once

// A network of the test's own: interfaces and addresses that nothing else on the machine sees.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

namespace memberlist::testing {

/// Runs a command of iproute2 in the network of the calling thread.
[[nodiscard]] inline bool ip_command(const std::string& words) {
  return std::system(("ip " + words + " >/dev/null 2>&1").c_str()) == 0;
}

/// Takes the calling thread, and all threads and programs that it starts from now on, into a
/// network where `lo` and a bridge called `net0` are up, without other addresses than those of
/// loopback. False: this needs privileges, or a kernel, that we have not, and nothing has changed.
[[nodiscard]] inline bool enter_own_network() {
  const int before = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (before < 0) return false;
  const bool entered = ::unshare(CLONE_NEWNET) == 0;
  const bool up = entered && ip_command("link set lo up") &&
                  ip_command("link add net0 type bridge") && ip_command("link set net0 up");
  if (entered && !up) {
    EXPECT_EQ(::setns(before, CLONE_NEWNET), 0);
  }
  ::close(before);
  return up;
}

/// Runs `test` on a thread in a network of its own (`enter_own_network`), if it can have one.
[[nodiscard]] inline bool in_own_network(const std::function<void()>& test) {
  bool ran = false;
  std::thread([&] {
    ran = enter_own_network();
    if (ran) test();
  }).join();
  return ran;
}

}  // namespace memberlist::testing
