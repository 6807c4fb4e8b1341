#include <algorithm>
#include <set>
#include <string>
#include <tuple>

#include "engine_fixture.hpp"

// Faults drawn from a seed, first all at once, then none: whatever happened, the cluster agrees
// again, and no member had to be restarted.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

constexpr std::size_t kNodes = 14;

class Chaos {
 public:
  explicit Chaos(std::uint64_t seed)
      : random_(seed),
        cluster_({.size = kNodes,
                  .seed = seed,
                  .config = config(seed),
                  .policy = [this](HostId node) { return policy_of(node); },
                  .watched = true,
                  .recorded = true}) {}

  void run() {
    ASSERT_TRUE(cluster_.assemble());
    for (int i = 0; i < 60; ++i) {
      fault();
      cluster_.run_for(std::chrono::milliseconds(100 + random_.below(4000)));
    }
    heal();
    EXPECT_TRUE(cluster_.run_until([&] { return cluster_.agree(kNodes); }, 180s)) << views();
    check_events();
  }

  // A new engine that is given what a process was given puts out the same, byte for byte.
  void replay() const {
    for (const auto& process : cluster_.records()) {
      EXPECT_EQ(digest_of_replay(process->recorder.recording()), process->digest)
          << "a process of " << cluster_.name(process->node);
    }
  }

  // Of all that was sent over the network, and when.
  std::uint64_t traffic() { return cluster_.network().traffic_digest(); }

 private:
  // Every third node has an application that uses each function of Policy.
  Policy* policy_of(HostId node) {
    if (node % 3 != 0) return nullptr;
    policy_.on_fill = [this](std::size_t, std::size_t, std::vector<Bytes>& messages) {
      if (random_of_policy_.below(4) == 0) messages.push_back(to_bytes("from a policy"));
    };
    policy_.on_alive = [this](const MemberRecord&) {
      return random_of_policy_.below(50) == 0 ? fail(ErrorCode::vetoed, "not now", "")
                                              : Result<void>{};
    };
    policy_.on_local_state = [](bool join) { return to_bytes(join ? "a join" : "a push/pull"); };
    policy_.on_ack_payload = [] { return to_bytes("an ack"); };
    policy_.on_tcp_ping = [this](const MemberRecord&) { return random_of_policy_.below(3) != 0; };
    return &policy_;
  }

  static Config config(std::uint64_t seed) {
    Config config = Config::lan();
    config.push_pull_interval = 10s;
    if (seed % 2 == 0) config.keys = {to_bytes("0123456789abcdef")};
    if (seed % 3 == 0) config.protocol_version = 5;
    return config;
  }

  void fault() {
    const HostId node = random_.below(kNodes);
    const HostId other = random_.below(kNodes);
    VirtualNetwork& network = cluster_.network();
    switch (random_.below(10)) {
      case 0:
        if (cluster_.running(node)) cluster_.crash(node);
        break;
      case 1:
        if (cluster_.running(node)) cluster_.kill(node);
        break;
      case 2:
      case 3:
        revive(node);
        break;
      case 4:
        if (cluster_.running(node)) cluster_.pause(node);
        break;
      case 5:
        if (cluster_.running(node)) {
          network.set_group(node, static_cast<int>(random_.below(2)));
        }
        break;
      case 6:
        network.rule(node, other).udp_cut = random_.below(2) == 0;
        network.rule(node, other).tcp_cut = random_.below(2) == 0;
        break;
      case 7:
        network.rule(node, other).loss = random_.unit();
        network.rule(node, other).jitter = std::chrono::milliseconds(random_.below(900));
        break;
      case 8:
        network.set_stream_piece_bytes(random_.below(20));
        break;
      default:
        network.rule(node, other).udp_refused = random_.below(2) == 0;
        network.rule(node, other).tcp_refused = random_.below(2) == 0;
    }
  }

  // Back from whatever state it is in; a new process joins through a few others.
  void revive(HostId node) {
    if (cluster_.running(node)) return;
    if (cluster_.paused(node)) return cluster_.resume(node);
    cluster_.restart(node);
    EXPECT_TRUE(cluster_.join(node, {random_.below(kNodes), random_.below(kNodes)}).has_value());
  }

  void heal() {
    cluster_.network().heal_partitions();
    for (HostId a = 0; a < kNodes; ++a) {
      for (HostId b = 0; b < kNodes; ++b) cluster_.network().rule(a, b) = Link{};
    }
    for (HostId node = 0; node < kNodes; ++node) revive(node);
    // Halves that have forgotten each other are brought together as an operator would do it.
    for (HostId node = 1; node < kNodes; ++node) {
      EXPECT_TRUE(cluster_.join(node, {0}).has_value());
    }
  }

  // In the log of each process, every member joins and leaves by turns, and is then as told.
  void check_events() {
    EXPECT_GT(cluster_.count(dead), 0u) << "a run without deaths shows nothing";
    std::set<std::tuple<HostId, std::size_t, std::string>> present;
    for (const LoggedOutput& line : cluster_.log()) {
      const auto* event = std::get_if<Event>(&line.what);
      const auto* change = event == nullptr ? nullptr : std::get_if<MemberEvent>(event);
      if (change == nullptr) continue;
      EXPECT_EQ(change->self, change->member.name() == cluster_.name(line.node))
          << line.to_string();
      const auto key = std::tuple(line.node, line.process, change->member.name());
      if (change->kind != alive) {  // which comes right before the join of somebody who was gone
        EXPECT_EQ(present.contains(key), change->kind != join) << line.to_string();
      }
      check_status(*change, line);
      if (change->kind == join) present.insert(key);
      if (change->kind == leave) present.erase(key);
    }
  }

  static void check_status(const MemberEvent& change, const LoggedOutput& line) {
    std::set<MemberStatus> expected;
    switch (change.kind) {
      case join:
      case alive:
        expected = {MemberStatus::alive};
        break;
      case suspect:
        expected = {MemberStatus::suspect};
        break;
      case dead:
        expected = {MemberStatus::dead};
        break;
      case leave:
        expected = {MemberStatus::dead, MemberStatus::left};
        break;
      default:
        return;
    }
    EXPECT_TRUE(expected.contains(change.member.status)) << line.to_string();
  }

  std::string views() {
    std::string text;
    for (HostId node = 0; node < kNodes; ++node) {
      text += cluster_.name(node) + " sees " + std::to_string(cluster_.engine(node).live_count());
      for (const Member& member : *cluster_.engine(node).members()) {
        if (member.status == MemberStatus::alive) continue;
        text += " " + member.name() + "=" + std::string(to_string(member.status));
      }
      text += "\n";
    }
    return text;
  }

  Random random_;
  Random random_of_policy_{7};
  VirtualPolicy policy_;
  Cluster cluster_;
};

class EngineChaos : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(EngineChaos, ClusterAgreesAgainOnceTheFaultsAreOver) {
  Chaos chaos(GetParam());
  chaos.run();
  chaos.replay();
}

// The digest is the same with every compiler and optimisation: all builds run this test. A change
// of what engines send changes the number.
TEST(EngineChaosTraffic, IsTheSameInEveryBuild) {
  Chaos chaos(2);  // with encryption
  chaos.run();
  EXPECT_EQ(chaos.traffic(), 2'416'136'839'236'702'099U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, EngineChaos, ::testing::Range<std::uint64_t>(1, 13));

}  // namespace
}  // namespace memberlist::testing
