#include "sim/virtual_peer.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace memberlist::sim {

namespace {

constexpr Duration kStrangersRoundTrip = std::chrono::milliseconds(4);
constexpr Duration kNackDelay = std::chrono::milliseconds(300);

}  // namespace

Config EngineBench::quiet_config() {
  Config config = Config::lan();
  config.push_pull_interval = Duration::zero();
  return config;
}

EngineBench::EngineBench(Config config, Policy* policy, std::uint64_t seed,
                         const std::function<void(EngineEnvironment&)>& tweak)
    : config_(std::move(config)), random_(seed) {
  if (config_.name.empty()) config_.name = "self";
  keyring_ = crypto::Keyring::create(config_.keys).value();
  const auto nonces = [this](std::span<std::byte> out) {
    for (std::byte& byte : out) byte = static_cast<std::byte>(random_.next());
  };
  sealing_ = {
      .label = config_.label,
      .keyring = &keyring_,
      .encryption_version = static_cast<std::uint8_t>(config_.protocol_version == 1 ? 0 : 1),
      .compress = config_.enable_compression,
      .verify_incoming = config_.gossip_verify_incoming,
      .verify_outgoing = config_.gossip_verify_outgoing,
      .skip_inbound_label_check = config_.skip_inbound_label_check,
      .nonce_source = nonces};
  opening_ = sealing_;
  opening_.verify_incoming = false;
  opening_.skip_inbound_label_check = false;
  EngineEnvironment environment{
      .advertise = address_, .now = now(), .seed = seed, .nonce_source = nonces, .policy = policy};
  if (tweak) tweak(environment);
  auto engine = Engine::create(config_, std::move(environment));
  if (!engine) throw std::runtime_error("engine refused its config: " + engine.error().message);
  engine_.emplace(std::move(*engine));
  drain();
}

EngineBench::~EngineBench() = default;

// --- peers --------------------------------------------------------------------------------------

ScriptedPeer& EngineBench::add_peer(std::string name) {
  const auto number = static_cast<std::uint8_t>(peers_.size() + 1);
  peers_.push_back({.name = std::move(name), .address = {IpAddress::v4(10, 9, 1, number), 7946}});
  return peers_.back();
}

ScriptedPeer& EngineBench::meet(std::string name) {
  ScriptedPeer& peer = add_peer(std::move(name));
  introduce(peer);
  return peer;
}

void EngineBench::introduce(const ScriptedPeer& peer) {
  receive(peer.address, {alive_message(peer.claim())});
}

ScriptedPeer* EngineBench::peer_at(const Address& address) {
  const auto at = std::ranges::find(peers_, address, &ScriptedPeer::address);
  return at == peers_.end() ? nullptr : &*at;
}

void EngineBench::answer(ScriptedPeer& peer, const SeenMessage& message) {
  if (message.type == wire::MessageType::ping) {
    ++peer.pings_seen;
    const wire::Ping ping = message.ping();
    if (!peer.answers_pings || (!ping.node.empty() && ping.node != peer.name)) return;
    timeline_.after(peer.round_trip, [this, &peer, seq_no = ping.seq_no] {
      receive(peer.address, {ack_message(seq_no, peer.ack_payload)});
    });
  } else if (message.type == wire::MessageType::indirect_ping) {
    ++peer.indirect_pings_seen;
    const wire::IndirectPing ping = message.indirect_ping();
    if (peer.relays) {
      timeline_.after(peer.round_trip, [this, &peer, seq_no = ping.seq_no] {
        receive(peer.address, {ack_message(seq_no)});
      });
    } else if (peer.nacks && ping.nack) {
      timeline_.after(kNackDelay, [this, &peer, seq_no = ping.seq_no] {
        receive(peer.address, {message_bytes(wire::Nack{.seq_no = seq_no})});
      });
    }
  } else if (message.type == wire::MessageType::suspect && peer.refutes) {
    const wire::Suspect suspect = message.suspect();
    if (suspect.node != peer.name || suspect.incarnation < peer.incarnation) return;
    peer.incarnation = suspect.incarnation + 1;
    timeline_.after(peer.round_trip, [this, &peer] { introduce(peer); });
  }
}

void EngineBench::answer_stream(ScriptedPeer& peer, StreamId id) {
  if (peer.tcp != ScriptedPeer::Tcp::answers) return;
  const auto opener = read(id);
  if (!opener) return;
  Bytes reply;
  if (const auto* ping = std::get_if<wire::Ping>(&opener->message())) {
    reply = ack_message(ping->seq_no);
  } else if (const auto* state = std::get_if<wire::PushPullMessage>(&opener->message())) {
    reply = push_pull_message(state->header.join, peer.claims, peer.user_state);
  } else {
    return;
  }
  timeline_.after(peer.round_trip, [this, id, bytes = sealed(reply, false)] {
    feed(id, bytes);
    end(id);
  });
}

// --- what comes in ------------------------------------------------------------------------------

void EngineBench::receive(const Address& from, const std::vector<Bytes>& messages, bool with_crc) {
  std::vector<BytesView> parts(messages.begin(), messages.end());
  std::size_t room = wire::PacketSealer::kMaxOverheadBytes;
  for (const BytesView part : parts) room += part.size();
  Bytes buffer(room);
  receive_raw(from, packet_sealer_.seal(sealing_, parts, with_crc, buffer));
}

void EngineBench::receive_raw(const Address& from, BytesView datagram) {
  // A buffer of exactly that size, so that a sanitizer sees any look beyond its end.
  Bytes bytes = to_bytes(datagram);
  engine_->handle_packet(now(), from, bytes);
  drain();
}

void EngineBench::send_error(const Address& to) {
  engine_->handle_send_error(now(), to,
                             {ErrorCode::unreachable, "no route to host", to.to_string()});
  drain();
}

std::optional<StreamId> EngineBench::accept(const Address& from) {
  const auto id = engine_->handle_accept(now(), from);
  if (id) {
    streams_.push_back({.id = *id, .peer = from, .connected = true, .opened_at = now()});
  }
  drain();
  return id;
}

void EngineBench::connected(StreamId id) {
  if (SeenStream* seen = find_stream(id)) seen->connected = true;
  engine_->handle_stream(now(), id, StreamConnected{});
  drain();
}

void EngineBench::feed(StreamId id, BytesView bytes, std::size_t piece_bytes) {
  const std::size_t piece = piece_bytes == 0 ? std::max<std::size_t>(bytes.size(), 1) : piece_bytes;
  while (!bytes.empty()) {
    const Bytes head = to_bytes(bytes.first(std::min(piece, bytes.size())));
    bytes = bytes.subspan(head.size());
    engine_->handle_stream(now(), id, StreamData{head});
    drain();
  }
}

void EngineBench::end(StreamId id) {
  engine_->handle_stream(now(), id, StreamEnd{});
  drain();
}

void EngineBench::fail_stream(StreamId id) {
  engine_->handle_stream(now(), id,
                         StreamFailed{{ErrorCode::unreachable, "connection refused", {}}});
  drain();
}

Bytes EngineBench::sealed(BytesView plain, bool with_label_header) {
  return wire::seal_stream(sealing_, to_bytes(plain), with_label_header, lzw_);
}

// --- what went out ------------------------------------------------------------------------------

void EngineBench::drain() {
  for (Output& output : engine_->outputs()) {
    if (const auto* packet = std::get_if<SendPacket>(&output)) {
      take_packet(*packet);
    } else if (const auto* dial = std::get_if<DialStream>(&output)) {
      take_dial(*dial);
    } else if (const auto* write = std::get_if<WriteStream>(&output)) {
      take_write(write->id, write->bytes);
    } else if (const auto* close = std::get_if<CloseStream>(&output)) {
      take_end(close->id, false);
    } else if (const auto* abort = std::get_if<AbortStream>(&output)) {
      take_end(abort->id, true);
    } else if (auto* event = std::get_if<Event>(&output)) {
      log_.push_back({now(), 0, std::move(*event), 1});
    } else if (auto* completion = std::get_if<Completion>(&output)) {
      log_.push_back({now(), 0, std::move(*completion), 1});
    } else if (auto* record = std::get_if<LogRecord>(&output)) {
      log_.push_back({now(), 0, std::move(*record), 1});
    } else if (const auto* metric = std::get_if<MetricRecord>(&output)) {
      metrics_.push_back(*metric);
    } else if (const auto* step = std::get_if<TraceRecord>(&output)) {
      trace_.push_back(*step);
    }
  }
  engine_->clear_outputs();
  arm();
}

void EngineBench::arm() {
  const TimePoint deadline = engine_->next_deadline();
  if (deadline >= armed_for_) return;
  armed_for_ = deadline;
  timeline_.at(deadline, [this, deadline] { on_timer(deadline); });
}

void EngineBench::on_timer(TimePoint planned) {
  if (armed_for_ != planned) return;
  armed_for_ = kNever;
  if (engine_->next_deadline() > now()) return arm();
  engine_->handle_deadline(now());
  if (engine_->next_deadline() <= now()) {
    violations_.push_back("next_deadline() is not after the one that was handled");
    armed_for_ = now() + std::chrono::milliseconds(1);
    timeline_.at(armed_for_, [this, at = armed_for_] { on_timer(at); });
  }
  drain();
}

void EngineBench::take_packet(const SendPacket& packet) {
  if (packet.bytes.size() > config_.udp_buffer_size) {
    violations_.push_back("a packet of " + std::to_string(packet.bytes.size()) + " bytes");
  }
  SeenPacket& seen = packets_.emplace_back(
      SeenPacket{.at = now(), .to = packet.to, .bytes = to_bytes(packet.bytes), .messages = {}});
  if (!packet_opener_.open(opening_, seen.bytes)) {
    violations_.push_back("a packet that cannot be opened");
    return;
  }
  while (const auto message = packet_opener_.next_view()) {
    if (!*message) {
      violations_.push_back("a packet with a bad part");
      continue;
    }
    seen.messages.push_back({.at = now(),
                             .to = packet.to,
                             .type = (*message)->type,
                             .body = to_bytes((*message)->body)});
  }
  if (ScriptedPeer* peer = peer_at(packet.to)) {
    for (const SeenMessage& message : seen.messages) answer(*peer, message);
  } else if (strangers_answer_) {
    for (const SeenMessage& message : seen.messages) {
      if (message.type != wire::MessageType::ping) continue;
      timeline_.after(kStrangersRoundTrip, [this, to = seen.to, seq_no = message.ping().seq_no] {
        receive(to, {ack_message(seq_no)});
      });
    }
  }
}

void EngineBench::take_dial(const DialStream& dial) {
  streams_.push_back({.id = dial.id, .peer = dial.to, .dialled = true, .opened_at = now()});
  const ScriptedPeer* peer = peer_at(dial.to);
  if (peer == nullptr || peer->tcp == ScriptedPeer::Tcp::black_hole) return;
  timeline_.after(peer->round_trip,
                  [this, id = dial.id, refused = peer->tcp == ScriptedPeer::Tcp::refuses] {
                    if (stream(id).ended_at) return;
                    if (refused) return fail_stream(id);
                    connected(id);
                  });
}

void EngineBench::take_write(StreamId id, BytesView bytes) {
  SeenStream* seen = find_stream(id);
  if (seen == nullptr || !seen->connected || seen->ended_at) {
    violations_.push_back("a write to a stream that is not open");
    return;
  }
  seen->written.insert(seen->written.end(), bytes.begin(), bytes.end());
  ScriptedPeer* peer = peer_at(seen->peer);
  if (seen->dialled && peer != nullptr) answer_stream(*peer, id);
}

void EngineBench::take_end(StreamId id, bool aborted) {
  SeenStream* seen = find_stream(id);
  if (seen == nullptr || seen->ended_at) {
    violations_.push_back("an end to a stream that is not open");
    return;
  }
  seen->closed = !aborted;
  seen->aborted = aborted;
  seen->ended_at = now();
}

void EngineBench::forget() {
  packets_.clear();
  log_.clear();
  metrics_.clear();
  trace_.clear();
}

std::vector<const SeenMessage*> EngineBench::sent(wire::MessageType type,
                                                  std::optional<Address> to) const {
  std::vector<const SeenMessage*> found;
  for (const SeenPacket& packet : packets_) {
    for (const SeenMessage& message : packet.messages) {
      if (message.type == type && to.value_or(message.to) == message.to) found.push_back(&message);
    }
  }
  return found;
}

std::vector<const SeenMessage*> EngineBench::sent_about(wire::MessageType type,
                                                        std::string_view member) const {
  auto found = sent(type);
  std::erase_if(found, [&](const SeenMessage* message) { return message->about() != member; });
  return found;
}

SeenStream* EngineBench::find_stream(StreamId id) {
  const auto at = std::ranges::find(streams_, id, &SeenStream::id);
  return at == streams_.end() ? nullptr : &*at;
}

const SeenStream& EngineBench::stream(StreamId id) const {
  const auto at = std::ranges::find(streams_, id, &SeenStream::id);
  if (at == streams_.end()) throw std::logic_error("no such stream");
  return *at;
}

const SeenStream& EngineBench::dialled() const {
  for (auto at = streams_.rbegin(); at != streams_.rend(); ++at) {
    if (at->dialled) return *at;
  }
  throw std::logic_error("the engine has dialled nobody");
}

std::unique_ptr<wire::StreamOpener> EngineBench::read(StreamId id) {
  const SeenStream& seen = stream(id);
  auto opener = std::make_unique<wire::StreamOpener>(opening_, seen.dialled);
  const auto progress = opener->feed(seen.written);
  const bool complete = progress && *progress == wire::StreamOpener::Progress::complete;
  return complete ? std::move(opener) : nullptr;
}

std::vector<SeenChange> EngineBench::changes(std::string_view member) const {
  std::vector<SeenChange> found;
  for (const LoggedOutput& line : log_) {
    const auto* event = std::get_if<Event>(&line.what);
    const auto* change = event == nullptr ? nullptr : std::get_if<MemberEvent>(event);
    if (change != nullptr && change->member.name() == member) found.push_back({line.at, *change});
  }
  return found;
}

std::vector<MemberEventKind> EngineBench::kinds(std::string_view member) const {
  std::vector<MemberEventKind> found;
  for (const SeenChange& seen : changes(member)) found.push_back(seen.event.kind);
  return found;
}

std::optional<SeenChange> EngineBench::change(std::string_view member, MemberEventKind kind) const {
  for (SeenChange& seen : changes(member)) {
    if (seen.event.kind == kind) return std::move(seen);
  }
  return std::nullopt;
}

const Completion* EngineBench::completion(OperationId id) const {
  for (const LoggedOutput& line : log_) {
    const auto* completion = std::get_if<Completion>(&line.what);
    if (completion != nullptr && completion->id == id) return completion;
  }
  return nullptr;
}

std::size_t EngineBench::log_lines(LogLevel level, std::string_view part) const {
  return static_cast<std::size_t>(std::ranges::count_if(log_, [&](const LoggedOutput& line) {
    const auto* record = std::get_if<LogRecord>(&line.what);
    return record != nullptr && record->level == level &&
           record->text.find(part) != std::string::npos;
  }));
}

std::vector<std::string> EngineBench::warned_of() const {
  std::vector<std::string> peers;
  for (const LoggedOutput& line : log_) {
    const auto* record = std::get_if<LogRecord>(&line.what);
    if (record != nullptr && record->level == LogLevel::warning) peers.push_back(record->peer);
  }
  return peers;
}

std::optional<MemberStatus> EngineBench::status(std::string_view member) const {
  const auto found = engine_->member(member);
  if (!found) return std::nullopt;
  return found->status;
}

std::uint32_t EngineBench::incarnation(std::string_view member) const {
  return engine_->member(member).value().incarnation;
}

}  // namespace memberlist::sim
