#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "engine_fixture.hpp"

// Protocol 5: the prober's side, from the direct ping to the suspicion.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

TEST(EngineProbe, PingNamesItsTargetAndItsSender) {
  Bench bench;
  ScriptedPeer& peer = bench.meet("a");
  ASSERT_TRUE(wait_for_ping(bench, peer));
  const wire::Ping ping = bench.sent(Type::ping).front()->ping();
  EXPECT_EQ(ping.node, "a");
  EXPECT_EQ(ping.source_node, "self");
  EXPECT_EQ(IpAddress::from_bytes(ping.source_addr), bench.address().ip);
  EXPECT_EQ(ping.source_port, bench.address().port);
}

TEST(EngineProbe, AnsweringMemberIsNeverSuspected) {
  Bench bench;
  ScriptedPeer& peer = bench.meet("a");
  bench.run_for(60s);
  EXPECT_GE(peer.pings_seen, 59u);
  EXPECT_LE(peer.pings_seen, 61u);
  EXPECT_EQ(bench.kinds("a"), (Kinds{join}));
  EXPECT_EQ(bench.engine().counters().probes_failed, 0u);
  EXPECT_EQ(bench.engine().health_score(), 0u);
}

TEST(EngineProbe, PolicyHearsTheRoundTripOfADirectAnswerInTime) {
  VirtualPolicy policy;
  std::vector<Duration> heard;
  policy.on_ping = [&](const MemberRecord& peer, Duration round_trip, BytesView payload) {
    EXPECT_EQ(peer.name, "a");
    EXPECT_EQ(as_text(payload), "coordinates");
    heard.push_back(round_trip);
  };
  Bench bench(EngineBench::quiet_config(), &policy);
  ScriptedPeer& peer = bench.meet("a");
  peer.ack_payload = to_bytes("coordinates");
  peer.round_trip = 30ms;
  ASSERT_TRUE(wait_for_ping(bench, peer));
  bench.run_for(100ms);
  EXPECT_EQ(heard, (std::vector<Duration>{30ms}));
  peer.round_trip = 600ms;
  bench.run_for(5s);
  EXPECT_EQ(heard.size(), 1u) << "not of those behind the timeout";
}

TEST(EngineProbe, EveryMemberIsProbedOnceARoundInAnOrderThatChanges) {
  Bench bench;
  for (int i = 0; i < 10; ++i) bench.meet("peer" + std::to_string(i));
  bench.run_until([&] { return bench.sent(Type::ping).size() == 40; }, 60s);
  std::set<std::vector<std::string>> orders;
  const auto pings = bench.sent(Type::ping);
  ASSERT_EQ(pings.size(), 40u);
  for (std::size_t round = 0; round < 4; ++round) {
    std::vector<std::string> order;
    for (std::size_t i = 0; i < 10; ++i) order.emplace_back(pings[round * 10 + i]->ping().node);
    EXPECT_EQ(std::set(order.begin(), order.end()).size(), 10u) << "round " << round;
    orders.insert(order);
  }
  EXPECT_GT(orders.size(), 1u) << "the list is shuffled at each wrap-around";
}

TEST(EngineProbe, PassesMembersThatAreDeadOrHaveLeft) {
  Bench bench;
  ScriptedPeer& dead_one = bench.meet("dead");
  ScriptedPeer& left_one = bench.meet("left");
  ScriptedPeer& live = bench.meet("live");
  bench.receive(live.address, {dead_message("dead", 1, "live"), dead_message("left", 1, "left")});
  bench.run_for(10s);
  EXPECT_EQ(dead_one.pings_seen, 0u);
  EXPECT_EQ(left_one.pings_seen, 0u);
  EXPECT_GE(live.pings_seen, 9u) << "a tick passes over them to the next one alive";
}

TEST(EngineProbe, LoneNodeProbesNobody) {
  Bench bench;
  bench.run_for(60s);
  EXPECT_TRUE(bench.packets().empty());
  EXPECT_TRUE(bench.streams().empty());
}

TEST(EngineProbe, FirstTickIsARandomFractionOfTheInterval) {
  std::set<TimePoint> firsts;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    Bench bench(EngineBench::quiet_config(), nullptr, seed);
    ASSERT_TRUE(wait_for_ping(bench, bench.meet("a"), 2s));
    EXPECT_LE(bench.timeline().elapsed(), 2s);
    firsts.insert(bench.now());
  }
  EXPECT_GT(firsts.size(), 6u);
}

TEST(EngineProbe, SequenceNumbersAreNeverReused) {
  Bench bench;
  bench.meet("a").answers_pings = false;
  for (const char* name : {"b", "c", "d"}) bench.meet(name);
  bench.run_for(8s);
  std::set<std::uint32_t> numbers;
  const auto pings = bench.sent(Type::ping);
  for (const SeenMessage* message : pings) numbers.insert(message->ping().seq_no);
  EXPECT_EQ(numbers.size(), pings.size());
  EXPECT_GE(pings.size(), 4u);
}

TEST(EngineProbe, SilentMemberIsSuspectedAfterIndirectProbes) {
  Bench bench;
  ScriptedPeer& silent = bench.meet("a");
  silent.answers_pings = false;
  for (const char* name : {"b", "c", "d", "e", "f"}) bench.meet(name).nacks = true;
  ASSERT_TRUE(wait_for_ping(bench, silent));
  const TimePoint pinged = bench.now();
  ASSERT_TRUE(wait_for(bench, "a", suspect));
  EXPECT_EQ(bench.now() - pinged, 1s) << "the probe's deadline is the interval";

  const auto asked = bench.sent(Type::indirect_ping);
  ASSERT_EQ(asked.size(), 3u);
  std::set<Address> helpers;
  for (const SeenMessage* message : asked) {
    EXPECT_EQ(message->at - pinged, 500ms);
    const wire::IndirectPing ping = message->indirect_ping();
    EXPECT_EQ(ping.node, "a");
    EXPECT_EQ(IpAddress::from_bytes(ping.target), silent.address.ip);
    EXPECT_EQ(ping.port, silent.address.port);
    EXPECT_TRUE(ping.nack);
    EXPECT_NE(message->to, silent.address);
    helpers.insert(message->to);
  }
  EXPECT_EQ(helpers.size(), 3u) << "three different members";

  const SeenChange change = bench.change("a", suspect).value();
  EXPECT_EQ(change.event.member.status, MemberStatus::suspect);
  EXPECT_EQ(change.event.cause.kind, Cause::Kind::probe_failed);
  EXPECT_EQ(change.event.cause.indirect_probes, 3u);
  EXPECT_EQ(change.event.cause.nacks, 3u);
  EXPECT_TRUE(wait_for(bench, "a", dead)) << "nobody refutes";
}

// The member may have a newer incarnation meanwhile: then the probe says nothing about its current
// state.
TEST(EngineProbe, AFailedProbeAccusesTheIncarnationThatItProbed) {
  Bench bench;
  ScriptedPeer& silent = bench.meet("a");
  silent.answers_pings = false;
  ASSERT_TRUE(wait_for_ping(bench, silent));
  bench.run_for(900ms);
  silent.incarnation = 2;
  bench.introduce(silent);
  bench.run_for(200ms);
  EXPECT_EQ(bench.engine().counters().probes_failed, 1u);
  EXPECT_EQ(bench.status("a"), MemberStatus::alive);
  EXPECT_TRUE(bench.sent_about(Type::suspect, "a").empty());
}

TEST(EngineProbe, IndirectAckSavesTheMember) {
  Bench bench;
  ScriptedPeer& silent = bench.meet("a");
  silent.answers_pings = false;
  bench.meet("b").relays = true;
  ASSERT_TRUE(wait_for_ping(bench, silent));
  bench.run_for(5s);
  EXPECT_EQ(bench.kinds("a"), (Kinds{join}));
  EXPECT_GE(bench.engine().counters().probes_saved_by_indirect, 1u);
  EXPECT_EQ(bench.engine().health_score(), 0u);
}

TEST(EngineProbe, AckBetweenTimeoutAndDeadlineStillCounts) {
  Bench bench;
  ScriptedPeer& slow = bench.meet("a");
  slow.round_trip = 800ms;
  ScriptedPeer& helper = bench.meet("b");
  bench.run_for(10s);
  EXPECT_EQ(bench.kinds("a"), (Kinds{join}));
  EXPECT_GE(helper.indirect_pings_seen, 3u) << "the indirect stage had begun";
}

TEST(EngineProbe, AckBehindTheDeadlineIsTooLate) {
  Bench bench;
  ScriptedPeer& slow = bench.meet("a");
  slow.round_trip = 1200ms;
  ASSERT_TRUE(wait_for(bench, "a", suspect, 5s));
  EXPECT_EQ(bench.engine().health_score(), 1u);
  EXPECT_EQ(bench.engine().counters().acks_unexpected, 0u);
  bench.run_for(500ms);
  EXPECT_EQ(bench.status("a"), MemberStatus::suspect);
  EXPECT_EQ(bench.engine().counters().acks_unexpected, 1u) << "nobody waits for it any more";
  EXPECT_EQ(bench.engine().health_score(), 1u) << "a success would take that back";
}

TEST(EngineProbe, AckWithAnotherNumberIsIgnored) {
  Bench bench;
  ScriptedPeer& peer = bench.meet("a");
  peer.answers_pings = false;
  ASSERT_TRUE(wait_for_ping(bench, peer));
  const TimePoint pinged = bench.now();
  const std::uint32_t seq_no = bench.sent(Type::ping).back()->ping().seq_no;
  bench.receive(peer.address,
                {ack_message(seq_no + 1), message_bytes(wire::Nack{.seq_no = seq_no + 1})});
  EXPECT_EQ(bench.engine().counters().acks_unexpected, 1u);
  ASSERT_TRUE(wait_for(bench, "a", suspect, 2s));
  EXPECT_EQ(bench.now() - pinged, 1s) << "for want of an answer to this very ping";
}

TEST(EngineProbe, AckCountsOnce) {
  Bench bench;
  ScriptedPeer& peer = bench.meet("a");
  peer.answers_pings = false;
  for (std::uint32_t i = 1; i <= 3; ++i) {
    bench.receive(peer.address, {suspect_message("self", bench.incarnation("self"), "a")});
  }
  ASSERT_EQ(bench.engine().health_score(), 3u);
  ASSERT_TRUE(wait_for_ping(bench, peer));
  const Bytes ack = ack_message(bench.sent(Type::ping).back()->ping().seq_no);
  bench.receive(peer.address, {ack, ack});
  bench.receive(peer.address, {ack});
  EXPECT_EQ(bench.engine().health_score(), 2u);
}

TEST(EngineProbe, SuspectIsPingedAndToldOfItInOnePacket) {
  Bench bench;
  ScriptedPeer& peer = bench.meet("a");
  for (const char* name : {"b", "c", "d"}) bench.meet(name);
  bench.run_for(20s);  // until all that is queued has been sent often enough
  bench.receive(peer.address, {suspect_message("a", 1, "b")});
  bench.run_for(5s);
  ASSERT_EQ(bench.status("a"), MemberStatus::suspect);
  bench.forget();
  peer.refutes = true;
  ASSERT_TRUE(wait_for_ping(bench, peer));
  const SeenPacket& packet = bench.packets().back();
  ASSERT_GE(packet.messages.size(), 2u);
  EXPECT_EQ(packet.messages[0].type, Type::ping);
  ASSERT_EQ(packet.messages[1].type, Type::suspect);
  const wire::Suspect told = packet.messages[1].suspect();
  EXPECT_EQ(told.node, "a");
  EXPECT_EQ(told.from, "self");
  EXPECT_EQ(told.incarnation, 1u);
  ASSERT_TRUE(wait_for(bench, "a", alive, 1s)) << "it refutes at once";
  EXPECT_EQ(bench.incarnation("a"), 2u);
  EXPECT_GE(bench.engine().counters().suspicions_refuted, 1u);
}

TEST(EngineProbe, SendErrorLeadsStraightToTheIndirectStage) {
  Bench bench;
  ScriptedPeer& peer = bench.meet("a");
  peer.answers_pings = false;
  bench.meet("b");
  ASSERT_TRUE(wait_for_ping(bench, peer));
  const TimePoint pinged = bench.now();
  bench.send_error(peer.address);
  ASSERT_EQ(bench.sent(Type::indirect_ping).size(), 1u);
  EXPECT_EQ(bench.sent(Type::indirect_ping).front()->at, pinged);
  EXPECT_EQ(bench.dialled().opened_at, pinged) << "the TCP ping goes along";
  bench.send_error(peer.address);
  EXPECT_EQ(bench.sent(Type::indirect_ping).size(), 1u) << "once a probe";
  ASSERT_TRUE(wait_for(bench, "a", suspect, 2s));
  EXPECT_EQ(bench.now() - pinged, 1s);
  EXPECT_EQ(bench.sent(Type::indirect_ping).size(), 1u) << "not once more at the timeout";
  EXPECT_EQ(bench.engine().counters().send_errors, 2u);
}

TEST(EngineProbe, OnlyAnUnreachableRemoteLeadsThere) {
  Bench bench;
  ScriptedPeer& peer = bench.meet("a");
  bench.meet("b");
  ASSERT_TRUE(wait_for_ping(bench, peer));
  bench.engine().handle_send_error(bench.now(), peer.address,
                                   {ErrorCode::system, "no buffer space", {}});
  EXPECT_TRUE(bench.engine().outputs().empty() ||
              std::holds_alternative<LogRecord>(bench.engine().outputs()[0]));
  bench.run_for(400ms);
  EXPECT_TRUE(bench.sent(Type::indirect_ping).empty());
}

TEST(EngineProbe, SendErrorToSomebodyElseChangesNothing) {
  Bench bench;
  ScriptedPeer& peer = bench.meet("a");
  ScriptedPeer& other = bench.meet("b");
  ASSERT_TRUE(wait_for_ping(bench, peer));
  bench.send_error(other.address);
  EXPECT_TRUE(bench.sent(Type::indirect_ping).empty());
  bench.run_for(5s);
  EXPECT_EQ(bench.kinds("a"), (Kinds{join}));
  EXPECT_EQ(bench.kinds("b"), (Kinds{join}));
}

// --- the TCP ping -------------------------------------------------------------------------------

TEST(EngineTcpFallback, KeepsAMemberWhoseUdpIsClosedAlive) {
  Bench bench;
  ScriptedPeer& peer = bench.meet("a");
  peer.answers_pings = false;
  peer.tcp = Tcp::answers;
  ASSERT_TRUE(wait_for_ping(bench, peer));
  const TimePoint pinged = bench.now();
  bench.run_for(10s);
  EXPECT_EQ(bench.kinds("a"), (Kinds{join}));
  EXPECT_EQ(bench.streams().front().peer, peer.address);
  EXPECT_EQ(bench.streams().front().opened_at - pinged, 500ms);
  EXPECT_GE(bench.engine().counters().probes_saved_by_tcp, 9u);
  EXPECT_GE(bench.log_lines(LogLevel::warning, "UDP"), 1u);
  const auto opener = bench.read(bench.streams().front().id);
  ASSERT_NE(opener, nullptr);
  const auto* ping = std::get_if<wire::Ping>(&opener->message());
  ASSERT_NE(ping, nullptr);
  EXPECT_EQ(ping->node, "a");
  for (const SeenStream& stream : bench.streams()) {
    EXPECT_TRUE(stream.ended_at.has_value() || &stream == &bench.streams().back());
  }
}

TEST(EngineTcpFallback, CanBeDisabled) {
  Config config = EngineBench::quiet_config();
  config.disable_tcp_pings = true;
  Bench bench(config);
  ScriptedPeer& peer = bench.meet("a");
  peer.answers_pings = false;
  peer.tcp = Tcp::answers;
  ASSERT_TRUE(wait_for(bench, "a", suspect, 5s));
  EXPECT_TRUE(bench.streams().empty());
}

TEST(EngineTcpFallback, CanBeForbiddenForOneMember) {
  VirtualPolicy policy;
  policy.on_tcp_ping = [](const MemberRecord& peer) { return peer.name != "a"; };
  Bench bench(EngineBench::quiet_config(), &policy);
  ScriptedPeer& a = bench.meet("a");
  ScriptedPeer& b = bench.meet("b");
  for (ScriptedPeer* peer : {&a, &b}) {
    peer->answers_pings = false;
    peer->tcp = Tcp::answers;
  }
  ASSERT_TRUE(wait_for(bench, "a", suspect, 5s));
  bench.run_for(10s);
  EXPECT_EQ(bench.kinds("b"), (Kinds{join}));
  EXPECT_FALSE(bench.streams().empty());
  for (const SeenStream& stream : bench.streams()) EXPECT_EQ(stream.peer, b.address);
}

TEST(EngineTcpFallback, NotTriedWithAPeerTooOldForIt) {
  Bench bench;
  ScriptedPeer& peer = bench.add_peer("a");
  peer.vsn = versions(1, 2, 2);
  peer.answers_pings = false;
  peer.tcp = Tcp::answers;
  bench.introduce(peer);
  ASSERT_TRUE(wait_for(bench, "a", suspect, 5s));
  EXPECT_TRUE(bench.streams().empty());
}

TEST(EngineTcpFallback, EndsAtTheProbesDeadlineWhereNobodyAnswers) {
  for (const Tcp tcp : {Tcp::refuses, Tcp::black_hole, Tcp::silent}) {
    Bench bench;
    ScriptedPeer& peer = bench.meet("a");
    peer.answers_pings = false;
    peer.tcp = tcp;
    ASSERT_TRUE(wait_for_ping(bench, peer));
    const TimePoint pinged = bench.now();
    ASSERT_TRUE(wait_for(bench, "a", suspect, 5s));
    EXPECT_EQ(bench.now() - pinged, 1s);
    const SeenStream& stream = bench.streams().front();
    if (tcp == Tcp::refuses) continue;
    ASSERT_TRUE(stream.ended_at.has_value()) << "nothing is left open";
    EXPECT_LE(*stream.ended_at - pinged, 1s);
  }
}

TEST(EngineTcpFallback, WrongReplyIsNoAnswer) {
  const std::vector<std::function<Bytes(std::uint32_t)>> replies = {
      [](std::uint32_t seq_no) { return ack_message(seq_no + 1); },
      [](std::uint32_t seq_no) { return ping_message(seq_no, "self"); },
      [](std::uint32_t) { return message_bytes(wire::ErrorMessage{.error = "not here"}); },
      [](std::uint32_t) { return to_bytes("\x63rubbish"); },
  };
  for (const auto& reply : replies) {
    Bench bench;
    ScriptedPeer& peer = bench.meet("a");
    peer.answers_pings = false;
    peer.tcp = Tcp::silent;
    ASSERT_TRUE(wait_for_ping(bench, peer));
    const std::uint32_t seq_no = bench.sent(Type::ping).back()->ping().seq_no;
    bench.run_for(600ms);
    ASSERT_FALSE(bench.dialled().written.empty());
    bench.feed(bench.dialled().id, bench.sealed(reply(seq_no), false));
    EXPECT_TRUE(wait_for(bench, "a", suspect, 1s));
  }
}

TEST(EngineTcpFallback, AnswerIsUnderstoodByteForByte) {
  Bench bench;
  ScriptedPeer& peer = bench.meet("a");
  peer.answers_pings = false;
  peer.tcp = Tcp::silent;
  ASSERT_TRUE(wait_for_ping(bench, peer));
  bench.run_for(600ms);
  const auto opener = bench.read(bench.dialled().id);
  ASSERT_NE(opener, nullptr);
  const std::uint32_t seq_no = std::get<wire::Ping>(opener->message()).seq_no;
  bench.feed(bench.dialled().id, bench.sealed(ack_message(seq_no), false), 1);
  EXPECT_TRUE(bench.dialled().ended_at.has_value());
  bench.run_for(450ms);
  EXPECT_EQ(bench.status("a"), MemberStatus::alive);
}

// --- a ping by hand -----------------------------------------------------------------------------

TEST(EnginePing, CompletesWithRoundTripAndPayload) {
  Bench bench;
  ScriptedPeer& peer = bench.meet("a");
  peer.round_trip = 37ms;
  peer.ack_payload = to_bytes("coordinates");
  const auto id =
      bench.act([](Engine& engine, TimePoint now) { return engine.ping(now, "a"); }).value();
  bench.run_for(100ms);
  const Completion* done = bench.completion(id);
  ASSERT_NE(done, nullptr);
  ASSERT_TRUE(done->result.has_value()) << done->result.error().message;
  EXPECT_EQ(done->result->round_trip, 37ms);
  EXPECT_EQ(as_text(done->result->payload), "coordinates");
}

TEST(EnginePing, TimesOutWhereNobodyAnswers) {
  Bench bench;
  bench.meet("a").answers_pings = false;
  const TimePoint asked = bench.now();
  const auto id =
      bench.act([](Engine& engine, TimePoint now) { return engine.ping(now, "a"); }).value();
  ASSERT_TRUE(bench.run_until([&] { return bench.completion(id) != nullptr; }, 5s));
  EXPECT_EQ(bench.now() - asked, 500ms);
  ASSERT_FALSE(bench.completion(id)->result.has_value());
  EXPECT_EQ(bench.completion(id)->result.error().code, ErrorCode::timed_out);
}

TEST(EnginePing, ErrorShowsTheNameEscaped) {
  Bench bench;
  bench.meet("\x1b[2J").answers_pings = false;
  const auto ask = [](Engine& engine, TimePoint now) { return engine.ping(now, "\x1b[2J"); };
  const auto id = bench.act(ask).value();
  ASSERT_TRUE(bench.run_until([&] { return bench.completion(id) != nullptr; }, 5s));
  const Error& error = bench.completion(id)->result.error();
  EXPECT_EQ(error.message.find('\x1b'), std::string::npos) << error.message;
  EXPECT_EQ(error.subject, "\x1b[2J");
}

TEST(EnginePing, UnknownMemberIsAnErrorAtOnce) {
  Bench bench;
  const auto result =
      bench.act([](Engine& engine, TimePoint now) { return engine.ping(now, "nobody"); });
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::unknown_member);
  EXPECT_EQ(result.error().subject, "nobody");
  EXPECT_TRUE(bench.packets().empty());
}

}  // namespace
}  // namespace memberlist::testing
