#include <algorithm>
#include <set>
#include <utility>

#include "engine_fixture.hpp"

// Protocol 6, 'Join'.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;
using Tcp = ScriptedPeer::Tcp;

Result<OperationId> join_through(EngineBench& bench, const std::vector<Address>& addresses) {
  std::vector<JoinTarget> targets;
  for (const Address& address : addresses) targets.push_back({"", address});
  return bench.act([&](Engine& engine, TimePoint now) { return engine.join(now, targets); });
}

TEST(EngineJoin, BothSidesSeeEachOther) {
  Cluster cluster({.size = 2});
  const auto id = cluster.join(1, {0});
  ASSERT_TRUE(id.has_value());
  ASSERT_TRUE(cluster.run_until([&] { return cluster.agree(2); }, 5s));
  EXPECT_LT(cluster.timeline().elapsed(), 100ms) << "a few round trips";
  const Completion* done = cluster.completion(1, *id);
  ASSERT_NE(done, nullptr);
  EXPECT_EQ(done->result.value().contacted, 1u);
  EXPECT_TRUE(done->result->failures.empty());
  for (const HostId node : {HostId{0}, HostId{1}}) {
    const Member other = cluster.engine(node).member(cluster.name(1 - node)).value();
    EXPECT_EQ(other.address(), cluster.address(1 - node)) << "as it is advertised";
    EXPECT_EQ(other.incarnation, 1u);
    EXPECT_EQ(other.record->protocol, (VersionRange{1, 5, 2}));
    EXPECT_EQ(cluster.count(node, 1 - node, join), 1u);
    EXPECT_EQ(cluster.count(node, node, join), 1u) << "that of the creation, and no other";
  }
}

TEST(EngineJoin, TellsItsEndAsAnEventToo) {
  Bench bench;
  ScriptedPeer& peer = bench.add_peer("a");
  peer.tcp = Tcp::answers;
  peer.claims = {peer.claim()};
  ASSERT_TRUE(join_through(bench, {peer.address}).has_value());
  bench.run_for(1s);
  ASSERT_EQ(bench.events<JoinFinished>().size(), 1u);
  EXPECT_EQ(bench.events<JoinFinished>()[0]->contacted, 1u);
  const auto pushed = bench.read(bench.streams().front().id);
  ASSERT_NE(pushed, nullptr);
  EXPECT_TRUE(std::get<wire::PushPullMessage>(pushed->message()).header.join);
}

TEST(EngineJoin, CountsSuccessesAndNamesFailures) {
  Bench bench;
  std::vector<Address> addresses;
  for (const Tcp tcp : {Tcp::answers, Tcp::refuses, Tcp::answers, Tcp::black_hole, Tcp::silent}) {
    ScriptedPeer& peer = bench.add_peer("peer" + std::to_string(addresses.size()));
    peer.tcp = tcp;
    peer.claims = {peer.claim()};
    addresses.push_back(peer.address);
  }
  const auto id = join_through(bench, addresses);
  const TimePoint start = bench.now();
  ASSERT_TRUE(bench.run_until([&] { return bench.completion(*id) != nullptr; }, 60s));
  const Completion* done = bench.completion(*id);
  ASSERT_TRUE(done->result.has_value()) << "an error only if there was no success";
  EXPECT_EQ(done->result->contacted, 2u);
  std::set<std::string> failed;
  for (const Error& error : done->result->failures) failed.insert(error.subject);
  EXPECT_EQ(failed, (std::set<std::string>{addresses[1].to_string(), addresses[3].to_string(),
                                           addresses[4].to_string()}));
  EXPECT_GE(bench.now() - start, 10s) << "the dial has tcp_timeout";
  EXPECT_LE(bench.now() - start, 10s + 100ms) << "and so has the exchange after it";
  for (const SeenStream& stream : bench.streams()) {
    EXPECT_TRUE(stream.ended_at.has_value() || stream.peer == addresses[1]);
  }
}

TEST(EngineJoin, DeadlineOfAListenerThatNeverAnswers) {
  for (const Tcp tcp : {Tcp::black_hole, Tcp::silent}) {
    Config config = EngineBench::quiet_config();
    config.tcp_timeout = 3s;
    Bench bench(config);
    ScriptedPeer& peer = bench.add_peer("a");
    peer.tcp = tcp;
    const auto id = join_through(bench, {peer.address});
    const TimePoint start = bench.now();
    ASSERT_TRUE(bench.run_until([&] { return bench.completion(*id) != nullptr; }, 60s));
    EXPECT_EQ(bench.now() - start, tcp == Tcp::silent ? 3s + peer.round_trip : 3s);
    const Completion* done = bench.completion(*id);
    ASSERT_FALSE(done->result.has_value());
    EXPECT_EQ(done->result.error().code, ErrorCode::timed_out);
    EXPECT_TRUE(bench.streams().front().aborted);
  }
}

TEST(EngineJoin, RefusedEverywhereIsAnError) {
  Bench bench;
  const auto id = join_through(bench, {bench.add_peer("a").address, bench.add_peer("b").address});
  ASSERT_TRUE(bench.run_until([&] { return bench.completion(*id) != nullptr; }, 60s));
  const Completion* done = bench.completion(*id);
  ASSERT_FALSE(done->result.has_value());
  EXPECT_EQ(done->result.error().code, ErrorCode::unreachable);
  ASSERT_EQ(bench.events<JoinFinished>().size(), 1u);
  EXPECT_EQ(bench.events<JoinFinished>()[0]->failures.size(), 2u);
}

TEST(EngineJoin, NoTargetsIsAnErrorAtOnce) {
  Bench bench;
  const auto result = join_through(bench, {});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
}

TEST(EngineJoin, SixteenAtATime) {
  Bench bench;
  std::vector<Address> addresses;
  for (int i = 0; i < 20; ++i) {
    ScriptedPeer& peer = bench.add_peer("peer" + std::to_string(i));
    peer.tcp = i < 16 ? Tcp::black_hole : Tcp::refuses;
    addresses.push_back(peer.address);
  }
  const auto id = join_through(bench, addresses);
  bench.run_for(9s);
  EXPECT_EQ(bench.streams().size(), 16u);
  bench.run_for(2s);
  EXPECT_EQ(bench.streams().size(), 20u);
  EXPECT_NE(bench.completion(*id), nullptr);
}

TEST(EngineJoin, PeersErrorIsTold) {
  Bench bench;
  ScriptedPeer& peer = bench.add_peer("a");
  peer.tcp = Tcp::silent;
  const auto id = join_through(bench, {peer.address});
  bench.run_for(1s);
  bench.feed(bench.dialled().id,
             bench.sealed(message_bytes(wire::ErrorMessage{.error = "go away"}), false));
  ASSERT_NE(bench.completion(*id), nullptr);
  const Error error = bench.completion(*id)->result.error();
  EXPECT_EQ(error.code, ErrorCode::refused_by_peer);
  EXPECT_NE(error.message.find("go away"), std::string::npos);
}

TEST(EngineJoin, EarlyEndOfTheAnswerIsAnError) {
  Bench bench;
  ScriptedPeer& peer = bench.add_peer("a");
  peer.tcp = Tcp::silent;
  const auto id = join_through(bench, {peer.address});
  bench.run_for(1s);
  const Bytes reply = bench.sealed(push_pull_message(true, {peer.claim()}), false);
  bench.feed(bench.dialled().id, BytesView(reply).first(reply.size() / 2));
  bench.end(bench.dialled().id);
  ASSERT_NE(bench.completion(*id), nullptr);
  EXPECT_FALSE(bench.completion(*id)->result.has_value());
  EXPECT_FALSE(bench.status("a").has_value());
}

TEST(EngineJoin, IncompatibleVersionsAreAnError) {
  Bench bench;
  ScriptedPeer& peer = bench.add_peer("a");
  peer.tcp = Tcp::answers;
  Claim modern = peer.claim();
  modern.vsn = versions(3, 5, 3);
  peer.claims = {modern};
  const auto id = join_through(bench, {peer.address});
  bench.run_for(1s);
  ASSERT_NE(bench.completion(*id), nullptr);
  EXPECT_EQ(bench.completion(*id)->result.error().code, ErrorCode::incompatible);
  EXPECT_FALSE(bench.status("a").has_value());
}

TEST(EngineJoin, EveryPairOfProtocolVersionsJoins) {
  for (std::uint8_t first = 1; first <= 5; ++first) {
    for (std::uint8_t second = 1; second <= 5; ++second) {
      Cluster cluster({.size = 2, .tweak = [&](HostId node, Config& config) {
                         config.protocol_version = node == 0 ? first : second;
                       }});
      EXPECT_TRUE(cluster.assemble(5s)) << int{first} << " and " << int{second};
      cluster.run_for(10s);
      EXPECT_TRUE(cluster.agree(2));
      EXPECT_EQ(cluster.engine(0).member("n01")->record->protocol.current, second);
      EXPECT_EQ(cluster.count(suspect), 0u);
    }
  }
}

TEST(EngineJoin, MergeVetoOnEitherSideCancelsIt) {
  for (const HostId vetoing : {HostId{0}, HostId{1}}) {
    VirtualPolicy policy;
    std::size_t asked = 0;
    policy.on_merge = [&](std::span<const MemberRecord>) -> Result<void> {
      ++asked;
      return fail(ErrorCode::vetoed, "no");
    };
    Config config = Config::lan();
    config.gossip_interval = Duration::zero();  // the other side, which has no veto, would gossip
    config.probe_interval = Duration::zero();
    Cluster cluster({.size = 2, .config = config, .policy = [&](HostId node) -> Policy* {
                       return node == vetoing ? &policy : nullptr;
                     }});
    const auto id = cluster.join(1, {0});
    cluster.run_for(500ms);
    EXPECT_EQ(asked, 1u);
    EXPECT_EQ(cluster.engine(vetoing).members()->size(), 1u);
    ASSERT_NE(cluster.completion(1, *id), nullptr);
    EXPECT_EQ(cluster.completion(1, *id)->result.error().code,
              vetoing == 1 ? ErrorCode::vetoed : ErrorCode::refused_by_peer);
  }
}

TEST(EngineJoin, AliveVetoOnBothSidesKeepsThemApart) {
  VirtualPolicy policies[2];
  std::size_t asked[2] = {};
  for (std::size_t i = 0; i < 2; ++i) {
    policies[i].on_alive = [&asked, i](const MemberRecord& peer) -> Result<void> {
      if (peer.name == (i == 0 ? "n00" : "n01")) return {};
      ++asked[i];
      return fail(ErrorCode::vetoed, "no");
    };
  }
  Cluster cluster({.size = 2, .policy = [&](HostId node) -> Policy* { return &policies[node]; }});
  ASSERT_TRUE(cluster.join(1, {0}).has_value());
  cluster.run_for(5s);
  for (const HostId node : {HostId{0}, HostId{1}}) {
    EXPECT_EQ(cluster.engine(node).members()->size(), 1u);
    EXPECT_GE(asked[node], 1u);
  }
  EXPECT_EQ(cluster.count(join), 2u) << "each its own";
}

TEST(EngineJoin, LabelsMustBeEqual) {
  const auto joins = [](std::string first, std::string second, bool encrypted) {
    Cluster cluster({.size = 2, .tweak = [&](HostId node, Config& config) {
                       config.label = node == 0 ? first : second;
                       if (encrypted) config.keys = {to_bytes("0123456789abcdef")};
                     }});
    return cluster.assemble(3s);
  };
  for (const bool encrypted : {false, true}) {
    EXPECT_TRUE(joins("blue", "blue", encrypted));
    EXPECT_TRUE(joins(std::string(255, 'l'), std::string(255, 'l'), encrypted));
    EXPECT_FALSE(joins("blue", "green", encrypted));
    EXPECT_FALSE(joins("blue", "", encrypted));
    EXPECT_FALSE(joins("", "blue", encrypted));
  }
}

TEST(EngineJoin, KeysMustFit) {
  const auto joins = [](std::vector<Bytes> first, std::vector<Bytes> second) {
    Cluster cluster({.size = 2, .tweak = [&](HostId node, Config& config) {
                       config.keys = node == 0 ? first : second;
                     }});
    const bool joined = cluster.assemble(3s);
    cluster.run_for(5s);
    EXPECT_EQ(cluster.engine(1).members()->size(), joined ? 2u : 1u);
    return joined;
  };
  const Bytes a = to_bytes("aaaaaaaaaaaaaaaa");
  const Bytes b = to_bytes("bbbbbbbbbbbbbbbbbbbbbbbb");
  const Bytes c = to_bytes("cccccccccccccccccccccccccccccccc");
  EXPECT_TRUE(joins({a}, {a}));
  EXPECT_TRUE(joins({c}, {c}));
  EXPECT_TRUE(joins({a, b}, {b, a})) << "each decrypts with any of its keys";
  EXPECT_FALSE(joins({a}, {b}));
  EXPECT_FALSE(joins({a}, {}));
  EXPECT_FALSE(joins({}, {a}));
  EXPECT_FALSE(joins({a, b}, {b})) << "what the first one says cannot be read";
}

TEST(EngineJoin, AllowedNetworksKeepAStrangerOut) {
  Cluster cluster({.size = 2, .tweak = [&](HostId node, Config& config) {
                     if (node == 0) {
                       config.allowed_networks = {Network::parse("10.0.0.1").value(),
                                                  Network::parse("192.168.0.0/16").value()};
                     }
                   }});
  ASSERT_TRUE(cluster.join(1, {0}).has_value());
  cluster.run_for(5s);
  EXPECT_EQ(cluster.engine(0).members()->size(), 1u) << "not listed";
  EXPECT_GE(cluster.engine(0).counters().dropped_network, 1u);
}

TEST(EngineJoin, WorksOverIpv6) {
  Bench bench;
  const Address six = Address::parse("[2001:db8::9]:7946", 0).value();
  ASSERT_TRUE(join_through(bench, {six}).has_value());
  EXPECT_EQ(bench.dialled().peer, six);
  bench.connected(bench.dialled().id);
  bench.feed(bench.dialled().id,
             bench.sealed(push_pull_message(true, {{.name = "six", .address = six}}), false));
  EXPECT_EQ(bench.engine().member("six")->address(), six);
}

// In one of a hundred such starts, gossip alone misses a member (bench/join_spread.cpp), which was
// then unknown for up to a whole push/pull interval.
TEST(EngineJoin, ThoseWhoJoinAtOnceKnowEachOtherWithinSeconds) {
  constexpr std::size_t kMembers = 8;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Cluster cluster({.size = kMembers, .seed = seed});
    Random random(seed);
    std::vector<Duration> starts;
    for (HostId node = 1; node < kMembers; ++node) starts.push_back(random.below(201ms));
    std::ranges::sort(starts);
    Duration now{};
    for (HostId node = 1; node < kMembers; ++node) {
      cluster.run_for(starts[node - 1] - std::exchange(now, starts[node - 1]));
      ASSERT_TRUE(cluster.join(node, {0}));
    }
    EXPECT_TRUE(cluster.run_until([&] { return cluster.agree(kMembers); }, 3s)) << seed;
  }
}

TEST(EngineJoin, RequireNodeNamesWantsTargetsWithNames) {
  Config config = EngineBench::quiet_config();
  config.require_node_names = true;
  Bench bench(config);
  ScriptedPeer& peer = bench.add_peer("a");
  const auto unnamed = join_through(bench, {peer.address});
  if (unnamed.has_value()) {
    ASSERT_TRUE(bench.run_until([&] { return bench.completion(*unnamed) != nullptr; }, 1s));
    EXPECT_EQ(bench.completion(*unnamed)->result.error().code, ErrorCode::name_required);
  } else {
    EXPECT_EQ(unnamed.error().code, ErrorCode::name_required);
  }
  EXPECT_TRUE(bench.streams().empty());
  const auto named = bench.act(
      [&](Engine& engine, TimePoint now) { return engine.join(now, {{"a", peer.address}}); });
  EXPECT_TRUE(named.has_value());
  EXPECT_EQ(bench.streams().size(), 1u);
}

}  // namespace
}  // namespace memberlist::testing
