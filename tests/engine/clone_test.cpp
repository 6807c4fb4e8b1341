#include <memory>
#include <vector>

#include "engine_fixture.hpp"
#include "sim/digest.hpp"
#include "sim/recording.hpp"

namespace memberlist::testing {
namespace {

constexpr std::size_t kNodes = 8;

/// A copy of a node's engine, and what it is given: all that the node is given from then on.
struct Clone {
  Clone(const Engine& original, const ProcessRecord& process)
      : replay(process.recorder.recording(), process.recorder.recording().end()),
        engine(original.clone(replay.environment())),
        record(process),
        digest(process.digest) {}

  std::uint64_t run() {
    replay.run(engine, [this](std::span<Output> outputs) {
      for (const Output& output : outputs) digest = add_to_digest(digest, output);
    });
    return digest;
  }

  Replay replay;
  Engine engine;
  const ProcessRecord& record;
  std::uint64_t digest;
};

class EngineClone : public ::testing::TestWithParam<bool> {
 protected:
  static ClusterOptions options(bool encrypted) {
    ClusterOptions options{.size = kNodes, .seed = 5, .recorded = true};
    options.config.push_pull_interval = 3s;
    if (encrypted) options.config.keys = {to_bytes("0123456789abcdef")};
    options.link.loss = 0.2;
    options.link.latency = 20ms;
    return options;
  }

  // Copies each engine in the middle of what it does: probes, suspicions, relays, exchanges, joins,
  // broadcasts and commands are under way.
  std::vector<std::unique_ptr<Clone>> copy_all() {
    std::vector<std::unique_ptr<Clone>> clones;
    for (HostId node = 0; node < kNodes; ++node) {
      if (!cluster_.running(node)) continue;
      clones.push_back(std::make_unique<Clone>(cluster_.engine(node), *cluster_.records()[node]));
    }
    return clones;
  }

  void stir() {
    cluster_.network().set_stream_piece_bytes(50);
    cluster_.crash(7);
    cluster_.pause(6);
    cluster_.run_for(4s);
    for (HostId node = 0; node < 5; ++node) {
      EXPECT_TRUE(cluster_.act(node, [&](Engine& engine, TimePoint now) {
        return engine.update_meta(now, as_bytes("meta"), 10s);
      }));
      EXPECT_TRUE(cluster_.act(node, [&](Engine& engine, TimePoint now) {
        return engine.broadcast(now, as_bytes("hello"), "greeting");
      }));
    }
    EXPECT_TRUE(cluster_.join(1, {7, 2, 3}));
    cluster_.run_for(30ms);
  }

  VirtualCluster cluster_{options(GetParam())};
};

TEST_P(EngineClone, GoesOnAsItsOriginalDoes) {
  ASSERT_TRUE(cluster_.assemble());
  stir();
  const auto clones = copy_all();
  ASSERT_GE(clones.size(), 6U);
  EXPECT_TRUE(cluster_.leave(4));
  cluster_.run_for(10s);
  cluster_.resume(6);
  cluster_.run_for(60s);
  for (const auto& clone : clones) {
    EXPECT_EQ(clone->run(), clone->record.digest) << "of " << cluster_.name(clone->record.node);
    EXPECT_EQ(clone->engine.view_digest(), cluster_.engine(clone->record.node).view_digest());
  }
}

TEST_P(EngineClone, IsNotTouchedByWhatHappensToItsOriginal) {
  ASSERT_TRUE(cluster_.assemble());
  stir();
  const std::uint64_t before = cluster_.engine(0).view_digest();
  const Clone clone(cluster_.engine(0), *cluster_.records()[0]);
  cluster_.run_for(60s);
  EXPECT_NE(cluster_.engine(0).view_digest(), before) << "nothing has happened";
  EXPECT_EQ(clone.engine.view_digest(), before);
}

INSTANTIATE_TEST_SUITE_P(PlainAndEncrypted, EngineClone, ::testing::Bool());

}  // namespace
}  // namespace memberlist::testing
