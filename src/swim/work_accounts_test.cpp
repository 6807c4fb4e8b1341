#include "swim/work_accounts.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>

#include "base/limits.hpp"
#include "swim/test_start.hpp"

namespace memberlist::swim {
namespace {

using std::chrono::seconds;

const IpAddress kSource = IpAddress::v4(10, 0, 0, 1);
const IpAddress kOther = IpAddress::v4(10, 0, 0, 2);

TEST(WorkAccounts, EachSourceHasItsOwn) {
  WorkAccounts accounts;
  EXPECT_EQ(accounts.left(kSource, kStart), limits::kSourceWorkBytes);
  accounts.charge(kSource, limits::kSourceWorkBytes, kStart);
  EXPECT_EQ(accounts.left(kSource, kStart), 0U);
  EXPECT_EQ(accounts.left(kOther, kStart), limits::kSourceWorkBytes);
}

TEST(WorkAccounts, ArePaidBackByTime) {
  WorkAccounts accounts;
  accounts.charge(kSource, limits::kSourceWorkBytes, kStart);
  EXPECT_NEAR(static_cast<double>(accounts.left(kSource, kStart + seconds(2))),
              2.0 * limits::kSourceWorkBytesPerSecond, 16);
  // What is over the limit takes so much longer.
  accounts.charge(kSource, 4 * limits::kSourceWorkBytesPerSecond, kStart + seconds(2));
  EXPECT_EQ(accounts.left(kSource, kStart + seconds(4)), 0U);
  EXPECT_NEAR(static_cast<double>(accounts.left(kSource, kStart + seconds(5))),
              1.0 * limits::kSourceWorkBytesPerSecond, 16);
  EXPECT_EQ(accounts.left(kSource, kStart + seconds(100)), limits::kSourceWorkBytes);
}

TEST(WorkAccounts, AnIpv6NetworkIsOneSource) {
  const IpAddress a = IpAddress::parse("2001:db8::1").value();
  const IpAddress b = IpAddress::parse("2001:db8::ffff:2").value();
  const IpAddress c = IpAddress::parse("2001:db8:0:1::1").value();
  EXPECT_EQ(source_of(a), source_of(b));
  EXPECT_NE(source_of(a), source_of(c));
  EXPECT_NE(source_of(kSource), source_of(kOther));
  WorkAccounts accounts;
  accounts.charge(a, limits::kSourceWorkBytes, kStart);
  EXPECT_EQ(accounts.left(b, kStart), 0U);
  EXPECT_EQ(accounts.left(c, kStart), limits::kSourceWorkBytes);
}

TEST(WorkAccounts, AreSoManyAndThoseThatOweLeastMakeRoom) {
  WorkAccounts accounts;
  accounts.charge(kSource, limits::kSourceWorkBytes, kStart);
  for (std::uint32_t i = 0; i < 2 * limits::kWorkingSources; ++i) {
    const auto byte = [i](unsigned shift) { return static_cast<std::uint8_t>(i >> shift); };
    accounts.charge(IpAddress::v4(11, byte(16), byte(8), byte(0)), limits::kMiB, kStart);
    ASSERT_LE(accounts.size(), limits::kWorkingSources);
  }
  EXPECT_EQ(accounts.left(kSource, kStart), 0U) << "a flood of others does not clear a large debt";
  accounts.charge(kOther, 1024, kStart + seconds(1000));
  EXPECT_EQ(accounts.size(), 1U) << "what is paid back takes no memory";
}

}  // namespace
}  // namespace memberlist::swim
