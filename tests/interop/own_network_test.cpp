#include "../support/own_network.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "interop_test.hpp"

namespace memberlist::interop {
namespace {

using memberlist::testing::in_own_network;
using memberlist::testing::ip_command;

class MoveTest : public InteropTest {
 protected:
  // Everyone is started, asked and ended in the network of the test.
  void in_network(const std::function<void()>& test) {
    const bool ran = in_own_network([&] {
      test();
      InteropTest::TearDown();
    });
    if (!ran) GTEST_SKIP() << "this machine gives tests no network of their own";
  }
  void TearDown() override {}
};

// Protocol 6, Move: members do not accept another address of a live member.
TEST_F(MoveTest, IsFollowedByMembersOfEveryVersion) {
  SKIP_WITHOUT_GO();
  in_network([&] {
    ASSERT_TRUE(ip_command("addr add 10.7.0.1/24 dev net0"));
    PeerOptions options;
    options.name = "mover";
    options.bind = "0.0.0.0:0";
    OurAgent& mover = start_ours(options);
    ASSERT_TRUE(mover.address().starts_with("10.7.0.1:")) << mover.address();
    options.bind = "127.0.0.1:0";
    std::vector<Peer*> others;
    for (const Kind kind : {Kind::ours, Kind::go, Kind::go_v05, Kind::go_v02}) {
      options.name = to_name(kind);
      others.push_back(&start(kind, options));
      ASSERT_TRUE(others.back()->join(mover.address()).has_value());
    }
    std::vector<Peer*> all = others;
    all.push_back(&mover);
    ASSERT_TRUE(eventually_agree(all, 2 * kSlack));

    ASSERT_TRUE(ip_command("addr flush dev net0"));
    ASSERT_TRUE(ip_command("addr add 10.7.0.9/24 dev net0"));
    const std::string moved = "10.7.0.9" + mover.address().substr(mover.address().rfind(':'));
    EXPECT_TRUE(mover.set_meta("moved").has_value());
    for (Peer* other : others) {
      EXPECT_TRUE(eventually(2 * kSlack, [&] {
        const MemberView view = other->members().at("mover");
        return view.address == moved && view.meta == "moved" && view.status == "alive";
      })) << other->name();
      EXPECT_TRUE(other->wait_for_event("leave", "mover", kSlack)) << other->name();
    }
  });
}

}  // namespace
}  // namespace memberlist::interop
