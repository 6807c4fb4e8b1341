#include "log_bench.hpp"
#include "memberlist/name_text.hpp"

// The fields of log lines: docs/logging.md.
namespace memberlist::testing {
namespace {

TEST(EngineLog, ADropHasItsCauseAndLabel) {
  Config config = no_probes();
  config.label = "blue";
  LogBench bench(config);
  bench.receive_raw(kPeer, as_bytes(std::string_view("\xf4\x04red\n", 6)));
  bench.receive_raw(kPeer, message_bytes(wire::Nack{.seq_no = 1}));
  const std::vector<LogRecord> lines = lines_of(bench);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].field("cause"), "label");
  EXPECT_EQ(lines[0].field("label"), "red\\x0a") << "escaped as the text is";
  EXPECT_EQ(lines[0].peer, kPeer.to_string());
  EXPECT_EQ(lines[1].field("cause"), "label");
  EXPECT_EQ(lines[1].field("label"), "");
}

TEST(EngineLog, AConflictNamesTheMemberAndBothAddresses) {
  LogBench bench(no_probes());
  const Address known = bench.meet("a").address;
  bench.receive(kPeer, {alive_message({.name = "a", .address = kPeer, .incarnation = 9})});
  const LogRecord line = last_line(bench);
  EXPECT_EQ(line.level, LogLevel::warning);
  EXPECT_EQ(line.field("cause"), "conflict");
  EXPECT_EQ(line.field("member"), "a");
  EXPECT_EQ(line.field("address"), kPeer.to_string());
  EXPECT_EQ(line.field("known_address"), known.to_string());
  EXPECT_EQ(line.field("error"), "") << "it has no such field";
}

TEST(EngineLog, ARefusalHasTheErrorsCode) {
  VirtualPolicy policy;
  policy.on_alive = [](const MemberRecord&) -> Result<void> {
    return fail(ErrorCode::vetoed, "not one of ours");
  };
  LogBench bench(no_probes(), &policy);
  bench.receive(kPeer, {alive_message({.name = "x", .address = kPeer})});
  const LogRecord line = last_line(bench);
  EXPECT_EQ(line.field("cause"), "veto");
  EXPECT_EQ(line.field("member"), "x");
  EXPECT_EQ(line.field("error"), "vetoed");
}

TEST(EngineLog, AFailedPushPullHasTheErrorsCode) {
  LogBench bench(no_probes());
  ASSERT_TRUE(bench.act([](Engine& engine, TimePoint now) {
    return engine.join(now, {{.name = "", .address = kPeer}});
  }));
  ASSERT_TRUE(bench.run_until([&] { return !lines_of(bench).empty(); }, 60s));
  const LogRecord line = last_line(bench);
  EXPECT_EQ(line.field("cause"), "stream");
  EXPECT_EQ(line.field("error"), "timed_out");
}

// What an error says of a peer's text is escaped where the error is made.
TEST(EngineLog, APeersTextIsEscapedOnce) {
  LogBench bench(no_probes());
  ScriptedPeer& peer = bench.add_peer("a");
  peer.tcp = ScriptedPeer::Tcp::silent;
  ASSERT_TRUE(bench.act([&](Engine& engine, TimePoint now) {
    return engine.join(now, {{.name = "", .address = peer.address}});
  }));
  bench.run_for(1s);
  const wire::ErrorMessage refusal{.error = "no D\\x\nhere"};
  bench.feed(bench.dialled().id, bench.sealed(message_bytes(refusal), false));
  EXPECT_TRUE(last_line(bench).text.ends_with(" refused: no D\\\\x\\x0ahere"))
      << last_line(bench).text;
}

TEST(EngineLog, TheApplicationsReasonIsEscapedOnce) {
  VirtualPolicy policy;
  policy.on_merge = [](std::span<const MemberRecord>) -> Result<void> {
    return fail(ErrorCode::vetoed, "not " + show_name("D\\x") + "\n");
  };
  LogBench bench(no_probes(), &policy);
  const auto id = bench.accept(kPeer);
  ASSERT_TRUE(id);
  bench.feed(id.value_or(StreamId{}),
             bench.sealed(push_pull_message(true, {{.name = "a", .address = kPeer}}), true));
  EXPECT_EQ(last_line(bench).text, "push/pull refused: the merge was cancelled: not D\\\\x\\x0a");
}

TEST(EngineLog, AnAccusationOfThisNodeNamesTheAccuser) {
  LogBench bench(no_probes());
  bench.receive(kPeer, {suspect_message("self", 1, "b\ad")});
  EXPECT_EQ(last_line(bench).field("cause"), "refutation");
  EXPECT_EQ(last_line(bench).field("accuser"), "b\\x07d");
}

TEST(EngineLog, TheLineAfterAFloodCountsWhatWasHeldBack) {
  LogBench bench(no_probes());
  for (int i = 0; i < 100; ++i) bench.receive_raw(kPeer, as_bytes("\xff"));
  const std::size_t told = lines_of(bench).size();
  for (const LogRecord& line : lines_of(bench)) EXPECT_EQ(line.field("suppressed"), "");
  bench.run_for(2s);
  bench.receive_raw(kPeer, as_bytes("\xff"));
  EXPECT_EQ(last_line(bench).field("suppressed"), std::to_string(100 - told));
}

TEST(EngineLog, KeysAreNamedByTheirFingerprints) {
  LogBench bench(no_probes());
  const Bytes key(16, std::byte{7});
  ASSERT_TRUE(bench.act([&](Engine& engine, TimePoint) { return engine.add_key(key); }));
  EXPECT_EQ(last_line(bench).field("key"), key_fingerprint(key));
}

TEST(EngineLog, QueuesAreToldInNumbers) {
  Config config = no_probes();
  config.gossip_interval = Duration::zero();
  config.queue_check_interval = 1s;
  LogBench bench(config);
  bench.run_for(1500ms);
  const LogRecord line = last_line(bench);
  EXPECT_EQ(line.level, LogLevel::debug);
  EXPECT_EQ(line.field("member_messages"), "1");
  EXPECT_EQ(line.field("user_messages"), "0");
}

}  // namespace
}  // namespace memberlist::testing
