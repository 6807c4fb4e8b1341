#include "base/address_mistakes.hpp"

#include <gtest/gtest.h>

#include "memberlist/address.hpp"

namespace memberlist {
namespace {

// Every spelling that people use: what it is read as, or a part of what is said about it.
TEST(AddressSpellings, AreReadOrExplained) {
  struct Case {
    const char* text;
    const char* host;  // null: refused
    int port;          // -1: none
    const char* why;
  };
  for (const auto& [text, host, port, why] : {
           Case{"10.0.0.2", "10.0.0.2", -1, ""},
           Case{"10.0.0.2:7946", "10.0.0.2", 7946, ""},
           Case{"node-1.example", "node-1.example", -1, ""},
           Case{"node_1.example.:80", "node_1.example.", 80, ""},
           Case{"b\xc3\xbc"
                "cher.example",
                "b\xc3\xbc"
                "cher.example",
                -1, ""},
           Case{"4.example", "4.example", -1, ""},
           Case{"fd00::1", "fd00::1", -1, ""},
           Case{"[fd00::1]", "fd00::1", -1, ""},
           Case{"[fd00::1]:80", "fd00::1", 80, ""},
           Case{"[fe80::1%3]:80", "fe80::1%3", 80, ""},
           Case{"fe80::1%3", "fe80::1%3", -1, ""},
           Case{"::ffff:10.0.0.2", "::ffff:10.0.0.2", -1, ""},
           Case{"", nullptr, -1, "it is empty"},
           Case{"''", nullptr, -1, "remove the quotes"},
           Case{"\"10.0.0.2\"", nullptr, -1, "remove the quotes"},
           Case{":7946", nullptr, -1, "no host before the port"},
           Case{"a:", nullptr, -1, "its port is missing"},
           Case{"a:http", nullptr, -1, "its port must be a number"},
           Case{"a:99999", nullptr, -1, "its port must be a number"},
           Case{"a:-1", nullptr, -1, "its port must be a number"},
           Case{"a:80:90", nullptr, -1, "several colons"},
           Case{"fd00:99::2:17946", nullptr, -1, "if 17946 is the port, write [fd00:99::2]:17946"},
           Case{"[x", nullptr, -1, "closing bracket is missing"},
           Case{"[x]:1", nullptr, -1, "only an IPv6 address goes into brackets"},
           Case{"[10.0.0.2]:80", nullptr, -1, "only an IPv6 address goes into brackets"},
           Case{"[fd00::1]80", nullptr, -1, "after the bracket"},
           Case{"[fd00::1]:", nullptr, -1, "its port is missing"},
           Case{"a[fd00::1]", nullptr, -1, "brackets go around"},
           Case{"http://h:80", nullptr, -1, "remove \"http://\""},
           Case{"h:80/path", nullptr, -1, "no slash"},
           Case{"10.0.0.0/24", nullptr, -1, "it is a network"},
           Case{"fd00::/64", nullptr, -1, "it is a network"},
           Case{" 10.0.0.2", nullptr, -1, "blank"},
           Case{"a b", nullptr, -1, "blank"},
           Case{"a;b", nullptr, -1, "by commas"},
           Case{"a,b", nullptr, -1, "comma"},
           Case{"010.0.0.2", nullptr, -1, "without leading zeros"},
           Case{"10.0.0.256", nullptr, -1, "from 0 to 255"},
           Case{"10.2:80", nullptr, -1, "four numbers"},
           Case{"0x7f.1", nullptr, -1, "four numbers"},
           Case{"7946", nullptr, -1, "four numbers"},
           Case{"10.0.0.2%eth0", nullptr, -1, "characters that are not allowed in names"},
           Case{"user@host", nullptr, -1, "characters that are not allowed in names"},
       }) {
    const auto read = HostPort::parse(text);
    ASSERT_EQ(read.has_value(), host != nullptr) << text;
    if (read) {
      EXPECT_EQ(read->host, host);
      EXPECT_EQ(read->port ? int{*read->port} : -1, port) << text;
    } else {
      EXPECT_EQ(read.error().subject, text);
      EXPECT_NE(read.error().message.find(why), std::string::npos) << read.error().message;
    }
  }
}

TEST(DoubtfulPort, IsOneThatMayBelongToTheAddress) {
  EXPECT_TRUE(find_doubtful_port("fd00:99::2:7946", 7946));
  EXPECT_TRUE(find_doubtful_port("::1:7946", 7946));
  for (const char* clear :
       {"fd00:99::2:7947", "[fd00:99::2:7946]", "[fd00:99::2]:7946", "10.0.0.2:7946", "a:7946",
        "fd00::7946", "1:2:3:4:5:6:7:7946", "fd00:99::2:07946"}) {
    EXPECT_FALSE(find_doubtful_port(clear, 7946)) << clear;
  }
  EXPECT_FALSE(find_doubtful_port("fd00:99::2:0", 0));
}

TEST(DoubtfulPort, IsRefusedWithBothSpellings) {
  const auto parsed = Address::parse("fd00:99::2:7946", 7946);
  ASSERT_FALSE(parsed);
  EXPECT_NE(parsed.error().message.find("write [fd00:99::2]:7946"), std::string::npos);
  EXPECT_NE(parsed.error().message.find("write [fd00:99::2:7946]"), std::string::npos);
}

}  // namespace
}  // namespace memberlist
