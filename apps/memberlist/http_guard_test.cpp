#include "http_guard.hpp"

#include <gtest/gtest.h>

namespace memberlist::cli {
namespace {

const Address kLoopback{IpAddress::v4(127, 0, 0, 1), 7947};
const Address kAny{IpAddress::v4(0, 0, 0, 0), 7947};

RequestHead request_for(std::string_view host) {
  RequestHead head;
  head.host_count = 1;
  head.host = host;
  return head;
}

// The status of the refusal, 0 if the request may be served.
int status_of(const RequestGuard& guard, const RequestHead& head) {
  const auto refusal = guard.check(head);
  return refusal ? refusal->status : 0;
}

TEST(RequestGuard, ServesLoopbackNamesOnly) {
  const RequestGuard guard(kLoopback, std::nullopt);
  for (const char* host : {"127.0.0.1:7947", "127.0.0.1", "localhost:7947", "LOCALHOST",
                           "[::1]:7947", "127.0.0.2:1", "localhost:8080"}) {
    EXPECT_EQ(status_of(guard, request_for(host)), 0) << host;
  }
  for (const char* host : {"evil.example:7947", "", "10.0.0.1:7947", "localhost.evil.example",
                           "127.0.0.1.evil.example", "[::2]:7947", "localhost:port", "a b"}) {
    EXPECT_EQ(status_of(guard, request_for(host)), 403) << host;
  }
}

TEST(RequestGuard, WantsExactlyOneHost) {
  const RequestGuard guard(kLoopback, std::nullopt);
  auto head = request_for("127.0.0.1");
  head.host_count = 2;
  EXPECT_EQ(status_of(guard, head), 403);
  head.host_count = 0;
  EXPECT_EQ(status_of(guard, head), 403);
}

TEST(RequestGuard, ServesTheBoundAddress) {
  const RequestGuard one({IpAddress::v4(10, 0, 0, 1), 7947}, std::nullopt);
  auto head = request_for("10.0.0.1:7947");
  EXPECT_EQ(status_of(one, head), 0);
  head.host = "10.0.0.2:7947";
  EXPECT_EQ(status_of(one, head), 403);
  // A server that listens on all addresses accepts any of them, but no name.
  const RequestGuard all(kAny, std::nullopt);
  EXPECT_EQ(status_of(all, head), 0);
  head.host = "evil.example:7947";
  EXPECT_EQ(status_of(all, head), 403);
}

TEST(RequestGuard, RefusesForeignOrigins) {
  const RequestGuard guard(kLoopback, std::nullopt);
  auto head = request_for("127.0.0.1:7947");
  head.origin = "http://127.0.0.1:7947";
  EXPECT_EQ(status_of(guard, head), 0);
  for (const char* origin : {"null", "", "http://evil.example", "http://127.0.0.1:3000",
                             "https://127.0.0.1:7947", "http://localhost:7947"}) {
    head.origin = origin;
    EXPECT_EQ(status_of(guard, head), 403) << origin;
  }
}

TEST(RequestGuard, RefusesWhatABrowserCallsForeign) {
  const RequestGuard guard(kLoopback, std::nullopt);
  auto head = request_for("127.0.0.1:7947");
  for (const auto& [site, status] :
       {std::pair{"none", 0}, {"same-origin", 0}, {"same-site", 403}, {"cross-site", 403}}) {
    head.fetch_site = site;
    EXPECT_EQ(status_of(guard, head), status) << site;
  }
}

TEST(RequestGuard, WantsTheToken) {
  const RequestGuard guard(kLoopback, "0123456789abcdef");
  auto head = request_for("127.0.0.1:7947");
  EXPECT_EQ(status_of(guard, head), 401);
  for (const char* given :
       {"", "Bearer", "Bearer ", "Bearer 0123456789abcdeF", "Bearer 0123456789abcde",
        "Bearer 0123456789abcdef0", "Basic 0123456789abcdef", "0123456789abcdef"}) {
    head.authorization = given;
    EXPECT_EQ(status_of(guard, head), 401) << given;
  }
  head.authorization = "Bearer 0123456789abcdef";
  EXPECT_EQ(status_of(guard, head), 0);
}

TEST(RequestGuard, ReadsTheSchemeInAnyCase) {
  const RequestGuard guard(kLoopback, "0123456789abcdef");
  auto head = request_for("127.0.0.1:7947");
  for (const char* given :
       {"bearer 0123456789abcdef", "BEARER 0123456789abcdef", "Bearer   0123456789abcdef"}) {
    head.authorization = given;
    EXPECT_EQ(status_of(guard, head), 0) << given;
  }
}

TEST(RequestGuard, TakesAnyHostWithTheToken) {
  const RequestGuard guard(kAny, "0123456789abcdef");
  auto head = request_for("node7.example:7947");
  EXPECT_EQ(status_of(guard, head), 401);
  head.authorization = "Bearer 0123456789abcdef";
  EXPECT_EQ(status_of(guard, head), 0);
  head.origin = "http://evil.example";
  EXPECT_EQ(status_of(guard, head), 403);
  head.host_count = 2;
  EXPECT_EQ(status_of(guard, head), 400);
}

TEST(RequestGuard, ComparesTokens) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
}

}  // namespace
}  // namespace memberlist::cli
