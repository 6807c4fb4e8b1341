#include "net/advertised.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.hpp"

namespace memberlist::net {
namespace {

IpAddress ip(std::string_view text) {
  auto parsed = IpAddress::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(IpAddress{});
}

const IpAddress kAny4 = IpAddress::v4(0, 0, 0, 0);
const IpAddress kAny6;

InterfaceAddress on(std::string interface, std::string_view address) {
  const bool loopback = interface == "lo";
  return {std::move(interface), ip(address), loopback, true};
}

InterfaceAddress no_carrier(std::string interface, std::string_view address) {
  return {std::move(interface), ip(address), false, false};
}

// A machine, and what it advertises; an empty text: nothing, without being told to.
struct Machine {
  std::string_view what;
  std::vector<InterfaceAddress> addresses;
  std::vector<std::string_view> default_sources;
  std::string_view by_v4;   // bound to 0.0.0.0
  std::string_view by_any;  // bound to ::

  [[nodiscard]] HostNetwork network() const {
    HostNetwork network{addresses, {}};
    for (const std::string_view source : default_sources) {
      network.default_sources.push_back(ip(source));
    }
    return network;
  }
};

void PrintTo(const Machine& machine, std::ostream* out) { *out << machine.what; }

std::vector<Machine> plain_machines() {
  return {
      {"one private address", {on("eth0", "10.0.0.1")}, {"10.0.0.1"}, "10.0.0.1", "10.0.0.1"},
      {"no default route: the first in the system's order",
       {on("lo", "127.0.0.1"), on("eth1", "192.168.7.1"), on("eth2", "10.0.0.1")},
       {},
       "192.168.7.1",
       "192.168.7.1"},
      {"both families on the interface of the default route",
       {on("eth0", "10.0.0.1"), on("eth0", "fd00::2"), on("eth0", "fe80::1%2")},
       {"10.0.0.1"},
       "10.0.0.1",
       "fd00::2"},
      {"IPv6 only, with a private address",
       {on("lo", "::1"), on("eth0", "fe80::1%2"), on("eth0", "2a00::1"), on("eth0", "fd00::5")},
       {"2a00::1"},
       "",
       "fd00::5"},
      {"a second address of the interface is not what packets leave from",
       {on("eth0", "10.0.0.200"), on("eth0", "10.0.0.7")},
       {"10.0.0.7"},
       "10.0.0.7",
       "10.0.0.7"},
      {"a test network behind a private one",
       {on("eth0", "192.0.2.2"), on("eth1", "10.1.1.1")},
       {},
       "10.1.1.1",
       "10.1.1.1"},
      {"a test network with the default route",
       {on("br1", "10.1.1.1"), on("eth0", "192.0.2.2")},
       {"192.0.2.2"},
       "192.0.2.2",
       "192.0.2.2"},
  };
}

std::vector<Machine> machines_with_more_networks() {
  return {
      {"docker0 with containers, of a lower index",
       {on("docker0", "172.17.42.1"), on("eth0", "10.0.0.1")},
       {"10.0.0.1"},
       "10.0.0.1",
       "10.0.0.1"},
      {"docker0 without containers, and no default route",
       {no_carrier("docker0", "172.17.42.1"), on("eth0", "10.0.0.1")},
       {},
       "10.0.0.1",
       "10.0.0.1"},
      {"docker0 with IPv6, which the network outside has not",
       {on("docker0", "172.17.42.1"), on("docker0", "fd00:d0c::1"), on("eth0", "10.0.0.1")},
       {"10.0.0.1"},
       "10.0.0.1",
       "10.0.0.1"},
      {"nothing but a bridge without carrier",
       {on("lo", "127.0.0.1"), no_carrier("docker0", "172.17.42.1")},
       {},
       "172.17.42.1",
       "172.17.42.1"},
      {"a cable that is out, and link-local from elsewhere",
       {no_carrier("docker0", "172.17.42.1"), on("eth0", "169.254.7.7")},
       {},
       "169.254.7.7",
       "169.254.7.7"},
      {"two default routes: the system prefers one",
       {on("wlan0", "192.168.1.20"), on("eth0", "192.168.1.10")},
       {"192.168.1.10"},
       "192.168.1.10",
       "192.168.1.10"},
      {"two default routes, one of each family",
       {on("eth0", "10.0.0.1"), on("six0", "fd00::6")},
       {"10.0.0.1", "fd00::6"},
       "10.0.0.1",
       "fd00::6"},
      {"a VPN to one network",
       {on("tun0", "10.8.0.6"), on("eth0", "192.168.1.10")},
       {"192.168.1.10"},
       "192.168.1.10",
       "192.168.1.10"},
      {"a VPN that takes everything",
       {on("eth0", "192.168.1.10"), on("wg0", "10.8.0.6")},
       {"10.8.0.6"},
       "10.8.0.6",
       "10.8.0.6"},
  };
}

std::vector<Machine> machines_with_public_addresses() {
  return {
      {"public outside, private inside",
       {on("eth0", "8.8.8.8"), on("eth1", "192.168.7.1"), on("eth2", "10.0.0.1")},
       {"8.8.8.8"},
       "192.168.7.1",
       "192.168.7.1"},
      {"public and private on one interface",
       {on("br1", "10.9.9.9"), on("eth0", "8.8.8.8"), on("eth0", "10.0.0.1")},
       {"8.8.8.8"},
       "10.0.0.1",
       "10.0.0.1"},
      {"public only",
       {on("lo", "127.0.0.1"), on("lo", "10.9.9.9"), on("eth0", "8.8.8.8")},
       {"8.8.8.8"},
       "",
       ""},
      {"IPv6 only, public", {on("eth0", "fe80::1%2"), on("eth0", "2a00::1")}, {"2a00::1"}, "", ""},
      {"link-local beside a public address: the sockets of 0.0.0.0 have no other",
       {on("eth0", "169.254.172.7"), on("eth0", "2a00::1")},
       {"2a00::1"},
       "169.254.172.7",
       ""},
      {"link-local beside a private address of either family",
       {on("eth0", "169.254.172.7"), on("eth0", "fd00::7"), on("eth1", "172.16.0.9")},
       {"169.254.172.7"},
       "172.16.0.9",
       "fd00::7"},
      {"link-local beside a private IPv6 address",
       {on("eth0", "169.254.172.7"), on("eth0", "fd00::7"), on("eth0", "2a00::1")},
       {"2a00::1", "169.254.172.7"},
       "169.254.172.7",
       "fd00::7"},
      {"link-local only",
       {on("eth0", "fe80::1%2"), on("eth0", "169.254.1.1")},
       {},
       "169.254.1.1",
       "169.254.1.1"},
      {"IPv6 link-local only", {on("eth0", "fe80::1%2")}, {}, "", ""},
      {"no network", {on("lo", "127.0.0.1"), on("lo", "::1")}, {}, "", ""},
      {"nothing at all", {}, {}, "", ""},
  };
}

class EveryMachine : public ::testing::TestWithParam<Machine> {};

TEST_P(EveryMachine, AdvertisesWhatOthersReach) {
  const Machine& machine = GetParam();
  for (const auto& [bind, wanted] :
       {std::pair(kAny4, machine.by_v4), std::pair(kAny6, machine.by_any)}) {
    const auto chosen = choose_advertised(bind, machine.network());
    EXPECT_EQ(chosen ? chosen->ip.to_string() : std::string(), wanted)
        << machine.what << ", bound to " << bind.to_string();
    if (!chosen) {
      EXPECT_EQ(chosen.error().code, ErrorCode::no_address);
      EXPECT_EQ(chosen.error().subject, "advertise");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Plain, EveryMachine, ::testing::ValuesIn(plain_machines()));
INSTANTIATE_TEST_SUITE_P(MoreNetworks, EveryMachine,
                         ::testing::ValuesIn(machines_with_more_networks()));
INSTANTIATE_TEST_SUITE_P(PublicAddresses, EveryMachine,
                         ::testing::ValuesIn(machines_with_public_addresses()));

TEST(ChooseAdvertised, SaysWhyAndWhatElseThereWas) {
  const HostNetwork network{
      {on("lo", "127.0.0.1"), no_carrier("docker0", "172.17.42.1"), on("eth0", "10.0.0.1"),
       on("eth0", "2a00::1"), on("eth1", "10.7.0.1"), on("eth2", "169.254.1.1")},
      {ip("10.0.0.1")}};
  const auto chosen = choose_advertised(kAny6, network);
  ASSERT_TRUE(chosen);
  EXPECT_EQ(chosen->interface, "eth0");
  EXPECT_EQ(chosen->reason, "its interface has the default route");
  EXPECT_EQ(chosen->others,
            "127.0.0.1 (lo: loopback), 172.17.42.1 (docker0: no carrier), 2a00::1 (eth0: public), "
            "10.7.0.1 (eth1), 169.254.1.1 (eth2: link-local)");
  EXPECT_FALSE(chosen->doubtful);
}

TEST(ChooseAdvertised, SaysThatALastResortIsOne) {
  const auto reason = [](const InterfaceAddress& only) {
    const auto chosen = choose_advertised(kAny4, {{only, on("eth0", "2a00::1")}, {}});
    EXPECT_TRUE(chosen && chosen->doubtful);
    EXPECT_TRUE(chosen && chosen->others.ends_with("(eth0: this node listens on IPv4 only)"));
    return chosen ? chosen->reason : std::string();
  };
  EXPECT_NE(reason(on("eth0", "169.254.1.1")).find("same link"), std::string::npos);
  EXPECT_NE(reason(no_carrier("docker0", "172.17.0.1")).find("no carrier"), std::string::npos);
}

TEST(ChooseAdvertised, NeverTellsOthersALoopbackOrPublicAddressUnasked) {
  const HostNetwork network{{on("lo", "127.0.0.1"), on("lo", "10.9.9.9"), on("eth0", "8.8.8.8")},
                            {ip("8.8.8.8")}};
  const auto chosen = choose_advertised(kAny4, network);
  ASSERT_FALSE(chosen);
  EXPECT_NE(chosen.error().message.find("8.8.8.8 (eth0: public)"), std::string::npos)
      << chosen.error().message;
}

TEST(ChooseAdvertised, NamesSoManyOfTheOthers) {
  HostNetwork network{{on("eth0", "10.0.0.1")}, {}};
  for (std::size_t i = 0; i < limits::kNamedAddresses + 3; ++i) {
    network.addresses.push_back(on("veth" + std::to_string(i), "10.1.0.1"));
  }
  const auto chosen = choose_advertised(kAny4, network);
  ASSERT_TRUE(chosen);
  EXPECT_TRUE(chosen->others.ends_with(" and 3 more")) << chosen->others;
  EXPECT_EQ(std::ranges::count(chosen->others, ','), limits::kNamedAddresses - 1);
}

std::string moved_to(const IpAddress& bind, std::string_view current,
                     std::span<const InterfaceAddress> addresses) {
  const auto moved =
      choose_moved(bind, ip(current), {{addresses.begin(), addresses.end()}, {ip("10.0.0.1")}});
  return moved ? moved->ip.to_string() : std::string();
}

TEST(ChooseMoved, StaysAsLongAsTheAddressIsThere) {
  const std::vector<InterfaceAddress> all{on("eth0", "10.0.0.1"), on("eth1", "10.0.0.2"),
                                          on("eth0", "fd00::2")};
  EXPECT_EQ(moved_to(kAny6, "10.0.0.2", all), "") << "though it is not the best";
  EXPECT_EQ(moved_to(kAny6, "10.0.0.9", all), "fd00::2");
  EXPECT_EQ(moved_to(kAny4, "10.0.0.9", all), "10.0.0.1");
  EXPECT_EQ(moved_to(kAny4, "10.0.0.9", std::span(all).last(1)), "") << "nothing better is there";
  EXPECT_EQ(moved_to(kAny4, "10.0.0.9", {}), "") << "the network is down";
}

}  // namespace
}  // namespace memberlist::net
