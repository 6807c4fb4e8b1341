#include "memberlist/engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "base/limits.hpp"
#include "memberlist/name_text.hpp"
#include "swim/drops.hpp"
#include "swim/engine_impl.hpp"
#include "wire/layers.hpp"

namespace memberlist {
namespace {

// This node has stood still if it handles a deadline by this part of a probe's time too late, half
// of it. A probe fails for no fault of its target if this node sleeps from before the answer comes
// until behind the deadline; answers come early, so a shorter sleep hardly hides one.
constexpr int kStallShare = 2;

std::shared_ptr<const MemberRecord> self_record(const Config& config, const Address& advertise) {
  return std::make_shared<const MemberRecord>(
      MemberRecord{config.name,
                   advertise,
                   config.meta,
                   {1, 5, config.protocol_version},
                   {config.delegate_protocol_min, config.delegate_protocol_max,
                    config.delegate_protocol_version}});
}

// Checks a config, and makes the keyring of its keys, which do not stay in it.
Result<wire::Keyring> take_keys(Config& config) {
  const Result<void> valid = config.validate();
  Result<wire::Keyring> keyring =
      valid ? wire::Keyring::create(config.keys) : std::unexpected(valid.error());
  wipe(config.keys);
  return keyring;
}

}  // namespace

Policy::~Policy() = default;
Result<void> Policy::notify_alive(const MemberRecord&) { return {}; }
Result<void> Policy::notify_merge(std::span<const MemberRecord>) { return {}; }
void Policy::fill_broadcasts(std::size_t, std::size_t, std::vector<Bytes>&) {}
Bytes Policy::local_state(bool) { return {}; }
Bytes Policy::ack_payload() { return {}; }
void Policy::notify_ping(const MemberRecord&, Duration, BytesView) {}
bool Policy::allow_tcp_ping(const MemberRecord&) { return true; }

// --- Impl ---------------------------------------------------------------------------------------

Engine::Impl::Impl(Config config, const EngineEnvironment& environment, wire::Keyring keyring)
    : context(std::move(config), environment, std::move(keyring)) {
  membership.add_self(self_record(context.config, context.advertise));
  prober.start();
  gossiper.start();
  streams.start();
}

void Engine::Impl::begin_input(TimePoint now) {
  begin(now);
  // Whoever drives the engine calls it when a deadline has come, so from then, or from the last
  // input, until now nobody was there.
  const TimePoint awaited = std::max(last_input_, context.timers.next());
  last_input_ = context.now;
  if (context.now < awaited) return;  // nothing was due
  const Duration stood_still = context.now - awaited;
  if (stood_still >= context.probe_interval() / kStallShare) go_on_after_stall(stood_still);
}

/// The machine was suspended, or the process was starved. What was not heard meanwhile is nobody's
/// fault: probes under way are repeated, suspicions are extended, and this node trusts itself no
/// more than if it had failed the probes that it missed. It asks another member what has happened
/// meanwhile. All of this is bounded (protocol 5, 'Stalls'): a node that stands still again and
/// again must still find out who is dead.
void Engine::Impl::go_on_after_stall(Duration stood_still) {
  ++context.counters.stalls;
  context.log_state(swim::LogCause::stall, 0, LogLevel::warning, std::string_view{}, [&] {
    const auto time = std::chrono::floor<std::chrono::milliseconds>(stood_still);
    return swim::LogLine(
        fmt::format("process was paused for {}; repeating its probes and extending suspicions",
                    format_duration(time)),
        {{"milliseconds", std::to_string(time.count())}});
  });
  const std::int64_t missed = std::min<std::int64_t>(stood_still / context.probe_interval(),
                                                     context.config.awareness_max_multiplier);
  const std::int64_t score = context.awareness.score();
  context.add_health(static_cast<int>(std::max<std::int64_t>(missed - score, 0)));
  prober.forgive(stood_still);
  membership.forgive(stood_still);
  streams.push_pull_after_stall();
}

void Engine::Impl::packet(const Address& from, BytesView datagram, const IpAddress& asked) {
  ++context.counters.packets_received;
  context.counters.packet_bytes_received += datagram.size();
  if (!context.allowed(from.ip)) return note_foreign(context, {.from = from});
  datagram_ = datagram;
  asked_ = asked;
  label_bytes_ = wire::label_header_bytes(datagram).value_or(0);
  requests_ = 0;
  const wire::WireResult<void> opened = opener_.open(context.sealing, datagram);
  if (!opened) return dropped(opened.error(), from);
  context.table.note_heard(from, context.now);
  while (const std::optional<wire::WireResult<wire::MessageView>> next = opener_.next()) {
    if (*next) {
      message(**next, from);
    } else {
      dropped(next->error(), from);
    }
  }
  if (opener_.truncated_parts() == 0) return;
  ++context.counters.dropped_malformed;
  context.log_peer(swim::LogCause::malformed, LogLevel::warning, from, [&] {
    return fmt::format("compound message cut off: {} parts missing", opener_.truncated_parts());
  });
}

void Engine::Impl::dropped(const wire::WireError& error, const Address& from) {
  note_drop(context, error,
            {.from = from, .label = wire::label_in(datagram_, label_bytes_), .begin = datagram_});
}

/// Where there is no key, the first byte of an encrypted packet, its version, reads as the type of
/// a ping: if the rest makes no sense, this is the likelier mistake.
template <class Message>
wire::WireResult<Message> Engine::Impl::unless_encrypted(
    const wire::MessageView& view, wire::WireResult<Message> decoded_message) const {
  const bool whole_packet = view.body.data() == datagram_.data() + label_bytes_ + 1;
  if (decoded_message || context.sealing.has_keys() || !whole_packet ||
      datagram_.size() < label_bytes_ + wire::kMinEncryptedPayloadBytes) {
    return decoded_message;
  }
  return std::unexpected(wire::WireError{wire::WireErrorKind::not_expected, "encrypted", 0});
}

template <class Message, class Handle>
void Engine::Impl::decoded(const wire::WireResult<Message>& decoded_message, const Address& from,
                           Handle&& handle) {
  if (!decoded_message) return dropped(decoded_message.error(), from);
  handle(*decoded_message);
}

void Engine::Impl::message(const wire::MessageView& view, const Address& from) {
  ByteReader in(view.body);
  swim::Evidence evidence;
  evidence.kind = Cause::Kind::gossip;
  evidence.source = &from;
  switch (view.type) {
    case wire::MessageType::ping:
      if (!may_ask(from)) return;
      return decoded(unless_encrypted(view, wire::decode_ping(in)), from,
                     [&](const wire::Ping& ping) { prober.on_ping(ping, from, asked_); });
    case wire::MessageType::indirect_ping:
      if (!may_ask(from)) return;
      return decoded(unless_encrypted(view, wire::decode_indirect_ping(in)), from,
                     [&](const wire::IndirectPing& request) {
                       prober.on_indirect_ping(request, from, asked_);
                     });
    case wire::MessageType::ack:
      return decoded(wire::decode_ack(in), from, [&](const wire::Ack& ack) { prober.on_ack(ack); });
    case wire::MessageType::nack:
      return decoded(wire::decode_nack(in), from,
                     [&](const wire::Nack& nack) { prober.on_nack(nack); });
    case wire::MessageType::suspect:
      return decoded(wire::decode_suspect(in), from, [&](const wire::Suspect& claim) {
        evidence.accuser = claim.from;
        membership.suspect(claim, evidence);
      });
    case wire::MessageType::alive:
      return decoded(wire::decode_alive(in), from,
                     [&](const wire::Alive& claim) { membership.alive(claim, evidence); });
    case wire::MessageType::dead:
      return decoded(wire::decode_dead(in), from, [&](const wire::Dead& claim) {
        evidence.accuser = claim.from;
        membership.dead(claim, evidence);
      });
    case wire::MessageType::user:
      return user_message(view.body, from);
    default:
      return dropped({wire::WireErrorKind::malformed, "a type that packets do not have", 0}, from);
  }
}

/// Each request is answered with a packet or more, and a few bytes of compressed compound could
/// hold a thousand: they would make floods of this node's answers, at whatever address they seem to
/// come from.
bool Engine::Impl::may_ask(const Address& from) {
  if (++requests_ <= limits::kPacketRequests) return true;
  if (requests_ > limits::kPacketRequests + 1) return false;
  ++context.counters.dropped_limit;
  context.log_peer(swim::LogCause::limit, LogLevel::warning, from, [] {
    return fmt::format("pings ignored: more than {} in one packet", limits::kPacketRequests);
  });
  return false;
}

void Engine::Impl::user_message(BytesView payload, const Address& from) {
  ++context.counters.user_messages;
  const swim::MemberIndex sender = context.table.find(from);
  context.out.push(Event{UserMessage{
      from, sender == swim::kNoMember ? std::string{} : context.table.at(sender).record->name,
      to_bytes(payload), false}});
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
      return streams.push_pull_tick();
    case Kind::push_pull_after_join:
      return streams.push_pull_after_join();
    case Kind::queue_check:
      if (context.config.probe_interval <= Duration::zero()) prober.forget_the_dead();
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
      return membership.go_on_refuting();
    case Kind::stream:
      return streams.deadline(StreamId{timer.number});
    case Kind::operation:
      return stop_operation(OperationId{timer.number},
                            operations.timeout_error(OperationId{timer.number}));
    case Kind::lasting_states:
      return context.end_quiet_states();
  }
}

/// Whoever works for the operation lets go of it; else it only waits for something that was told
/// to the cluster already.
void Engine::Impl::stop_operation(OperationId id, Error why) {
  if (participation.stop_join(id, why) || streams.stop_user_message(id, why) ||
      prober.stop_ping(id, why)) {
    return;
  }
  participation.stop_waiting(id, std::move(why));
}

// --- Engine: inputs -----------------------------------------------------------------------------

Result<Engine> Engine::create(Config config, EngineEnvironment environment) {
  auto keyring = take_keys(config);
  if (!keyring) return std::unexpected(keyring.error());
  if (environment.advertise.ip.is_unspecified() || environment.advertise.port == 0) {
    return fail(ErrorCode::no_address,
                "the advertised address " + environment.advertise.to_string() +
                    " cannot be reached: it needs an address and a port",
                "advertise");
  }
  return Engine(std::make_unique<Impl>(std::move(config), environment, std::move(*keyring)));
}

Engine::Engine(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

void Engine::handle_packet(TimePoint now, const Address& from, std::span<std::byte> bytes,
                           const IpAddress& asked) {
  impl_->begin_input(now);
  impl_->packet(from, bytes, asked);
  impl_->end();
}

void Engine::handle_send_error(TimePoint now, const Address& to, const Error& error) {
  impl_->begin_input(now);
  ++impl_->context.counters.send_errors;
  impl_->context.log_peer(swim::LogCause::send_error, LogLevel::debug, to.to_string(), [&] {
    return swim::LogLine("packet not sent: " + error.message,
                         {{"error", std::string(to_string(error.code))}});
  });
  if (error.code == ErrorCode::unreachable) impl_->prober.on_send_error(to);
  impl_->end();
}

std::optional<StreamId> Engine::handle_accept(TimePoint now, const Address& from) {
  impl_->begin(now);
  const std::optional<StreamId> id = impl_->streams.accept(from);
  impl_->end();
  return id;
}

void Engine::handle_stream(TimePoint now, StreamId id, const StreamEvent& event) {
  // What happened to the stream comes before what a stall makes of it, which must not abort one
  // that is over: the deadline that is overdue tells of the stall next.
  impl_->begin(now);
  impl_->streams.handle(id, event);
  impl_->end();
}

void Engine::handle_deadline(TimePoint now) {
  impl_->begin_input(now);
  while (const std::optional<swim::TimerEvent> due =
             impl_->context.timers.pop_due(impl_->context.now)) {
    impl_->fire(*due);
  }
  impl_->end();
}

TimePoint Engine::next_deadline() const noexcept { return impl_->context.timers.next(); }

// --- Engine: commands ---------------------------------------------------------------------------

Result<OperationId> Engine::join(TimePoint now, std::vector<JoinTarget> targets,
                                 const JoinLimits& limits) {
  impl_->begin(now);
  Result<OperationId> id = impl_->participation.join(std::move(targets), limits);
  impl_->end();
  return id;
}

Result<OperationId> Engine::leave(TimePoint now, Duration timeout) {
  impl_->begin(now);
  Result<OperationId> id = impl_->participation.leave(timeout);
  impl_->end();
  return id;
}

Result<OperationId> Engine::update_meta(TimePoint now, BytesView meta, Duration timeout) {
  impl_->begin(now);
  Result<OperationId> id = impl_->participation.update_meta(meta, timeout);
  impl_->end();
  return id;
}

Result<OperationId> Engine::advertise(TimePoint now, const Address& address, Duration timeout) {
  impl_->begin(now);
  Result<OperationId> id = impl_->participation.advertise(address, timeout);
  impl_->end();
  return id;
}

Result<void> Engine::send_best_effort(TimePoint now, const Address& to, BytesView payload) {
  impl_->begin(now);
  if (payload.size() > max_packet_payload()) {
    return fail(ErrorCode::too_large,
                fmt::format("a message of {} bytes does not fit a packet: at most {} (or send it "
                            "reliably)",
                            payload.size(), max_packet_payload()),
                "payload");
  }
  impl_->encoded.assign(1, static_cast<std::byte>(wire::MessageType::user));
  impl_->encoded.insert(impl_->encoded.end(), payload.begin(), payload.end());
  impl_->packets.send(to, impl_->encoded);
  impl_->end();
  return {};
}

Result<OperationId> Engine::send_reliable(TimePoint now, const Address& to, BytesView payload,
                                          std::optional<Duration> timeout) {
  impl_->begin(now);
  if (payload.size() > limits::kUserMessageBytes) {
    return fail(ErrorCode::too_large,
                fmt::format("a message of {} bytes: at most {} are allowed", payload.size(),
                            limits::kUserMessageBytes),
                "payload");
  }
  const OperationId id = impl_->operations.start(timeout, "the message was not sent in time");
  impl_->streams.dial_user_message(to, payload, id);
  impl_->end();
  return id;
}

Result<void> Engine::broadcast(TimePoint now, BytesView payload, std::string_view name) {
  impl_->begin(now);
  if (payload.size() > max_packet_payload()) {
    return fail(ErrorCode::too_large,
                fmt::format("a broadcast of {} bytes does not fit a packet: at most {}",
                            payload.size(), max_packet_payload()),
                "payload");
  }
  if (impl_->context.leaving) return fail(ErrorCode::shut_down, "this node has left the cluster");
  impl_->encoded.assign(1, static_cast<std::byte>(wire::MessageType::user));
  impl_->encoded.insert(impl_->encoded.end(), payload.begin(), payload.end());
  swim::BroadcastQueue& queue = impl_->context.user_broadcasts;
  if (name.empty()) {
    queue.queue_unique(impl_->encoded);
  } else {
    queue.queue_named(name, impl_->encoded);
  }
  queue.prune(limits::kQueuedUserBroadcasts, limits::kQueuedBroadcastBytes);
  return {};
}

Result<OperationId> Engine::ping(TimePoint now, std::string_view member,
                                 std::optional<Duration> timeout) {
  impl_->begin(now);
  const swim::MemberIndex target = impl_->context.table.find(member);
  if (target == swim::kNoMember) {
    return fail(ErrorCode::unknown_member,
                fmt::format("no member is called '{}'", show_name(member)), std::string(member));
  }
  if (impl_->prober.hand_pings() >= limits::kHandPings) {
    return fail(ErrorCode::too_large,
                fmt::format("{} pings are already waiting for their answers", limits::kHandPings),
                std::string(member));
  }
  const OperationId id = impl_->operations.start();
  impl_->prober.ping(target, id, timeout.value_or(impl_->context.config.probe_timeout));
  impl_->end();
  return id;
}

void Engine::cancel(TimePoint now, OperationId operation, Error why) {
  impl_->begin(now);
  impl_->stop_operation(operation, std::move(why));
  impl_->end();
}

// --- Engine: keys -------------------------------------------------------------------------------

Result<void> Engine::add_key(BytesView key) { return impl_->keys.add(key); }
Result<void> Engine::use_key(BytesView key) { return impl_->keys.use(key); }
Result<void> Engine::use_key(std::string_view fingerprint) { return impl_->keys.use(fingerprint); }
Result<void> Engine::remove_key(BytesView key) { return impl_->keys.remove(key); }
Result<void> Engine::remove_key(std::string_view fingerprint) {
  return impl_->keys.remove(fingerprint);
}

std::vector<KeyInfo> Engine::keys() const { return impl_->context.keyring.list(); }

void Engine::set_gossip_verify(std::optional<bool> incoming, std::optional<bool> outgoing) {
  impl_->keys.set_verify(incoming, outgoing);
}

GossipVerify Engine::gossip_verify() const noexcept {
  return {impl_->context.sealing.verify_incoming, impl_->context.sealing.verify_outgoing};
}

// --- Engine: views and outputs ------------------------------------------------------------------

MemberSnapshot Engine::members() const { return impl_->context.table.snapshot(); }

std::optional<Member> Engine::member(std::string_view name) const {
  const swim::MemberIndex index = impl_->context.table.find(name);
  if (index == swim::kNoMember) return std::nullopt;
  return impl_->context.table.view(index);
}

Member Engine::local_member() const { return impl_->context.table.view(impl_->context.self); }

std::size_t Engine::live_count() const noexcept { return impl_->context.table.live_count(); }

std::uint32_t Engine::health_score() const noexcept { return impl_->context.awareness.score(); }

EngineCounters Engine::counters() const {
  EngineCounters counters = impl_->context.counters;
  counters.broadcasts_queued =
      impl_->context.member_broadcasts.size() + impl_->context.user_broadcasts.size();
  counters.tombstones = impl_->context.tombstones.size();
  counters.health_score = impl_->context.awareness.score();
  return counters;
}

std::uint64_t Engine::view_digest() const {
  // FNV-1a of each live member, added up: the order in which they are known does not matter.
  constexpr std::uint64_t kBasis = 14'695'981'039'346'656'037U;
  constexpr std::uint64_t kPrime = 1'099'511'628'211U;
  std::uint64_t digest = 0;
  for (const swim::MemberIndex index : impl_->context.table.probe_list()) {
    const swim::MemberEntry& entry = impl_->context.table.at(index);
    if (!entry.live()) continue;
    std::uint64_t hash = kBasis;
    const auto mix = [&hash](BytesView bytes) {
      for (const std::byte byte : bytes) {
        hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * kPrime;
      }
      hash = (hash ^ bytes.size()) * kPrime;
    };
    const auto mix_number = [&](std::uint64_t number) { hash = (hash ^ number) * kPrime; };
    mix(as_bytes(entry.record->name));
    mix(entry.record->address.ip.wire_bytes());
    mix_number(entry.record->address.port);
    mix(entry.record->meta);
    mix_number(entry.incarnation);
    mix_number(static_cast<std::uint64_t>(entry.status));
    digest += hash;
  }
  return digest;
}

const Config& Engine::config() const noexcept { return impl_->context.config; }

std::size_t Engine::max_packet_payload() const noexcept { return impl_->packets.max_payload(); }

std::span<Output> Engine::outputs() noexcept { return impl_->context.out.outputs(); }

void Engine::clear_outputs() noexcept { impl_->context.out.clear(); }

}  // namespace memberlist
