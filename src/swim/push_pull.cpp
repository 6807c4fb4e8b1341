#include "swim/push_pull.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/byte_reader.hpp"
#include "base/limits.hpp"
#include "memberlist/name_text.hpp"
#include "swim/incarnation.hpp"
#include "swim/scaling.hpp"
#include "swim/versions.hpp"
#include "wire/stream.hpp"

// Gossip is quick but loses messages; now and then two nodes therefore exchange all that they know
// (anti-entropy). Each sends one message: a header, the state of every member in its table, and the
// user state of its application. What the other one sends is merged member by member, as if each
// entry had been gossiped; 'dead' is taken as 'suspect', so that the member can refute.
//
// Before anything is merged, the whole state is checked: versions that no member here understands,
// or the application's veto against a join, refuse all of it. Encoding and compressing the table is
// dear, so it is kept in pages (StatePages); only the pages in which a member has changed are made
// anew. A state over the size that peers accept goes in parts, some pages at a time. Nearly all
// push/pulls of a cluster at rest say nothing new: two nodes that know the same have the same
// pages, so a state that equals this node's own is recognized before it is decompressed.
namespace memberlist::swim {
namespace {

// The encoded header at most, compressed to its disadvantage.
constexpr std::size_t kHeaderBytes = 96;
// How long the encoded state is kept without a request for it, and how many push/pull intervals.
constexpr Duration kIdle = std::chrono::minutes(5);
constexpr int kIdleIntervals = 2;
// An operator needs to read of it, and not at each exchange.
constexpr Duration kStateWarningInterval = std::chrono::minutes(10);

// Whether `is_it` returns true for a state; those behind it are not visited. They were decoded once
// when the message was read, so they are good.
template <class IsIt>
bool any_state(const wire::PushPullMessage& message, IsIt&& is_it) {
  ByteReader in(message.node_states);
  for (std::int64_t i = 0; i < message.header.nodes; ++i) {
    const wire::WireResult<wire::NodeState> state = wire::decode<wire::NodeState>(in);
    if (!state) return false;
    if (is_it(*state)) return true;
  }
  return false;
}

// Calls `visit` with each state.
template <class Visit>
void for_each_state(const wire::PushPullMessage& message, Visit&& visit) {
  (void)any_state(message, [&](const wire::NodeState& state) {
    visit(state);
    return false;
  });
}

MemberVersions versions_of(BytesView vsn) {
  const auto at = [&](std::size_t i) { return std::to_integer<std::uint8_t>(vsn[i]); };
  return {{at(0), at(1), at(2)}, {at(3), at(4), at(5)}};
}

bool is_live(std::int64_t state) {
  return state == static_cast<int>(MemberStatus::alive) ||
         state == static_cast<int>(MemberStatus::suspect);
}

Result<void> unfit(const wire::NodeState& speaker, const VersionSummaries& ours) {
  const MemberVersions versions = versions_of(speaker.vsn);
  const bool protocol = !ours.protocol.fits(versions.protocol);
  const VersionRange& range = protocol ? versions.protocol : versions.delegate_protocol;
  const VersionSummary& spread = protocol ? ours.protocol : ours.delegate_protocol;
  return fail(ErrorCode::incompatible,
              fmt::format("{} {} (of {} to {}) of {} does not fit the members here: they speak {} "
                          "to {}, and all understand {} to {}",
                          protocol ? "protocol version" : "delegate protocol version",
                          range.current, range.min, range.max, escape_for_log(speaker.name),
                          spread.least_spoken, spread.most_spoken, spread.low, spread.high),
              std::string(speaker.name));
}

/// Whether each of those in a push/pull fits; as a rule they are all the same.
bool all_fit(const wire::VersionsSeen& seen, const VersionSummaries& ours) {
  const auto versions = seen.all();
  return versions && std::ranges::all_of(
                         *versions, [&](const auto& vsn) { return ours.fits(versions_of(vsn)); });
}

/// Which member may have sent a push/pull, among equally likely ones.
struct Speakers {
  bool any = false;
  bool one_fits = false;
  wire::NodeState first_unfit{};

  void add(const wire::NodeState& state, bool fits) {
    if (!any && !fits) first_unfit = state;
    any = true;
    one_fits = one_fits || fits;
  }
};

}  // namespace

PushPull::LocalState PushPull::local_state(bool join, bool with_label_header) {
  last_used_ = clock_.now;
  refresh_pages();
  Bytes user_state = ask_user_state(join);
  const bool asks_to_join = join && with_label_header;
  const ContentDigest user_digest(asks_to_join ? BytesView(user_state) : BytesView{});
  const std::size_t work =
      std::exchange(encoded_bytes_, 0) + encode_user_state(std::move(user_state));
  choose_pages();

  Bytes plain;
  ByteWriter out(plain);
  std::int64_t members = 0;
  std::size_t plain_bytes = user_state_bytes_;
  for (const std::size_t page : chosen_) {
    members += static_cast<std::int64_t>(pages_.pages()[page]->members);
    plain_bytes += pages_.pages()[page]->plain_bytes;
  }
  wire::encode(out,
               wire::PushPullHeader{members, static_cast<std::int64_t>(user_state_bytes_), join});
  journal_.gauge(metric::kSizeLocal, plain_bytes + plain.size());

  Bytes header;
  wire::append_stream_part(keys_.sealing, plain, header, lzw_);
  std::vector<BytesView> parts;
  parts.reserve(chosen_.size() + 2);
  parts.emplace_back(header);
  for (const std::size_t page : chosen_) parts.emplace_back(pages_.pages()[page]->bytes);
  if (user_state_bytes_ > 0) parts.emplace_back(user_state_part_);
  LocalState state;
  StatePages::Front front;
  if (asks_to_join) {
    front = put_self_first(parts);
    state.digest.append(plain);
    state.digest.append(front.digest);
    for (const std::size_t page : chosen_) {
      if (page != front.page) state.digest.append(pages_.digest(page));
    }
    if (user_state_bytes_ > 0) state.digest.append(user_digest);
  }
  state.sealed = wire::seal_stream_parts(keys_.sealing, parts, with_label_header);
  last_sealed_bytes_ = state.sealed.size();
  state.work_bytes = work + state.sealed.size();
  return state;
}

/// Two nodes that know the same would send the same request to join, which each of them would take
/// for its own (SelfRecognition). So the page with this node goes first, and this node first in it.
/// Returns what the parts refer to then.
StatePages::Front PushPull::put_self_first(std::vector<BytesView>& parts) {
  StatePages::Front front = pages_.front(cluster_.self);
  const auto place = std::ranges::find(chosen_, front.page) - chosen_.begin();
  const auto pages = parts.begin() + 1;  // behind the header
  std::rotate(pages, pages + place, pages + place + 1);
  parts[1] = front.bytes;
  return front;
}

Bytes PushPull::ask_user_state(bool join) {
  Bytes user_state = node_.policy != nullptr ? node_.policy->local_state(join) : Bytes{};
  if (user_state.size() > limits::kUserStateBytes) {
    log_left_out(user_state.size(), fmt::format("at most {} are allowed", limits::kUserStateBytes));
    user_state.clear();
  }
  return user_state;
}

/// Any peer can ask for the state, and with it for this line.
void PushPull::log_left_out(std::size_t bytes, const std::string& why) {
  journal_.log_state(LogCause::state_size, 0, LogLevel::error, std::string_view{}, [&] {
    return LogLine(fmt::format("user state of {} bytes left out of a push/pull: {}", bytes, why),
                   {{"bytes", std::to_string(bytes)}});
  });
}

/// It leaves no room for this node's own state.
void PushPull::leave_out_user_state() {
  log_left_out(user_state_bytes_,
               fmt::format("peers accept {} bytes in all, encrypted", limits::kStreamPayloadBytes));
  user_state_bytes_ = 0;
  user_state_ = Bytes();
  user_state_part_ = Bytes();
}

/// Compresses it only if it is another than the last time. Returns the bytes that were looked at.
std::size_t PushPull::encode_user_state(Bytes user_state) {
  const std::size_t bytes = user_state.size();
  user_state_bytes_ = bytes;
  if (bytes > 0 && user_state == user_state_) return bytes;
  user_state_part_.clear();
  if (bytes > 0) wire::append_stream_part(keys_.sealing, user_state, user_state_part_, lzw_);
  // A large one would be held a second time for long.
  user_state_ = bytes <= limits::kKeptUserStateBytes ? std::move(user_state) : Bytes();
  return bytes;
}

/// All pages if peers accept that much; otherwise as many as they accept, the one with this node
/// first, the others in turn from one push/pull to the next: a part of the state is merged, where
/// the whole would be refused. Chosen each time, because the table changes.
void PushPull::choose_pages() {
  const std::span<const StatePages::Page* const> pages = pages_.pages();
  const StatePages::Totals& totals = pages_.totals();
  const double share = used_share(totals.plain_bytes, totals.bytes);
  warn_of_size(share);
  chosen_.clear();
  if (share <= 1) {
    for (std::size_t page = 0; page < pages.size(); ++page) chosen_.push_back(page);
    return;
  }
  std::size_t plain_bytes = 0;
  std::size_t parts_bytes = 0;
  const auto take = [&](std::size_t page) {
    plain_bytes += pages[page]->plain_bytes;
    parts_bytes += pages[page]->bytes.size();
    if (used_share(plain_bytes, parts_bytes) > 1) return false;
    chosen_.push_back(page);
    return true;
  };
  const std::size_t own = pages_.page_of(cluster_.self);
  if (!take(own)) {
    leave_out_user_state();
    plain_bytes = parts_bytes = 0;
    (void)take(own);
  }
  const std::size_t begin = next_page_;
  for (std::size_t step = 0; step < pages.size(); ++step) {
    const std::size_t page = (begin + step) % pages.size();
    if (page == own) continue;
    next_page_ = page;
    if (!take(page)) return;
  }
}

/// How much of what peers take a state has, of the limit that is nearest.
double PushPull::used_share(std::size_t plain_bytes, std::size_t parts_bytes) const noexcept {
  const auto share = [](std::size_t bytes, std::size_t limit) {
    return static_cast<double>(bytes) / static_cast<double>(limit);
  };
  const double whole =
      share(kHeaderBytes + plain_bytes + user_state_bytes_, limits::kStreamMessageBytes);
  const std::size_t payload = wire::stream_payload_bytes(
      keys_.sealing, kHeaderBytes + parts_bytes + user_state_part_.size());
  const std::size_t limit =
      keys_.sealing.encrypts() ? limits::kStreamPayloadBytes : limits::kCompressedStreamBytes;
  return std::max(whole, share(payload, limit));
}

/// In time: peers refuse a state over the limit.
void PushPull::warn_of_size(double share) {
  if (share < limits::kStateWarningShare) return;
  TimePoint& next = share > 1 ? next_error_ : next_warning_;
  if (clock_.now < next) return;
  next = clock_.now + kStateWarningInterval;
  const StatePages::Totals& totals = pages_.totals();
  const auto percent = static_cast<int>(100 * share);
  std::string text = fmt::format(
      "the state for push/pull ({} members, {} bytes, {} of them user state) is at {} % of the "
      "size that peers accept",
      totals.members, totals.plain_bytes + user_state_bytes_, user_state_bytes_, percent);
  text += share > 1 ? ": each exchange omits some members in turn, so newcomers learn late of "
                      "some; shorten names, meta data or user state, or split the cluster"
                    : "; from 100 % on members are left out: shorten names, meta data or user "
                      "state, or split the cluster";
  journal_.log(share > 1 ? LogLevel::error : LogLevel::warning, std::move(text), {},
               {{"cause", std::string(to_string(LogCause::state_size))},
                {"members", std::to_string(totals.members)},
                {"percent", std::to_string(percent)}});
}

void PushPull::release_if_idle() {
  const Duration interval = push_pull_interval(node_.config.push_pull_interval, cluster_.counted());
  if (clock_.now - last_used_ < std::max(kIdle, kIdleIntervals * interval)) return;
  pages_.release();
  user_state_ = Bytes();
  user_state_part_ = Bytes();
}

/// While a member is suspect, a push/pull can accuse it once more; and a policy is asked about each
/// member each time.
std::int64_t PushPull::members() {
  if (node_.policy != nullptr || cluster_.table.count(MemberStatus::suspect) > 0) return 0;
  return static_cast<std::int64_t>(cluster_.table.size());
}

std::vector<BytesView> PushPull::parts() {
  refresh_pages();
  std::vector<BytesView> parts;
  for (const StatePages::Page* const page : pages_.pages()) parts.emplace_back(page->bytes);
  return parts;
}

Result<void> PushPull::check(const wire::PushPullMessage& message, const Address& from) {
  if (message.is_known) return {};
  if (auto fits = check_versions(message, from); !fits) return fits;
  if (message.header.join && node_.policy != nullptr) return ask_policy(message);
  return {};
}

/// Clusters that do not understand each other stay apart (protocol 6, Versions). The member that
/// sent this must fit all live members here. Others in its state that do not fit are refused one by
/// one as they are merged (Poison), so that an invented member keeps no other out. The protocol
/// does not say which member is the sender; if none of the possible ones fits, the merge is
/// refused.
Result<void> PushPull::check_versions(const wire::PushPullMessage& message, const Address& from) {
  refresh_pages();
  const VersionSummaries& ours = pages_.totals().live;
  if (all_fit(message.versions, ours)) return {};  // whoever sent it
  std::array<Speakers, 3> nearness;                // at the address, at its IP address, anywhere
  // One that fits, at the very address, decides; so it is the last that is looked at.
  const auto decides = [&](const wire::NodeState& state) {
    if (!is_live(state.state) || state.vsn.size() < 6 || state.name == cluster_.self_name()) {
      return false;
    }
    const bool fits = ours.fits(versions_of(state.vsn));
    nearness[2].add(state, fits);
    const std::optional<IpAddress> ip = IpAddress::from_bytes(state.addr);
    if (!ip) return false;
    const Address address = node_.member_address(*ip, state.port);
    if (address.ip != from.ip) return false;
    nearness[1].add(state, fits);
    if (address != from) return false;
    nearness[0].add(state, fits);
    return fits;
  };
  if (any_state(message, decides)) return {};
  for (const Speakers& speakers : nearness) {
    if (!speakers.any) continue;
    return speakers.one_fits ? Result<void>{} : unfit(speakers.first_unfit, ours);
  }
  return {};
}

/// What no merge would take is not offered.
Result<void> PushPull::ask_policy(const wire::PushPullMessage& message) {
  std::vector<MemberRecord> peers;
  const MemberVersions own = swim::versions_of(*cluster_.self_entry().record);
  for_each_state(message, [&](const wire::NodeState& state) {
    const std::optional<IpAddress> ip = IpAddress::from_bytes(state.addr);
    if (!ip || state.vsn.size() < 6) return;
    const MemberVersions versions = versions_of(state.vsn);
    if (is_live(state.state) && !(versions.sound() && versions.fit(own))) return;
    peers.push_back({std::string(state.name), node_.member_address(*ip, state.port),
                     to_bytes(state.meta), versions.protocol, versions.delegate_protocol});
  });
  const Result<void> verdict = node_.policy->notify_merge(peers);
  if (verdict) return {};
  return fail(ErrorCode::vetoed, "the merge was cancelled: " + verdict.error().message,
              verdict.error().subject);
}

/// A member that answers is part of its own answer; so if that contains only this node's name, the
/// answering member has it.
Result<void> PushPull::check_name(const wire::PushPullMessage& answer, const Address& from) {
  std::optional<Address> holder;
  bool alive = false;
  bool only_us = true;
  for_each_state(answer, [&](const wire::NodeState& state) {
    if (state.name != cluster_.self_name()) {
      only_us = false;
      return;
    }
    const std::optional<IpAddress> ip = IpAddress::from_bytes(state.addr);
    if (!is_live(state.state) || !ip) return;
    alive = true;
    const Address claimed{*ip, node_.port_or_default(state.port)};
    if (!is_ours(claimed, state.incarnation)) holder = claimed;
  });
  if (!holder && alive && only_us) holder = from;
  if (!holder) return {};
  return name_taken(*holder, from);
}

std::unexpected<Error> PushPull::name_taken(const Address& holder, const Address& from) {
  node_.name_holder = {holder, clock_.now};
  return fail(ErrorCode::name_taken,
              fmt::format("the name {} is taken: {} knows it at {}, and this node is at {}",
                          show_name(cluster_.self_name()), from.to_string(), holder.to_string(),
                          cluster_.self_entry().record->address.to_string()),
              from.to_string());
}

/// Others may not have heard of this node's last moves, and list it at a former address. With a
/// greater incarnation than its own, it is another member that is there now.
bool PushPull::is_ours(const Address& claimed, std::uint32_t incarnation) const {
  const auto is_at = [&claimed](const Address& own) {
    return own.port == claimed.port && own.ip.bytes() == claimed.ip.bytes();  // zones stay here
  };
  const MemberEntry& self = cluster_.self_entry();
  if (is_at(self.record->address)) return true;
  return !is_newer(incarnation, self.incarnation) &&
         std::ranges::any_of(node_.former_addresses, is_at);
}

/// The address of the member that sent this, by its own claim: the one that was dialled, or the
/// only one with the IP address that the stream came from.
std::optional<Address> PushPull::speaker_of(const wire::PushPullMessage& message,
                                            const Address& from) const {
  std::optional<Address> only;
  std::size_t at_this_ip = 0;
  const auto is_dialled = [&](const Address& address) {
    if (address.ip != from.ip) return false;
    only = address;
    ++at_this_ip;
    return address == from;
  };
  const auto dialled_member = [&](MemberIndex index) {
    const MemberEntry& entry = cluster_.table.at(index);
    return entry.live() && is_dialled(entry.record->address);
  };
  const auto dialled_state = [&](const wire::NodeState& state) {
    const std::optional<IpAddress> ip = IpAddress::from_bytes(state.addr);
    return is_live(state.state) && ip && is_dialled(node_.member_address(*ip, state.port));
  };
  const bool dialled = message.is_known
                           ? std::ranges::any_of(cluster_.table.probe_list(), dialled_member)
                           : any_state(message, dialled_state);
  if (dialled) return from;
  return at_this_ip == 1 ? only : std::nullopt;
}

void PushPull::merge(const wire::PushPullMessage& message, const Address& from, Occasion occasion) {
  Evidence evidence;
  evidence.kind = Cause::Kind::push_pull;
  evidence.source = &from;
  evidence.first_join = occasion == Occasion::answer_to_join && cluster_.table.size() == 1 &&
                        node_.behaviour.told_once_by_newcomers;
  // Who it is matters only to the application's state, to tombstones that it may override, and to
  // a refutation.
  std::optional<Address> speaker;
  if (!message.user_state.empty() || !cluster_.tombstones.empty()) {
    speaker = speaker_of(message, from);
  }
  if (speaker) evidence.speaker = &*speaker;
  const std::uint32_t incarnation = cluster_.self_entry().incarnation;
  if (message.is_known) {
    ++journal_.counters.push_pulls_recognized;
    membership_.merge_known(evidence);
  } else {
    merge_states(message, evidence);
  }
  if (cluster_.self_entry().incarnation != incarnation) {
    if (!speaker) speaker = speaker_of(message, from);
    if (speaker) membership_.answer_accuser(*speaker);
  }
  if (message.user_state.empty()) return;
  const MemberIndex sender = speaker ? cluster_.table.find(*speaker) : kNoMember;
  out_.push(Event{
      StateMerged{from, to_bytes(message.user_state), message.header.join,
                  sender == kNoMember ? std::string{} : cluster_.table.at(sender).record->name}});
}

void PushPull::merge_states(const wire::PushPullMessage& message, const Evidence& evidence) {
  std::array<wire::NodeState, Membership::kMergedAtOnce> states;
  std::size_t waiting = 0;
  const auto merge_them = [&] {
    membership_.merge(std::span(states).first(waiting), evidence);
    waiting = 0;
  };
  for_each_state(message, [&](const wire::NodeState& state) {
    states[waiting++] = state;
    if (waiting == states.size()) merge_them();
  });
  merge_them();
}

}  // namespace memberlist::swim
