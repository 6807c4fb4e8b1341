#include <set>

#include "engine_fixture.hpp"

// Protocol 5: what a node answers to the packets of others' probes; protocol 2: packets in and out.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

const Address kStranger{IpAddress::v4(10, 9, 7, 7), 7000};
const Address kTarget{IpAddress::v4(10, 9, 8, 8), 8000};

TEST(EngineAnswers, PingIsAckedWithItsNumber) {
  Bench bench;
  bench.receive(kStranger, {ping_message(4711, "self")});
  const auto acks = bench.sent(Type::ack);
  ASSERT_EQ(acks.size(), 1u);
  EXPECT_EQ(acks[0]->ack().seq_no, 4711u);
  EXPECT_EQ(acks[0]->to, kStranger);
  EXPECT_TRUE(acks[0]->ack().payload.empty());
}

TEST(EngineAnswers, AckCarriesThePayloadOfThePolicy) {
  VirtualPolicy policy;
  policy.on_ack_payload = [] { return to_bytes("here"); };
  Bench bench(EngineBench::quiet_config(), &policy);
  bench.receive(kStranger, {ping_message(1, "self")});
  EXPECT_EQ(as_text(bench.sent(Type::ack).at(0)->ack().payload), "here");
}

TEST(EngineAnswers, AckPayloadOverTheLimitIsLeftOut) {
  VirtualPolicy policy;
  policy.on_ack_payload = [] { return Bytes(513); };
  Bench bench(EngineBench::quiet_config(), &policy);
  bench.receive(kStranger, {ping_message(1, "self")});
  EXPECT_TRUE(bench.sent(Type::ack).at(0)->ack().payload.empty());
}

TEST(EngineAnswers, AckGoesToTheSourceAddressIfGiven) {
  Bench bench;
  bench.receive(kStranger, {ping_message(5, "self", kTarget)});
  EXPECT_EQ(bench.sent(Type::ack).at(0)->to, kTarget);
}

TEST(EngineAnswers, NothingGoesToPortZero) {
  const Address nowhere{kStranger.ip, 0};
  Bench bench;
  bench.receive(nowhere,
                {ping_message(5, "self"), indirect_ping_message(6, "target", kTarget, true)});
  bench.run_for(5s);
  EXPECT_TRUE(bench.packets().empty());
  bench.receive(nowhere, {ping_message(7, "self", kTarget)});
  EXPECT_EQ(bench.sent(Type::ack).at(0)->to, kTarget);
}

TEST(EngineAnswers, PingForAnotherNodeIsIgnoredWithAWarning) {
  Bench bench;
  bench.receive(kStranger, {ping_message(5, "elf")});
  EXPECT_TRUE(bench.packets().empty());
  EXPECT_EQ(bench.log_lines(LogLevel::warning), 1u);
}

TEST(EngineAnswers, WarningNamesWhoSentThePacketKnownOrNot) {
  Bench bench;
  const Address member = bench.meet("a").address;
  const Address stranger{IpAddress::parse("2001:db8::7").value(), 7000};
  for (const Address& from : {member, stranger}) {
    bench.receive(from, {ping_message(5, "elf")});
    bench.receive_raw(from, as_bytes("nonsense"));
  }
  EXPECT_EQ(bench.warned_of(), (std::vector{member.to_string(), member.to_string(),
                                            stranger.to_string(), stranger.to_string()}));
}

TEST(EngineAnswers, PingWithoutANameIsAnswered) {
  Bench bench;
  bench.receive(kStranger, {ping_message(5, "")});
  EXPECT_EQ(bench.sent(Type::ack).size(), 1u);
}

TEST(EngineAnswers, EachPingOfACompoundIsAcked) {
  Bench bench;
  bench.receive(kStranger,
                {ping_message(1, "self"), ping_message(2, "self"), ping_message(3, "self")});
  std::set<std::uint32_t> numbers;
  for (const SeenMessage* ack : bench.sent(Type::ack)) numbers.insert(ack->ack().seq_no);
  EXPECT_EQ(numbers, (std::set<std::uint32_t>{1, 2, 3}));
}

// --- indirect pings -----------------------------------------------------------------------------

TEST(EngineRelay, AckIsRelayedWithTheAskersNumberAndNoPayload) {
  Bench bench;
  bench.receive(kStranger, {indirect_ping_message(900, "target", kTarget, true)});
  const auto pings = bench.sent(Type::ping);
  ASSERT_EQ(pings.size(), 1u);
  EXPECT_EQ(pings[0]->to, kTarget);
  EXPECT_EQ(pings[0]->ping().node, "target");
  const std::uint32_t own_number = pings[0]->ping().seq_no;
  EXPECT_NE(own_number, 900u) << "a fresh number";
  bench.run_for(100ms);
  bench.receive(kTarget, {ack_message(own_number, as_bytes("secret"))});
  const auto acks = bench.sent(Type::ack);
  ASSERT_EQ(acks.size(), 1u);
  EXPECT_EQ(acks[0]->to, kStranger);
  EXPECT_EQ(acks[0]->ack().seq_no, 900u);
  EXPECT_TRUE(acks[0]->ack().payload.empty());
  bench.run_for(5s);
  EXPECT_TRUE(bench.sent(Type::nack).empty()) << "an ack or a nack, not both";
}

TEST(EngineRelay, NothingIsPlannedForItOnceItsAckWasRelayed) {
  Config config = EngineBench::quiet_config();
  config.gossip_interval = config.queue_check_interval = Duration::zero();
  config.probe_interval = Duration::zero();
  Bench bench(config);
  ASSERT_EQ(bench.engine().next_deadline(), kNever);
  bench.receive(kStranger, {indirect_ping_message(900, "target", kTarget, true)});
  EXPECT_NE(bench.engine().next_deadline(), kNever);
  bench.receive(kTarget, {ack_message(bench.sent(Type::ping).at(0)->ping().seq_no)});
  EXPECT_EQ(bench.engine().next_deadline(), kNever);
}

TEST(EngineRelay, AnswersGoToTheSourceAddressIfGiven) {
  const Address asker{IpAddress::v4(10, 9, 6, 6), 6000};
  Bench bench;
  bench.receive(kStranger, {indirect_ping_message(1, "target", kTarget, true, asker),
                            indirect_ping_message(2, "target", kTarget, true, asker)});
  const auto pings = bench.sent(Type::ping);
  ASSERT_EQ(pings.size(), 2u);
  bench.receive(kTarget, {ack_message(pings[0]->ping().seq_no)});
  bench.run_for(1s);
  ASSERT_EQ(bench.sent(Type::ack).size(), 1u);
  EXPECT_EQ(bench.sent(Type::ack)[0]->to, asker);
  ASSERT_EQ(bench.sent(Type::nack).size(), 1u);
  EXPECT_EQ(bench.sent(Type::nack)[0]->to, asker);
}

// Lifeguard, LHA-Probe: at 80 % of what the requester still waits, so that it arrives in time.
TEST(EngineRelay, NackAtFourFifthsOfTheTimeThatTheRequesterHasLeft) {
  for (const auto& [profile, delay] : {std::pair{Config::lan(), Duration(400ms)},
                                       {Config::wan(), Duration(1600ms)},
                                       {Config::local(), Duration(160ms)}}) {
    Config config = profile;
    config.name = "self";
    Bench bench(config);
    const TimePoint asked = bench.now();
    bench.receive(kStranger, {indirect_ping_message(901, "target", kTarget, true)});
    ASSERT_TRUE(bench.run_until([&] { return !bench.sent(Type::nack).empty(); }, 5s));
    EXPECT_EQ(bench.sent(Type::nack)[0]->at - asked, delay);
    EXPECT_LT(config.probe_timeout + delay, config.probe_interval);
  }
}

TEST(EngineRelay, NackIfOneWasAskedFor) {
  Bench bench;
  const TimePoint asked = bench.now();
  bench.receive(kStranger, {indirect_ping_message(901, "target", kTarget, true),
                            indirect_ping_message(902, "target", kTarget, false)});
  bench.run_for(5s);
  const auto nacks = bench.sent(Type::nack);
  ASSERT_EQ(nacks.size(), 1u);
  EXPECT_EQ(nacks[0]->nack().seq_no, 901u);
  EXPECT_EQ(nacks[0]->to, kStranger);
  EXPECT_EQ(nacks[0]->at - asked, 400ms);
  EXPECT_TRUE(bench.sent(Type::ack).empty());
}

TEST(EngineRelay, AckBehindTheNackIsRelayedUntilTheIntervalIsOver) {
  for (const auto& [late, relayed] :
       {std::pair{Duration(900ms), true}, {Duration(1100ms), false}}) {
    Bench bench;
    bench.receive(kStranger, {indirect_ping_message(7, "target", kTarget, true)});
    bench.run_for(late);
    ASSERT_EQ(bench.sent(Type::nack).size(), 1u);
    bench.receive(kTarget, {ack_message(bench.sent(Type::ping).at(0)->ping().seq_no)});
    EXPECT_EQ(bench.sent(Type::ack).size(), relayed ? 1u : 0u);
  }
}

TEST(EngineRelay, RelayedPingsAreBounded) {
  Bench bench;
  for (std::uint32_t i = 0; i < 6000; ++i) {
    bench.receive(kStranger, {indirect_ping_message(i, "target", kTarget, false)});
  }
  EXPECT_LE(bench.sent(Type::ping).size(), 4096u);
  EXPECT_GT(bench.engine().counters().dropped_limit, 0u);
  bench.run_for(1s);
  bench.forget();
  bench.receive(kStranger, {indirect_ping_message(1, "target", kTarget, false)});
  EXPECT_EQ(bench.sent(Type::ping).size(), 1u) << "room again once they have expired";
}

// --- packets ------------------------------------------------------------------------------------

TEST(EnginePackets, AnswersCarryQueuedBroadcastsInTheSpaceLeft) {
  Config config = EngineBench::quiet_config();
  config.gossip_interval = Duration::zero();
  config.probe_interval = Duration::zero();
  Bench bench(config);
  for (int i = 0; i < 40; ++i) {
    ScriptedPeer& peer = bench.add_peer("peer" + std::to_string(i));
    peer.meta = Bytes(50, std::byte{static_cast<unsigned char>(i)});
    bench.introduce(peer);
  }
  ASSERT_TRUE(bench.packets().empty());
  bench.receive(bench.add_peer("late").address, {ping_message(1, "self")});
  ASSERT_EQ(bench.packets().size(), 1u);
  EXPECT_EQ(bench.packets().front().messages.size(), 1u) << "they are for members";
  bench.forget();
  bench.receive({IpAddress::v4(10, 9, 1, 1), 7946}, {ping_message(1, "self")});
  ASSERT_EQ(bench.packets().size(), 1u);
  const SeenPacket& packet = bench.packets().front();
  EXPECT_EQ(packet.messages.at(0).type, Type::ack);
  EXPECT_GT(packet.messages.size(), 5u);
  for (std::size_t i = 1; i < packet.messages.size(); ++i) {
    EXPECT_EQ(packet.messages[i].type, Type::alive);
  }
}

TEST(EnginePackets, PacketIsFilledToTheBufferSizeAndNotBeyond) {
  Config config = EngineBench::quiet_config();
  config.gossip_interval = Duration::zero();
  config.probe_interval = Duration::zero();
  config.enable_compression = false;
  config.udp_buffer_size = 700;
  Bench bench(config);  // which checks the size of every packet
  for (int i = 0; i < 40; ++i) {
    ScriptedPeer& peer = bench.add_peer("peer" + std::to_string(i));
    peer.meta = Bytes(50, std::byte{static_cast<unsigned char>(i)});
    bench.introduce(peer);
  }
  bench.receive({IpAddress::v4(10, 9, 1, 1), 7946}, {ping_message(1, "self")});
  ASSERT_EQ(bench.packets().size(), 1u);
  EXPECT_GT(bench.packets().front().bytes.size(), 550u);
}

TEST(EnginePackets, MorePartsThanACompoundHoldsGoOutInSeveral) {
  Config config = EngineBench::quiet_config();
  config.probe_interval = Duration::zero();
  config.udp_buffer_size = 65'507;
  Bench bench(config);
  constexpr std::uint16_t kMembers = 300;
  for (std::uint16_t i = 1; i <= kMembers; ++i) {
    bench.receive(kStranger,
                  {alive_message({.name = "m" + std::to_string(i), .address = {kTarget.ip, i}})});
  }
  ASSERT_TRUE(bench.run_until([&] { return !bench.packets().empty(); }, 1s));
  const SeenPacket& first = bench.packets().front();
  std::size_t packets = 0;
  std::set<std::string> told;
  for (const SeenPacket& packet : bench.packets()) {
    if (packet.to != first.to || packet.at != first.at) continue;
    ++packets;
    EXPECT_LE(packet.messages.size(), 255u);
    for (const SeenMessage& message : packet.messages) told.emplace(message.alive().node);
  }
  EXPECT_EQ(packets, 2u);
  EXPECT_EQ(told.size(), kMembers + 1u) << "those and this node";
}

TEST(EnginePackets, ChecksumOnlyForMembersWhoseMaximumIsFive) {
  Config config = EngineBench::quiet_config();
  config.enable_compression = false;
  Bench bench(config);
  ScriptedPeer& recent = bench.meet("recent");
  ScriptedPeer& old = bench.add_peer("old");
  old.vsn = versions(1, 4, 2);
  bench.introduce(old);
  bench.forget();
  const auto hello = [&](const Address& to) {
    const auto sent = bench.act([&](Engine& engine, TimePoint now) {
      return engine.send_best_effort(now, to, as_bytes("hello"));
    });
    EXPECT_TRUE(sent.has_value());
    return std::to_integer<int>(bench.packets().back().bytes.at(0));
  };
  EXPECT_EQ(hello(recent.address), 12);
  EXPECT_NE(hello(old.address), 12);
  EXPECT_NE(hello(kStranger), 12) << "nothing is known of who is there";
  ASSERT_TRUE(wait_for_ping(bench, recent));
  EXPECT_EQ(bench.packets().back().bytes.at(0), std::byte{12}) << "pings too";
}

TEST(EnginePackets, GoodChecksumIsRemovedAndABadOneDropsTheMessage) {
  Bench bench;
  bench.receive(kStranger, {ping_message(1, "self")}, true);
  ASSERT_EQ(bench.sent(Type::ack).size(), 1u);
  bench.forget();
  Bytes packet{std::byte{12}, std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  ByteWriter(packet).bytes(ping_message(1, "self"));
  bench.receive_raw(kStranger, packet);
  EXPECT_TRUE(bench.packets().empty());
  EXPECT_EQ(bench.engine().counters().dropped_malformed, 1u);
}

TEST(EnginePackets, EmptyPacketIsSurvived) {
  Bench bench;
  bench.receive_raw(kStranger, {});
  for (int type = 0; type < 256; ++type) {
    const Bytes one{static_cast<std::byte>(type)};
    bench.receive_raw(kStranger, one);
  }
  EXPECT_EQ(bench.engine().members()->size(), 1u);
  EXPECT_TRUE(bench.sent(Type::ack).empty());
  EXPECT_GT(bench.engine().counters().dropped_malformed, 200u);
}

TEST(EnginePackets, UnknownTypesAndThoseOfStreamsAreDropped) {
  Bench bench;
  for (const int type : {6, 10, 13, 14, 99, 200, 243, 255}) {
    const std::uint64_t before = bench.engine().counters().dropped_malformed;
    Bytes packet{static_cast<std::byte>(type)};
    ByteWriter(packet).bytes(as_bytes("something"));
    bench.receive_raw(kStranger, packet);
    EXPECT_GT(bench.engine().counters().dropped_malformed, before) << type;
  }
  EXPECT_TRUE(bench.packets().empty());
}

TEST(EnginePackets, BadPartDoesNotHideTheOthers) {
  Bench bench;
  bench.receive(kStranger, {ping_message(1, "self"), to_bytes("\x63unknown"),
                            to_bytes(std::string_view("\x00\xc1", 2)), ping_message(2, "self")});
  EXPECT_EQ(bench.sent(Type::ack).size(), 2u);
  EXPECT_EQ(bench.engine().counters().dropped_malformed, 2u);
}

TEST(EnginePackets, TruncatedCompoundYieldsItsCompleteParts) {
  Bench bench;
  const Bytes ping = ping_message(1, "self");
  Bytes packet;
  ByteWriter writer(packet);
  writer.u8(7);
  writer.u8(3);
  for (int i = 0; i < 3; ++i) writer.u16(static_cast<std::uint16_t>(ping.size()));
  for (const std::size_t bytes : {ping.size(), ping.size(), std::size_t{5}}) {
    packet.insert(packet.end(), ping.data(), ping.data() + bytes);
  }
  bench.receive_raw(kStranger, packet);
  EXPECT_EQ(bench.sent(Type::ack).size(), 2u);
  EXPECT_GE(bench.engine().counters().dropped_malformed, 1u);
}

TEST(EnginePackets, RandomBytesMoveCountersAndNothingElse) {
  Bench bench;
  bench.meet("a");
  bench.run_for(10s);
  bench.forget();
  const std::uint64_t digest = bench.engine().view_digest();
  Random random(7);
  const EngineCounters before = bench.engine().counters();
  for (int i = 0; i < 5000; ++i) {
    Bytes packet(random.below(200));
    for (std::byte& byte : packet) byte = static_cast<std::byte>(random.next());
    // Not a user message, which any bytes are.
    if (!packet.empty() && packet[0] == std::byte{8}) packet[0] = std::byte{4};
    bench.receive_raw(kStranger, packet);
  }
  const EngineCounters after = bench.engine().counters();
  EXPECT_EQ(after.packets_received - before.packets_received, 5000u);
  EXPECT_GT(after.dropped_malformed + after.dropped_label, before.dropped_malformed + 4000);
  EXPECT_EQ(bench.engine().view_digest(), digest);
  EXPECT_TRUE(bench.packets().empty());
  EXPECT_TRUE(bench.events<MemberEvent>().empty());
  EXPECT_LE(bench.log().size(), 100u) << "the log is rate-limited";
}

TEST(EnginePackets, MutatedMessagesAreSurvived) {
  Bench bench;
  ScriptedPeer& peer = bench.meet("a");
  Random random(8);
  const std::vector<Bytes> originals = {alive_message(peer.claim()),
                                        suspect_message("a", 1, "b"),
                                        dead_message("a", 1, "b"),
                                        ping_message(1, "self", kTarget),
                                        indirect_ping_message(1, "x", kTarget, true),
                                        ack_message(1, as_bytes("payload"))};
  for (int i = 0; i < 5000; ++i) {
    Bytes packet = originals[random.below(originals.size())];
    for (std::uint64_t flips = random.below(4) + 1; flips > 0; --flips) {
      packet[random.below(packet.size())] = static_cast<std::byte>(random.next());
    }
    packet.resize(random.below(packet.size() + 1));
    bench.receive_raw(kStranger, packet);
    if (i % 100 == 0) bench.run_for(100ms);
  }
  bench.receive(kStranger, {ping_message(99, "self")});
  EXPECT_EQ(bench.sent(Type::ack).back()->ack().seq_no, 99u) << "it goes on";
}

TEST(EngineTime, ClockGoingBackwardsIsTolerated) {
  Bench bench;
  ScriptedPeer& peer = bench.meet("a");
  bench.run_for(5s);
  bench.engine().handle_deadline(bench.now());
  bench.engine().handle_deadline(bench.now() - 3s);
  Bytes alive = alive_message({.name = "b", .address = kTarget});
  bench.engine().handle_packet(bench.now() - 10s, kStranger, alive);
  EXPECT_EQ(bench.engine().member("b")->since, bench.now()) << "counts as the last one";
  EXPECT_GE(bench.engine().next_deadline(), bench.now());
  const std::size_t pings = peer.pings_seen;
  bench.run_for(20s);
  EXPECT_GE(peer.pings_seen, pings + 9) << "every second tick is for b";
}

TEST(EngineTime, DeadlineHandledEarlyDoesNothing) {
  Bench bench;
  bench.meet("a");
  bench.run_for(5s);
  bench.forget();
  for (int i = 0; i < 100; ++i) {
    const TimePoint next = bench.engine().next_deadline();
    bench.engine().handle_deadline(bench.now());
    EXPECT_TRUE(bench.engine().outputs().empty());
    EXPECT_EQ(bench.engine().next_deadline(), next);
  }
}

TEST(EngineTime, LongSilenceOfTheDriverIsCaughtUpWithoutABurst) {
  Bench bench;
  bench.meet("a");
  bench.run_for(5s);
  // The process stood still for ten minutes; then its one late deadline is handled.
  const TimePoint late = bench.now() + 10min;
  bench.engine().handle_deadline(late);
  std::size_t packets = 0;
  for (const Output& output : bench.engine().outputs()) {
    packets += std::holds_alternative<SendPacket>(output);
  }
  EXPECT_LE(packets, 4u);
  EXPECT_GT(bench.engine().next_deadline(), late);
  bench.engine().clear_outputs();
}

}  // namespace
}  // namespace memberlist::testing
