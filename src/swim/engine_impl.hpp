#pragma once

#include "swim/context.hpp"
#include "swim/gossip.hpp"
#include "swim/keys.hpp"
#include "swim/membership.hpp"
#include "swim/metrics.hpp"
#include "swim/operations.hpp"
#include "swim/packets.hpp"
#include "swim/participation.hpp"
#include "swim/probe.hpp"
#include "swim/push_pull.hpp"
#include "swim/streams.hpp"

namespace memberlist {

/// The engine's parts, wired together. It only passes inputs on to the part that knows the rule.
class Engine::Impl final : public swim::StreamListener {
 public:
  Impl(Config config, const EngineEnvironment& environment, wire::Keyring keyring);

  /// Moves the engine's time on; it never goes back.
  void begin(TimePoint now) { context.now = std::max(context.now, now); }
  /// The same for an input, which finds out if this node stood still, then aborts its probes'
  /// streams and dials somebody. Not for commands, which must have changed nothing if they fail,
  /// nor for streams: an accepted one has the newest id, and one that has failed must not be
  /// dropped.
  void begin_input(TimePoint now);
  /// Completes what the input has brought to its end, and tells what it has changed.
  void end() {
    participation.settle();
    if (context.metrics) metrics.report();
  }

  void packet(const Address& from, BytesView datagram, const IpAddress& asked);
  void fire(const swim::TimerEvent& timer);
  /// Ends an operation before its time, with this error.
  void stop_operation(OperationId id, Error why);

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
  swim::Metrics metrics{context};
  Bytes encoded;  // kept scratch for messages built here

 private:
  void go_on_after_stall(Duration stood_still);
  void message(const wire::MessageView& view, const Address& from);
  [[nodiscard]] bool may_ask(const Address& from);
  void user_message(BytesView payload, const Address& from);
  void dropped(const wire::WireError& error, const Address& from);
  template <class Message>
  wire::WireResult<Message> unless_encrypted(const wire::MessageView& view,
                                             wire::WireResult<Message> decoded_message) const;
  template <class Message, class Handle>
  void decoded(const wire::WireResult<Message>& decoded_message, const Address& from,
               Handle&& handle);

  TimePoint last_input_ = context.now;
  wire::PacketOpener opener_;
  BytesView datagram_;  // that is being taken in
  IpAddress asked_;     // where it was sent to
  std::size_t label_bytes_ = 0;
  std::size_t requests_ = 0;  // pings, direct and indirect, of the packet that is taken in
};

}  // namespace memberlist
