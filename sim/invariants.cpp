#include "sim/invariants.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <variant>

#include "base/byte_reader.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "memberlist/counter_table.hpp"
#include "swim/incarnation.hpp"

namespace memberlist::sim {
namespace {

constexpr std::size_t kUdpPayloadBytes = 65'507;
// How many sequence numbers of ours a peer remembers.
constexpr std::size_t kKnownSeqNos = 16;

bool is_live(MemberStatus status) {
  return status == MemberStatus::alive || status == MemberStatus::suspect;
}

std::string describe(std::string_view name, MemberEventKind kind) {
  return fmt::format("'{}', {}", escape_for_log(name), to_string(kind));
}

}  // namespace

void require_sound(const Reporter& reporter, std::string_view name, BytesView address,
                   BytesView meta, BytesView versions) {
  const std::optional<IpAddress> ip = IpAddress::from_bytes(address);
  const bool sound = !name.empty() && name.size() <= limits::kNameBytes && ip &&
                     !ip->is_unspecified() && !ip->is_multicast() &&
                     meta.size() <= limits::kMetaBytes && versions.size() == 6;
  reporter.require(sound, "nothing unfit is passed on", [&] { return escape_for_log(name); });
}

Invariants::Invariants(const Reporter& reporter, const Engine& engine, const wire::Sealing& opening,
                       PeerKnowledge& known)
    : reporter_(reporter),
      opening_(opening),
      known_(known),
      self_name_(engine.config().name),
      udp_buffer_size_(engine.config().udp_buffer_size),
      max_members_(engine.config().max_members),
      allowed_networks_(engine.config().allowed_networks),
      checked_takeover_(engine.behaviour().checked_takeover) {}

void Invariants::know(std::span<const Member> members) {
  for (const Member& member : members) {
    members_[member.name()] = {
        .status = MemberStatus::alive, .incarnation = member.incarnation, .in_table = true};
  }
}

// --- outputs ------------------------------------------------------------------------------------

void Invariants::take(const Output& output) {
  const auto* event = std::get_if<Event>(&output);
  const auto* member = event == nullptr ? nullptr : std::get_if<MemberEvent>(event);
  const bool leave_follows = member != nullptr && member->kind == MemberEventKind::leave;
  reporter_.require(dying_.empty() || (leave_follows && member->member.name() == dying_),
                    "a leave event follows a dead event at once", [&] { return dying_; });
  dying_.clear();

  if (member != nullptr) return take_member(*member);
  if (const auto* packet = std::get_if<SendPacket>(&output)) return take_packet(*packet);
  if (const auto* record = std::get_if<LogRecord>(&output)) {
    require_text(record->text, "a log record");
    require_text(record->peer, "a log record's peer");
    for (const LogField& field : record->fields) require_text(field.value, "a log record's field");
  } else if (const auto* metric = std::get_if<MetricRecord>(&output)) {
    reporter_.require(metric->kind == MetricKind::counter ? metric->value > 0 : metric->value >= 0,
                      "metrics are not negative, and a counter grows",
                      [&] { return std::string(metric->name); });
  } else if (const auto* completion = std::get_if<Completion>(&output)) {
    if (!completion->result) require_text(completion->result.error().message, "an error");
  } else if (const auto* dial = std::get_if<DialStream>(&output)) {
    reporter_.require(!dial->to.ip.is_unspecified() && dial->to.port != 0,
                      "dials go to an address and a port", [&] { return dial->to.to_string(); });
  } else if (event != nullptr) {
    if (const auto* health = std::get_if<HealthChanged>(event)) {
      reporter_.require(health->score != health_score_, "the health event tells of a change");
      health_score_ = health->score;
    } else if (const auto* joined = std::get_if<JoinFinished>(event)) {
      for (const Error& error : joined->failures) require_text(error.message, "an error");
    } else if (std::holds_alternative<UserMessage>(*event)) {
      ++user_messages_;
    } else if (std::holds_alternative<LeaveFinished>(*event)) {
      ++leaves_finished_;
    }
  }
}

/// Peers' text is shown to people: in terminals, too.
void Invariants::require_text(std::string_view text, const char* what) const {
  const bool clean = std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
  if (!clean || !is_utf8(text)) {
    reporter_.violated("text for people has no control characters",
                       fmt::format("{}: {}", what, escape_for_log(text)));
  }
}

void Invariants::take_member(const MemberEvent& event) {
  const std::string& name = event.member.name();
  reporter_.require(event.self == (name == self_name_),
                    "an event says whether it is about this node",
                    [&] { return to_string(event.kind); });
  if (event.kind == MemberEventKind::conflict) {
    reporter_.require(event.other.has_value(), "a conflict says where");
    return;
  }
  reporter_.require((event.cause.kind == Cause::Kind::command) == event.self,
                    "this node changes by command, others by evidence",
                    [&] { return to_string(event.kind); });
  take_state(event, members_[name]);
}

/// The transitions of protocol 6, and the order of their events.
void Invariants::take_state(const MemberEvent& event, Known& known) {
  const MemberStatus before = known.status;
  const std::uint32_t old = known.incarnation;
  const std::uint32_t incarnation = event.member.incarnation;
  const auto require = [&](bool holds, const char* invariant) {
    if (!holds) {
      reporter_.violated(invariant, fmt::format("{}: {} before, incarnation {} then {}",
                                                describe(event.member.name(), event.kind),
                                                to_string(before), old, incarnation));
    }
  };
  // What is remembered of the accused is not held against them if it is too far ahead of them.
  const bool too_far = before != MemberStatus::alive && !swim::within_a_jump(old, incarnation);
  const bool taken_back = too_far || (!checked_takeover_ && !is_live(before));  // whatever it says
  require(!known.in_table || taken_back || !swim::is_older(incarnation, old),
          "a member's incarnation never goes down");
  switch (event.kind) {
    case MemberEventKind::join:
      require(!is_live(before) || known.returning, "a join comes to who is not there");
      known.status = MemberStatus::alive;
      known.returning = false;
      break;
    case MemberEventKind::alive:
      require(known.in_table && before != MemberStatus::alive, "alive follows another status");
      require(taken_back || swim::is_newer(incarnation, old),
              "only a greater incarnation brings back");
      // From the dead, a join follows, which has to find it gone.
      known.returning = !is_live(before);
      known.status = MemberStatus::alive;
      break;
    case MemberEventKind::suspect:
      require(before == MemberStatus::alive, "only the alive become suspect");
      known.status = MemberStatus::suspect;
      break;
    case MemberEventKind::update:
      require(is_live(before), "an update is of who is there");
      known.status = MemberStatus::alive;
      break;
    case MemberEventKind::dead:
      require(is_live(before), "only who was there dies");
      require(event.member.status == MemberStatus::dead, "a dead event is not of who left");
      dying_ = event.member.name();
      break;
    case MemberEventKind::leave:
      require(is_live(before), "a leave comes once, from who was there");
      require(!is_live(event.member.status), "who leaves is dead or left");
      known.status = event.member.status;
      break;
    case MemberEventKind::conflict:
      break;
  }
  if (event.kind != MemberEventKind::dead) {
    require(known.status == event.member.status, "the event shows the status after it");
  }
  known.incarnation = incarnation;
  known.in_table = true;
}

// --- packets ------------------------------------------------------------------------------------

void Invariants::take_packet(const SendPacket& packet) {
  const auto to = [&] { return packet.to.to_string(); };
  reporter_.require(!packet.to.ip.is_unspecified() && packet.to.port != 0,
                    "packets go to an address and a port", to);
  reporter_.require(!packet.bytes.empty() && packet.bytes.size() <= kUdpPayloadBytes,
                    "a packet fits a datagram", to);
  reporter_.require(allowed(packet.to.ip), "packets stay in the allowed networks", to);
  ++packets_;
  packet_bytes_ += packet.bytes.size();
  take_messages(packet);
}

/// Others can read it, and what is filled up with news stays within the configured size.
void Invariants::take_messages(const SendPacket& packet) {
  if (const auto opened = opener_.open(opening_, packet.bytes); !opened) {
    reporter_.violated("packets can be opened", opened.error().to_string());
  }
  std::size_t messages = 0;
  bool direct = false;
  while (const auto next = opener_.next_view()) {
    if (!*next) reporter_.violated("messages can be read", next->error().to_string());
    const wire::MessageType type = (*next)->type;
    ++messages;
    if (messages == 1) direct = type != wire::MessageType::alive && type != wire::MessageType::user;
    // A ping to a suspect has the suspicion with it.
    const bool buddy = messages == 2 && type == wire::MessageType::suspect;
    direct = direct && (messages == 1 || buddy);
    take_message(**next);
  }
  reporter_.require(messages > 0 && opener_.truncated_parts() == 0, "packets hold whole messages");
  reporter_.require(direct || packet.bytes.size() <= udp_buffer_size_,
                    "gossip stays within udp_buffer_size");
}

void Invariants::take_message(const wire::MessageView& message) {
  ByteReader body(message.body);
  const auto readable = [this](auto decoded) {
    if (!decoded) reporter_.violated("messages can be read", decoded.error().to_string());
    return *decoded;
  };
  switch (message.type) {
    case wire::MessageType::ping: {
      auto& seq_nos = known_.packet_seq_nos;
      if (seq_nos.size() == kKnownSeqNos) seq_nos.erase(seq_nos.begin());
      seq_nos.push_back(readable(wire::decode<wire::Ping>(body)).seq_no);
      return;
    }
    case wire::MessageType::indirect_ping:
      (void)readable(wire::decode<wire::IndirectPing>(body));
      return;
    case wire::MessageType::ack:
      (void)readable(wire::decode<wire::Ack>(body));
      return;
    case wire::MessageType::nack:
      (void)readable(wire::decode<wire::Nack>(body));
      return;
    case wire::MessageType::suspect:
      return reporter_.require(!readable(wire::decode<wire::Suspect>(body)).node.empty(),
                               "accusations are of somebody");
    case wire::MessageType::dead:
      return reporter_.require(!readable(wire::decode<wire::Dead>(body)).node.empty(),
                               "accusations are of somebody");
    case wire::MessageType::alive: {
      const wire::Alive alive = readable(wire::decode<wire::Alive>(body));
      reporter_.require(alive.port != 0, "nothing unfit is passed on");
      return require_sound(reporter_, alive.node, alive.addr, alive.meta, alive.vsn);
    }
    case wire::MessageType::user:
      return;
    default:
      reporter_.violated("packets hold messages of packets", {});
  }
}

bool Invariants::allowed(const IpAddress& ip) const {
  return !allowed_networks_ || std::ranges::any_of(*allowed_networks_, [&](const Network& network) {
    return network.contains(ip);
  });
}

// --- after each step ----------------------------------------------------------------------------

void Invariants::after_step(const Engine& engine, const Ledger& ledger) {
  reporter_.require(dying_.empty(), "a leave event follows a dead event at once",
                    [&] { return dying_; });
  check_members(engine);
  check_self(engine, ledger.is_moving());
  check_counters(engine);
  reporter_.require(engine.health_score() == health_score_, "the health score was told");
  reporter_.require(leaves_finished_ == ledger.completed_leaves(),
                    "leave finishes as often as it completes");
}

void Invariants::after_deadline(const Engine& engine, TimePoint now) const {
  reporter_.require(engine.next_deadline() > now, "after a deadline the next one is later");
}

void Invariants::check_members(const Engine& engine) {
  const MemberSnapshot snapshot = engine.members();
  if (snapshot == snapshot_) return;  // immutable
  snapshot_ = snapshot;
  for (auto& [name, known] : members_) known.in_table = false;
  reporter_.require(snapshot->size() <= max_members_, "members are at most max_members");
  const Member* before = nullptr;
  std::size_t live = 0;
  for (const Member& member : *snapshot) {
    reporter_.require(before == nullptr || before->name() < member.name(),
                      "members are sorted, each once",
                      [&] { return escape_for_log(member.name()); });
    before = &member;
    if (is_live(member.status)) ++live;
    check_member(member);
  }
  reporter_.require(live == engine.live_count(), "the live ones are counted");
  for (auto known = members_.begin(); known != members_.end();) {
    reporter_.require(known->second.in_table || !is_live(known->second.status),
                      "nobody is forgotten who is there",
                      [&] { return escape_for_log(known->first); });
    reporter_.require(!known->second.returning, "a join follows who comes back",
                      [&] { return escape_for_log(known->first); });
    known = known->second.in_table ? std::next(known) : members_.erase(known);
  }
}

void Invariants::check_member(const Member& member) {
  const MemberRecord& record = *member.record;
  reporter_.require(!record.name.empty() && record.name.size() <= limits::kNameBytes,
                    "a name has 1 to 255 bytes");
  reporter_.require(record.meta.size() <= limits::kMetaBytes, "meta data has 512 bytes at most");
  reporter_.require(!record.address.ip.is_unspecified() && record.address.port != 0,
                    "a member has an address and a port",
                    [&] { return record.address.to_string(); });
  reporter_.require(allowed(record.address.ip), "members are in the allowed networks",
                    [&] { return record.address.to_string(); });
  const auto found = members_.find(record.name);
  if (found == members_.end()) {
    reporter_.violated("who is in the table has joined", escape_for_log(record.name));
  }
  Known& known = found->second;
  if (known.status != member.status) {
    reporter_.violated("the status is what the events said",
                       fmt::format("'{}' is {}, said {}", escape_for_log(record.name),
                                   to_string(member.status), to_string(known.status)));
  }
  reporter_.require(!swim::is_older(member.incarnation, known.incarnation),
                    "a member's incarnation never goes down",
                    [&] { return escape_for_log(record.name); });
  known.incarnation = member.incarnation;
  known.in_table = true;
}

void Invariants::check_self(const Engine& engine, bool moving) {
  const Member self = engine.local_member();
  reporter_.require(self.name() == self_name_ && engine.member(self_name_).has_value(),
                    "this node is in its table");
  const MemberStatus usual = leaving_ ? MemberStatus::left : MemberStatus::alive;
  reporter_.require(self.status == usual || (moving && self.status == MemberStatus::left),
                    "this node is alive unless it has left, or is on the way to another address",
                    [&] { return to_string(self.status); });
  if (swim::is_older(self.incarnation, own_incarnation_)) {
    reporter_.violated("this node's incarnation never goes down",
                       fmt::format("{} after {}", self.incarnation, own_incarnation_));
  }
  own_incarnation_ = self.incarnation;
}

void Invariants::check_counters(const Engine& engine) {
  const EngineCounters counters = engine.counters();
  for (const CounterInfo& info : kEngineCounters) {
    reporter_.require(info.gauge || counters.*info.value >= counters_.*info.value, "counters grow",
                      [&] { return std::string(info.name); });
  }
  reporter_.require(counters.user_messages == user_messages_, "user messages are handed on");
  reporter_.require(
      counters.packets_sent == packets_ && counters.packet_bytes_sent == packet_bytes_,
      "packets are counted");
  counters_ = counters;
}

}  // namespace memberlist::sim
