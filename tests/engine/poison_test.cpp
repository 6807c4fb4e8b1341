#include "engine_fixture.hpp"

// Protocol 6, 'Poison': members that could not be probed are refused, whichever way they come.
namespace memberlist::testing {
namespace {

struct Poison {
  std::string why;
  Claim claim;
};

std::vector<Poison> poisons() {
  const Claim sound{.name = "m", .address = kAddress};
  std::vector<Poison> all;
  for (std::size_t count = 0; count < 6; ++count) {
    Claim claim = sound;
    claim.vsn.resize(count);
    all.push_back({"only " + std::to_string(count) + " version bytes", claim});
  }
  for (const std::size_t length : {0U, 1U, 3U, 5U, 15U, 17U, 64U}) {
    Claim claim = sound;
    claim.raw_address = Bytes(length, std::byte{10});
    all.push_back({"an address of " + std::to_string(length) + " bytes", claim});
  }
  for (const std::size_t length : {4U, 16U}) {
    Claim claim = sound;
    claim.raw_address = Bytes(length);
    all.push_back({"the unspecified address, " + std::to_string(length) + " bytes", claim});
  }
  Claim mapped = sound;
  mapped.raw_address = Bytes(16);
  (*mapped.raw_address)[10] = (*mapped.raw_address)[11] = std::byte{0xff};
  all.push_back({"the unspecified IPv4 address, mapped", mapped});
  for (const Bytes& vsn :
       {versions(200, 255, 200), versions(1, 5, 9), versions(2, 5, 1), versions(1, 1, 1),
        versions(3, 5, 3), versions(6, 9, 7), versions(1, 5, 2, 1, 5, 1),
        versions(1, 5, 2, 0, 0, 1), versions(1, 5, 2, 0, 5, 3), versions(1, 5, 2, 3, 2, 0)}) {
    Claim claim = sound;
    claim.vsn = vsn;
    all.push_back({"versions " + ::testing::PrintToString(vsn), claim});
  }
  Claim nameless = sound;
  nameless.name.clear();
  all.push_back({"an empty name", nameless});
  return all;
}

TEST(EnginePoison, RefusedInGossipAndNotPassedOn) {
  for (const Poison& poison : poisons()) {
    SCOPED_TRACE(poison.why);
    Bench bench;
    bench.meet("a");
    bench.run_for(10s);
    bench.forget();
    bench.receive(kPeer, {alive_message(poison.claim)});
    EXPECT_EQ(bench.engine().counters().dropped_poison, 1u);
    EXPECT_EQ(bench.engine().members()->size(), 2u);
    EXPECT_TRUE(bench.events<MemberEvent>().empty());
    bench.run_for(5s);
    EXPECT_TRUE(bench.sent(Type::alive).empty());
  }
}

TEST(EnginePoison, DoesNotChangeAKnownMember) {
  for (const Poison& poison : poisons()) {
    if (poison.claim.name.empty()) continue;
    SCOPED_TRACE(poison.why);
    Bench bench;
    bench.receive(kPeer, {alive_message({.name = "m", .address = kAddress})});
    Claim again = poison.claim;
    again.incarnation = 9;
    bench.receive(kPeer, {alive_message(again)});
    EXPECT_EQ(bench.incarnation("m"), 1u);
    EXPECT_EQ(bench.kinds("m"), (Kinds{MemberEventKind::join}));
  }
}

TEST(EnginePoison, RefusedInAPushPullWhoseOtherStatesAreTaken) {
  for (const Poison& poison : poisons()) {
    SCOPED_TRACE(poison.why);
    Bench bench;
    const auto id = bench.accept(kPeer);
    ASSERT_TRUE(id.has_value());
    const Claim sound{.name = "sound", .address = {IpAddress::v4(10, 9, 5, 5), 7946}};
    bench.feed(*id, bench.sealed(push_pull_message(true, {poison.claim, sound}), true));
    EXPECT_EQ(bench.status("sound"), MemberStatus::alive);
    EXPECT_EQ(bench.engine().members()->size(), 2u);
    EXPECT_EQ(bench.engine().counters().dropped_poison, 1u);

    const auto again = bench.accept(kPeer);
    bench.feed(*again, bench.sealed(push_pull_message(false, {sound}), true));
    const auto reply = bench.read(*again);
    ASSERT_NE(reply, nullptr);
    EXPECT_EQ(std::get<wire::PushPullMessage>(reply->message()).header.nodes, 2);
  }
}

TEST(EnginePoison, DeadStateWithoutVersionsDoesNotStopAMerge) {
  Bench bench;
  Claim grave{.name = "grave", .address = kAddress, .status = MemberStatus::dead, .vsn = {}};
  const Claim sound{.name = "sound", .address = {IpAddress::v4(10, 9, 5, 5), 7946}};
  const auto id = bench.accept(kPeer);
  bench.feed(*id, bench.sealed(push_pull_message(true, {grave, sound}), true));
  EXPECT_EQ(bench.status("sound"), MemberStatus::alive);
  EXPECT_FALSE(bench.status("grave").has_value());
}

// A message about this node is answered, whatever versions it names: others may believe it.
TEST(EnginePoison, SenselessVersionsOfThisNodeAreRefuted) {
  Bench bench;
  bench.receive(kPeer, {alive_message({.name = "self",
                                       .address = bench.address(),
                                       .incarnation = 5,
                                       .vsn = versions(200, 255, 200)})});
  EXPECT_EQ(bench.incarnation("self"), 6u);
}

TEST(EnginePoison, NameOrMetaOverTheLimitIsRefused) {
  Bench bench;
  bench.receive(kPeer, {alive_message({.name = std::string(256, 'n'), .address = kAddress})});
  bench.receive(kPeer, {alive_message({.name = "m", .address = kAddress, .meta = Bytes(513)})});
  EXPECT_EQ(bench.engine().members()->size(), 1u);
  bench.receive(kPeer, {alive_message({.name = std::string(255, 'n'), .address = kAddress})});
  bench.receive(kPeer, {alive_message({.name = "m", .address = kAddress, .meta = Bytes(512)})});
  EXPECT_EQ(bench.engine().members()->size(), 3u);
}

}  // namespace
}  // namespace memberlist::testing
