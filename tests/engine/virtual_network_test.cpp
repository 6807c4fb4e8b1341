#include "sim/virtual_network.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine_fixture.hpp"

// The network in memory itself, and that a run is a function of its seed.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

// Writes down what it is told, and accepts every stream as number 1000, 1001...
class Recorder final : public VirtualHost {
 public:
  explicit Recorder(VirtualTimeline& timeline) : timeline_(timeline) {}

  void on_packet(const Address&, BytesView bytes) override { note(std::string(as_text(bytes))); }
  void on_send_error(const Address& to, const Error&) override {
    note("error to " + to.to_string());
  }
  std::optional<StreamId> on_accept(const Address&) override {
    if (!accepts) return std::nullopt;
    note("accepted");
    return StreamId{next_++};
  }
  void on_stream(StreamId, const StreamEvent& event) override {
    if (std::holds_alternative<StreamConnected>(event)) note("connected");
    if (const auto* data = std::get_if<StreamData>(&event)) note(std::string(as_text(data->bytes)));
    if (std::holds_alternative<StreamEnd>(event)) note("end");
    if (const auto* failed = std::get_if<StreamFailed>(&event)) note(failed->error.message);
  }

  bool accepts = true;
  std::vector<std::string> notes;

 private:
  void note(const std::string& text) {
    notes.push_back(std::to_string(timeline_.elapsed() / std::chrono::milliseconds(1)) + " " +
                    text);
  }
  VirtualTimeline& timeline_;
  std::uint64_t next_ = 1000;
};

using Notes = std::vector<std::string>;

class VirtualNetworkTest : public ::testing::Test {
 protected:
  VirtualNetworkTest() {
    network.attach(one_at, one);
    network.attach(two_at, two);
  }

  const Address one_at{IpAddress::v4(10, 0, 0, 1), 1};
  const Address two_at{IpAddress::v4(10, 0, 0, 2), 1};
  VirtualTimeline timeline;
  VirtualNetwork network{timeline, 1};
  Recorder one{timeline};
  Recorder two{timeline};
};

TEST_F(VirtualNetworkTest, EventsOfOneMomentKeepTheirOrder) {
  std::string order;
  timeline.after(2ms, [&] { order += 'c'; });
  timeline.after(1ms, [&] { order += 'a'; });
  timeline.after(1ms, [&] { order += 'b'; });
  timeline.at(timeline.now() - 1s, [&] { order += '0'; });
  timeline.run_for(2ms);
  EXPECT_EQ(order, "0abc");
}

TEST_F(VirtualNetworkTest, PacketsTakeTheLatencyOfTheirDirection) {
  network.rule(0, 1).latency = 5ms;
  network.rule(1, 0).latency = 9ms;
  network.send(0, two_at, as_bytes("there"));
  network.send(1, one_at, as_bytes("back"));
  network.send(0, {IpAddress::v4(1, 2, 3, 4), 1}, as_bytes("nowhere"));
  timeline.run_for(1s);
  EXPECT_EQ(two.notes, (Notes{"5 there"}));
  EXPECT_EQ(one.notes, (Notes{"9 back"}));
}

TEST_F(VirtualNetworkTest, CutsAreForOneDirectionAndOneKind) {
  network.rule(0, 1).udp_cut = true;
  network.send(0, two_at, as_bytes("lost"));
  network.send(1, one_at, as_bytes("arrives"));
  network.dial(0, StreamId{1}, two_at);
  timeline.run_for(1s);
  EXPECT_EQ(one.notes, (Notes{"1 arrives", "2 connected"}));
  EXPECT_EQ(two.notes, (Notes{"1 accepted"}));
  network.rule(0, 1).tcp_cut = true;
  network.dial(0, StreamId{2}, two_at);
  timeline.run_for(1h);
  EXPECT_EQ(one.notes.size(), 2u) << "a black hole";
}

TEST_F(VirtualNetworkTest, LossIsAShareOfThePackets) {
  network.rule(0, 1).loss = 0.3;
  for (int i = 0; i < 10'000; ++i) network.send(0, two_at, as_bytes("x"));
  timeline.run_for(1s);
  EXPECT_GT(two.notes.size(), 6'700u);
  EXPECT_LT(two.notes.size(), 7'300u);
}

TEST_F(VirtualNetworkTest, SendErrorComesBackToTheSender) {
  network.rule(0, 1).udp_refused = true;
  network.send(0, two_at, as_bytes("x"));
  EXPECT_TRUE(one.notes.empty()) << "not from within the call";
  timeline.run_for(1s);
  EXPECT_EQ(one.notes, (Notes{"0 error to 10.0.0.2:1"}));
  EXPECT_TRUE(two.notes.empty());
}

TEST_F(VirtualNetworkTest, StreamCarriesBytesInOrderAndEnds) {
  network.rule(0, 1).jitter = 50ms;
  network.dial(0, StreamId{1}, two_at);
  timeline.run_for(100ms);
  for (const char* text : {"a", "b", "c", "d"}) network.write(0, StreamId{1}, as_bytes(text));
  network.close(0, StreamId{1});
  timeline.run_for(1s);
  ASSERT_EQ(two.notes.size(), 6u);
  std::string order;
  for (std::size_t i = 1; i < 5; ++i) order += two.notes[i].back();
  EXPECT_EQ(order, "abcd");
  EXPECT_NE(two.notes[5].find("end"), std::string::npos);
  network.write(1, StreamId{1000}, as_bytes("still half open"));
  network.close(1, StreamId{1000});
  EXPECT_TRUE(network.violations().empty());
  network.write(0, StreamId{1}, as_bytes("x"));
  EXPECT_EQ(network.violations().size(), 1u) << "a write after the close is our fault";
}

TEST_F(VirtualNetworkTest, StreamArrivesInPieces) {
  network.set_stream_piece_bytes(2);
  network.dial(0, StreamId{1}, two_at);
  timeline.run_for(5ms);
  network.write(0, StreamId{1}, as_bytes("abcde"));
  timeline.run_for(5ms);
  EXPECT_EQ(two.notes, (Notes{"1 accepted", "6 ab", "6 cd", "6 e"}));
}

TEST_F(VirtualNetworkTest, DialsAreRefusedByADeadProcessAndBySilence) {
  network.kill(1);
  network.dial(0, StreamId{1}, two_at);
  timeline.run_for(5ms);
  EXPECT_EQ(one.notes, (Notes{"2 connection refused"}));
  network.power_off(1);
  network.dial(0, StreamId{2}, two_at);
  timeline.run_for(1h);
  EXPECT_EQ(one.notes.size(), 1u);
}

TEST_F(VirtualNetworkTest, HostThatAcceptsNothingClosesAtOnce) {
  two.accepts = false;
  network.dial(0, StreamId{1}, two_at);
  timeline.run_for(5ms);
  EXPECT_EQ(one.notes, (Notes{"2 connected", "2 end"}));
}

TEST_F(VirtualNetworkTest, AbortAndDeathOfAProcessResetTheOtherSide) {
  network.dial(0, StreamId{1}, two_at);
  network.dial(0, StreamId{2}, two_at);
  timeline.run_for(10ms);
  network.abort(0, StreamId{1});
  timeline.run_for(10ms);
  EXPECT_EQ(two.notes.back(), "11 connection reset by peer");
  network.kill(1);
  timeline.run_for(10ms);
  EXPECT_EQ(one.notes.back(), "21 connection reset by peer");
}

TEST_F(VirtualNetworkTest, PausedProcessGetsEverythingLater) {
  network.hold(1);
  network.send(0, two_at, as_bytes("packet"));
  network.dial(0, StreamId{1}, two_at);
  timeline.run_for(10ms);
  EXPECT_EQ(one.notes, (Notes{"2 connected"})) << "its machine accepts";
  network.write(0, StreamId{1}, as_bytes("data"));
  timeline.run_for(10ms);
  EXPECT_TRUE(two.notes.empty());
  network.release(1);
  EXPECT_EQ(two.notes, (Notes{"20 packet", "20 accepted", "20 data"}));
}

TEST_F(VirtualNetworkTest, PartitionsKeepGroupsApart) {
  network.set_group(1, 2);
  network.send(0, two_at, as_bytes("lost"));
  timeline.run_for(10ms);
  network.heal_partitions();
  network.send(0, two_at, as_bytes("found"));
  timeline.run_for(10ms);
  EXPECT_EQ(two.notes, (Notes{"11 found"}));
}

// --- determinism --------------------------------------------------------------------------------

struct RunRecord {
  std::string transcript;
  std::uint64_t traffic = 0;
};

// Joins, faults and a leave, in a bad network.
RunRecord eventful_run(std::uint64_t seed) {
  Link link;
  link.latency = 2ms;
  link.jitter = 20ms;
  link.loss = 0.05;
  Cluster cluster({.size = 12, .seed = seed, .link = link});
  EXPECT_TRUE(cluster.assemble(60s));
  cluster.crash(3);
  cluster.run_for(5s);
  cluster.pause(4);
  cluster.run_for(8s);
  cluster.resume(4);
  EXPECT_TRUE(cluster.leave(5).has_value());
  cluster.run_for(30s);
  return {cluster.transcript(), cluster.network().traffic_digest()};
}

TEST(VirtualClusterSeed, SameSeedSameRunAnotherSeedAnotherRun) {
  const RunRecord first = eventful_run(42);
  const RunRecord again = eventful_run(42);
  const RunRecord other = eventful_run(43);
  EXPECT_EQ(first.transcript, again.transcript);
  EXPECT_EQ(first.traffic, again.traffic);
  EXPECT_NE(first.transcript, other.transcript);
  EXPECT_NE(first.traffic, other.traffic);
  EXPECT_GT(first.transcript.size(), 1000u);
}

}  // namespace
}  // namespace memberlist::testing
