#include <algorithm>

#include "engine_fixture.hpp"

// Protocol 6, 'Push/pull': what is exchanged, how it is merged, and when it is refused.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

Claim claim(std::string name, std::uint8_t number, MemberStatus status = MemberStatus::alive,
            std::uint32_t incarnation = 1) {
  return {.name = std::move(name),
          .address = {IpAddress::v4(10, 9, 3, number), 7946},
          .incarnation = incarnation,
          .status = status};
}

// A peer dials us with its state; gives back what we answered.
std::unique_ptr<wire::StreamOpener> exchange(EngineBench& bench, const std::vector<Claim>& claims,
                                             bool is_join = false, std::string_view state = {}) {
  const auto id = bench.accept(kPeer);
  EXPECT_TRUE(id.has_value());
  bench.feed(*id, bench.sealed(push_pull_message(is_join, claims, state), true));
  bench.end(*id);
  EXPECT_TRUE(bench.stream(*id).ended_at.has_value()) << "closed after the exchange";
  return bench.read(*id);
}

TEST(EnginePushPull, AnswerHoldsTheWholeState) {
  VirtualPolicy policy;
  policy.on_local_state = [](bool is_join) { return to_bytes(is_join ? "joined" : "periodic"); };
  Config config = no_probes();
  config.meta = to_bytes("my tag");
  Bench bench(config, &policy);
  bench.receive(
      kPeer, {alive_message(claim("a", 1)), alive_message(claim("s", 2)),
              alive_message(claim("d", 3, MemberStatus::alive, 5)), alive_message(claim("l", 4))});
  bench.receive(
      kPeer, {suspect_message("s", 1, "x"), dead_message("d", 5, "x"), dead_message("l", 1, "l")});
  for (const bool is_join : {true, false}) {
    const auto reply = exchange(bench, {claim("a", 1)}, is_join);
    ASSERT_NE(reply, nullptr);
    const auto& message = std::get<wire::PushPullMessage>(reply->message());
    EXPECT_EQ(message.header.join, is_join);
    EXPECT_EQ(as_text(message.user_state), is_join ? "joined" : "periodic");
    auto states = claims_of(message.node_states, static_cast<std::size_t>(message.header.nodes));
    std::ranges::sort(states, {}, &Claim::name);
    ASSERT_EQ(states.size(), 5u);
    EXPECT_EQ(states[0].name, "a");
    EXPECT_EQ(states[0].status, MemberStatus::alive);
    EXPECT_EQ(states[1].name, "d");
    EXPECT_EQ(states[1].status, MemberStatus::dead);
    EXPECT_EQ(states[1].incarnation, 5u);
    EXPECT_EQ(states[2].name, "l");
    EXPECT_EQ(states[2].status, MemberStatus::left);
    EXPECT_EQ(states[3].name, "s");
    EXPECT_EQ(states[3].status, MemberStatus::suspect);
    EXPECT_EQ(states[4].name, "self");
    EXPECT_EQ(states[4].status, MemberStatus::alive);
    EXPECT_EQ(states[4].address, bench.address());
    EXPECT_EQ(as_text(states[4].meta), "my tag");
    EXPECT_EQ(states[4].vsn, versions(1, 5, 2));
  }
  EXPECT_EQ(bench.engine().counters().push_pulls_served, 2u);
}

TEST(EnginePushPull, StatesAreMergedByTheirKind) {
  AnsweringBench bench;
  bench.receive(kPeer, {alive_message(claim("d", 3)), alive_message(claim("s", 2)),
                        alive_message(claim("l", 4)), alive_message(claim("newer", 5))});
  exchange(bench,
           {claim("a", 1), claim("s", 2, MemberStatus::suspect), claim("d", 3, MemberStatus::dead),
            claim("l", 4, MemberStatus::left), claim("newer", 5, MemberStatus::alive, 8)});
  EXPECT_EQ(bench.status("a"), MemberStatus::alive);
  EXPECT_EQ(bench.kinds("a"), (Kinds{join}));
  EXPECT_EQ(bench.change("a", join)->event.cause.kind, Cause::Kind::push_pull);
  EXPECT_EQ(bench.change("a", join)->event.cause.source, kPeer);
  EXPECT_EQ(bench.status("s"), MemberStatus::suspect);
  EXPECT_EQ(bench.status("d"), MemberStatus::suspect) << "so that it can still refute";
  EXPECT_EQ(bench.change("d", suspect)->event.cause.accuser, "") << "nobody's own evidence";
  EXPECT_EQ(bench.status("l"), MemberStatus::left);
  EXPECT_EQ(bench.incarnation("newer"), 8u);
  ASSERT_TRUE(wait_for(bench, "d", dead));
}

// One accusation, merged by many, must not count as one of each of them.
TEST(EnginePushPull, MergedSuspicionIsPassedOnInNobodysName) {
  AnsweringBench bench;
  bench.receive(kPeer, {alive_message(claim("s", 2)), alive_message(claim("d", 3))});
  exchange(bench, {claim("s", 2, MemberStatus::suspect), claim("d", 3, MemberStatus::dead)});
  bench.run_for(3s);
  for (const char* member : {"s", "d"}) {
    std::size_t gossiped = 0;
    for (const SeenMessage* message : bench.sent_about(Type::suspect, member)) {
      // With a ping to the suspect itself comes who would be refuted: this node (the buddy).
      if (message->to == claim("", member[0] == 's' ? 2 : 3).address) continue;
      EXPECT_EQ(message->suspect().from, "");
      ++gossiped;
    }
    EXPECT_GT(gossiped, 0u) << member;
  }
}

TEST(EnginePushPull, UnknownMembersThatAreNotAliveAreNotTakenIn) {
  Bench bench(no_probes());
  bench.forget();
  exchange(bench, {claim("s", 2, MemberStatus::suspect), claim("d", 3, MemberStatus::dead),
                   claim("l", 4, MemberStatus::left)});
  EXPECT_EQ(bench.engine().members()->size(), 1u);
  EXPECT_TRUE(bench.events<MemberEvent>().empty());
}

TEST(EnginePushPull, UnknownStateNumberIsNotTakenForAnything) {
  Bench bench(no_probes());
  exchange(bench, {claim("odd", 1, static_cast<MemberStatus>(9)), claim("a", 2)});
  EXPECT_FALSE(bench.status("odd").has_value());
}

TEST(EnginePushPull, OthersOpinionOfUsIsRefuted) {
  for (const MemberStatus status :
       {MemberStatus::suspect, MemberStatus::dead, MemberStatus::left}) {
    Bench bench(no_probes());
    Claim self{.name = "self", .address = bench.address(), .incarnation = 17, .status = status};
    exchange(bench, {self});
    EXPECT_EQ(bench.engine().local_member().incarnation, 18u) << to_string(status);
    EXPECT_EQ(bench.engine().local_member().status, MemberStatus::alive);
  }
}

TEST(EnginePushPull, UserStateIsHandedOver) {
  Bench bench(no_probes());
  exchange(bench, {{.name = "a", .address = {kPeer.ip, 7946}}, claim("b", 1)}, true, "their state");
  const auto merged = bench.events<StateMerged>();
  ASSERT_EQ(merged.size(), 1u);
  EXPECT_EQ(as_text(merged[0]->state), "their state");
  EXPECT_TRUE(merged[0]->join);
  EXPECT_EQ(merged[0]->source, kPeer);
  EXPECT_EQ(merged[0]->from, "a") << "the only member at the IP address that the stream came from";
}

TEST(EnginePushPull, NobodyIsNamedWhereUserStateMayBeOfSeveral) {
  Bench bench(no_probes());
  const Claim a{.name = "a", .address = {kPeer.ip, 1001}};
  const Claim b{.name = "b", .address = {kPeer.ip, 1002}};
  exchange(bench, {a, b}, true, "their state");
  ASSERT_EQ(bench.events<StateMerged>().size(), 1u);
  EXPECT_EQ(bench.events<StateMerged>()[0]->from, "");
}

TEST(EnginePushPull, TheMemberAtTheVeryAddressIsNamedWhereverItStands) {
  const Claim a{.name = "a", .address = kPeer};
  const Claim b{.name = "b", .address = {kPeer.ip, 1002}};
  for (const std::vector<Claim>& claims : {std::vector{a, b}, std::vector{b, a}}) {
    Bench bench(no_probes());
    exchange(bench, claims, true, "their state");
    ASSERT_EQ(bench.events<StateMerged>().size(), 1u);
    EXPECT_EQ(bench.events<StateMerged>()[0]->from, "a");
    EXPECT_TRUE(bench.status("b").has_value());
  }
}

TEST(EnginePushPull, InitiatorMergesTheAnswer) {
  Config config = EngineBench::quiet_config();
  config.push_pull_interval = 10s;
  VirtualPolicy policy;
  policy.on_local_state = [](bool) { return to_bytes("ours"); };
  Bench bench(config, &policy);
  ScriptedPeer& peer = bench.meet("a");
  peer.tcp = Tcp::answers;
  peer.claims = {peer.claim(), claim("b", 9)};
  peer.user_state = "theirs";
  ASSERT_TRUE(wait_for(bench, "b", join, 25s));
  EXPECT_EQ(bench.streams().front().peer, peer.address);
  const auto pushed = bench.read(bench.streams().front().id);
  ASSERT_NE(pushed, nullptr);
  const auto& message = std::get<wire::PushPullMessage>(pushed->message());
  EXPECT_FALSE(message.header.join);
  EXPECT_EQ(message.header.nodes, 2);
  EXPECT_EQ(as_text(message.user_state), "ours");
  ASSERT_EQ(bench.events<StateMerged>().size(), 1u);
  EXPECT_EQ(as_text(bench.events<StateMerged>()[0]->state), "theirs");
  EXPECT_EQ(bench.events<StateMerged>()[0]->from, "a");
  bench.run_for(1s);
  EXPECT_TRUE(bench.streams().front().ended_at.has_value());
}

// Times between the periodic push/pulls of a cluster of `members`.
Duration push_pull_gap(std::size_t members) {
  Config config = EngineBench::quiet_config();
  config.push_pull_interval = 30s;
  config.gossip_interval = Duration::zero();
  Bench bench(config);
  for (std::size_t i = 1; i < members; ++i) bench.meet("peer" + std::to_string(i));
  EXPECT_TRUE(bench.run_until([&] { return bench.streams().size() == 3; }, 600s));
  return bench.streams()[2].opened_at - bench.streams()[1].opened_at;
}

TEST(EnginePushPull, IntervalGrowsAboveThirtyTwoMembers) {
  EXPECT_EQ(push_pull_gap(2), 30s);
  EXPECT_EQ(push_pull_gap(32), 30s);
  EXPECT_EQ(push_pull_gap(33), 60s);
  EXPECT_EQ(push_pull_gap(64), 60s);
  EXPECT_EQ(push_pull_gap(65), 90s);
}

TEST(EnginePushPull, IsNotTriedWithDeadOrSuspectMembers) {
  Config config = no_probes();
  config.push_pull_interval = 5s;
  Bench bench(config);
  bench.meet("live");
  ScriptedPeer& gone = bench.meet("gone");
  ScriptedPeer& dubious = bench.meet("dubious");
  bench.receive(kPeer, {dead_message("gone", 1, "x")});
  bench.timeline().after(1s, [&] { bench.receive(kPeer, {suspect_message("dubious", 1, "x")}); });
  bench.run_for(60s);
  EXPECT_GE(bench.streams().size(), 11u);
  for (const SeenStream& stream : bench.streams()) {
    EXPECT_NE(stream.peer, gone.address);
    EXPECT_TRUE(stream.peer != dubious.address || stream.opened_at < VirtualTimeline::kStart + 1s);
  }
}

TEST(EnginePushPull, FailureIsCountedAndTheNextOneTried) {
  Config config = no_probes();
  config.push_pull_interval = 5s;
  Bench bench(config);
  bench.meet("a");
  bench.run_for(31s);
  EXPECT_GE(bench.engine().counters().push_pulls_failed, 5u);
  EXPECT_GE(bench.streams().size(), 6u);
}

// --- merge veto ---------------------------------------------------------------------------------

TEST(EngineMergePolicy, MayCancelAnotherNodesJoin) {
  VirtualPolicy policy;
  std::vector<std::string> offered;
  policy.on_merge = [&](std::span<const MemberRecord> peers) -> Result<void> {
    for (const MemberRecord& peer : peers) offered.push_back(peer.name);
    return fail(ErrorCode::vetoed, "members only");
  };
  Bench bench(no_probes(), &policy);
  exchange(bench, {claim("a", 1), claim("b", 2)}, true, "state");
  EXPECT_EQ(offered, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(bench.engine().members()->size(), 1u);
  EXPECT_TRUE(bench.events<StateMerged>().empty());
}

TEST(EngineMergePolicy, IsNotAskedAboutAPeriodicPushPull) {
  VirtualPolicy policy;
  policy.on_merge = [&](std::span<const MemberRecord>) -> Result<void> {
    return fail(ErrorCode::vetoed, "members only");
  };
  Bench bench(no_probes(), &policy);
  exchange(bench, {claim("a", 1)}, false);
  EXPECT_EQ(bench.status("a"), MemberStatus::alive);
}

// --- versions -----------------------------------------------------------------------------------

struct VersionCase {
  Bytes vsn;
  bool fits;
};

TEST(EngineVersions, RangesMustOverlapWithEveryCurrentVersion) {
  // We speak 2 of 1..5, delegate 0 of 0..0.
  const VersionCase cases[] = {
      {versions(1, 5, 2), true},           {versions(1, 5, 5), true},
      {versions(2, 2, 2), true},           {versions(1, 2, 1), true},
      {versions(2, 5, 5), true},           {versions(3, 5, 3), false},
      {versions(1, 1, 1), false},          {versions(6, 9, 6), false},
      {versions(1, 2, 5), false},          {versions(1, 5, 2, 0, 3, 0), true},
      {versions(1, 5, 2, 0, 3, 3), false}, {versions(1, 5, 2, 2, 5, 4), false},
  };
  for (const VersionCase& one : cases) {
    Bench bench(no_probes());
    Claim other = claim("a", 1);
    other.vsn = one.vsn;
    exchange(bench, {other});
    EXPECT_EQ(bench.status("a").has_value(), one.fits)
        << "versions " << ::testing::PrintToString(one.vsn);
    EXPECT_EQ(bench.engine().counters().push_pulls_failed, one.fits ? 0u : 1u);
  }
}

TEST(EngineVersions, AnUnfitSpeakerRefusesTheWholeMerge) {
  Bench bench(no_probes());
  Claim speaker = claim("speaker", 2);
  speaker.address = kPeer;
  speaker.vsn = versions(3, 5, 3);
  exchange(bench, {claim("a", 1), speaker}, true, "state");
  EXPECT_EQ(bench.engine().members()->size(), 1u);
  EXPECT_TRUE(bench.events<StateMerged>().empty());
  EXPECT_GE(bench.log_lines(LogLevel::warning) + bench.log_lines(LogLevel::error), 1u);
}

TEST(EngineVersions, AnUnfitSpeakerAmongManyVersionsIsFound) {
  for (const bool fits : {true, false}) {
    Bench bench(no_probes());
    std::vector<Claim> claims;
    for (std::uint8_t most = 2; most < 10; ++most) {
      claims.push_back(claim("m" + std::to_string(most), most));
      claims.back().vsn = versions(1, most, 2);
    }
    claims.push_back(claim("speaker", 20));
    claims.back().address = kPeer;
    claims.back().vsn = fits ? versions(1, 5, 2) : versions(3, 5, 3);
    exchange(bench, claims, true);
    EXPECT_EQ(bench.engine().members()->size(), fits ? 1 + claims.size() : 1u);
  }
}

// An invented member must not keep others out.
TEST(EngineVersions, AnUnfitMemberInAMergeIsLeftOut) {
  VirtualPolicy policy;
  std::vector<std::string> offered;
  policy.on_merge = [&](std::span<const MemberRecord> peers) -> Result<void> {
    for (const MemberRecord& peer : peers) offered.push_back(peer.name);
    return {};
  };
  for (const Address& speaker : {kPeer, Address{kPeer.ip, 99}, claim("a", 1).address}) {
    SCOPED_TRACE(speaker.to_string());
    Bench bench(no_probes(), &policy);
    Claim unfit = claim("unfit", 2);
    unfit.vsn = versions(200, 255, 200);
    Claim sender = claim("sender", 1);
    sender.address = speaker;
    offered.clear();
    exchange(bench, {unfit, sender}, true, "state");
    EXPECT_EQ(bench.status("sender"), MemberStatus::alive);
    EXPECT_FALSE(bench.status("unfit").has_value());
    EXPECT_EQ(offered, (std::vector<std::string>{"sender"}));
    EXPECT_EQ(bench.events<StateMerged>().size(), 1u);
    EXPECT_EQ(bench.engine().counters().dropped_poison, 1u);
  }
}

TEST(EngineVersions, WhoJoinsThroughABelieverInAnUnfitMemberComesIn) {
  Bench bench(no_probes());
  ScriptedPeer& peer = bench.add_peer("a");
  peer.tcp = Tcp::answers;
  Claim unfit = claim("unfit", 2);
  unfit.vsn = versions(1, 1, 1);
  peer.claims = {unfit, peer.claim()};
  const auto id = bench.act([&](Engine& engine, TimePoint now) {
    return engine.join(now, {JoinTarget{{}, peer.address}});
  });
  bench.run_for(1s);
  ASSERT_NE(bench.completion(*id), nullptr);
  EXPECT_TRUE(bench.completion(*id)->result.has_value());
  EXPECT_EQ(bench.status("a"), MemberStatus::alive);
  EXPECT_FALSE(bench.status("unfit").has_value());
}

TEST(EngineVersions, InventedMembersKeepNewcomersOutOfNoCluster) {
  for (const Bytes& vsn : {versions(200, 255, 200), versions(1, 5, 9), versions(1, 1, 1)}) {
    SCOPED_TRACE(::testing::PrintToString(vsn));
    Cluster cluster({.size = 3});
    ASSERT_TRUE(cluster.assemble());
    for (HostId node = 0; node < 3; ++node) {
      cluster.act(node, [&](Engine& engine, TimePoint now) {
        Claim ghost = claim("ghost", 1);
        ghost.vsn = vsn;
        Bytes packet = alive_message(ghost);
        engine.handle_packet(now, kPeer, packet);
        return true;
      });
    }
    const HostId newcomer = cluster.add();
    const auto id = cluster.join(newcomer, {0});
    cluster.run_for(3s);
    ASSERT_NE(cluster.completion(newcomer, *id), nullptr);
    EXPECT_TRUE(cluster.completion(newcomer, *id)->result.has_value());
    EXPECT_TRUE(cluster.agree(4));
    for (HostId node = 0; node < 4; ++node) {
      EXPECT_FALSE(cluster.engine(node).member("ghost").has_value());
    }
  }
}

TEST(EngineVersions, RefusedPeerHearsWhyAndNotOurState) {
  Bench bench(no_probes());
  Claim unfit = claim("unfit", 2);
  unfit.vsn = versions(3, 5, 3);
  const auto reply = exchange(bench, {unfit}, true);
  ASSERT_NE(reply, nullptr);
  const auto* error = std::get_if<wire::ErrorMessage>(&reply->message());
  ASSERT_NE(error, nullptr);
  EXPECT_NE(error->error.find("version"), std::string_view::npos);
}

TEST(EngineVersions, TheDeadAndTheLeftDoNotCount) {
  for (const char* from : {"x", "narrow"}) {
    Bench bench(no_probes());
    Claim narrow = claim("narrow", 1);
    narrow.vsn = versions(1, 2, 2);
    bench.receive(kPeer, {alive_message(narrow), dead_message("narrow", 1, from)});
    Claim grave = claim("grave", 2, MemberStatus::dead);
    grave.vsn = versions(100, 110, 105);
    Claim modern = claim("modern", 3);
    modern.vsn = versions(1, 5, 4);
    exchange(bench, {modern, grave});
    EXPECT_EQ(bench.status("modern"), MemberStatus::alive);
  }
}

TEST(EngineVersions, LocalMembersCountToo) {
  Bench bench(no_probes());
  Claim narrow = claim("narrow", 1);
  narrow.vsn = versions(1, 3, 3);
  bench.receive(kPeer, {alive_message(narrow)});
  Claim modern = claim("modern", 2);
  modern.vsn = versions(1, 5, 4);
  exchange(bench, {modern});
  EXPECT_FALSE(bench.status("modern").has_value()) << "narrow could not understand it";
}

TEST(EngineVersions, DelegateVersionsOfOursAreChecked) {
  Config config = no_probes();
  config.delegate_protocol_min = 2;
  config.delegate_protocol_max = 5;
  config.delegate_protocol_version = 4;
  Bench bench(config);
  exchange(bench, {claim("plain", 1)});
  EXPECT_FALSE(bench.status("plain").has_value());
  Claim serf = claim("serf", 2);
  serf.vsn = versions(1, 5, 2, 2, 5, 4);
  exchange(bench, {serf});
  EXPECT_EQ(bench.status("serf"), MemberStatus::alive);
}

}  // namespace
}  // namespace memberlist::testing
