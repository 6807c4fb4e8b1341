#include "base/text.hpp"

#include <string>

#include <gtest/gtest.h>

namespace memberlist {
namespace {

using namespace std::string_literals;

TEST(EscapeForLog, LeavesTextAlone) {
  EXPECT_EQ(escape_for_log(""), "");
  EXPECT_EQ(escape_for_log("node-1 \"x\" \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
            "node-1 \"x\" \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
}

TEST(EscapeForLog, EscapesWhatATerminalActsOn) {
  EXPECT_EQ(escape_for_log("a\nb\r\t\\"), "a\\nb\\r\\t\\\\");
  EXPECT_EQ(escape_for_log("\x1b[2J\0\x7f"s), "\\x1b[2J\\x00\\x7f");
  EXPECT_EQ(escape_for_log("\xc2\x9b"), "\\xc2\\x9b");           // CSI in one character
  EXPECT_EQ(escape_for_log("\xe2\x80\xae"), "\\xe2\\x80\\xae");  // right-to-left override
  EXPECT_EQ(escape_for_log("a\xff\xc3"), "a\\xff\\xc3");
}

TEST(EscapeForLog, CutsBetweenCharacters) {
  EXPECT_EQ(escape_for_log("abcdef", 6), "abcdef");
  EXPECT_EQ(escape_for_log("abcdef", 5), "abcde...");
  EXPECT_EQ(escape_for_log("abc\n", 4), "abc...");
  EXPECT_EQ(escape_for_log("ab\xe2\x82\xac", 4), "ab...");
  EXPECT_LE(escape_for_log(std::string(1'000'000, '\x01')).size(), kLogTextBytes + 3);
}

TEST(IsUtf8, FollowsTheStandard) {
  for (const char* good :
       {"", "a", "\xc2\x80", "\xe0\xa0\x80", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "a\xe2\x82", "\xe2\x28\xa1"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
  }
}

TEST(Base64, KnowsTheVectorsOfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"},
                                                         {"\xfb\xff\xbf", "+/+/"}};
  for (const auto& [plain, coded] : vectors) {
    EXPECT_EQ(base64_encode(as_bytes(plain)), coded);
    const auto decoded = base64_decode(coded);
    ASSERT_TRUE(decoded) << coded;
    EXPECT_EQ(as_text(*decoded), plain);
  }
}

TEST(Base64, IsStrict) {
  for (const char* bad : {"Z", "Zg", "Zg=", "Zg===", "====", "=", "Zh==", "Zm9=", "Zm9v\n", "Zm 9v",
                          "Z===", "Zg==Zg==", "Zm9-", "Zm9\xff", "=m9v", "Z=9v"}) {
    const auto decoded = base64_decode(bad);
    ASSERT_FALSE(decoded) << bad;
    EXPECT_EQ(decoded.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(decoded.error().message.find("Zm"), std::string::npos);
  }
}

}  // namespace
}  // namespace memberlist
