#include "net/interfaces.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace memberlist::net {
namespace {

TEST(InterfaceAddresses, ListsTheLoopbackInterface) {
  const auto all = interface_addresses();
  ASSERT_TRUE(all);
  EXPECT_TRUE(std::any_of(all->begin(), all->end(), [](const InterfaceAddress& address) {
    return address.loopback && address.running && address.ip.is_loopback();
  }));
}

TEST(DefaultRouteSources, AreAddressesOfThisMachine) {
  const auto network = host_network();
  ASSERT_TRUE(network);
  EXPECT_LE(network->default_sources.size(), 2U) << "one of each family";
  for (const IpAddress& source : network->default_sources) {
    EXPECT_TRUE(std::ranges::any_of(network->addresses, [&](const InterfaceAddress& own) {
      return own.ip == source;
    })) << source.to_string();
  }
}

TEST(HostName, IsThere) { EXPECT_FALSE(host_name().empty()); }

}  // namespace
}  // namespace memberlist::net
