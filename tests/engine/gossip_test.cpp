#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "engine_fixture.hpp"
#include "log_bench.hpp"

// Protocol 7: the targets of gossip, its content and frequency, and how dead members are forgotten.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

// Keeps the queue from running dry, so that every tick gossips.
void keep_busy(EngineBench& bench, Duration duration) {
  const TimePoint end = bench.now() + duration;
  while (bench.now() < end) {
    EXPECT_TRUE(bench
                    .act([](Engine& engine, TimePoint now) {
                      return engine.broadcast(now, as_bytes("news"), "news");
                    })
                    .has_value());
    bench.run_for(100ms);
  }
}

TEST(EngineGossip, OwnAliveMessageIsQueuedFromTheStart) {
  Bench bench(no_probes());
  bench.meet("a");
  bench.run_for(300ms);
  const auto sent = bench.sent_about(Type::alive, "self");
  ASSERT_FALSE(sent.empty());
  const wire::Alive alive = sent[0]->alive();
  EXPECT_EQ(alive.incarnation, 1u);
  EXPECT_EQ(IpAddress::from_bytes(alive.addr), bench.address().ip);
  EXPECT_EQ(to_bytes(alive.vsn), versions(1, 5, 2));
}

TEST(EngineGossip, ManyDeadMembersDoNotTakeItAwayFromTheLiving) {
  Config config = no_probes();
  config.retransmit_mult = 50;
  Bench bench(config);
  std::set<Address> living;
  for (int i = 0; i < 4; ++i) living.insert(bench.meet("living" + std::to_string(i)).address);
  for (std::uint16_t i = 1; i <= 200; ++i) {
    const std::string name = "dead" + std::to_string(i);
    bench.receive(kPeer, {alive_message({.name = name, .address = {IpAddress::v4(10, 9, 4, 1), i}}),
                          dead_message(name, 1, "x")});
  }
  bench.forget();
  bench.run_for(4s);
  std::size_t to_the_living = 0;
  for (const SeenPacket& packet : bench.packets()) to_the_living += living.contains(packet.to);
  EXPECT_GE(bench.packets().size(), 50u);
  EXPECT_GE(3 * to_the_living, 2 * bench.packets().size()) << "two of three in each tick";
  EXPECT_LT(to_the_living, bench.packets().size()) << "the dead may refute";
}

/// A contact whose cluster has so many members: m0, m1, ...
ScriptedPeer& add_contact(Bench& bench, const std::string& name, std::uint16_t members) {
  ScriptedPeer& contact = bench.add_peer(name);
  contact.tcp = ScriptedPeer::Tcp::answers;
  contact.claims = {contact.claim()};
  for (std::uint16_t i = 0; i < members; ++i) {
    contact.claims.push_back({.name = fmt::format("{}-m{}", name, i),
                              .address = {contact.address.ip, static_cast<std::uint16_t>(i + 1)}});
  }
  return contact;
}

// Without the push/pull after a join.
Config joins_only() {
  Config config = no_probes();
  config.push_pull_interval = 0s;
  return config;
}

TEST(EngineGossip, WhatAFirstJoinTaughtGoesIntoOneTickAfterAllNews) {
  constexpr std::uint16_t kMembers = 300;
  Bench bench(joins_only());
  ASSERT_TRUE(join_through(bench, {add_contact(bench, "contact", kMembers).address}));
  bench.run_for(30s);
  std::set<TimePoint> ticks;
  for (std::uint16_t i = 0; i < kMembers; ++i) {
    const auto sent = bench.sent_about(Type::alive, fmt::format("contact-m{}", i));
    ASSERT_EQ(sent.size(), 3u) << i << ": one for each target of a tick";
    for (const SeenMessage* message : sent) EXPECT_EQ(message->at, sent.front()->at);
    ticks.insert(sent.front()->at);
  }
  EXPECT_GT(ticks.size(), 5u) << "a packet has room for some thirty";
  const auto own = bench.sent_about(Type::alive, "self");
  EXPECT_GT(own.size(), 3u) << "news";
  EXPECT_EQ(own.front()->at, *ticks.begin());
  EXPECT_EQ(bench.engine().counters().broadcasts_queued, 0u);
}

TEST(EngineGossip, WhoIsNotAliveAnyMoreIsNotToldAboutAsLearnedByAJoin) {
  Bench bench(joins_only());
  ASSERT_TRUE(join_through(bench, {add_contact(bench, "contact", 300).address}));
  bench.run_for(100ms);
  bench.receive(kPeer, {dead_message("contact-m0", 1, "contact-m1")});
  bench.run_for(30s);
  EXPECT_TRUE(bench.sent_about(Type::alive, "contact-m0").empty()) << "the last in turn";
  EXPECT_FALSE(bench.sent_about(Type::dead, "contact-m0").empty());
  EXPECT_EQ(bench.sent_about(Type::alive, "contact-m1").size(), 3u);
}

// `kNever` if there is none.
TimePoint first_sent(const Bench& bench, Type type, const std::string& member) {
  const auto sent = bench.sent_about(type, member);
  return sent.empty() ? kNever : sent.front()->at;
}

// Newcomers and a death fill all packets for a while.
TEST(EngineGossip, WhatAFirstJoinTaughtWaitsForNewsAndHoldsUpNone) {
  constexpr std::uint16_t kNewcomers = 200;
  Bench bench(joins_only());
  ASSERT_TRUE(join_through(bench, {add_contact(bench, "contact", 300).address}));
  bench.run_for(10ms);
  for (std::uint16_t i = 1; i <= kNewcomers; ++i) {
    bench.receive(kPeer, {alive_message({.name = fmt::format("newcomer{}", i),
                                         .address = {IpAddress::v4(10, 9, 4, 1), i}})});
  }
  bench.receive(kPeer, {dead_message("contact-m0", 1, "contact-m1")});
  bench.run_for(60s);
  TimePoint all_news_sent = first_sent(bench, Type::dead, "contact-m0");
  for (std::uint16_t i = 1; i <= kNewcomers; ++i) {
    const TimePoint sent = first_sent(bench, Type::alive, fmt::format("newcomer{}", i));
    all_news_sent = std::max(all_news_sent, sent);
  }
  ASSERT_NE(all_news_sent, kNever);
  std::size_t learned = 0;
  for (std::uint16_t i = 1; i < 300; ++i) {
    const TimePoint sent = first_sent(bench, Type::alive, fmt::format("contact-m{}", i));
    EXPECT_GE(sent, all_news_sent) << i;
    learned += sent != kNever ? 1 : 0;
  }
  EXPECT_EQ(learned, 299u);
  EXPECT_EQ(bench.engine().counters().broadcasts_queued, 0u);
}

TEST(EngineGossip, NewsThatFitNoPacketAreDropped) {
  Config config = joins_only();
  config.udp_buffer_size = 512;
  Bench bench(config);
  bench.meet("a");
  bench.receive(kPeer, {alive_message({.name = "large", .address = kAddress, .meta = Bytes(500)})});
  bench.run_for(10s);
  EXPECT_TRUE(bench.engine().member("large").has_value());
  EXPECT_FALSE(bench.sent_about(Type::alive, "a").empty());
  EXPECT_TRUE(bench.sent_about(Type::alive, "large").empty());
  EXPECT_EQ(bench.engine().counters().broadcasts_queued, 0u) << "gossip would never end";
  const auto lines = lines_of(bench);
  const auto says_so = [](const LogRecord& line) {
    return line.text.contains("news about 1 of the members, which no packet of 512 bytes can hold");
  };
  EXPECT_EQ(std::ranges::count_if(lines, says_so), 1);
}

TEST(EngineGossip, WhoFitsNoPacketHoldsUpNobodyLearnedByAJoin) {
  Config config = joins_only();
  config.udp_buffer_size = 512;
  Bench bench(config);
  ScriptedPeer& contact = add_contact(bench, "contact", 5);
  for (std::uint16_t i = 1; i <= 2; ++i) {
    contact.claims.push_back(
        {.name = fmt::format("large{}", i), .address = {kAddress.ip, i}, .meta = Bytes(500)});
  }
  ASSERT_TRUE(join_through(bench, {contact.address}));
  bench.run_for(10s);
  EXPECT_TRUE(bench.sent_about(Type::alive, "large1").empty());
  EXPECT_TRUE(bench.engine().member("large2").has_value());
  EXPECT_EQ(bench.sent_about(Type::alive, "contact-m0").size(), 3u);
  const auto lines = lines_of(bench);
  EXPECT_EQ(std::ranges::count_if(
                lines, [](const LogRecord& line) { return line.text.contains("about 2 of the"); }),
            1);
  EXPECT_EQ(bench.engine().counters().broadcasts_queued, 0u);
}

// The cluster of the first contact must hear of the second one's.
TEST(EngineGossip, WhatAFurtherJoinTeachesIsNews) {
  Bench bench(joins_only());
  ASSERT_TRUE(join_through(bench, {add_contact(bench, "one", 5).address}));
  bench.run_for(10s);
  ASSERT_TRUE(join_through(bench, {add_contact(bench, "two", 5).address}));
  bench.run_for(10s);
  EXPECT_EQ(bench.sent_about(Type::alive, "one-m0").size(), 3u);
  EXPECT_GT(bench.sent_about(Type::alive, "two-m0").size(), 3u);
}

TEST(EngineGossip, WithNoTargetsThereIsNone) {
  Config config = no_probes();
  config.gossip_nodes = 0;
  Bench bench(config);
  for (int i = 0; i < 4; ++i) bench.meet("peer" + std::to_string(i));
  (void)bench.act([](Engine& engine, TimePoint now) { return engine.leave(now, 1s); });
  bench.run_for(2s);
  EXPECT_TRUE(bench.packets().empty());
}

TEST(EngineGossip, EachTickToSoManyDifferentMembers) {
  Config config = no_probes();
  config.retransmit_mult = 50;
  Bench bench(config);
  for (int i = 0; i < 8; ++i) bench.meet("peer" + std::to_string(i));
  bench.run_for(6s);
  std::map<TimePoint, std::multiset<Address>> ticks;
  for (const SeenPacket& packet : bench.packets()) ticks[packet.at].insert(packet.to);
  ASSERT_GE(ticks.size(), 15u);
  std::set<Address> everybody;
  TimePoint last{};
  for (const auto& [at, targets] : ticks) {
    EXPECT_LE(targets.size(), 3u);
    EXPECT_EQ(std::set(targets.begin(), targets.end()).size(), targets.size()) << "no member twice";
    EXPECT_FALSE(targets.contains(bench.address()));
    everybody.insert(targets.begin(), targets.end());
    EXPECT_TRUE(last == TimePoint{} || at - last == 200ms);
    last = at;
  }
  EXPECT_EQ(everybody.size(), 8u) << "all get their turn";
}

TEST(EngineGossip, APacketIsSealedOnceForAllTargetsOfATick) {
  Config config = no_probes();
  config.keys = {to_bytes("0123456789abcdef")};
  Bench bench(config);
  for (int i = 0; i < 3; ++i) bench.meet("peer" + std::to_string(i));
  bench.run_until([&] { return !bench.packets().empty(); }, 1s);
  std::set<Bytes> different;
  for (const SeenPacket& packet : bench.packets()) different.insert(packet.bytes);
  EXPECT_EQ(bench.packets().size(), 3u);
  EXPECT_EQ(different.size(), 1u);
}

TEST(EngineGossip, SmallClusterIsGossipedToWhole) {
  for (const int others : {1, 2, 3}) {
    Bench bench(no_probes());
    for (int i = 0; i < others; ++i) bench.meet("peer" + std::to_string(i));
    bench.run_until([&] { return !bench.packets().empty(); }, 1s);
    std::set<Address> targets;
    for (const SeenPacket& packet : bench.packets()) targets.insert(packet.to);
    EXPECT_EQ(targets.size(), static_cast<std::size_t>(others));
    EXPECT_EQ(bench.packets().size(), targets.size()) << "nobody twice in one round";
  }
}

TEST(EngineGossip, SilentWhereThereIsNoNews) {
  Bench bench(no_probes());
  bench.meet("a");
  bench.run_for(20s);
  bench.forget();
  bench.run_for(60s);
  EXPECT_TRUE(bench.packets().empty());
}

TEST(EngineGossip, NothingWakesAMemberWithoutNews) {
  Config config = no_probes();
  config.queue_check_interval = Duration::zero();
  Bench bench(config);
  EXPECT_EQ(bench.engine().next_deadline(), kNever) << "there is nobody to tell";
  bench.meet("a");
  EXPECT_LT(bench.engine().next_deadline(), bench.now() + config.gossip_interval);
  bench.run_for(20s);
  EXPECT_EQ(bench.engine().next_deadline(), kNever);
}

TEST(EngineGossip, NewsGoOutWhenTheyWouldHaveWithoutAPause) {
  Bench bench(no_probes());
  bench.meet("a");
  bench.run_until([&] { return !bench.packets().empty(); }, 1s);
  const TimePoint tick = bench.packets().front().at;
  bench.run_for(20s);
  for (int i = 0; i < 20; ++i) {
    bench.run_for(10s + i * 37ms);
    bench.forget();
    const TimePoint came = bench.now();
    (void)bench.act([](Engine& engine, TimePoint now) {
      return engine.broadcast(now, as_bytes("news"), "news");
    });
    ASSERT_TRUE(bench.run_until([&] { return !bench.packets().empty(); }, 1s));
    const TimePoint went = bench.packets().front().at;
    EXPECT_LE(went - came, 200ms);
    EXPECT_EQ((went - tick) % 200ms, 0ms);
  }
}

TEST(EngineGossip, SuspectMembersAreGossipedTo) {
  Bench bench(no_probes());
  ScriptedPeer& peer = bench.meet("a");
  bench.receive(kPeer, {suspect_message("a", 1, "x")});
  bench.run_for(300ms);
  ASSERT_FALSE(bench.packets().empty());
  EXPECT_EQ(bench.packets().back().to, peer.address);
}

TEST(EngineGossip, TheDeadAreGossipedToForAWhile) {
  Bench bench(no_probes());
  bench.meet("other");
  ScriptedPeer& gone = bench.meet("gone");
  bench.receive(kPeer, {dead_message("gone", 1, "x")});
  const TimePoint died = bench.now();
  keep_busy(bench, 60s);
  std::optional<TimePoint> last;
  for (const SeenPacket& packet : bench.packets()) {
    if (packet.to == gone.address) last = packet.at;
  }
  ASSERT_TRUE(last.has_value()) << "so that it learns of its death and can refute";
  EXPECT_GE(*last - died, 29s);
  EXPECT_LE(*last - died, 30s);
}

TEST(EngineGossip, ThoseWhoLeftAreNotGossipedTo) {
  Bench bench(no_probes());
  bench.meet("other");
  ScriptedPeer& gone = bench.meet("gone");
  bench.receive(kPeer, {dead_message("gone", 1, "gone")});
  bench.forget();
  keep_busy(bench, 10s);
  for (const SeenPacket& packet : bench.packets()) EXPECT_NE(packet.to, gone.address);
  EXPECT_FALSE(bench.packets().empty());
}

TEST(EngineGossip, OldDeadAreForgottenAndYoungOnesStay) {
  Bench bench;
  bench.meet("live");
  bench.meet("dead");
  bench.meet("left");
  bench.meet("later");
  bench.receive(kPeer, {dead_message("dead", 1, "x"), dead_message("left", 1, "left")});
  bench.run_for(15s);
  bench.receive(kPeer, {dead_message("later", 1, "x")});
  bench.run_for(14s);
  EXPECT_EQ(bench.status("dead"), MemberStatus::dead) << "29 s: remembered";
  EXPECT_EQ(bench.status("left"), MemberStatus::left);
  bench.run_for(5s);
  EXPECT_FALSE(bench.status("dead").has_value()) << "34 s: gone at a wrap-around";
  EXPECT_FALSE(bench.status("left").has_value());
  EXPECT_EQ(bench.status("later"), MemberStatus::dead);
  EXPECT_EQ(bench.engine().members()->size(), 3u);
  bench.run_for(15s);
  EXPECT_FALSE(bench.status("later").has_value());
  EXPECT_EQ(bench.engine().members()->size(), 2u);
}

TEST(EngineGossip, OldDeadAreForgottenWhereProbesAreOffToo) {
  Config config = EngineBench::quiet_config();
  config.probe_interval = Duration::zero();
  config.queue_check_interval = 1s;
  Bench bench(config);
  bench.meet("dead");
  bench.receive(kPeer, {dead_message("dead", 1, "x")});
  bench.run_for(29s);
  EXPECT_EQ(bench.status("dead"), MemberStatus::dead);
  bench.run_for(5s);
  EXPECT_FALSE(bench.status("dead").has_value());
}

TEST(EngineGossip, ForgottenMemberIsNewWhenItComesBack) {
  Bench bench;
  bench.meet("live");
  ScriptedPeer& peer = bench.meet("m");
  bench.receive(kPeer, {dead_message("m", 9, "x")});
  bench.run_for(60s);
  ASSERT_FALSE(bench.status("m").has_value());
  bench.forget();
  peer.incarnation = 10;  // with less it would stay buried
  bench.introduce(peer);
  EXPECT_EQ(bench.kinds("m"), (Kinds{join})) << "not alive again";
  EXPECT_EQ(bench.incarnation("m"), 10u);
}

TEST(EngineGossip, MessageAboutAMemberReplacesTheOneQueued) {
  Config config = no_probes();
  config.gossip_interval = 5s;
  Bench bench(config);
  bench.meet("a");
  for (std::uint32_t incarnation = 1; incarnation <= 5; ++incarnation) {
    bench.receive(kPeer, {alive_message({.name = "m",
                                         .address = {IpAddress::v4(10, 9, 3, 3), 1},
                                         .incarnation = incarnation})});
  }
  bench.receive(kPeer, {suspect_message("m", 5, "x"), dead_message("m", 5, "x")});
  EXPECT_EQ(bench.engine().counters().broadcasts_queued, 3u) << "self, a and m: one each";
  bench.run_for(11s);
  EXPECT_TRUE(bench.sent_about(Type::alive, "m").empty());
  EXPECT_TRUE(bench.sent_about(Type::suspect, "m").empty());
  EXPECT_FALSE(bench.sent_about(Type::dead, "m").empty());
}

// A refutation is an update about this node like any other.
TEST(EngineGossip, RefutationReplacesOurOwnNews) {
  Config config = no_probes();
  config.gossip_interval = 5s;
  Bench bench(config);
  bench.meet("a");
  ASSERT_EQ(bench.engine().counters().broadcasts_queued, 2u);
  bench.receive(kPeer, {suspect_message("self", 1, "x"), suspect_message("self", 2, "x")});
  ASSERT_EQ(bench.engine().local_member().incarnation, 3u);
  EXPECT_EQ(bench.engine().counters().broadcasts_queued, 2u) << "self and a: one each";
  bench.run_for(11s);
  auto sent = bench.sent_about(Type::alive, "self");
  std::erase_if(sent, [](const SeenMessage* message) { return message->to == kPeer; });  // answers
  ASSERT_FALSE(sent.empty());
  for (const SeenMessage* message : sent) EXPECT_EQ(message->alive().incarnation, 3u);
}

// ML#277: many messages, of which each packet holds a few.
TEST(EngineGossip, EveryTargetOfATickGetsTheSameNews) {
  Config config = no_probes();
  config.enable_compression = false;
  config.udp_buffer_size = 512;
  AnsweringBench bench(config);
  for (int i = 0; i < 30; ++i) bench.meet("member-" + std::to_string(i));
  bench.run_for(5s);
  std::map<TimePoint, std::vector<const SeenPacket*>> ticks;
  for (const SeenPacket& packet : bench.packets()) ticks[packet.at].push_back(&packet);
  ASSERT_GE(ticks.size(), 10u);
  std::map<std::string, std::size_t> sent;
  for (const auto& [at, packets] : ticks) {
    EXPECT_EQ(packets.size(), 3u);
    for (const SeenPacket* packet : packets) {
      EXPECT_NE(packet->to, packets[packet == packets[0] ? 1 : 0]->to);
      ASSERT_EQ(packet->messages.size(), packets[0]->messages.size());
      for (std::size_t i = 0; i < packet->messages.size(); ++i) {
        EXPECT_EQ(packet->messages[i].body, packets[0]->messages[i].body);
        ++sent[std::string(packet->messages[i].about())];
      }
    }
  }
  ASSERT_EQ(sent.size(), 31u);
  for (const auto& [name, times] : sent) {
    EXPECT_EQ(times, 9u) << name << ": the first number of whole ticks from 4 * ceil(log10(32)) on";
  }
}

TEST(EngineGossip, MessageGoesOutUnchanged) {
  Bench bench(no_probes());
  bench.meet("other");
  const Claim claim{.name = "m",
                    .address = {IpAddress::v4(10, 9, 3, 3), 1},
                    .incarnation = 70'000,
                    .meta = to_bytes("some meta data")};
  bench.receive(kPeer, {alive_message(claim)});
  bench.run_for(5s);
  ASSERT_FALSE(bench.sent_about(Type::alive, "m").empty());
  const SeenMessage& seen = *bench.sent_about(Type::alive, "m").front();
  Bytes whole{static_cast<std::byte>(seen.type)};
  ByteWriter(whole).bytes(seen.body);
  EXPECT_EQ(whole, alive_message(claim));
}

TEST(EngineGossip, FewestSentGoesFirstAndTheLargestAmongThem) {
  Config config = no_probes();
  config.enable_compression = false;
  config.udp_buffer_size = 512;
  config.gossip_nodes = 1;
  Bench bench(config);
  bench.meet("a");
  bench.run_for(20s);
  bench.forget();
  const auto news = [&](std::string name, std::size_t meta_bytes) {
    bench.receive(kPeer, {alive_message({.name = std::move(name),
                                         .address = {IpAddress::v4(10, 9, 3, 3), 1},
                                         .meta = Bytes(meta_bytes)})});
  };
  news("s", 20);
  news("l", 260);
  news("m", 200);
  bench.run_for(500ms);
  ASSERT_GE(bench.packets().size(), 2u);
  const auto names = [&](std::size_t packet) {
    std::string text;
    for (const SeenMessage& message : bench.packets()[packet].messages) text += message.about();
    return text;
  };
  EXPECT_EQ(names(0), "ls") << "the largest, then the largest that still fits";
  EXPECT_EQ(names(1).front(), 'm') << "what was not sent yet has precedence";
}

TEST(EngineGossip, UserMessagesGoFirstInFirstOut) {
  Config config = no_probes();
  config.gossip_nodes = 1;
  Bench bench(config);
  bench.meet("a");
  bench.run_for(20s);
  bench.forget();
  for (const std::string_view text : {"first and long", "second", "third, the longest of all"}) {
    EXPECT_TRUE(bench
                    .act([&](Engine& engine, TimePoint now) {
                      return engine.broadcast(now, as_bytes(text));
                    })
                    .has_value());
  }
  bench.run_for(300ms);
  const auto sent = bench.sent(Type::user);
  ASSERT_GE(sent.size(), 3u);
  EXPECT_EQ(sent[0]->user(), "first and long");
  EXPECT_EQ(sent[1]->user(), "second");
  EXPECT_EQ(sent[2]->user(), "third, the longest of all");
}

TEST(EngineGossip, NewsSpreadsToAll) {
  Cluster cluster({.size = 30});
  ASSERT_TRUE(cluster.assemble());
  const HostId late = cluster.add();
  ASSERT_TRUE(cluster.join(late, {3}).has_value());
  const TimePoint joined = cluster.now();
  ASSERT_TRUE(cluster.run_until([&] { return cluster.agree(31); }, 20s));
  EXPECT_LT(cluster.now() - joined, 3s) << "well before a push/pull";
}

TEST(EngineGossip, PushPullAloneSpreadsNewsToo) {
  Config config = Config::lan();
  config.gossip_interval = Duration::zero();
  config.push_pull_interval = 5s;
  config.probe_interval = Duration::zero();
  Cluster cluster({.size = 10, .config = config});
  for (HostId node = 1; node < 10; ++node) {
    ASSERT_TRUE(cluster.join(node, {node - 1}).has_value());
    cluster.run_for(100ms);
  }
  EXPECT_FALSE(cluster.agree(10));
  EXPECT_TRUE(cluster.run_until([&] { return cluster.agree(10); }, 60s));
}

}  // namespace
}  // namespace memberlist::testing
