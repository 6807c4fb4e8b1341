#include "memberlist/sim/world.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

// Whole clusters in virtual time, by the interface that is installed.
namespace memberlist::testing {
namespace {

using namespace std::chrono_literals;
using sim::CheckLevel;
using sim::Link;
using sim::NodeId;
using sim::World;

sim::WorldOptions strict(std::uint64_t seed = 1) {
  return {.seed = seed, .checks = CheckLevel::inside};
}

/// A cluster that fails the test if a checker found something.
struct Cluster : World {
  explicit Cluster(std::size_t nodes, sim::WorldOptions options = strict())
      : World(std::move(options)) {
    add_cluster(nodes);
  }
  ~Cluster() {
    for (const sim::Finding& finding : check_report().findings) {
      ADD_FAILURE() << finding.check << " at " << finding.node << ": " << finding.text;
    }
  }
  // How many running nodes hold a member for alive or suspect.
  std::size_t believers(NodeId subject) {
    std::size_t count = 0;
    for (NodeId node = 0; node < size(); ++node) {
      const auto seen = status(node, subject);
      count += seen == MemberStatus::alive || seen == MemberStatus::suspect ? 1 : 0;
    }
    return count;
  }
};

TEST(World, AClusterThatKnowsItselfAgreesFromTheStartAndStaysSo) {
  Cluster world(20);
  int events = 0;
  world.on_event([&](NodeId, const Event&) { ++events; });
  EXPECT_TRUE(world.converged());
  world.run_for(2min);
  EXPECT_TRUE(world.converged());
  EXPECT_EQ(events, 0) << "nobody has come, gone or been suspected";
  EXPECT_GT(world.engine(7).counters().probes_answered, 100u);
  world.check_rest();
}

TEST(World, NewcomersJoin) {
  Cluster world(10);
  for (int i = 0; i < 5; ++i) {
    const NodeId node = world.add();
    ASSERT_TRUE(world.join(node, {0}));
  }
  EXPECT_TRUE(world.run_until([&] { return world.converged(); }, 10s));
  EXPECT_EQ(world.engine(3).live_count(), 15u);
}

TEST(World, ACrashIsDetected) {
  Cluster world(10);
  world.crash(4);
  EXPECT_FALSE(world.running(4));
  EXPECT_TRUE(world.run_until([&] { return world.believers(4) == 0; }, 60s));
  world.restart(4);
  ASSERT_TRUE(world.join(4, {0}));
  EXPECT_TRUE(world.run_until([&] { return world.converged(); }, 60s));
}

TEST(World, AKilledProcessRefusesConnectionsAndMayReturnElsewhere) {
  Cluster world(5);
  const Address old = world.address(2);
  world.kill(2);
  ASSERT_TRUE(world.run_until([&] { return world.believers(2) == 0; }, 60s));
  world.config(2).name = "the-new-one";
  world.restart_at(2, {IpAddress::v4(10, 200, 0, 1), 7946});
  ASSERT_TRUE(world.join(2, {0}));
  EXPECT_TRUE(world.run_until([&] { return world.converged(); }, 30s));
  EXPECT_NE(world.engine(0).member("the-new-one").value().address(), old);
}

TEST(World, APausedProcessReadsLateAndHasLateTimers) {
  Cluster world(5);
  const auto probes = world.engine(1).counters().probes;
  world.pause(1);
  world.run_for(3s);
  EXPECT_EQ(world.engine(1).counters().probes, probes) << "nothing happens in it";
  world.resume(1);
  world.run_for(30s);
  EXPECT_GT(world.engine(1).counters().probes, probes + 10);
  EXPECT_EQ(world.engine(1).counters().stalls, 1u) << "it sees that it was paused";
  EXPECT_TRUE(world.converged());
}

TEST(World, ABlockedProcessHasTimersButNoNetwork) {
  Cluster world(5);
  const auto probes = world.engine(1).counters().probes;
  const auto received = world.engine(1).counters().packets_received;
  world.block(1);
  world.run_for(4s);
  EXPECT_GT(world.engine(1).counters().probes, probes) << "its timers go on";
  EXPECT_EQ(world.engine(1).counters().packets_received, received);
  EXPECT_EQ(world.engine(1).counters().stalls, 0u);
  world.resume(1);
  world.run_for(1ms);
  EXPECT_GT(world.engine(1).counters().packets_received, received) << "what has waited is read";
}

TEST(World, AReceiveBufferOverflows) {
  sim::WorldOptions options = strict();
  options.receive_buffer_packets = 4;
  Cluster world(5, options);
  world.pause(1);
  world.run_for(5s);
  EXPECT_GT(world.stats().packets_overflowed, 0u);
  const auto received = world.engine(1).counters().packets_received;
  world.resume(1);
  EXPECT_EQ(world.engine(1).counters().packets_received, received + 4);
}

TEST(World, ASlowProcessTakesOneInputAtATime) {
  Cluster world(3);
  world.slow(1, 300ms);
  const auto received = world.engine(1).counters().packets_received;
  world.run_for(3s);
  EXPECT_LE(world.engine(1).counters().packets_received, received + 10);
  EXPECT_GT(world.engine(1).counters().packets_received, received);
  world.heal_hosts();
  world.run_for(60s);
  EXPECT_TRUE(world.converged());
}

TEST(World, AnOverloadedProcessHandlesItsDeadlinesAndItsPacketsInTurn) {
  Cluster world(8);
  world.slow(1, 600ms);
  world.run_for(10s);
  const EngineCounters before = world.engine(1).counters();
  world.run_for(60s);
  const EngineCounters after = world.engine(1).counters();
  EXPECT_GT(after.probes, before.probes + 2) << "slowly, as it knows that it is slow";
  EXPECT_GT(after.packets_received, before.packets_received + 20);
}

TEST(World, RunsWithNeighbouringSeedsHaveNoEngineInCommon) {
  constexpr std::size_t kNodes = 4;
  std::set<TimePoint> first_probes;
  for (std::uint64_t seed = 0; seed < kNodes; ++seed) {
    Cluster world(kNodes, strict(seed));
    for (NodeId node = 0; node < kNodes; ++node) {
      first_probes.insert(world.engine(node).next_deadline());
    }
  }
  EXPECT_EQ(first_probes.size(), kNodes * kNodes);
}

TEST(World, AClockThatDriftsCountsFaster) {
  Cluster world(3);
  world.set_clock(1, {.drift = 0.5});
  const auto probes = world.engine(1).counters().probes;
  const auto others = world.engine(2).counters().probes;
  world.run_for(100s);
  EXPECT_NEAR(static_cast<double>(world.engine(1).counters().probes - probes), 150, 3);
  EXPECT_NEAR(static_cast<double>(world.engine(2).counters().probes - others), 100, 3);
}

TEST(World, AClockThatJumpsAheadLooksLikeAPause) {
  Cluster world(3);
  const TimePoint before = world.local_time(1);
  world.step_clock(1, 10s);
  EXPECT_EQ(world.local_time(1) - before, 10s);
  world.run_for(10s);
  EXPECT_EQ(world.engine(1).counters().stalls, 1u);
  EXPECT_TRUE(world.converged());
}

TEST(World, HostsThatSwapTheirAddressesAreDetectedByName) {
  Cluster world(6);
  world.swap_addresses(1, 2);
  world.run_for(30s);
  // Pings ask for a name, so who is at the address of another member does not answer for it.
  EXPECT_GT(world.engine(0).counters().probes_failed, 0u);
}

TEST(World, PartitionsSplitTheClusterAndHeal) {
  Cluster world(8);
  for (NodeId node = 0; node < 4; ++node) world.set_group(node, 1);
  EXPECT_TRUE(world.run_until([&] { return world.engine(0).live_count() == 4; }, 120s));
  world.heal_network();
  ASSERT_TRUE(world.join(0, {5}));
  EXPECT_TRUE(world.run_until([&] { return world.converged(); }, 120s));
}

TEST(World, LeavingIsSeenAsLeft) {
  Cluster world(6);
  ASSERT_TRUE(world.leave(3));
  world.run_for(3min);
  for (const NodeId node : {0U, 1U, 2U, 4U, 5U}) {
    EXPECT_EQ(world.status(node, 3).value_or(MemberStatus::left), MemberStatus::left);
  }
  for (const sim::CheckCount& count : world.check_report().counts) {
    if (count.check == "leave_seen") {
      EXPECT_EQ(count.exercised, 6u);  // five others, and that it was sent in time
    }
  }
}

TEST(World, ANewcomerIsLetIn) {
  Cluster world(5);
  ASSERT_TRUE(world.join(world.add(), {2}));
  world.run_for(5min);
  for (const sim::CheckCount& count : world.check_report().counts) {
    if (count.check == "newcomer") {
      EXPECT_EQ(count.exercised, 5u);
    }
  }
}

TEST(World, ApplicationsTalkAndHaveTheirEvents) {
  Cluster world(4);
  std::vector<std::string> heard;
  world.on_event([&](NodeId node, const Event& event) {
    if (const auto* message = std::get_if<UserMessage>(&event)) {
      heard.push_back(world.name(node) + " " + std::string(as_text(message->payload)));
    }
  });
  std::size_t completed = 0;
  world.on_completion(
      [&](NodeId, const Completion& completion) { completed += completion.result ? 1 : 0; });
  ASSERT_TRUE(world.act(0, [&](Engine& engine, TimePoint now) {
    return engine.send_best_effort(now, world.address(2), as_bytes("hello"));
  }));
  ASSERT_TRUE(world.act(1, [&](Engine& engine, TimePoint now) {
    return engine.update_meta(now, as_bytes("weight=2"), 10s);
  }));
  world.run_for(10s);
  EXPECT_EQ(heard, (std::vector<std::string>{"node-00002 hello"}));
  EXPECT_EQ(completed, 1u);
  EXPECT_EQ(as_text(world.engine(3).member("node-00001").value().meta()), "weight=2");
}

TEST(World, EncryptionIsPartOfTheRun) {
  sim::WorldOptions options = strict();
  options.config.keys = {Bytes(32, std::byte{7})};
  Cluster world(5, options);
  world.run_for(1min);
  EXPECT_TRUE(world.converged());
  EXPECT_GT(world.engine(0).counters().probes_answered, 50u);
}

// --- a run is a function of its seed

std::uint64_t troubled_run(std::uint64_t seed, bool with_more = false) {
  sim::WorldOptions options{.seed = seed, .checks = CheckLevel::packets};
  options.link.jitter = 20ms;
  options.link.loss = 0.1;
  options.link.duplicate = 0.1;
  options.link.corrupt = 0.02;
  options.link.latencies = sim::LatencyTable::log_normal(3ms, 0.7);
  options.config.keys = {Bytes(16, std::byte{1})};
  World world(options);
  world.add_cluster(12);
  world.after(5s, [&] { world.crash(3); });
  world.after(9s, [&] { world.pause(4); });
  world.after(14s, [&] { world.resume(4); });
  world.after(20s, [&] { world.restart(3); });
  world.after(21s, [&] { (void)world.join(3, {with_more ? NodeId{1} : NodeId{0}}); });
  world.run_for(1min);
  return world.trace_hash();
}

TEST(WorldTrace, IsTheSameInEveryBuild) {
  EXPECT_EQ(troubled_run(1), troubled_run(1));
  EXPECT_EQ(troubled_run(1), 5'514'821'599'485'576'059U);
}

TEST(WorldTrace, DiffersByTheSeedAndByWhatIsDone) {
  EXPECT_NE(troubled_run(1), troubled_run(2));
  EXPECT_NE(troubled_run(1), troubled_run(1, true));
}

TEST(WorldTrace, AnotherFutureBeginsWhereItIsForked) {
  const auto run = [](bool fork) {
    sim::WorldOptions options;
    options.link.jitter = 5ms;
    World world(options);
    world.add_cluster(5);
    world.run_for(10s);
    const std::uint64_t before = world.trace_hash();
    if (fork) world.reseed(99);
    world.run_for(10s);
    return std::pair(before, world.trace_hash());
  };
  EXPECT_EQ(run(false).first, run(true).first);
  EXPECT_NE(run(false).second, run(true).second);
}

// On links without chance all that differs is what the engines choose.
TEST(WorldTrace, TheEnginesOfAnotherFutureChooseOtherwise) {
  const auto run = [](std::uint64_t seed) {
    World world(strict());
    world.add_cluster(8);
    world.run_for(10s);
    if (seed != 0) world.reseed(seed);
    world.run_for(30s);
    EXPECT_TRUE(world.check_report().passed());
    return world.trace_hash();
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(0));
  EXPECT_NE(run(1), run(2));
}

TEST(WorldTrace, StepsOfEnginesAreToldAndChangeNothing) {
  const auto run = [](bool traced) {
    World world(strict());
    std::size_t probes = 0;
    if (traced) {
      world.on_trace([&](NodeId, const TraceRecord& record) {
        probes += std::holds_alternative<trace::ProbeEnded>(record.step) ? 1 : 0;
      });
    }
    world.add_cluster(4);
    world.run_for(10s);
    EXPECT_EQ(probes > 0, traced);
    return world.trace_hash();
  };
  EXPECT_EQ(run(true), run(false));
}

// --- mistakes of the caller

TEST(WorldMistakes, AreLogicErrorsThatNameTheNode) {
  World world;
  world.add_cluster(2);
  EXPECT_THROW(world.crash(7), std::logic_error);
  world.crash(1);
  EXPECT_THROW(world.crash(1), std::logic_error) << "it does not run";
  EXPECT_THROW((void)world.engine(1), std::logic_error);
  world.restart(1);
  EXPECT_THROW(world.restart(1), std::logic_error) << "it runs";
  EXPECT_THROW(world.add_cluster(2), std::logic_error) << "the world is not empty";
}

}  // namespace
}  // namespace memberlist::testing
