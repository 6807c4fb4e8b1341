#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "memberlist/memberlist.hpp"
#include "node.hpp"
#include "silent_peer.hpp"

namespace memberlist::facade_test {
namespace {

TEST(Create, MakesAMemberThatIsAlone) {
  Config config = quick_config("alone");
  config.meta = to_bytes("role=web");
  config.protocol_version = 3;
  config.delegate_protocol_min = 2;
  config.delegate_protocol_max = 4;
  config.delegate_protocol_version = 3;
  Node node(config);
  const MemberSnapshot members = node->members();
  ASSERT_EQ(members->size(), 1U);
  const Member& self = members[0];
  EXPECT_EQ(self.name(), "alone");
  EXPECT_EQ(as_text(self.meta()), "role=web");
  EXPECT_EQ(self.status, MemberStatus::alive);
  EXPECT_EQ(self.record->protocol, (VersionRange{1, 5, 3}));
  EXPECT_EQ(self.record->delegate_protocol, (VersionRange{2, 4, 3}));
  EXPECT_EQ(self.address(), node->local_address());
  EXPECT_NE(node->local_address().port, 0);
  EXPECT_EQ(node->local_member().name(), "alone");
  EXPECT_EQ(node->config().bind, node->local_address());
  EXPECT_EQ(node->config().advertise, node->local_address());
  EXPECT_EQ(node->config().protocol_version, 3);
  EXPECT_FALSE(node->member("nobody"));
  EXPECT_EQ(node->health_score(), 0U);
  EXPECT_GT(node->max_packet_payload(), 1000U);
  const auto age = std::chrono::system_clock::now() - node->wall_clock(self.since);
  EXPECT_GE(age, std::chrono::milliseconds(-1));
  EXPECT_LT(age, kPatience);
}

TEST(Create, TakesTheHostNameIfThereIsNoOther) {
  Node node(quick_config(""));
  EXPECT_FALSE(node->local_member().name().empty());
  EXPECT_EQ(node->config().name, node->local_member().name());
}

TEST(Create, AdvertisesWhatItIsTold) {
  Config config = quick_config("a");
  config.advertise = Address{IpAddress::v4(10, 1, 2, 3), 0};
  Node node(config);
  EXPECT_EQ(node->local_member().address(),
            (Address{IpAddress::v4(10, 1, 2, 3), node->local_address().port}));
}

TEST(Create, OthersSeeAndReachTheAdvertisedAddress) {
  Config config = quick_config("a");
  config.bind.ip = IpAddress::v4(0, 0, 0, 0);
  config.advertise = Address{IpAddress::v4(127, 0, 0, 2), 0};
  Node a(config);
  Node b("b");
  a.join(b);
  ASSERT_TRUE(b.record().heard(MemberEventKind::join, "a"));
  EXPECT_EQ(b->member("a")->address(),
            (Address{IpAddress::v4(127, 0, 0, 2), a->local_address().port}));
  EXPECT_TRUE(b->ping("a"));
}

TEST(Create, OthersSeeTheAdvertisedPort) {
  const SilentPeer listener;
  const Address elsewhere = Address::parse(listener.address(), 0).value();
  Config config = quick_config("a");
  config.advertise = elsewhere;
  Node a(config);
  Node b("b");
  a.join(b);
  ASSERT_TRUE(b.record().heard(MemberEventKind::join, "a"));
  EXPECT_EQ(b->member("a")->address(), elsewhere);
}

TEST(Create, DetectsAnAddressOrSaysHowToGiveOne) {
  for (const IpAddress& all : {IpAddress::v4(0, 0, 0, 0), IpAddress{}}) {
    Config config = quick_config("a");
    config.bind.ip = all;
    auto created = Memberlist::create(config);
    if (created) {
      const IpAddress ip = created->local_member().address().ip;
      EXPECT_FALSE(ip.is_unspecified());
      EXPECT_FALSE(ip.is_loopback());
    } else {
      EXPECT_EQ(created.error().code, ErrorCode::no_address) << created.error().message;
      EXPECT_EQ(created.error().subject, "advertise");
    }
  }
}

TEST(Create, WarnsOfAPublicAddressWithoutEncryption) {
  Config config = quick_config("open");
  config.advertise = Address{IpAddress::v4(8, 8, 8, 8), 7946};
  Node open(config);
  EXPECT_TRUE(open.record().logged(LogLevel::warning, "8.8.8.8:7946 without encryption"));
  config.name = "sealed";
  config.keys = {Bytes(16, std::byte{1})};
  Node sealed(config);
  ASSERT_TRUE(sealed.record().logged(LogLevel::info, "listening at"));
  for (const LogRecord& line : sealed.record().lines()) {
    EXPECT_EQ(line.text.find("without encryption"), std::string::npos);
  }
}

TEST(Create, NamesAPortThatIsTaken) {
  Node first("first");
  Config config = quick_config("second");
  config.bind = first->local_address();
  const auto second = Memberlist::create(config);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::address_in_use);
  EXPECT_NE(second.error().message.find(first.address()), std::string::npos);
}

TEST(Create, NamesAKnobThatIsWrong) {
  Config config = quick_config("a");
  config.probe_interval = -std::chrono::seconds(1);
  const auto created = Memberlist::create(config);
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(created.error().subject, "probe_interval");
}

TEST(Create, RefusesABadKey) {
  Config config = quick_config("a");
  config.keys = {Bytes(5)};
  EXPECT_FALSE(Memberlist::create(config));
}

TEST(Create, RefusesMetaDataThatIsTooLarge) {
  Config config = quick_config("a");
  config.meta = Bytes(513);
  const auto created = Memberlist::create(config);
  ASSERT_FALSE(created);
  EXPECT_NE(created.error().message.find("512"), std::string::npos);
}

}  // namespace
}  // namespace memberlist::facade_test
