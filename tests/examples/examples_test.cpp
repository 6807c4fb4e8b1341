#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include "../support/process.hpp"
#include "chatter.hpp"

// Each example does what its first lines say, shown by what it prints.
namespace memberlist::testing {
namespace {

std::string program(const std::string& example) {
  return std::string(MEMBERLIST_EXAMPLES) + "/example_" + example;
}

/// Everything that an example prints that ends by itself, and well.
std::string output_of(const std::string& example) {
  const Completed completed = run(command({program(example)}), kPatience);
  EXPECT_TRUE(completed.status.success()) << completed.output << completed.error_output;
  return completed.output;
}

TEST(Examples, ServiceRegistryFindsWhoIsThereAndNobodyElse) {
  EXPECT_EQ(output_of("service_registry"),
            "web is at 127.0.0.1:8080 127.0.0.1:8081\n"
            "db is at 127.0.0.1:5432\n"
            "web is at 127.0.0.1:8080\n"
            "db is at 127.0.0.1:5433\n");
}

TEST(Examples, FeatureFlagsReachAllMembersOnceAndThoseThatJoinLater) {
  const std::string output = output_of("feature_flags");
  for (const std::string line : {"b hears 1 dark-mode=5 from ", "c hears 1 dark-mode=5 from ",
                                 "a hears 2 dark-mode=50 from ", "c hears 2 dark-mode=50 from ",
                                 "late hears 2 dark-mode=50 from "}) {
    const std::size_t at = output.find(line);
    EXPECT_NE(at, std::string::npos) << line << '\n' << output;
    EXPECT_EQ(output.find(line, at + 1), std::string::npos) << line;
  }
  EXPECT_NE(output.find("dark-mode is on for every second user, everywhere\n"), std::string::npos)
      << output;
}

TEST(Examples, ShardedCacheLoadsOnlyTheKeysThatMove) {
  // The hash is the same on every machine, so the shares are, too.
  EXPECT_EQ(output_of("sharded_cache"),
            "at first: a=243 b=240 c=517\n"
            "again: a=0 b=0 c=0\n"
            "d joins: a=0 b=0 c=0 d=192\n"
            "c has less room: a=60 b=52 c=0 d=59\n"
            "d leaves: a=75 b=78 c=98\n");
}

TEST(Examples, RingInVirtualTimeLosesNoKeysForLong) {
  const std::string output = output_of("ring_in_virtual_time");
  EXPECT_EQ(output.find("FAILED"), std::string::npos) << output;
  EXPECT_NE(output.find("ok: the protocol's rules were kept\n"), std::string::npos) << output;
}

TEST(Examples, RingUnderPartitionIsTheSameAgainAfterwards) {
  const std::string output = output_of("ring_under_partition");
  EXPECT_EQ(output.find("FAILED"), std::string::npos) << output;
  EXPECT_NE(output.find("ok: the ring is the same again\n"), std::string::npos) << output;
}

TEST(Examples, CustomTransportCountsAndShutsOut) {
  EXPECT_EQ(output_of("custom_transport"),
            "a sees b\n"
            "packets went to b\n"
            "b is shut out, and dead for a\n");
}

TEST(Examples, ChatShowsAllWhatOneTypesAndWhoComesAndGoes) {
  Chatter ann(program("chat"), "ann");
  Chatter ben(program("chat"), "ben", ann.address());
  ASSERT_TRUE(ann.sees("* ben joined"));
  Chatter cat(program("chat"), "cat", ann.address());
  ASSERT_TRUE(ann.sees("* cat joined"));
  ASSERT_TRUE(ben.sees("* cat joined"));

  ann.type("good morning");
  EXPECT_TRUE(ben.sees("ann: good morning"));
  EXPECT_TRUE(cat.sees("ann: good morning"));
  cat.type("/who");
  EXPECT_TRUE(cat.sees("ann is alive") && cat.sees("ben is alive") && cat.sees("cat is alive"));

  ben.leave();
  EXPECT_TRUE(ann.sees("* ben left"));
  EXPECT_TRUE(cat.sees("* ben left"));
  // Time for the copies that are sent of each broadcast: a round of gossip for each line.
  for (const std::string line : {"one", "two", "three", "four", "five"}) {
    ann.type(line);
    EXPECT_TRUE(cat.sees("ann: " + line));
  }
  EXPECT_EQ(cat.times_shown("ann: good morning"), 1U);
  cat.leave();
  ann.leave();
}

class OwnLoopExample : public ::testing::TestWithParam<const char*> {};

TEST_P(OwnLoopExample, IsAMemberLikeAnyOther) {
  Chatter ann(program("chat"), "ann");
  Chatter ben(program(GetParam()), "ben", ann.address());
  ASSERT_TRUE(ann.sees("* ben joined"));
  ASSERT_TRUE(ben.sees("* ann joined"));
  Chatter cat(program("chat"), "cat", ben.address());  // it answers a join
  ASSERT_TRUE(ben.sees("* cat joined"));
  ASSERT_TRUE(cat.sees("* ann joined"));
  Chatter dan(program(GetParam()), "dan", ben.address());
  for (Chatter* other : {&ann, &ben, &cat}) EXPECT_TRUE(other->sees("* dan joined"));

  dan.send_signal(SIGKILL);
  for (Chatter* other : {&ann, &ben, &cat}) EXPECT_TRUE(other->sees("* dan is lost"));
  cat.leave();
  EXPECT_TRUE(ben.sees("* cat left"));
  ben.leave();
  EXPECT_TRUE(ann.sees("* ben left"));
  ann.leave();
}

TEST_P(OwnLoopExample, SaysWhyAJoinFailed) {
  const Completed completed =
      run(command({program(GetParam()), "ann", "127.0.0.1:0", "127.0.0.1:1"}), kPatience);
  EXPECT_FALSE(completed.status.success());
  EXPECT_NE(completed.error_output.find("127.0.0.1:1"), std::string::npos)
      << completed.error_output;
}

INSTANTIATE_TEST_SUITE_P(Loops, OwnLoopExample,
                         ::testing::Values("own_loop_asio", "own_loop_poll"));

TEST(Examples, OwnLoopOnAsioLeavesWhenItIsInterrupted) {
  Chatter ann(program("chat"), "ann");
  Chatter ben(program("own_loop_asio"), "ben", ann.address());
  ASSERT_TRUE(ann.sees("* ben joined"));
  ben.send_signal(SIGINT);
  EXPECT_TRUE(ann.sees("* ben left"));
  ben.expect_end();
  ann.leave();
}

}  // namespace
}  // namespace memberlist::testing
