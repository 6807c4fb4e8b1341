#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>

#include "../support/held_ports.hpp"
#include "../support/own_network.hpp"
#include "../support/process.hpp"
#include "../support/sanitizers.hpp"
#include "chatter.hpp"
#include "memberlist/memberlist.hpp"

// A program that lets the kernel choose a port needs it for UDP and for TCP. Another program that
// uses half of the ports, of either kind, must not keep it from starting.
namespace memberlist::testing {
namespace {

struct Holder {
  const char* name;
  std::function<bool(std::uint16_t)> tcp;
  std::function<bool(std::uint16_t)> udp;
};

void PrintTo(const Holder& holder, std::ostream* out) { *out << holder.name; }

bool none(std::uint16_t) { return false; }
bool pairs(std::uint16_t port) { return port % 4 < 2; }
// Those that Linux prefers when it chooses a port for TCP.
bool odd(std::uint16_t port) { return port % 2 == 1; }
bool lower_half(std::uint16_t port) { return port < kPorts / 2; }

const Holder kHolders[] = {{"Tcp", pairs, none},
                           {"UdpOfOddNumbers", none, odd},
                           {"UdpOfLowNumbers", none, lower_half},
                           {"TcpAndUdp", pairs, odd}};

class HalfOfThePorts : public ::testing::TestWithParam<Holder> {
 protected:
  /// Runs it next to a program that uses half of the ports.
  static void beside(const std::function<void()>& test) {
    const bool ran = in_own_network([&] {
      if (!shrink_port_range()) GTEST_SKIP() << "this machine gives tests no ports of their own";
      HeldPorts held;
      ASSERT_NO_FATAL_FAILURE(held.hold(SOCK_STREAM, GetParam().tcp));
      ASSERT_NO_FATAL_FAILURE(held.hold(SOCK_DGRAM, GetParam().udp));
      test();
    });
    if (!ran) GTEST_SKIP() << "this machine gives tests no network of their own";
  }
};

std::string name_of(const ::testing::TestParamInfo<Holder>& info) { return info.param.name; }

TEST_P(HalfOfThePorts, LeavesAThousandMembersTheirs) {
  beside([] {
    Config config = Config::local();
    config.name = "ann";
    config.bind = {IpAddress::v4(127, 0, 0, 1), 0};
    for (int i = 0; i < 1000; ++i) {
      const auto list = Memberlist::create(config);
      ASSERT_TRUE(list) << "start " << i << ": " << list.error().message;
    }
  });
}

// A sanitized program takes ten times as long to start.
constexpr int kStarts = kSanitized ? 15 : 125;

TEST_P(HalfOfThePorts, LeavesOwnLoopsTheirs) {
  beside([] {
    for (const char* example : {"own_loop_asio", "own_loop_poll"}) {
      for (int i = 0; i < kStarts; ++i) {
        const std::string program = std::string(MEMBERLIST_EXAMPLES) + "/example_" + example;
        const Completed done = run(command({program, "ann", "127.0.0.1:0"}), kPatience);
        ASSERT_TRUE(done.status.success())
            << example << ", start " << i << ": " << done.error_output;
      }
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Holder, HalfOfThePorts, ::testing::ValuesIn(kHolders), name_of);

}  // namespace
}  // namespace memberlist::testing
