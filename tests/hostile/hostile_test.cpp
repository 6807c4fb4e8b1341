#include "hostile_test.hpp"

#include <algorithm>
#include <exception>
#include <iostream>

#include "../interop/programs.hpp"
#include "support/sanitizers.hpp"

namespace memberlist::hostile {
namespace {

using namespace std::chrono_literals;
using interop::Timeout;
using Clock = std::chrono::steady_clock;

// A sanitized agent on a busy machine; nothing takes that long when it works.
constexpr Timeout kPatience = 30s;
constexpr auto kAskEvery = 20ms;
constexpr auto kSleep = 10ms;
// On a machine that is paused for longer, even a healthy member may be suspected.
constexpr Timeout kFairLag = 500ms;
// Any receive buffer holds these; more of them would only be faster.
constexpr std::size_t kMaxPacketsUnderWay = 64;
constexpr std::size_t kMaxBytesUnderWay = 64 << 10;
// The log is limited by cause (docs/limits.md), so an attack cannot fill a disk.
constexpr std::size_t kMaxLogBytes = 1 << 20;

std::chrono::milliseconds since(Clock::time_point begin) {
  return std::chrono::ceil<std::chrono::milliseconds>(Clock::now() - begin);
}

}  // namespace

Watch::Watch(std::string http)
    : http_(std::move(http)),
      asker_([this](const std::stop_token& stop) { ask(stop); }),
      sleeper_([this](const std::stop_token& stop) { sleep(stop); }) {}

void Watch::stop() {
  for (std::jthread* thread : {&asker_, &sleeper_}) {
    thread->request_stop();
    if (thread->joinable()) thread->join();
  }
}

void Watch::ask(const std::stop_token& stop) {
  while (!stop.stop_requested() && failure_.empty()) {
    const auto begin = Clock::now();
    try {
      (void)interop::http_get(http_, "/v1/info");
    } catch (const std::exception& error) {
      failure_ = error.what();
    }
    slowest_answer_ = std::max(slowest_answer_, since(begin));
    std::this_thread::sleep_for(kAskEvery);
  }
}

void Watch::sleep(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto begin = Clock::now();
    std::this_thread::sleep_for(kSleep);
    slowest_wake_up_ = std::max(slowest_wake_up_, since(begin));
  }
}

void HostileTest::prepare(const Protection& protection, bool open) {
  raise_descriptor_limit();
  interop::PeerOptions options;
  options.bind = "127.0.0.1:0";  // what the attacks are aimed at
  options.label = protection.label;
  if (*protection.key_base64 != 0) options.keys = {protection.key_base64};
  options.knobs["gossip_interval"] = "50ms";
  // All run on one machine, which may be busy: a member that is late is not dead yet.
  options.knobs["probe_interval"] = "3s";
  options.knobs["probe_timeout"] = "2s";
  options.name = "hostile-witness";
  witness_ = &start_go(options);
  options.name = "hostile-target";
  options.knobs["gossip_to_the_dead_time"] = "1s";
  if (open) {
    options.knobs["probe_interval"] = "200ms";
    options.knobs["probe_timeout"] = "100ms";
  }
  agent_ = &start_ours(options, open ? std::vector<std::string>{}
                                     : std::vector<std::string>{"--allow", "127.0.0.0/30"});
  ASSERT_NO_FATAL_FAILURE(join(*agent_, *witness_));
  wrapper_ = std::make_unique<Wrapper>(protection);
  udp_ = std::make_unique<UdpSocket>(agent_->address());
  ASSERT_TRUE(settle());

  witness_->watch();
  agent_->watch();
  log_before_ = agent_->log().size();
  before_ = look();
  forget_peak(agent_->process().pid());
  watch_ = std::make_unique<Watch>(agent_->http());
}

HostileTest::State HostileTest::look() {
  return {agent_->members(), info().at("view_digest"), ProcessFigures::of(agent_->process().pid()),
          witness_->members().at(agent_->name()).incarnation};
}

nlohmann::json HostileTest::info() {
  return nlohmann::json::parse(interop::http_get(agent_->http(), "/v1/info"));
}

std::uint64_t HostileTest::counter(const char* name) { return info().at("counters").at(name); }

void HostileTest::attack_raw(BytesView datagram) {
  udp_->send(datagram);
  ++packets_under_way_;
  bytes_under_way_ += datagram.size();
  if (packets_under_way_ < kMaxPacketsUnderWay && bytes_under_way_ < kMaxBytesUnderWay) return;
  ASSERT_TRUE(settle()) << "the agent does not answer any more";
}

bool HostileTest::settle() {
  packets_under_way_ = 0;
  bytes_under_way_ = 0;
  const std::string name = agent_->name();
  return interop::eventually(kPatience, [&] {
    udp_->send(wrapper_->packet(encoded(wire::Ping{++last_ping_, name, {}, 0, {}})));
    while (const auto packet = udp_->receive(1s)) {
      if (wrapper_->ack_in(*packet) == last_ping_) return true;
    }
    return false;  // lost: the witness's packets need room, too
  });
}

Bytes HostileTest::attack_by_stream(BytesView bytes) const {
  const TcpStream stream(agent_->address());
  stream.write(bytes);
  stream.end_writing();
  const std::optional<Bytes> answer = stream.read_to_end(kPatience);
  EXPECT_TRUE(answer.has_value()) << "the agent does not end a stream of " << bytes.size();
  return answer.value_or(Bytes{});
}

void HostileTest::expect_unhurt() {
  EXPECT_TRUE(settle());
  watch_->stop();
  EXPECT_EQ(watch_->failure(), "") << "the admin API does not answer";
  const auto slowest = watch_->slowest_answer();
  // The bound is the agent's; what the machine itself is late comes on top, for either side.
  EXPECT_LT(slowest, kMaxAnswerTime + 4 * watch_->slowest_wake_up());
  RecordProperty("slowest_answer_ms", std::to_string(slowest.count()));
  RecordProperty("slowest_wake_up_ms", std::to_string(watch_->slowest_wake_up().count()));
  expect_memory_and_descriptors();
  expect_same_view();
  expect_alive_all_along();
  EXPECT_LT(agent_->log().size() - log_before_, kMaxLogBytes);
  expect_still_a_member();
}

void HostileTest::expect_memory_and_descriptors() {
  const ProcessFigures after = ProcessFigures::of(agent_->process().pid());
  const auto growth = [&](std::size_t bytes) {
    return bytes - std::min(bytes, before_.figures.resident_bytes);
  };
  RecordProperty("peak_growth_kib", std::to_string(growth(after.peak_resident_bytes) >> 10));
  RecordProperty("growth_kib", std::to_string(growth(after.resident_bytes) >> 10));
  if (!testing::kSanitized) {
    EXPECT_LT(growth(after.peak_resident_bytes), kMaxGrowthBytes);
    EXPECT_LT(growth(after.resident_bytes), kMaxGrowthBytes / 2);
  }
  EXPECT_TRUE(
      interop::eventually(kPatience,
                          [&] {
                            return ProcessFigures::of(agent_->process().pid()).descriptors <=
                                   before_.figures.descriptors;
                          }))
      << ProcessFigures::of(agent_->process().pid()).descriptors << " descriptors, before "
      << before_.figures.descriptors;
}

void HostileTest::expect_same_view() {
  const bool fair = watch_->slowest_wake_up() < kFairLag;
  const auto comparable = [&](interop::MemberTable members) {
    for (auto& [name, member] : members) member.incarnation *= fair ? 1U : 0U;
    return members;
  };
  const interop::MemberTable before = comparable(before_.members);
  interop::MemberTable now;
  EXPECT_TRUE(interop::eventually(kPatience, [&] {
    now = comparable(agent_->members());
    return now == before;
  }));
  EXPECT_EQ(now, before);
  if (fair) {
    EXPECT_EQ(info().at("view_digest"), before_.digest);
  }
}

void HostileTest::expect_alive_all_along() {
  const interop::MemberTable members = witness_->members();
  ASSERT_TRUE(members.contains(agent_->name()));
  EXPECT_EQ(members.at(agent_->name()).status, "alive");
  const auto leaves = [&](const nlohmann::json& event) {
    return event.at("event") == "leave" && event.at("member").at("name") == agent_->name();
  };
  EXPECT_FALSE(witness_->wait_for(leaves, 0ms).has_value());
  // A member that is suspected refutes, which its incarnation shows ever after.
  if (watch_->slowest_wake_up() >= kFairLag) return;
  EXPECT_EQ(members.at(agent_->name()).incarnation, before_.incarnation_at_witness)
      << "it was suspected: " << witness_->log();
}

/// It talks, joins and leaves like any other.
void HostileTest::expect_still_a_member() {
  ASSERT_TRUE(witness_->send(agent_->name(), "still there?", false).has_value());
  EXPECT_TRUE(agent_->wait_for_message("still there?", kPatience));
  ASSERT_TRUE(agent_->send(witness_->name(), "yes", true).has_value());
  EXPECT_TRUE(witness_->wait_for_message("yes", kPatience));
  const interop::Outcome joined = agent_->join(witness_->address());
  EXPECT_TRUE(joined.has_value()) << joined.error();
  ASSERT_TRUE(agent_->leave().has_value());
  EXPECT_TRUE(witness_->wait_for_event("leave", agent_->name(), kPatience));
}

}  // namespace memberlist::hostile
