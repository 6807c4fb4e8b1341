#include "files.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

namespace memberlist::cli {
namespace {

constexpr std::string_view kKey = "MDEyMzQ1Njc4OWFiY2RlZg==";

/// A folder for a test's files, gone with it.
class Files : public ::testing::Test {
 protected:
  Files() : folder_(std::filesystem::temp_directory_path() / "memberlist-files-XXXXXX") {
    if (::mkdtemp(folder_.data()) == nullptr) ADD_FAILURE() << "no temporary folder";
  }
  ~Files() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] std::string file(const std::string& name, std::string_view text,
                                 mode_t mode = 0600) const {
    EXPECT_TRUE(write_secret_file(path(name), text));
    EXPECT_EQ(::chmod(path(name).c_str(), mode), 0);
    return path(name);
  }

 private:
  std::string folder_;
};

TEST_F(Files, KeysOfAPrivateFileAreRead) {
  for (const mode_t mode : {0600U, 0400U, 0700U}) {
    const std::string name = "keys" + std::to_string(mode);
    const auto keys = read_key_file(file(
        name, "# two keys\n\n" + std::string(kKey) + "\r\n" + "YWJjZGVmZ2hpamtsbW5vcA==", mode));
    ASSERT_TRUE(keys) << keys.error().text;
    EXPECT_EQ(*keys,
              (std::vector<Bytes>{to_bytes("0123456789abcdef"), to_bytes("abcdefghijklmnop")}));
  }
}

TEST_F(Files, ASecretThatOthersCanReadOrChangeIsRefused) {
  int number = 0;
  for (const mode_t mode : {0604U, 0620U, 0602U, 0644U, 0666U, 0611U, 0444U, 0660U, 0650U}) {
    const std::string where = file("keys" + std::to_string(number++), kKey, mode);
    const auto keys = read_key_file(where);
    ASSERT_FALSE(keys) << std::oct << mode;
    EXPECT_EQ(keys.error().exit_code, kExitFailed);
    char octal[8];
    std::snprintf(octal, sizeof octal, "%04o", mode);
    for (const std::string& part : {where, std::string(octal), "chmod 600 " + where}) {
      EXPECT_NE(keys.error().text.find(part), std::string::npos) << keys.error().text;
    }
    EXPECT_EQ(keys.error().text.find(kKey), std::string::npos) << "a secret must not be shown";
    EXPECT_FALSE(read_token_file(where));
    EXPECT_FALSE(check_private(where));
  }
}

// As in a secret volume: root's, for a group, and on a mount where no mode can be changed.
TEST_F(Files, RootsSecretMayBeReadByAGroupOfTheProcess) {
  constexpr uid_t kSomebody = 12345;
  constexpr gid_t kVolumeGroup = 54321;
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to give files away";
  for (const mode_t mode : {0440U, 0640U, 0400U, 0600U}) {
    const std::string where = file("volume" + std::to_string(mode), kKey, mode);
    EXPECT_TRUE(check_private(where)) << "root's own group";
    ASSERT_EQ(::chown(where.c_str(), 0, kVolumeGroup), 0);
    EXPECT_EQ(check_private(where).has_value(), (mode & 040) == 0) << "a group that is not ours";
    ASSERT_EQ(::chown(where.c_str(), kSomebody, 0), 0);
    EXPECT_EQ(check_private(where).has_value(), (mode & 040) == 0) << "not root's";
  }
}

TEST_F(Files, AByteOrderMarkBeforeKeysIsLeftOut) {
  const auto keys = read_key_file(file("marked", "\xef\xbb\xbf" + std::string(kKey) + "\r\n"));
  ASSERT_TRUE(keys) << keys.error().text;
  EXPECT_EQ(*keys, std::vector<Bytes>{to_bytes("0123456789abcdef")});
}

TEST_F(Files, NewSecretsAreForTheirOwnerAloneAndReplaceNothing) {
  const mode_t before = ::umask(0);
  const auto written = write_secret_file(path("new"), "text");
  ::umask(before);
  ASSERT_TRUE(written) << written.error().text;
  struct stat status{};
  ASSERT_EQ(::stat(path("new").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  const auto again = write_secret_file(path("new"), "other text");
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().text.find(path("new")), std::string::npos);
  EXPECT_EQ(read_file(path("new"), 100).value_or(""), "text");
}

TEST_F(Files, APipeHasNoPermissionsToLookAt) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0644), 0);
  EXPECT_TRUE(check_private(path("pipe")));
}

TEST_F(Files, SecretsHaveALimit) {
  const auto keys = read_key_file(file("large", std::string(64 * 1024 + 1, '#')));
  ASSERT_FALSE(keys);
  EXPECT_NE(keys.error().text.find("65536 bytes"), std::string::npos) << keys.error().text;
  EXPECT_NE(read_key_file(file("full", std::string(64 * 1024, '#'))).error().text.find("no key"),
            std::string::npos);
}

TEST_F(Files, SecretTextIsOverwritten) {
  std::string text(100, 'x');
  wipe_text(text);
  EXPECT_EQ(text, std::string(100, '\0'));
}

}  // namespace
}  // namespace memberlist::cli
