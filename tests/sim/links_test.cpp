#include "sim/links.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

// What becomes of packets, by the links that they take.
namespace memberlist::testing {
namespace {

using namespace std::chrono_literals;
using sim::Link;
using sim::Links;

constexpr int kPackets = 10'000;
constexpr TimePoint kNow{1h};

class LinksTest : public ::testing::Test {
 protected:
  LinksTest() {
    for (int host = 0; host < 3; ++host) links.add_host();
  }
  // The share of datagrams from host 0 to host 1 of which `holds` is true.
  template <class Holds>
  double share(Holds holds) {
    int count = 0;
    for (int i = 0; i < kPackets; ++i) count += holds(links.datagram(0, 1, 100, kNow)) ? 1 : 0;
    return static_cast<double>(count) / kPackets;
  }
  double arriving() {
    return share([](const Links::Fate& fate) { return fate.arrives; });
  }

  Links links{1};
};

TEST_F(LinksTest, APlainLinkTakesItsLatency) {
  Link link;
  link.latency = 7ms;
  links.set_default(link);
  const Links::Fate fate = links.datagram(0, 1, 1400, kNow);
  EXPECT_TRUE(fate.arrives);
  EXPECT_EQ(fate.delay, 7ms);
  EXPECT_FALSE(fate.second || fate.flipped || fate.refused);
}

TEST_F(LinksTest, ChancesAreSharesOfThePackets) {
  Link link;
  link.loss = 0.2;
  links.set_default(link);
  EXPECT_NEAR(arriving(), 0.8, 0.02);
  link = {};
  link.duplicate = 0.1;
  links.set_default(link);
  EXPECT_NEAR(share([](const Links::Fate& fate) { return fate.second.has_value(); }), 0.1, 0.02);
  link = {};
  link.corrupt = 0.3;
  links.set_default(link);
  EXPECT_NEAR(share([](const Links::Fate& fate) { return fate.flipped.has_value(); }), 0.3, 0.02);
  link = {};
  link.reorder = 0.4;
  links.set_default(link);
  EXPECT_NEAR(share([](const Links::Fate& fate) { return fate.delay == 11ms; }), 0.4, 0.02);
}

TEST_F(LinksTest, JitterIsUniform) {
  Link link;
  link.latency = 10ms;
  link.jitter = 10ms;
  links.set_default(link);
  EXPECT_EQ(share([](const Links::Fate& fate) { return fate.delay >= 10ms && fate.delay < 20ms; }),
            1);
  EXPECT_NEAR(share([](const Links::Fate& fate) { return fate.delay < 13ms; }), 0.3, 0.02);
}

TEST_F(LinksTest, LogNormalLatenciesHaveTheirMedianAndTheirTail) {
  Link link;
  link.latencies = sim::LatencyTable::log_normal(10ms, 0.5);
  links.set_default(link);
  EXPECT_NEAR(share([](const Links::Fate& fate) { return fate.delay < 10ms; }), 0.5, 0.02);
  // e to the power of 0.5 is 1.6487, one standard deviation above the median.
  EXPECT_NEAR(share([](const Links::Fate& fate) { return fate.delay > 16'487us; }), 0.159, 0.02);
}

TEST_F(LinksTest, MeasuredLatenciesAreDrawnAsOftenAsTheyWere) {
  const std::array<Duration, 4> seen{9ms, 1ms, 1ms, 1ms};
  Link link;
  link.latencies = sim::LatencyTable::measured(seen);
  links.set_default(link);
  EXPECT_NEAR(share([](const Links::Fate& fate) { return fate.delay == 9ms; }), 0.25, 0.02);
}

// Losses of 5 % that come in bursts of five packets on average, as Gilbert and Elliott have them.
TEST_F(LinksTest, BurstsAreRunsOfLosses) {
  Link link;
  link.bursts = {.begin = 0.0105, .end = 0.2, .loss = 1};
  links.set_default(link);
  int lost = 0;
  int runs = 0;
  bool before = true;
  for (int i = 0; i < 10 * kPackets; ++i) {
    const bool arrives = links.datagram(0, 1, 100, kNow).arrives;
    lost += arrives ? 0 : 1;
    runs += before && !arrives ? 1 : 0;
    before = arrives;
  }
  EXPECT_NEAR(static_cast<double>(lost) / (10 * kPackets), 0.05, 0.01);
  EXPECT_NEAR(static_cast<double>(lost) / runs, 5, 0.5);
}

TEST_F(LinksTest, BandwidthMakesPacketsWaitAndDropsThemWhenTheQueueIsFull) {
  Link link;
  link.latency = 1ms;
  link.bandwidth = 100'000;  // a packet of 1,000 bytes takes 10 ms
  link.queue_bytes = 5'000;
  links.set_default(link);
  std::vector<Duration> delays;
  int dropped = 0;
  for (int i = 0; i < 10; ++i) {
    const Links::Fate fate = links.datagram(0, 1, 1000, kNow);
    if (fate.arrives) delays.push_back(fate.delay);
    dropped += fate.arrives ? 0 : 1;
  }
  EXPECT_EQ(delays, (std::vector<Duration>{11ms, 21ms, 31ms, 41ms, 51ms, 61ms}));
  EXPECT_EQ(dropped, 4);
  EXPECT_EQ(links.datagram(0, 2, 1000, kNow).delay, 11ms) << "another link has a queue of its own";
  EXPECT_EQ(links.datagram(0, 1, 1000, kNow + 1s).delay, 11ms) << "by then all was sent";
}

TEST_F(LinksTest, DatagramsBeyondTheMtuVanish) {
  Link link;
  link.mtu = 1280;
  links.set_default(link);
  EXPECT_TRUE(links.datagram(0, 1, 1280, kNow).arrives);
  EXPECT_FALSE(links.datagram(0, 1, 1281, kNow).arrives);
  EXPECT_TRUE(links.segment(0, 1, 100'000, kNow, false).arrives) << "a stream is cut as it fits";
}

TEST_F(LinksTest, ImpairmentsComeOnTopOfTheLink) {
  Link link;
  link.latency = 2ms;
  links.set_default(link);
  Link slow = Link::perfect();
  slow.latency = 5ms;
  Link lossy = Link::perfect();
  lossy.loss = 0.5;
  links.impair(1, slow, lossy);
  EXPECT_NEAR(arriving(), 0.5, 0.02);
  EXPECT_EQ(links.datagram(1, 0, 100, kNow).delay, 7ms);
  EXPECT_EQ(links.datagram(2, 0, 100, kNow).delay, 2ms) << "others are not impaired";
  links.heal();
  EXPECT_EQ(arriving(), 1);
}

TEST_F(LinksTest, ZonesHaveLinksOfTheirOwn) {
  Link far;
  far.latency = 40ms;
  links.set_zone(1, 1);
  links.set_zone_link(0, 1, far);
  EXPECT_EQ(links.datagram(0, 1, 100, kNow).delay, 40ms);
  EXPECT_EQ(links.datagram(1, 0, 100, kNow).delay, 1ms) << "each direction for itself";
  EXPECT_EQ(links.datagram(0, 2, 100, kNow).delay, 1ms);
}

TEST_F(LinksTest, GroupsDoNotReachEachOther) {
  links.set_group(1, 1);
  EXPECT_EQ(arriving(), 0);
  EXPECT_FALSE(links.segment(1, 0, 10, kNow, false).arrives);
  links.join_groups();
  EXPECT_EQ(arriving(), 1);
}

// The reason for drawing without a state: what is lost does not change what is late.
TEST_F(LinksTest, AFaultThatIsAddedDoesNotReshuffleTheOthers) {
  Link link;
  link.jitter = 10ms;
  links.set_default(link);
  Links faulty(1);
  for (int host = 0; host < 3; ++host) faulty.add_host();
  link.duplicate = 0.5;
  link.corrupt = 0.5;
  link.loss = 0.1;
  faulty.set_default(link);
  int compared = 0;
  for (int i = 0; i < kPackets; ++i) {
    const Links::Fate plain = links.datagram(0, 1, 100, kNow);
    const Links::Fate with_faults = faulty.datagram(0, 1, 100, kNow);
    if (!with_faults.arrives) continue;
    ASSERT_EQ(with_faults.delay, plain.delay);
    ++compared;
  }
  EXPECT_GT(compared, kPackets / 2);
}

TEST_F(LinksTest, StreamsAreResetStalledAndHalfClosed) {
  Link link;
  link.tcp_reset = 0.25;
  link.tcp_half_close = 0.5;
  link.tcp_stall = 0.1;
  links.set_default(link);
  int resets = 0;
  int half_closed = 0;
  int stalls = 0;
  for (int i = 0; i < kPackets; ++i) {
    const Links::SegmentFate fate = links.segment(0, 1, 100, kNow, false);
    resets += fate.reset ? 1 : 0;
    half_closed += fate.half_close ? 1 : 0;
    stalls += links.stalls_stream(0, 1) ? 1 : 0;
  }
  EXPECT_NEAR(resets, 0.25 * kPackets, 0.02 * kPackets);
  EXPECT_NEAR(half_closed, 0.5 * kPackets, 0.02 * kPackets);
  EXPECT_NEAR(stalls, 0.1 * kPackets, 0.02 * kPackets);
}

TEST_F(LinksTest, ALostSegmentIsLateInstead) {
  Link link;
  link.latency = 1ms;
  link.loss = 1;
  links.set_default(link);
  // Lost each time, it is sent seven times more, each time after twice as long.
  EXPECT_EQ(links.segment(0, 1, 100, kNow, false).delay, 127 * 200ms + 1ms);
  EXPECT_EQ(links.segment(0, 1, 0, kNow, true).delay, 127s + 1ms);
}

}  // namespace
}  // namespace memberlist::testing
