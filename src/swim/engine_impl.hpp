#pragma once

#include <functional>
#include <type_traits>
#include <utility>
#include <variant>

#include "memberlist/engine.hpp"
#include "memberlist/input.hpp"
#include "swim/context.hpp"
#include "swim/gossip.hpp"
#include "swim/keys.hpp"
#include "swim/membership.hpp"
#include "swim/metrics.hpp"
#include "swim/operations.hpp"
#include "swim/packet_intake.hpp"
#include "swim/packets.hpp"
#include "swim/participation.hpp"
#include "swim/probe.hpp"
#include "swim/push_pull.hpp"
#include "swim/stall_rule.hpp"
#include "swim/streams.hpp"
#include "swim/user_messages.hpp"

namespace memberlist {

/// The engine's parts, wired together. It only passes inputs on to the part that knows the rule.
class Engine::Impl final : public swim::StreamListener {
 public:
  Impl(Config config, const EngineEnvironment& environment, wire::Keyring keyring);
  /// A copy of the state, in parts that refer to each other. See Engine::clone.
  Impl(const Impl& other, const EngineEnvironment& environment);

  /// Handles one input from start to end: advances the engine's time, which never goes back, acts
  /// on the input, completes operations that it has finished, and reports changed metrics. Returns
  /// what the input's `take` returns.
  template <class Happened>
  auto turn(TimePoint now, Happened happened) {
    context.now = std::max(context.now, now);
    if (on_input_) on_input_(context.now, Input(happened));
    if constexpr (kFindsStalls<Happened>) stall_rule.check();
    auto answer = take(std::move(happened));
    participation.settle();
    if (context.metrics) metrics.report();
    return answer;
  }

  void on_stream_ack(std::uint32_t seq_no) override { prober.on_stream_ack(seq_no); }
  void on_push_pull_ended(StreamId id, const Result<void>& result) override {
    participation.on_push_pull_ended(id, result);
  }

  swim::Context context;
  swim::Keys keys{context};
  swim::PacketSender packets{context};
  swim::Teller teller{context, packets};
  swim::Membership membership{context, teller};
  swim::Operations operations{context};
  swim::PushPull push_pull{context, membership};
  swim::Streams streams{context, push_pull, operations, *this};
  swim::Prober prober{context, packets, membership, teller, streams, operations};
  swim::Gossiper gossiper{context, packets};
  swim::Participation participation{context, membership, streams, gossiper, operations};
  swim::UserMessages user_messages{context, packets, streams, operations};
  swim::PacketIntake packet_intake{context, prober, membership, user_messages};
  swim::StallRule stall_rule{context, prober, membership, streams};
  swim::Metrics metrics{context};

 private:
  // See StallRule::check.
  template <class Happened>
  static constexpr bool kFindsStalls =
      std::is_same_v<Happened, input::Packet> || std::is_same_v<Happened, input::SendError> ||
      std::is_same_v<Happened, input::Deadline>;
  using Nothing = std::monostate;

  Nothing take(const input::Packet& packet);
  Nothing take(const input::SendError& failed);
  std::optional<StreamId> take(const input::Accept& accepted);
  Nothing take(const input::Stream& stream);
  Nothing take(const input::Deadline&);
  Result<OperationId> take(input::Join join);
  Result<OperationId> take(const input::Leave& leave);
  Result<OperationId> take(const input::UpdateMeta& update);
  Result<OperationId> take(const input::Advertise& move);
  Result<void> take(const input::SendBestEffort& message);
  Result<OperationId> take(const input::SendReliable& message);
  Result<void> take(const input::Broadcast& message);
  Result<OperationId> take(const input::Ping& ping);
  Nothing take(input::Cancel cancelled);
  Result<void> take(const input::AddKey& key);
  Result<void> take(const input::UseKey& choice);
  Result<void> take(const input::RemoveKey& choice);
  Nothing take(const input::SetGossipVerify& verify);

  void fire(const swim::TimerEvent& timer);
  void stop_operation(OperationId id, Error why);

  std::function<void(TimePoint, const Input&)> on_input_;
};

}  // namespace memberlist
