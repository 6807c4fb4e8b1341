#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "../support/own_loopback.hpp"
#include "../support/own_names.hpp"
#include "../support/own_network.hpp"
#include "cli_fixture.hpp"
#include "net/test_name_server.hpp"

// Agents that join by names, on a machine whose resolver configuration is the test's.
namespace memberlist::cli_test {
namespace {

using net::TestNameServer;
using testing::OwnNames;

/// Runs it where the machine's names are the test's, with a name server at port 53 that knows
/// `peer-a` and `peer-b.corp.example`, both of them this machine.
void with_own_names(const std::function<void(const OwnNames&)>& test) {
  bool works = false;
  const bool ran = testing::in_own_network([&] {
    const OwnNames names;
    works = names.works();
    if (!works) return;
    TestNameServer server(TestNameServer::Ways::both, 53);
    server.set("peer-a", {.addresses = {testing::own_loopback_text()}});
    server.set("peer-b.corp.example", {.addresses = {testing::own_loopback_text()}});
    test(names);
  });
  if (!ran || !works) GTEST_SKIP() << "this machine gives tests no names of their own";
}

std::string port_of(const Agent& agent) {
  const std::string address = agent.address();
  return address.substr(address.rfind(':') + 1);
}

// What systemd-resolved writes, and what DHCP does.
TEST(AgentNames, JoinWithTheMachinesSearchList) {
  with_own_names([](const OwnNames& names) {
    const Agent first("first");
    for (const auto& [name, search] :
         {std::pair{"peer-a", "search .\n"}, std::pair{"peer-b", "search . corp.example\n"}}) {
      names.write("resolv.conf", std::string("nameserver 127.0.0.1\n") + search);
      Agent joiner(std::string("by-") + name, {"--join", std::string(name) + ":" + port_of(first)});
      EXPECT_FALSE(joiner.wait_for_member("join", "first").is_null()) << search;
    }
  });
}

// A machine that boots: the agent is started before DHCP has written the file. (An empty one would
// mean the name server on this machine.)
TEST(AgentNames, JoinOnceTheMachineKnowsItsNameServer) {
  with_own_names([](const OwnNames& names) {
    names.write("resolv.conf", "nameserver 127.0.0.77\noptions timeout:1 attempts:1\n");
    const Agent first("first");
    Agent joiner("joiner", {"--retry-join", "--join", "peer-a:" + port_of(first)});
    ASSERT_FALSE(joiner.wait_for("retrying").is_null());
    names.write("resolv.conf", "nameserver 127.0.0.1\n");
    EXPECT_FALSE(joiner.wait_for_member("join", "first").is_null());
  });
}

}  // namespace
}  // namespace memberlist::cli_test
