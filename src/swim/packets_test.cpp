// From which of its addresses a member with several sends what.

#include "swim/packets.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "wire/messages.hpp"

namespace memberlist::swim {
namespace {

const Address kPeer{IpAddress::v4(10, 9, 0, 2), 7946};
const Address kTarget{IpAddress::v4(10, 9, 0, 3), 7946};
const IpAddress kAdvertised = IpAddress::v4(10, 9, 0, 1);
const IpAddress kAsked = IpAddress::v4(192, 168, 7, 1);

class PacketSource : public ::testing::Test {
 protected:
  PacketSource() { engine_.clear_outputs(); }

  static Engine make_engine(TimePoint now) {
    Config config = Config::lan();
    config.name = "self";
    config.enable_compression = false;
    config.gossip_interval = Duration::zero();
    EngineEnvironment environment;
    environment.advertise = {kAdvertised, 7946};
    environment.now = now;
    return Engine::create(config, environment).value();
  }

  template <class Message>
  void hear(const Message& message, const Address& from, const IpAddress& asked) {
    Bytes bytes;
    ByteWriter writer(bytes);
    wire::encode(writer, message);
    engine_.handle_packet(now_, from, bytes, asked);
  }
  // What is sent now: to whom, and where from.
  using Sent = std::vector<std::pair<Address, IpAddress>>;
  [[nodiscard]] Sent sent() {
    Sent all;
    for (const Output& output : engine_.outputs()) {
      if (const auto* packet = std::get_if<SendPacket>(&output)) {
        all.emplace_back(packet->to, packet->from);
      }
    }
    return all;
  }
  // The number of the ping that is sent now.
  [[nodiscard]] std::uint32_t sent_number() {
    for (const Output& output : engine_.outputs()) {
      const auto* packet = std::get_if<SendPacket>(&output);
      if (packet == nullptr) continue;
      ByteReader body(packet->bytes.subspan(1));
      if (const auto ping = wire::decode<wire::Ping>(body)) return ping->seq_no;
    }
    ADD_FAILURE() << "no ping is sent";
    return 0;
  }

  TimePoint now_{std::chrono::hours(1)};
  Engine engine_ = make_engine(now_);
};

TEST_F(PacketSource, OfAnAckIsTheAddressThatWasAsked) {
  hear(wire::Ping{7, "self", {}, 0, {}}, kPeer, kAsked);
  EXPECT_EQ(sent(), Sent({{kPeer, kAsked}}));
  engine_.clear_outputs();
  // Also where the ping says that its sender is to be found elsewhere.
  const Address elsewhere{IpAddress::v4(10, 9, 0, 22), 7946};
  hear(wire::Ping{8, "self", elsewhere.ip.wire_bytes(), elsewhere.port, "p"}, kPeer, kAsked);
  EXPECT_EQ(sent(), Sent({{elsewhere, kAsked}}));
  engine_.clear_outputs();
  hear(wire::Ping{9, "self", {}, 0, {}}, kPeer, {});
  EXPECT_EQ(sent(), Sent({{kPeer, kAdvertised}})) << "it is not known which one was asked";
}

TEST_F(PacketSource, OfWhatAHelperAnswersIsTheAddressThatWasAskedForHelp) {
  const auto ask = [&](std::uint32_t seq_no) {
    hear(wire::IndirectPing{seq_no, kTarget.ip.wire_bytes(), kTarget.port, "t", true, {}, 0, {}},
         kPeer, kAsked);
  };
  ask(7);
  ASSERT_EQ(sent(), Sent({{kTarget, kAdvertised}})) << "the ping of the helper is its own";
  const std::uint32_t seq_no = sent_number();
  engine_.clear_outputs();
  hear(wire::Ack{seq_no, {}}, kTarget, kAdvertised);
  EXPECT_EQ(sent(), Sent({{kPeer, kAsked}})) << "the ack that is passed on";

  engine_.clear_outputs();
  ask(8);
  engine_.clear_outputs();
  now_ += std::chrono::milliseconds(450);
  engine_.handle_deadline(now_);
  EXPECT_EQ(sent(), Sent({{kPeer, kAsked}})) << "the nack";
}

TEST_F(PacketSource, OfWhatNobodyAskedForIsTheAdvertisedAddress) {
  ASSERT_TRUE(engine_.send_best_effort(now_, kPeer, {}));
  EXPECT_EQ(sent(), Sent({{kPeer, kAdvertised}}));
  engine_.clear_outputs();
  ASSERT_TRUE(engine_.join(now_, {{{}, kPeer}}));
  std::vector<IpAddress> dialled_from;
  for (const Output& output : engine_.outputs()) {
    if (const auto* dial = std::get_if<DialStream>(&output)) dialled_from.push_back(dial->from);
  }
  EXPECT_EQ(dialled_from, std::vector{kAdvertised});
}

}  // namespace
}  // namespace memberlist::swim
