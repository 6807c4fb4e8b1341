#include <gtest/gtest.h>

#include <csignal>
#include <functional>

#include "interop_test.hpp"

namespace memberlist::interop {
namespace {

using namespace std::chrono_literals;

class ScaleTest : public InteropTest {
 protected:
  /// Each of `peers` in turn until all have been seen to show so many of each. One that has agreed
  /// is asked again at the end only.
  static ::testing::AssertionResult all_show(const std::vector<Peer*>& peers, std::size_t alive,
                                             std::size_t dead, Timeout timeout) {
    const auto deadline = Clock::now() + timeout;
    for (Peer* peer : peers) {
      std::size_t alive_shown = 0;
      std::size_t dead_shown = 0;
      const bool agreed = eventually(left_until(deadline), [&] {
        const MemberTable table = peer->members();
        alive_shown = count_status(table, "alive");
        dead_shown = count_status(table, "dead");
        return table.size() == alive + dead && alive_shown == alive && dead_shown == dead;
      });
      if (!agreed) {
        return ::testing::AssertionFailure() << peer->name() << " shows " << alive_shown
                                             << " alive and " << dead_shown << " dead";
      }
    }
    return ::testing::AssertionSuccess();
  }
};

TEST_F(ScaleTest, TwentyOfOursAndTwentyOfGoAgreeAndAgreeOnALoss) {
  SKIP_WITHOUT_GO();
  constexpr int kEach = 20;
  constexpr std::size_t kLost = 5;
  PeerOptions options;
  kAll.apply_to(options);
  options.name = "go";
  const std::vector<GoPeer*> go = start_many_go(options, kEach);
  std::vector<OurAgent*> ours;
  for (int i = 0; i < kEach; ++i) {
    options.name = "ours-" + std::to_string(i);
    ours.push_back(&start_ours(options));
  }
  std::vector<Peer*> all(go.begin(), go.end());
  all.insert(all.end(), ours.begin(), ours.end());

  const auto began = Clock::now();
  for (std::size_t i = 1; i < kEach; ++i) {
    ASSERT_TRUE(go[i]->join(ours[0]->address()).has_value());
    ASSERT_TRUE(ours[i]->join(go[0]->address()).has_value());
  }
  ASSERT_TRUE(ours[0]->join(go[0]->address()).has_value());
  ASSERT_TRUE(all_show(all, all.size(), 0, 20s));
  RecordProperty("agreed_after_ms", static_cast<int>((Clock::now() - began) / 1ms));

  const auto lost = Clock::now();
  for (const std::size_t i : {3U, 7U, 11U}) ours[i]->signal(SIGKILL);
  for (const std::size_t i : {5U, 13U}) ASSERT_TRUE(go[i]->shut_down().has_value());
  std::vector<Peer*> survivors;
  for (std::size_t i = 0; i < kEach; ++i) {
    if (i != 3 && i != 7 && i != 11) survivors.push_back(ours[i]);
    if (i != 5 && i != 13) survivors.push_back(go[i]);
  }
  ASSERT_EQ(survivors.size(), all.size() - kLost);
  EXPECT_TRUE(all_show(survivors, survivors.size(), kLost, 30s));
  RecordProperty("loss_agreed_after_ms", static_cast<int>((Clock::now() - lost) / 1ms));
  // Nobody else was declared dead on the way.
  EXPECT_TRUE(all_show(survivors, survivors.size(), kLost, 1s));
}

}  // namespace
}  // namespace memberlist::interop
