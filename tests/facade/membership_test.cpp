#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "memberlist/memberlist.hpp"
#include "node.hpp"
#include "silent_peer.hpp"

namespace memberlist::facade_test {
namespace {

void expect_agreement(Node& a, Node& b) {
  EXPECT_TRUE(eventually([&] { return a->view_digest() == b->view_digest(); }));
}

TEST(Join, MakesBothSidesSeeEachOther) {
  Node a("a");
  Node b("b");
  b.join(a);
  EXPECT_TRUE(a.record().heard(MemberEventKind::join, "b"));
  EXPECT_TRUE(b.record().heard(MemberEventKind::join, "a"));
  EXPECT_EQ(b->members()->size(), 2U);
  EXPECT_EQ(b->member("a").value_or(b->local_member()).address(), a->local_address());
  EXPECT_TRUE(b.record().heard<JoinFinished>(
      [](const JoinFinished& joined) { return joined.contacted == 1; }));
  expect_agreement(a, b);
}

TEST(Join, ResolvesHostNames) {
  Node a(at_localhost("a"));
  Node b("b");
  const std::string port = std::to_string(a->local_address().port);
  const auto joined = b->join({"a/localhost:" + port});
  ASSERT_TRUE(joined) << joined.error().message;
  EXPECT_EQ(joined->contacted, 1U);
  EXPECT_TRUE(joined->failures.empty()) << "::1 is not tried from a socket that cannot reach it";
}

TEST(Join, WorksOverIpv6) {
  const IpAddress loopback = IpAddress::parse("::1").value_or(IpAddress{});
  Config config = quick_config("a");
  config.bind.ip = loopback;
  Node a(config);
  config.name = "b";
  Node b(config);
  b.join(a);
  EXPECT_EQ(a.address().front(), '[');
  ASSERT_TRUE(a.record().heard(MemberEventKind::join, "b"));
  ASSERT_TRUE(b->send("a", as_bytes("six")));
  EXPECT_TRUE(a.record().heard_message("six"));
  EXPECT_TRUE(a->ping("b"));
}

TEST(Join, TakesMembersOfBothFamiliesWhereBoundToAll) {
  Config config = quick_config("all");
  config.bind.ip = IpAddress{};
  config.advertise = Address{IpAddress::v4(127, 0, 0, 1), 0};
  Node all(config);
  Node four("four");
  const auto joined = four->join({"127.0.0.1:" + std::to_string(all->local_address().port)});
  ASSERT_TRUE(joined) << joined.error().message;
  EXPECT_TRUE(all.record().heard(MemberEventKind::join, "four"));
  EXPECT_TRUE(all->ping("four"));
  EXPECT_TRUE(four->ping("all"));
}

TEST(Join, WorksWithEncryptionLabelAndCompression) {
  Config config = quick_config("a");
  config.keys = {Bytes(32, std::byte{7}), Bytes(16, std::byte{9})};
  config.label = "production";
  config.enable_compression = true;
  Node a(config);
  config.name = "b";
  Node b(config);
  b.join(a);
  ASSERT_TRUE(a.record().heard(MemberEventKind::join, "b"));
  ASSERT_TRUE(b->send("a", as_bytes("secret")));
  EXPECT_TRUE(a.record().heard_message("secret"));
  expect_agreement(a, b);

  config.name = "stranger";
  config.keys = {Bytes(32, std::byte{8})};
  Node stranger(config);
  EXPECT_FALSE(stranger->join({a.address()}));
  config.keys.clear();
  config.label.clear();
  Node open(config);
  EXPECT_FALSE(open->join({a.address()}));
  EXPECT_EQ(a.alive(), 2U);
}

TEST(Join, SaysWhatCannotBeReached) {
  std::string gone;
  {
    Node short_lived("gone");
    gone = short_lived.address();
  }
  Node a("a");
  const auto joined = a->join({gone});
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, ErrorCode::unreachable);
  EXPECT_NE(joined.error().message.find(gone), std::string::npos) << joined.error().message;
}

TEST(Join, SucceedsIfOneAddressDoes) {
  Config config = quick_config("b");
  config.tcp_timeout = std::chrono::seconds(2);
  Node a("a");
  Node b(config);
  const auto joined = b->join({"two words", "no-such-host.invalid", a.address(), "127.0.0.1:1"});
  ASSERT_TRUE(joined) << joined.error().message;
  EXPECT_EQ(joined->contacted, 1U);
  std::vector<std::string> subjects;
  for (const Error& failure : joined->failures) subjects.push_back(failure.subject);
  EXPECT_EQ(subjects,
            (std::vector<std::string>{"two words", "no-such-host.invalid", "127.0.0.1:1"}));
}

TEST(Join, RefusesNoAddressesAndWrongOnes) {
  Node a("a");
  for (const std::vector<std::string>& addresses :
       {std::vector<std::string>{}, std::vector<std::string>{"a b"},
        std::vector<std::string>{"host:70000", "/host"}}) {
    const auto joined = a->join(addresses);
    ASSERT_FALSE(joined);
    EXPECT_EQ(joined.error().code, ErrorCode::invalid_argument);
  }
}

TEST(Join, KeepsItsDeadlineWithAPeerThatNeverAnswers) {
  const SilentPeer silent;
  Config config = quick_config("a");
  config.tcp_timeout = std::chrono::milliseconds(300);
  Node a(config);
  const auto start = std::chrono::steady_clock::now();
  const auto joined = a->join({silent.address()});
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, ErrorCode::timed_out);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST(Leave, IsSeenAsALeaveAndNotAsADeath) {
  Node a("a");
  Node b("b");
  b.join(a);
  ASSERT_TRUE(a.record().heard(MemberEventKind::join, "b"));
  const auto left = b->leave(kPatience);
  ASSERT_TRUE(left) << left.error().message;
  EXPECT_TRUE(b.record().heard<LeaveFinished>([](const LeaveFinished&) { return true; }));
  EXPECT_TRUE(a.record().heard<MemberEvent>([](const MemberEvent& event) {
    return event.kind == MemberEventKind::leave && event.member.status == MemberStatus::left;
  }));
  EXPECT_TRUE(b->leave(kPatience)) << "twice does no harm";
}

TEST(Leave, IsDoneAtOnceByWhoIsAlone) {
  Node a("a");
  EXPECT_TRUE(a->leave());
}

TEST(Death, IsSuspectedThenFound) {
  Node a("a");
  Node c("c");
  c.join(a);
  {
    Node b("b");
    b.join(a);
    ASSERT_TRUE(a.record().heard(MemberEventKind::join, "b"));
    ASSERT_TRUE(c.record().heard(MemberEventKind::join, "b"));
  }
  for (Node* node : {&a, &c}) {
    EXPECT_TRUE(node->record().heard(MemberEventKind::suspect, "b"));
    EXPECT_TRUE(node->record().heard(MemberEventKind::leave, "b"));
    EXPECT_TRUE(node->sees("b", MemberStatus::dead));
  }
  EXPECT_EQ(a.record().count<MemberEvent>([](const MemberEvent& event) {
    return event.kind == MemberEventKind::leave && event.member.name() == "b";
  }),
            1U);
  const auto sent = a->send("b", as_bytes("too late"));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::member_not_alive);
}

TEST(Meta, TravelsToTheOthers) {
  Node a("a");
  Node b("b");
  b.join(a);
  ASSERT_TRUE(a.record().heard(MemberEventKind::join, "b"));
  const auto updated = b->update_meta(as_bytes("version=2"), kPatience);
  ASSERT_TRUE(updated) << updated.error().message;
  EXPECT_EQ(as_text(b->local_member().meta()), "version=2");
  EXPECT_TRUE(a.record().heard<MemberEvent>([](const MemberEvent& event) {
    return event.kind == MemberEventKind::update && as_text(event.member.meta()) == "version=2";
  }));
  const auto refused = b->update_meta(Bytes(513));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::too_large);
  EXPECT_EQ(as_text(b->local_member().meta()), "version=2");
}

TEST(Shutdown, WakesAJoinThatWaits) {
  const SilentPeer silent;
  Node a("a");
  Result<JoinResult> joined;
  std::jthread joiner([&] { joined = a->join({silent.address()}); });
  silent.wait_for_dial();
  a->shutdown();
  joiner.join();
  ASSERT_FALSE(joined);
}

TEST(Shutdown, WakesALookUpThatWaits) {
  Node a("a");
  Result<JoinResult> joined;
  // Whether the answer comes before the shutdown or not, the call returns.
  std::jthread joiner([&] { joined = a->join({"no-such-host.invalid"}); });
  a->shutdown();
  joiner.join();
  EXPECT_FALSE(joined);
}

}  // namespace
}  // namespace memberlist::facade_test
