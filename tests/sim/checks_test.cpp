#include "sim/checks.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "wire/packet.hpp"

// Each checker fires when it is shown what it is there to find, and not when it is shown what the
// protocol allows. What is shown are outputs that no engine has put out.
namespace memberlist::testing {
namespace {

using namespace std::chrono_literals;
using enum MemberEventKind;
using sim::CheckLevel;
using sim::Checks;
using sim::NodeId;
using sim::WorldImpl;

constexpr NodeId kObserver = 0;

class ChecksTest : public ::testing::Test {
 protected:
  explicit ChecksTest(std::size_t nodes = 3) {
    world.add_cluster(std::vector<sim::NodeOptions>(nodes));
  }

  // An event about node 1, as if the observer had put it out.
  MemberEvent event(MemberEventKind kind, MemberStatus status, std::uint32_t incarnation) {
    MemberEvent made;
    made.kind = kind;
    made.member = world.host(kObserver).engine->member("node-00001").value();
    made.member.status = status;
    made.member.incarnation = incarnation;
    made.member.since = world.timeline_.now();
    made.cause.kind = Cause::Kind::gossip;
    return made;
  }
  void show(const MemberEvent& made) {
    Output output{Event{made}};
    checks().output(kObserver, output);
  }
  void show(MemberEventKind kind, MemberStatus status, std::uint32_t incarnation) {
    show(event(kind, status, incarnation));
  }
  Checks& checks() { return *world.checks_; }

  // How often a checker has fired, and compared.
  std::uint64_t found(const std::string& check) { return count(check).findings; }
  std::uint64_t exercised(const std::string& check) { return count(check).exercised; }
  sim::CheckCount count(const std::string& check) {
    for (const sim::CheckCount& one : checks().report().counts) {
      if (one.check == check) return one;
    }
    ADD_FAILURE() << "there is no checker " << check;
    return {};
  }

  WorldImpl world{{.checks = CheckLevel::packets}};
};

TEST_F(ChecksTest, ALifeAsTheProtocolHasItPasses) {
  checks().faulted();
  show(suspect, MemberStatus::suspect, 1);
  show(alive, MemberStatus::alive, 2);
  show(update, MemberStatus::alive, 3);
  show(suspect, MemberStatus::suspect, 3);
  show(dead, MemberStatus::dead, 3);
  show(leave, MemberStatus::dead, 3);
  show(alive, MemberStatus::alive, 4);
  show(join, MemberStatus::alive, 4);
  show(leave, MemberStatus::left, 4);
  EXPECT_TRUE(checks().report().passed());
  EXPECT_GE(exercised("view_order"), 9u);
  EXPECT_GE(exercised("transitions"), 9u);
}

TEST_F(ChecksTest, AViewThatGoesBackIsFound) {
  show(update, MemberStatus::alive, 7);
  show(update, MemberStatus::alive, 6);
  EXPECT_EQ(found("view_order"), 1u);
}

TEST_F(ChecksTest, WhoWasForgottenMayComeBackAsItLikes) {
  checks().faulted();
  show(leave, MemberStatus::left, 9);
  show(join, MemberStatus::alive, 1);
  EXPECT_EQ(found("view_order"), 1u) << "nobody is forgotten so soon";
  show(leave, MemberStatus::left, 9);
  world.timeline_.run_for(40s);
  show(join, MemberStatus::alive, 1);
  EXPECT_EQ(found("view_order"), 1u);
}

TEST_F(ChecksTest, TransitionsThatTheProtocolDoesNotHaveAreFound) {
  checks().faulted();
  show(alive, MemberStatus::alive, 2);
  EXPECT_EQ(found("transitions"), 1u) << "it was alive already";
  show(suspect, MemberStatus::suspect, 2);
  show(suspect, MemberStatus::suspect, 2);
  EXPECT_EQ(found("transitions"), 2u) << "an event twice";
  show(alive, MemberStatus::alive, 2);
  EXPECT_EQ(found("transitions"), 3u) << "back without a greater incarnation";
  show(dead, MemberStatus::dead, 2);
  show(update, MemberStatus::alive, 3);
  EXPECT_EQ(found("transitions"), 4u) << "the leave event is missing";
}

TEST_F(ChecksTest, AnEventBeforeTheJoinIsFound) {
  MemberEvent stranger = event(update, MemberStatus::alive, 1);
  auto record = std::make_shared<MemberRecord>(*stranger.member.record);
  record->name = "stranger";
  stranger.member.record = record;
  show(stranger);
  EXPECT_EQ(found("transitions"), 1u);
}

TEST_F(ChecksTest, ASuspicionThatEndsTooEarlyIsFound) {
  checks().faulted();
  const auto die_after = [&](Duration life, std::uint32_t incarnation) {
    show(suspect, MemberStatus::suspect, incarnation);
    world.timeline_.run_for(life);
    MemberEvent death = event(dead, MemberStatus::dead, incarnation);
    death.cause.kind = Cause::Kind::suspicion_expired;
    death.cause.accusers = {"node-00002"};
    show(death);
    show(leave, MemberStatus::dead, incarnation);
    show(alive, MemberStatus::alive, incarnation + 1);
    show(join, MemberStatus::alive, incarnation + 1);
  };
  die_after(4s, 1);
  EXPECT_EQ(found("suspicion_time"), 0u);
  die_after(3s, 2);
  EXPECT_EQ(found("suspicion_time"), 1u);
  die_after(5s, 3);
  EXPECT_EQ(found("suspicion_time"), 2u) << "nothing has disturbed it";
  world.host(kObserver).disturbed = true;
  die_after(5s, 4);
  EXPECT_EQ(found("suspicion_time"), 2u);
  EXPECT_EQ(exercised("suspicion_time"), 4u);
}

TEST_F(ChecksTest, ATakeoverThatTheObserverDoesNotCheckPasses) {
  checks().faulted();
  world.host(kObserver).options.behaviour = Behaviour::go();
  show(leave, MemberStatus::left, 9);
  show(alive, MemberStatus::alive, 1);
  show(join, MemberStatus::alive, 1);
  EXPECT_TRUE(checks().report().passed());
  show(update, MemberStatus::alive, 0);
  EXPECT_EQ(found("view_order"), 1u) << "it was not gone";
}

TEST_F(ChecksTest, ASuspicionOfAnObserverWithoutLhaSuspicionIsShort) {
  checks().faulted();
  world.host(kObserver).config.suspicion_mult = 3;  // so that one confirmation is expected
  const auto die_after = [&](Duration life, std::uint32_t incarnation) {
    show(suspect, MemberStatus::suspect, incarnation);
    world.timeline_.run_for(life);
    MemberEvent death = event(dead, MemberStatus::dead, incarnation);
    death.cause.kind = Cause::Kind::suspicion_expired;
    death.cause.accusers = {"node-00002"};
    show(death);
    show(leave, MemberStatus::dead, incarnation);
    show(alive, MemberStatus::alive, incarnation + 1);
    show(join, MemberStatus::alive, incarnation + 1);
  };
  die_after(3s, 1);
  EXPECT_EQ(found("suspicion_time"), 1u) << "it should have lasted for 18 s";
  Behaviour swim;
  swim.lha_suspicion = false;
  world.host(kObserver).options.behaviour = swim;
  die_after(3s, 2);
  EXPECT_EQ(found("suspicion_time"), 1u);
  die_after(18s, 3);
  EXPECT_EQ(found("suspicion_time"), 2u);
}

/// Enough members for a suspicion that expects two confirmations.
class ConfirmationChecksTest : public ChecksTest {
 protected:
  ConfirmationChecksTest() : ChecksTest(5) { checks().faulted(); }

  enum class Told : std::uint8_t { before, just_now };

  void die_after(Duration life, Told told) {
    Engine& engine = *world.host(kObserver).engine;
    show(suspect, MemberStatus::suspect, incarnation_);
    world.timeline_.run_for(life);
    if (told == Told::just_now) checks().after_step(kObserver, engine);
    checks().after_deadline(kObserver, engine, world.timeline_.now());
    MemberEvent death = event(dead, MemberStatus::dead, incarnation_);
    death.cause.kind = Cause::Kind::suspicion_expired;
    death.cause.accusers = {"node-00002", "node-00003", "node-00004"};
    death.cause.confirmations = 2;
    show(death);
    checks().after_step(kObserver, engine);
    show(leave, MemberStatus::dead, incarnation_);
    show(alive, MemberStatus::alive, ++incarnation_);
    show(join, MemberStatus::alive, incarnation_);
  }

 private:
  std::uint32_t incarnation_ = 1;
};

// With two it lasts 4 s, with one 11.4 s, with none 24 s.
TEST_F(ConfirmationChecksTest, ASuspicionThatOutlivesItsConfirmationsIsFound) {
  die_after(11s, Told::before);
  EXPECT_EQ(found("suspicion_time"), 0u) << "the second one was late";
  die_after(13s, Told::before);
  EXPECT_EQ(found("suspicion_time"), 1u) << "the first one was there";
}

TEST_F(ConfirmationChecksTest, ConfirmationsThatComeLateAndTogetherPass) {
  die_after(13s, Told::just_now);
  EXPECT_EQ(found("suspicion_time"), 0u);
  die_after(25s, Told::just_now);
  EXPECT_EQ(found("suspicion_time"), 1u);
}

TEST_F(ChecksTest, ADeathWithoutEvidenceIsFound) {
  checks().faulted();
  show(suspect, MemberStatus::suspect, 1);
  MemberEvent death = event(dead, MemberStatus::dead, 1);
  death.cause.kind = Cause::Kind::push_pull;
  show(death);
  EXPECT_EQ(found("evidence"), 1u);
  show(leave, MemberStatus::dead, 1);
  show(alive, MemberStatus::alive, 2);
  show(join, MemberStatus::alive, 2);
  show(suspect, MemberStatus::suspect, 2);
  world.timeline_.run_for(4s);
  death = event(dead, MemberStatus::dead, 2);
  death.cause.kind = Cause::Kind::suspicion_expired;
  death.cause.confirmations = 1;
  death.cause.accusers = {"node-00002", "node-00002"};
  show(death);
  EXPECT_EQ(found("evidence"), 2u) << "one who accuses twice";
}

TEST_F(ChecksTest, AnIncarnationThatIsHardlyAnnouncedIsFound) {
  checks().commanded(kObserver, std::nullopt);
  Engine& engine = *world.host(kObserver).engine;
  ASSERT_TRUE(engine.update_meta(world.timeline_.now(), as_bytes("x"), 1s));
  world.perform(kObserver);
  checks().check_rest();
  EXPECT_EQ(found("announcement"), 1u) << "it was not sent yet";
  world.timeline_.run_for(10s);
  checks().check_rest();
  EXPECT_EQ(found("announcement"), 1u);
  EXPECT_GE(exercised("announcement"), 2u);
}

TEST_F(ChecksTest, ASuspicionWithoutAFaultIsFound) {
  show(suspect, MemberStatus::suspect, 1);
  EXPECT_EQ(found("accuracy"), 1u);
  checks().faulted();
  show(alive, MemberStatus::alive, 2);
  show(suspect, MemberStatus::suspect, 2);
  EXPECT_EQ(found("accuracy"), 1u);
}

TEST_F(ChecksTest, AnAccusationOfAnIncarnationThatWasNotProbedIsFound) {
  checks().faulted();
  // The ping tells what was probed: node 1 with incarnation 1.
  wire::PacketSealer sealer;
  wire::Sealing sealing;
  Bytes ping;
  ByteWriter writer(ping);
  wire::Ping about_it;
  about_it.node = "node-00001";
  wire::encode(writer, about_it);
  Bytes room(ping.size() + wire::PacketSealer::kMaxOverheadBytes);
  const std::vector<BytesView> parts{ping};
  Output sent{SendPacket{
      .to = world.host(1).address, .bytes = sealer.seal(sealing, parts, true, room), .input = 5}};
  checks().output(kObserver, sent);
  const auto accuse = [&](std::uint32_t incarnation) {
    MemberEvent accusation = event(suspect, MemberStatus::suspect, incarnation);
    accusation.cause.kind = Cause::Kind::probe_failed;
    accusation.cause.began = 5;
    show(accusation);
  };
  accuse(1);
  EXPECT_EQ(found("probed_incarnation"), 0u);
  show(alive, MemberStatus::alive, 2);
  accuse(2);
  EXPECT_EQ(found("probed_incarnation"), 1u);
  EXPECT_EQ(exercised("probed_incarnation"), 2u);
}

TEST_F(ChecksTest, AMemberThatIsNeverProbedIsFound) {
  const auto ping = [&](std::string_view target) {
    wire::PacketSealer sealer;
    wire::Sealing sealing;
    Bytes message;
    ByteWriter writer(message);
    wire::Ping content;
    content.node = target;
    wire::encode(writer, content);
    Bytes room(message.size() + wire::PacketSealer::kMaxOverheadBytes);
    const std::vector<BytesView> parts{message};
    Output sent{
        SendPacket{.to = world.host(1).address, .bytes = sealer.seal(sealing, parts, true, room)}};
    checks().after_deadline(kObserver, *world.host(kObserver).engine, world.timeline_.now());
    checks().output(kObserver, sent);
  };
  // With three members: at least once in five periods.
  for (int i = 0; i < 4; ++i) {
    ping("node-00001");
    ping("node-00002");
  }
  EXPECT_EQ(found("round_robin"), 0u);
  EXPECT_GE(exercised("round_robin"), 4u);
  for (int i = 0; i < 10; ++i) ping("node-00002");
  EXPECT_EQ(found("round_robin"), 0u) << "one probe that is repeated";
  for (int i = 0; i < 4; ++i) {
    ping("node-00002");
    ping("somebody");
  }
  EXPECT_EQ(found("round_robin"), 1u);
}

TEST_F(ChecksTest, APacketThatNobodyCanReadIsFound) {
  const Bytes garbage(20, std::byte{0xff});
  Output output{SendPacket{.to = world.host(1).address, .bytes = garbage}};
  checks().output(kObserver, output);
  EXPECT_EQ(found("packets"), 1u);
}

TEST_F(ChecksTest, ATableThatDisagreesWithTheEventsIsFound) {
  checks().compare_tables();
  EXPECT_EQ(found("table"), 0u);
  EXPECT_GE(exercised("table"), 9u);
  checks().faulted();
  show(suspect, MemberStatus::suspect, 1);  // the engine knows nothing of it
  checks().compare_table(kObserver);
  EXPECT_EQ(found("table"), 1u);
}

TEST_F(ChecksTest, AnOwnIncarnationThatGrowsByItselfIsFound) {
  Engine& engine = *world.host(kObserver).engine;
  // A command that the checkers are not told of.
  ASSERT_TRUE(engine.update_meta(world.timeline_.now(), as_bytes("x"), 1s));
  world.perform(kObserver);
  EXPECT_EQ(found("own_incarnation"), 1u);
  checks().commanded(kObserver, std::nullopt);
  ASSERT_TRUE(engine.update_meta(world.timeline_.now(), as_bytes("y"), 1s));
  world.perform(kObserver);
  EXPECT_EQ(found("own_incarnation"), 1u);
}

TEST_F(ChecksTest, ALeaverThatIsNotSeenAsLeftIsFound) {
  Output done{Completion{.id = OperationId{77}}};
  checks().leaving(1, OperationId{77}, 10s);
  checks().output(1, done);  // it has left, it says, and is alive to all
  world.timeline_.run_for(3min);
  EXPECT_EQ(found("leave_seen"), 2u);
}

TEST_F(ChecksTest, ALeaveThatIsNotToldInTimeIsFound) {
  const auto fail = [&](Duration timeout, ErrorCode code) {
    Output failed{Completion{.id = OperationId{77},
                             .result = std::unexpected(OperationError{{code, "leave"}})}};
    checks().leaving(1, OperationId{77}, timeout);
    checks().output(1, failed);
  };
  fail(1ms, ErrorCode::timed_out);  // shorter than gossip takes
  fail(10s, ErrorCode::shut_down);
  EXPECT_EQ(found("leave_seen"), 0u);
  fail(10s, ErrorCode::timed_out);
  EXPECT_EQ(found("leave_seen"), 1u);
}

TEST_F(ChecksTest, ANewcomerThatIsNotLetInIsFound) {
  const NodeId newcomer = world.add({});
  auto known = std::make_shared<std::vector<Member>>();
  for (NodeId node = 0; node < newcomer; ++node) {
    known->push_back(world.host(kObserver).engine->member(world.host(node).config.name).value());
  }
  Member self = known->front();
  auto record = std::make_shared<MemberRecord>(*self.record);
  record->name = world.host(newcomer).config.name;
  record->address = world.host(newcomer).address;
  self.record = record;
  known->push_back(self);  // so that it is no news to be told
  for (NodeId node = 0; node < newcomer; ++node) {
    world.network_.both_ways(node, newcomer, [](sim::Link& link) { link.tcp_cut = true; });
  }
  world.start(newcomer, known);
  Output joined{Event{JoinFinished{.contacted = 1}}};
  checks().output(newcomer, joined);
  world.timeline_.run_for(10min);
  EXPECT_EQ(found("newcomer"), 3u);
}

TEST_F(ChecksTest, WhatIsLeftAtRestIsFound) {
  world.timeline_.run_for(1min);
  checks().check_rest();
  EXPECT_EQ(found("at_rest"), 0u);
  EXPECT_GE(exercised("at_rest"), 18u);
  checks().commanded(kObserver, std::nullopt);
  ASSERT_TRUE(world.host(kObserver).engine->broadcast(world.timeline_.now(),
                                                      as_bytes("still queued"), "x"));
  checks().check_rest();
  EXPECT_EQ(found("at_rest"), 1u);
}

TEST_F(ChecksTest, WhoIsRememberedForTooLongIsFound) {
  constexpr NodeId kGone = 1;
  checks().faulted();
  world.stop(kGone);
  world.network_.power_off(kGone);
  const auto is_dead = [&] {
    const auto gone = world.host(kObserver).engine->member("node-00001");
    return gone && gone->status == MemberStatus::dead;
  };
  ASSERT_TRUE(world.timeline_.run_until(is_dead, 1min));
  world.timeline_.run_for(20s);
  ASSERT_TRUE(is_dead()) << "and not forgotten yet";
  checks().check_rest();
  EXPECT_EQ(found("at_rest"), 0u);
  // A minute in which no round of probes ends.
  world.set_clock(kObserver, {}, 1min);
  checks().check_rest();
  EXPECT_EQ(found("at_rest"), 0u);
  world.host(kObserver).config.gossip_to_the_dead_time = -5min;
  checks().check_rest();
  EXPECT_EQ(found("at_rest"), 1u);
}

TEST_F(ChecksTest, WhoIsKnownWhereItIsNotIsFound) {
  world.timeline_.run_for(1min);
  // Nobody hears of the move.
  for (NodeId node = 0; node < world.hosts_.size(); ++node) {
    if (node != kObserver) {
      world.network_.both_ways(node, kObserver, [](sim::Link& link) { link.udp_cut = true; });
    }
  }
  ASSERT_TRUE(world.host(kObserver).engine->advertise(world.timeline_.now(),
                                                      {IpAddress::v4(10, 9, 9, 9), 7946}, 1s));
  world.timeline_.run_for(2s);
  checks().check_rest();
  const auto says_so = [](const sim::Finding& finding) {
    return finding.text == "node-00000 is known at 10.0.0.1:7946, where it is not";
  };
  EXPECT_EQ(std::ranges::count_if(checks().report().findings, says_so), 2);
}

TEST_F(ChecksTest, ABreachOfContractIsFound) {
  world.network_.write(0, StreamId{99}, as_bytes("to nobody"));
  EXPECT_EQ(found("contract"), 1u);
}

TEST(ChecksInside, ABrokenInvariantIsFoundOnce) {
  WorldImpl world{{.checks = CheckLevel::inside}};
  world.add_cluster(std::vector<sim::NodeOptions>(3));
  Output output{Event{HealthChanged{.score = 0}}};  // it was 0
  world.checks_->output(kObserver, output);
  world.checks_->output(kObserver, output);
  world.timeline_.run_for(10s);
  std::uint64_t findings = 0;
  for (const sim::CheckCount& count : world.checks_->report().counts) {
    if (count.check == "inside") findings = count.findings;
  }
  EXPECT_EQ(findings, 1u) << "a watch that has lost track says no more";
}

}  // namespace
}  // namespace memberlist::testing
