#include <algorithm>
#include <array>
#include <set>

#include "engine_fixture.hpp"

// docs/metrics.md: what brings each metric about, and what its number is.
namespace memberlist::testing {
namespace {

void turn_on(EngineEnvironment& environment) { environment.metrics = true; }

/// A Bench whose metrics are told.
class MetricsBench : public Bench {
 public:
  explicit MetricsBench(Config config = quiet_config(),
                        const std::function<void(EngineEnvironment&)>& tweak = turn_on)
      : Bench(std::move(config), nullptr, 1, tweak) {}

  [[nodiscard]] std::vector<double> values(std::string_view name) const {
    std::vector<double> found;
    for (const MetricRecord& record : metrics()) {
      if (record.name == name) found.push_back(record.value);
    }
    return found;
  }
  [[nodiscard]] double sum(std::string_view name) const {
    double total = 0;
    for (const double value : values(name)) total += value;
    return total;
  }
  /// The last value of a gauge, -1 if there was none.
  [[nodiscard]] double gauge(std::string_view name,
                             std::optional<MemberStatus> state = std::nullopt) const {
    double last = -1;
    for (const MetricRecord& record : metrics()) {
      if (record.name == name && record.node_state == state) last = record.value;
    }
    return last;
  }
};

// A round of gossip, push/pulls, probes: whatever makes metrics.
void live_for_a_while(EngineBench& bench) {
  bench.meet("a");
  bench.meet("b").answers_pings = false;
  bench.run_for(60s);
}

TEST(EngineMetrics, ThereAreNoneUnlessAskedFor) {
  Bench bench;
  live_for_a_while(bench);
  EXPECT_TRUE(bench.metrics().empty());
}

TEST(EngineMetrics, EachNameHasOneKindAndOnlyNodeInstancesHaveALabel) {
  MetricsBench bench;
  live_for_a_while(bench);
  std::map<std::string_view, std::set<MetricKind>> kinds;
  for (const MetricRecord& record : bench.metrics()) {
    kinds[record.name].insert(record.kind);
    EXPECT_EQ(record.node_state.has_value(), record.name == metric::kNodeInstances);
    EXPECT_GE(record.value, 0) << record.name;
  }
  for (const auto& [name, seen] : kinds) EXPECT_EQ(seen.size(), 1u) << name;
  EXPECT_EQ(kinds[metric::kMsgAlive], std::set{MetricKind::counter});
  EXPECT_EQ(kinds[metric::kHealthScore], std::set{MetricKind::gauge});
  EXPECT_EQ(kinds[metric::kProbeNode], std::set{MetricKind::sample});
}

TEST(EngineMetrics, MessagesThatWereNewsAreCounted) {
  MetricsBench bench(no_probes());
  const ScriptedPeer& peer = bench.meet("a");
  EXPECT_EQ(bench.sum(metric::kMsgAlive), 1);
  bench.introduce(peer);
  EXPECT_EQ(bench.sum(metric::kMsgAlive), 1) << "it was known";
  bench.receive(peer.address, {suspect_message("a", 1, "x")});
  bench.receive(peer.address, {suspect_message("a", 1, "x"), suspect_message("nobody", 1, "x")});
  EXPECT_EQ(bench.sum(metric::kMsgSuspect), 1);
  bench.receive(peer.address, {dead_message("a", 1, "x")});
  bench.receive(peer.address, {dead_message("a", 1, "x")});
  EXPECT_EQ(bench.sum(metric::kMsgDead), 1);
}

// One record for all that an input has changed: what a datagram costs has a bound.
TEST(EngineMetrics, ADatagramsMessagesAreToldTogether) {
  MetricsBench bench(no_probes());
  std::vector<Bytes> messages;
  for (std::uint8_t i = 1; i <= 20; ++i) {
    messages.push_back(alive_message(
        {.name = "m" + std::to_string(i), .address = {IpAddress::v4(10, 9, 3, i), 7946}}));
  }
  bench.forget();
  bench.receive({IpAddress::v4(10, 9, 7, 7), 7946}, messages);
  EXPECT_EQ(bench.values(metric::kMsgAlive), std::vector<double>{20});
}

TEST(EngineMetrics, BytesOfPacketsAreCountedEachWay) {
  MetricsBench bench(no_probes());
  const ScriptedPeer& peer = bench.meet("a");
  const Bytes ping = ping_message(7, "self");
  bench.forget();
  const std::uint64_t before = bench.engine().counters().packet_bytes_received;
  bench.receive(peer.address, {ping});
  const std::uint64_t received = bench.engine().counters().packet_bytes_received - before;
  EXPECT_GE(received, ping.size());
  EXPECT_EQ(bench.sum(metric::kUdpReceived), static_cast<double>(received));
  std::size_t sent = 0;
  for (const SeenPacket& packet : bench.packets()) sent += packet.bytes.size();
  EXPECT_GT(sent, 0u) << "the ack";
  EXPECT_EQ(bench.sum(metric::kUdpSent), static_cast<double>(sent));
}

TEST(EngineMetrics, ACommandsPacketIsToldAtOnce) {
  MetricsBench bench(no_probes());
  const ScriptedPeer& peer = bench.meet("a");
  bench.forget();
  const Bytes payload = to_bytes("x");
  ASSERT_TRUE(bench.act([&](Engine& engine, TimePoint now) {
    return engine.send_best_effort(now, peer.address, payload);
  }));
  ASSERT_EQ(bench.packets().size(), 1u);
  EXPECT_EQ(bench.sum(metric::kUdpSent), bench.packets()[0].bytes.size());
}

TEST(EngineMetrics, StreamsAreCountedEachWay) {
  MetricsBench bench(no_probes());
  const ScriptedPeer& peer = bench.meet("a");
  bench.forget();
  ASSERT_TRUE(bench.act([&](Engine& engine, TimePoint now) {
    return engine.join(now, {{.name = "", .address = peer.address}});
  }));
  EXPECT_EQ(bench.sum(metric::kTcpConnect), 1) << "told with the command";
  const auto id = bench.accept(peer.address);
  ASSERT_TRUE(id);
  EXPECT_EQ(bench.sum(metric::kTcpAccept), 1);
  bench.feed(*id, bench.sealed(push_pull_message(false, {peer.claim()}), true));
  EXPECT_EQ(bench.sum(metric::kTcpSent), bench.stream(*id).written.size());
}

TEST(EngineMetrics, SizesOfStatesAreToldWithEachPushPull) {
  Config config = no_probes();
  config.enable_compression = false;
  MetricsBench bench(config);
  const ScriptedPeer& peer = bench.meet("a");
  const Bytes request = bench.sealed(push_pull_message(false, {peer.claim()}), true);
  const auto id = bench.accept(peer.address);
  ASSERT_TRUE(id);
  bench.feed(*id, request, 7);
  EXPECT_EQ(bench.values(metric::kSizeRemote),
            std::vector<double>{static_cast<double>(request.size())});
  EXPECT_EQ(bench.gauge(metric::kSizeLocal), bench.stream(*id).written.size());
}

TEST(EngineMetrics, HealthIsToldAtTheBeginningAndWithEachChange) {
  MetricsBench bench;
  ScriptedPeer& peer = bench.meet("a");
  EXPECT_EQ(bench.values(metric::kHealthScore), std::vector<double>{0});
  peer.answers_pings = false;
  ASSERT_TRUE(bench.run_until([&] { return bench.engine().health_score() == 1; }, 10s));
  EXPECT_EQ(bench.values(metric::kHealthScore), (std::vector<double>{0, 1}));
}

TEST(EngineMetrics, MembersAreToldByStateWhenTheirNumberChanges) {
  using enum MemberStatus;
  MetricsBench bench(no_probes());
  const Address from = bench.meet("a").address;
  bench.meet("b");
  EXPECT_EQ(bench.gauge(metric::kNodeInstances, alive), 3) << "this node is one of them";
  for (const MemberStatus none : {suspect, dead, left}) {
    EXPECT_EQ(bench.gauge(metric::kNodeInstances, none), 0) << to_string(none);
  }
  bench.receive(from, {suspect_message("a", 1, "x"), dead_message("b", 1, "b")});
  EXPECT_EQ(bench.gauge(metric::kNodeInstances, alive), 1);
  EXPECT_EQ(bench.gauge(metric::kNodeInstances, suspect), 1);
  EXPECT_EQ(bench.gauge(metric::kNodeInstances, left), 1);
  bench.receive(from, {dead_message("a", 1, "x")});
  EXPECT_EQ(bench.gauge(metric::kNodeInstances, suspect), 0);
  EXPECT_EQ(bench.gauge(metric::kNodeInstances, dead), 1);
  bench.forget();
  bench.receive(from, {dead_message("a", 1, "x")});
  EXPECT_TRUE(bench.values(metric::kNodeInstances).empty()) << "nothing has changed";
  bench.run_for(EngineBench::quiet_config().gossip_to_the_dead_time + 60s);
  EXPECT_EQ(bench.gauge(metric::kNodeInstances, dead), 0) << "forgotten";
  EXPECT_EQ(bench.gauge(metric::kNodeInstances, left), 0);
}

TEST(EngineMetrics, QueueDepthIsSampledAtEachCheck) {
  Config config = no_probes();
  config.gossip_interval = Duration::zero();  // nothing leaves the queue
  config.queue_check_interval = 10s;
  MetricsBench bench(config);
  bench.meet("a");
  const Bytes payload = to_bytes("x");
  ASSERT_TRUE(bench.act(
      [&](Engine& engine, TimePoint now) { return engine.broadcast(now, payload, "one"); }));
  bench.run_for(25s);
  const auto queued = static_cast<double>(bench.engine().counters().broadcasts_queued);
  EXPECT_EQ(queued, 3) << "about self, about a, and one of the user";
  EXPECT_EQ(bench.values(metric::kQueueBroadcasts), (std::vector<double>{queued, queued}));
}

TEST(EngineMetrics, AProbeIsTimedToItsAnswer) {
  MetricsBench bench;
  bench.meet("a").round_trip = 7ms;
  ASSERT_TRUE(bench.run_until([&] { return bench.engine().counters().probes_answered == 1; }, 5s));
  EXPECT_EQ(bench.values(metric::kProbeNode), std::vector<double>{7});
  EXPECT_EQ(bench.values(metric::kProbeRoundTrip), std::vector<double>{7});
}

TEST(EngineMetrics, AFailedProbeIsTimedToItsDeadlineAndHasNoRoundTrip) {
  MetricsBench bench;
  bench.meet("a").answers_pings = false;
  ASSERT_TRUE(bench.run_until([&] { return bench.engine().counters().probes_failed == 1; }, 5s));
  EXPECT_EQ(bench.values(metric::kProbeNode), std::vector<double>{1000});
  EXPECT_TRUE(bench.values(metric::kProbeRoundTrip).empty());
}

// Its time says how long the others took, not how far the member is.
TEST(EngineMetrics, AnIndirectAnswerHasNoRoundTrip) {
  MetricsBench bench;
  bench.meet("far").answers_pings = false;
  bench.meet("helper").relays = true;
  ASSERT_TRUE(bench.run_until(
      [&] { return bench.engine().counters().probes_saved_by_indirect == 1; }, 10s));
  const std::size_t direct = bench.engine().counters().probes_answered;
  EXPECT_EQ(bench.values(metric::kProbeRoundTrip).size(), direct);
  EXPECT_EQ(bench.values(metric::kProbeNode).size(), direct + 1);
}

TEST(EngineMetrics, ProbesOfADegradedNodeAreCounted) {
  MetricsBench bench;
  ScriptedPeer& peer = bench.meet("a");
  bench.meet("b");
  bench.run_for(5s);
  EXPECT_EQ(bench.sum(metric::kDegradedProbe), 0);
  peer.answers_pings = false;
  ASSERT_TRUE(bench.run_until([&] { return bench.engine().health_score() == 1; }, 10s));
  bench.run_for(2100ms);
  EXPECT_EQ(bench.sum(metric::kDegradedProbe), 1);
}

// A suspicion without confirmations may be a mistake of this node.
TEST(EngineMetrics, DeathsThatTooFewConfirmedAreCounted) {
  for (const bool confirmed : {true, false}) {
    MetricsBench bench(no_probes());
    const Address from = bench.meet("target").address;
    for (const char* name : {"a", "b", "c", "d"}) bench.meet(name);
    bench.receive(from, {suspect_message("target", 1, "a")});
    if (confirmed) {
      bench.receive(from, {suspect_message("target", 1, "b"), suspect_message("target", 1, "c")});
    }
    ASSERT_TRUE(bench.run_until([&] { return bench.status("target") == MemberStatus::dead; }, 60s));
    EXPECT_EQ(bench.sum(metric::kDegradedTimeout), confirmed ? 0 : 1);
  }
}

TEST(EngineMetrics, APushPullIsTimedFromTheDialHoweverItEnds) {
  for (const Tcp tcp : {Tcp::answers, Tcp::refuses, Tcp::silent}) {
    MetricsBench bench(no_probes());
    ScriptedPeer& peer = bench.meet("a");
    peer.tcp = tcp;
    peer.claims = {peer.claim()};
    ASSERT_TRUE(bench.act([&](Engine& engine, TimePoint now) {
      return engine.join(now, {{.name = "", .address = peer.address}});
    }));
    const TimePoint began = bench.now();
    ASSERT_TRUE(bench.run_until([&] { return !bench.values(metric::kPushPullNode).empty(); }, 60s));
    const std::vector<double> values = bench.values(metric::kPushPullNode);
    ASSERT_EQ(values.size(), 1u);
    const std::chrono::duration<double, std::milli> took = bench.now() - began;
    EXPECT_LE(values[0], took.count());
    const double timeout_ms = 10'000;
    EXPECT_EQ(values[0] >= timeout_ms, tcp == Tcp::silent);
  }
}

TEST(EngineMetrics, GossipIsTimedByTheStopwatchThatIsHandedIn) {
  Config config = no_probes();
  TimePoint clock;
  const auto tweak = [&clock](EngineEnvironment& environment) {
    environment.metrics = true;
    environment.stopwatch = [&clock] { return clock += 3ms; };
  };
  MetricsBench bench(config, tweak);
  bench.meet("a");
  bench.run_for(2 * config.gossip_interval);
  ASSERT_FALSE(bench.values(metric::kGossip).empty());
  for (const double value : bench.values(metric::kGossip)) EXPECT_EQ(value, 3);
  MetricsBench without(config);
  without.meet("a");
  without.run_for(2 * config.gossip_interval);
  EXPECT_TRUE(without.values(metric::kGossip).empty());
}

}  // namespace
}  // namespace memberlist::testing
