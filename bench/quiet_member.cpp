#include "bench/quiet_member.hpp"

#include <utility>
#include <variant>

#include <benchmark/benchmark.h>

namespace memberlist::bench {
namespace {

constexpr Duration kRoundTrip = std::chrono::microseconds(500);

Config quiet() {
  Config config;
  config.push_pull_interval = Duration::zero();
  config.queue_check_interval = Duration::zero();
  return config;
}

}  // namespace

QuietMember::QuietMember(std::uint32_t members) : engine_(make_engine(quiet())) {
  for (const SampleMember& other : sample_members(members - 1)) {
    Bytes message;
    ByteWriter writer(message);
    wire::encode(writer, other.alive(kFirstIncarnation));
    engine_.handle_packet(kNow, other.address(), seal(message));
    engine_.clear_outputs();
  }
}

Period QuietMember::live() {
  Period period;
  const std::uint64_t before = engine_.counters().probes_answered;
  while (engine_.counters().probes_answered == before) {
    const TimePoint now = engine_.next_deadline();
    period.push_back({now, {}, {}});
    engine_.handle_deadline(now);
    std::vector<Step> acks = answers(now + kRoundTrip);
    engine_.clear_outputs();
    for (Step& ack : acks) take(period.emplace_back(std::move(ack)));
  }
  return period;
}

void QuietMember::repeat(const Period& period) {
  for (const Step& step : period) take(step);
}

Bytes QuietMember::seal(BytesView message) {
  Bytes room(message.size() + wire::PacketSealer::kMaxOverheadBytes);
  return to_bytes(sealer_.seal(plain_, {&message, 1}, true, room));
}

void QuietMember::take(const Step& step) {
  if (step.packet.empty()) {
    engine_.handle_deadline(step.at);
  } else {
    engine_.handle_packet(step.at, step.from, step.packet);
  }
  benchmark::DoNotOptimize(engine_.outputs().data());
  engine_.clear_outputs();
}

std::vector<Step> QuietMember::answers(TimePoint when) {
  std::vector<Step> acks;
  for (const Output& output : engine_.outputs()) {
    const auto* sent = std::get_if<SendPacket>(&output);
    if (sent == nullptr || !opener_.open(plain_, sent->bytes)) continue;
    while (const auto message = opener_.next()) {
      const auto* ping = *message ? std::get_if<wire::Ping>(&**message) : nullptr;
      if (ping != nullptr) acks.push_back({when, ack(ping->seq_no), sent->to});
    }
  }
  return acks;
}

Bytes QuietMember::ack(std::uint32_t seq_no) {
  wire::Ack ack;
  ack.seq_no = seq_no;
  Bytes message;
  ByteWriter writer(message);
  wire::encode(writer, ack);
  return seal(message);
}

}  // namespace memberlist::bench
