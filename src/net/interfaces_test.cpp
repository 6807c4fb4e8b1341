#include "net/interfaces.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace memberlist::net {
namespace {

IpAddress ip(std::string_view text) {
  auto parsed = IpAddress::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(IpAddress{});
}

const InterfaceAddress kLo4{"lo", IpAddress::v4(127, 0, 0, 1), true};
const IpAddress kAny4 = IpAddress::v4(0, 0, 0, 0);
const IpAddress kAny6;

TEST(ChooseAdvertised, TakesTheFirstPrivateAddress) {
  const std::vector<InterfaceAddress> all{
      kLo4,
      {"eth0", ip("8.8.8.8"), false},
      {"eth1", ip("192.168.7.1"), false},
      {"eth2", ip("10.0.0.1"), false},
  };
  EXPECT_EQ(choose_advertised(kAny4, all), ip("192.168.7.1"));
  EXPECT_EQ(choose_advertised(kAny6, all), ip("192.168.7.1")) << ":: speaks IPv4 too";
}

TEST(ChooseAdvertised, KeepsToTheFamilyOfTheSocket) {
  const std::vector<InterfaceAddress> all{
      {"eth0", ip("fd00::2"), false},
      {"eth0", ip("10.0.0.1"), false},
  };
  EXPECT_EQ(choose_advertised(kAny4, all), ip("10.0.0.1"));
  EXPECT_EQ(choose_advertised(kAny6, all), ip("fd00::2"));
}

TEST(ChooseAdvertised, TakesIpv4LinkLocalLastAndIpv6LinkLocalNever) {
  const std::vector<InterfaceAddress> all{
      {"eth0", ip("fe80::1%2"), false},
      {"eth0", ip("169.254.1.1"), false},
      {"eth1", ip("172.16.0.9"), false},
  };
  EXPECT_EQ(choose_advertised(kAny6, all), ip("172.16.0.9"));
  EXPECT_EQ(choose_advertised(kAny6, std::span(all).first(2)), ip("169.254.1.1"));
  EXPECT_FALSE(choose_advertised(kAny6, std::span(all).first(1)));
}

TEST(ChooseAdvertised, TakesTestNetworksBehindPrivateOnes) {
  const std::vector<InterfaceAddress> all{
      {"eth0", ip("192.0.2.2"), false},
      {"eth1", ip("10.1.1.1"), false},
  };
  EXPECT_EQ(choose_advertised(kAny4, all), ip("10.1.1.1"));
  EXPECT_EQ(choose_advertised(kAny4, std::span(all).first(1)), ip("192.0.2.2"));
}

TEST(ChooseAdvertised, NeverTellsOthersALoopbackOrPublicAddressUnasked) {
  const std::vector<InterfaceAddress> all{
      kLo4,
      {"lo", ip("10.9.9.9"), true},
      {"eth0", ip("8.8.8.8"), false},
  };
  const auto chosen = choose_advertised(kAny4, all);
  ASSERT_FALSE(chosen);
  EXPECT_EQ(chosen.error().code, ErrorCode::no_address);
  EXPECT_EQ(chosen.error().subject, "advertise");
  EXPECT_NE(chosen.error().message.find("8.8.8.8 (eth0)"), std::string::npos)
      << chosen.error().message;
}

TEST(ChooseAdvertised, FindsTheAddressOfAMachineWithIpv6Alone) {
  const std::vector<InterfaceAddress> all{
      {"lo", ip("::1"), true},
      {"eth0", ip("fe80::1%2"), false},
      {"eth0", ip("2a00::1"), false},
      {"eth0", ip("fd00::5"), false},
  };
  EXPECT_EQ(choose_advertised(kAny6, all), ip("fd00::5"));
  EXPECT_FALSE(choose_advertised(kAny4, all)) << "its sockets speak IPv4 only";
}

TEST(ChooseMoved, StaysAsLongAsTheAddressIsThere) {
  const std::vector<InterfaceAddress> all{
      {"eth0", ip("10.0.0.1"), false},
      {"eth1", ip("10.0.0.2"), false},
      {"eth1", ip("fd00::2"), false},
  };
  EXPECT_EQ(choose_moved(kAny6, ip("10.0.0.2"), all), std::nullopt) << "though it is not the best";
  EXPECT_EQ(choose_moved(kAny6, ip("10.0.0.9"), all), ip("fd00::2"));
  EXPECT_EQ(choose_moved(kAny4, ip("10.0.0.9"), all), ip("10.0.0.1"));
  EXPECT_EQ(choose_moved(kAny4, ip("10.0.0.9"), std::span(all).last(1)), std::nullopt)
      << "there is nothing better";
  EXPECT_EQ(choose_moved(kAny4, ip("10.0.0.9"), {}), std::nullopt) << "the network is down";
}

TEST(InterfaceAddresses, ListsTheLoopbackInterface) {
  const auto all = interface_addresses();
  ASSERT_TRUE(all);
  EXPECT_TRUE(std::any_of(all->begin(), all->end(), [](const InterfaceAddress& address) {
    return address.loopback && address.ip.is_loopback();
  }));
}

TEST(HostName, IsThere) { EXPECT_FALSE(host_name().empty()); }

}  // namespace
}  // namespace memberlist::net
