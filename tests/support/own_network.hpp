#pragma once

// A network of the test's own: interfaces and addresses that nothing else on the machine sees.

#include <gtest/gtest.h>
#include <sched.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

namespace memberlist::testing {

/// Runs a command of iproute2 in the network of the calling thread.
[[nodiscard]] inline bool ip_command(const std::string& words) {
  return std::system(("ip " + words + " >/dev/null 2>&1").c_str()) == 0;
}

/// Runs `test` on a thread in a network where `lo` and a bridge called `net0` are up, without other
/// addresses than those of loopback. False: this needs privileges, or a kernel, that we have not.
[[nodiscard]] inline bool in_own_network(const std::function<void()>& test) {
  bool ran = false;
  std::thread([&] {
    // All threads that are started by this one are in its network.
    if (::unshare(CLONE_NEWNET) != 0) return;
    if (!ip_command("link set lo up") || !ip_command("link add net0 type bridge") ||
        !ip_command("link set net0 up")) {
      return;
    }
    ran = true;
    test();
  }).join();
  return ran;
}

}  // namespace memberlist::testing
