// Where the machine has no descriptors left, calls end with a Result.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <string>
#include <vector>

#include "memberlist/memberlist.hpp"
#include "memberlist/memory_network.hpp"
#include "node.hpp"
#include "support/descriptor_limit.hpp"

namespace memberlist::facade_test {
namespace {

using testing::DescriptorLimit;

constexpr rlim_t kFewest = 3;
constexpr rlim_t kMost = 40;

// Of the two ends of what was tried: some limits are too low, and some are not.
struct Seen {
  int failed = 0;
  int created = 0;
  int joined = 0;

  void add(const Result<Memberlist>& result) {
    ++(result ? created : failed);
    if (result) return;
    EXPECT_EQ(result.error().code, ErrorCode::system) << result.error().message;
    EXPECT_FALSE(result.error().message.empty());
  }
};

Config hurried(std::string name) {
  Config config = quick_config(std::move(name));
  config.tcp_timeout = std::chrono::milliseconds(200);
  return config;
}

TEST(Descriptors, CreateAndJoinEndWithAResultHoweverManyThereAre) {
  Node peer("peer");
  Config by_name = hurried("by-name");
  by_name.dns_servers = {Address{IpAddress::v4(127, 0, 0, 1), 9}};  // nobody answers there
  Seen seen;
  for (rlim_t limit = kFewest; limit <= kMost; ++limit) {
    for (const Config& config : {hurried("a"), by_name}) {
      const DescriptorLimit few(limit);
      auto member = Memberlist::create(config);
      seen.add(member);
      if (!member) continue;
      const JoinOptions options{.timeout = std::chrono::milliseconds(400)};
      const auto joined = member->join({peer.address(), "no-such-name.example:1"}, options);
      if (joined) ++seen.joined;
    }
  }
  EXPECT_GT(seen.failed, 0);
  EXPECT_GT(seen.created, 0);
  EXPECT_GT(seen.joined, 0);
}

TEST(Descriptors, TheSameForAllAddressesOfTheMachine) {
  Config config = hurried("a");
  config.bind.ip = IpAddress::v4(0, 0, 0, 0);
  config.advertise = Address{own_ip(), 0};
  Config detecting = config;
  detecting.advertise.reset();
  for (rlim_t limit = kFewest; limit <= kMost; ++limit) {
    for (const Config& one : {config, detecting}) {
      const DescriptorLimit few(limit);
      const auto member = Memberlist::create(one);
      if (member || member.error().code == ErrorCode::no_address) continue;
      EXPECT_EQ(member.error().code, ErrorCode::system) << member.error().message;
    }
  }
}

TEST(Descriptors, TheSameForARuntimeAndANetworkInMemory) {
  Seen seen;
  int runtimes_failed = 0;
  for (rlim_t limit = kFewest; limit <= kMost; ++limit) {
    const MemoryNetwork network;
    const DescriptorLimit few(limit);
    const auto runtime = Runtime::create();
    if (!runtime) {
      EXPECT_EQ(runtime.error().code, ErrorCode::system);
      ++runtimes_failed;
      continue;
    }
    seen.add(
        Memberlist::create(quick_config("sockets"), {}, {.runtime = *runtime, .transport = {}}));
    seen.add(Memberlist::create(quick_config("memory"), {},
                                {.runtime = *runtime, .transport = network.transport()}));
  }
  EXPECT_GT(runtimes_failed, 0);
  EXPECT_GT(seen.failed, 0);
  EXPECT_GT(seen.created, 0);
}

}  // namespace
}  // namespace memberlist::facade_test
