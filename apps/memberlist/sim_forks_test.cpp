#include "sim_forks.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

namespace memberlist::cli {
namespace {

bool go_on() { return true; }

TEST(ForkPool, EachFutureSeesTheMomentAtWhichItBegan) {
  ForkPool pool(2, go_on);
  std::uint64_t moment = 0;
  for (std::size_t number = 0; number < 7; ++number) {
    moment = 10 * number;
    EXPECT_TRUE(pool.start(number, [&] {
      moment += 1;  // in the copy only
      return Ending{.declared = moment, .by_one = true};
    }));
  }
  EXPECT_TRUE(pool.finish());
  EXPECT_EQ(moment, 60U);
  EXPECT_EQ(pool.done(), 7U);
  ASSERT_EQ(pool.endings().size(), 7U);
  for (std::size_t number = 0; number < 7; ++number) {
    ASSERT_TRUE(pool.endings()[number]);
    EXPECT_EQ(pool.endings()[number]->declared, 10 * number + 1);
  }
}

TEST(ForkPool, AFutureThatIsKilledIsAnError) {
  ForkPool pool(1, go_on);
  EXPECT_TRUE(pool.start(0, []() -> Ending {
    ::raise(SIGKILL);
    return {};
  }));
  EXPECT_FALSE(pool.finish());
  ASSERT_TRUE(pool.failure());
  EXPECT_NE(pool.failure()->text.find("too little memory"), std::string::npos);
  EXPECT_FALSE(pool.start(1, [] { return Ending{}; }));
}

TEST(ForkPool, AFutureThatFailsIsAnError) {
  ForkPool pool(1, go_on);
  EXPECT_TRUE(pool.start(0, []() -> Ending { throw std::runtime_error("no"); }));
  EXPECT_FALSE(pool.finish());
  ASSERT_TRUE(pool.failure());
  EXPECT_EQ(pool.failure()->text, "a future ended without a result");
}

TEST(ForkPool, FuturesEndWithTheirPool) {
  bool wanted = true;
  ForkPool pool(1, [&] { return wanted; });
  EXPECT_TRUE(pool.start(0, []() -> Ending {
    for (;;) ::pause();
  }));
  wanted = false;
  EXPECT_FALSE(pool.start(1, [] { return Ending{}; }));
  EXPECT_FALSE(pool.failure());
  EXPECT_TRUE(pool.endings().empty());
}

}  // namespace
}  // namespace memberlist::cli
