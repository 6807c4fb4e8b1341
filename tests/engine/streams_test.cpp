#include "base/limits.hpp"
#include "engine_fixture.hpp"

// Protocol 3: exchanges over streams, each a state machine over bytes; what is refused, and when
// they end.
namespace memberlist::testing {
namespace {

const Address kPeer{IpAddress::v4(10, 9, 7, 7), 7946};

Claim claim_a() { return {.name = "a", .address = {IpAddress::v4(10, 9, 3, 1), 7946}}; }

Config no_probes() {
  Config config = EngineBench::quiet_config();
  config.probe_interval = Duration::zero();
  return config;
}

Config secret(bool with_label = true) {
  Config config = no_probes();
  config.keys = {to_bytes("0123456789abcdef")};
  if (with_label) config.label = "blue";
  return config;
}

const wire::ErrorMessage* error_of(const std::unique_ptr<wire::StreamOpener>& reply) {
  return reply ? std::get_if<wire::ErrorMessage>(&reply->message()) : nullptr;
}

// --- what is served -----------------------------------------------------------------------------

TEST(EngineStreams, PingIsAckedWithItsNumber) {
  for (const char* node : {"self", ""}) {
    Bench bench(no_probes());
    const auto id = bench.accept(kPeer);
    bench.feed(*id, bench.sealed(ping_message(77, node), true));
    const auto reply = bench.read(*id);
    ASSERT_NE(reply, nullptr);
    const auto* ack = std::get_if<wire::Ack>(&reply->message());
    ASSERT_NE(ack, nullptr);
    EXPECT_EQ(ack->seq_no, 77u);
    EXPECT_TRUE(ack->payload.empty());
    EXPECT_TRUE(bench.stream(*id).closed);
  }
}

TEST(EngineStreams, PingForAnotherNodeGetsNoAck) {
  Bench bench(no_probes());
  const auto id = bench.accept(kPeer);
  bench.feed(*id, bench.sealed(ping_message(77, "elf"), true));
  EXPECT_TRUE(bench.stream(*id).ended_at.has_value());
  const auto reply = bench.read(*id);
  EXPECT_TRUE(reply == nullptr || !std::holds_alternative<wire::Ack>(reply->message()));
  EXPECT_EQ(bench.log_lines(LogLevel::warning), 1u);
}

TEST(EngineStreams, UserMessageIsDelivered) {
  Bench bench(no_probes());
  bench.receive(kPeer, {alive_message({.name = "sender", .address = kPeer})});
  const auto id = bench.accept({kPeer.ip, 51'000});
  bench.feed(*id, bench.sealed(stream_user_message("hello there"), true));
  bench.end(*id);
  const auto messages = bench.events<UserMessage>();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(as_text(messages[0]->payload), "hello there");
  EXPECT_TRUE(messages[0]->reliable);
  EXPECT_EQ(messages[0]->source, (Address{kPeer.ip, 51'000}));
  EXPECT_TRUE(bench.stream(*id).written.empty()) << "no answer";
  EXPECT_TRUE(bench.stream(*id).ended_at.has_value());
}

TEST(EngineStreams, EmptyUserMessageIsSurvived) {
  Bench bench(no_probes());
  const auto id = bench.accept(kPeer);
  bench.feed(*id, bench.sealed(stream_user_message(""), true));
  bench.end(*id);
  EXPECT_TRUE(bench.stream(*id).ended_at.has_value());
}

TEST(EngineStreams, EverySortIsUnderstoodByteForByte) {
  for (const bool compress : {false, true}) {
    for (const bool encrypt : {false, true}) {
      Config config = encrypt ? secret() : no_probes();
      config.enable_compression = compress;
      Bench bench(config);
      const auto pinged = bench.accept(kPeer);
      bench.feed(*pinged, bench.sealed(ping_message(9, "self"), true), 1);
      EXPECT_NE(bench.read(*pinged), nullptr);
      const auto told = bench.accept(kPeer);
      bench.feed(*told, bench.sealed(stream_user_message("drop by drop"), true), 1);
      ASSERT_EQ(bench.events<UserMessage>().size(), 1u);
      EXPECT_EQ(as_text(bench.events<UserMessage>()[0]->payload), "drop by drop");
      const auto merged = bench.accept(kPeer);
      bench.feed(*merged, bench.sealed(push_pull_message(true, {claim_a()}, "state"), true), 1);
      EXPECT_EQ(bench.status("a"), MemberStatus::alive);
      const auto reply = bench.read(*merged);
      ASSERT_NE(reply, nullptr);
      EXPECT_EQ(std::get<wire::PushPullMessage>(reply->message()).header.nodes, 1)
          << "answered before it is merged";
    }
  }
}

TEST(EngineStreams, InitiatorUnderstandsItsAnswerByteForByte) {
  Bench bench(no_probes());
  ScriptedPeer& peer = bench.add_peer("a");
  peer.tcp = ScriptedPeer::Tcp::silent;
  const auto id = bench.act(
      [&](Engine& engine, TimePoint now) { return engine.join(now, {{"", peer.address}}); });
  bench.run_for(1s);
  bench.feed(bench.dialled().id,
             bench.sealed(push_pull_message(true, {peer.claim()}, "their state"), false), 1);
  EXPECT_EQ(bench.status("a"), MemberStatus::alive);
  const Completion* done = bench.completion(id.value());
  ASSERT_NE(done, nullptr);
  EXPECT_EQ(done->result.value().contacted, 1u);
  EXPECT_TRUE(bench.dialled().ended_at.has_value());
}

// --- ends and deadlines -------------------------------------------------------------------------

TEST(EngineStreams, EndBeforeTheFirstByteIsNoError) {
  Bench bench(no_probes());
  const auto id = bench.accept(kPeer);
  bench.end(*id);
  EXPECT_TRUE(bench.stream(*id).ended_at.has_value());
  EXPECT_TRUE(bench.stream(*id).written.empty());
  EXPECT_EQ(bench.engine().counters().dropped_malformed, 0u);
  EXPECT_EQ(bench.log_lines(LogLevel::warning) + bench.log_lines(LogLevel::error), 0u);
}

TEST(EngineStreams, EarlyEndDropsWhatCameAndSaysSo) {
  const Bytes whole = push_pull_message(true, {claim_a()}, "state");
  Config config = no_probes();
  config.enable_compression = false;
  for (std::size_t cut = 1; cut < whole.size(); cut += 7) {
    Bench bench(config);
    const auto id = bench.accept(kPeer);
    bench.feed(*id, BytesView(whole).first(cut));
    bench.end(*id);
    EXPECT_TRUE(bench.stream(*id).ended_at.has_value()) << cut;
    EXPECT_EQ(bench.engine().members()->size(), 1u);
    EXPECT_EQ(bench.engine().counters().dropped_malformed, 1u) << cut;
  }
}

TEST(EngineStreams, WarningNamesWhoConnectedKnownOrNot) {
  Bench bench(no_probes());
  // A connection comes from a separate port, not from the advertised one.
  const Address member{bench.meet("a").address.ip, 51'000};
  const Address stranger{IpAddress::parse("2001:db8::7").value(), 51'001};
  for (const Address& from : {member, stranger}) {
    const auto cut_off = bench.accept(from);
    bench.feed(*cut_off, BytesView(push_pull_message(true, {claim_a()}, "")).first(9));
    bench.end(*cut_off);
    const auto mistaken = bench.accept(from);
    bench.feed(*mistaken, bench.sealed(ping_message(77, "elf"), true));
    bench.end(*mistaken);
  }
  EXPECT_EQ(bench.warned_of(), (std::vector{member.to_string(), member.to_string(),
                                            stranger.to_string(), stranger.to_string()}));
}

TEST(EngineStreams, WarningNamesWhomWeConnectedTo) {
  Bench bench(no_probes());
  const Address peer = bench.add_peer("a").address;
  (void)bench.act([&](Engine& engine, TimePoint now) { return engine.join(now, {{"", peer}}); });
  bench.fail_stream(bench.dialled().id);
  EXPECT_EQ(bench.warned_of(), (std::vector{peer.to_string()}));
}

TEST(EngineStreams, StalledOneIsClosedAtItsDeadline) {
  Bench bench(no_probes());
  const TimePoint opened = bench.now();
  const auto mute = bench.accept(kPeer);
  const auto halting = bench.accept(kPeer);
  bench.run_for(3s);
  const Bytes bytes =
      bench.sealed(push_pull_message(true, {claim_a()}, std::string(90, 's')), true);
  bench.feed(*halting, BytesView(bytes).first(bytes.size() - 1));
  bench.run_for(60s);
  EXPECT_EQ(bench.stream(*mute).ended_at.value() - opened, 5s) << "half of tcp_timeout";
  EXPECT_EQ(bench.stream(*halting).ended_at.value() - opened, 10s) << "tcp_timeout";
  EXPECT_FALSE(bench.status("a").has_value());
  bench.feed(*halting, BytesView(bytes).last(1));
  EXPECT_FALSE(bench.status("a").has_value()) << "its id is not known any more";
}

TEST(EngineStreams, TricklingDoesNotMoveTheDeadline) {
  Bench bench(no_probes());
  const TimePoint opened = bench.now();
  const auto id = bench.accept(kPeer);
  bench.run_for(1s);
  const Bytes bytes = bench.sealed(stream_user_message(std::string(500, 'x')), true);
  for (std::size_t i = 0; i < 15 && !bench.stream(*id).ended_at; ++i) {
    bench.feed(*id, BytesView(bytes).subspan(i, 1));
    bench.run_for(1s);
  }
  ASSERT_TRUE(bench.stream(*id).ended_at.has_value());
  EXPECT_EQ(*bench.stream(*id).ended_at - opened, 6s) << "5 s after its first byte";
}

// Feeds a user message of `total` bytes at so many bytes a second, until it is delivered or closed;
// how long that took.
Duration feed_steadily(Bench& bench, std::size_t total, std::size_t bytes_a_second) {
  const TimePoint opened = bench.now();
  const auto id = bench.accept(kPeer);
  const Bytes bytes = stream_user_message(std::string(total, 'x'));
  for (std::size_t at = 0; at < bytes.size() && !bench.stream(*id).ended_at;) {
    const std::size_t count = std::min(bytes_a_second / 10, bytes.size() - at);
    bench.feed(*id, BytesView(bytes).subspan(at, count));
    at += count;
    if (!bench.stream(*id).ended_at) bench.run_for(100ms);
  }
  return bench.stream(*id).ended_at.value_or(bench.now()) - opened;
}

TEST(EngineStreams, LargeOneThatComesFastEnoughHasMoreTime) {
  Config config = no_probes();
  config.enable_compression = false;
  const std::size_t rate = limits::kLeastStreamBytesPerSecond;
  Bench bench(config);
  EXPECT_GT(feed_steadily(bench, 15 * 2 * rate, 2 * rate), Duration(14s));
  EXPECT_EQ(bench.events<UserMessage>().size(), 1u) << "after more than tcp_timeout";
  EXPECT_LT(feed_steadily(bench, 15 * rate, rate / 2), Duration(11s));
  EXPECT_EQ(bench.events<UserMessage>().size(), 1u) << "too slow";
  EXPECT_LT(feed_steadily(bench, 60 * 2 * rate, 2 * rate), Duration(41s));
  EXPECT_EQ(bench.events<UserMessage>().size(), 1u) << "four times tcp_timeout is the end";
}

TEST(EngineStreams, FailureOfAStreamForgetsIt) {
  Bench bench(no_probes());
  const auto id = bench.accept(kPeer);
  bench.feed(*id, as_bytes("\x06"));
  bench.fail_stream(*id);
  bench.run_for(30s);
  EXPECT_FALSE(bench.stream(*id).ended_at.has_value()) << "nothing more is asked about it";
}

TEST(EngineStreams, EventsOfUnknownStreamsAreIgnored) {
  Bench bench(no_probes());
  bench.forget();
  const StreamId nobody{123'456};
  bench.connected(nobody);
  bench.feed(nobody, as_bytes("bytes"));
  bench.end(nobody);
  bench.fail_stream(nobody);
  EXPECT_TRUE(bench.log().empty());
}

// --- limits -------------------------------------------------------------------------------------

Address numbered_peer(std::size_t number) {
  return {IpAddress::v4(10, 9, 8, static_cast<std::uint8_t>(number)), 7946};
}

TEST(EngineStreams, HundredAndTwentyNinthPushPullIsRefused) {
  Config config = no_probes();
  config.enable_compression = false;  // else a push/pull is known as one only when it is complete
  Bench bench(config);
  const Bytes bytes = bench.sealed(push_pull_message(false, {claim_a()}), true);
  std::vector<StreamId> ids;
  for (int i = 0; i < 129; ++i) {
    const auto id = bench.accept(numbered_peer(i < 65 ? 1 : 2));
    ASSERT_TRUE(id.has_value());
    ids.push_back(*id);
    bench.feed(*id, BytesView(bytes).first(bytes.size() - 1));
  }
  EXPECT_TRUE(bench.stream(ids[128]).closed);
  const auto refusal = bench.read(ids[128]);
  ASSERT_NE(error_of(refusal), nullptr) << "with a word why";
  EXPECT_NE(error_of(refusal)->error.find("busy"), std::string_view::npos);
  EXPECT_EQ(bench.engine().counters().dropped_limit, 1u);
  for (int i = 0; i < 128; ++i) {
    bench.feed(ids[static_cast<std::size_t>(i)], BytesView(bytes).last(1));
    EXPECT_NE(bench.read(ids[static_cast<std::size_t>(i)]), nullptr) << i;
  }
  const auto after = bench.accept(kPeer);
  ASSERT_TRUE(after.has_value());
  bench.feed(*after, bytes);
  EXPECT_NE(bench.read(*after), nullptr) << "room again";
}

TEST(EngineStreams, OneAddressCannotTakeAllPushPulls) {
  Config config = no_probes();
  config.enable_compression = false;  // as above
  Bench bench(config);
  const Bytes bytes = bench.sealed(push_pull_message(false, {claim_a()}), true);
  std::vector<StreamId> ids;
  for (std::size_t i = 0; i <= limits::kPushPullsPerSource; ++i) {
    const auto id = bench.accept(kPeer);
    ASSERT_TRUE(id.has_value());
    ids.push_back(*id);
    bench.feed(*id, BytesView(bytes).first(bytes.size() - 1));
  }
  const auto refusal = bench.read(ids.back());
  ASSERT_NE(error_of(refusal), nullptr) << "with a word why";
  EXPECT_EQ(bench.engine().counters().dropped_limit, 1u);
  const auto other = bench.accept(numbered_peer(1));
  ASSERT_TRUE(other.has_value());
  bench.feed(*other, bytes);
  EXPECT_NE(bench.read(*other), nullptr) << "another is served";
  bench.feed(ids.front(), BytesView(bytes).last(1));
  const auto after = bench.accept(kPeer);
  ASSERT_TRUE(after.has_value());
  bench.feed(*after, bytes);
  EXPECT_NE(bench.read(*after), nullptr) << "room again";
}

TEST(EngineStreams, InboundStreamsAreBounded) {
  Bench bench(no_probes());
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < 400; ++i) accepted += bench.accept(numbered_peer(i % 4)).has_value();
  EXPECT_EQ(accepted, limits::kInboundStreams);
  EXPECT_EQ(bench.engine().counters().dropped_limit, 400 - limits::kInboundStreams);
  bench.run_for(11s);
  EXPECT_TRUE(bench.accept(kPeer).has_value());
}

TEST(EngineStreams, OneAddressCannotTakeThemAll) {
  Bench bench(no_probes());
  std::size_t accepted = 0;
  for (std::uint16_t i = 1; i < 400; ++i) accepted += bench.accept({kPeer.ip, i}).has_value();
  EXPECT_EQ(accepted, limits::kInboundStreamsPerSource);
  EXPECT_TRUE(bench.accept(numbered_peer(1)).has_value());
}

TEST(EngineStreams, WhoHoldsMostLosesItsLargestOneWhenTooMuchIsHeld) {
  Config config = no_probes();
  config.enable_compression = false;
  Bench bench(config);
  const Bytes large = stream_user_message(std::string(limits::kUserMessageBytes, 'x'));
  const auto modest = bench.accept(numbered_peer(1));
  bench.feed(*modest, BytesView(large).first(limits::kMiB));
  std::vector<StreamId> greedy;
  for (int i = 0; i < 4; ++i) {
    greedy.push_back(*bench.accept(kPeer));
    bench.feed(greedy.back(), BytesView(large).first(large.size() - 1));
  }
  EXPECT_EQ(bench.engine().counters().dropped_limit, 1u);
  EXPECT_TRUE(bench.stream(greedy[0]).ended_at.has_value());
  const auto refusal = bench.read(greedy[0]);
  ASSERT_NE(error_of(refusal), nullptr);
  EXPECT_NE(error_of(refusal)->error.find("busy"), std::string_view::npos);
  bench.feed(*modest, BytesView(large).subspan(limits::kMiB));
  bench.feed(greedy[3], BytesView(large).last(1));
  EXPECT_EQ(bench.events<UserMessage>().size(), 2u) << "the others go on";
}

TEST(EngineStreams, ErrorsAreAnsweredSoOftenASecond) {
  Bench bench(no_probes());
  std::size_t answered = 0;
  for (std::size_t i = 0; i < 300; ++i) {
    const auto id = bench.accept(kPeer);
    bench.feed(*id, as_bytes("\x63 what is this"));
    EXPECT_TRUE(bench.stream(*id).ended_at.has_value());
    answered += bench.stream(*id).written.empty() ? 0 : 1;
  }
  EXPECT_EQ(answered, limits::kErrorRepliesPerSecond);
  bench.run_for(1s);
  const auto later = bench.accept(kPeer);
  bench.feed(*later, as_bytes("\x63 what is this"));
  EXPECT_FALSE(bench.stream(*later).written.empty());
}

Bytes push_pull_header(std::int64_t nodes, std::int64_t user_state_len) {
  return message_bytes(
      wire::PushPullHeader{.nodes = nodes, .user_state_len = user_state_len, .join = true});
}

TEST(EngineStreams, AnnouncedCountsOverTheLimitsAreRefusedAtOnce) {
  const Bytes headers[] = {
      push_pull_header(-1, 0),
      push_pull_header(1'048'577, 0),
      push_pull_header(0, -1),
      push_pull_header(0, 20 * 1024 * 1024 + 1),
      message_bytes(wire::UserHeader{.user_msg_len = -1}),
      message_bytes(wire::UserHeader{.user_msg_len = 20 * 1024 * 1024 + 1}),
  };
  for (const Bytes& header : headers) {
    Config config = no_probes();
    config.enable_compression = false;
    Bench bench(config);
    const auto id = bench.accept(kPeer);
    bench.feed(*id, header);
    EXPECT_TRUE(bench.stream(*id).ended_at.has_value());
    const EngineCounters counters = bench.engine().counters();
    EXPECT_EQ(counters.dropped_limit + counters.dropped_malformed, 1u);
    const auto reply = bench.read(*id);
    EXPECT_NE(error_of(reply), nullptr) << "and the peer is told why";
  }
}

TEST(EngineStreams, AnnouncedCountsAtTheLimitsAreWaitedFor) {
  Config config = no_probes();
  config.enable_compression = false;
  Bench bench(config);
  for (const Bytes& header : {push_pull_header(1'048'576, 20 * 1024 * 1024),
                              message_bytes(wire::UserHeader{.user_msg_len = 20 * 1024 * 1024})}) {
    const auto id = bench.accept(kPeer);
    bench.feed(*id, header);
    EXPECT_FALSE(bench.stream(*id).ended_at.has_value());
  }
}

// --- bad input ----------------------------------------------------------------------------------

TEST(EngineStreams, UnreadableOneIsAnsweredByAnError) {
  for (const std::string_view garbage : {"\x63 what is this", "\x05", "\x06\xc1", "\x08\xff"}) {
    Bench bench(no_probes());
    const auto id = bench.accept(kPeer);
    bench.feed(*id, as_bytes(garbage));
    bench.end(*id);
    const auto reply = bench.read(*id);
    EXPECT_NE(error_of(reply), nullptr);
    EXPECT_TRUE(bench.stream(*id).closed);
    EXPECT_EQ(bench.engine().counters().dropped_malformed, 1u);
    EXPECT_GE(bench.log_lines(LogLevel::warning) + bench.log_lines(LogLevel::error), 1u);
  }
}

TEST(EngineStreams, RandomBytesMoveCountersAndNothingElse) {
  Bench bench(no_probes());
  bench.forget();
  Random random(3);
  for (int i = 0; i < 2000; ++i) {
    const auto id = bench.accept(kPeer);
    ASSERT_TRUE(id.has_value());
    Bytes bytes(random.below(300) + 1);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.next());
    if (i % 2 == 0) bytes[0] = static_cast<std::byte>(random.below(14));
    bench.feed(*id, bytes, random.below(40));
    bench.end(*id);
    EXPECT_TRUE(bench.stream(*id).ended_at.has_value());
  }
  EXPECT_EQ(bench.engine().members()->size(), 1u);
  EXPECT_TRUE(bench.events<MemberEvent>().empty());
  const EngineCounters counters = bench.engine().counters();
  EXPECT_GE(counters.dropped_malformed + counters.dropped_label + counters.dropped_limit +
                counters.dropped_undecryptable,
            1900u);
  EXPECT_LE(bench.log().size(), 100u) << "the log is rate-limited";
}

TEST(EngineStreams, LabelMustBeOurs) {
  const auto status_after = [](std::string label, BytesView head) {
    Config config = no_probes();
    config.label = std::move(label);
    config.enable_compression = false;
    Bench bench(config);
    const auto id = bench.accept(kPeer);
    bench.feed(*id, head);
    bench.feed(*id, push_pull_message(true, {claim_a()}));
    bench.end(*id);
    EXPECT_TRUE(bench.stream(*id).ended_at.has_value());
    const bool merged = bench.status("a").has_value();
    if (!merged) {
      const EngineCounters counters = bench.engine().counters();
      EXPECT_GE(counters.dropped_label + counters.dropped_malformed, 1u);
    }
    return merged;
  };
  EXPECT_TRUE(status_after("", {}));
  EXPECT_TRUE(status_after("blue", as_bytes("\xf4\x04"
                                            "blue")));
  EXPECT_FALSE(status_after("blue", as_bytes("\xf4\x05"
                                             "green")));
  EXPECT_FALSE(status_after("blue", {}));
  EXPECT_FALSE(status_after("", as_bytes("\xf4\x04"
                                         "blue")));
  EXPECT_FALSE(status_after("", as_bytes(std::string_view("\xf4\x00", 2)))) << "empty";
}

TEST(EngineStreams, TruncatedLabelHeaderIsSurvived) {
  Config config = no_probes();
  config.label = "blue";
  Bench bench(config);
  const auto id = bench.accept(kPeer);
  bench.feed(*id, as_bytes("\xf4\x04"
                           "bl"));
  bench.end(*id);
  EXPECT_TRUE(bench.stream(*id).ended_at.has_value());
}

TEST(EngineStreams, PlainOneIsRefusedWhereKeysAreSet) {
  Config config = secret(false);
  Bench bench(config);
  const auto id = bench.accept(kPeer);
  bench.feed(*id, push_pull_message(true, {claim_a()}));
  bench.end(*id);
  EXPECT_FALSE(bench.status("a").has_value());
  EXPECT_TRUE(bench.stream(*id).ended_at.has_value());

  config.gossip_verify_incoming = false;
  Bench lenient(config);
  const auto taken = lenient.accept(kPeer);
  lenient.feed(*taken, push_pull_message(true, {claim_a()}));
  EXPECT_EQ(lenient.status("a"), MemberStatus::alive);
}

TEST(EngineStreams, EncryptedOneIsRefusedWithoutKeysOrWithOthers) {
  Bench sender(secret(false));
  const Bytes bytes = sender.sealed(push_pull_message(true, {claim_a()}), true);
  Bench keyless(no_probes());
  Config other_key = secret(false);
  other_key.keys = {to_bytes("fedcba9876543210")};
  Bench other(other_key);
  for (Bench* bench : {&keyless, &other}) {
    const auto id = bench->accept(kPeer);
    bench->feed(*id, bytes);
    bench->end(*id);
    EXPECT_FALSE(bench->status("a").has_value());
    EXPECT_TRUE(bench->stream(*id).ended_at.has_value());
    const EngineCounters counters = bench->engine().counters();
    EXPECT_EQ(counters.dropped_undecryptable + counters.dropped_encrypted, 1u);
  }
}

}  // namespace
}  // namespace memberlist::testing
