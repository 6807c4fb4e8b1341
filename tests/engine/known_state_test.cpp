#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine_fixture.hpp"

// Protocol 6, 'Push/pull': a state that is this node's own is recognized by its bytes, and does
// what it would do if it was read.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

Claim claim(std::string name, std::uint8_t number, std::uint32_t incarnation = 1) {
  return {.name = std::move(name),
          .address = {IpAddress::v4(10, 9, 3, number), 7946},
          .incarnation = incarnation};
}

/// A node that knows members of three kinds.
class Knowing : public Bench {
 public:
  explicit Knowing(Policy* policy = nullptr, Config config = no_probes())
      : Bench(std::move(config), policy, 1,
              [](EngineEnvironment& environment) { environment.trace = true; }) {
    receive(kPeer, {alive_message(claim("a", 1)), alive_message(claim("d", 2, 3)),
                    alive_message(claim("l", 3))});
    receive(kPeer, {dead_message("d", 3, "x"), dead_message("l", 1, "l")});
  }

  /// What it answers a push/pull, as it is sent.
  Bytes own_state() {
    const StreamId id = *accept(kPeer);
    feed(id, sealed(push_pull_message(false, {claim("a", 1)}), true));
    end(id);
    return stream(id).written;
  }
  /// The same message, compressed in another way.
  Bytes repacked(BytesView state) {
    wire::StreamOpener opener(sealing_, false);
    EXPECT_TRUE(opener.feed(state).has_value());
    const auto& message = std::get<wire::PushPullMessage>(opener.message());
    Bytes plain;
    ByteWriter out(plain);
    wire::encode(out, message.header);
    out.bytes(message.node_states);
    return sealed(plain, true);
  }
  void take(BytesView state) {
    const StreamId id = *accept(kPeer);
    feed(id, state);
    end(id);
    EXPECT_TRUE(stream(id).ended_at.has_value());
  }
  [[nodiscard]] EngineCounters counters() { return engine().counters(); }
  /// Without the numbers of inputs, in the order of their texts.
  [[nodiscard]] std::vector<std::string> claims() const {
    std::vector<std::string> lines;
    for (const TraceRecord& record : trace()) {
      if (!std::holds_alternative<trace::Claim>(record.step)) continue;
      lines.push_back(to_string(TraceRecord{0, {}, record.step}));
    }
    std::ranges::sort(lines);
    return lines;
  }

 private:
  wire::Sealing sealing_;
};

TEST(EngineKnownState, DoesWhatItDoesWhenItIsRead) {
  Knowing recognizing;
  Knowing reading;
  const Bytes state = recognizing.own_state();
  const Bytes same = reading.repacked(reading.own_state());
  ASSERT_NE(state, same);
  recognizing.take(state);
  reading.take(same);
  EXPECT_EQ(recognizing.counters().push_pulls_recognized, 1U);
  EXPECT_EQ(reading.counters().push_pulls_recognized, 0U);
  EXPECT_EQ(recognizing.counters().push_pulls_served, 2U);
  EXPECT_EQ(reading.counters().push_pulls_served, 2U);
  EXPECT_EQ(recognizing.counters().alive_messages, reading.counters().alive_messages);
  EXPECT_EQ(recognizing.counters().suspect_messages, reading.counters().suspect_messages);
  EXPECT_EQ(recognizing.counters().dead_messages, reading.counters().dead_messages);
  EXPECT_EQ(recognizing.claims(), reading.claims());
  EXPECT_EQ(recognizing.engine().view_digest(), reading.engine().view_digest());
  EXPECT_EQ(recognizing.status("d"), MemberStatus::dead);
}

TEST(EngineKnownState, IsReadOnceSomethingHasChanged) {
  Knowing bench;
  const Bytes state = bench.own_state();
  bench.receive(kPeer, {alive_message(claim("a", 1, 2))});
  bench.take(state);
  EXPECT_EQ(bench.counters().push_pulls_recognized, 0U);
  bench.take(bench.own_state());
  EXPECT_EQ(bench.counters().push_pulls_recognized, 1U);
}

// It may hold one more accusation.
TEST(EngineKnownState, IsReadWhileAMemberIsSuspect) {
  Knowing bench;
  bench.receive(kPeer, {suspect_message("a", 1, "x")});
  bench.take(bench.own_state());
  EXPECT_EQ(bench.counters().push_pulls_recognized, 0U);
}

TEST(EngineKnownState, IsReadWhereAPolicyWantsToHearOfEachMember) {
  VirtualPolicy policy;
  std::size_t asked = 0;
  policy.on_alive = [&](const MemberRecord&) {
    ++asked;
    return Result<void>{};
  };
  Knowing bench(&policy);
  const Bytes state = bench.own_state();
  asked = 0;
  bench.take(state);
  EXPECT_EQ(bench.counters().push_pulls_recognized, 0U);
  EXPECT_EQ(asked, 1U) << "about the other one that is alive";
}

std::uint64_t sum(Cluster& cluster, const std::set<HostId>& nodes,
                  std::initializer_list<std::uint64_t EngineCounters::*> counters) {
  std::uint64_t sum = 0;
  for (const HostId node : nodes) {
    for (const auto counter : counters) sum += cluster.engine(node).counters().*counter;
  }
  return sum;
}

// Nodes that have learned of one another in all possible orders send the same bytes.
TEST(EngineKnownState, IsThatOfAllInAClusterAtRest) {
  constexpr std::size_t kNodes = 20;
  using C = EngineCounters;
  Cluster cluster({.size = kNodes});
  ASSERT_TRUE(cluster.assemble());
  std::set<HostId> up;
  for (HostId node = 0; node < kNodes; ++node) up.insert(node);
  const auto all_recognized = [&] {
    const auto both = {&C::push_pulls_started, &C::push_pulls_served};
    const std::uint64_t before = sum(cluster, up, both);
    const std::uint64_t recognized = sum(cluster, up, {&C::push_pulls_recognized});
    cluster.run_for(120s);
    EXPECT_GE(sum(cluster, up, both) - before, 2 * 4 * (kNodes - 1));
    EXPECT_EQ(sum(cluster, up, {&C::push_pulls_recognized}) - recognized,
              sum(cluster, up, both) - before);
  };
  cluster.run_for(60s);
  all_recognized();
  cluster.crash(7);
  up.erase(7);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.agree(kNodes - 1); }, 120s));
  cluster.run_for(60s);
  all_recognized();
}

// Whose application's state it comes with is known, too.
TEST(EngineKnownState, BringsTheUserState) {
  VirtualPolicy policy;
  policy.on_local_state = [](bool) { return to_bytes("of one"); };
  Cluster cluster(
      {.size = 3, .policy = [&](HostId node) { return node == 1 ? &policy : nullptr; }});
  ASSERT_TRUE(cluster.assemble());
  cluster.run_for(60s);
  const TimePoint rested = cluster.now();
  cluster.run_for(300s);
  EXPECT_GT(cluster.engine(0).counters().push_pulls_recognized, 4U);
  EXPECT_EQ(cluster.engine(1).counters().push_pulls_recognized, 0U);
  std::size_t merged = 0;
  for (const LoggedOutput& line : cluster.log()) {
    const auto* event = std::get_if<Event>(&line.what);
    const auto* state = event == nullptr ? nullptr : std::get_if<StateMerged>(event);
    if (state == nullptr || line.at < rested) continue;
    EXPECT_EQ(as_text(state->state), "of one");
    EXPECT_EQ(state->from, cluster.name(1));
    ++merged;
  }
  EXPECT_GT(merged, 4U);
}

}  // namespace
}  // namespace memberlist::testing
