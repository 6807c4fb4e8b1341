// Members whose names are not text, or look like another's, are distinguished, and addressed as
// shown.

#include <gtest/gtest.h>

#include <array>
#include <memory>

#include "cli_fixture.hpp"

namespace memberlist::cli_test {
namespace {

// What each is called, and how that is shown.
struct Name {
  std::string bytes;
  std::string shown;
};

const std::array<Name, 5> kNames{{
    {"\xff", "\\xff"},
    {"\xfe", "\\xfe"},
    {"\\xff", "\\\\xff"},  // spelled as the first one is shown
    {"d ", "d\\x20"},
    {"e\xe2\x80\xae", "e\\xe2\\x80\\xae"},
}};

class Names : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const Name& name : kNames) {
      // One after the other: their joins come in any order otherwise.
      members_.push_back(std::make_unique<Agent>(name.bytes, Arguments{"--join", a_.address()}));
      const Json joined = a_.wait_for(
          "join", [&](const Json& event) { return bytes_of(event["member"]) == name.bytes; });
      ASSERT_FALSE(joined.is_null()) << name.shown;
    }
  }

  // The name of an object of the API: its bytes where they are given.
  static std::string bytes_of(const Json& member) {
    static const std::map<std::string, std::string> kBytes{
        {"/w==", "\xff"}, {"/g==", "\xfe"}, {"XHhmZg==", "\\xff"}};
    const auto found = kBytes.find(member.value("name_base64", ""));
    return found != kBytes.end() ? found->second : member.value("name", "");
  }

  Agent a_{"a"};
  std::vector<std::unique_ptr<Agent>> members_;
};

TEST_F(Names, AreShownInEveryFormat) {
  const std::string table = a_.client({"members"}).output;
  const std::string csv = a_.client({"members", "--format", "csv"}).output;
  for (const Name& name : kNames) {
    EXPECT_NE(table.find("\n" + name.shown + "  "), std::string::npos) << name.shown << table;
    EXPECT_NE(csv.find("\n" + name.shown + ","), std::string::npos) << name.shown << csv;
  }
  const Json members = a_.client_json({"members"});
  ASSERT_EQ(members.size(), kNames.size() + 1);
  for (const Name& name : kNames) {
    EXPECT_EQ(1, std::ranges::count_if(
                     members, [&](const Json& member) { return bytes_of(member) == name.bytes; }))
        << name.shown;
  }
}

TEST_F(Names, AreTakenAsTheyAreShown) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    const std::string& shown = kNames.at(i).shown;
    const auto pinged = a_.client({"ping", shown});
    EXPECT_TRUE(pinged.output.starts_with(shown + " answered after")) << pinged.error_output;
    const auto sent = a_.client({"send", shown, "for " + shown, "--reliable"});
    EXPECT_TRUE(sent.status.success()) << sent.error_output;
    const Json message = members_.at(i)->wait_for("message");
    EXPECT_EQ(message.is_null() ? "" : message.value("payload", ""), "for " + shown);
    EXPECT_TRUE(a_.client({"join", shown + "/" + members_.at(i)->address()}).status.success());
  }
}

TEST_F(Names, AreTakenAsBytes) {
  for (const Name& name : kNames) {
    EXPECT_TRUE(
        a_.client({"ping", name.bytes == "\\xff" ? name.shown : name.bytes}).status.success())
        << name.shown;
  }
}

TEST_F(Names, AreTakenByTheApi) {
  EXPECT_EQ(http(a_.http(), "POST", "/v1/ping", R"({"name":"\\xfe"})").status, 200);
  const HttpAnswer pinged = http(a_.http(), "POST", "/v1/ping", R"({"name_base64":"/g=="})");
  EXPECT_EQ(pinged.status, 200);
  EXPECT_EQ(Json::parse(pinged.body)["name_base64"], "/g==");
  for (const char* path : {"/v1/members/%FE", "/v1/members/%5Cxfe"}) {
    const HttpAnswer found = http(a_.http(), "GET", path);
    ASSERT_EQ(found.status, 200) << path;
    EXPECT_EQ(Json::parse(found.body)["name_base64"], "/g==") << path;
  }
  for (const char* body : {R"({"name":"a","name_base64":"YQ=="})", R"({"name_base64":"?"})",
                           R"({"name_base64":""})", R"({"name":""})", "{}"}) {
    EXPECT_EQ(http(a_.http(), "POST", "/v1/ping", body).status, 400) << body;
  }
}

TEST_F(Names, WhoIsNotThereIsNamedAsItWasWritten) {
  const auto missing = a_.client({"ping", "\\xfd"});
  EXPECT_EQ(missing.status.code, 1);
  EXPECT_NE(missing.error_output.find("no member is called '\\xfd'"), std::string::npos)
      << missing.error_output;
}

}  // namespace
}  // namespace memberlist::cli_test
