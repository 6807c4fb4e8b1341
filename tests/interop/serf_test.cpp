#include <gtest/gtest.h>

#include <csignal>

#include "interop_test.hpp"
#include "serf_peer.hpp"

namespace memberlist::interop {
namespace {

using namespace std::chrono_literals;

// Serf's `local` profile probes once a second, and suspects for three: two members confirm nothing.
constexpr Timeout kSerfDetection = 6s;

/// A Serf agent and a plain member of ours with delegate protocol versions that Serf takes
/// (protocol 13).
class SerfTest : public InteropTest {
 protected:
  void SetUp() override {
    if (!SerfPeer::available()) GTEST_SKIP() << "Serf is not installed (Debian: apt install serf)";
  }

  void TearDown() override {
    if (HasFailure() && serf) std::cerr << "--- log of Serf ---\n" << serf->log() << "\n";
    InteropTest::TearDown();
  }

  static PeerOptions our_options() {
    PeerOptions options;
    options.name = "ours";
    options.meta = "hello";
    FastTimings::apply_to(options);
    options.knobs["delegate_protocol_min"] = "2";
    options.knobs["delegate_protocol_max"] = "5";
    options.knobs["delegate_protocol_version"] = "4";
    return options;
  }

  /// Our agent joins Serf, and both show both alive.
  OurAgent& join_serf(const std::string& key = {}) {
    serf.emplace("serf", key);
    PeerOptions options = our_options();
    if (!key.empty()) options.keys = {key};
    OurAgent& ours = start_ours(options);
    const Outcome joined = ours.join(serf->address());
    EXPECT_TRUE(joined.has_value()) << joined.error();
    expect_both_alive(ours);
    ours.watch();
    return ours;
  }

  void expect_both_alive(OurAgent& ours) {
    EXPECT_TRUE(serf->wait_for_status("ours", "alive", kSlack));
    EXPECT_TRUE(eventually(kSlack, [&] { return status_of(ours.members(), "serf") == "alive"; }));
  }

  std::optional<SerfPeer> serf;
};

TEST_F(SerfTest, WeJoinSerfAndEachShowsTheOther) {
  OurAgent& ours = join_serf();
  const SerfMember as_serf_shows_us = serf->members().at("ours");
  EXPECT_EQ(as_serf_shows_us.address, ours.address());
  EXPECT_EQ(as_serf_shows_us.tags.at("role"), "hello");
  const MemberView as_we_show_serf = ours.members().at("serf");
  EXPECT_EQ(as_we_show_serf.address, serf->address());
  EXPECT_EQ(as_we_show_serf.delegate_protocol.min, 2);
  EXPECT_EQ(as_we_show_serf.delegate_protocol.max, 5);
}

TEST_F(SerfTest, SerfJoinsUs) {
  serf.emplace("serf");
  OurAgent& ours = start_ours(our_options());
  const testing::Completed joined = serf->join(ours.address());
  EXPECT_TRUE(joined.status.success()) << joined.error_output;
  expect_both_alive(ours);
}

TEST_F(SerfTest, WithEncryption) { join_serf("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="); }

TEST_F(SerfTest, AMemberWithoutSerfsDelegateVersionsIsRefused) {
  serf.emplace("serf");
  PeerOptions options;
  options.name = "ours";
  OurAgent& ours = start_ours(options);
  const Outcome joined = ours.join(serf->address());
  ASSERT_FALSE(joined.has_value());
  EXPECT_EQ(serf->status_of("ours"), "unknown");
}

TEST_F(SerfTest, AUserEventOfSerfArrivesAsAMessage) {
  OurAgent& ours = join_serf();
  const testing::Completed sent = serf->event("deploy", "version-7");
  ASSERT_TRUE(sent.status.success()) << sent.error_output;
  const auto message = ours.lines().wait_for(
      [](const nlohmann::json& event) {
        if (event.at("event") != "message") return false;
        const std::string payload = from_base64(event.at("payload_base64").get<std::string>());
        return payload.find("deploy") != std::string::npos &&
               payload.find("version-7") != std::string::npos;
      },
      kSlack);
  EXPECT_TRUE(message.has_value());
}

TEST_F(SerfTest, AMetaUpdateIsSeenAsATag) {
  OurAgent& ours = join_serf();
  ASSERT_TRUE(ours.set_meta("changed").has_value());
  EXPECT_TRUE(
      eventually(kSlack, [&] { return serf->members().at("ours").tags.at("role") == "changed"; }));
}

TEST_F(SerfTest, AKilledSerfIsSuspectedThenDead) {
  OurAgent& ours = join_serf();
  const auto killed = Clock::now();
  serf->signal(SIGKILL);
  EXPECT_TRUE(ours.wait_for_status("serf", "suspect", kSlack));
  EXPECT_TRUE(ours.wait_for_status("serf", "dead", FastTimings::kSuspicion + kSlack));
  EXPECT_GE(Clock::now() - killed, FastTimings::kSuspicion);
}

TEST_F(SerfTest, OurKilledMemberIsSeenAsFailed) {
  OurAgent& ours = join_serf();
  ours.signal(SIGKILL);
  EXPECT_TRUE(serf->wait_for_status("ours", "failed", kSerfDetection + kSlack));
}

TEST_F(SerfTest, OurLeaveIsSeenAtOnce) {
  OurAgent& ours = join_serf();
  ASSERT_TRUE(ours.leave().has_value());
  // Serf's own leave message is missing, so it calls a member that has left `failed`; but it knows
  // before its probes could have told.
  EXPECT_TRUE(serf->wait_for_status("ours", "failed", 2s));
}

TEST_F(SerfTest, SerfsLeaveIsSeen) {
  OurAgent& ours = join_serf();
  const testing::Completed left = serf->leave();
  ASSERT_TRUE(left.status.success()) << left.error_output;
  EXPECT_TRUE(ours.wait_for_event("leave", "serf", 2 * kSlack));
  EXPECT_EQ(ours.members().at("serf").status, "left");
}

TEST_F(SerfTest, SerfsProbesAreAnswered) {
  OurAgent& ours = join_serf();
  // Three of its rounds and its suspicion would be over within this.
  EXPECT_TRUE(throughout(kSerfDetection, [&] { return serf->status_of("ours") == "alive"; }));
  EXPECT_EQ(ours.members().at("ours").incarnation, 1U) << "it had to refute";
}

}  // namespace
}  // namespace memberlist::interop
