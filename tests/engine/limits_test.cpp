#include "base/limits.hpp"

#include "engine_fixture.hpp"

// Limits that a peer, or the application, reaches from outside; docs/limits.md names the tests.
// Those of streams are in streams_test.cpp.
namespace memberlist::testing {
namespace {

Claim numbered(std::uint32_t number) {
  return {.name = "m" + std::to_string(number),
          .address = {IpAddress::v4(10, 8, static_cast<std::uint8_t>(number >> 8),
                                    static_cast<std::uint8_t>(number)),
                      7946}};
}

TEST(EngineLimits, MembersBeyondTheLimitAreRefusedAndTheOthersGoOn) {
  Config config = silent();
  config.max_members = 3;
  Bench bench(config);
  for (std::uint32_t i = 1; i <= 4; ++i) bench.receive(kPeer, {alive_message(numbered(i))});
  EXPECT_EQ(bench.engine().members()->size(), 3u) << "this node is one of them";
  EXPECT_FALSE(bench.status("m3").has_value());
  EXPECT_EQ(bench.engine().counters().dropped_limit, 2u);
  EXPECT_EQ(bench.log_lines(LogLevel::error, "max_members"), 1u);
  Claim update = numbered(2);
  update.incarnation = 2;
  update.meta = to_bytes("new");
  bench.receive(kPeer, {alive_message(update)});
  EXPECT_EQ(as_text(bench.engine().member("m2").value().meta()), "new");
}

TEST(EngineLimits, TheForgottenMakeRoomForOthers) {
  Config config = EngineBench::quiet_config();
  config.max_members = 3;
  config.gossip_to_the_dead_time = 1s;
  AnsweringBench bench(config);
  bench.receive(kPeer, {alive_message(numbered(1)), alive_message(numbered(2))});
  bench.receive(kPeer, {dead_message("m1", 1, "m1")});
  bench.receive(kPeer, {alive_message(numbered(3))});
  EXPECT_FALSE(bench.status("m3").has_value());
  ASSERT_TRUE(bench.run_until([&] { return !bench.status("m1").has_value(); }, 30s));
  bench.receive(kPeer, {alive_message(numbered(3))});
  EXPECT_EQ(bench.status("m3"), MemberStatus::alive);
}

TEST(EngineLimits, ConflictsAreToldSoOftenASecond) {
  AnsweringBench bench(silent());
  bench.receive(kPeer, {alive_message(numbered(1))});
  Claim elsewhere = numbered(1);
  elsewhere.address.port = 9;
  for (std::uint32_t i = 0; i < 100; ++i) {
    elsewhere.incarnation = 2 + i;
    bench.receive(kPeer, {alive_message(elsewhere)});
  }
  EXPECT_EQ(bench.kinds("m1").size(), 1u + limits::kConflictsPerSecond);
  EXPECT_EQ(bench.engine().counters().dropped_limit, 100u - limits::kConflictsPerSecond);
}

TEST(EngineLimits, PingsByHandAreBounded) {
  Bench bench(silent());
  bench.meet("a").answers_pings = false;
  const auto ping = [&] {
    return bench.act([](Engine& engine, TimePoint now) { return engine.ping(now, "a"); });
  };
  for (std::size_t i = 0; i < limits::kHandPings; ++i) ASSERT_TRUE(ping().has_value());
  const auto refused = ping();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::too_large);
  bench.run_for(1s);
  EXPECT_TRUE(ping().has_value()) << "their time is over";
}

TEST(EngineLimits, UserBroadcastsHoldSoManyBytes) {
  Config config = silent();
  config.udp_buffer_size = 65'000;
  Bench bench(config);
  bench.meet("a");
  const Bytes large(60'000);
  const std::size_t fit = limits::kQueuedBroadcastBytes / (large.size() + 1);
  for (std::size_t i = 0; i < fit + 100; ++i) {
    const auto queued =
        bench.act([&](Engine& engine, TimePoint now) { return engine.broadcast(now, large); });
    ASSERT_TRUE(queued.has_value());
  }
  EXPECT_LE(bench.engine().counters().broadcasts_queued, fit + 2) << "and news about two members";
  EXPECT_GE(bench.engine().counters().broadcasts_queued, fit);
}

TEST(EngineLimits, UserBroadcastsAreSoMany) {
  Bench bench(silent());
  bench.meet("a");
  for (std::size_t i = 0; i < limits::kQueuedUserBroadcasts + 10; ++i) {
    const auto queued = bench.act(
        [](Engine& engine, TimePoint now) { return engine.broadcast(now, as_bytes("x")); });
    ASSERT_TRUE(queued.has_value());
  }
  EXPECT_EQ(bench.engine().counters().broadcasts_queued, limits::kQueuedUserBroadcasts + 2);
}

TEST(EngineLimits, NewsAboutMembersHoldSoManyBytes) {
  Bench bench(silent());
  Claim claim;
  claim.meta.resize(limits::kMetaBytes);
  const std::uint32_t enough = limits::kQueuedBroadcastBytes / limits::kMetaBytes;
  for (std::uint32_t i = 0; i < enough; ++i) {
    claim.name = "m" + std::to_string(i);
    claim.address = {IpAddress::v4(10, static_cast<std::uint8_t>(i >> 16),
                                   static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)),
                     7946};
    bench.receive_raw(kPeer, alive_message(claim));
  }
  EXPECT_EQ(bench.engine().live_count(), enough + 1);
  EXPECT_LT(bench.engine().counters().broadcasts_queued, enough);
  EXPECT_GT(bench.engine().counters().broadcasts_queued, enough / 2);
}

TEST(EngineLimits, PartsOverTheCountGoIntoFurtherPackets) {
  Config config = EngineBench::quiet_config();
  config.probe_interval = Duration::zero();
  config.udp_buffer_size = 65'000;
  Bench bench(config);
  bench.meet("a");
  constexpr std::size_t kMessages = 3 * limits::kCompoundParts;
  for (std::size_t i = 0; i < kMessages; ++i) {
    const auto queued = bench.act(
        [](Engine& engine, TimePoint now) { return engine.broadcast(now, as_bytes("x")); });
    ASSERT_TRUE(queued.has_value());
  }
  bench.run_for(2s);
  EXPECT_GE(bench.sent(Type::user).size(), kMessages);
  for (const SeenPacket& packet : bench.packets()) {
    EXPECT_LE(packet.messages.size(), limits::kCompoundParts);
  }
}

TEST(EngineLimits, RelayedPingsAreBounded) {
  Bench bench(silent());
  const ScriptedPeer& target = bench.meet("a");
  for (std::uint32_t i = 0; i < limits::kRelayedPings + 100; ++i) {
    bench.receive(kPeer, {indirect_ping_message(i, "a", target.address, false)});
  }
  EXPECT_EQ(bench.sent(Type::ping, target.address).size(), limits::kRelayedPings);
  EXPECT_EQ(bench.engine().counters().dropped_limit, 100u);
}

TEST(EngineLimits, ErrorTextToAPeerIsCut) {
  VirtualPolicy policy;
  policy.on_merge = [](std::span<const MemberRecord>) {
    return fail(ErrorCode::vetoed, std::string(5000, 'x'));
  };
  Bench bench(silent(), &policy);
  const auto id = bench.accept(kPeer);
  bench.feed(*id, bench.sealed(push_pull_message(true, {numbered(1)}), true));
  const auto reply = bench.read(*id);
  ASSERT_NE(reply, nullptr);
  EXPECT_EQ(std::get<wire::ErrorMessage>(reply->message()).error.size(), limits::kErrorTextBytes);
}

TEST(EngineLimits, NamesAndMetaDataOfOthersAreBounded) {
  Bench bench(silent());
  Claim long_name = numbered(1);
  long_name.name = std::string(256, 'x');
  Claim long_meta = numbered(2);
  long_meta.meta.resize(513);
  bench.receive(kPeer, {alive_message(long_name), alive_message(long_meta)});
  EXPECT_EQ(bench.engine().members()->size(), 1u);
  EXPECT_EQ(bench.engine().counters().dropped_limit, 2u);
  long_name.name.resize(255);
  long_meta.meta.resize(512);
  bench.receive(kPeer, {alive_message(long_name), alive_message(long_meta)});
  EXPECT_EQ(bench.engine().members()->size(), 3u);
}

TEST(EngineLimits, MessagesOfOnePacketAreBounded) {
  Bench bench(silent());
  std::vector<Bytes> many(255, alive_message({.name = "", .address = kPeer}));
  Bytes compound{std::byte{7}, std::byte{255}};
  for (const Bytes& part : many) {
    compound.push_back(static_cast<std::byte>(part.size() >> 8));
    compound.push_back(static_cast<std::byte>(part.size()));
  }
  for (const Bytes& part : many) compound.insert(compound.end(), part.begin(), part.end());
  Bytes outer{std::byte{7}, std::byte{8}};
  for (int i = 0; i < 8; ++i) {
    outer.push_back(static_cast<std::byte>(compound.size() >> 8));
    outer.push_back(static_cast<std::byte>(compound.size()));
  }
  for (int i = 0; i < 8; ++i) outer.insert(outer.end(), compound.begin(), compound.end());
  bench.receive_raw(kPeer, outer);
  EXPECT_EQ(bench.engine().counters().dropped_limit, 1u);
  EXPECT_LE(bench.log().size(), 2 * limits::kLogLinesPerCausePerSecond) << "and so is the log";
}

}  // namespace
}  // namespace memberlist::testing
