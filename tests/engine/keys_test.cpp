#include "base/limits.hpp"
#include "engine_fixture.hpp"
#include "memberlist/key.hpp"

// Keys and the switches of encryption, changed while the engines run (protocol 2, Encryption).
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

const Bytes kOld = to_bytes("0123456789abcdef");
const Bytes kNew = to_bytes("fedcba9876543210fedcba9876543210");
const Bytes kForeign = to_bytes("abcdefghijklmnopqrstuvwx");

/// A cluster in which every node sends each other one a user message every 50 ms.
class BusyCluster : public Cluster {
 public:
  explicit BusyCluster(std::vector<Bytes> keys)
      : Cluster({.size = kNodes, .config = config(std::move(keys))}) {}

  static constexpr std::size_t kNodes = 5;

  /// The whole cluster at work for so long.
  void work(Duration duration) {
    for (const TimePoint end = now() + duration; now() < end; run_for(50ms)) {
      for (HostId from = 0; from < size(); ++from) {
        for (HostId to = 0; to < size(); ++to) {
          if (from != to) send(from, to);
        }
      }
    }
    run_for(50ms);  // what is on its way arrives
  }
  /// The same change to one node after the other, with work between.
  template <class Change>
  void node_by_node(Change change) {
    for (HostId node = 0; node < size(); ++node) {
      act(node, [&](Engine& engine, TimePoint) { return change(engine); });
      work(1s);
    }
    work(5s);
  }

  [[nodiscard]] std::size_t messages_lost() {
    std::size_t arrived = 0;
    for (HostId node = 0; node < size(); ++node) arrived += user_messages(node).size();
    return sent_ - arrived;
  }
  template <class Count>
  [[nodiscard]] std::uint64_t sum(Count count) {
    std::uint64_t total = 0;
    for (HostId node = 0; node < size(); ++node) total += count(engine(node).counters());
    return total;
  }
  [[nodiscard]] std::uint64_t undecryptable() {
    return sum([](const EngineCounters& counters) {
      return counters.dropped_undecryptable + counters.dropped_unencrypted +
             counters.dropped_encrypted;
    });
  }
  /// Nothing was lost, refused or suspected anywhere, and there was something to lose.
  void expect_undisturbed() {
    EXPECT_GT(sent_, 1000u);
    EXPECT_EQ(messages_lost(), 0u);
    EXPECT_EQ(undecryptable(), 0u);
    EXPECT_GT(sum([](const EngineCounters& counters) { return counters.probes; }), 10u);
    EXPECT_EQ(sum([](const EngineCounters& counters) { return counters.probes_failed; }), 0u);
    EXPECT_EQ(sum([](const EngineCounters& counters) { return counters.push_pulls_failed; }), 0u);
    EXPECT_GT(sum([](const EngineCounters& counters) { return counters.push_pulls_served; }), 5u);
    for (const auto kind : Kinds{suspect, dead, MemberEventKind::leave}) EXPECT_EQ(count(kind), 0u);
    EXPECT_TRUE(agree(size()));
  }

 private:
  static Config config(std::vector<Bytes> keys) {
    Config config = Config::lan();
    config.keys = std::move(keys);
    config.push_pull_interval = 5s;
    return config;
  }
  void send(HostId from, HostId to) {
    const auto sent = act(from, [&](Engine& engine, TimePoint at) {
      return engine.send_best_effort(at, address(to), as_bytes("work"));
    });
    EXPECT_TRUE(sent.has_value());
    ++sent_;
  }

  std::size_t sent_ = 0;
};

TEST(EngineKeys, RollingChangeUnderTrafficLosesNobodyAndFailsNoProbe) {
  BusyCluster cluster({kOld});
  ASSERT_TRUE(cluster.assemble());
  cluster.node_by_node([](Engine& engine) { return engine.add_key(kNew).has_value(); });
  cluster.node_by_node([](Engine& engine) { return engine.use_key(kNew).has_value(); });

  // The old key is no longer used, and the counts show it.
  const auto use_of_old = [&](HostId node) {
    const KeyInfo old = cluster.engine(node).keys().at(1);
    EXPECT_EQ(old.fingerprint, key_fingerprint(kOld));
    EXPECT_GT(old.decrypted, 0u);
    return old.encrypted + old.decrypted;
  };
  std::vector<std::uint64_t> before;
  for (HostId node = 0; node < cluster.size(); ++node) before.push_back(use_of_old(node));
  cluster.work(10s);
  for (HostId node = 0; node < cluster.size(); ++node) {
    EXPECT_EQ(use_of_old(node), before[node]);
    EXPECT_GT(cluster.engine(node).keys().at(0).decrypted, 100u);
  }

  cluster.node_by_node([](Engine& engine) { return engine.remove_key(kOld).has_value(); });
  cluster.expect_undisturbed();
  for (HostId node = 0; node < cluster.size(); ++node) {
    ASSERT_EQ(cluster.engine(node).keys().size(), 1u);
    EXPECT_EQ(cluster.engine(node).keys()[0].fingerprint, key_fingerprint(kNew));
  }
}

// What the test before would see if keys were changed in a wrong order.
TEST(EngineKeys, KeyUsedBeforeTheOthersHaveItIsNotUnderstood) {
  BusyCluster cluster({kOld});
  ASSERT_TRUE(cluster.assemble());
  ASSERT_TRUE(cluster.act(0, [](Engine& engine, TimePoint) { return engine.add_key(kNew); }));
  ASSERT_TRUE(cluster.act(0, [](Engine& engine, TimePoint) { return engine.use_key(kNew); }));
  cluster.work(10s);
  EXPECT_GT(cluster.undecryptable(), 0u);
  EXPECT_GT(cluster.messages_lost(), 0u);
  EXPECT_GT(cluster.count(suspect), 0u);
}

TEST(EngineKeys, ClusterGoesFromPlaintextToEncryptionWhileItRuns) {
  BusyCluster cluster({});
  ASSERT_TRUE(cluster.assemble());
  const auto verify = [&](std::optional<bool> incoming, std::optional<bool> outgoing) {
    cluster.node_by_node([=](Engine& engine) {
      engine.set_gossip_verify(incoming, outgoing);
      return true;
    });
  };
  verify(false, false);
  cluster.node_by_node([](Engine& engine) { return engine.add_key(kNew).has_value(); });
  for (HostId node = 0; node < cluster.size(); ++node) {
    EXPECT_EQ(cluster.engine(node).keys().at(0).encrypted, 0u) << "nothing is encrypted yet";
  }
  verify(std::nullopt, true);
  verify(true, std::nullopt);
  cluster.expect_undisturbed();
  for (HostId node = 0; node < cluster.size(); ++node) {
    EXPECT_EQ(cluster.engine(node).gossip_verify(), GossipVerify{});
    EXPECT_GT(cluster.engine(node).keys().at(0).encrypted, 100u);
  }
}

TEST(EngineKeys, ClusterGoesBackToPlaintextTheOtherWayRound) {
  BusyCluster cluster({kOld});
  ASSERT_TRUE(cluster.assemble());
  const auto verify = [&](std::optional<bool> incoming, std::optional<bool> outgoing) {
    cluster.node_by_node([=](Engine& engine) {
      engine.set_gossip_verify(incoming, outgoing);
      return true;
    });
  };
  verify(false, std::nullopt);
  verify(std::nullopt, false);
  cluster.expect_undisturbed();
}

// --- one engine ---------------------------------------------------------------------------------

void expect_error(const Result<void>& result, ErrorCode code, std::string_view part) {
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, code);
  EXPECT_EQ(result.error().subject, "keyring");
  EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
}

TEST(EngineKeys, ErrorsNameTheKeyOrTheLimitAndChangeNothing) {
  Bench bench(with_keys({kOld, kNew}));
  Engine& engine = bench.engine();
  expect_error(engine.use_key(kForeign), ErrorCode::invalid_argument, key_fingerprint(kForeign));
  expect_error(engine.use_key("0123456789abcdef"), ErrorCode::invalid_argument, "0123456789abcdef");
  expect_error(engine.remove_key(kOld), ErrorCode::invalid_argument, key_fingerprint(kOld));
  expect_error(engine.remove_key(key_fingerprint(kForeign)), ErrorCode::invalid_argument,
               key_fingerprint(kForeign));
  EXPECT_TRUE(engine.remove_key(kForeign)) << "it is not there, as is wanted";
  expect_error(engine.add_key(to_bytes("short")), ErrorCode::crypto, "16, 24 or 32");
  for (std::size_t i = 2; i < limits::kKeyringKeys; ++i) {
    EXPECT_TRUE(engine.add_key(Bytes(24, static_cast<std::byte>(i))));
  }
  expect_error(engine.add_key(kForeign), ErrorCode::invalid_argument, "at most 16 keys");
  EXPECT_EQ(engine.keys().size(), limits::kKeyringKeys);
  EXPECT_EQ(engine.keys()[0].fingerprint, key_fingerprint(kOld));
}

TEST(EngineKeys, StayInTheKeyringAlone) {
  Config config = with_keys({kOld, kNew});
  Bench bench(config);
  EXPECT_TRUE(bench.engine().config().keys.empty());
  EXPECT_EQ(bench.engine().keys().size(), 2u);
  EXPECT_EQ(config.keys.size(), 2u) << "the caller's own copy is the caller's";
}

TEST(EngineKeys, TooManyAtTheStartAreRefused) {
  std::vector<Bytes> keys;
  for (std::size_t i = 0; i <= limits::kKeyringKeys; ++i) {
    keys.emplace_back(16, static_cast<std::byte>(i));
  }
  EngineEnvironment environment;
  environment.advertise = {IpAddress::v4(10, 0, 0, 1), 7946};
  Config config = with_keys(keys);
  config.name = "a";
  const auto engine = Engine::create(config, environment);
  ASSERT_FALSE(engine);
  EXPECT_NE(engine.error().message.find("at most 16 keys"), std::string::npos);
}

TEST(EngineKeys, SwitchesAreShownWhereTheyAreAskedFor) {
  Bench bench(with_keys({}));
  EXPECT_EQ(bench.engine().gossip_verify(), (GossipVerify{true, true}));
  bench.engine().set_gossip_verify(false, std::nullopt);
  EXPECT_EQ(bench.engine().gossip_verify(), (GossipVerify{false, true}));
  bench.engine().set_gossip_verify(std::nullopt, false);
  EXPECT_FALSE(bench.engine().config().gossip_verify_incoming);
  EXPECT_FALSE(bench.engine().config().gossip_verify_outgoing);
  bench.engine().set_gossip_verify(true, true);
  EXPECT_EQ(bench.engine().gossip_verify(), (GossipVerify{true, true}));
}

TEST(EngineKeys, StreamThatIsOnItsWayOutlivesAChangeOfThePrimary) {
  Bench bench(with_keys({kOld, kNew}));
  const Bytes request = bench.sealed(push_pull_message(false, {}), true);
  const auto id = bench.accept({IpAddress::v4(10, 9, 7, 7), 40000});
  ASSERT_TRUE(id);
  bench.feed(*id, BytesView(request).first(request.size() / 2));
  ASSERT_TRUE(bench.act([](Engine& engine, TimePoint) { return engine.use_key(kNew); }));
  bench.feed(*id, BytesView(request).subspan(request.size() / 2));
  EXPECT_TRUE(bench.stream(*id).closed);
  EXPECT_FALSE(bench.stream(*id).written.empty());
  const std::vector<KeyInfo> keys = bench.engine().keys();
  EXPECT_EQ(keys.at(0).encrypted, 1u) << "the answer";
  EXPECT_EQ(keys.at(0).decrypted, 0u);
  EXPECT_EQ(keys.at(1).decrypted, 1u) << "the request";
}

// Encryption takes room in a packet; what was accepted before it began must still fit.
TEST(EngineKeys, LargestMessageThatWaitsStillGoesOutOnceEncryptionBegins) {
  Config config = Config::lan();
  config.enable_compression = false;
  Cluster cluster({.size = 2, .config = config});
  ASSERT_TRUE(cluster.assemble());
  cluster.run_for(10s);
  const std::string most(cluster.engine(0).max_packet_payload(), 'x');
  ASSERT_TRUE(cluster.act(
      0, [&](Engine& engine, TimePoint at) { return engine.broadcast(at, as_bytes(most)); }));
  for (const HostId node : {HostId{0}, HostId{1}}) {
    ASSERT_TRUE(cluster.act(node, [](Engine& engine, TimePoint) { return engine.add_key(kOld); }));
  }
  cluster.run_for(5s);
  EXPECT_EQ(cluster.engine(0).max_packet_payload(), most.size()) << "the limit stays";
  EXPECT_EQ(cluster.engine(0).counters().broadcasts_queued, 0u);
  EXPECT_FALSE(cluster.user_messages(1).empty());
}

}  // namespace
}  // namespace memberlist::testing
