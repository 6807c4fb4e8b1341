#include <algorithm>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/limits.hpp"
#include "engine_fixture.hpp"

// include/memberlist/trace.hpp: what an engine puts out about its own decisions.
namespace memberlist::testing {
namespace {

void turn_on(EngineEnvironment& environment) { environment.trace = true; }

/// A Bench that traces.
class TraceBench : public Bench {
 public:
  explicit TraceBench(Config config = quiet_config())
      : Bench(std::move(config), nullptr, 1, turn_on) {}

  /// The lines that contain a text, in order, without the packets that were sent.
  [[nodiscard]] std::vector<std::string> lines_about(std::string_view text) const {
    std::vector<std::string> lines;
    for (const TraceRecord& record : trace()) {
      if (std::holds_alternative<trace::PacketSent>(record.step)) continue;
      std::string line = to_string(record);
      if (line.find(text) != std::string::npos) lines.push_back(std::move(line));
    }
    return lines;
  }
  template <class Step>
  [[nodiscard]] std::vector<Step> steps() const {
    std::vector<Step> found;
    for (const TraceRecord& record : trace()) {
      if (const auto* step = std::get_if<Step>(&record.step)) found.push_back(*step);
    }
    return found;
  }
  [[nodiscard]] trace::Verdict last_verdict() const { return steps<trace::Claim>().back().verdict; }
};

/// The line without the number of its input.
std::string without_input(const std::string& line) { return line.substr(line.find(' ') + 1); }

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

TEST(EngineTrace, ThereIsNoneUnlessAskedFor) {
  Bench bench;
  bench.meet("a").answers_pings = false;
  bench.run_for(60s);
  EXPECT_TRUE(bench.trace().empty());
}

TEST(EngineTrace, ShowsTheLifeOfAProbeThatFails) {
  TraceBench bench;
  bench.meet("helper").nacks = true;
  ScriptedPeer& silent = bench.meet("silent");
  silent.answers_pings = false;
  silent.tcp = ScriptedPeer::Tcp::silent;
  ASSERT_TRUE(wait_for(bench, "silent", MemberEventKind::suspect));
  const auto probes = bench.steps<trace::ProbeBegan>();
  const auto failed = std::ranges::find(probes, "silent", &trace::ProbeBegan::member);
  ASSERT_NE(failed, probes.end());
  const std::string number = "#" + std::to_string(failed->probe);
  std::vector<std::string> lines;
  for (const std::string& line : bench.lines_about(number)) {
    lines.push_back(without_input(line));
    replace_all(lines.back(), number, "#N");
  }
  const std::string accused =
      "claim 'silent is suspect' (incarnation 1, accuser self, by probe_failed from "
      "10.9.1.2:7946, began #N): believed";
  EXPECT_EQ(lines, (std::vector<std::string>{
                       "probe #N of silent at 10.9.1.2:7946 began (incarnation 1)",
                       "probe #N asked helper for help",
                       "probe #N pings by TCP, too",
                       "probe #N got a nack: a helper got no answer either",
                       "probe #N of silent ended: failed (helpers asked: 1, nacks: 1)",
                       accused,
                   }));
}

TEST(EngineTrace, ShowsHowAProbeIsAnswered) {
  TraceBench bench;
  bench.meet("helper").relays = true;
  ScriptedPeer& peer = bench.meet("peer");
  const auto results = [&] {
    std::vector<trace::ProbeEnded::Result> found;
    for (const trace::ProbeEnded& end : bench.steps<trace::ProbeEnded>()) {
      if (end.member == "peer") found.push_back(end.result);
    }
    return found;
  };
  using Result = trace::ProbeEnded::Result;
  ASSERT_TRUE(bench.run_until([&] { return !results().empty(); }, 10s));
  EXPECT_EQ(results().back(), Result::answered);
  peer.answers_pings = false;
  ASSERT_TRUE(bench.run_until([&] { return results().back() == Result::helped; }, 10s));
  peer.tcp = ScriptedPeer::Tcp::answers;
  bench.receive(kPeer, {dead_message("helper", 1, "helper")});
  ASSERT_TRUE(bench.run_until([&] { return results().back() == Result::tcp_only; }, 20s));
}

TEST(EngineTrace, ShowsWhyAClaimWasIgnored) {
  TraceBench bench;
  bench.let_strangers_answer();
  bench.receive(kPeer, {alive_m(3)});
  bench.receive(kPeer, {suspect_message("m", 2, "x")});
  bench.receive(kPeer, {alive_m(3)});
  bench.receive(kPeer, {alive_m(7, {IpAddress::v4(10, 9, 3, 4), 3333})});
  const std::vector<std::string> lines = bench.lines_about("claim 'm");
  ASSERT_EQ(lines.size(), 4U);
  std::vector<std::string> texts;
  for (const std::string& line : lines) {
    texts.push_back(without_input(line));
    replace_all(texts.back(), line.substr(0, line.find(' ')), "#N");
  }
  EXPECT_EQ(
      texts,
      (std::vector<std::string>{
          "claim 'm is alive' (incarnation 3, by gossip from 10.9.7.7:7946, began #N): believed",
          "claim 'm is suspect' (incarnation 2, accuser x, by gossip from 10.9.7.7:7946, began "
          "#N): older",
          "claim 'm is alive' (incarnation 3, by gossip from 10.9.7.7:7946, began #N): same",
          "claim 'm is alive' (incarnation 7, by gossip from 10.9.7.7:7946, began #N): conflict",
      }));
}

TEST(EngineTrace, HasAVerdictForEveryClaim) {
  using trace::Verdict;
  Config config = EngineBench::quiet_config();
  config.max_members = 3;
  config.allowed_networks = {*Network::parse("10.9.0.0/16")};
  TraceBench bench(config);
  bench.let_strangers_answer();
  const auto after = [&](const Bytes& message) {
    bench.receive(kPeer, {message});
    return bench.last_verdict();
  };
  const auto of = [](std::string name, const Address& address, std::uint32_t incarnation = 1) {
    return alive_message({.name = std::move(name), .address = address, .incarnation = incarnation});
  };
  EXPECT_EQ(after(suspect_message("m", 1, "x")), Verdict::unknown);
  EXPECT_EQ(after(dead_message("m", 1, "x")), Verdict::unknown);
  EXPECT_EQ(after(alive_m(1)), Verdict::believed);
  EXPECT_EQ(after(alive_m(1)), Verdict::same);
  EXPECT_EQ(after(alive_m(0)), Verdict::older);
  EXPECT_EQ(after(of("", kAddress)), Verdict::poison);
  EXPECT_EQ(after(of("far", {IpAddress::v4(192, 0, 2, 1), 7946})), Verdict::network);
  EXPECT_EQ(after(of(std::string(limits::kNameBytes + 1, 'n'), kAddress)), Verdict::limit);
  EXPECT_EQ(after(of("n", {IpAddress::v4(10, 9, 3, 5), 1})), Verdict::believed);
  EXPECT_EQ(after(of("o", {IpAddress::v4(10, 9, 3, 6), 1})), Verdict::full);
  EXPECT_EQ(after(suspect_message("m", 1, "x")), Verdict::believed);
  EXPECT_EQ(after(suspect_message("m", 1, "x")), Verdict::repeated);
  EXPECT_EQ(after(suspect_message("self", 1, "x")), Verdict::refuted);
  EXPECT_EQ(after(dead_message("m", 1, "x")), Verdict::believed);
  EXPECT_EQ(after(suspect_message("m", 1, "x")), Verdict::not_live);
  EXPECT_EQ(after(dead_message("m", 0, "x")), Verdict::older);
}

TEST(EngineTrace, HasAVerdictForClaimsOfTheForgottenAndTheVetoed) {
  using trace::Verdict;
  VirtualPolicy policy;
  policy.on_alive = [](const MemberRecord& record) -> Result<void> {
    if (record.name != "unwanted") return {};
    return fail(ErrorCode::vetoed, "not here");
  };
  Bench bench(EngineBench::quiet_config(), &policy, 1, turn_on);
  bench.let_strangers_answer();
  const auto verdict = [&] { return std::get<trace::Claim>(bench.trace().back().step).verdict; };
  bench.receive(kPeer, {alive_message({.name = "unwanted", .address = kAddress})});
  EXPECT_EQ(verdict(), Verdict::vetoed);
  bench.receive(kPeer, {alive_m(7), dead_message("m", 7, "x")});
  ASSERT_TRUE(bench.run_until([&] { return !bench.status("m").has_value(); }, 60s));
  bench.receive(kPeer, {alive_m(7)});
  EXPECT_EQ(verdict(), Verdict::buried);
}

TEST(EngineTrace, ANodeThatHasLeftIsAbsent) {
  TraceBench bench;
  ASSERT_TRUE(bench.act([](Engine& engine, TimePoint now) { return engine.leave(now, 1s); }));
  bench.receive(kPeer,
                {alive_message({.name = "self", .address = bench.address(), .incarnation = 9})});
  EXPECT_EQ(bench.last_verdict(), trace::Verdict::absent);
}

TEST(EngineTrace, TheCauseOfADeathLeadsBackToTheProbe) {
  TraceBench bench;
  bench.meet("silent").answers_pings = false;
  ASSERT_TRUE(wait_for(bench, "silent", MemberEventKind::dead));
  const Cause death = bench.change("silent", MemberEventKind::dead)->event.cause;
  const Cause suspicion = bench.change("silent", MemberEventKind::suspect)->event.cause;
  EXPECT_EQ(death.input, bench.engine().input_number());
  EXPECT_LT(death.began, death.input);
  EXPECT_EQ(death.began, suspicion.input) << "the suspicion that expired";
  EXPECT_LT(suspicion.began, suspicion.input);
  const auto probes = bench.steps<trace::ProbeBegan>();
  EXPECT_TRUE(std::ranges::any_of(probes, [&](const trace::ProbeBegan& probe) {
    return probe.member == "silent" && probe.probe == suspicion.began;
  })) << "the probe that failed";
  std::vector<trace::SuspicionChanged::Step> steps;
  for (const auto& change : bench.steps<trace::SuspicionChanged>()) steps.push_back(change.step);
  using enum trace::SuspicionChanged::Step;
  EXPECT_EQ(steps, (std::vector{started, expired}));
}

TEST(EngineTrace, ShowsConfirmationsAndRefutation) {
  Config config = EngineBench::quiet_config();
  TraceBench bench(config);
  bench.let_strangers_answer();
  for (int i = 0; i < 5; ++i) bench.meet("peer-" + std::to_string(i));
  bench.receive(kPeer, {alive_m(1)});
  for (const char* accuser : {"peer-0", "peer-1"}) {
    bench.receive(kPeer, {suspect_message("m", 1, accuser)});
  }
  EXPECT_EQ(bench.last_verdict(), trace::Verdict::confirmed);
  bench.receive(kPeer, {alive_m(2)});
  std::vector<trace::SuspicionChanged::Step> steps;
  for (const auto& change : bench.steps<trace::SuspicionChanged>()) steps.push_back(change.step);
  using enum trace::SuspicionChanged::Step;
  EXPECT_EQ(steps, (std::vector{started, confirmed, refuted}));
}

TEST(EngineTrace, PacketsNameTheInputsWhoseUpdatesTheyCarry) {
  TraceBench bench;
  const ScriptedPeer& peer = bench.meet("peer");
  bench.run_for(10s);
  bench.receive(kPeer, {alive_m(5)});
  const std::uint64_t input = bench.engine().input_number();
  bench.forget();
  bench.run_for(1s);
  const auto packets = bench.steps<trace::PacketSent>();
  EXPECT_TRUE(std::ranges::any_of(packets, [&](const trace::PacketSent& packet) {
    return packet.to == peer.address && std::ranges::count(packet.updates, input) == 1;
  }));
}

TEST(EngineTrace, ShowsAStall) {
  TraceBench bench;
  bench.meet("peer");
  bench.run_for(5s);
  bench.act([](Engine& engine, TimePoint now) {
    engine.handle_deadline(now + 30s);
    return 0;
  });
  const auto stalls = bench.steps<trace::Stall>();
  ASSERT_EQ(stalls.size(), 1U);
  EXPECT_GT(stalls[0].paused, 28s);
}

TEST(EngineTrace, ChangesNothingThatIsSent) {
  const auto packets_of = [](bool trace) {
    Bench bench(EngineBench::quiet_config(), nullptr, 1,
                [trace](EngineEnvironment& environment) { environment.trace = trace; });
    bench.meet("a");
    bench.meet("b").answers_pings = false;
    bench.run_for(60s);
    std::vector<Bytes> packets;
    for (const SeenPacket& packet : bench.packets()) packets.push_back(packet.bytes);
    return packets;
  };
  EXPECT_EQ(packets_of(true), packets_of(false));
}

}  // namespace
}  // namespace memberlist::testing
