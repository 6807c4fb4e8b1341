// Members on a network in memory, as the tests of an application would have them.

#include "memberlist/memory_network.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "memberlist/memberlist.hpp"
#include "node.hpp"

namespace memberlist::facade_test {
namespace {

Config in_memory(std::string name) {
  Config config = quick_config(std::move(name));
  config.bind = Config::lan().bind;  // the default: any address, port 7946
  return config;
}

class MemoryNetworkTest : public ::testing::Test {
 protected:
  [[nodiscard]] Hosting hosting() const {
    return {.runtime = std::nullopt, .transport = network_.transport()};
  }
  [[nodiscard]] Address at(Node& node) const { return node->local_address(); }

  MemoryNetwork network_{1};
};

TEST_F(MemoryNetworkTest, GivesEachMemberAnAddressOfItsOwnAtTheDefaultPort) {
  Node a(in_memory("a"), hosting());
  Node b(in_memory("b"), hosting());
  EXPECT_EQ(a.address(), "10.0.0.1:7946");
  EXPECT_EQ(b.address(), "10.0.0.2:7946");
  EXPECT_EQ(a->local_member().address(), a->local_address());
  b.join(a);
  EXPECT_TRUE(a.sees("b", MemberStatus::alive));
}

TEST_F(MemoryNetworkTest, TakesTheAddressThatIsAskedFor) {
  Config config = in_memory("a");
  config.bind = {IpAddress::v4(192, 168, 7, 1), 1000};
  Node a(config, hosting());
  EXPECT_EQ(a.address(), "192.168.7.1:1000");

  config.name = "same";
  const auto taken = Memberlist::create(config, {}, hosting());
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::address_in_use);
  EXPECT_EQ(taken.error().subject, "192.168.7.1:1000");

  config.bind.port = 0;
  Node free_port(config, hosting());
  config.name = "another";
  Node next_port(config, hosting());
  EXPECT_NE(free_port->local_address().port, 0);
  EXPECT_NE(free_port->local_address(), next_port->local_address());

  a->shutdown();
  config.bind.port = 1000;
  EXPECT_TRUE(Memberlist::create(config, {}, hosting()));
}

TEST_F(MemoryNetworkTest, SpeaksIpv6WhereThatIsAskedFor) {
  Config config = in_memory("six");
  config.bind.ip = IpAddress::parse("::").value_or(IpAddress{});
  Node six(config, hosting());
  Node four(in_memory("four"), hosting());
  EXPECT_EQ(six.address(), "[fd00::1]:7946");
  four.join(six);
  EXPECT_TRUE(six.sees("four", MemberStatus::alive));
}

TEST_F(MemoryNetworkTest, CarriesMessagesOfBothKinds) {
  Node a(in_memory("a"), hosting());
  Node b(in_memory("b"), hosting());
  b.join(a);
  const std::string large(100'000, 'x');
  ASSERT_TRUE(b->send("a", as_bytes("by packet")));
  ASSERT_TRUE(b->send("a", as_bytes(large), Delivery::reliable));
  EXPECT_TRUE(a.record().heard_message("by packet"));
  EXPECT_TRUE(a.record().heard_message(large));
  EXPECT_TRUE(b->ping("a"));
}

TEST_F(MemoryNetworkTest, AMemberReachesItselfToo) {
  Node a(in_memory("a"), hosting());
  ASSERT_TRUE(a->send(at(a), as_bytes("to myself"), Delivery::reliable));
  EXPECT_TRUE(a.record().heard_message("to myself"));
  const auto joined = a->join({a.address()});
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, ErrorCode::own_address) << joined.error().message;
}

TEST_F(MemoryNetworkTest, EncryptsAsOnAnyNetwork) {
  Config config = in_memory("a");
  config.keys = {Bytes(16, std::byte{7})};
  Node a(config, hosting());
  config.name = "b";
  Node b(config, hosting());
  b.join(a);
  Node outsider(in_memory("outsider"), hosting());
  EXPECT_FALSE(outsider->join({a.address()}));
}

TEST_F(MemoryNetworkTest, AJoinWhereNobodyIsFails) {
  Node a(in_memory("a"), hosting());
  const auto joined = a->join({"10.9.9.9:7946"});
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, ErrorCode::unreachable);
}

TEST_F(MemoryNetworkTest, AnIsolatedMemberIsTakenForDeadAndComesBack) {
  Node a(in_memory("a"), hosting());
  Node b(in_memory("b"), hosting());
  Node c(in_memory("c"), hosting());
  b.join(a);
  c.join(a);
  EXPECT_TRUE(b.sees("c", MemberStatus::alive));
  network_.isolate(at(c));
  EXPECT_TRUE(a.sees("c", MemberStatus::dead));
  EXPECT_TRUE(b.sees("c", MemberStatus::dead));
  EXPECT_FALSE(c->join({a.address()}));
  network_.reconnect(at(c));
  c.join(a);
  EXPECT_TRUE(b.sees("c", MemberStatus::alive));
}

TEST_F(MemoryNetworkTest, ACutLinkIsGoneRoundByTheOthers) {
  Node a(in_memory("a"), hosting());
  Node b(in_memory("b"), hosting());
  Node c(in_memory("c"), hosting());
  b.join(a);
  c.join(a);
  EXPECT_TRUE(b.sees("c", MemberStatus::alive));
  EXPECT_TRUE(c.sees("b", MemberStatus::alive));
  network_.cut(at(a), at(b));
  EXPECT_FALSE(a->ping("b", {.timeout = std::chrono::milliseconds(200)}));
  EXPECT_FALSE(a->send("b", as_bytes("x"), Delivery::reliable));
  (void)a->update_meta(as_bytes("by way of c"), {.timeout = std::chrono::milliseconds(100)});
  EXPECT_TRUE(eventually([&] {
    const auto seen = b->member("a");
    return seen && as_text(seen->meta()) == "by way of c";
  }));
  EXPECT_TRUE(a->ping("c"));
  network_.mend(at(b), at(a));
  EXPECT_TRUE(eventually([&] { return a->ping("b").has_value(); }));
}

TEST_F(MemoryNetworkTest, LosesPacketsButNothingOfAStream) {
  Node a(in_memory("a"), hosting());
  Node b(in_memory("b"), hosting());
  b.join(a);
  network_.lose_packets(1);
  EXPECT_FALSE(b->ping("a", {.timeout = std::chrono::milliseconds(200)}));
  ASSERT_TRUE(b->send(a->local_address(), as_bytes("by stream"), Delivery::reliable));
  EXPECT_TRUE(a.record().heard_message("by stream"));
  network_.lose_packets(0);
  EXPECT_TRUE(eventually([&] { return b->ping(a->local_member().name()).has_value(); }));
}

TEST_F(MemoryNetworkTest, AMemberThatEndsBreaksItsStreams) {
  Node a(in_memory("a"), hosting());
  for (int i = 0; i < 20; ++i) {
    Node b(in_memory("b"), hosting());
    b->join_async({a.address()}, {}, [](const auto&) {});
  }
  Node c(in_memory("c"), hosting());
  c.join(a);
}

TEST_F(MemoryNetworkTest, WorksOnOneThreadToo) {
  auto runtime = Runtime::create();
  ASSERT_TRUE(runtime);
  const Hosting on_one{.runtime = *runtime, .transport = network_.transport()};
  std::vector<std::unique_ptr<Node>> nodes;
  for (int i = 0; i < 10; ++i) {
    nodes.push_back(std::make_unique<Node>(in_memory("n" + std::to_string(i)), on_one));
    if (i > 0) nodes.back()->join(*nodes.front());
  }
  for (const auto& node : nodes) EXPECT_TRUE(eventually([&] { return node->alive() == 10; }));
}

TEST_F(MemoryNetworkTest, NetworksAreApart) {
  const MemoryNetwork other;
  Node a(in_memory("a"), hosting());
  Node b(in_memory("b"), {.runtime = std::nullopt, .transport = other.transport()});
  EXPECT_EQ(a.address(), b.address());
  EXPECT_FALSE(b->join({"10.0.0.2:7946"}));
}

}  // namespace
}  // namespace memberlist::facade_test
