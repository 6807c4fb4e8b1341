#include "net/zones.hpp"

#include <gtest/gtest.h>
#include <net/if.h>

#include <string>

namespace memberlist::net {
namespace {

TEST(NumberZone, TakesTheNameOfAnInterface) {
  const unsigned index = ::if_nametoindex("lo");
  ASSERT_NE(index, 0U);
  const std::string number = std::to_string(index);
  EXPECT_EQ(number_zone("fe80::1%lo"), "fe80::1%" + number);
  EXPECT_EQ(number_zone("[fe80::1%lo]:7946"), "[fe80::1%" + number + "]:7946");
  EXPECT_EQ(number_zone("[fe80::1%lo]"), "[fe80::1%" + number + "]");
}

TEST(NumberZone, LeavesAllElseAlone) {
  for (const char* text : {"", "%", "a%b", "10.0.0.1%lo", "fe80::1", "fe80::1%2", "[fe80::1%2]:1",
                           "fe80::1%", "seeds.example:7946"}) {
    EXPECT_EQ(number_zone(text), text);
  }
}

TEST(NumberZone, SaysWhichInterfacesThereAre) {
  for (const char* text : {"fe80::1%nosuch0", "[fe80::1%nosuch0]:7946"}) {
    const auto numbered = number_zone(text);
    ASSERT_FALSE(numbered);
    EXPECT_EQ(numbered.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(numbered.error().subject, text);
    EXPECT_NE(numbered.error().message.find("no network interface \"nosuch0\""), std::string::npos)
        << numbered.error().message;
    EXPECT_NE(numbered.error().message.find("lo"), std::string::npos);
  }
}

TEST(NumberZone, GuessesAtAPortWithoutBrackets) {
  const auto message = [](std::string_view text) {
    const auto numbered = number_zone(text);
    return numbered ? std::string() : numbered.error().message;
  };
  EXPECT_NE(message("fe80::1%lo:7946").find("if 7946 is the port, write [fe80::1%lo]:7946"),
            std::string::npos)
      << message("fe80::1%lo:7946");
  EXPECT_NE(message("fe80::1%2:80").find("if 80 is the port, write [fe80::1%2]:80"),
            std::string::npos)
      << message("fe80::1%2:80");
  for (const char* text : {"fe80::1%nosuch0", "[fe80::1%nosuch0]:7946", "fe80::1%nosuch0:http"}) {
    EXPECT_EQ(message(text).find("is the port"), std::string::npos) << message(text);
  }
}

}  // namespace
}  // namespace memberlist::net
