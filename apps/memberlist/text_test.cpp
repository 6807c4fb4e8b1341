#include "text.hpp"

#include <gtest/gtest.h>

namespace memberlist::cli {
namespace {

using namespace std::chrono_literals;

TEST(Text, KnowsUtf8) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("abc \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"));
  EXPECT_FALSE(is_utf8("\xff"));
  EXPECT_FALSE(is_utf8("\xc3"));              // cut off
  EXPECT_FALSE(is_utf8("\xc0\xaf"));          // overlong
  EXPECT_FALSE(is_utf8("\xe0\x80\xaf"));      // overlong
  EXPECT_FALSE(is_utf8("\xed\xa0\x80"));      // surrogate
  EXPECT_FALSE(is_utf8("\xf4\x90\x80\x80"));  // above U+10FFFF
}

TEST(Text, EscapesWhatSteersATerminal) {
  EXPECT_EQ(escape_controls("plain \xc3\xa9"), "plain \xc3\xa9");
  EXPECT_EQ(escape_controls("a\nb\x1b[31m\x7f"), "a\\x0ab\\x1b[31m\\x7f");
  EXPECT_EQ(escape_controls("\xc2\x9b"), "\\xc2\\x9b");  // the one-byte CSI, in UTF-8
  EXPECT_EQ(escape_controls("a\xff"), "a\\xff");
}

TEST(Text, Base64MatchesTheVectorsOfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(base64_encode(as_bytes(plain)), encoded);
    EXPECT_EQ(base64_decode(encoded), to_bytes(plain));
  }
}

TEST(Text, Base64KeepsEveryByte) {
  Bytes all(256);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = static_cast<std::byte>(i);
  }
  EXPECT_EQ(base64_decode(base64_encode(all)), all);
}

TEST(Text, RefusesWhatIsNotBase64) {
  for (const char* text : {"Zg=", "Zg", "Z===", "====", "Zm9v!m9v", "Zm 9", "Zg==Zg==", "=Zm9",
                           "Zh==", "Zm9=", "Zm9v="}) {
    EXPECT_FALSE(base64_decode(text).has_value()) << text;
  }
}

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
TEST(Text, NothingThatSteersGetsThrough) {
  const std::string steering[] = {"\x1b",         "\x7f",         "\xc2\x80",     "\xc2\x9b",
                                  "\xe2\x80\xae", "\xe2\x80\x8f", "\xe2\x81\xa6", "\xd8\x9c",
                                  "\xe2\x80\xa8", "\xff",         "\xed\xa0\x80"};
  for (const std::string& one : steering) {
    for (const std::string& text : {one, "a" + one + "b", one + one, "\xe2" + one}) {
      EXPECT_EQ(escape_controls(text).find(one), std::string::npos);
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
