// The address that a member advertises if only the unspecified one was bound.

#include <gtest/gtest.h>

#include <string_view>

#include "memberlist/memberlist.hpp"
#include "node.hpp"
#include "support/own_network.hpp"

namespace memberlist::facade_test {
namespace {

using memberlist::testing::in_own_network;
using memberlist::testing::ip_command;

constexpr const char* kNoNetwork = "this machine gives tests no network of their own";

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value_or(IpAddress()); }

Config bound_to(std::string name, const IpAddress& bind) {
  Config config = quick_config(std::move(name));
  config.bind.ip = bind;
  return config;
}

bool sees_at(Node& observer, std::string_view name, const IpAddress& address) {
  return eventually([&] {
    const auto member = observer->member(name);
    return member && member->status == MemberStatus::alive && member->address().ip == address;
  });
}

TEST(OwnAddress, IsDetectedWhereAllAreBound) {
  const bool ran = in_own_network([] {
    ASSERT_TRUE(ip_command("addr add 10.7.0.1/24 dev net0"));
    EXPECT_EQ(Node(bound_to("a", ip("0.0.0.0")))->local_member().address().ip, ip("10.7.0.1"));
    EXPECT_EQ(Node(bound_to("a", ip("::")))->local_member().address().ip, ip("10.7.0.1"));
    // A host with IPv6 alone.
    ASSERT_TRUE(ip_command("addr del 10.7.0.1/24 dev net0"));
    ASSERT_TRUE(ip_command("addr add fd00::7/64 dev net0 nodad"));
    EXPECT_EQ(Node(bound_to("a", ip("::")))->local_member().address().ip, ip("fd00::7"));
    EXPECT_FALSE(Memberlist::create(bound_to("a", ip("0.0.0.0"))));
  });
  if (!ran) GTEST_SKIP() << kNoNetwork;
}

TEST(OwnAddress, IsDetectedAgainAtAnUpdate) {
  const bool ran = in_own_network([] {
    ASSERT_TRUE(ip_command("addr add 10.7.0.1/24 dev net0"));
    Node a(bound_to("a", ip("0.0.0.0")));
    Node b("b");
    a.join(b);
    ASSERT_TRUE(sees_at(b, "a", ip("10.7.0.1")));
    ASSERT_TRUE(ip_command("addr add 10.7.0.2/24 dev net0"));
    ASSERT_TRUE(a->update_meta(as_bytes("one")));
    EXPECT_EQ(a->local_member().address().ip, ip("10.7.0.1")) << "it is still there";
    ASSERT_TRUE(ip_command("addr flush dev net0"));
    ASSERT_TRUE(ip_command("addr add 10.7.0.3/24 dev net0"));
    ASSERT_TRUE(a->update_meta(as_bytes("two")));
    EXPECT_EQ(a->local_member().address().ip, ip("10.7.0.3"));
    EXPECT_TRUE(sees_at(b, "a", ip("10.7.0.3")));
    EXPECT_EQ(as_text(b->member("a")->meta()), "two");
    EXPECT_TRUE(b.record().heard(MemberEventKind::leave, "a"));
    EXPECT_EQ(b.record().count<MemberEvent>(
                  [](const MemberEvent& event) { return event.kind == MemberEventKind::conflict; }),
              0U);
  });
  if (!ran) GTEST_SKIP() << kNoNetwork;
}

TEST(OwnAddress, StaysAtAnUpdateWhereItWasGiven) {
  const bool ran = in_own_network([] {
    Config config = bound_to("a", ip("0.0.0.0"));
    config.advertise = Address{ip("10.7.0.1"), 0};
    Node a(config);
    ASSERT_TRUE(ip_command("addr add 10.7.0.2/24 dev net0"));
    ASSERT_TRUE(a->update_meta(as_bytes("one")));
    EXPECT_EQ(a->local_member().address().ip, ip("10.7.0.1"));
  });
  if (!ran) GTEST_SKIP() << kNoNetwork;
}

TEST(OwnAddress, MetaDataThatIsRefusedChangesNoAddress) {
  const bool ran = in_own_network([] {
    ASSERT_TRUE(ip_command("addr add 10.7.0.1/24 dev net0"));
    Node a(bound_to("a", ip("0.0.0.0")));
    ASSERT_TRUE(ip_command("addr flush dev net0"));
    ASSERT_TRUE(ip_command("addr add 10.7.0.3/24 dev net0"));
    EXPECT_FALSE(a->update_meta(Bytes(513)));
    EXPECT_EQ(a->local_member().address().ip, ip("10.7.0.1"));
    EXPECT_TRUE(a->update_meta(Bytes(1)));
    EXPECT_EQ(a->local_member().address().ip, ip("10.7.0.3"));
  });
  if (!ran) GTEST_SKIP() << kNoNetwork;
}

TEST(LinkLocalAddress, IsBoundAndJoinedByTheNameOfItsInterface) {
  const bool ran = in_own_network([] {
    ASSERT_TRUE(ip_command("addr add fe80::7/64 dev net0 nodad"));
    ASSERT_TRUE(ip_command("addr add fe80::8/64 dev net0 nodad"));
    const auto seven = parse_address("[fe80::7%net0]:0", 1);
    const auto eight = parse_address("fe80::8%net0", 0);
    ASSERT_TRUE(seven && eight);
    Config config = quick_config("a");
    config.bind = *seven;
    Node a(config);
    config = quick_config("b");
    config.bind = *eight;
    Node b(config);
    const std::string port = std::to_string(a->local_address().port);
    const auto joined = b->join({"[fe80::7%net0]:" + port});
    ASSERT_TRUE(joined) << joined.error().message;
    EXPECT_EQ(joined->contacted, 1U);
  });
  if (!ran) GTEST_SKIP() << kNoNetwork;
}

TEST(LinkLocalAddress, OfAnUnknownInterfaceIsRefused) {
  const auto parsed = parse_address("[fe80::7%nosuch0]:1", 0);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
  Node node("a");
  const auto joined = node->join({"fe80::7%nosuch0"});
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().subject, "fe80::7%nosuch0");
  EXPECT_NE(joined.error().message.find("no network interface"), std::string::npos);
}

TEST(MappedAddress, IsTheIpv4Address) {
  Config config = quick_config("a");
  config.bind.ip = ip("::ffff:127.0.0.1");
  Node a(config);
  EXPECT_EQ(a->local_address().ip, IpAddress::v4(127, 0, 0, 1));
  EXPECT_TRUE(a.address().starts_with("127.0.0.1:"));
  Node b("b");
  const std::string port = std::to_string(a->local_address().port);
  const auto joined = b->join({"[::ffff:127.0.0.1]:" + port, "127.0.0.1:" + port});
  ASSERT_TRUE(joined) << joined.error().message;
  EXPECT_EQ(joined->contacted, 1U) << "the same address, dialled once";
  EXPECT_TRUE(a.sees("b", MemberStatus::alive));
}

// A socket for both families gets IPv4 as mapped addresses.
TEST(MappedAddress, OfASocketForBothFamiliesIsTheIpv4Address) {
  const bool ran = in_own_network([] {
    ASSERT_TRUE(ip_command("addr add 10.7.0.1/24 dev net0"));
    Config config = bound_to("a", ip("::"));
    config.allowed_networks = {Network::parse("10.7.0.0/24").value_or(Network())};
    Node a(config);
    config = bound_to("b", ip("10.7.0.1"));
    Node b(config);
    const auto joined = b->join({"10.7.0.1:" + std::to_string(a->local_address().port)});
    ASSERT_TRUE(joined) << joined.error().message;
    EXPECT_TRUE(sees_at(a, "b", ip("10.7.0.1")));
    EXPECT_TRUE(a->ping("b", CallOptions{kPatience}));
    EXPECT_TRUE(b->ping("a", CallOptions{kPatience}));
  });
  if (!ran) GTEST_SKIP() << kNoNetwork;
}

}  // namespace
}  // namespace memberlist::facade_test
