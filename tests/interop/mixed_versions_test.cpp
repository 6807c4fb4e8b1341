#include <gtest/gtest.h>

#include <csignal>

#include "interop_test.hpp"

namespace memberlist::interop {
namespace {

/// Two members each of ours and of three versions of the Go library, in one cluster.
class MixedVersionsTest : public InteropTest {
 protected:
  static constexpr Kind kKinds[] = {Kind::ours, Kind::go, Kind::go_v05, Kind::go_v02};

  void start_all() {
    PeerOptions options;
    kSealed.apply_to(options);
    FastTimings::apply_to(options);
    // All at once, and six times: gossip misses nobody, not even with dead members among its
    // targets.
    options.knobs["gossip_nodes"] = "7";
    options.knobs["retransmit_mult"] = "42";
    for (const Kind kind : kKinds) {
      for (auto* group : {&staying, &leaving}) {
        options.name = to_name(kind) + (group == &staying ? "-stays" : "-is-lost");
        options.meta = "meta data of " + options.name;
        group->push_back(&start(kind, options));
      }
    }
    all = staying;
    all.insert(all.end(), leaving.begin(), leaving.end());
  }

  /// Each joins through a member of the next kind, so that every kind answers another one.
  void join_all() {
    for (std::size_t i = 0; i < all.size(); ++i) {
      Peer& next = *all[(i + 1) % all.size()];
      const Outcome joined = all[i]->join(next.address());
      ASSERT_TRUE(joined.has_value())
          << all[i]->name() << " through " << next.name() << ": " << joined.error();
    }
  }

  static void expect_broadcasts_heard(const std::vector<Peer*>& members, const std::string& text) {
    for (Peer* from : members) {
      const Outcome sent = from->broadcast(text + from->name());
      ASSERT_TRUE(sent.has_value()) << from->name() << ": " << sent.error();
    }
    for (Peer* from : members) {
      for (Peer* to : members) {
        if (to == from) continue;
        EXPECT_TRUE(to->wait_for_message(text + from->name(), kSlack))
            << from->name() << " to " << to->name();
      }
    }
  }

  std::vector<Peer*> staying;
  std::vector<Peer*> leaving;
  std::vector<Peer*> all;
};

TEST_F(MixedVersionsTest, AgreeAndLoseOneOfEachKindAndAgreeAgain) {
  SKIP_WITHOUT_GO();
  ASSERT_NO_FATAL_FAILURE(start_all());
  ASSERT_NO_FATAL_FAILURE(join_all());
  ASSERT_TRUE(eventually_agree(all, 4 * kSlack));
  ASSERT_NO_FATAL_FAILURE(expect_broadcasts_heard(all, "all are here, says "));

  for (Peer* peer : leaving) peer->signal(SIGKILL);

  ASSERT_TRUE(eventually_agree(staying, FastTimings::kMaxSuspicion + 4 * kSlack, leaving.size()));
  ASSERT_NO_FATAL_FAILURE(expect_broadcasts_heard(staying, "half are left, says "));
}

}  // namespace
}  // namespace memberlist::interop
