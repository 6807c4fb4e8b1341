#include "net/poller.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>
#include <vector>

#include "net/descriptor.hpp"

// Compiled twice: with the poller of this system, and with the portable one.
#if defined(MEMBERLIST_PORTABLE_POLLER)
#define POLLER PortablePoller
#else
#define POLLER SystemPoller
#endif

namespace memberlist::net {
namespace {

using std::chrono::seconds;

constexpr Readiness kRead{.read = true};
constexpr Readiness kWrite{.write = true};
constexpr Readiness kBoth{.read = true, .write = true};

class POLLER : public ::testing::Test {
 protected:
  POLLER() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    ours_ = Descriptor(ends[0]);
    peer_ = Descriptor(ends[1]);
  }
  void want(Readiness before, Readiness now, std::uint64_t key = 7) {
    EXPECT_EQ(poller_.want(ours_.get(), key, before, now), 0);
  }
  void write_to_us() { EXPECT_EQ(::write(peer_.get(), "x", 1), 1); }
  /// What it is ready for at once; nothing: `Readiness{}`.
  Readiness ready_now(std::uint64_t key = 7) {
    Readiness found;
    for (const Poller::Ready& ready : poller_.wait(Duration::zero())) {
      EXPECT_EQ(ready.key, key);
      found = ready.is;
    }
    return found;
  }

  Poller poller_;
  Descriptor ours_;
  Descriptor peer_;
};

TEST_F(POLLER, SaysWhatIsReadyAsLongAsItIs) {
  want({}, kRead);
  EXPECT_EQ(ready_now(), Readiness{});
  write_to_us();
  EXPECT_EQ(ready_now(), kRead);
  EXPECT_EQ(ready_now(), kRead) << "nothing was read";
  char byte = 0;
  EXPECT_EQ(::read(ours_.get(), &byte, 1), 1);
  EXPECT_EQ(ready_now(), Readiness{});
}

TEST_F(POLLER, SaysOnlyWhatIsWanted) {
  write_to_us();
  want({}, kWrite);
  EXPECT_EQ(ready_now(), kWrite);
  want(kWrite, kBoth);
  EXPECT_EQ(ready_now(), kBoth);
  want(kBoth, kRead);
  EXPECT_EQ(ready_now(), kRead);
  want(kRead, {});
  EXPECT_EQ(ready_now(), Readiness{});
  want({}, kRead);
  EXPECT_EQ(ready_now(), kRead);
}

TEST_F(POLLER, APeerThatIsGoneMakesItReady) {
  want({}, kRead);
  peer_.close();
  EXPECT_TRUE(ready_now().read);
  want(kRead, {});
  EXPECT_EQ(ready_now(), Readiness{}) << "nobody wants to know";
}

TEST_F(POLLER, KnowsManyByTheirKeys) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  const Descriptor other(ends[0]);
  const Descriptor peer_of_other(ends[1]);
  want({}, kRead, 1);
  ASSERT_EQ(poller_.want(other.get(), 2, {}, kRead), 0);
  ASSERT_EQ(::write(peer_of_other.get(), "x", 1), 1);
  EXPECT_EQ(ready_now(2), kRead);
  want(kRead, {}, 1);
  EXPECT_EQ(ready_now(2), kRead) << "it stays when another one goes";
}

TEST_F(POLLER, WakesUpForAnotherThread) {
  std::jthread other([this] { poller_.wake(); });
  EXPECT_TRUE(poller_.wait(std::nullopt).empty());
}

TEST_F(POLLER, AWakeUpBeforeTheWaitIsNotLostAndCountsOnce) {
  poller_.wake();
  poller_.wake();
  EXPECT_TRUE(poller_.wait(std::nullopt).empty());
  EXPECT_TRUE(poller_.wait(std::chrono::milliseconds(1)).empty());
}

TEST_F(POLLER, NeverReturnsBeforeItsTime) {
  using Clock = std::chrono::steady_clock;
  const auto began = Clock::now();
  EXPECT_TRUE(poller_.wait(std::chrono::microseconds(1500)).empty());
  EXPECT_GE(Clock::now() - began, std::chrono::microseconds(1500));
}

}  // namespace
}  // namespace memberlist::net
