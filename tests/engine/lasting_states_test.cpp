#include "log_bench.hpp"

// A lasting condition is logged when it begins, once an hour while it lasts, and when it is over.
namespace memberlist::testing {
namespace {

std::vector<LogRecord> lines_with(const EngineBench& bench, std::string_view cause) {
  std::vector<LogRecord> found;
  for (const LogRecord& line : lines_of(bench)) {
    if (line.field("cause") == cause) found.push_back(line);
  }
  return found;
}

std::vector<LogRecord> ends_in(const EngineBench& bench) {
  std::vector<LogRecord> found;
  for (const LogRecord& line : lines_of(bench)) {
    if (line.field("state") == "over") found.push_back(line);
  }
  return found;
}

std::string texts_of(const std::vector<LogRecord>& lines) {
  std::string texts;
  for (const LogRecord& line : lines) texts += line.text + "\n";
  return texts;
}

void block_udp(ScriptedPeer& peer) {
  peer.answers_pings = false;
  peer.tcp = ScriptedPeer::Tcp::answers;
}

TEST(EngineLastingStates, AMemberWithoutUdpIsToldOnceAnHour) {
  LogBench bench;
  ScriptedPeer& a = bench.meet("a");
  bench.meet("b");
  block_udp(a);
  bench.run_for(2h + 30min);
  const std::vector<LogRecord> lines = lines_with(bench, "tcp_only");
  ASSERT_EQ(lines.size(), 3u) << texts_of(lines);
  EXPECT_EQ(lines[0].text, "a answers by TCP but not by UDP: is UDP blocked on the way?");
  EXPECT_EQ(lines[0].field("state"), "begins");
  EXPECT_TRUE(lines[1].text.contains("(still, after 1 h 0 min; ")) << lines[1].text;
  EXPECT_EQ(lines[1].field("state"), "lasts");

  a.answers_pings = true;
  bench.run_for(10min);
  const std::vector<LogRecord> ends = ends_in(bench);
  ASSERT_EQ(ends.size(), 1u) << texts_of(ends);
  EXPECT_EQ(ends[0].level, LogLevel::info);
  EXPECT_TRUE(ends[0].text.starts_with("a answers by UDP again (lasted 2 h 29 min, "))
      << ends[0].text;
  EXPECT_EQ(ends[0].peer, a.address.to_string());
}

TEST(EngineLastingStates, WhereNoUdpArrivesThisNodeIsNamed) {
  LogBench bench;
  std::vector<ScriptedPeer*> peers;
  for (const char* name : {"a", "b", "c", "d"}) peers.push_back(&bench.meet(name));
  for (ScriptedPeer* peer : peers) block_udp(*peer);
  bench.run_for(90min);
  EXPECT_LE(lines_with(bench, "tcp_only").size(), 2u);
  const std::vector<LogRecord> lines = lines_with(bench, "no_udp");
  ASSERT_EQ(lines.size(), 2u) << texts_of(lines);
  EXPECT_TRUE(
      lines[0].text.starts_with("no UDP reaches this node at " + bench.address().to_string() + ":"))
      << lines[0].text;
  EXPECT_EQ(lines[0].field("advertised"), bench.address().to_string());

  for (ScriptedPeer* peer : peers) peer->answers_pings = true;
  bench.run_for(10min);
  EXPECT_TRUE(texts_of(ends_in(bench)).contains("UDP reaches this node again at"));
}

TEST(EngineLastingStates, OneMemberWithoutUdpAmongManyIsNoFaultOfThisNode) {
  LogBench bench;
  bench.let_strangers_answer();
  block_udp(bench.meet("a"));
  for (int i = 0; i < 8; ++i) bench.meet("m" + std::to_string(i));
  bench.run_for(1h);
  EXPECT_TRUE(lines_with(bench, "no_udp").empty());
  EXPECT_EQ(lines_with(bench, "tcp_only").size(), 1u);
}

TEST(EngineLastingStates, APeerWithAnotherLabelIsToldOnceAnHourAndWhenItHasStopped) {
  Config config = EngineBench::quiet_config();
  config.label = "blue";
  LogBench bench(config);
  for (int second = 0; second < 2 * 3600; ++second) {
    bench.receive_raw(kPeer, as_bytes(std::string_view("\xf4\x04red\n", 6)));
    bench.run_for(1s);
  }
  EXPECT_EQ(lines_with(bench, "label").size(), 2u) << texts_of(lines_with(bench, "label"));
  EXPECT_EQ(bench.engine().counters().dropped_label, 7200u) << "each is counted";
  bench.run_for(2h);
  const std::vector<LogRecord> ends = ends_in(bench);
  ASSERT_EQ(ends.size(), 1u) << texts_of(ends);
  EXPECT_TRUE(ends[0].text.starts_with("not seen for 1 h 0 min: packet dropped: 10.9.7.7 uses "))
      << ends[0].text;
  EXPECT_EQ(ends[0].field("times"), "7200");
}

// A load balancer's health check comes from another port each time.
TEST(EngineLastingStates, AHealthCheckAtTheGossipPortIsToldOnceAnHour) {
  LogBench bench;
  const Bytes request = to_bytes("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
  for (std::uint16_t i = 0; i < 360; ++i) {
    const auto id = bench.accept({kPeer.ip, static_cast<std::uint16_t>(20000 + i)});
    ASSERT_TRUE(id);
    bench.feed(*id, request);
    bench.run_for(9s);
  }
  const std::vector<LogRecord> lines = lines_with(bench, "foreign");
  ASSERT_EQ(lines.size(), 1u) << texts_of(lines);
  EXPECT_TRUE(lines[0].text.contains("speaks HTTP on the gossip port")) << lines[0].text;
}

TEST(EngineLastingStates, TwoPeersAreTwoStates) {
  Config config = EngineBench::quiet_config();
  config.label = "blue";
  LogBench bench(config);
  const Bytes unlabelled = message_bytes(wire::Nack{.seq_no = 1});
  for (int i = 0; i < 10; ++i) {
    bench.receive_raw(kPeer, unlabelled);
    bench.receive_raw({kPeer.ip, 7947}, unlabelled);
  }
  EXPECT_EQ(lines_with(bench, "label").size(), 2u);
}

TEST(EngineLastingStates, ManySpoofedPeersCannotFillTheLogOrMemory) {
  Config config = EngineBench::quiet_config();
  config.label = "blue";
  LogBench bench(config);
  const Bytes unlabelled = message_bytes(wire::Nack{.seq_no = 1});
  for (std::uint16_t i = 0; i < 10'000; ++i) {
    bench.receive_raw({kPeer.ip, static_cast<std::uint16_t>(10'000 + i)}, unlabelled);
    if (i % 1000 == 999) bench.run_for(1s);
  }
  EXPECT_LE(lines_with(bench, "label").size(), 5u * 11);
  bench.run_for(2h);
  EXPECT_TRUE(ends_in(bench).empty()) << "each came once";
}

TEST(EngineLog, ADeathIsToldWithItsReason) {
  LogBench bench;
  bench.let_strangers_answer();
  ScriptedPeer& a = bench.meet("a");
  bench.meet("b");
  a.answers_pings = false;
  ASSERT_TRUE(wait_for(bench, "a", MemberEventKind::dead));
  const std::vector<LogRecord> lines = lines_with(bench, "death");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].level, LogLevel::info);
  EXPECT_EQ(lines[0].text, "a is dead: suspected by self and not refuted in time");
  EXPECT_EQ(lines[0].field("member"), "a");
  EXPECT_EQ(lines[0].peer, a.address.to_string());

  bench.receive(kPeer, {dead_message("b", 1, "c")});
  EXPECT_EQ(last_line(bench).text, "b is dead: reported by c");
  EXPECT_EQ(last_line(bench).field("accuser"), "c");
}

}  // namespace
}  // namespace memberlist::testing
