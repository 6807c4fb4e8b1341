#pragma once

#include <functional>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/hidden.hpp"
#include "memberlist/engine.hpp"
#include "memberlist/input.hpp"
#include "swim/clock.hpp"
#include "swim/cluster_view.hpp"
#include "swim/gossip.hpp"
#include "swim/gossip_queues.hpp"
#include "swim/journal.hpp"
#include "swim/keys.hpp"
#include "swim/local_health.hpp"
#include "swim/local_node.hpp"
#include "swim/member_news.hpp"
#include "swim/membership.hpp"
#include "swim/metrics.hpp"
#include "swim/operations.hpp"
#include "swim/output_queue.hpp"
#include "swim/packet_intake.hpp"
#include "swim/packets.hpp"
#include "swim/participation.hpp"
#include "swim/probe.hpp"
#include "swim/push_pull.hpp"
#include "swim/push_pull_schedule.hpp"
#include "swim/sealing_keys.hpp"
#include "swim/self_announcer.hpp"
#include "swim/stall_rule.hpp"
#include "swim/streams.hpp"
#include "swim/user_messages.hpp"

namespace memberlist {

/// The engine's parts, wired together. It only passes inputs on to the part that knows the rule.
class MEMBERLIST_HIDDEN Engine::Impl final : public swim::StreamListener {
 public:
  Impl(Config config, const EngineEnvironment& environment, wire::Keyring keyring);
  /// A copy of the state, in parts that refer to each other. See Engine::clone.
  Impl(const Impl& other, const EngineEnvironment& environment);

  /// Handles one input from start to end: advances the engine's time, which never goes back, acts
  /// on the input, completes operations that it has finished, and reports changed metrics. Returns
  /// what the input's `take` returns.
  template <class Happened>
  auto turn(TimePoint now, Happened happened) {
    clock.now = std::max(clock.now, now);
    ++clock.input;
    if (on_input_) on_input_(clock.now, Input(happened));
    if constexpr (kFindsStalls<Happened>) stall_rule.check();
    auto answer = take(std::move(happened));
    participation.settle();
    gossiper.plan_tick();
    if (journal.wants_metrics()) metrics.report();
    return answer;
  }

  void on_stream_ack(std::uint32_t seq_no) override { prober.on_stream_ack(seq_no); }
  void on_push_pull_ended(StreamId id, const Result<void>& result) override {
    participation.on_push_pull_ended(id, result);
  }

  // What the parts share.
  swim::Clock clock;
  swim::LocalNode node;
  swim::SealingKeys sealing_keys;
  swim::OutputQueue out;
  swim::ClusterView cluster{node, clock};
  swim::GossipQueues queues{node};
  swim::LocalHealth health{node.health_multiplier(), out};
  swim::Journal journal;

  // The parts: the rules.
  swim::Keys keys{{sealing_keys, node, cluster, journal}};
  swim::PacketSender packets{{clock, node, cluster, queues, sealing_keys, out, journal}};
  swim::Teller teller{{clock, node, cluster, journal, packets}};
  swim::MemberNews news{{clock, cluster, queues, out}};
  swim::SelfAnnouncer self_announcer{{clock, node, cluster, queues, health, journal, news}};
  swim::Membership membership{
      {clock, node, cluster, queues, journal, out, teller, news, self_announcer}};
  swim::Operations operations{{clock, out}};
  swim::PushPull push_pull{{clock, node, cluster, sealing_keys, out, journal, membership}};
  swim::Streams streams{
      {clock, node, cluster, sealing_keys, out, journal, push_pull, operations, *this}};
  swim::PushPullSchedule push_pull_schedule{{clock, node, cluster, streams}};
  swim::Prober prober{{clock, node, cluster, queues, health, journal, packets, membership, teller,
                       streams, operations}};
  swim::Gossiper gossiper{{clock, node, cluster, queues, journal, packets}};
  swim::Participation participation{{node, cluster, queues, out, self_announcer, streams,
                                     push_pull_schedule, gossiper, operations}};
  swim::UserMessages user_messages{
      {clock, node, cluster, queues, out, journal, packets, streams, operations}};
  swim::PacketIntake packet_intake{
      {clock, node, cluster, sealing_keys, journal, prober, membership, user_messages}};
  swim::StallRule stall_rule{
      {clock, node, health, journal, prober, membership, push_pull_schedule}};
  swim::Metrics metrics{{cluster, health, journal, out}};

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
