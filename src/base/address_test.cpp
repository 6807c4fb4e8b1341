#include "memberlist/address.hpp"

#include <string>
#include <unordered_set>

#include <gtest/gtest.h>

namespace memberlist {
namespace {

IpAddress ip(std::string_view text) {
  const auto parsed = IpAddress::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(IpAddress());
}

TEST(IpAddress, ParsesAndPrintsTheCanonicalForm) {
  const std::pair<const char*, const char*> cases[] = {
      {"10.0.0.1", "10.0.0.1"},
      {"255.255.255.255", "255.255.255.255"},
      {"::", "::"},
      {"::1", "::1"},
      {"1::", "1::"},
      {"2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
      {"::ffff:10.0.0.1", "10.0.0.1"},
      {"::ffff:a00:1", "10.0.0.1"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
      {"fe80::1%2", "fe80::1%2"},
      {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
  };
  for (const auto& [text, canonical] : cases) EXPECT_EQ(ip(text).to_string(), canonical) << text;
}

TEST(IpAddress, RefusesWhatIsNoAddress) {
  for (const char* text : {"",
                           "1",
                           "1.2.3",
                           "1.2.3.4.5",
                           "1.2.3.256",
                           "01.2.3.4",
                           "1.2.3.-4",
                           "+1.2.3.4",
                           "1.2.3.4 ",
                           ":",
                           ":::",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1::2::3",
                           "12345::",
                           "1:2:3:4:5:6:7:8::",
                           "::1.2.3",
                           "1.2.3.4::",
                           "::1.2.3.4:5",
                           "[::1]",
                           "fe80::1%eth0",
                           "::ffff:1.2.3.4%1",
                           "::g",
                           "1:",
                           ":1",
                           "example.org"}) {
    const auto parsed = IpAddress::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(parsed.error().subject, text);
  }
}

TEST(IpAddress, GoesOnTheWireInFourOrSixteenBytes) {
  const IpAddress v4 = IpAddress::v4(10, 1, 2, 3);
  ASSERT_EQ(v4.wire_bytes().size(), 4U);
  EXPECT_EQ(v4.wire_bytes()[3], std::byte{3});
  EXPECT_EQ(IpAddress::from_bytes(v4.wire_bytes()), v4);
  const IpAddress v6 = ip("2001:db8::7");
  ASSERT_EQ(v6.wire_bytes().size(), 16U);
  EXPECT_EQ(IpAddress::from_bytes(v6.wire_bytes()), v6);
  EXPECT_EQ(IpAddress::from_bytes(ip("::ffff:10.1.2.3").wire_bytes()), v4);
  const Bytes seventeen(17);
  for (const std::size_t size : {0U, 1U, 3U, 5U, 15U, 17U}) {
    EXPECT_FALSE(IpAddress::from_bytes(BytesView(seventeen).first(size))) << size;
  }
}

TEST(IpAddress, KnowsItsKind) {
  EXPECT_TRUE(ip("0.0.0.0").is_unspecified());
  EXPECT_TRUE(ip("::").is_unspecified());
  EXPECT_FALSE(ip("0.0.0.1").is_unspecified());
  EXPECT_TRUE(ip("127.9.9.9").is_loopback());
  EXPECT_TRUE(ip("::1").is_loopback());
  EXPECT_FALSE(ip("::2").is_loopback());
  EXPECT_TRUE(ip("169.254.1.1").is_link_local());
  EXPECT_TRUE(ip("fe80::1").is_link_local());
  EXPECT_TRUE(ip("febf::1").is_link_local());
  EXPECT_FALSE(ip("fec0::1").is_link_local());
  for (const char* text :
       {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.3.4", "100.64.0.1", "100.127.0.1",
        "169.254.0.1", "127.0.0.1", "fc00::1", "fdff::1", "fe80::1", "::1"}) {
    EXPECT_TRUE(ip(text).is_private()) << text;
  }
  for (const char* text : {"9.0.0.1", "11.0.0.1", "172.15.0.1", "172.32.0.1", "192.169.0.1",
                           "100.63.0.1", "100.128.0.1", "8.8.8.8", "2001:db8::1", "fb00::1"}) {
    EXPECT_FALSE(ip(text).is_private()) << text;
  }
}

TEST(Address, ParsesWithAndWithoutPort) {
  const auto text_of = [](std::string_view text) {
    const auto parsed = Address::parse(text, 7946);
    return parsed ? parsed->to_string() : "error";
  };
  EXPECT_EQ(text_of("10.0.0.1"), "10.0.0.1:7946");
  EXPECT_EQ(text_of("10.0.0.1:0"), "10.0.0.1:0");
  EXPECT_EQ(text_of("10.0.0.1:65535"), "10.0.0.1:65535");
  EXPECT_EQ(text_of("::1"), "[::1]:7946");
  EXPECT_EQ(text_of("[::1]"), "[::1]:7946");
  EXPECT_EQ(text_of("[::1]:80"), "[::1]:80");
  EXPECT_EQ(text_of("[fe80::1%3]:80"), "[fe80::1%3]:80");
  for (const char* text :
       {"", ":80", "10.0.0.1:", "10.0.0.1:65536", "10.0.0.1:-1", "10.0.0.1:x", "[::1", "[::1]80",
        "[::1]:", "[10.0.0.1]:80", "localhost:80", "10.0.0.1:80:90"}) {
    EXPECT_EQ(text_of(text), "error") << text;
  }
}

TEST(Address, EqualAddressesHashEqual) {
  const auto a = Address::parse("10.0.0.1:80", 0);
  const auto b = Address::parse("[::ffff:10.0.0.1]:80", 0);
  const auto c = Address::parse("10.0.0.1:81", 0);
  ASSERT_TRUE(a && b && c);
  const std::unordered_set<Address> set{*a, *b, *c};
  EXPECT_EQ(set.size(), 2U);
}

TEST(Network, ContainsWhatItsPrefixSays) {
  struct Case {
    const char* network;
    const char* address;
    bool inside;
  };
  for (const auto& [network, address, inside] : std::initializer_list<Case>{
           {"10.0.0.0/8", "10.255.0.1", true},
           {"10.0.0.0/8", "11.0.0.1", false},
           {"10.9.9.9/8", "10.1.1.1", true},
           {"10.0.0.0/9", "10.127.255.255", true},
           {"10.0.0.0/9", "10.128.0.0", false},
           {"10.0.0.7", "10.0.0.7", true},
           {"10.0.0.7", "10.0.0.6", false},
           {"0.0.0.0/0", "203.0.113.1", true},
           {"0.0.0.0/0", "2001:db8::1", false},
           {"::/0", "2001:db8::1", true},
           {"::/0", "10.0.0.1", false},
           {"2001:db8::/32", "2001:db8:ffff::1", true},
           {"2001:db8::/32", "2001:db9::1", false},
           {"::1/128", "::1", true},
           {"::ffff:10.0.0.0/104", "10.1.1.1", true},
       }) {
    const auto parsed = Network::parse(network);
    ASSERT_TRUE(parsed) << network;
    EXPECT_EQ(parsed->contains(ip(address)), inside) << network << " " << address;
  }
}

TEST(Network, PrintsItsBaseAndRefusesNonsense) {
  const auto text_of = [](std::string_view text) {
    const auto parsed = Network::parse(text);
    return parsed ? parsed->to_string() : "error";
  };
  EXPECT_EQ(text_of("10.9.9.9/8"), "10.0.0.0/8");
  EXPECT_EQ(text_of("10.9.9.9"), "10.9.9.9/32");
  EXPECT_EQ(text_of("0.0.0.0/0"), "0.0.0.0/0");
  EXPECT_EQ(text_of("2001:db8::5/32"), "2001:db8::/32");
  for (const char* text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "a/8", "fe80::%1/10"}) {
    EXPECT_EQ(text_of(text), "error") << text;
  }
}

TEST(HostPort, SplitsNamesToo) {
  const auto named = HostPort::parse("node.example.org:7946");
  ASSERT_TRUE(named);
  EXPECT_EQ(named->host, "node.example.org");
  EXPECT_EQ(named->port, 7946);
  const auto bare = HostPort::parse("node");
  ASSERT_TRUE(bare);
  EXPECT_FALSE(bare->port);
  const auto v6 = HostPort::parse("2001:db8::1");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "2001:db8::1");
  EXPECT_FALSE(v6->port);
  for (const char* text : {"", ":1", "a b:1", "a:b:c", "a\n", "[a]:1"}) {
    EXPECT_FALSE(HostPort::parse(text)) << text;
  }
}

}  // namespace
}  // namespace memberlist
