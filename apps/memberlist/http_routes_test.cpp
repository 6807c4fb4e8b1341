#include "http_routes.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <string>

#include "build_paths.hpp"

namespace memberlist::cli {
namespace {

TEST(HttpTarget, DecodesPathAndParameters) {
  const HttpTarget target("/v1/members/a%2Fb%20c?status=alive%2Cdead&x=a+b%2B&empty#part");
  EXPECT_EQ(target.path, "/v1/members/a/b c");
  EXPECT_EQ(target.parameter("status"), "alive,dead");
  EXPECT_EQ(target.parameter("x"), "a b+");
  EXPECT_EQ(target.parameter("empty"), "");
  EXPECT_EQ(target.parameter("none"), "");
}

TEST(HttpTarget, KeepsWhatIsNoEncoding) {
  EXPECT_EQ(HttpTarget("/100%").path, "/100%");
  EXPECT_EQ(HttpTarget("/%4").path, "/%4");
  EXPECT_EQ(HttpTarget("/%zz%4g%-1").path, "/%zz%4g%-1");
  EXPECT_EQ(HttpTarget("/a+b").path, "/a+b");
  EXPECT_EQ(HttpTarget("").path, "");
}

TEST(FindRoute, KnowsPathsAndMethods) {
  EXPECT_EQ(find_route("GET", "/v1/info").value()->path, "/v1/info");
  EXPECT_EQ(find_route("HEAD", "/v1/info").value()->path, "/v1/info");
  EXPECT_EQ(find_route("GET", "/v1/members/x/y").value()->path, "/v1/members/");
  EXPECT_EQ(find_route("GET", "/v1/members").value()->path, "/v1/members");
  for (const char* path : {"", "/", "/v1", "/v1/members/", "/v1/info/", "/V1/info"}) {
    const auto route = find_route("GET", path);
    ASSERT_FALSE(route.has_value()) << path;
    EXPECT_EQ(route.error().status, 404);
  }
  EXPECT_EQ(find_route("GET", "/v1/members").value()->kind, Route::Kind::large_view)
      << "or the list of a large cluster holds up every other answer";
  const auto wrong = find_route("HEAD", "/v1/join");
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().status, 405);
  EXPECT_EQ(wrong.error().allow, "POST");
}

// `GET /v1/info`, as the page's headings have it.
std::set<std::string> calls_on_the_page() {
  std::set<std::string> calls;
  const std::regex call("`((?:GET|POST|PUT|DELETE) /[^`]*)`");
  std::ifstream page(std::filesystem::path(MEMBERLIST_SOURCE_DIR) / "docs/http-api.md");
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with("### ")) continue;
    for (std::sregex_iterator at(line.begin(), line.end(), call); at != std::sregex_iterator();
         ++at) {
      EXPECT_TRUE(calls.insert(at->str(1)).second) << at->str(1) << " is there twice";
    }
  }
  return calls;
}

TEST(HttpApiPage, HasEveryRouteAndNoOthers) {
  std::set<std::string> served;
  for (const Route& route : routes()) {
    served.insert(std::string(route.method) + " " + std::string(route.path) +
                  (route.path.ends_with('/') ? "NAME" : ""));
  }
  EXPECT_EQ(calls_on_the_page(), served);
  EXPECT_GE(served.size(), 16U);
}

}  // namespace
}  // namespace memberlist::cli
