#include "memberlist/engine.hpp"

#include <cassert>
#include <memory>
#include <string>
#include <utility>

#include "base/wipe_at_end.hpp"
#include "swim/engine_impl.hpp"
#include "swim/message_checks.hpp"

namespace memberlist {
namespace {

std::shared_ptr<const MemberRecord> self_record(const swim::LocalNode& node) {
  const Config& config = node.config;
  return node.record(config.name, node.advertise, config.meta, {1, 5, config.protocol_version},
                     {config.delegate_protocol_min, config.delegate_protocol_max,
                      config.delegate_protocol_version});
}

// Checks a config, and makes the keyring of its keys, which do not stay in it.
Result<wire::Keyring> take_keys(Config& config) {
  const WipeAtEnd wiper(config.keys);
  const Result<void> valid = config.validate();
  return valid ? wire::Keyring::create(config.keys) : std::unexpected(valid.error());
}

}  // namespace

// --- wiring

Engine::Impl::Impl(Config config, const EngineEnvironment& environment, wire::Keyring keyring)
    : clock{.now = environment.now},
      node(std::move(config), environment),
      sealing_keys(std::move(keyring), node.config, environment),
      journal(environment, node, clock, out),
      on_input_(environment.on_input) {
  if (environment.member_changes) cluster.table.follow_changes();
  if (environment.members != nullptr) membership.add_known(*environment.members);
  if (cluster.self == swim::kNoMember) self_announcer.appear(self_record(node));
  prober.start();
  gossiper.start();
  push_pull_schedule.start();
}

Engine::Impl::Impl(const Impl& other, const EngineEnvironment& environment)
    : clock(other.clock),
      node(other.node),
      sealing_keys(other.sealing_keys),
      cluster(other.cluster, node, clock),
      queues(other.queues),
      health(other.health, out),
      journal(other.journal, environment, node, clock, out),
      teller(other.teller, {clock, node, cluster, journal, packets}),
      news({clock, cluster, queues, out}),
      self_announcer(other.self_announcer, {clock, node, cluster, queues, health, journal, news}),
      membership(other.membership,
                 {clock, node, cluster, queues, journal, out, teller, news, self_announcer}),
      operations(other.operations, {clock, out}),
      push_pull(other.push_pull, {clock, node, cluster, sealing_keys, out, journal, membership}),
      streams(other.streams,
              {clock, node, cluster, sealing_keys, out, journal, push_pull, operations, *this}),
      push_pull_schedule(other.push_pull_schedule, {clock, node, cluster, streams}),
      prober(other.prober, {clock, node, cluster, queues, health, journal, packets, membership,
                            teller, streams, operations}),
      gossiper(other.gossiper, {clock, node, cluster, queues, journal, packets}),
      participation(other.participation, {node, cluster, queues, out, self_announcer, streams,
                                          push_pull_schedule, gossiper, operations}),
      stall_rule(other.stall_rule,
                 {clock, node, health, journal, prober, membership, push_pull_schedule}),
      metrics(other.metrics, {cluster, health, journal, out}),
      on_input_(environment.on_input) {
  node.policy = environment.policy;
  sealing_keys.sealing.nonce_source = environment.nonce_source;
}

// --- each input, to the part that knows the rule

Engine::Impl::Nothing Engine::Impl::take(const input::Packet& packet) {
  packet_intake.take(packet.from, packet.bytes, packet.asked);
  return {};
}

Engine::Impl::Nothing Engine::Impl::take(const input::SendError& failed) {
  prober.on_send_error(failed.to, failed.error);
  return {};
}

std::optional<StreamId> Engine::Impl::take(const input::Accept& accepted) {
  return streams.accept(accepted.from);
}

Engine::Impl::Nothing Engine::Impl::take(const input::Stream& stream) {
  streams.handle(stream.id, stream.event);
  return {};
}

Engine::Impl::Nothing Engine::Impl::take(const input::Deadline&) {
  while (const std::optional<swim::TimerEvent> due = clock.timers.pop_due(clock.now)) {
    fire(*due);
  }
  return {};
}

Result<OperationId> Engine::Impl::take(input::Join join) {
  return participation.join(std::move(join.targets), join.limits);
}

Result<OperationId> Engine::Impl::take(const input::Leave& leave) {
  return participation.leave(leave.timeout);
}

Result<OperationId> Engine::Impl::take(const input::UpdateMeta& update) {
  return participation.update_meta(update.meta, update.timeout);
}

Result<OperationId> Engine::Impl::take(const input::Advertise& move) {
  return participation.advertise(move.address, move.timeout);
}

Result<void> Engine::Impl::take(const input::SendBestEffort& message) {
  return user_messages.send_best_effort(message.to, message.payload);
}

Result<OperationId> Engine::Impl::take(const input::SendReliable& message) {
  return user_messages.send_reliable(message.to, message.payload, message.timeout);
}

Result<void> Engine::Impl::take(const input::Broadcast& message) {
  return user_messages.broadcast(message.payload, message.name);
}

Result<OperationId> Engine::Impl::take(const input::Ping& ping) {
  return prober.ping(ping.member, ping.timeout);
}

Engine::Impl::Nothing Engine::Impl::take(input::Cancel cancelled) {
  stop_operation(cancelled.operation, std::move(cancelled.why));
  return {};
}

Result<void> Engine::Impl::take(const input::AddKey& key) { return keys.add(key.key); }

Result<void> Engine::Impl::take(const input::UseKey& choice) {
  return std::visit([this](const auto& key) { return keys.use(key); }, choice.key);
}

Result<void> Engine::Impl::take(const input::RemoveKey& choice) {
  return std::visit([this](const auto& key) { return keys.remove(key); }, choice.key);
}

Engine::Impl::Nothing Engine::Impl::take(const input::SetGossipVerify& verify) {
  keys.set_verify(verify.incoming, verify.outgoing);
  return {};
}

void Engine::Impl::fire(const swim::TimerEvent& timer) {
  using Kind = swim::TimerEvent::Kind;
  const auto seq_no = static_cast<std::uint32_t>(timer.number);
  switch (timer.kind) {
    case Kind::probe_tick:
      return prober.tick();
    case Kind::gossip_tick:
      return gossiper.tick();
    case Kind::push_pull_tick:
      return push_pull_schedule.tick();
    case Kind::push_pull_after_join:
      return push_pull_schedule.after_join();
    case Kind::queue_check:
      if (node.config.probe_interval <= Duration::zero()) prober.forget_the_dead();
      push_pull.release_if_idle();
      return gossiper.check_queues();
    case Kind::probe_timeout:
      return prober.probe_timeout(seq_no);
    case Kind::probe_deadline:
      return prober.probe_deadline(seq_no);
    case Kind::relay_timeout:
      return prober.relay_timeout(seq_no);
    case Kind::relay_end:
      return prober.relay_end(seq_no);
    case Kind::ping_timeout:
      return prober.ping_timeout(seq_no);
    case Kind::suspicion:
      return membership.suspicion_expired(static_cast<swim::MemberIndex>(timer.number));
    case Kind::refutation:
      return self_announcer.go_on_refuting();
    case Kind::stream:
      return streams.deadline(StreamId{timer.number});
    case Kind::operation:
      return stop_operation(OperationId{timer.number},
                            operations.timeout_error(OperationId{timer.number}));
    case Kind::lasting_states:
      return journal.end_quiet_states();
  }
}

/// Exchanges of the operation are released; otherwise it only waits for the transmission of
/// something already announced.
void Engine::Impl::stop_operation(OperationId id, Error why) {
  if (participation.stop_join(id, why) || streams.stop_user_message(id, why) ||
      prober.stop_ping(id, why)) {
    return;
  }
  participation.stop_waiting(id, std::move(why));
}

// --- the contract's names for them

Result<Engine> Engine::create(Config config, EngineEnvironment environment) {
  auto keyring = take_keys(config);
  if (!keyring) return std::unexpected(keyring.error());
  if (auto valid = swim::check_advertised(environment.advertise); !valid) {
    return std::unexpected(std::move(valid.error()));
  }
  if (auto valid = swim::check_known(config, environment.members.get()); !valid) {
    return std::unexpected(std::move(valid.error()));
  }
  return Engine(std::make_unique<Impl>(std::move(config), environment, std::move(*keyring)));
}

Engine::Engine(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Engine Engine::clone(const EngineEnvironment& environment) const {
  assert(std::as_const(impl_->out).outputs().empty());
  return Engine(std::make_unique<Impl>(*impl_, environment));
}

Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

Answer Engine::apply(TimePoint now, Input input) {
  return std::visit([&](auto& happened) -> Answer { return impl_->turn(now, std::move(happened)); },
                    input);
}

void Engine::handle_packet(TimePoint now, const Address& from, BytesView bytes,
                           const IpAddress& asked) {
  impl_->turn(now, input::Packet{from, bytes, asked});
}

void Engine::handle_send_error(TimePoint now, const Address& to, const Error& error) {
  impl_->turn(now, input::SendError{to, error});
}

std::optional<StreamId> Engine::handle_accept(TimePoint now, const Address& from) {
  return impl_->turn(now, input::Accept{from});
}

void Engine::handle_stream(TimePoint now, StreamId id, const StreamEvent& event) {
  impl_->turn(now, input::Stream{id, event});
}

void Engine::handle_deadline(TimePoint now) { impl_->turn(now, input::Deadline{}); }

TimePoint Engine::next_deadline() const noexcept { return impl_->clock.timers.next(); }

Result<OperationId> Engine::join(TimePoint now, std::vector<JoinTarget> targets,
                                 const JoinLimits& limits) {
  return impl_->turn(now, input::Join{std::move(targets), limits});
}

Result<OperationId> Engine::leave(TimePoint now, Duration timeout) {
  return impl_->turn(now, input::Leave{timeout});
}

Result<OperationId> Engine::update_meta(TimePoint now, BytesView meta, Duration timeout) {
  return impl_->turn(now, input::UpdateMeta{meta, timeout});
}

Result<OperationId> Engine::advertise(TimePoint now, const Address& address, Duration timeout) {
  return impl_->turn(now, input::Advertise{address, timeout});
}

Result<void> Engine::send_best_effort(TimePoint now, const Address& to, BytesView payload) {
  return impl_->turn(now, input::SendBestEffort{to, payload});
}

Result<OperationId> Engine::send_reliable(TimePoint now, const Address& to, BytesView payload,
                                          std::optional<Duration> timeout) {
  return impl_->turn(now, input::SendReliable{to, payload, timeout});
}

Result<void> Engine::broadcast(TimePoint now, BytesView payload, std::string_view name) {
  return impl_->turn(now, input::Broadcast{payload, name});
}

Result<OperationId> Engine::ping(TimePoint now, std::string_view member,
                                 std::optional<Duration> timeout) {
  return impl_->turn(now, input::Ping{member, timeout});
}

void Engine::cancel(TimePoint now, OperationId operation, Error why) {
  impl_->turn(now, input::Cancel{operation, std::move(why)});
}

// Key changes come without a time: they happen at the engine's.

Result<void> Engine::add_key(BytesView key) {
  return impl_->turn(impl_->clock.now, input::AddKey{key});
}

Result<void> Engine::use_key(BytesView key) {
  return impl_->turn(impl_->clock.now, input::UseKey{key});
}

Result<void> Engine::use_key(std::string_view fingerprint) {
  return impl_->turn(impl_->clock.now, input::UseKey{fingerprint});
}

Result<void> Engine::remove_key(BytesView key) {
  return impl_->turn(impl_->clock.now, input::RemoveKey{key});
}

Result<void> Engine::remove_key(std::string_view fingerprint) {
  return impl_->turn(impl_->clock.now, input::RemoveKey{fingerprint});
}

void Engine::set_gossip_verify(std::optional<bool> incoming, std::optional<bool> outgoing) {
  impl_->turn(impl_->clock.now, input::SetGossipVerify{incoming, outgoing});
}

// --- views and outputs

std::vector<KeyInfo> Engine::keys() const { return impl_->sealing_keys.keyring.list(); }

GossipVerify Engine::gossip_verify() const noexcept {
  return {impl_->sealing_keys.sealing.verify_incoming, impl_->sealing_keys.sealing.verify_outgoing};
}

MemberSnapshot Engine::members() const { return impl_->cluster.table.snapshot(); }

std::vector<MemberChange> Engine::take_member_changes() {
  return impl_->cluster.table.take_changes();
}

std::optional<Member> Engine::member(std::string_view name) const {
  const swim::MemberIndex index = impl_->cluster.table.find(name);
  if (index == swim::kNoMember) return std::nullopt;
  return impl_->cluster.table.view(index);
}

Member Engine::local_member() const { return impl_->cluster.table.view(impl_->cluster.self); }

std::size_t Engine::live_count() const noexcept { return impl_->cluster.table.live_count(); }

std::uint32_t Engine::health_score() const noexcept { return impl_->health.score(); }

EngineCounters Engine::counters() const {
  EngineCounters counters = impl_->journal.counters;
  counters.broadcasts_queued = impl_->queues.size();
  counters.tombstones = impl_->cluster.tombstones.size();
  counters.health_score = impl_->health.score();
  return counters;
}

std::uint64_t Engine::input_number() const noexcept { return impl_->clock.input; }

std::uint64_t Engine::view_digest() const { return impl_->cluster.table.digest(); }

const Config& Engine::config() const noexcept { return impl_->node.config; }

const Behaviour& Engine::behaviour() const noexcept { return impl_->node.behaviour; }

std::size_t Engine::max_packet_payload() const noexcept { return impl_->packets.max_payload(); }

std::span<Output> Engine::outputs() noexcept { return impl_->out.outputs(); }

void Engine::clear_outputs() noexcept { impl_->out.clear(); }

}  // namespace memberlist
