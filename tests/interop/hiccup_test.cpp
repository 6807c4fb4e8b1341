#include <gtest/gtest.h>

#include <csignal>
#include <iostream>

#include "interop_test.hpp"

namespace memberlist::interop {
namespace {

using namespace std::chrono_literals;

constexpr Timeout kStopped{150};
constexpr Timeout kRunning{150};

struct Crowd {
  const char* name;
  std::vector<Kind> kinds;  // of the three that survive
};

void PrintTo(const Crowd& crowd, std::ostream* out) { *out << crowd.name; }

/// Members that are paused for half of the time, as on a starved machine.
class HiccupTest : public InteropTest, public ::testing::WithParamInterface<Crowd> {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_GO();
    PeerOptions options;
    FastTimings::apply_to(options);
    for (const Kind kind : GetParam().kinds) {
      options.name = "survivor" + std::to_string(survivors_.size());
      survivors_.push_back(&start(kind, options));
    }
    options.name = "victim";
    victim_ = &start(Kind::ours, options);
    std::vector<Peer*> all = survivors_;
    all.push_back(victim_);
    for (std::size_t i = 1; i < all.size(); ++i) {
      ASSERT_TRUE(all[i]->join(survivors_[0]->address()).has_value());
    }
    ASSERT_TRUE(eventually_agree(all, 2 * kSlack));
    for (Peer* peer : survivors_) peer->watch();
  }
  void TearDown() override {
    for (Peer* peer : survivors_) peer->signal(SIGCONT);
    InteropTest::TearDown();
  }

  bool has_lost(Peer& peer, const std::string& member) {
    return peer.wait_for_event("leave", member, 0ms);
  }
  bool all_have_lost(const std::string& member) {
    return std::ranges::all_of(survivors_, [&](Peer* peer) { return has_lost(*peer, member); });
  }
  /// Pauses all survivors, then lets them run; ends early at the awaited event.
  void hiccup() {
    for (Peer* peer : survivors_) peer->signal(SIGSTOP);
    EXPECT_FALSE(eventually(kStopped, [] { return false; }));
    for (Peer* peer : survivors_) peer->signal(SIGCONT);
    (void)eventually(kRunning, [&] { return all_have_lost("victim"); });
  }

  std::vector<Peer*> survivors_;
  Peer* victim_ = nullptr;
};

TEST_P(HiccupTest, AKilledMemberIsFoundByMembersThatStandStillHalfOfTheTime) {
  for (int i = 0; i < 5; ++i) hiccup();
  const auto killed = Clock::now();
  victim_->signal(SIGKILL);
  while (!all_have_lost("victim") && Clock::now() - killed < 60s) hiccup();
  ASSERT_TRUE(all_have_lost("victim"));
  const auto took = (Clock::now() - killed) / 1ms;
  std::cout << "  " << GetParam().name << ": found by all after " << took << " ms\n";
  RecordProperty("found_after_ms", static_cast<int>(took));
  for (Peer* peer : survivors_) {
    for (Peer* other : survivors_) EXPECT_FALSE(has_lost(*peer, other->name()));
  }
}

INSTANTIATE_TEST_SUITE_P(Crowds, HiccupTest,
                         ::testing::Values(Crowd{"Ours", {Kind::ours, Kind::ours, Kind::ours}},
                                           Crowd{"OursAndGo", {Kind::ours, Kind::go, Kind::ours}},
                                           Crowd{"Go", {Kind::go, Kind::go, Kind::go}}),
                         [](const auto& test) { return std::string(test.param.name); });

/// A member that left comes back through one that never heard of it.
class NewcomerTest : public InteropTest, public ::testing::WithParamInterface<Kind> {};

TEST_P(NewcomerTest, AMemberThatReturnsThroughANewcomerIsSeenByAll) {
  SKIP_WITHOUT_GO();
  PeerOptions options;
  FastTimings::apply_to(options);
  // It must arrive by gossip: there are no push/pulls meanwhile.
  options.knobs["push_pull_interval"] = "10m";
  options.knobs["gossip_to_the_dead_time"] = "10m";
  options.name = "a";
  Peer& a = start(Kind::ours, options);
  options.name = "b";
  Peer& b = start(Kind::go, options);
  options.name = "x";
  Peer& x = start(GetParam(), options);
  ASSERT_TRUE(b.join(a.address()).has_value());
  ASSERT_TRUE(x.join(a.address()).has_value());
  ASSERT_TRUE(eventually_agree({&a, &b, &x}, 2 * kSlack));
  ASSERT_TRUE(x.leave().has_value());
  for (Peer* peer : {&a, &b}) {
    ASSERT_TRUE(peer->wait_for_event("leave", "x", 2 * kSlack));
    peer->watch();
  }
  x.signal(SIGKILL);

  options.name = "newcomer";
  Peer& newcomer = start(Kind::ours, options);
  ASSERT_TRUE(newcomer.join(a.address()).has_value());
  options.name = "x";
  options.bind = x.address();
  Peer& returned = start(GetParam(), options);
  ASSERT_TRUE(returned.join(newcomer.address()).has_value());
  EXPECT_TRUE(a.wait_for_event("join", "x", kSlack));
  EXPECT_TRUE(b.wait_for_event("join", "x", kSlack));
  EXPECT_TRUE(eventually_agree({&a, &b, &newcomer, &returned}, kSlack));
}

INSTANTIATE_TEST_SUITE_P(Returning, NewcomerTest, ::testing::Values(Kind::ours, Kind::go),
                         [](const auto& test) { return to_name(test.param); });

}  // namespace
}  // namespace memberlist::interop
