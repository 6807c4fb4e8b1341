#include "swim/stream_budget.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "swim/incarnation.hpp"

namespace memberlist::swim {
namespace {

using namespace std::chrono_literals;

constexpr auto kTimeout = Duration(10s);
const TimePoint kOpened{Duration(100s)};
const IpAddress kOne = IpAddress::v4(10, 0, 0, 1);
const IpAddress kTwo = IpAddress::v4(10, 0, 0, 2);

TEST(StreamBudget, CountsStreamsInTotalAndFromOneAddress) {
  using Verdict = StreamBudget::Verdict;
  StreamBudget budget;
  for (std::size_t i = 0; i < limits::kInboundStreamsPerSource; ++i) {
    EXPECT_EQ(budget.admit(kOne), Verdict::admitted);
  }
  EXPECT_EQ(budget.admit(kOne), Verdict::too_many_from_source);
  const std::size_t left = limits::kInboundStreams - limits::kInboundStreamsPerSource;
  for (std::size_t i = 0; i < left; ++i) EXPECT_EQ(budget.admit(kTwo), Verdict::admitted);
  EXPECT_EQ(budget.admit(kTwo), Verdict::too_many);
  budget.closed(kTwo);
  EXPECT_EQ(budget.admit(kOne), Verdict::too_many_from_source);
  EXPECT_EQ(budget.admit(kTwo), Verdict::admitted);
}

TEST(StreamBudget, KnowsWhoHoldsMost) {
  StreamBudget budget;
  EXPECT_FALSE(budget.heaviest().has_value());
  budget.hold(kOne, 1000);
  budget.hold(kTwo, 1001);
  EXPECT_EQ(budget.heaviest(), kTwo);
  budget.hold(kTwo, -2);
  EXPECT_EQ(budget.heaviest(), kOne);
  EXPECT_FALSE(budget.over());
  budget.hold(kTwo, static_cast<std::ptrdiff_t>(limits::kIncompleteStreamBytes) - 1999);
  EXPECT_FALSE(budget.over()) << "exactly full";
  budget.hold(kOne, 1);
  EXPECT_TRUE(budget.over());
}

TEST(RateLimit, CountsEachSecondAnew) {
  RateLimit limit(2);
  EXPECT_TRUE(limit.take(kOpened));
  EXPECT_TRUE(limit.take(kOpened + 999ms));
  EXPECT_FALSE(limit.take(kOpened + 999ms));
  EXPECT_TRUE(limit.take(kOpened + 1s));
}

TEST(StreamPatience, EachStageHasItsTime) {
  StreamPatience patience{.opened = kOpened, .first_byte = std::nullopt};
  EXPECT_EQ(patience.end(kTimeout), kOpened + 5s) << "for the first byte";
  patience.first_byte = kOpened + 1s;
  patience.received = 1;
  EXPECT_EQ(patience.end(kTimeout), kOpened + 6s) << "for the head";
  patience.received = limits::kStreamHeadBytes;
  EXPECT_EQ(patience.end(kTimeout), kOpened + 10s) << "for all of it";
  patience.received = 20 * limits::kLeastStreamBytesPerSecond;
  EXPECT_EQ(patience.end(kTimeout), kOpened + 20s) << "it is large and comes fast enough";
  patience.received = limits::kStreamMessageBytes;
  EXPECT_EQ(patience.end(kTimeout), kOpened + 40s) << "not for ever";
}

TEST(Incarnation, IsComparedAsASerialNumber) {
  constexpr std::uint32_t kLast = ~std::uint32_t{0};
  EXPECT_TRUE(is_newer(2, 1));
  EXPECT_FALSE(is_newer(1, 1));
  EXPECT_FALSE(is_newer(1, 2));
  EXPECT_TRUE(is_older(1, 2));
  EXPECT_FALSE(is_older(1, 1));
  EXPECT_TRUE(is_newer(0x8000'0000, 1));
  EXPECT_TRUE(is_newer(0x8000'0001, 1)) << "half of the range: the greater one";
  EXPECT_TRUE(is_older(1, 0x8000'0001));
  EXPECT_TRUE(is_older(0x8000'0002, 1));
  EXPECT_TRUE(is_older(kLast, 1));
  EXPECT_TRUE(is_newer(0, kLast));
  EXPECT_TRUE(is_older(kLast, 0));
}

TEST(Incarnation, OfAccusationsIsSoFarAheadAtMost) {
  EXPECT_TRUE(within_a_jump(1, 1));
  EXPECT_TRUE(within_a_jump(1 + kLongestJump, 1));
  EXPECT_FALSE(within_a_jump(2 + kLongestJump, 1));
  EXPECT_FALSE(within_a_jump(0, 1));
  EXPECT_TRUE(within_a_jump(0, ~std::uint32_t{0}));
}

}  // namespace
}  // namespace memberlist::swim
