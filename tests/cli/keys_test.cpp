// Keys of a running agent, by its commands and its API.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <regex>

#include "cli_fixture.hpp"

namespace memberlist::cli_test {
namespace {

const std::string kOld = "MDEyMzQ1Njc4OWFiY2RlZg==";
const std::string kNew = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";
// printf 'memberlist key 0123456789abcdef' | sha256sum, and the same of the other
const std::string kOldFingerprint = "9ee3bdd9d2d9b007";
const std::string kNewFingerprint = "338bc096a5f5b93a";

void expect_failure(const testing::Completed& completed, int exit_code, const std::string& part) {
  EXPECT_EQ(completed.status.code, exit_code) << completed.error_output;
  EXPECT_EQ(line_count(completed.error_output), 1U) << completed.error_output;
  EXPECT_NE(completed.error_output.find(part), std::string::npos) << completed.error_output;
  for (const std::string& key : {kOld, kNew}) {
    EXPECT_EQ(completed.error_output.find(key), std::string::npos) << "a key must not be shown";
  }
}

std::vector<std::string> fingerprints(const Agent& agent) {
  std::vector<std::string> all;
  const Json json = agent.client_json({"keys", "list"});
  for (const Json& key : json.at("keys")) {
    all.push_back(key.at("fingerprint"));
  }
  return all;
}

class KeyCommands : public ::testing::Test {
 protected:
  testing::Completed change(const std::string& command, const Arguments& more,
                            std::string_view input = {}) const {
    Arguments arguments{"keys", command};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return agent_.client(arguments, input);
  }
  HttpAnswer post(const std::string& path, const std::string& body) const {
    return http(agent_.http(), "POST", path, body);
  }

  const TemporaryFile old_file_{kOld + "\n"};
  const TemporaryFile new_file_{"# the next one\n" + kNew + "\n"};
  Agent agent_{"a", {"--key-file", old_file_.path(), "--log-level", "info"}};
};

TEST_F(KeyCommands, ListShowsFingerprintsAndNoKeys) {
  const Json json = agent_.client_json({"keys", "list"});
  ASSERT_EQ(json.at("keys").size(), 1U);
  const Json& key = json["keys"][0];
  EXPECT_EQ(key["fingerprint"], kOldFingerprint);
  EXPECT_EQ(key["bytes"], 16);
  EXPECT_EQ(key["primary"], true);
  EXPECT_TRUE(key["encrypted"].is_number_unsigned());
  EXPECT_TRUE(key["decrypted"].is_number_unsigned());
  EXPECT_EQ(json["gossip_verify_incoming"], true);
  EXPECT_EQ(json["gossip_verify_outgoing"], true);
  const std::string table = agent_.client({"keys", "list"}).output;
  EXPECT_EQ(line_count(table), 3U) << table;
  EXPECT_NE(table.find(kOldFingerprint), std::string::npos) << table;
  EXPECT_NE(table.find("sends encrypted; accepts only encrypted"), std::string::npos) << table;
  EXPECT_EQ((json.dump() + table).find(kOld), std::string::npos);
}

TEST_F(KeyCommands, ChangeTheKeyring) {
  const auto added = change("add", {"--key-file", new_file_.path()});
  EXPECT_TRUE(added.status.success()) << added.error_output;
  EXPECT_NE(added.output.find("key " + kNewFingerprint + " is there; 2 keys"), std::string::npos)
      << added.output;
  EXPECT_TRUE(change("add", {"--key-file", new_file_.path()}).status.success()) << "again";
  EXPECT_EQ(fingerprints(agent_), (std::vector{kOldFingerprint, kNewFingerprint}));

  EXPECT_TRUE(change("use", {kNewFingerprint}).status.success());
  EXPECT_EQ(fingerprints(agent_), (std::vector{kNewFingerprint, kOldFingerprint}));
  EXPECT_TRUE(change("use", {"--key-file", "-"}, kOld + "\n").status.success());
  EXPECT_EQ(fingerprints(agent_), (std::vector{kOldFingerprint, kNewFingerprint}));
  EXPECT_TRUE(change("use", {kNew}).status.success());

  const auto removed = change("remove", {kOldFingerprint});
  EXPECT_TRUE(removed.status.success()) << removed.error_output;
  EXPECT_NE(removed.output.find(kOldFingerprint + " is gone; 1 key"), std::string::npos)
      << removed.output;
  EXPECT_EQ(fingerprints(agent_), std::vector{kNewFingerprint});

  const std::string& log = agent_.process().error_output();
  EXPECT_NE(log.find(kOldFingerprint + " removed"), std::string::npos) << log;
  EXPECT_EQ(log.find(kNew), std::string::npos) << "a key is never logged";
}

TEST_F(KeyCommands, ErrorsSayWhatToTry) {
  expect_failure(change("use", {kNewFingerprint}), 1, kNewFingerprint);
  expect_failure(change("use", {"--key-file", new_file_.path()}), 1, "add it first");
  expect_failure(change("remove", {kOldFingerprint}), 1, "use another key first");
  expect_failure(change("add", {}), 2, "--key-file");
  expect_failure(change("use", {}), 2, "fingerprint");
  expect_failure(change("add", {kNewFingerprint}), 2, "16, 24 or 32");
  expect_failure(change("add", {"c2hvcnQ="}), 2, "16, 24 or 32");
  expect_failure(change("add", {"no base64!"}), 2, "memberlist keygen");
  expect_failure(change("add", {kNew, "--key-file", new_file_.path()}), 2, "either");
  expect_failure(change("add", {"--key-file", "/no/such/file"}), 1, "/no/such/file");
  const TemporaryFile two(kOld + "\n" + kNew + "\n");
  expect_failure(change("add", {"--key-file", two.path()}), 2, "holds 2 keys");
  expect_failure(change("verify", {}), 2, "--incoming");
  EXPECT_EQ(fingerprints(agent_), std::vector{kOldFingerprint});
}

TEST_F(KeyCommands, AKeyFileThatOthersCanReadIsRefused) {
  for (const mode_t mode : {0660U, 0604U, 0666U}) {
    ASSERT_EQ(::chmod(new_file_.path().c_str(), mode), 0);
    expect_failure(change("add", {"--key-file", new_file_.path()}), 1,
                   "chmod 600 " + new_file_.path());
    expect_failure(run(agent_arguments("b", {"--key-file", new_file_.path()})), 1,
                   "chmod 600 " + new_file_.path());
  }
  const TemporaryFile config("key = \"" + kNew + "\"\n");
  ASSERT_EQ(::chmod(config.path().c_str(), 0644), 0);
  expect_failure(run(agent_arguments("b", {"--config", config.path()})), 1,
                 "mode 0644): chmod 600 " + config.path());
}

TEST_F(KeyCommands, HaveALimit) {
  for (int i = 1; i < 16; ++i) {
    const std::string key =
        std::string(1, static_cast<char>('A' + i)) + std::string(21, 'A') + "==";
    EXPECT_EQ(post("/v1/keys/add", R"({"key_base64":")" + key + "\"}").status, 200);
  }
  expect_failure(change("add", {"--key-file", new_file_.path()}), 1, "at most 16 keys");
}

TEST_F(KeyCommands, ApiRefusesWhatIsNoKey) {
  const std::pair<const char*, const char*> cases[] = {
      {"/v1/keys/add", "{}"},
      {"/v1/keys/add", R"({"key_base64":7})"},
      {"/v1/keys/add", R"({"key_base64":"?"})"},
      {"/v1/keys/add", R"({"key_base64":"c2hvcnQ="})"},
      {"/v1/keys/add", R"({"fingerprint":"0123456789abcdef"})"},
      {"/v1/keys/use", R"({})"},
      {"/v1/keys/use", R"({"fingerprint":"0123"})"},
      {"/v1/keys/use",
       R"({"fingerprint":"0123456789abcdef","key_base64":"MDEyMzQ1Njc4OWFiY2RlZg=="})"},
      {"/v1/keys/remove", R"({"fingerprint":7})"},
  };
  for (const auto& [path, body] : cases) {
    const auto answer = post(path, body);
    EXPECT_EQ(answer.status, 400) << path << " " << body << " " << answer.body;
    EXPECT_EQ(Json::parse(answer.body).at("error").at("code"), "bad_request") << answer.body;
  }
  const auto unknown = post("/v1/keys/use", R"({"fingerprint":"0123456789abcdef"})");
  EXPECT_EQ(unknown.status, 400);
  EXPECT_EQ(Json::parse(unknown.body).at("error").at("code"), "invalid_argument");
  EXPECT_EQ(http(agent_.http(), "PUT", "/v1/keys/verify", "{}").status, 400);
  EXPECT_EQ(http(agent_.http(), "PUT", "/v1/keys/verify", R"({"incoming":"on"})").status, 400);
  EXPECT_EQ(fingerprints(agent_), std::vector{kOldFingerprint});
}

TEST(KeyCommandsWithoutKeys, BringEncryptionToAPlainCluster) {
  Agent a("a");
  const Agent b("b", {"--join", a.address()});
  ASSERT_FALSE(a.wait_for_member("join", "b").is_null());
  EXPECT_EQ(a.client({"keys", "list"}).output,
            "no keys: packets are sent and accepted in plaintext\n");
  const TemporaryFile file(kNew + "\n");
  const auto on_both = [&](const Arguments& arguments, const std::string& said) {
    for (const Agent* agent : {&std::as_const(a), &b}) {
      const auto done = agent->client(arguments);
      EXPECT_TRUE(done.status.success()) << done.error_output;
      EXPECT_NE(done.output.find(said), std::string::npos) << done.output;
    }
  };
  on_both({"keys", "verify", "--incoming", "off", "--outgoing", "off"}, "plaintext");
  on_both({"keys", "add", "--key-file", file.path()},
          "sends plaintext; accepts plaintext and encrypted");
  on_both({"keys", "verify", "--outgoing", "on"}, "sends encrypted; accepts plaintext and");
  on_both({"keys", "verify", "--incoming", "on"}, "sends encrypted; accepts only");
  EXPECT_EQ(a.client_json({"info"})["encrypted"], true);
  ASSERT_TRUE(b.client({"send", "a", "sealed", "--reliable"}).status.success());
  EXPECT_EQ(a.wait_for("message")["payload"], "sealed");
  EXPECT_GT(a.client_json({"keys", "list"})["keys"][0]["decrypted"], 0U);
  EXPECT_EQ(a.client_json({"members", "--status", "alive"}).size(), 2U);
}

TEST(Keygen, WritesANewFileForItsOwnerAlone) {
  const TemporaryFile place("");
  const std::string path = place.path() + ".key";
  const auto made = run({"keygen", "--out", path});
  EXPECT_TRUE(made.status.success()) << made.error_output;
  EXPECT_TRUE(
      std::regex_match(made.output, std::regex("key [0-9a-f]{16} written to " + path + "\n")))
      << made.output;
  const Agent agent("a", {"--key-file", path});
  EXPECT_NE(made.output.find(fingerprints(agent).at(0)), std::string::npos);
  const auto again = run({"keygen", "--out", path});
  EXPECT_EQ(again.status.code, 1);
  EXPECT_NE(again.error_output.find(path), std::string::npos);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace memberlist::cli_test
