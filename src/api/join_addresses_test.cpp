#include "api/join_addresses.hpp"

#include <gtest/gtest.h>
#include <net/if.h>

#include <string>

namespace memberlist::api {
namespace {

TEST(JoinAddress, HasAHostAndMayHaveANameAndAPort) {
  struct Case {
    const char* text;
    const char* name;
    const char* host;
    std::uint16_t port;
  };
  for (const Case& c : {
           Case{"10.0.0.1", "", "10.0.0.1", 7946},
           Case{"10.0.0.1:1234", "", "10.0.0.1", 1234},
           Case{"node.example", "", "node.example", 7946},
           Case{"a/node.example:80", "a", "node.example", 80},
           Case{"rack/7/[::1]:80", "rack/7", "::1", 80},
           Case{"::1", "", "::1", 7946},
           Case{"[fd00::1]", "", "fd00::1", 7946},
           Case{"[fe80::1%7]:80", "", "fe80::1%7", 80},
           Case{"50%/fe80::1%7", "50%", "fe80::1%7", 7946},
       }) {
    const auto address = parse_join_address(c.text, 7946);
    ASSERT_TRUE(address) << c.text << ": " << address.error().message;
    EXPECT_EQ(address->text, c.text);
    EXPECT_EQ(address->name, c.name);
    EXPECT_EQ(address->host, c.host);
    EXPECT_EQ(address->port, c.port);
  }
}

TEST(JoinAddress, ZonesMayBeNamesOfInterfaces) {
  const std::string zone = std::to_string(::if_nametoindex("lo"));
  const auto address = parse_join_address("a/[fe80::1%lo]:80", 7946);
  ASSERT_TRUE(address) << address.error().message;
  EXPECT_EQ(address->host, "fe80::1%" + zone);
  EXPECT_EQ(address->port, 80);
  EXPECT_EQ(address->text, "a/[fe80::1%lo]:80");
  const auto unknown = parse_join_address("a/[fe80::1%nosuch0]:80", 7946);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().subject, "a/[fe80::1%nosuch0]:80");
  EXPECT_NE(unknown.error().message.find("nosuch0"), std::string::npos);
}

TEST(JoinAddress, RefusesWhatCannotBeRead) {
  for (const char* text : {"", "/10.0.0.1", "a/", ":7946", "host:0", "host:65536", "host:x", "[::1",
                           "[::1]x", "two words"}) {
    const auto address = parse_join_address(text, 7946);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(address.error().subject, text);
  }
}

}  // namespace
}  // namespace memberlist::api
