#include <gtest/gtest.h>

#include <cstdint>

#include "interop_test.hpp"
#include "liar.hpp"

// A lie with an incarnation near the end of its range: our rule must get along with the Go
// library's (docs/threat-model.md).
namespace memberlist::interop {
namespace {

using namespace std::chrono_literals;

class IncarnationTest : public InteropTest {
 protected:
  static PeerOptions quick(const std::string& name) {
    PeerOptions options;
    options.name = name;
    FastTimings::apply_to(options);
    options.knobs["gossip_to_the_dead_time"] = "1s";
    options.knobs["push_pull_interval"] = "1s";
    return options;
  }
};

TEST_F(IncarnationTest, TheLongestJumpIsRefutedUpwardAndGoAgrees) {
  SKIP_WITHOUT_GO();
  Peer& ours = start_ours(quick("ours"));
  Peer& go = start_go(quick("go"));
  join(ours, go);
  constexpr std::uint32_t kJump = 0x3fff'0000;
  Liar().accuse(go.address(), "ours", kJump);
  EXPECT_TRUE(eventually(kSlack, [&] {
    const MemberTable members = go.members();
    const auto found = members.find("ours");
    return found != members.end() && found->second.status == "alive" &&
           found->second.incarnation == kJump + 1;
  }));
  EXPECT_TRUE(eventually_agree({&ours, &go}));
}

// Sent to one member only: all the others still accept its messages.
TEST_F(IncarnationTest, AMemberIsHeardAfterAJumpThatNobodyFollows) {
  SKIP_WITHOUT_GO();
  PeerOptions options = quick("ours");
  options.knobs["push_pull_interval"] = "10m";
  Peer& ours = start_ours(options);
  options.name = "other";
  Peer& other = start_ours(options);
  options.name = "go";
  Peer& go = start_go(options);
  join(ours, go);
  ASSERT_TRUE(other.join(go.address()).has_value());
  ASSERT_TRUE(eventually_agree({&ours, &other, &go}));
  const auto own = static_cast<std::uint32_t>(ours.members().at("ours").incarnation);
  Liar().accuse(ours.address(), "ours", own + 0x7fff'ffff);
  ASSERT_TRUE(ours.set_meta("news").has_value());
  EXPECT_TRUE(eventually(kSlack, [&] {
    return other.members().at("ours").meta == "news" && go.members().at("ours").meta == "news";
  }));
  EXPECT_EQ(ours.members().at("ours").incarnation, own + 1);
}

TEST_F(IncarnationTest, TheLastNumberDoesNotKeepAMemberOut) {
  SKIP_WITHOUT_GO();
  Peer& ours = start_ours(quick("ours"));
  Peer& other = start_ours(quick("other"));
  Peer& go = start_go(quick("go"));
  join(ours, go);
  ASSERT_TRUE(other.join(go.address()).has_value());
  ASSERT_TRUE(eventually_agree({&ours, &other, &go}));
  go.watch();
  other.watch();
  const Liar liar;
  liar.accuse(go.address(), "ours", ~std::uint32_t{0});
  liar.accuse(other.address(), "ours", ~std::uint32_t{0});
  // There is nothing above it that Go would believe: it is dead there until it is forgotten.
  ASSERT_TRUE(go.wait_for_event("leave", "ours", kSlack));
  EXPECT_TRUE(eventually(4 * kSlack, [&] { return status_of(go.members(), "ours") == "alive"; }));
  EXPECT_EQ(status_of(other.members(), "ours"), "alive");
  EXPECT_TRUE(eventually_agree({&ours, &other, &go}));
}

}  // namespace
}  // namespace memberlist::interop
