#include <algorithm>

#include "engine_fixture.hpp"

// Protocol 6, 'Leave' and 'Update node'.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

Result<OperationId> leave_now(EngineBench& bench, Duration timeout = 10s) {
  return bench.act([&](Engine& engine, TimePoint now) { return engine.leave(now, timeout); });
}

Claim about_self(const EngineBench& bench, std::uint32_t incarnation) {
  return {.name = "self", .address = bench.address(), .incarnation = incarnation};
}

TEST(EngineLeave, OthersSeeThatItLeft) {
  Cluster cluster({.size = 5});
  ASSERT_TRUE(cluster.assemble());
  const auto id = cluster.leave(2);
  ASSERT_TRUE(id.has_value());
  const auto left_everywhere = [&] {
    for (HostId node = 0; node < 5; ++node) {
      if (node != 2 && cluster.status(node, 2) != MemberStatus::left) return false;
    }
    return true;
  };
  EXPECT_TRUE(cluster.run_until(left_everywhere, 5s));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.completion(2, *id) != nullptr; }, 10s));
  EXPECT_TRUE(cluster.completion(2, *id)->result.has_value());
  cluster.crash(2);
  cluster.run_for(20s);
  for (HostId node = 0; node < 5; ++node) {
    if (node == 2) continue;
    EXPECT_EQ(cluster.count(node, 2, leave), 1u);
    EXPECT_EQ(cluster.count(node, 2, suspect), 0u);
    EXPECT_EQ(cluster.count(node, 2, dead), 0u) << "a member that left is not told dead";
    EXPECT_EQ(cluster.engine(node).live_count(), 4u);
  }
}

TEST(EngineLeave, CompletesOnceItsMessageHasBeenSentOftenEnough) {
  Bench bench;
  bench.meet("a");
  bench.meet("b");
  bench.run_for(20s);
  bench.forget();
  const auto id = leave_now(bench);
  EXPECT_EQ(bench.sent_about(Type::dead, "self").size(), 2u) << "the first round goes at once";
  EXPECT_EQ(bench.completion(*id), nullptr) << "it waits for the others";
  ASSERT_TRUE(bench.run_until([&] { return bench.completion(*id) != nullptr; }, 10s));
  EXPECT_TRUE(bench.completion(*id)->result.has_value());
  const auto sent = bench.sent_about(Type::dead, "self");
  EXPECT_EQ(sent.size(), 4u) << "retransmit_mult * ceil(log10(3 + 1))";
  EXPECT_EQ(sent.front()->dead().from, "self");
  EXPECT_EQ(sent.front()->dead().incarnation, 1u);
  EXPECT_EQ(bench.events<LeaveFinished>().size(), 1u);
  EXPECT_EQ(bench.engine().local_member().status, MemberStatus::left);
}

TEST(EngineLeave, WhileJoiningItTellsThoseWhoAreJoined) {
  Link link;
  link.latency = 50ms;
  Cluster cluster({.size = 2, .link = link});
  ASSERT_TRUE(cluster.join(1, {0}).has_value());
  ASSERT_TRUE(cluster.run_until([&] { return cluster.engine(0).live_count() == 2; }, 5s));
  ASSERT_EQ(cluster.engine(1).live_count(), 1u) << "the answer is on its way";
  ASSERT_TRUE(cluster.leave(1).has_value());
  cluster.run_for(3s);
  const auto member = cluster.engine(0).member(cluster.engine(1).local_member().name());
  ASSERT_TRUE(member.has_value());
  EXPECT_EQ(member->status, MemberStatus::left);
}

TEST(EngineLeave, WhileAJoinFailsItCompletesWithIt) {
  Bench bench;
  const Address nobody{IpAddress::v4(10, 9, 9, 9), 7946};
  const auto joining =
      bench.act([&](Engine& engine, TimePoint now) { return engine.join(now, {{"", nobody}}); });
  ASSERT_TRUE(joining.has_value());
  const auto id = leave_now(bench);
  ASSERT_TRUE(id.has_value());
  ASSERT_TRUE(bench.run_until([&] { return bench.completion(*id) != nullptr; }, 30s));
  EXPECT_EQ(bench.events<LeaveFinished>().size(), 1u);
}

TEST(EngineLeave, AloneItCompletesAtOnce) {
  Bench bench;
  const auto id = leave_now(bench);
  ASSERT_TRUE(id.has_value());
  ASSERT_NE(bench.completion(*id), nullptr);
  EXPECT_TRUE(bench.completion(*id)->result.has_value());
  EXPECT_EQ(bench.events<LeaveFinished>().size(), 1u);
}

TEST(EngineLeave, WithOnlyDeadOthersItCompletesAtOnce) {
  Bench bench;
  bench.meet("a");
  bench.receive(kPeer, {dead_message("a", 1, "x")});
  const auto id = leave_now(bench);
  ASSERT_NE(bench.completion(*id), nullptr);
  EXPECT_TRUE(bench.completion(*id)->result.has_value());
}

// A whole cluster is shut down at once: no member is left to notify.
TEST(EngineLeave, CompletesOnceTheLastOtherHasLeftOrDied) {
  for (const std::string_view accuser : {"a", "x"}) {
    Bench bench;
    bench.meet("a");
    bench.run_for(20s);
    const TimePoint start = bench.now();
    const auto id = leave_now(bench);
    ASSERT_EQ(bench.completion(*id), nullptr);
    bench.receive(kPeer, {dead_message("a", 1, accuser)});
    ASSERT_NE(bench.completion(*id), nullptr);
    EXPECT_TRUE(bench.completion(*id)->result.has_value());
    EXPECT_EQ(bench.events<LeaveFinished>().size(), 1u);
    EXPECT_LT(bench.now() - start, 1s);
  }
}

TEST(EngineLeave, TimesOutWhereNothingCanBeSent) {
  Config config = EngineBench::quiet_config();
  config.gossip_interval = Duration::zero();
  config.probe_interval = Duration::zero();
  Bench bench(config);
  bench.meet("a");
  const TimePoint start = bench.now();
  const auto id = leave_now(bench, 3s);
  ASSERT_TRUE(bench.run_until([&] { return bench.completion(*id) != nullptr; }, 10s));
  EXPECT_EQ(bench.now() - start, 3s);
  EXPECT_EQ(bench.completion(*id)->result.error().code, ErrorCode::timed_out);
}

TEST(EngineLeave, CompletesWithTheVeryPacketThatCarriesItLast) {
  Config config = EngineBench::quiet_config();
  config.gossip_interval = config.probe_interval = Duration::zero();
  config.retransmit_mult = 2;
  Bench bench(config);
  bench.meet("a");
  const auto id = leave_now(bench);
  ASSERT_EQ(bench.completion(*id), nullptr) << "sent once";
  (void)bench.act([](Engine& engine, TimePoint now) { return engine.ping(now, "a"); });
  EXPECT_NE(bench.completion(*id), nullptr) << "sent twice";
}

// A driver that performs the outputs in order has sent the last packet when it gets the success.
TEST(EngineLeave, SaysSoBehindItsLastPacket) {
  Config config = EngineBench::quiet_config();
  config.name = "self";
  config.probe_interval = Duration::zero();
  EngineEnvironment environment;
  environment.advertise = {IpAddress::v4(10, 9, 0, 1), 7946};
  environment.now = VirtualTimeline::kStart;
  Engine engine = Engine::create(config, environment).value();
  Bytes alive = alive_message({.name = "a", .address = {IpAddress::v4(10, 9, 3, 1), 7946}});
  engine.handle_packet(environment.now, kPeer, alive);
  engine.clear_outputs();
  const OperationId id = engine.leave(environment.now, 10s).value();
  for (int step = 0; step < 100; ++step) {
    bool packet = false;
    for (const Output& output : engine.outputs()) {
      packet = packet || std::holds_alternative<SendPacket>(output);
      const auto* completion = std::get_if<Completion>(&output);
      if (completion == nullptr || completion->id != id) continue;
      EXPECT_TRUE(completion->result.has_value());
      EXPECT_TRUE(packet) << "the last packet stands before it, in the same call's outputs";
      return;
    }
    engine.clear_outputs();
    engine.handle_deadline(engine.next_deadline());
  }
  FAIL() << "never finished";
}

TEST(EngineLeave, MayTakeForEver) {
  Bench bench;
  bench.meet("a");
  const auto id = leave_now(bench, Duration::max());
  ASSERT_TRUE(bench.run_until([&] { return bench.completion(*id) != nullptr; }, 10s));
  EXPECT_TRUE(bench.completion(*id)->result.has_value());
}

TEST(EngineLeave, SecondCallSharesTheFirstOnesFate) {
  Bench bench;
  bench.meet("a");
  const auto first = leave_now(bench);
  const auto second = leave_now(bench);
  ASSERT_TRUE(second.has_value());
  ASSERT_TRUE(bench.run_until([&] { return bench.completion(*first) != nullptr; }, 10s));
  const Completion* shared = bench.completion(*second);
  ASSERT_NE(shared, nullptr);
  EXPECT_TRUE(shared->result.has_value());
  EXPECT_EQ(bench.events<LeaveFinished>().size(), 1u);
}

TEST(EngineLeave, OwnAliveMessageIsIgnoredAfterwards) {
  Bench bench;
  bench.meet("a");
  const auto id = leave_now(bench);
  ASSERT_TRUE(bench.run_until([&] { return bench.completion(*id) != nullptr; }, 10s));
  bench.forget();
  bench.receive(kPeer, {alive_message(about_self(bench, 1)), alive_message(about_self(bench, 99))});
  bench.run_for(5s);
  EXPECT_EQ(bench.engine().local_member().status, MemberStatus::left);
  EXPECT_TRUE(bench.sent_about(Type::alive, "self").empty());
}

TEST(EngineLeave, AccusationsAreNotRefutedAfterwards) {
  Bench bench;
  bench.meet("a");
  const auto id = leave_now(bench);
  ASSERT_TRUE(bench.run_until([&] { return bench.completion(*id) != nullptr; }, 10s));
  bench.forget();
  bench.receive(kPeer, {suspect_message("self", 5, "a"), dead_message("self", 5, "self")});
  bench.run_for(5s);
  EXPECT_EQ(bench.engine().local_member().status, MemberStatus::left);
  EXPECT_TRUE(bench.sent_about(Type::alive, "self").empty());
  EXPECT_EQ(bench.engine().counters().refutations, 0u);
}

TEST(EngineLeave, StillAnswersPings) {
  Bench bench;
  bench.meet("a");
  const auto id = leave_now(bench);
  ASSERT_TRUE(bench.run_until([&] { return bench.completion(*id) != nullptr; }, 10s));
  bench.forget();
  bench.receive(kPeer, {ping_message(3, "self")});
  EXPECT_EQ(bench.sent(Type::ack).size(), 1u);
}

TEST(EngineLeave, RestartedNodeIsTakenBack) {
  Cluster cluster({.size = 4});
  ASSERT_TRUE(cluster.assemble());
  const auto id = cluster.leave(3);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.completion(3, *id) != nullptr; }, 10s));
  cluster.run_for(2s);
  cluster.kill(3);
  cluster.run_for(2s);
  cluster.restart(3);
  ASSERT_TRUE(cluster.join(3, {0}).has_value());
  EXPECT_TRUE(cluster.run_until([&] { return cluster.agree(4); }, 10s));
  EXPECT_GT(cluster.engine(0).member("n03")->incarnation, 1u) << "refuted upward";
  EXPECT_EQ(cluster.count(0, 3, join), 2u);
  EXPECT_EQ(cluster.count(0, 3, leave), 1u);
}

// --- update of meta data ------------------------------------------------------------------------

TEST(EngineUpdate, ReachesTheOthersAsAnEvent) {
  Cluster cluster({.size = 5, .tweak = [](HostId node, Config& config) {
                     config.meta = to_bytes("role " + std::to_string(node));
                   }});
  ASSERT_TRUE(cluster.assemble());
  EXPECT_EQ(as_text(cluster.engine(4).member("n02")->meta()), "role 2");
  const auto id = cluster.act(2, [](Engine& engine, TimePoint now) {
    return engine.update_meta(now, as_bytes("new role"), 10s);
  });
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(as_text(cluster.engine(2).local_member().meta()), "new role");
  ASSERT_TRUE(cluster.run_until([&] { return cluster.completion(2, *id) != nullptr; }, 10s));
  EXPECT_TRUE(cluster.completion(2, *id)->result.has_value());
  EXPECT_TRUE(cluster.run_until([&] { return cluster.agree(5); }, 10s));
  for (HostId node = 0; node < 5; ++node) {
    EXPECT_EQ(as_text(cluster.engine(node).member("n02")->meta()), "new role");
    EXPECT_EQ(cluster.engine(node).member("n02")->incarnation, 2u);
    EXPECT_EQ(cluster.count(node, 2, update), 1u) << node;
  }
}

TEST(EngineUpdate, OverTheLimitChangesNothing) {
  Bench bench;
  const Bytes large(513);
  const auto result =
      bench.act([&](Engine& engine, TimePoint now) { return engine.update_meta(now, large, 1s); });
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::too_large);
  EXPECT_EQ(bench.engine().local_member().incarnation, 1u);
  EXPECT_TRUE(bench.engine().local_member().meta().empty());
  const auto fits = bench.act([&](Engine& engine, TimePoint now) {
    return engine.update_meta(now, BytesView(large).first(512), 1s);
  });
  EXPECT_TRUE(fits.has_value());
}

Result<OperationId> update_now(EngineBench& bench, BytesView meta) {
  return bench.act(
      [&](Engine& engine, TimePoint now) { return engine.update_meta(now, meta, 1s); });
}

TEST(EngineUpdate, WhatNoPacketHoldsChangesNothing) {
  Config config = EngineBench::quiet_config();
  config.udp_buffer_size = 600;
  Bench bench(config);
  const Bytes large(512);
  const auto result = update_now(bench, large);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::too_large);
  EXPECT_EQ(result.error().subject, "meta");
  EXPECT_NE(result.error().message.find("udp_buffer_size 600 at most"), std::string::npos)
      << result.error().message;
  EXPECT_EQ(bench.engine().local_member().incarnation, 1u);
  EXPECT_TRUE(bench.engine().local_member().meta().empty());
}

// The most that an update takes goes by packet, also encrypted, and from an IPv6 address.
TEST(EngineUpdate, TheMostThatAPacketHoldsIsToldByPacket) {
  for (const std::uint8_t version : {std::uint8_t{1}, std::uint8_t{5}}) {
    for (const bool sealed : {false, true}) {
      Config config = EngineBench::quiet_config();
      config.udp_buffer_size = 600;
      config.protocol_version = version;
      config.name = std::string(40, 'n');
      if (sealed) {
        config.label = std::string(60, 'l');
        config.keys = {Bytes(32, std::byte{7})};
      }
      config.enable_compression = false;
      Bench bench(config);  // which checks the size of every packet
      std::size_t most = 512;
      while (most > 0 && !update_now(bench, Bytes(most))) --most;
      ASSERT_GT(most, 300u);
      ASSERT_LT(most, 512u);
      Config created = config;
      created.meta.resize(most);
      EXPECT_TRUE(created.validate()) << "the same limit as at create";
      created.meta.resize(most + 1);
      EXPECT_FALSE(created.validate());

      bench.meet("a");
      const auto moved = bench.act([](Engine& engine, TimePoint now) {
        return engine.advertise(now, {IpAddress::parse("2001:db8::1").value(), 60'000}, 5s);
      });
      ASSERT_TRUE(moved.has_value());
      bench.forget();
      bench.run_for(5s);
      const auto told = bench.sent_about(Type::alive, config.name);
      ASSERT_FALSE(told.empty());
      EXPECT_EQ(told.back()->alive().meta.size(), most);
      EXPECT_EQ(told.back()->alive().addr.size(), 16u);
    }
  }
}

TEST(EngineUpdate, TimesOutWhereNothingIsSentThoughTheChangeStands) {
  Config config = EngineBench::quiet_config();
  config.gossip_interval = Duration::zero();
  config.probe_interval = Duration::zero();
  Bench bench(config);
  bench.meet("a");
  const TimePoint start = bench.now();
  const auto id = bench.act(
      [&](Engine& engine, TimePoint now) { return engine.update_meta(now, as_bytes("x"), 2s); });
  ASSERT_TRUE(bench.run_until([&] { return bench.completion(*id) != nullptr; }, 10s));
  EXPECT_EQ(bench.now() - start, 2s);
  EXPECT_EQ(bench.completion(*id)->result.error().code, ErrorCode::timed_out);
  EXPECT_EQ(as_text(bench.engine().local_member().meta()), "x");
}

// A refutation before or after it neither loses the update nor ends the wait for it.
TEST(EngineUpdate, IsNotLostToARefutation) {
  for (const bool refuted_before : {true, false}) {
    SCOPED_TRACE(refuted_before);
    Config config = EngineBench::quiet_config();
    config.probe_interval = Duration::zero();
    Bench bench(config);
    bench.meet("a");
    bench.run_for(5s);
    bench.forget();
    if (refuted_before) bench.receive(kPeer, {suspect_message("self", 1, "x")});
    const auto id = bench.act([&](Engine& engine, TimePoint now) {
      return engine.update_meta(now, as_bytes("new"), 10s);
    });
    ASSERT_TRUE(id.has_value());
    if (!refuted_before) bench.receive(kPeer, {suspect_message("self", 2, "x")});
    EXPECT_EQ(bench.engine().local_member().incarnation, 3u);
    EXPECT_EQ(bench.completion(*id), nullptr) << "it was not sent yet";
    ASSERT_TRUE(bench.run_until([&] { return bench.completion(*id) != nullptr; }, 10s));
    EXPECT_TRUE(bench.completion(*id)->result.has_value());
    auto sent = bench.sent_about(Type::alive, "self");
    std::erase_if(sent,
                  [](const SeenMessage* message) { return message->to == kPeer; });  // answers
    EXPECT_EQ(sent.size(), 4u);
    for (const SeenMessage* message : sent) {
      EXPECT_EQ(message->alive().incarnation, 3u);
      EXPECT_EQ(as_text(message->alive().meta), "new");
    }
  }
}

TEST(EngineUpdate, AloneItCompletesAtOnce) {
  Bench bench;
  const auto id = bench.act(
      [&](Engine& engine, TimePoint now) { return engine.update_meta(now, as_bytes("x"), 2s); });
  ASSERT_TRUE(id.has_value());
  ASSERT_TRUE(bench.run_until([&] { return bench.completion(*id) != nullptr; }, 3s));
  EXPECT_TRUE(bench.completion(*id)->result.has_value());
}

}  // namespace
}  // namespace memberlist::testing
