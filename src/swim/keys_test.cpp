#include "swim/keys.hpp"

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "base/limits.hpp"
#include "memberlist/key.hpp"
#include "swim/packets.hpp"

namespace memberlist::swim {
namespace {

const Bytes kKey = to_bytes("0123456789abcdef");
const Bytes kOther = to_bytes("fedcba9876543210fedcba98");
const Address kPeer{IpAddress::v4(10, 0, 0, 2), 7946};

/// What a node's keys work on, with `live` members and a keyring whose use is counted on from
/// `sealed_before`.
struct Node {
  explicit Node(const std::vector<Bytes>& initial, std::size_t live = 1,
                std::uint64_t sealed_before = 0)
      : sealing_keys(wire::Keyring::create(initial, sealed_before).value(), local.config, {}) {
    for (std::size_t i = 0; i < live; ++i) {
      auto record = std::make_shared<MemberRecord>();
      record->name = "member-" + std::to_string(i);
      record->address = {IpAddress::v4(10, 0, 0, static_cast<std::uint8_t>(i + 1)), 7946};
      const MemberIndex index = cluster.table.insert(record, clock.now, local.random);
      cluster.table.set_status(index, MemberStatus::alive, clock.now);
    }
  }

  static Config config() {
    Config config;
    config.name = "self";
    return config;
  }

  [[nodiscard]] std::vector<LogRecord> take_log() {
    std::vector<LogRecord> lines;
    for (const Output& output : out.outputs()) {
      if (const auto* line = std::get_if<LogRecord>(&output)) lines.push_back(*line);
    }
    out.clear();
    return lines;
  }
  void send() { sender.send(kPeer, as_bytes("\x08hello")); }

  Clock clock;
  LocalNode local{config(), EngineEnvironment{}};
  SealingKeys sealing_keys;
  OutputQueue out;
  ClusterView cluster{local, clock};
  GossipQueues queues{local};
  Journal journal{EngineEnvironment{}, local, clock, out};
  Keys keys{{sealing_keys, local, cluster, journal}};
  PacketSender sender{{clock, local, cluster, queues, sealing_keys, out, journal}};
};

TEST(Keys, WarnOnceWhenTheLimitOfRandomNoncesComesNear) {
  Node node({kKey}, 1, limits::kKeySealsWarning - 2);
  node.send();
  EXPECT_TRUE(node.take_log().empty());
  node.send();
  const std::vector<LogRecord> lines = node.take_log();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].level, LogLevel::warning);
  for (const std::string& part : {key_fingerprint(kKey), std::to_string(limits::kKeySealsWarning),
                                  std::to_string(limits::kKeySeals), std::string("approach")}) {
    EXPECT_NE(lines[0].text.find(part), std::string::npos) << lines[0].text;
  }
  for (int i = 0; i < 100; ++i) node.send();
  EXPECT_TRUE(node.take_log().empty());
}

TEST(Keys, WarnAgainAtTheLimit) {
  Node node({kKey}, 1, limits::kKeySeals - 2);
  node.send();
  EXPECT_EQ(node.take_log().size(), 1U);
  node.send();
  const std::vector<LogRecord> lines = node.take_log();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].text.find("exceed"), std::string::npos) << lines[0].text;
}

TEST(Keys, WarnByWhatAllMembersEncrypt) {
  Node alone({kKey}, 1, limits::kKeySealsWarning / 8);
  alone.send();
  EXPECT_TRUE(alone.take_log().empty());
  Node among_eight({kKey}, 8, limits::kKeySealsWarning / 8);
  among_eight.send();
  EXPECT_EQ(among_eight.take_log().size(), 1U);
}

TEST(Keys, DoNotWarnOfPlaintext) {
  Node node({kKey}, 1, limits::kKeySeals);
  node.keys.set_verify(std::nullopt, false);
  (void)node.take_log();
  node.send();
  EXPECT_TRUE(node.take_log().empty());
  Node without({});
  without.send();
  EXPECT_TRUE(without.take_log().empty());
}

TEST(Keys, ChangesAreLoggedAndWhatChangesNothingIsNot) {
  Node node({});
  EXPECT_TRUE(node.keys.add(kKey));
  EXPECT_TRUE(node.keys.add(kKey));
  EXPECT_TRUE(node.keys.use(BytesView(kKey)));
  EXPECT_TRUE(node.keys.add(kOther));
  EXPECT_TRUE(node.keys.use(std::string_view(key_fingerprint(kOther))));
  EXPECT_TRUE(node.keys.remove(BytesView(kKey)));
  EXPECT_TRUE(node.keys.remove(BytesView(kKey)));
  EXPECT_FALSE(node.keys.remove(BytesView(kOther)));
  node.keys.set_verify(false, std::nullopt);
  node.keys.set_verify(false, true);
  std::string all;
  const std::vector<LogRecord> lines = node.take_log();
  for (const LogRecord& line : lines) {
    EXPECT_EQ(line.level, LogLevel::info);
    all += line.text + "\n";
    EXPECT_EQ(line.text.find(as_text(kKey)), std::string::npos) << "a key is never shown";
  }
  EXPECT_EQ(lines.size(), 5U) << all;
  for (const std::string& part :
       {"first key " + key_fingerprint(kKey), "key " + key_fingerprint(kOther) + " added",
        key_fingerprint(kOther) + " is the primary now", key_fingerprint(kKey) + " removed",
        std::string("gossip_verify_incoming is off")}) {
    EXPECT_NE(all.find(part), std::string::npos) << part << " in:\n" << all;
  }
  EXPECT_FALSE(node.local.config.gossip_verify_incoming);
  EXPECT_TRUE(node.local.config.gossip_verify_outgoing);
}

}  // namespace
}  // namespace memberlist::swim
