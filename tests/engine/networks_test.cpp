#include "engine_fixture.hpp"

// Allowed networks, labels and keys: input from outside is dropped, each mistake has a counter, and
// the log says which it is and which peer makes it.
namespace memberlist::testing {
namespace {

const Address kInside{IpAddress::v4(10, 9, 7, 7), 7946};
const Address kOutside{IpAddress::v4(192, 0, 2, 7), 7946};

Config fenced() {
  Config config = EngineBench::quiet_config();
  config.probe_interval = Duration::zero();
  config.allowed_networks = {Network::parse("10.9.0.0/16").value()};
  return config;
}

Config plain() {
  Config config = EngineBench::quiet_config();
  config.probe_interval = Duration::zero();
  return config;
}

Config encrypted() {
  Config config = plain();
  config.keys = {to_bytes("0123456789abcdef")};
  return config;
}

Claim claim_at(const Address& address) { return {.name = "a", .address = address}; }

// --- networks -----------------------------------------------------------------------------------

TEST(EngineNetworks, PacketsFromOutsideAreNotHeard) {
  Bench bench(fenced());
  bench.receive(kOutside, {ping_message(7, "self")});
  EXPECT_TRUE(bench.packets().empty()) << "no ack";
  bench.receive(kOutside, {alive_message(claim_at(kInside))});
  EXPECT_FALSE(bench.status("a").has_value());
  EXPECT_EQ(bench.engine().counters().dropped_network, 2u);
  bench.receive(kInside, {ping_message(7, "self")});
  EXPECT_EQ(bench.sent(Type::ack, kInside).size(), 1u);
}

TEST(EngineNetworks, StreamsFromOutsideAreNotAccepted) {
  Bench bench(fenced());
  EXPECT_FALSE(bench.accept(kOutside).has_value());
  EXPECT_EQ(bench.engine().counters().dropped_network, 1u);
  EXPECT_TRUE(bench.accept(kInside).has_value());
}

TEST(EngineNetworks, MembersOutsideAreNotTakenIn) {
  Bench bench(fenced());
  bench.receive(kInside, {alive_message(claim_at(kOutside))});
  const auto id = bench.accept(kInside);
  bench.feed(*id, bench.sealed(push_pull_message(true, {claim_at(kOutside)}), true));
  EXPECT_FALSE(bench.status("a").has_value());
  EXPECT_EQ(bench.engine().counters().dropped_network, 2u);
}

TEST(EngineNetworks, NothingIsSentOutsideOnRequest) {
  Bench bench(fenced());
  bench.receive(kInside, {ping_message(7, "self", kOutside)});
  bench.receive(kInside, {indirect_ping_message(8, "a", kOutside, true)});
  bench.receive(kInside, {indirect_ping_message(9, "a", kInside, true, kOutside)});
  bench.run_for(5s);
  EXPECT_TRUE(bench.packets().empty());
  EXPECT_EQ(bench.engine().counters().dropped_network, 3u);
}

TEST(EngineNetworks, AnEmptyListAllowsNone) {
  Config config = plain();
  config.allowed_networks.emplace();
  Bench bench(config);
  bench.receive(kInside, {alive_message(claim_at(kInside))});
  EXPECT_FALSE(bench.status("a").has_value());
  EXPECT_FALSE(bench.accept(kInside).has_value());
  EXPECT_EQ(bench.engine().counters().dropped_network, 2u);
}

// --- which mistake it is ------------------------------------------------------------------------

struct Mistake {
  std::string name;
  Config ours;
  Config theirs;
  std::uint64_t EngineCounters::* counter;
  std::string text;
};

std::vector<Mistake> mistakes() {
  Config blue = plain();
  blue.label = "blue";
  Config green = plain();
  green.label = "gre\nen";
  Config other_key = encrypted();
  other_key.keys = {to_bytes("fedcba9876543210")};
  return {
      {"another label", blue, green, &EngineCounters::dropped_label,
       "10.9.7.7 uses the label 'gre\\x0aen'; this node has the label 'blue'"},
      {"no label", blue, plain(), &EngineCounters::dropped_label,
       "10.9.7.7 uses no label; this node has the label 'blue'"},
      {"a label where none is", plain(), blue, &EngineCounters::dropped_label,
       "10.9.7.7 uses the label 'blue'; this node has no label"},
      {"plaintext", encrypted(), plain(), &EngineCounters::dropped_unencrypted,
       "10.9.7.7 sends unencrypted; this node requires encryption"},
      {"encrypted", plain(), encrypted(), &EngineCounters::dropped_encrypted,
       "10.9.7.7 sends encrypted; this node has no key"},
      {"another key", encrypted(), other_key, &EngineCounters::dropped_undecryptable,
       "10.9.7.7 uses none of this node's keys"},
  };
}

TEST(EngineMistakes, EachOfAPacketHasItsCounterAndItsWords) {
  for (const Mistake& mistake : mistakes()) {
    SCOPED_TRACE(mistake.name);
    Bench sender(mistake.theirs);
    sender.receive(kInside, {ping_message(1, "self")});
    ASSERT_EQ(sender.packets().size(), 1u);
    Bench bench(mistake.ours);
    // An ack for one thing, and for another what is no ack but looks most like ciphertext.
    bench.receive_raw(kInside, sender.packets().front().bytes);
    EXPECT_EQ(bench.engine().counters().*mistake.counter, 1u);
    EXPECT_EQ(bench.log_lines(LogLevel::warning, mistake.text), 1u);
  }
}

TEST(EngineMistakes, APlainPingIsKnownAsSuchThoughItsTypeReadsAsAVersion) {
  Bench bench(encrypted());
  bench.receive_raw(kInside, ping_message(1, "self"));
  bench.receive_raw(kInside, indirect_ping_message(1, "b", kInside, true));
  EXPECT_EQ(bench.engine().counters().dropped_unencrypted, 2u);
}

TEST(EngineMistakes, EachOfAStreamHasItsCounterAndItsWords) {
  for (const Mistake& mistake : mistakes()) {
    SCOPED_TRACE(mistake.name);
    Bench sender(mistake.theirs);
    Bench bench(mistake.ours);
    const auto id = bench.accept(kInside);
    bench.feed(*id, sender.sealed(ping_message(1, "self"), true));
    EXPECT_EQ(bench.engine().counters().*mistake.counter, 1u);
    EXPECT_EQ(bench.log_lines(LogLevel::warning, mistake.text), 1u);
  }
}

// A health check, a browser or a load balancer that is pointed at the gossip port, and no member
// without a key or a label.
TEST(EngineMistakes, AnotherProtocolIsCalledByItsName) {
  Config blue = plain();
  blue.label = "blue";
  for (const Config& config : {plain(), encrypted(), blue}) {
    Bench bench(config);
    const Bytes request = to_bytes("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
    bench.receive_raw(kInside, request);
    EXPECT_EQ(bench.log_lines(LogLevel::warning, "packet dropped: 10.9.7.7 speaks HTTP"), 1u);
    Bench other(config);
    const auto id = other.accept(kInside);
    other.feed(*id, request);
    EXPECT_EQ(other.log_lines(LogLevel::warning, "stream dropped: 10.9.7.7 speaks HTTP"), 1u);
  }
}

}  // namespace
}  // namespace memberlist::testing
