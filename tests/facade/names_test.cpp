// Host names to join through, and a name server of the test's own.

#include <gtest/gtest.h>

#include <string>

#include "memberlist/memberlist.hpp"
#include "net/test_name_server.hpp"
#include "node.hpp"

namespace memberlist::facade_test {
namespace {

using net::TestNameServer;

class JoinByName : public ::testing::Test {
 protected:
  [[nodiscard]] Config config() const {
    Config config = quick_config("a");
    config.dns_servers = {names_.address()};
    return config;
  }
  // A name at the port where a node listens.
  static std::string at_port_of(const Node& node, const std::string& name) {
    const std::string address = node.address();
    return name + address.substr(address.rfind(':'));
  }

  TestNameServer names_;
};

TEST_F(JoinByName, ReachesWhoHasTheName) {
  Node seed("seed");
  names_.set("seeds.example", {.alias = "seed.example"});
  names_.set("seed.example", {.addresses = {testing::own_loopback_text()}});
  Node node(config());
  const auto joined = node->join({at_port_of(seed, "seeds.example")});
  ASSERT_TRUE(joined) << joined.error().message;
  EXPECT_EQ(joined->contacted, 1U);
  EXPECT_TRUE(node.sees("seed", MemberStatus::alive));
}

TEST_F(JoinByName, TakesNameServersOfBothFamilies) {
  Config both = config();
  both.dns_servers.push_back({IpAddress::parse("fd00::53").value_or(IpAddress()), 0});
  names_.set("seeds.example", {.addresses = {testing::own_loopback_text()}});
  Node seed("seed");
  Node node(both);
  EXPECT_TRUE(node->join({at_port_of(seed, "seeds.example")}));
}

TEST_F(JoinByName, TriesEachAddressOfTheName) {
  Node seed("seed");
  names_.set("seeds.example",
             {.addresses = {"127.0.0.7", testing::own_loopback_text(), "127.0.0.8"}});
  Node node(config());
  const auto joined = node->join({at_port_of(seed, "seeds.example")});
  ASSERT_TRUE(joined) << joined.error().message;
  EXPECT_EQ(joined->contacted, 1U);
  EXPECT_EQ(joined->failures.size(), 2U);
}

// The name is what is kept, not the addresses that it once had.
TEST_F(JoinByName, IsLookedUpAnewAtEachTry) {
  Node seed("seed");
  Node node(config());
  const std::string address = at_port_of(seed, "seeds.example");
  const auto unknown = node->join({address});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::unresolved);
  EXPECT_EQ(unknown.error().subject, address);
  names_.set("seeds.example", {.addresses = {"127.0.0.7"}});
  const auto elsewhere = node->join({address});
  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(elsewhere.error().code, ErrorCode::unreachable);
  names_.set("seeds.example", {.addresses = {testing::own_loopback_text()}});
  const auto joined = node->join({address});
  ASSERT_TRUE(joined) << joined.error().message;
  EXPECT_EQ(joined->contacted, 1U);
}

TEST_F(JoinByName, HasADeadline) {
  names_.set("silent.example", {.silent = true});
  Node node(config());
  JoinOptions options;
  options.timeout = std::chrono::milliseconds(50);
  const auto joined = node->join({"silent.example"}, options);
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, ErrorCode::timed_out);
}

TEST_F(JoinByName, GetsAnAnswerWhereTheFirstNameServerIsDead) {
  const TestNameServer dead(TestNameServer::Ways::none);
  Node seed("seed");
  names_.set("seeds.example", {.addresses = {testing::own_loopback_text()}});
  Config two = config();
  two.dns_servers.insert(two.dns_servers.begin(), dead.address());
  Node node(two);
  const auto joined = node->join({at_port_of(seed, "seeds.example")});
  ASSERT_TRUE(joined) << joined.error().message;
}

}  // namespace
}  // namespace memberlist::facade_test
