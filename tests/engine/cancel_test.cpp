#include <array>

#include "engine_fixture.hpp"

// Limits of a join, and operations that are ended before their time.
namespace memberlist::testing {
namespace {

const Error kStop{ErrorCode::cancelled, "not wanted any more", {}};

/// A bench with one peer for each way to answer; targets in the same order.
struct Joiner {
  explicit Joiner(std::initializer_list<Tcp> peers) {
    for (const Tcp tcp : peers) {
      ScriptedPeer& peer = bench.add_peer("peer" + std::to_string(targets.size()));
      peer.tcp = tcp;
      peer.claims = {peer.claim()};
      targets.push_back({"", peer.address});
    }
  }

  Result<OperationId> join(const JoinLimits& limits) {
    return bench.act(
        [&](Engine& engine, TimePoint now) { return engine.join(now, targets, limits); });
  }
  void cancel(OperationId id) { cancel_on(bench, id); }
  static void cancel_on(Bench& on, OperationId id) {
    on.act([&](Engine& engine, TimePoint now) {
      engine.cancel(now, id, kStop);
      return 0;
    });
  }

  Bench bench;
  std::vector<JoinTarget> targets;
};

TEST(EngineJoinLimits, EnoughEndsTheOthersWithoutAFailure) {
  Joiner joiner{Tcp::black_hole, Tcp::answers, Tcp::silent, Tcp::answers};
  const auto id = joiner.join({.enough = 1});
  joiner.bench.run_for(1s);
  const Completion* done = joiner.bench.completion(*id);
  ASSERT_NE(done, nullptr) << "nobody is waited for once enough have answered";
  EXPECT_EQ(done->result.value().contacted, 1u);
  EXPECT_TRUE(done->result->failures.empty());
  ASSERT_EQ(done->result->attempts.size(), 4u);
  EXPECT_TRUE(done->result->attempts[1].merged);
  EXPECT_FALSE(done->result->attempts[0].merged || done->result->attempts[0].failure);
  EXPECT_TRUE(joiner.bench.streams().front().aborted);
  EXPECT_EQ(joiner.bench.events<JoinFinished>().size(), 1u);
}

TEST(EngineJoinLimits, WhoComesAfterEnoughIsNotDialled) {
  Joiner joiner{Tcp::answers, Tcp::answers, Tcp::answers};
  const auto id = joiner.join({.enough = 2, .parallel = 1});
  joiner.bench.run_for(1s);
  EXPECT_EQ(joiner.bench.completion(*id)->result.value().contacted, 2u);
  EXPECT_EQ(joiner.bench.streams().size(), 2u);
}

TEST(EngineJoinLimits, SoManyAtOnce) {
  Joiner joiner{Tcp::black_hole, Tcp::black_hole, Tcp::black_hole};
  ASSERT_TRUE(joiner.join({.parallel = 2}));
  joiner.bench.run_for(1s);
  EXPECT_EQ(joiner.bench.streams().size(), 2u);
  for (const std::uint32_t parallel : {0u, 17u}) {
    const auto refused = joiner.join({.parallel = parallel});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(refused.error().subject, "parallel");
  }
}

TEST(EngineJoinLimits, TheTimeoutKeepsWhatWasReached) {
  Joiner joiner{Tcp::answers, Tcp::black_hole};
  const auto id = joiner.join({.timeout = 2s});
  const TimePoint start = joiner.bench.now();
  ASSERT_TRUE(joiner.bench.run_until([&] { return joiner.bench.completion(*id) != nullptr; }, 60s));
  EXPECT_EQ(joiner.bench.now() - start, 2s);
  const auto& result = joiner.bench.completion(*id)->result;
  EXPECT_EQ(result.value().contacted, 1u);
  ASSERT_EQ(result->failures.size(), 1u);
  EXPECT_EQ(result->failures[0].code, ErrorCode::timed_out);
  EXPECT_EQ(result->failures[0].subject, joiner.targets[1].address.to_string());
  EXPECT_TRUE(joiner.bench.streams().back().aborted);
}

TEST(EngineJoinLimits, TheTimeoutWithoutASuccessIsAnError) {
  Joiner joiner{Tcp::black_hole, Tcp::silent};
  const auto id = joiner.join({.timeout = 2s});
  joiner.bench.run_for(3s);
  const Completion* done = joiner.bench.completion(*id);
  ASSERT_NE(done, nullptr);
  ASSERT_FALSE(done->result);
  EXPECT_EQ(done->result.error().code, ErrorCode::timed_out);
}

TEST(EngineCancel, EndsAJoinAtOnce) {
  Joiner joiner{Tcp::black_hole, Tcp::silent, Tcp::refuses};
  const auto id = joiner.join({});
  joiner.bench.run_for(1s);
  joiner.cancel(*id);
  const Completion* done = joiner.bench.completion(*id);
  ASSERT_NE(done, nullptr);
  ASSERT_FALSE(done->result);
  EXPECT_EQ(done->result.error().code, ErrorCode::cancelled);
  EXPECT_TRUE(joiner.bench.streams()[0].aborted && joiner.bench.streams()[1].aborted);
  ASSERT_EQ(joiner.bench.events<JoinFinished>().size(), 1u);
  EXPECT_EQ(joiner.bench.events<JoinFinished>()[0]->failures.size(), 3u);
  joiner.cancel(*id);
  joiner.bench.run_for(60s);  // what was planned for it comes to nothing
}

TEST(EngineCancel, IsTheReasonAlsoWhereOthersHadFailedBefore) {
  Joiner joiner{Tcp::refuses, Tcp::silent};
  const auto id = joiner.join({});
  joiner.bench.run_for(1s);
  joiner.cancel(*id);
  const Completion* done = joiner.bench.completion(*id);
  ASSERT_NE(done, nullptr);
  ASSERT_FALSE(done->result);
  EXPECT_EQ(done->result.error(), kStop);
  EXPECT_EQ(joiner.bench.events<JoinFinished>()[0]->failures[0].code, ErrorCode::unreachable);
}

TEST(EngineCancel, EndsAReliableMessage) {
  Joiner joiner{Tcp::black_hole};
  const auto id = joiner.bench.act([&](Engine& engine, TimePoint now) {
    return engine.send_reliable(now, joiner.targets[0].address, as_bytes("hello"));
  });
  joiner.cancel(*id);
  EXPECT_EQ(joiner.bench.completion(*id)->result.error().code, ErrorCode::cancelled);
  EXPECT_TRUE(joiner.bench.dialled().aborted);
}

TEST(EngineCancel, AReliableMessageHasItsTime) {
  Joiner joiner{Tcp::black_hole};
  const auto id = joiner.bench.act([&](Engine& engine, TimePoint now) {
    return engine.send_reliable(now, joiner.targets[0].address, as_bytes("hello"), 500ms);
  });
  joiner.bench.run_for(1s);
  ASSERT_NE(joiner.bench.completion(*id), nullptr);
  EXPECT_EQ(joiner.bench.completion(*id)->result.error().code, ErrorCode::timed_out);
  EXPECT_TRUE(joiner.bench.dialled().aborted);
}

TEST(EngineCancel, EndsAPingWhoseAckNobodyAwaitsThen) {
  Bench bench;
  ScriptedPeer& peer = bench.meet("a");
  const auto ping = [&](std::optional<Duration> timeout) {
    return bench.act([&](Engine& engine, TimePoint now) { return engine.ping(now, "a", timeout); });
  };
  const auto cancelled = ping(std::nullopt);
  Joiner::cancel_on(bench, *cancelled);
  EXPECT_EQ(bench.completion(*cancelled)->result.error().code, ErrorCode::cancelled);
  bench.run_for(1s);
  EXPECT_EQ(bench.engine().counters().acks_unexpected, 1u);

  peer.answers_pings = false;
  const auto late = ping(20ms);
  bench.run_for(21ms);
  ASSERT_NE(bench.completion(*late), nullptr) << "earlier than probe_timeout";
  EXPECT_EQ(bench.completion(*late)->result.error().code, ErrorCode::timed_out);
}

TEST(EngineCancel, WhatWasAnnouncedStands) {
  Cluster cluster({.size = 3});
  ASSERT_TRUE(cluster.join(1, {0}));
  ASSERT_TRUE(cluster.join(2, {0}));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.agree(3); }, 10s));
  const auto id = cluster.leave(1);
  ASSERT_EQ(cluster.completion(1, *id), nullptr);
  cluster.act(1, [&](Engine& engine, TimePoint now) {
    engine.cancel(now, *id, kStop);
    return 0;
  });
  ASSERT_NE(cluster.completion(1, *id), nullptr);
  EXPECT_EQ(cluster.completion(1, *id)->result.error().code, ErrorCode::cancelled);
  EXPECT_TRUE(cluster.run_until(
      [&] { return cluster.engine(0).member(cluster.name(1))->status == MemberStatus::left; },
      10s));
}

TEST(EngineCancel, OfWhatIsNotUnderWayDoesNothing) {
  Bench bench;
  Joiner::cancel_on(bench, OperationId{77});
  EXPECT_EQ(bench.completion(OperationId{77}), nullptr);
}

}  // namespace
}  // namespace memberlist::testing
