#include "base/text.hpp"

#include <map>
#include <random>
#include <string>

#include "memberlist/name_text.hpp"
#include "support/random_name.hpp"

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
  EXPECT_EQ(escape_for_log("a\nb\r\t\\"), "a\\x0ab\\x0d\\x09\\\\");
  EXPECT_EQ(escape_for_log("\x1b[2J\0\x7f"s), "\\x1b[2J\\x00\\x7f");
  EXPECT_EQ(escape_for_log("\xc2\x9b"), "\\xc2\\x9b");           // CSI in one character
  EXPECT_EQ(escape_for_log("\xe2\x80\xae"), "\\xe2\\x80\\xae");  // right-to-left override
  EXPECT_EQ(escape_for_log("a\xff\xc3"), "a\\xff\\xc3");
}

TEST(EscapeForLog, CutsBetweenCharacters) {
  EXPECT_EQ(escape_for_log("abcdef", 6), "abcdef");
  EXPECT_EQ(escape_for_log("abcdef", 5), "abcde...");
  EXPECT_EQ(escape_for_log("abc\n", 6), "abc...");
  EXPECT_EQ(escape_for_log("ab\xe2\x82\xac", 4), "ab...");
  EXPECT_LE(escape_for_log(std::string(1'000'000, '\x01')).size(), kLogTextBytes + 3);
}

TEST(EscapeControls, EscapesWhatSteersATerminalAndNothingElse) {
  EXPECT_EQ(escape_controls("plain \xc3\xa9 "), "plain \xc3\xa9 ");
  EXPECT_EQ(escape_controls("a\nb\x1b[31m\x7f"), "a\\x0ab\\x1b[31m\\x7f");
  EXPECT_EQ(escape_controls("\xc2\x9b"), "\\xc2\\x9b");  // the one-byte CSI, in UTF-8
  EXPECT_EQ(escape_controls("a\xff"), "a\\xff");
  EXPECT_EQ(escape_controls("C:\\dir"), "C:\\dir");
}

// No byte string, however it is made, gets through to a terminal as more than visible text.
TEST(EscapeControls, LetsNothingThrough) {
  for (const std::string one :
       {"\x1b", "\x7f", "\xc2\x80", "\xc2\x9b", "\xe2\x80\xae", "\xe2\x80\x8f", "\xe2\x81\xa6",
        "\xd8\x9c", "\xe2\x80\xa8", "\xff", "\xed\xa0\x80"}) {
    for (const std::string& text : {one, "a" + one + "b", one + one, "\xe2" + one}) {
      const std::string escaped = escape_controls(text);
      EXPECT_EQ(escaped.find(one), std::string::npos);
      EXPECT_EQ(escape_controls(escaped), escaped) << "what is escaped stays so";
    }
  }
}

TEST(NameText, ShowsEachNameInOneWay) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", ""},
      {"node-1.example", "node-1.example"},
      {"a b", "a b"},
      {"b\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", "b\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"},
      {"\xff", "\\xff"},
      {"\xfe", "\\xfe"},
      {"\\xff", "\\\\xff"},     // a name that is spelled like another one is shown
      {"\\\xff", "\\\\\\xff"},  // a backslash, and a byte that is no UTF-8
      {"DOMAIN\\host", "DOMAIN\\\\host"},
      {"a ", "a\\x20"},
      {" a", "\\x20a"},
      {" ", "\\x20"},
      {"a\xc2\xa0", "a\\xc2\\xa0"},           // no-break space
      {"a\xe2\x80\x8b", "a\\xe2\\x80\\x8b"},  // zero width space
      {"a\xe2\x80\xae"
       "b",
       "a\\xe2\\x80\\xaeb"},
      {"a\tb\n", "a\\x09b\\x0a"},
  };
  for (const auto& [name, shown] : cases) {
    EXPECT_EQ(show_name(name), shown);
    EXPECT_EQ(read_name(shown), name);
  }
}

TEST(NameText, ReadsWhatIsNoSpellingAsItStands) {
  for (const std::string_view text :
       {"DOMAIN\\host", "\\", "a\\", "\\x", "\\xf", "\\xfg", "\\n", "\\xff\\q", "\xff", "\xff\\"}) {
    EXPECT_EQ(read_name(text), text);
  }
  EXPECT_EQ(read_name("\\x41\\xFF"), "A\xff");
}

TEST(NameText, WhateverTheBytesAreWhatIsShownIsSafeAndReadBack) {
  std::mt19937 random(7);
  std::map<std::string, std::string> names;
  for (int round = 0; round < 50'000; ++round) {
    const std::string name = testing::random_name(random);
    const std::string shown = show_name(name);
    ASSERT_EQ(read_name(shown), name) << shown;
    ASSERT_TRUE(is_utf8(shown)) << shown;
    ASSERT_EQ(shown.find_first_of("\n\x1b\x7f\0"s), std::string::npos) << shown;
    for (const char* hidden : {"\xc2\x9b", "\xe2\x80\xae", "\xe2\x80\xa8", "\xc2\xa0"}) {
      ASSERT_EQ(shown.find(hidden), std::string::npos) << shown;
    }
    ASSERT_FALSE(shown.starts_with(' ') || shown.ends_with(' ')) << shown;
    const auto [known, fresh] = names.emplace(shown, name);
    ASSERT_TRUE(fresh || known->second == name) << shown << " is shown for two names";
  }
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

TEST(Base64, KeepsEveryByte) {
  Bytes all(256);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::byte>(i);
  EXPECT_EQ(base64_decode(base64_encode(all)), all);
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
