#include <algorithm>

#include "engine_fixture.hpp"

// Protocol 6, 'Tombstones': a forgotten member is not brought back by old messages, only by its own
// message or by a greater incarnation.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

const Address kOwn{IpAddress::v4(10, 9, 3, 1), 7946};

Claim claim_of(std::uint32_t incarnation, std::string name = "m", const Address& address = kOwn) {
  return {.name = std::move(name), .address = address, .incarnation = incarnation};
}

void push_pull(EngineBench& bench, const Address& from, const std::vector<Claim>& claims) {
  const auto id = bench.accept({from.ip, 40'000});
  ASSERT_TRUE(id.has_value());
  bench.feed(*id, bench.sealed(push_pull_message(true, claims), true));
  bench.end(*id);
}

// `m` was alive with incarnation 7, and is forgotten.
class Buried : public AnsweringBench {
 public:
  explicit Buried(std::string_view accuser = "x") {
    receive(kPeer, {alive_message(claim_of(7)), dead_message("m", 7, accuser)});
    EXPECT_TRUE(run_until([&] { return !status("m").has_value(); }, 60s));
    EXPECT_EQ(engine().counters().tombstones, 1u);
    forget();
  }
};

TEST(EngineTombstones, OldGossipBringsNobodyBack) {
  for (const std::string_view accuser : {"x", "m"}) {
    SCOPED_TRACE(accuser);
    Buried bench(accuser);
    bench.receive(kPeer, {alive_message(claim_of(7))});
    bench.receive(kPeer, {alive_message(claim_of(6))});
    EXPECT_FALSE(bench.status("m").has_value());
    EXPECT_TRUE(bench.kinds("m").empty());
    EXPECT_EQ(bench.engine().counters().dropped_buried, 2u);
  }
}

TEST(EngineTombstones, OldPushPullOfAThirdPartyBringsNobodyBack) {
  Buried bench;
  push_pull(bench, kPeer, {claim_of(1, "other", kPeer), claim_of(7)});
  EXPECT_EQ(bench.status("other"), MemberStatus::alive);
  EXPECT_FALSE(bench.status("m").has_value());
  EXPECT_EQ(bench.engine().counters().dropped_buried, 1u);
}

TEST(EngineTombstones, AreNeitherListedNorSentNorGossipedTo) {
  Buried bench;
  const auto id = bench.accept(kPeer);
  bench.feed(*id, bench.sealed(push_pull_message(false, {claim_of(1, "a", kPeer)}), true));
  const auto answer = bench.read(*id);
  ASSERT_NE(answer, nullptr);
  EXPECT_EQ(std::get<wire::PushPullMessage>(answer->message()).header.nodes, 1);
  EXPECT_EQ(bench.engine().members()->size(), 2u);
  bench.run_for(20s);
  EXPECT_TRUE(std::ranges::none_of(bench.packets(), [](const auto& p) { return p.to == kOwn; }));
}

TEST(EngineTombstones, TheClaimedAddressIsToldWhatIsRemembered) {
  for (const std::string_view accuser : {"x", "m"}) {
    SCOPED_TRACE(accuser);
    Buried bench(accuser);
    bench.receive(kPeer, {alive_message(claim_of(3))});
    const auto told = bench.sent(Type::dead, kOwn);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0]->dead().incarnation, 7u);
    EXPECT_EQ(told[0]->dead().from, accuser == "m" ? "m" : "self");
    bench.receive(kOwn, {alive_message(claim_of(8))});
    EXPECT_EQ(bench.kinds("m"), (Kinds{join})) << "it has refuted upward";
    EXPECT_EQ(bench.engine().counters().tombstones, 0u);
  }
}

TEST(EngineTombstones, StrangersAreToldSoOftenASecond) {
  Buried bench;
  for (int i = 0; i < 100; ++i) bench.receive(kPeer, {alive_message(claim_of(7))});
  EXPECT_EQ(bench.sent(Type::dead, kOwn).size(), 64u);
  EXPECT_EQ(bench.engine().counters().dropped_limit, 36u);
  bench.run_for(1s);
  bench.receive(kPeer, {alive_message(claim_of(7))});
  EXPECT_EQ(bench.sent(Type::dead, kOwn).size(), 65u);
}

TEST(EngineTombstones, GreaterIncarnationIsBelieved) {
  Buried bench;
  bench.receive(kPeer, {alive_message(claim_of(8))});
  EXPECT_EQ(bench.status("m"), MemberStatus::alive);
  EXPECT_EQ(bench.engine().counters().tombstones, 0u);
  EXPECT_TRUE(bench.sent(Type::dead, kOwn).empty());
}

TEST(EngineTombstones, ItsOwnPushPullIsBelieved) {
  Buried bench;
  push_pull(bench, kOwn, {claim_of(1, "other", kPeer), claim_of(1)});
  EXPECT_EQ(bench.status("m"), MemberStatus::alive);
  EXPECT_EQ(bench.incarnation("m"), 1u);
  EXPECT_EQ(bench.sent(Type::dead, kOwn).size(), 1u) << "others remember it, too";
}

// The port that a stream comes from says nothing.
TEST(EngineTombstones, WhereTwoShareAnIpAddressNeitherIsTakenForTheSpeaker) {
  Buried bench;
  const Address neighbour{kOwn.ip, 7947};
  push_pull(bench, kOwn, {claim_of(1, "neighbour", neighbour), claim_of(7)});
  EXPECT_EQ(bench.status("neighbour"), MemberStatus::alive);
  EXPECT_FALSE(bench.status("m").has_value());
  EXPECT_EQ(bench.sent(Type::dead, kOwn).size(), 1u) << "it can still speak for itself";
}

TEST(EngineTombstones, WhoWasDialledIsBelievedAboutItself) {
  Buried bench;
  ScriptedPeer& peer = bench.add_peer("m");
  const Address neighbour{peer.address.ip, 7947};
  peer.tcp = ScriptedPeer::Tcp::answers;
  peer.claims = {peer.claim(), claim_of(1, "neighbour", neighbour)};
  const auto id = bench.act(
      [&](Engine& engine, TimePoint now) { return engine.join(now, {{"", peer.address}}); });
  ASSERT_TRUE(bench.run_until([&] { return bench.completion(*id) != nullptr; }, 10s));
  EXPECT_EQ(bench.status("m"), MemberStatus::alive);
  EXPECT_EQ(bench.engine().member("m")->address(), peer.address) << "also where it is new";
}

TEST(EngineTombstones, AreForgottenAtTheirTime) {
  Buried bench;
  bench.run_for(59min);
  bench.receive(kPeer, {alive_message(claim_of(7))});
  EXPECT_FALSE(bench.status("m").has_value());
  bench.run_for(61s);
  EXPECT_EQ(bench.engine().counters().tombstones, 0u);
  bench.receive(kPeer, {alive_message(claim_of(7))});
  EXPECT_EQ(bench.status("m"), MemberStatus::alive);
}

// --- in clusters --------------------------------------------------------------------------------

class Forgotten : public Cluster {
 public:
  explicit Forgotten(std::size_t size) : Cluster({.size = size}), lost_(size - 1) {
    EXPECT_TRUE(assemble());
    // Incarnations are above 1, as after a while in the field.
    for (int i = 0; i < 3; ++i) {
      (void)act(lost_, [](Engine& engine, TimePoint at) {
        return engine.update_meta(at, as_bytes("x"), 1s);
      });
    }
    run_for(5s);
    EXPECT_TRUE(agree(size));
    crash(lost_);
    EXPECT_TRUE(run_until([&] { return is_forgotten(); }, 240s));
  }

  [[nodiscard]] bool is_forgotten() {
    for (HostId node = 0; node < lost_; ++node) {
      if (status(node, lost_).has_value()) return false;
    }
    return true;
  }
  [[nodiscard]] HostId lost() const noexcept { return lost_; }

 private:
  HostId lost_;
};

TEST(EngineTombstones, RestartedNodeComesBackThroughAnyOfThoseWhoRememberIt) {
  for (const std::size_t size : {2u, 8u}) {
    SCOPED_TRACE(size);
    Forgotten cluster(size);
    cluster.restart(cluster.lost());
    ASSERT_EQ(cluster.engine(cluster.lost()).local_member().incarnation, 1u);
    ASSERT_TRUE(cluster.join(cluster.lost(), {0}).has_value());
    EXPECT_TRUE(cluster.run_until([&] { return cluster.agree(size); }, 3s));
    EXPECT_GT(cluster.engine(0).member(cluster.name(cluster.lost()))->incarnation, 4u);
  }
}

TEST(EngineTombstones, RestartedNodeComesBackWhereItIsDialled) {
  Forgotten cluster(6);
  cluster.restart(cluster.lost());
  ASSERT_TRUE(cluster.join(2, {cluster.lost()}).has_value());
  EXPECT_TRUE(cluster.run_until([&] { return cluster.agree(6); }, 3s));
}

TEST(EngineTombstones, OneThatRemembersAmongThoseWhoDoNot) {
  Forgotten cluster(6);
  for (HostId node = 1; node < 5; ++node) {
    cluster.kill(node);
    cluster.restart(node);
    ASSERT_TRUE(cluster.join(node, {0}).has_value());
  }
  ASSERT_TRUE(cluster.run_until([&] { return cluster.agree(5); }, 30s));
  EXPECT_EQ(cluster.engine(0).counters().tombstones, 1u);
  EXPECT_EQ(cluster.engine(1).counters().tombstones, 0u);
  cluster.restart(cluster.lost());
  ASSERT_TRUE(cluster.join(cluster.lost(), {3}).has_value());
  EXPECT_TRUE(cluster.run_until([&] { return cluster.agree(6); }, 3s));
}

// Each half has declared the other dead, with the incarnations that are still theirs.
TEST(EngineTombstones, HalvesThatForgotEachOtherAreOneAfterOneJoin) {
  Cluster cluster({.size = 8});
  ASSERT_TRUE(cluster.assemble());
  for (HostId node = 4; node < 8; ++node) cluster.network().set_group(node, 1);
  const auto all_forgot = [&] {
    for (HostId node = 0; node < 8; ++node) {
      if (cluster.engine(node).members()->size() != 4) return false;
    }
    return true;
  };
  ASSERT_TRUE(cluster.run_until(all_forgot, 300s));
  cluster.network().heal_partitions();
  ASSERT_TRUE(cluster.join(0, {4}).has_value());
  EXPECT_TRUE(cluster.run_until([&] { return cluster.agree(8); }, 10s));
}

// ML#311, ML#312: a member that was away for long holds the dead for alive, and says so.
TEST(EngineTombstones, SomebodyWhoSleptDoesNotBringBackTheDead) {
  Cluster cluster({.size = 6});
  ASSERT_TRUE(cluster.assemble());
  cluster.pause(4);
  cluster.crash(5);
  const auto forgotten = [&] {
    for (HostId node = 0; node < 4; ++node) {
      if (cluster.engine(node).members()->size() != 4) return false;
    }
    return true;
  };
  ASSERT_TRUE(cluster.run_until(forgotten, 300s));
  const TimePoint woken = cluster.now();
  cluster.resume(4);
  cluster.run_for(180s);
  for (HostId node = 0; node < 4; ++node) {
    EXPECT_FALSE(cluster.status(node, 5).has_value());
    EXPECT_EQ(cluster.count(node, 5, join, woken), 0u);
  }
}

}  // namespace
}  // namespace memberlist::testing
