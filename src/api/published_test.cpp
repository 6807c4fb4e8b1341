#include "api/published.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "memberlist/engine.hpp"

namespace memberlist::api {
namespace {

Engine make_engine() {
  Config config;
  config.name = "self";
  EngineEnvironment environment;
  environment.advertise = Address{IpAddress::v4(10, 0, 0, 1), 7946};
  environment.now = TimePoint(std::chrono::seconds(1));
  environment.member_changes = true;
  auto engine = Engine::create(std::move(config), std::move(environment));
  EXPECT_TRUE(engine);
  return *std::move(engine);
}

void update(Engine& engine, const std::string& meta) {
  ASSERT_TRUE(engine.update_meta(TimePoint(std::chrono::seconds(1)), as_bytes(meta),
                                 std::chrono::seconds(1)));
  engine.clear_outputs();
}

TEST(Published, IsAsOldAsTheLastPublication) {
  Engine engine = make_engine();
  Published published;
  published.publish(engine, 0);
  update(engine, "one");
  EXPECT_TRUE(published.members()[0].meta().empty());
  EXPECT_TRUE(published.self().meta().empty());
  published.publish(engine, 3);
  EXPECT_EQ(as_text(published.members()[0].meta()), "one");
  EXPECT_EQ(as_text(published.self().meta()), "one");
  EXPECT_EQ(published.counters().send_errors, 3U);
}

TEST(Published, IsTheSameSnapshotWhileNothingChanges) {
  Engine engine = make_engine();
  Published published;
  published.publish(engine, 0);
  const MemberSnapshot before = published.members();
  published.publish(engine, 0);
  EXPECT_EQ(published.members(), before);
  update(engine, "one");
  published.publish(engine, 0);
  EXPECT_NE(published.members(), before);
}

// More changes than may wait for somebody to look.
TEST(Published, HoldsEveryChangeThoughNobodyLooks) {
  Engine engine = make_engine();
  Published published;
  const std::size_t changes = 2 * limits::kUnseenMemberChanges + 10;
  for (std::size_t i = 1; i <= changes; ++i) {
    update(engine, std::to_string(i));
    published.publish(engine, 0);
  }
  EXPECT_EQ(as_text(published.members()[0].meta()), std::to_string(changes));
}

TEST(Published, IsNeverOlderThanWhatAReaderHasSeen) {
  Engine engine = make_engine();
  Published published;
  published.publish(engine, 0);
  std::vector<std::jthread> readers;
  for (int reader = 0; reader < 3; ++reader) {
    readers.emplace_back([&published](const std::stop_token& stop) {
      std::uint32_t last = 0;
      while (!stop.stop_requested()) {
        const std::uint32_t seen = published.members()[0].incarnation;
        EXPECT_GE(seen, last);
        EXPECT_GE(published.self().incarnation, seen);
        last = seen;
      }
    });
  }
  for (int i = 0; i < 2000; ++i) {
    update(engine, std::to_string(i));
    published.publish(engine, 0);
    EXPECT_EQ(published.members()[0].incarnation, engine.local_member().incarnation);
  }
}

}  // namespace
}  // namespace memberlist::api
