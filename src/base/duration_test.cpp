#include <chrono>

#include <gtest/gtest.h>

#include "memberlist/config.hpp"

namespace memberlist {
namespace {

using namespace std::chrono_literals;

TEST(ParseDuration, ReadsNumbersWithUnits) {
  const std::pair<const char*, Duration> cases[] = {
      {"0", 0ns},
      {"250ms", 250ms},
      {"1.5s", 1500ms},
      {"2m", 2min},
      {"1h", 1h},
      {"1.5h", 90min},
      {"7us", 7us},
      {"3ns", 3ns},
      {"0.25s", 250ms},
      {"0s", 0ns},
      {"1.000000001s", 1s + 1ns},
      {"1.50000000000s", 1500ms},
  };
  for (const auto& [text, expected] : cases) {
    const auto parsed = parse_duration(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*parsed, expected) << text;
  }
}

TEST(ParseDuration, RefusesEverythingElse) {
  for (const char* text : {"", "1", "s", "-1s", "+1s", "1 s", "1S", "1.s", ".5s", "1..5s", "1e3s",
                           "1.5ns", "1.0000000001s", "99999999999999999999s", "9999999h", "0x1s",
                           "1m30", " 1s", "00000000000000000000000000000000000001"}) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(parsed.error().subject, text);
  }
}

TEST(FormatDuration, IsShortAndExact) {
  const std::pair<Duration, const char*> cases[] = {
      {0ns, "0"},
      {500ms, "500ms"},
      {1500ms, "1.5s"},
      {90s, "90s"},
      {120s, "2m"},
      {24h, "24h"},
      {90min, "90m"},
      {1ms, "1ms"},
      {1ns, "1ns"},
      {-1500ms, "-1.5s"},
      {1s + 1ns, "1.000000001s"},
      {1'234'567ns, "1234567ns"},
      {10min, "10m"},
  };
  for (const auto& [duration, text] : cases) EXPECT_EQ(format_duration(duration), text);
}

TEST(FormatDuration, RoundTripsTheWholeRange) {
  for (Duration::rep count = 1; count > 0 && count < Duration::max().count() / 7; count *= 7) {
    for (const Duration duration : {Duration(count), Duration(count + 1)}) {
      EXPECT_EQ(parse_duration(format_duration(duration)), duration) << count;
    }
  }
  EXPECT_EQ(format_duration(Duration::min()), "-9223372036.854775808s");
}

}  // namespace
}  // namespace memberlist
