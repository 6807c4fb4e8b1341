#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "../examples/chatter.hpp"
#include "../support/process.hpp"

// What a user does who has read only docs/guide/getting-started.md.
namespace memberlist::testing {
namespace {

namespace fs = std::filesystem;

const fs::path kSources = MEMBERLIST_SOURCE_DIR;
const fs::path kHome = MEMBERLIST_HOME;

/// The blocks of one language in the page, in order.
std::vector<std::string> blocks(std::string_view language) {
  std::ifstream file(kSources / "docs/guide/getting-started.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const std::string fence = "\n```" + std::string(language) + "\n";
  std::vector<std::string> found;
  for (std::size_t at = page.find(fence); at != std::string::npos; at = page.find(fence, at)) {
    const std::size_t begin = at + fence.size();
    at = page.find("\n```\n", begin);
    found.push_back(page.substr(begin, at + 1 - begin));
  }
  return found;
}

void replace(std::string& text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << "the page does not say: " << from;
  text.replace(at, from.size(), to);
}

/// All the commands of the page as one script; what is built already is not built again.
std::string script() {
  std::string commands = "set -eu\n";
  for (const std::string& block : blocks("sh")) commands += block;
  replace(commands, "scripts/build\n", "");
  replace(commands, "--install build/release ", "--install '" MEMBERLIST_BINARY_DIR "' ");
  return commands;
}

TEST(NewUser, FollowsTheGuide) {
  fs::remove_all(kHome);
  fs::create_directories(kHome / "first");
  const auto cmake = blocks("cmake");
  ASSERT_EQ(cmake.size(), 1U);
  std::ofstream(kHome / "first/CMakeLists.txt") << cmake.front();

  ProcessOptions shell = command({"bash", "-c", script()});
  shell.environment = {{"HOME", kHome}};
  shell.directory = kSources;
  const Completed built = run(shell, std::chrono::minutes(55));
  ASSERT_TRUE(built.status.success()) << built.output << built.error_output;
  EXPECT_NE(built.output.find("\nevent: join second\n"), std::string::npos) << built.output;
  EXPECT_NE(built.output.find("\nfirst at 127.0.0.1:"), std::string::npos) << built.output;

  const std::string chat = kHome / "first/build/chat";
  Chatter ann(chat, "ann");
  Chatter ben(chat, "ben", ann.address());
  ASSERT_TRUE(ann.sees("* ben joined"));
  Chatter cat(chat, "cat", ann.address());
  for (Chatter* other : {&ann, &ben}) EXPECT_TRUE(other->sees("* cat joined"));
  cat.type("hello, both");
  for (Chatter* other : {&ann, &ben}) EXPECT_TRUE(other->sees("cat: hello, both"));
  ann.type("/who");
  for (const char* name : {"ann", "ben", "cat"}) {
    EXPECT_TRUE(ann.sees(std::string(name) + " is alive"));
  }
  for (Chatter* one : {&cat, &ben, &ann}) one->leave();
}

}  // namespace
}  // namespace memberlist::testing
