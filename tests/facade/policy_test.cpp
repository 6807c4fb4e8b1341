#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "memberlist/memberlist.hpp"
#include "node.hpp"
#include "sim/virtual_policy.hpp"

namespace memberlist::facade_test {
namespace {

using sim::VirtualPolicy;

std::shared_ptr<VirtualPolicy> policy() { return std::make_shared<VirtualPolicy>(); }

Result<void> veto() { return fail(ErrorCode::vetoed, "not today"); }

TEST(PolicyOfAList, MergeVetoOfEitherSideCancelsAJoin) {
  for (const bool of_the_joiner : {true, false}) {
    const auto refusing = policy();
    std::atomic<int> asked = 0;
    refusing->on_merge = [&](auto) { return ++asked, veto(); };
    Node a(quick_config("a"), of_the_joiner ? nullptr : refusing);
    Node b(quick_config("b"), of_the_joiner ? refusing : nullptr);
    const auto joined = b->join({a.address()});
    ASSERT_FALSE(joined);
    EXPECT_NE(joined.error().message.find("not today"), std::string::npos)
        << joined.error().message;
    EXPECT_GT(asked, 0);
    // A member that refuses the joiner sends it nothing. (A member that the joiner refuses has
    // merged it by then, and gossips.)
    if (!of_the_joiner) {
      EXPECT_FALSE(a->member("b") || b->member("a"));
    }
  }
}

TEST(PolicyOfAList, AliveVetoOnBothSidesKeepsThemApart) {
  std::array<std::atomic<int>, 2> asked{};
  std::array<std::shared_ptr<VirtualPolicy>, 2> refusing{policy(), policy()};
  for (std::size_t i = 0; i < 2; ++i) {
    refusing[i]->on_alive = [&asked, i](const MemberRecord&) { return ++asked[i], veto(); };
  }
  Node a(quick_config("a"), refusing[0]);
  Node b(quick_config("b"), refusing[1]);
  ASSERT_TRUE(b->join({a.address()}));
  EXPECT_TRUE(eventually([&] { return asked[0] > 0 && asked[1] > 0; }));
  EXPECT_EQ(a->members()->size(), 1U);
  EXPECT_EQ(b->members()->size(), 1U);
}

TEST(PolicyOfAList, UserStateGoesBothWays) {
  std::array<std::shared_ptr<VirtualPolicy>, 2> states{policy(), policy()};
  states[0]->on_local_state = [](bool) { return to_bytes("state of a"); };
  states[1]->on_local_state = [](bool) { return to_bytes("state of b"); };
  Node a(quick_config("a"), states[0]);
  Node b(quick_config("b"), states[1]);
  b.join(a);
  const auto merged = [](std::string_view state) {
    return [state](const StateMerged& event) { return as_text(event.state) == state; };
  };
  EXPECT_TRUE(a.record().heard<StateMerged>(merged("state of b")));
  EXPECT_TRUE(b.record().heard<StateMerged>(merged("state of a")));
}

TEST(PolicyOfAList, PingsCarryAPayloadAndTellTheirTime) {
  const auto answering = policy();
  answering->on_ack_payload = [] { return to_bytes("seen by b"); };
  const auto hearing = policy();
  std::atomic<bool> heard = false;
  hearing->on_ping = [&](const MemberRecord& peer, Duration round_trip, BytesView payload) {
    heard = peer.name == "b" && round_trip > Duration::zero() && as_text(payload) == "seen by b";
  };
  Node a(quick_config("a"), hearing);
  Node b(quick_config("b"), answering);
  b.join(a);
  EXPECT_TRUE(eventually([&] { return heard.load(); }));
}

TEST(PolicyOfAList, FillsPacketsWithBroadcastsOfItsOwn) {
  const auto filling = policy();
  filling->on_fill = [](std::size_t, std::size_t, std::vector<Bytes>& messages) {
    messages.push_back(to_bytes("from the policy"));
  };
  Node a(quick_config("a"), filling);
  Node b("b");
  b.join(a);
  EXPECT_TRUE(b.record().heard_message("from the policy"));
}

// In the middle of a turn it sees what was before.
TEST(PolicyOfAList, MayLookButGiveNoCommands) {
  const auto curious = policy();
  std::atomic<Memberlist*> self = nullptr;
  std::atomic<int> asked = 0;
  std::vector<std::string> wrong;  // by the one thread that asks it
  curious->on_fill = [&](std::size_t, std::size_t, std::vector<Bytes>&) {
    Memberlist* list = self.exchange(nullptr);
    if (list == nullptr) return;
    const auto expect = [&](bool right, const char* what) {
      if (!right) wrong.emplace_back(what);
    };
    expect(list->members()->size() == 2 && list->member("b").has_value(), "members");
    expect(list->local_member().name() == "a", "local_member");
    expect(list->counters().alive_messages > 0, "counters");
    expect(list->max_packet_payload() > 1000 && list->keys().empty(), "keys");
    const auto refused = [](const auto& result) {
      return !result && result.error().code == ErrorCode::invalid_argument;
    };
    expect(refused(list->join({"127.0.0.1:1"})), "join");
    expect(refused(list->leave()), "leave");
    expect(refused(list->update_meta(as_bytes("x"))), "update_meta");
    expect(refused(list->send("b", as_bytes("x"))), "send");
    expect(refused(list->send("b", as_bytes("x"), Delivery::reliable)), "send reliably");
    expect(refused(list->broadcast(as_bytes("x"))), "broadcast");
    expect(refused(list->ping("b")), "ping");
    expect(refused(list->add_key(Bytes(16))), "add_key");
    list->shutdown();  // does nothing
    ++asked;
  };
  Node a(quick_config("a"), curious);
  Node b("b");
  b.join(a);
  ASSERT_TRUE(a.record().heard(MemberEventKind::join, "b"));
  self = &*a;
  ASSERT_TRUE(eventually([&] { return asked == 1; }));
  self = &*a;
  ASSERT_TRUE(a->leave(kPatience)) << "which gossips at once";
  EXPECT_TRUE(eventually([&] { return asked == 2; }));
  a->shutdown();
  EXPECT_EQ(wrong, std::vector<std::string>{});
}

}  // namespace
}  // namespace memberlist::facade_test
