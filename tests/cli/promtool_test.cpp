// What Prometheus' own checker says of GET /metrics.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>

#include "cli_fixture.hpp"

namespace memberlist::cli_test {
namespace {

bool is_in_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (std::filesystem::exists(std::filesystem::path(folder) / program)) return true;
  }
  return false;
}

testing::Completed promtool(std::string_view page) {
  return testing::run(
      {.argv = {"promtool", "check", "metrics"}, .environment = {}, .directory = {}}, kPatience,
      page);
}

TEST(Promtool, FindsNothingWrong) {
  if (!is_in_path("promtool")) {
    GTEST_SKIP() << "promtool is not installed: it is in the package prometheus";
  }
  ASSERT_FALSE(promtool("# HELP x y\n# TYPE x counter\nx 1\n").status.success())
      << "it finds what is wrong elsewhere";
  Agent a("a");
  const Agent b("b", {"--join", a.address()});
  a.wait_for_member("join", "b");
  const HttpAnswer page = http(a.http(), "GET", "/metrics");
  ASSERT_EQ(page.status, 200);
  const testing::Completed checked = promtool(page.body);
  EXPECT_TRUE(checked.status.success());
  EXPECT_EQ(checked.output + checked.error_output, "");
}

}  // namespace
}  // namespace memberlist::cli_test
