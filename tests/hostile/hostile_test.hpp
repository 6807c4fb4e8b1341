#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "../interop/interop_test.hpp"
#include "arsenal.hpp"
#include "process_figures.hpp"
#include "sockets.hpp"

namespace memberlist::hostile {

using interop::GoPeer;

/// Asks an agent's admin API again and again, and how late this machine itself is meanwhile.
class Watch {
 public:
  explicit Watch(std::string http);
  ~Watch() { stop(); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  void stop();
  /// After `stop`.
  std::chrono::milliseconds slowest_answer() const { return slowest_answer_; }
  std::chrono::milliseconds slowest_wake_up() const { return slowest_wake_up_; }
  const std::string& failure() const { return failure_; }

 private:
  void ask(const std::stop_token& stop);
  void sleep(const std::stop_token& stop);

  std::string http_;
  std::chrono::milliseconds slowest_answer_{0};
  std::chrono::milliseconds slowest_wake_up_{0};
  std::string failure_;
  std::jthread asker_;
  std::jthread sleeper_;
};

/// Our agent in a cluster with a member of the Go library, and an attacker at another address. A
/// test attacks between `prepare` and `expect_unhurt`.
class HostileTest : public interop::InteropTest {
 protected:
  /// What the agent may grow by, whatever is done to it.
  static constexpr std::size_t kMaxGrowthBytes = std::size_t{32} << 20;
  static constexpr std::chrono::milliseconds kMaxAnswerTime{1000};

  /// Starts both and joins them. `open`: members may be at any address; else only at those of the
  /// two and of the attacker, so that what he makes up cannot become a member.
  void prepare(const Protection& protection, bool open = false);
  /// All that must hold after an attack, and has to have held all through it.
  void expect_unhurt();

  interop::OurAgent& agent() { return *agent_; }
  interop::GoPeer& witness() { return *witness_; }
  Wrapper& wrapper() { return *wrapper_; }
  UdpSocket& udp() { return *udp_; }

  /// Sends what is to be in a datagram; never so much at once that the agent could miss some.
  void attack(BytesView inside) { attack_raw(wrapper().packet(inside)); }
  void attack_raw(BytesView datagram);
  /// Waits until the agent has gone through all datagrams up to now; false: it does not answer.
  bool settle();
  /// Sends bytes as a stream, ends it, and waits until the agent has ended it too. Its answer.
  Bytes attack_by_stream(BytesView bytes) const;
  Bytes attack_by_stream_of(BytesView inside) { return attack_by_stream(wrapper().stream(inside)); }

  nlohmann::json info();
  std::uint64_t counter(const char* name);

 private:
  struct State {
    interop::MemberTable members;
    std::string digest;
    ProcessFigures figures;
    std::uint64_t incarnation_at_witness = 0;
  };
  State look();
  void expect_memory_and_descriptors();
  void expect_same_view();
  void expect_alive_all_along();
  void expect_still_a_member();

  interop::OurAgent* agent_ = nullptr;
  interop::GoPeer* witness_ = nullptr;
  std::unique_ptr<Wrapper> wrapper_;
  std::unique_ptr<UdpSocket> udp_;
  std::unique_ptr<Watch> watch_;
  State before_;
  std::size_t log_before_ = 0;
  std::uint32_t last_ping_ = 0x7f000000;
  std::size_t packets_under_way_ = 0;
  std::size_t bytes_under_way_ = 0;
};

/// The same attack on a cluster in the clear, and on one whose key the attacker knows.
class HostileClusterTest : public HostileTest, public ::testing::WithParamInterface<Protection> {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_GO();
    prepare(GetParam());
  }
};

inline std::string protection_name(const ::testing::TestParamInfo<Protection>& info) {
  return info.param.name;
}

}  // namespace memberlist::hostile
