#include "key_text.hpp"

#include <gtest/gtest.h>

#include "text.hpp"

namespace memberlist::cli {
namespace {

using namespace std::string_literals;

const std::string kKey16 = "MDEyMzQ1Njc4OWFiY2RlZg==";
const std::string kKey32 = "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=";
const std::string kUrlSafe = "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s=";

std::string encoded(const std::string& text) { return base64_encode(as_bytes(text)); }

TEST(KeyText, TakesKeysOfTheThreeSizes) {
  EXPECT_EQ(parse_key(" " + kKey16 + "\r\n", "x").value_or(Bytes{}), to_bytes("0123456789abcdef"));
  EXPECT_EQ(parse_key(encoded(std::string(24, 'a')), "x").value_or(Bytes{}).size(), 24U);
  EXPECT_EQ(parse_key(kKey32, "x").value_or(Bytes{}).size(), 32U);
}

TEST(KeyText, GuessesWhatIsWrongAndNeverShowsTheText) {
  const std::pair<std::string, const char*> wrong[] = {
      {encoded(kKey32), "base64 of base64"},
      {encoded(kKey16 + "\n"), "base64 of base64"},
      {kUrlSafe, "URL-safe"},
      {kUrlSafe.substr(0, 43), "URL-safe"},
      {kKey16.substr(0, 22), "padding"},
      {"\xef\xbb\xbf" + kKey16, "byte order mark"},
      {"\xff\xfeM\0D\0E\0"s, "UTF-16"},
      {"M\0D\0E\0"s, "UTF-16"},
      {"\"" + kKey16 + "\"", "quotes"},
      {"'" + kKey16 + "'", "quotes"},
      {"[\"" + kKey16 + "\"]", "JSON"},
      {kKey16.substr(0, 8) + " " + kKey16.substr(8), "blanks"},
      {"-----BEGIN PRIVATE KEY-----", "PEM"},
      {"\x01\x80\x02zzzzzzzzzzzzz", "not text"},
      {std::string(64, 'a'), "hexadecimal"},
      {std::string(48, '7'), "hexadecimal"},
      {encoded(std::string(32, '!') + "\n"), "line end"},
      {encoded("short"), "5 bytes"},
      {"correct horse battery staple", "blanks"},
      {"no%base64", "not base64"},
  };
  for (const auto& [text, guess] : wrong) {
    const auto key = parse_key(text, "ring.keys, line 3,");
    ASSERT_FALSE(key) << guess;
    const std::string& error = key.error().text;
    EXPECT_EQ(key.error().exit_code, kExitUsage);
    EXPECT_NE(error.find(guess), std::string::npos) << error;
    EXPECT_NE(error.find("ring.keys, line 3"), std::string::npos) << error;
    EXPECT_NE(error.find("memberlist keygen"), std::string::npos) << error;
    EXPECT_EQ(error.find(text), std::string::npos) << "a secret must not be shown";
  }
}

TEST(KeyText, WarnsOfHexadecimalDigitsThatAreBase64) {
  const std::string digits = "00112233445566778899aabbccddeeff";
  EXPECT_EQ(parse_key(digits, "--key").value_or(Bytes{}).size(), 24U);
  const std::string warning = key_warning(digits + "\n", "--key");
  EXPECT_NE(warning.find("hexadecimal"), std::string::npos) << warning;
  EXPECT_NE(warning.find("24 bytes"), std::string::npos) << warning;
  EXPECT_EQ(warning.find(digits), std::string::npos) << "a secret must not be shown";
  EXPECT_EQ(key_warning(kKey16, "--key"), "");
  EXPECT_EQ(key_warning(kKey32, "--key"), "");
}

TEST(KeyText, KnowsWhatMustNotBeRepeated) {
  for (const std::string& text :
       {kKey16, kKey32, kUrlSafe, kUrlSafe.substr(0, 43), kKey16.substr(0, 22), encoded(kKey32),
        "00112233445566778899aabbccddeeff"s, std::string(62, 'a') + "01",
        encoded(std::string(32, '!') + "\n")}) {
    EXPECT_TRUE(could_be_key(text)) << text;
  }
  for (const char* text : {"", "agent", "--dead-node-reclaim-time", "10.0.0.1:7946", "members",
                           "a-name-of-a-member-here", "probe_interval=200ms"}) {
    EXPECT_FALSE(could_be_key(text)) << text;
  }
}

}  // namespace
}  // namespace memberlist::cli
