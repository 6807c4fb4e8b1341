#include <algorithm>
#include <map>
#include <set>

#include "engine_fixture.hpp"

// User messages: to one member by packet or stream, to all by gossip, and the user state.
namespace memberlist::testing {
namespace {

Result<void> best_effort(EngineBench& bench, const Address& to, BytesView payload) {
  return bench.act(
      [&](Engine& engine, TimePoint now) { return engine.send_best_effort(now, to, payload); });
}

Result<OperationId> reliable(EngineBench& bench, const Address& to, BytesView payload) {
  return bench.act(
      [&](Engine& engine, TimePoint now) { return engine.send_reliable(now, to, payload); });
}

Result<void> broadcast(EngineBench& bench, std::string_view payload, std::string_view name = {}) {
  return bench.act([&](Engine& engine, TimePoint now) {
    return engine.broadcast(now, as_bytes(payload), name);
  });
}

TEST(EngineBestEffort, IsOnePacketToTheAddress) {
  Bench bench;
  ASSERT_TRUE(best_effort(bench, kPeer, as_bytes("hello")).has_value());
  const auto sent = bench.sent(Type::user, kPeer);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0]->user(), "hello");
}

TEST(EngineBestEffort, ArrivesAsAnEventWithItsSender) {
  Cluster cluster({.size = 2});
  ASSERT_TRUE(cluster.assemble());
  const auto sent = cluster.act(0, [&](Engine& engine, TimePoint now) {
    return engine.send_best_effort(now, cluster.address(1), as_bytes("hello"));
  });
  ASSERT_TRUE(sent.has_value());
  cluster.run_for(100ms);
  const auto messages = cluster.user_messages(1);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(as_text(messages[0]->payload), "hello");
  EXPECT_EQ(messages[0]->source, cluster.address(0));
  EXPECT_EQ(messages[0]->from, "n00");
  EXPECT_FALSE(messages[0]->reliable);
}

TEST(EngineBestEffort, ItsSenderMayBeIntroducedByTheSamePacket) {
  Bench bench;
  const Bytes hello = user_message("hello");
  bench.receive(kPeer, {hello, alive_message({.name = "newcomer", .address = kPeer}), hello});
  const auto messages = bench.events<UserMessage>();
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0]->from, "");
  EXPECT_EQ(messages[1]->from, "newcomer");
}

TEST(EngineBestEffort, MustFitAPacket) {
  Bench bench;
  const std::size_t most = bench.engine().max_packet_payload();
  EXPECT_GT(most, 1200u);
  EXPECT_LE(most, 1400u);
  EXPECT_TRUE(best_effort(bench, kPeer, Bytes(most)).has_value());
  EXPECT_EQ(bench.packets().size(), 1u);
  const auto over = best_effort(bench, kPeer, Bytes(most + 1));
  ASSERT_FALSE(over.has_value());
  EXPECT_EQ(over.error().code, ErrorCode::too_large);
  EXPECT_EQ(bench.packets().size(), 1u);
}

TEST(EngineBestEffort, LargestPayloadFitsWithEncryptionAndLabelToo) {
  Config config = EngineBench::quiet_config();
  config.keys = {to_bytes("0123456789abcdef")};
  config.label = std::string(255, 'l');
  config.protocol_version = 1;
  config.enable_compression = false;
  Bench bench(config);  // checks every packet's size
  ScriptedPeer& peer = bench.meet("a");
  EXPECT_TRUE(
      best_effort(bench, peer.address, Bytes(bench.engine().max_packet_payload())).has_value());
  EXPECT_TRUE(broadcast(bench, std::string(bench.engine().max_packet_payload(), 'b')).has_value());
  bench.run_for(5s);
  EXPECT_FALSE(bench.sent(Type::user).empty());
}

TEST(EngineReliable, GoesByStreamAndCompletesWhenWritten) {
  Bench bench;
  ScriptedPeer& peer = bench.meet("a");
  peer.tcp = ScriptedPeer::Tcp::silent;
  const auto id = reliable(bench, peer.address, as_bytes("hello"));
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(bench.completion(*id), nullptr);
  bench.run_for(100ms);
  ASSERT_NE(bench.completion(*id), nullptr);
  EXPECT_TRUE(bench.completion(*id)->result.has_value());
  const auto opener = bench.read(bench.dialled().id);
  ASSERT_NE(opener, nullptr);
  EXPECT_EQ(as_text(std::get<wire::StreamUserMessage>(opener->message()).payload), "hello");
  EXPECT_TRUE(bench.dialled().closed);
}

TEST(EngineReliable, ArrivesWholeThroughANetworkOfOneByteSegments) {
  Cluster cluster({.size = 2});
  cluster.network().set_stream_piece_bytes(1);
  ASSERT_TRUE(cluster.assemble());
  std::string large;
  for (int i = 0; i < 20'000; ++i) large += static_cast<char>('a' + i * i % 26);
  const auto id = cluster.act(0, [&](Engine& engine, TimePoint now) {
    return engine.send_reliable(now, cluster.address(1), as_bytes(large));
  });
  ASSERT_TRUE(id.has_value());
  cluster.run_for(1s);
  const auto messages = cluster.user_messages(1);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(as_text(messages[0]->payload), large);
  EXPECT_TRUE(messages[0]->reliable);
}

TEST(EngineReliable, UnreachablePeerIsAnErrorOfTheOperation) {
  Bench bench;
  ScriptedPeer& refusing = bench.add_peer("a");
  const auto refused = reliable(bench, refusing.address, as_bytes("hello"));
  bench.run_for(1s);
  ASSERT_NE(bench.completion(*refused), nullptr);
  EXPECT_EQ(bench.completion(*refused)->result.error().code, ErrorCode::unreachable);
  ScriptedPeer& void_peer = bench.add_peer("b");
  void_peer.tcp = ScriptedPeer::Tcp::black_hole;
  const TimePoint start = bench.now();
  const auto lost = reliable(bench, void_peer.address, as_bytes("hello"));
  ASSERT_TRUE(bench.run_until([&] { return bench.completion(*lost) != nullptr; }, 60s));
  EXPECT_EQ(bench.now() - start, 10s);
  EXPECT_EQ(bench.completion(*lost)->result.error().code, ErrorCode::timed_out);
}

TEST(EngineReliable, LimitIsTwentyMebibytes) {
  Bench bench;
  const auto over = reliable(bench, kPeer, Bytes(20 * 1024 * 1024 + 1));
  ASSERT_FALSE(over.has_value());
  EXPECT_EQ(over.error().code, ErrorCode::too_large);
  EXPECT_TRUE(bench.streams().empty());
}

// --- by gossip ----------------------------------------------------------------------------------

TEST(EngineBroadcast, ReachesAllOfFiftyNodes) {
  Cluster cluster({.size = 50});
  ASSERT_TRUE(cluster.assemble());
  const auto sent = cluster.act(7, [](Engine& engine, TimePoint now) {
    return engine.broadcast(now, as_bytes("to everyone"));
  });
  ASSERT_TRUE(sent.has_value());
  const TimePoint start = cluster.now();
  const auto everybody_knows = [&] {
    for (HostId node = 0; node < 50; ++node) {
      if (node != 7 && cluster.user_messages(node).empty()) return false;
    }
    return true;
  };
  EXPECT_TRUE(cluster.run_until(everybody_knows, 30s));
  EXPECT_LT(cluster.now() - start, 10s);
  cluster.run_for(30s);
  for (HostId node = 0; node < 50; ++node) {
    EXPECT_LE(cluster.user_messages(node).size(), node == 7 ? 0u : 3u) << "about twice each";
    for (const UserMessage* message : cluster.user_messages(node)) {
      EXPECT_EQ(as_text(message->payload), "to everyone");
      EXPECT_EQ(message->from, "n07");
      EXPECT_FALSE(message->reliable);
    }
  }
}

TEST(EngineBroadcast, ReachesEveryMemberOfASmallCluster) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Cluster cluster({.size = 6, .seed = seed});
    ASSERT_TRUE(cluster.assemble());
    cluster.run_for(Duration(seed * 37ms));
    ASSERT_TRUE(cluster
                    .act(0, [](Engine& engine,
                               TimePoint now) { return engine.broadcast(now, as_bytes("hello")); })
                    .has_value());
    cluster.run_for(5s);
    for (HostId node = 1; node < 6; ++node) {
      EXPECT_FALSE(cluster.user_messages(node).empty()) << "seed " << seed << ", node " << node;
    }
  }
}

TEST(EngineBroadcast, IsSentTwiceToEachMember) {
  Bench bench;
  for (int i = 0; i < 9; ++i) bench.meet("peer" + std::to_string(i));
  bench.run_for(20s);
  bench.forget();
  ASSERT_TRUE(broadcast(bench, "hello").has_value());
  EXPECT_EQ(bench.engine().counters().broadcasts_queued, 1u);
  bench.run_for(20s);
  EXPECT_EQ(bench.sent(Type::user).size(), 20u) << "ten members, this node included";
  for (int i = 0; i < 9; ++i) {
    const Address to = bench.engine().member("peer" + std::to_string(i))->address();
    EXPECT_GE(bench.sent(Type::user, to).size(), 1u);
  }
  EXPECT_EQ(bench.engine().counters().broadcasts_queued, 0u);
}

TEST(EngineBroadcast, NamedOneReplacesAnEarlierOneOfItsName) {
  Config config = EngineBench::quiet_config();
  config.probe_interval = Duration::zero();
  Bench bench(config);
  bench.meet("a");
  bench.run_for(20s);
  bench.forget();
  for (const std::string_view text : {"old", "new"}) {
    ASSERT_TRUE(broadcast(bench, text, "name").has_value());
  }
  for (const std::string_view text : {"one", "two"}) {
    ASSERT_TRUE(broadcast(bench, text).has_value());
  }
  EXPECT_EQ(bench.engine().counters().broadcasts_queued, 3u);
  bench.run_for(20s);
  std::set<std::string_view> texts;
  for (const SeenMessage* message : bench.sent(Type::user)) texts.insert(message->user());
  EXPECT_EQ(texts, (std::set<std::string_view>{"new", "one", "two"}));
}

TEST(EngineBroadcast, MustFitAPacket) {
  Bench bench;
  const std::string most(bench.engine().max_packet_payload(), 'x');
  EXPECT_TRUE(broadcast(bench, most).has_value());
  const auto over = broadcast(bench, most + "x");
  ASSERT_FALSE(over.has_value());
  EXPECT_EQ(over.error().code, ErrorCode::too_large);
}

TEST(EngineBroadcast, QueueIsBounded) {
  Bench bench;
  for (int i = 0; i < 9000; ++i) {
    ASSERT_TRUE(broadcast(bench, "message " + std::to_string(i)).has_value());
  }
  EXPECT_LE(bench.engine().counters().broadcasts_queued, 8193u) << "and our own alive message";
}

TEST(EngineBroadcast, PolicyFillsTheSpaceLeft) {
  VirtualPolicy policy;
  std::size_t calls = 0;
  std::size_t least = 1400;
  policy.on_fill = [&](std::size_t overhead, std::size_t limit, std::vector<Bytes>& messages) {
    ++calls;
    least = std::min(least, limit);
    EXPECT_GE(overhead, 2u);
    EXPECT_LE(limit, 1400u);
    if (limit > 100) messages.push_back(to_bytes("filled"));
  };
  Bench bench(EngineBench::quiet_config(), &policy);
  bench.meet("a");
  bench.run_for(2s);
  EXPECT_GT(calls, 5u);
  EXPECT_LT(least, 1390u) << "what is queued by the engine comes first";
  ASSERT_FALSE(bench.sent(Type::user).empty());
  EXPECT_EQ(bench.sent(Type::user)[0]->user(), "filled");
}

TEST(EngineBroadcast, PolicyFillsPingsAcksAndNacksToMembersToo) {
  VirtualPolicy policy;
  policy.on_fill = [&](std::size_t, std::size_t, std::vector<Bytes>& messages) {
    messages.push_back(to_bytes("filled"));
  };
  Config config = EngineBench::quiet_config();
  config.gossip_interval = Duration::zero();
  Bench bench(config, &policy);
  const auto filled_with = [&](Type type, const Address& to) {
    for (const SeenPacket& packet : bench.packets()) {
      if (packet.to != to || packet.messages.front().type != type) continue;
      return packet.messages.back().type == Type::user;
    }
    ADD_FAILURE() << "no packet of type " << static_cast<int>(type);
    return false;
  };
  ScriptedPeer& silent = bench.meet("silent");
  silent.answers_pings = false;
  ScriptedPeer& asker = bench.meet("asker");
  const Address stranger{IpAddress::v4(10, 9, 8, 8), 7946};
  bench.receive(asker.address, {ping_message(1, "self"),
                                indirect_ping_message(2, "silent", silent.address, true)});
  bench.receive(stranger, {ping_message(3, "self")});
  ASSERT_TRUE(bench.run_until([&] { return silent.pings_seen > 1; }, 10s));
  bench.run_for(3s);
  EXPECT_TRUE(filled_with(Type::ack, asker.address));
  EXPECT_TRUE(filled_with(Type::ping, silent.address));
  EXPECT_TRUE(filled_with(Type::indirect_ping, asker.address));
  EXPECT_TRUE(filled_with(Type::nack, asker.address));
  EXPECT_FALSE(filled_with(Type::ack, stranger)) << "no more bytes than it has sent";
}

TEST(EngineBroadcast, PolicyThatOverfillsIsCutShort) {
  VirtualPolicy policy;
  policy.on_fill = [&](std::size_t, std::size_t, std::vector<Bytes>& messages) {
    for (int i = 0; i < 10; ++i) messages.emplace_back(400);
    messages.emplace_back(5000);
  };
  Config config = EngineBench::quiet_config();
  config.enable_compression = false;
  Bench bench(config, &policy);  // checks the size of every packet
  bench.meet("a");
  bench.run_for(2s);
  EXPECT_FALSE(bench.sent(Type::user).empty());
}

// --- user state ---------------------------------------------------------------------------------

TEST(EngineUserState, IsExchangedBothWaysAtAJoin) {
  VirtualPolicy policies[2];
  policies[0].on_local_state = [](bool) { return to_bytes("state of zero"); };
  policies[1].on_local_state = [](bool) { return to_bytes("state of one"); };
  Cluster cluster({.size = 2, .policy = [&](HostId node) -> Policy* { return &policies[node]; }});
  ASSERT_TRUE(cluster.assemble());
  std::map<HostId, std::string> merged;
  for (const LoggedOutput& line : cluster.log()) {
    const auto* event = std::get_if<Event>(&line.what);
    if (event == nullptr) continue;
    if (const auto* state = std::get_if<StateMerged>(event)) {
      merged[line.node] = std::string(as_text(state->state));
      EXPECT_TRUE(state->join);
    }
  }
  EXPECT_EQ(merged, (std::map<HostId, std::string>{{0, "state of one"}, {1, "state of zero"}}));
}

TEST(EngineUserState, OverTheLimitIsLeftOut) {
  VirtualPolicy policy;
  policy.on_local_state = [](bool) { return Bytes(20 * 1024 * 1024 + 1); };
  Bench bench(EngineBench::quiet_config(), &policy);
  const auto id = bench.accept(kPeer);
  bench.feed(*id, bench.sealed(push_pull_message(true, {}), true));
  const auto reply = bench.read(*id);
  ASSERT_NE(reply, nullptr);
  EXPECT_TRUE(std::get<wire::PushPullMessage>(reply->message()).user_state.empty());
  EXPECT_GE(bench.log_lines(LogLevel::warning) + bench.log_lines(LogLevel::error), 1u);
}

}  // namespace
}  // namespace memberlist::testing
