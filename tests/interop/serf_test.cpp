#include <gtest/gtest.h>

#include <csignal>

#include "interop_test.hpp"
#include "serf_peer.hpp"

namespace memberlist::interop {
namespace {

using namespace std::chrono_literals;

// Serf's `local` profile probes once a second, and suspects for three: two members confirm nothing.
constexpr Timeout kSerfDetection = 6s;

/// A Serf agent and a plain member with delegate protocol versions that Serf takes (protocol 13):
/// ours, or one of the Go library as the control.
class SerfTest : public InteropTest, public ::testing::WithParamInterface<Kind> {
 protected:
  void SetUp() override {
    if (!SerfPeer::available()) GTEST_SKIP() << "Serf is not installed (Debian: apt install serf)";
    if (GetParam() == Kind::go) SKIP_WITHOUT_GO();
  }

  void TearDown() override {
    if (HasFailure() && serf) std::cerr << "--- log of Serf ---\n" << serf->log() << "\n";
    InteropTest::TearDown();
  }

  static PeerOptions options_for_serf() {
    PeerOptions options;
    options.name = "plain";
    options.meta = "hello";
    FastTimings::apply_to(options);
    options.knobs["delegate_protocol_min"] = "2";
    options.knobs["delegate_protocol_max"] = "5";
    options.knobs["delegate_protocol_version"] = "4";
    return options;
  }

  /// The plain member joins Serf, and both show both alive.
  Peer& join_serf(const std::string& key = {}) {
    serf.emplace("serf", key);
    PeerOptions options = options_for_serf();
    if (!key.empty()) options.keys = {key};
    Peer& plain = start(GetParam(), options);
    const Outcome joined = plain.join(serf->address());
    EXPECT_TRUE(joined.has_value()) << joined.error();
    expect_both_alive(plain);
    plain.watch();
    return plain;
  }

  void expect_both_alive(Peer& plain) {
    EXPECT_TRUE(serf->wait_for_status("plain", "alive", kSlack));
    EXPECT_TRUE(eventually(kSlack, [&] { return status_of(plain.members(), "serf") == "alive"; }));
  }

  std::optional<SerfPeer> serf;
};

TEST_P(SerfTest, JoinsSerfAndEachShowsTheOther) {
  Peer& plain = join_serf();
  const SerfMember as_serf_shows_it = serf->members().at("plain");
  EXPECT_EQ(as_serf_shows_it.address, plain.address());
  EXPECT_EQ(as_serf_shows_it.tags.at("role"), "hello");
  const MemberView as_it_shows_serf = plain.members().at("serf");
  EXPECT_EQ(as_it_shows_serf.address, serf->address());
  EXPECT_EQ(as_it_shows_serf.delegate_protocol.min, 2);
  EXPECT_EQ(as_it_shows_serf.delegate_protocol.max, 5);
}

TEST_P(SerfTest, SerfJoinsIt) {
  serf.emplace("serf");
  Peer& plain = start(GetParam(), options_for_serf());
  const testing::Completed joined = serf->join(plain.address());
  EXPECT_TRUE(joined.status.success()) << joined.error_output;
  expect_both_alive(plain);
}

TEST_P(SerfTest, WithEncryption) { join_serf("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="); }

TEST_P(SerfTest, AMemberWithoutSerfsDelegateVersionsIsRefused) {
  serf.emplace("serf");
  PeerOptions options;
  options.name = "plain";
  Peer& plain = start(GetParam(), options);
  const Outcome joined = plain.join(serf->address());
  ASSERT_FALSE(joined.has_value());
  EXPECT_EQ(serf->status_of("plain"), "unknown");
}

TEST_P(SerfTest, AUserEventOfSerfArrivesAsAMessage) {
  Peer& plain = join_serf();
  const testing::Completed sent = serf->event("deploy", "version-7");
  ASSERT_TRUE(sent.status.success()) << sent.error_output;
  const auto message = plain.wait_for(
      [](const nlohmann::json& event) {
        const std::string payload = message_payload(event).value_or("");
        return payload.find("deploy") != std::string::npos &&
               payload.find("version-7") != std::string::npos;
      },
      kSlack);
  EXPECT_TRUE(message.has_value());
}

TEST_P(SerfTest, AMetaUpdateIsSeenAsATag) {
  Peer& plain = join_serf();
  ASSERT_TRUE(plain.set_meta("changed").has_value());
  EXPECT_TRUE(
      eventually(kSlack, [&] { return serf->members().at("plain").tags.at("role") == "changed"; }));
}

TEST_P(SerfTest, AKilledSerfIsSuspectedThenDead) {
  Peer& plain = join_serf();
  const auto killed = Clock::now();
  serf->signal(SIGKILL);
  EXPECT_TRUE(plain.wait_for_status("serf", "suspect", kSlack));
  EXPECT_TRUE(plain.wait_for_status("serf", "dead", FastTimings::kSuspicion + kSlack));
  EXPECT_GE(Clock::now() - killed, FastTimings::kSuspicion);
}

TEST_P(SerfTest, AKilledMemberIsSeenAsFailed) {
  Peer& plain = join_serf();
  plain.signal(SIGKILL);
  EXPECT_TRUE(serf->wait_for_status("plain", "failed", kSerfDetection + kSlack));
}

TEST_P(SerfTest, ALeaveIsSeenAtOnce) {
  Peer& plain = join_serf();
  ASSERT_TRUE(plain.leave().has_value());
  // Serf's own leave message is missing, so it calls a member that has left `failed`; but it knows
  // before its probes could have told.
  EXPECT_TRUE(serf->wait_for_status("plain", "failed", 2s));
}

TEST_P(SerfTest, SerfsLeaveIsSeen) {
  Peer& plain = join_serf();
  const testing::Completed left = serf->leave();
  ASSERT_TRUE(left.status.success()) << left.error_output;
  EXPECT_TRUE(plain.wait_for_event("leave", "serf", 2 * kSlack));
  EXPECT_EQ(plain.members().at("serf").status, "left");
}

TEST_P(SerfTest, SerfsProbesAreAnswered) {
  Peer& plain = join_serf();
  // Three of its rounds and its suspicion would be over within this.
  EXPECT_TRUE(throughout(kSerfDetection, [&] { return serf->status_of("plain") == "alive"; }));
  EXPECT_EQ(plain.members().at("plain").incarnation, 1U) << "it had to refute";
}

INSTANTIATE_TEST_SUITE_P(Member, SerfTest, ::testing::Values(Kind::ours, Kind::go),
                         [](const auto& test) { return to_name(test.param); });

}  // namespace
}  // namespace memberlist::interop
