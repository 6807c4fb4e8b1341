#include "engine_fixture.hpp"

// Protocol 6, 'alive', rule by rule, seen through gossip.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

const Address kElsewhere{IpAddress::v4(10, 9, 4, 4), 4444};

Claim claim(std::uint32_t incarnation, std::string_view meta = {}) {
  return {.name = "m", .address = kAddress, .incarnation = incarnation, .meta = to_bytes(meta)};
}

TEST(EngineAlive, NewNodeJoinsAndIsPassedOn) {
  Bench bench(no_probes());
  bench.receive(kPeer, {alive_message(claim(7, "tag"))});
  const Member member = bench.engine().member("m").value();
  EXPECT_EQ(member.status, MemberStatus::alive);
  EXPECT_EQ(member.incarnation, 7u);
  EXPECT_EQ(member.address(), kAddress);
  EXPECT_EQ(as_text(member.meta()), "tag");
  EXPECT_EQ(member.record->protocol, (VersionRange{1, 5, 2}));
  EXPECT_EQ(member.since, bench.now());
  ASSERT_EQ(bench.kinds("m"), (Kinds{join}));
  const MemberEvent event = bench.changes("m").front().event;
  EXPECT_EQ(event.cause.kind, Cause::Kind::gossip);
  EXPECT_EQ(event.cause.source, kPeer);
  EXPECT_EQ(event.member.incarnation, 7u);
  bench.run_for(5s);
  ASSERT_FALSE(bench.sent_about(Type::alive, "m").empty());
  const wire::Alive passed_on = bench.sent_about(Type::alive, "m").front()->alive();
  EXPECT_EQ(passed_on.incarnation, 7u);
  EXPECT_EQ(IpAddress::from_bytes(passed_on.addr), kAddress.ip);
  EXPECT_EQ(passed_on.port, kAddress.port);
  EXPECT_EQ(as_text(passed_on.meta), "tag");
  EXPECT_EQ(to_bytes(passed_on.vsn), versions(1, 5, 2));
}

TEST(EngineAlive, IsIdempotent) {
  Bench bench(no_probes());
  bench.receive(kPeer, {alive_message(claim(1))});
  bench.run_for(10s);
  const std::uint64_t digest = bench.engine().view_digest();
  bench.forget();
  for (int i = 0; i < 5; ++i) bench.receive(kPeer, {alive_message(claim(1, "other"))});
  bench.run_for(10s);
  EXPECT_TRUE(bench.changes("m").empty());
  EXPECT_TRUE(bench.sent(Type::alive).empty());
  EXPECT_EQ(bench.engine().view_digest(), digest);
}

TEST(EngineAlive, OlderIncarnationIsIgnored) {
  Bench bench(no_probes());
  bench.receive(kPeer, {alive_message(claim(5, "new"))});
  bench.receive(kPeer, {alive_message(claim(4, "old"))});
  EXPECT_EQ(bench.incarnation("m"), 5u);
  EXPECT_EQ(as_text(bench.engine().member("m")->meta()), "new");
  EXPECT_EQ(bench.kinds("m"), (Kinds{join}));
}

TEST(EngineAlive, GreaterIncarnationWithNewMetaIsAnUpdate) {
  Bench bench(no_probes());
  bench.receive(kPeer, {alive_message(claim(1, "one"))});
  bench.receive(kPeer, {alive_message(claim(2, "two"))});
  ASSERT_EQ(bench.kinds("m"), (Kinds{join, update}));
  EXPECT_EQ(as_text(bench.changes("m")[1].event.member.meta()), "two");
  bench.receive(kPeer, {alive_message(claim(3, "two"))});
  EXPECT_EQ(bench.kinds("m"), (Kinds{join, update})) << "nothing but the incarnation is new";
  EXPECT_EQ(bench.incarnation("m"), 3u);
}

TEST(EngineAlive, EarlierSnapshotsDoNotChange) {
  Bench bench(no_probes());
  bench.receive(kPeer, {alive_message(claim(1, "one"))});
  const MemberSnapshot before = bench.engine().members();
  EXPECT_EQ(bench.engine().members(), before) << "made anew only after changes";
  bench.receive(kPeer, {alive_message(claim(2, "two"))});
  ASSERT_EQ(before->size(), 2u);
  EXPECT_EQ(before[0].name(), "m");
  EXPECT_EQ(as_text(before[0].meta()), "one");
  EXPECT_EQ(as_text(bench.engine().members()[0].meta()), "two");
}

TEST(EngineAlive, GreaterIncarnationClearsASuspicion) {
  AnsweringBench bench;
  bench.receive(kPeer, {alive_message(claim(1))});
  bench.receive(kPeer, {suspect_message("m", 1, "x")});
  bench.receive(kPeer, {alive_message(claim(1))});
  EXPECT_EQ(bench.status("m"), MemberStatus::suspect) << "the same incarnation refutes nothing";
  bench.run_for(1s);
  bench.receive(kPeer, {alive_message(claim(2))});
  EXPECT_EQ(bench.status("m"), MemberStatus::alive);
  EXPECT_EQ(bench.engine().member("m")->since, bench.now());
  bench.run_for(60s);
  EXPECT_EQ(bench.kinds("m"), (Kinds{join, suspect, alive})) << "and its timer is gone";
  EXPECT_EQ(bench.engine().counters().suspicions_refuted, 1u);
}

TEST(EngineAlive, ComesBackFromTheDeadWithAGreaterIncarnationOnly) {
  Bench bench(no_probes());
  bench.receive(kPeer, {alive_message(claim(3))});
  bench.receive(kPeer, {dead_message("m", 3, "x")});
  bench.receive(kPeer, {alive_message(claim(3))});
  EXPECT_EQ(bench.status("m"), MemberStatus::dead) << "a replayed message revives nobody";
  bench.receive(kPeer, {alive_message(claim(4))});
  EXPECT_EQ(bench.status("m"), MemberStatus::alive);
  EXPECT_EQ(bench.kinds("m"), (Kinds{join, dead, leave, alive, join}));
}

TEST(EngineAlive, UnsoundVersionsAreIgnored) {
  for (const Bytes& vsn :
       {versions(0, 5, 2), versions(1, 0, 2), versions(3, 2, 2), versions(0, 0, 0)}) {
    Bench bench(no_probes());
    Claim bad = claim(1);
    bad.vsn = vsn;
    bench.receive(kPeer, {alive_message(bad)});
    EXPECT_FALSE(bench.status("m").has_value());
    EXPECT_TRUE(bench.changes("m").empty());
  }
}

TEST(EngineAlive, PortZeroMeansTheConfiguredBindPort) {
  Config config = no_probes();
  config.bind.port = 7979;
  Bench bench(config);
  Claim portless = claim(1);
  portless.address.port = 0;
  bench.receive(kPeer, {alive_message(portless)});
  EXPECT_EQ(bench.engine().member("m")->address(), (Address{kAddress.ip, 7979}));
}

TEST(EngineAlive, MappedAddressIsTheIpv4Address) {
  Bench bench(no_probes());
  bench.receive(kPeer, {alive_message(claim(1))});
  Claim mapped = claim(2, "moved?");
  const auto& all = kAddress.ip.bytes();
  mapped.raw_address = to_bytes(std::as_bytes(std::span(all)));
  ASSERT_EQ(mapped.raw_address->size(), 16u);
  bench.receive(kPeer, {alive_message(mapped)});
  EXPECT_EQ(bench.kinds("m"), (Kinds{join, update}));
}

TEST(EngineAlive, Ipv6MembersAreTakenAndPassedOn) {
  Bench bench(no_probes());
  Claim six = claim(1);
  six.address = Address::parse("[2001:db8::7]:7946", 0).value();
  bench.receive(kPeer, {alive_message(six)});
  EXPECT_EQ(bench.engine().member("m")->address(), six.address);
  bench.run_for(2s);
  ASSERT_FALSE(bench.sent_about(Type::alive, "m").empty());
  EXPECT_EQ(bench.sent_about(Type::alive, "m").front()->alive().addr.size(), 16u);
}

// The zone is part of the address here, and of no message.
TEST(EngineAlive, LinkLocalMembersAreKnownByTheirAddressWithTheZoneOfThisNode) {
  const Address own{IpAddress::parse("fe80::1%2").value(), 7946};
  const Address other{IpAddress::parse("fe80::2%2").value(), 7946};
  Bench bench(EngineBench::quiet_config(), nullptr, 1,
              [&](EngineEnvironment& environment) { environment.advertise = own; });
  bench.receive(other, {alive_message({.name = "a", .address = other})});
  ASSERT_EQ(bench.status("a"), MemberStatus::alive);
  EXPECT_EQ(bench.engine().member("a")->address(), other);

  // What others say of this node is no conflict, but is known, or refuted.
  bench.receive(other, {alive_message({.name = "self", .address = own})});
  EXPECT_EQ(bench.incarnation("self"), 1u);
  bench.receive(other, {alive_message({.name = "self", .address = own, .incarnation = 4})});
  EXPECT_EQ(bench.incarnation("self"), 5u);
  EXPECT_EQ(bench.kinds("self"), (Kinds{join}));
  EXPECT_EQ(bench.engine().counters().dropped_limit, 0u);

  // It is answered at its address, where it asks for that too, and known to be a member.
  bench.forget();
  bench.receive(other, {ping_message(1, "self", other)});
  ASSERT_EQ(bench.sent(Type::ack, other).size(), 1u);
  EXPECT_GT(bench.packets().front().messages.size(), 1u) << "news are for members";
}

TEST(EngineAlive, PolicyMayVeto) {
  VirtualPolicy policy;
  std::vector<std::string> asked;
  policy.on_alive = [&](const MemberRecord& peer) -> Result<void> {
    asked.push_back(peer.name);
    if (as_text(peer.meta) == "bad") return fail(ErrorCode::vetoed, "not that one");
    return {};
  };
  Bench bench(no_probes(), &policy);
  bench.receive(kPeer, {alive_message(claim(1, "bad"))});
  EXPECT_FALSE(bench.status("m").has_value());
  bench.receive(kPeer, {alive_message(claim(2, "good"))});
  EXPECT_EQ(bench.status("m"), MemberStatus::alive);
  bench.receive(kPeer, {alive_message(claim(3, "bad"))});
  EXPECT_EQ(bench.incarnation("m"), 2u);
  EXPECT_EQ(bench.kinds("m"), (Kinds{join}));
  EXPECT_GE(std::ranges::count(asked, "m"), 3);
}

// What repeats what is known is told apart before the rules, but not from the application, and only
// if the rules would take it.
TEST(EngineAlive, WhatIsKnownIsStillHeldToTheRules) {
  VirtualPolicy policy;
  std::size_t asked = 0;
  policy.on_alive = [&](const MemberRecord&) -> Result<void> {
    ++asked;
    return {};
  };
  Bench with_policy(no_probes(), &policy);
  with_policy.receive(kPeer, {alive_message(claim(1))});
  const std::size_t before = asked;
  with_policy.receive(kPeer, {alive_message(claim(1))});
  EXPECT_EQ(asked, before + 1);

  Bench bench(no_probes());
  bench.receive(kPeer, {alive_message(claim(1))});
  Claim unfit = claim(1);
  unfit.vsn = versions(3, 5, 3);
  bench.receive(kPeer, {alive_message(unfit)});
  EXPECT_EQ(bench.engine().counters().dropped_poison, 1u);
  bench.receive(kPeer, {alive_message(claim(1, std::string(limits::kMetaBytes + 1, 'm')))});
  EXPECT_EQ(bench.engine().counters().dropped_limit, 1u);
  Claim elsewhere = claim(1);
  elsewhere.address = kElsewhere;
  bench.receive(kPeer, {alive_message(elsewhere)});
  EXPECT_EQ(bench.kinds("m"), (Kinds{join, conflict}));
}

// --- conflict and reclaim -----------------------------------------------------------------------

Claim moved(std::uint32_t incarnation) {
  Claim other = claim(incarnation);
  other.address = kElsewhere;
  return other;
}

TEST(EngineConflict, OtherAddressIsToldAndIgnored) {
  Bench bench(no_probes());
  bench.receive(kPeer, {alive_message(claim(1))});
  bench.receive(kPeer, {alive_message(moved(9))});
  EXPECT_EQ(bench.engine().member("m")->address(), kAddress);
  EXPECT_EQ(bench.incarnation("m"), 1u);
  ASSERT_EQ(bench.kinds("m"), (Kinds{join, conflict}));
  const MemberEvent event = bench.changes("m")[1].event;
  EXPECT_EQ(event.member.address(), kAddress);
  EXPECT_EQ(event.other, kElsewhere);
}

TEST(EngineConflict, OtherPortIsAConflictToo) {
  Bench bench(no_probes());
  bench.receive(kPeer, {alive_message(claim(1))});
  Claim other = claim(2);
  other.address.port = 1;
  bench.receive(kPeer, {alive_message(other)});
  EXPECT_EQ(bench.kinds("m"), (Kinds{join, conflict}));
}

TEST(EngineConflict, SomebodyWithOurOwnNameIsAConflict) {
  Bench bench(no_probes());
  bench.receive(kPeer, {alive_message({.name = "self", .address = kElsewhere})});
  EXPECT_EQ(bench.engine().local_member().address(), bench.address());
  EXPECT_EQ(bench.kinds("self"), (Kinds{join, conflict}));
  EXPECT_EQ(bench.changes("self")[1].event.other, kElsewhere);
  EXPECT_TRUE(bench.changes("self")[1].event.self);
  EXPECT_EQ(bench.engine().local_member().incarnation, 1u) << "no need to refute";
}

TEST(EngineReclaim, MemberThatLeftMayComeBackElsewhere) {
  Bench bench(no_probes());
  bench.receive(kPeer, {alive_message(claim(1)), dead_message("m", 1, "m")});
  ASSERT_EQ(bench.status("m"), MemberStatus::left);
  bench.receive(kPeer, {alive_message(moved(2))});
  EXPECT_EQ(bench.status("m"), MemberStatus::alive);
  EXPECT_EQ(bench.engine().member("m")->address(), kElsewhere);
  EXPECT_EQ(bench.kinds("m"), (Kinds{join, leave, alive, join}));
}

TEST(EngineReclaim, StaleClaimIsToldWhatIsRememberedInsteadOfBelieved) {
  Bench bench(no_probes());
  bench.receive(kPeer, {alive_message(claim(7)), dead_message("m", 7, "m")});
  bench.receive(kPeer, {alive_message(moved(7))});
  EXPECT_EQ(bench.status("m"), MemberStatus::left);
  EXPECT_EQ(bench.engine().member("m")->address(), kAddress);
  EXPECT_EQ(bench.kinds("m"), (Kinds{join, leave})) << "no conflict: its place is free";
  const auto told = bench.sent(Type::dead, kElsewhere);
  ASSERT_EQ(told.size(), 1u) << "so that whoever is there refutes upward";
  EXPECT_EQ(told[0]->dead().incarnation, 7u);
  bench.receive(kElsewhere, {alive_message(moved(8))});
  EXPECT_EQ(bench.status("m"), MemberStatus::alive);
  EXPECT_EQ(bench.engine().member("m")->address(), kElsewhere);
}

TEST(EngineReclaim, DeadMemberMayComeBackElsewhereAfterTheReclaimTime) {
  Config config = no_probes();
  config.dead_node_reclaim_time = 10s;
  Bench bench(config);
  bench.receive(kPeer, {alive_message(claim(1)), dead_message("m", 1, "x")});
  bench.run_for(9s);
  bench.receive(kPeer, {alive_message(moved(2))});
  EXPECT_EQ(bench.status("m"), MemberStatus::dead);
  EXPECT_EQ(bench.kinds("m").back(), conflict);
  bench.run_for(1001ms);
  bench.receive(kPeer, {alive_message(moved(2))});
  EXPECT_EQ(bench.status("m"), MemberStatus::alive);
  EXPECT_EQ(bench.engine().member("m")->address(), kElsewhere);
}

TEST(EngineReclaim, WithoutAReclaimTimeADeadMembersNameStaysTaken) {
  Bench bench(no_probes());
  bench.receive(kPeer, {alive_message(claim(1)), dead_message("m", 1, "x")});
  bench.run_for(20s);
  bench.receive(kPeer, {alive_message(moved(2))});
  EXPECT_EQ(bench.status("m"), MemberStatus::dead);
  EXPECT_EQ(bench.kinds("m"), (Kinds{join, dead, leave, conflict}));
}

// --- about ourselves ----------------------------------------------------------------------------

Claim about_self(EngineBench& bench, std::uint32_t incarnation, std::string_view meta = {}) {
  return {.name = "self",
          .address = bench.address(),
          .incarnation = incarnation,
          .meta = to_bytes(meta),
          .vsn = versions(1, 5, 2)};
}

TEST(EngineAliveSelf, EchoOfOurOwnMessageIsIgnored) {
  Bench bench(no_probes());
  ASSERT_EQ(bench.engine().local_member().incarnation, 1u);
  bench.receive(kPeer, {alive_message(about_self(bench, 1))});
  EXPECT_EQ(bench.engine().local_member().incarnation, 1u);
  EXPECT_EQ(bench.engine().counters().refutations, 0u);
}

TEST(EngineAliveSelf, OlderOneIsIgnored) {
  Bench bench(no_probes());
  bench.receive(kPeer, {suspect_message("self", 5, "x")});
  ASSERT_EQ(bench.engine().local_member().incarnation, 6u);
  bench.receive(kPeer, {alive_message(about_self(bench, 5, "old meta"))});
  EXPECT_EQ(bench.engine().local_member().incarnation, 6u);
}

TEST(EngineAliveSelf, OtherMetaAtOurIncarnationIsRefuted) {
  Config config = no_probes();
  config.meta = to_bytes("mine");
  Bench bench(config);
  bench.receive(kPeer, {alive_message(about_self(bench, 1, "not mine"))});
  EXPECT_EQ(bench.engine().local_member().incarnation, 2u);
  EXPECT_EQ(as_text(bench.engine().local_member().meta()), "mine");
  EXPECT_EQ(bench.engine().counters().refutations, 1u);
}

TEST(EngineAliveSelf, GreaterIncarnationIsRefutedUpward) {
  Bench bench(no_probes());
  bench.meet("a");
  bench.receive(kPeer, {alive_message(about_self(bench, 41))});
  EXPECT_EQ(bench.engine().local_member().incarnation, 42u);
  EXPECT_EQ(bench.engine().health_score(), 1u);
  bench.run_for(1s);
  const auto sent = bench.sent_about(Type::alive, "self");
  ASSERT_FALSE(sent.empty());
  EXPECT_EQ(sent.back()->alive().incarnation, 42u);
}

TEST(EngineAliveSelf, NoEventsAboutOneselfByWhatOthersSay) {
  Bench bench(no_probes());
  bench.forget();
  bench.receive(kPeer, {alive_message(about_self(bench, 41))});
  bench.receive(kPeer, {suspect_message("self", 50, "x"), dead_message("self", 60, "x")});
  EXPECT_TRUE(bench.changes("self").empty());
  EXPECT_EQ(bench.engine().local_member().status, MemberStatus::alive);
}

// --- allowed networks (protocol 10) -------------------------------------------------------------

Config in_networks(std::vector<std::string_view> networks) {
  Config config = no_probes();
  config.allowed_networks.emplace();
  for (const std::string_view text : networks) {
    config.allowed_networks->push_back(Network::parse(text).value());
  }
  return config;
}

TEST(EngineNetworks, NoListAllowsAll) {
  Bench bench(no_probes());
  Claim six = claim(1);
  six.name = "six";
  six.address = Address::parse("[2001:db8::7]:7946", 0).value();
  bench.receive(kPeer, {alive_message(claim(1)), alive_message(six)});
  EXPECT_EQ(bench.status("m"), MemberStatus::alive);
  EXPECT_EQ(bench.status("six"), MemberStatus::alive);
}

TEST(EngineNetworks, MemberOutsideIsDropped) {
  Bench bench(in_networks({"10.9.0.0/16"}));
  Claim outside = claim(1);
  outside.address.ip = IpAddress::v4(10, 8, 0, 1);
  bench.receive(kPeer, {alive_message(outside)});
  EXPECT_FALSE(bench.status("m").has_value());
  EXPECT_EQ(bench.engine().counters().dropped_network, 1u);
  bench.receive(kPeer, {alive_message(claim(1))});
  EXPECT_EQ(bench.status("m"), MemberStatus::alive);
}

TEST(EngineNetworks, AliveFromASourceOutsideIsDropped) {
  Bench bench(in_networks({"10.9.0.0/16"}));
  bench.receive({IpAddress::v4(192, 168, 0, 1), 7946}, {alive_message(claim(1))});
  EXPECT_FALSE(bench.status("m").has_value());
  EXPECT_EQ(bench.engine().counters().dropped_network, 1u);
}

TEST(EngineNetworks, SeveralNetworksOfBothFamilies) {
  Bench bench(in_networks({"10.9.3.0/24", "2001:db8::/32", "10.9.7.7/32"}));
  const auto known = [&](std::string_view address) {
    static int number = 0;
    const std::string name = "n" + std::to_string(number++);
    bench.receive(kPeer,
                  {alive_message({.name = name, .address = Address::parse(address, 1).value()})});
    return bench.status(name).has_value();
  };
  EXPECT_TRUE(known("10.9.3.200:1"));
  EXPECT_TRUE(known("[2001:db8:1::1]:1"));
  EXPECT_FALSE(known("10.9.4.1:1"));
  EXPECT_FALSE(known("[2001:db9::1]:1"));
}

TEST(EngineNetworks, ReclaimChecksTheNewAddressToo) {
  Bench bench(in_networks({"10.9.3.0/24", "10.9.7.7", "10.9.0.1"}));
  bench.receive(kPeer, {alive_message(claim(1)), dead_message("m", 1, "m")});
  bench.receive(kPeer, {alive_message(moved(2))});
  EXPECT_EQ(bench.status("m"), MemberStatus::left);
  EXPECT_EQ(bench.engine().member("m")->address(), kAddress);
}

}  // namespace
}  // namespace memberlist::testing
