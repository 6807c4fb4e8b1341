#include "engine_fixture.hpp"

// Protocol 2: encryption and labels of packets, and how a cluster goes over to encryption.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

const Bytes kKey = to_bytes("0123456789abcdef");
const Bytes kOtherKey = to_bytes("fedcba9876543210fedcba98");

bool answers_ping_of(const Config& receiver, const Config& sender) {
  Bench from(sender);
  Bench to(receiver);
  // The sender's best-effort packet, taken off its wire.
  const auto sent = from.act([&](Engine& engine, TimePoint now) {
    return engine.send_best_effort(now, to.address(), as_bytes("hello"));
  });
  EXPECT_TRUE(sent.has_value());
  to.receive_raw(kPeer, from.packets().back().bytes);
  return to.events<UserMessage>().size() == 1;
}

TEST(EngineEncryption, PacketsAreReadWithAnyInstalledKeyAndNoOther) {
  EXPECT_TRUE(answers_ping_of(with_keys({kKey}), with_keys({kKey})));
  EXPECT_TRUE(answers_ping_of(with_keys({kOtherKey, kKey}), with_keys({kKey})));
  EXPECT_FALSE(answers_ping_of(with_keys({kOtherKey}), with_keys({kKey})));
  EXPECT_FALSE(answers_ping_of(with_keys({}), with_keys({kKey})));
  EXPECT_FALSE(answers_ping_of(with_keys({kKey}), with_keys({})));
}

TEST(EngineEncryption, BothVersionsAreAccepted) {
  Config old = with_keys({kKey});
  old.protocol_version = 1;
  EXPECT_TRUE(answers_ping_of(with_keys({kKey}), old));
  EXPECT_TRUE(answers_ping_of(old, with_keys({kKey})));
  Bench bench(old);
  EXPECT_TRUE(bench
                  .act([&](Engine& engine, TimePoint now) {
                    return engine.send_best_effort(now, kPeer, as_bytes("x"));
                  })
                  .has_value());
  EXPECT_EQ(bench.packets().back().bytes.at(0), std::byte{0}) << "version 0 if speaking protocol 1";
  EXPECT_EQ((bench.packets().back().bytes.size() - 29) % 16, 0u) << "padded";
}

TEST(EngineEncryption, SwitchesForEachDirection) {
  Config plain_out = with_keys({kKey});
  plain_out.gossip_verify_outgoing = false;
  Config lenient = with_keys({kKey});
  lenient.gossip_verify_incoming = false;
  EXPECT_TRUE(answers_ping_of(with_keys({}), plain_out));
  EXPECT_FALSE(answers_ping_of(with_keys({kKey}), plain_out));
  EXPECT_TRUE(answers_ping_of(lenient, plain_out));
  EXPECT_TRUE(answers_ping_of(lenient, with_keys({kKey})));
}

TEST(EngineEncryption, UndecryptablePacketIsCountedAndChangesNothing) {
  Bench bench(with_keys({kKey}));
  Bench stranger(with_keys({kOtherKey}));
  EXPECT_TRUE(stranger
                  .act([&](Engine& engine, TimePoint now) {
                    return engine.send_best_effort(now, kPeer, as_bytes("x"));
                  })
                  .has_value());
  for (int i = 0; i < 50; ++i) bench.receive_raw(kPeer, stranger.packets().back().bytes);
  EXPECT_EQ(bench.engine().counters().dropped_undecryptable, 50u);
  EXPECT_GE(bench.log().size(), 1u);
  EXPECT_LE(bench.log().size(), 10u) << "rate-limited";
}

TEST(EngineEncryption, EveryPacketOfAnEncryptedNodeIsEncrypted) {
  Config config = with_keys({kKey});
  config.probe_interval = 1s;
  config.label = "blue";
  Bench bench(config);
  bench.meet("a").answers_pings = false;
  bench.meet("b");
  bench.run_for(20s);
  ASSERT_GT(bench.packets().size(), 10u);
  for (const SeenPacket& packet : bench.packets()) {
    EXPECT_EQ(as_text(BytesView(packet.bytes).first(6)),
              "\xf4\x04"
              "blue");
    EXPECT_EQ(as_text(packet.bytes).find("self"), std::string::npos);
  }
}

TEST(EngineEncryption, TamperedPacketIsDropped) {
  Bench sender(with_keys({kKey}));
  EXPECT_TRUE(sender
                  .act([&](Engine& engine, TimePoint now) {
                    return engine.send_best_effort(now, kPeer, as_bytes("x"));
                  })
                  .has_value());
  const Bytes packet = sender.packets().back().bytes;
  for (std::size_t at = 0; at < packet.size(); ++at) {
    Bench bench(with_keys({kKey}));
    Bytes changed = packet;
    changed[at] ^= std::byte{1};
    bench.receive_raw(kPeer, changed);
    EXPECT_TRUE(bench.events<UserMessage>().empty()) << "byte " << at;
  }
}

TEST(EngineLabel, PacketsOfAnotherLabelAreDropped) {
  const auto labelled = [](std::string label) {
    Config config = EngineBench::quiet_config();
    config.label = std::move(label);
    return config;
  };
  EXPECT_TRUE(answers_ping_of(labelled("blue"), labelled("blue")));
  EXPECT_FALSE(answers_ping_of(labelled("blue"), labelled("green")));
  EXPECT_FALSE(answers_ping_of(labelled("blue"), labelled("")));
  EXPECT_FALSE(answers_ping_of(labelled(""), labelled("blue")));
  Config trusting = labelled("blue");
  trusting.skip_inbound_label_check = true;
  EXPECT_TRUE(answers_ping_of(trusting, labelled(""))) << "removed in front of us";
  EXPECT_FALSE(answers_ping_of(trusting, labelled("blue"))) << "double label";
}

// off -> accept -> send -> require, by restarting node after node.
TEST(EngineEncryption, ClusterGoesOverNodeByNodeAndLosesNobody) {
  constexpr std::size_t kSize = 4;
  Cluster cluster({.size = kSize});
  ASSERT_TRUE(cluster.assemble());
  struct Phase {
    const char* name;
    bool outgoing;
    bool incoming;
  };
  for (const Phase& phase :
       {Phase{"accept", false, false}, Phase{"send", true, false}, Phase{"require", true, true}}) {
    for (HostId node = 0; node < kSize; ++node) {
      cluster.kill(node);
      cluster.config(node).keys = {kKey};
      cluster.config(node).gossip_verify_outgoing = phase.outgoing;
      cluster.config(node).gossip_verify_incoming = phase.incoming;
      cluster.restart(node);
      ASSERT_TRUE(cluster.join(node, {(node + 1) % kSize}).has_value());
      ASSERT_TRUE(cluster.run_until([&] { return cluster.agree(kSize); }, 10s))
          << phase.name << ", node " << node;
      cluster.run_for(15s);
      ASSERT_TRUE(cluster.agree(kSize)) << phase.name << ", node " << node;
    }
  }
  EXPECT_EQ(cluster.count(dead), 0u) << "nobody was lost on the way";
}

}  // namespace
}  // namespace memberlist::testing
