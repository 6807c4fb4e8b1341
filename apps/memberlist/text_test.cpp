#include "text.hpp"

#include <gtest/gtest.h>

namespace memberlist::cli {
namespace {

using namespace std::chrono_literals;

TEST(Text, WritesTimesAsRfc3339) {
  const auto epoch = std::chrono::system_clock::time_point{};
  EXPECT_EQ(rfc3339(epoch), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(rfc3339(epoch + 1769860800123ms), "2026-01-31T12:00:00.123Z");
  EXPECT_EQ(rfc3339(epoch - 1ms), "1969-12-31T23:59:59.999Z");
}

TEST(Text, QuotesCsvWhereNeeded) {
  EXPECT_EQ(csv_field("plain text"), "plain text");
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("say \"x\""), "\"say \"\"x\"\"\"");
}

TEST(Text, CsvNeitherSteersATerminalNorIsAFormula) {
  EXPECT_EQ(csv_field("a\nb\x1b[2J\xc2\x9b\x7f"), "a\\x0ab\\x1b[2J\\xc2\\x9b\\x7f");
  EXPECT_EQ(csv_field("=1+1"), "'=1+1");
  EXPECT_EQ(csv_field("+1"), "'+1");
  EXPECT_EQ(csv_field("-1"), "'-1");
  EXPECT_EQ(csv_field("@SUM(A1,A2)"), "\"'@SUM(A1,A2)\"");
  EXPECT_EQ(csv_field("\t=1"), "\\x09=1");
  EXPECT_EQ(csv_field("\r=1"), "\\x0d=1");
}

// No byte string, however it is made, gets through to a terminal as more than visible text.
TEST(Text, NothingThatSteersGetsIntoACell) {
  for (const std::string one :
       {"\x1b", "\x7f", "\xc2\x9b", "\xe2\x80\xae", "\xff", "\xed\xa0\x80"}) {
    for (const std::string& text : {one, "a" + one + "b", one + one, "\xe2" + one}) {
      EXPECT_EQ(csv_field(text).find(one), std::string::npos);
    }
  }
}

TEST(Text, EscapedJsonIsTheSameJson) {
  EXPECT_EQ(escape_json("{\"a\":\"\x7f\xc2\x9b\xe2\x80\xae\xc3\xa9\xf0\x9f\x98\x80\"}"),
            "{\"a\":\"\\u007f\\u009b\\u202e\xc3\xa9\xf0\x9f\x98\x80\"}");
  EXPECT_EQ(escape_json("[1]\n"), "[1]\n");
}

TEST(Text, TrimsSplitsAndPads) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(split("", ','), std::vector<std::string>{""});
  EXPECT_EQ(pad_right("\xc3\xa9", 3), "\xc3\xa9  ");
  EXPECT_EQ(pad_right("abcd", 3), "abcd");
}

TEST(Text, EncodesForUrls) { EXPECT_EQ(percent_encode("a/b c\xff~"), "a%2Fb%20c%FF~"); }

}  // namespace
}  // namespace memberlist::cli
