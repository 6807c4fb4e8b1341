#include "engine_fixture.hpp"

// Protocol 6, 'Suspicion timer' (Lifeguard: dogpile), to the millisecond.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

// How long a suspicion of `m` lasts in a cluster of `members`, with these accusers after the first
// at these times.
struct Confirmation {
  Duration at;
  std::string from;
};
struct Outcome {
  Duration lasted;
  MemberEvent death;
};

Outcome suspicion(const Config& chosen, std::size_t members,
                  const std::vector<Confirmation>& confirmations) {
  Config config = chosen;
  config.name = "self";
  config.probe_interval = chosen.probe_interval;
  Bench bench(config);
  // Everyone but the subject, the engine included, answers pings, so nobody else is suspected.
  for (std::size_t i = 2; i < members; ++i) bench.meet("peer" + std::to_string(i));
  ScriptedPeer& subject = bench.add_peer("m");
  bench.introduce(subject);
  EXPECT_EQ(bench.engine().live_count(), members);
  const TimePoint start = bench.now();
  bench.receive(kPeer, {suspect_message("m", 1, "first")});
  for (const Confirmation& confirmation : confirmations) {
    bench.timeline().at(start + confirmation.at, [&bench, confirmation] {
      bench.receive(kPeer, {suspect_message("m", 1, confirmation.from)});
    });
  }
  EXPECT_TRUE(wait_for(bench, "m", dead, 600s));
  return {bench.now() - start, bench.change("m", dead).value().event};
}

Config lan() { return EngineBench::quiet_config(); }

TEST(EngineSuspicionTime, WithoutConfirmationsTheGreatestTime) {
  const Outcome outcome = suspicion(lan(), 6, {});
  EXPECT_EQ(outcome.lasted, 24s);
  EXPECT_EQ(outcome.death.cause.confirmations, 0u);
}

TEST(EngineSuspicionTime, ShrinksWithEachConfirmation) {
  const SuspicionFormula formula{.members = 6};
  ASSERT_EQ(formula.k(), 2u);
  EXPECT_EQ(formula.after(1), 11381ms);
  const Outcome one = suspicion(lan(), 6, {{1s, "second"}});
  EXPECT_EQ(one.lasted, formula.after(1));
  EXPECT_EQ(one.death.cause.confirmations, 1u);
  EXPECT_EQ(one.death.cause.accusers, (std::vector<std::string>{"first", "second"}));
  const Outcome two = suspicion(lan(), 6, {{1s, "second"}, {2s, "third"}});
  EXPECT_EQ(two.lasted, 4s);
  EXPECT_EQ(two.death.cause.confirmations, 2u);
}

TEST(EngineSuspicionTime, ConfirmationsBehindTheirTimeFireAtOnce) {
  EXPECT_EQ(suspicion(lan(), 6, {{15s, "second"}}).lasted, 15s);
  EXPECT_EQ(suspicion(lan(), 6, {{1s, "second"}, {7s, "third"}}).lasted, 7s);
}

TEST(EngineSuspicionTime, SameAccuserCountsOnce) {
  const SuspicionFormula formula{.members = 6};
  EXPECT_EQ(suspicion(lan(), 6, {{1s, "first"}, {2s, "first"}}).lasted, formula.after(0));
  EXPECT_EQ(suspicion(lan(), 6, {{1s, "second"}, {2s, "second"}, {3s, "first"}}).lasted,
            formula.after(1));
}

TEST(EngineSuspicionTime, AtMostKConfirmationsCount) {
  const Outcome outcome =
      suspicion(lan(), 6, {{1s, "second"}, {2s, "third"}, {3s, "fourth"}, {3500ms, "fifth"}});
  EXPECT_EQ(outcome.lasted, 4s);
  EXPECT_EQ(outcome.death.cause.confirmations, 2u);
}

TEST(EngineSuspicionTime, SmallClusterWaitsTheLeastTime) {
  EXPECT_EQ(suspicion(lan(), 3, {}).lasted, 4s) << "3 < k + 2: nobody could confirm";
  EXPECT_EQ(suspicion(lan(), 3, {{1s, "second"}}).lasted, 4s);
  EXPECT_EQ(suspicion(lan(), 4, {}).lasted, 24s);
}

TEST(EngineSuspicionTime, TheDeadAreNotWaitedFor) {
  Bench bench(lan());
  for (const char* name : {"m", "b", "c", "d", "e", "f"}) bench.meet(name);
  for (const char* name : {"c", "d", "e", "f"}) {
    bench.receive(kPeer, {dead_message(name, 1, "first")});
  }
  ASSERT_EQ(bench.engine().live_count(), 3u);
  ASSERT_EQ(bench.engine().members()->size(), 7u);
  const TimePoint start = bench.now();
  bench.receive(kPeer, {suspect_message("m", 1, "first")});
  ASSERT_TRUE(wait_for(bench, "m", dead, 600s));
  EXPECT_EQ(bench.now() - start, 4s) << "as in a cluster of three";
}

TEST(EngineSuspicionTime, GrowsWithTheLogarithmOfTheCluster) {
  const SuspicionFormula formula{.members = 50};
  EXPECT_EQ(formula.min(), 6792ms) << "log10(50) = 1.698, cut to three decimals";
  EXPECT_EQ(suspicion(lan(), 50, {}).lasted, formula.max());
  EXPECT_EQ(suspicion(lan(), 50, {{1s, "second"}}).lasted, formula.after(1));
  EXPECT_EQ(suspicion(lan(), 50, {{1s, "second"}, {2s, "third"}}).lasted, 6792ms);
}

TEST(EngineSuspicionTime, FollowsTheKnobs) {
  Config config = lan();
  config.suspicion_mult = 6;
  config.suspicion_max_timeout_mult = 3;
  config.probe_interval = 5s;
  config.probe_timeout = 3s;
  SuspicionFormula formula{.mult = 6, .max_mult = 3, .probe_interval = 5s, .members = 12};
  ASSERT_EQ(formula.k(), 4u);
  std::vector<Confirmation> confirmations;
  for (std::uint32_t c = 0; c <= 4; ++c) {
    EXPECT_EQ(suspicion(config, 12, confirmations).lasted, formula.after(c)) << c;
    confirmations.push_back({1s * (c + 1), "accuser" + std::to_string(c)});
  }
}

TEST(EngineSuspicionTime, WhereProbesAreOffTheAccusedHasTheTimeOfOneSecondIntervals) {
  Config config = EngineBench::quiet_config();
  config.probe_interval = Duration::zero();
  const Outcome outcome = suspicion(config, 3, {});
  EXPECT_EQ(outcome.lasted, 4s);
}

TEST(EngineSuspicionTime, NewSuspicionAfterARefutationStartsAfresh) {
  Bench bench(lan());
  for (int i = 0; i < 4; ++i) bench.meet("peer" + std::to_string(i));
  ScriptedPeer& subject = bench.meet("m");
  bench.receive(kPeer, {suspect_message("m", 1, "a"), suspect_message("m", 1, "b"),
                        suspect_message("m", 1, "c")});
  bench.run_for(3900ms);
  ASSERT_EQ(bench.status("m"), MemberStatus::suspect);
  subject.incarnation = 2;
  bench.introduce(subject);
  bench.run_for(1s);
  ASSERT_EQ(bench.status("m"), MemberStatus::alive);
  const TimePoint again = bench.now();
  bench.receive(kPeer, {suspect_message("m", 2, "a")});
  ASSERT_TRUE(wait_for(bench, "m", dead));
  EXPECT_EQ(bench.now() - again, 24s);
}

TEST(EngineSuspicionTime, OwnFailedProbeConfirmsOthersSuspicion) {
  Bench bench(lan());
  for (int i = 0; i < 4; ++i) bench.meet("peer" + std::to_string(i)).nacks = true;
  ScriptedPeer& subject = bench.meet("m");
  subject.answers_pings = false;
  const TimePoint start = bench.now();
  bench.receive(kPeer, {suspect_message("m", 1, "first")});
  ASSERT_TRUE(wait_for(bench, "m", dead, 60s));
  EXPECT_EQ(bench.now() - start, (SuspicionFormula{.members = 6}.after(1)));
  EXPECT_EQ(bench.change("m", dead)->event.cause.accusers,
            (std::vector<std::string>{"first", "self"}));
}

}  // namespace
}  // namespace memberlist::testing
