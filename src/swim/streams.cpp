#include "swim/streams.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/limits.hpp"
#include "base/overloaded.hpp"
#include "memberlist/name_text.hpp"
#include "swim/keys.hpp"
#include "swim/scaling.hpp"

// Each TCP stream carries one exchange, and is forgotten when it ends or its deadline comes:
//
//     we dial:    connecting --> request sent --> answer complete --> finished
//                 (a user message is finished once it is sent)
//     they dial:  reading --> request complete --> answer sent, closed --> finished
//
// Bytes arrive in pieces of any size, and StreamOpener collects them until there is a message, up
// to its limits. An inbound stream belongs to somebody who may be hostile, so StreamBudget limits
// how many streams, how much memory and how much work a source can have; a stream that is refused
// gets an error message if that is affordable. The protocol has no other errors: a peer with
// another label or key just closes the stream.
namespace memberlist::swim {
namespace {

// Finding the members that do not fit takes a look at all of them: as much work as sending this
// many bytes.
constexpr std::size_t kRefusalWorkOfMember = 64;

// No bytes of it are wrong: this node and the peer differ in keys.
bool is_about_keys(wire::WireErrorKind kind) noexcept {
  return kind == wire::WireErrorKind::undecryptable || kind == wire::WireErrorKind::not_encrypted ||
         kind == wire::WireErrorKind::not_expected;
}

}  // namespace

Streams::Streams(const Streams& other, const StreamsUses& uses)
    : StreamsState(other), StreamsUses(uses) {
  for (const auto& [id, stream] : other.streams_) {
    streams_.emplace(id, Stream(stream, keys_.sealing));
  }
}

// --- who comes and goes -------------------------------------------------------------------------

std::optional<StreamId> Streams::accept(const Address& from) {
  if (!node_.allowed(from.ip)) {
    journal_.drop_foreign({.what = "connection", .from = from, .by_stream = true});
    return std::nullopt;
  }
  const StreamBudget::Verdict verdict = budget_.admit(from.ip);
  if (verdict != StreamBudget::Verdict::admitted) {
    ++journal_.counters.dropped_limit;
    journal_.log_peer(LogCause::limit, LogLevel::warning, from, [&] {
      return verdict == StreamBudget::Verdict::too_many
                 ? fmt::format("connection refused: {} streams are open already",
                               limits::kInboundStreams)
                 : fmt::format("connection refused: {} has {} streams open already",
                               from.ip.to_string(), limits::kInboundStreamsPerSource);
    });
    return std::nullopt;
  }
  ++journal_.counters.streams_accepted;
  const StreamId id{++last_id_};
  Stream& stream = streams_.try_emplace(last_id_, from, Kind::inbound, keys_.sealing).first->second;
  stream.patience.opened = clock_.now;
  stream.deadline_timer = clock_.timers.schedule(stream.patience.end(node_.config.tcp_timeout),
                                                 {TimerEvent::Kind::stream, last_id_});
  return id;
}

StreamId Streams::dial(Stream stream, TimePoint deadline) {
  ++journal_.counters.streams_dialled;
  const StreamId id{++last_id_};
  stream.dialled = clock_.now;
  stream.deadline_timer = clock_.timers.schedule(deadline, {TimerEvent::Kind::stream, last_id_});
  out_.push(DialStream{id, stream.peer, node_.advertise.ip});
  streams_.emplace(last_id_, std::move(stream));
  return id;
}

StreamId Streams::dial_push_pull(const Address& to, bool join) {
  ++journal_.counters.push_pulls_started;
  Stream stream(to, Kind::push_pull, keys_.sealing);
  stream.join = join;
  return dial(std::move(stream), clock_.now + node_.config.tcp_timeout);
}

void Streams::dial_user_message(const Address& to, BytesView payload, OperationId operation) {
  Stream stream(to, Kind::user_message, keys_.sealing);
  stream.operation = operation;
  ByteWriter out(stream.request);
  wire::encode(out, wire::UserHeader{static_cast<std::int64_t>(payload.size())});
  out.bytes(payload);
  dial(std::move(stream), clock_.now + node_.config.tcp_timeout);
}

void Streams::dial_ping(const Address& to, std::string_view node, std::uint32_t seq_no,
                        TimePoint deadline) {
  Stream stream(to, Kind::ping, keys_.sealing);
  stream.seq_no = seq_no;
  ByteWriter out(stream.request);
  const IpAddress source = node_.advertise.ip;
  wire::encode(out, wire::Ping{seq_no, node, source.wire_bytes(), node_.advertise.port,
                               cluster_.self_name()});
  pings_[seq_no] = dial(std::move(stream), deadline);
}

void Streams::abort_ping(std::uint32_t seq_no) {
  const auto found = pings_.find(seq_no);
  if (found == pings_.end()) return;
  const StreamId id = found->second;
  abort(id);
  finish(id, {});
}

void Streams::stop_push_pull(StreamId id, const Error& why) {
  if (!streams_.contains(std::to_underlying(id))) return;
  abort(id);
  finish(id, std::unexpected(why));
}

bool Streams::stop_user_message(OperationId operation, const Error& why) {
  const auto found = std::ranges::find_if(streams_, [operation](const auto& entry) {
    return entry.second.kind == Kind::user_message && entry.second.operation == operation;
  });
  if (found == streams_.end()) return false;
  const StreamId id{found->first};
  abort(id);
  finish(id, std::unexpected(why));
  return true;
}

// --- events -------------------------------------------------------------------------------------

void Streams::handle(StreamId id, const StreamEvent& event) {
  const auto found = streams_.find(std::to_underlying(id));
  if (found == streams_.end()) return;
  Stream& stream = found->second;
  std::visit(Overloaded{
                 [&](const StreamConnected&) { connected(id, stream); },
                 [&](const StreamData& data_event) { data(id, stream, data_event.bytes); },
                 [&](const StreamEnd&) { ended(id, stream); },
                 [&](const StreamFailed& failure) { failed(id, failure.error); },
             },
             event);
}

void Streams::connected(StreamId id, Stream& stream) {
  if (stream.kind == Kind::inbound) return;
  if (stream.kind != Kind::ping) {  // a ping has its probe's deadline for everything
    stream.patience.opened = clock_.now;
    clock_.timers.reschedule(stream.deadline_timer, clock_.now + node_.config.tcp_timeout);
  }
  if (stream.kind == Kind::push_pull) {
    PushPull::LocalState state = push_pull_.local_state(stream.join, true);
    if (stream.join) self_recognition_.sent(id, state.digest);
    return send_sealed(id, std::move(state.sealed));
  }
  send(id, std::exchange(stream.request, {}), true);
  if (stream.kind != Kind::user_message) return;
  close(id);
  finish(id, {});
}

void Streams::data(StreamId id, Stream& stream, BytesView bytes) {
  note_received(stream, bytes.size());
  if (stream.kind == Kind::inbound) {
    stream.opener.limit_unpacked(
        budget_.work_left(stream.peer.ip, stream.patience.received, clock_.now));
  }
  const wire::WireResult<wire::StreamOpener::Progress> progress =
      stream.opener.feed(bytes, known_states(stream));
  if (!progress) {
    const bool first = stream.patience.received == bytes.size();
    return refuse(id, stream, progress.error(), first ? bytes : BytesView{});
  }
  if (stream.kind == Kind::inbound && !admit_push_pull(id, stream)) return;
  if (*progress == wire::StreamOpener::Progress::need_more) {
    hold(stream, stream.opener.held_bytes());
    if (budget_.over()) shed_heaviest();
    return;
  }
  if (std::holds_alternative<wire::PushPullMessage>(stream.opener.message())) {
    journal_.sample(metric::kSizeRemote, stream.patience.received);
    warn_of_size(stream);
  }
  if (stream.kind == Kind::inbound) {
    serve(id, stream);
  } else {
    take_answer(id, stream);
  }
}

/// To bring the own states up to date is work. A source that has caused too much causes no more.
wire::KnownStates* Streams::known_states(const Stream& stream) {
  const bool pays =
      stream.kind != Kind::inbound || budget_.may_work(stream.peer.ip, stream.patience.received,
                                                       push_pull_.expected_bytes(), clock_.now);
  return pays ? &push_pull_ : nullptr;
}

/// What has come decides how long the rest may take.
void Streams::note_received(Stream& stream, std::size_t bytes) {
  journal_.counters.stream_bytes_received += bytes;
  StreamPatience& patience = stream.patience;
  const bool first = !patience.first_byte;
  const bool head_was_open = patience.received < limits::kStreamHeadBytes;
  if (first) patience.first_byte = clock_.now;
  patience.received += bytes;
  if (stream.kind != Kind::inbound) return;
  // Later the timer moves itself, once it fires: not with every piece.
  if (first || (head_was_open && patience.received >= limits::kStreamHeadBytes)) {
    clock_.timers.reschedule(stream.deadline_timer, patience.end(node_.config.tcp_timeout));
  }
}

/// A cluster that grows beyond the limit falls apart: an operator must be warned in time.
void Streams::warn_of_size(const Stream& stream) {
  const auto share = [](std::size_t bytes, std::size_t limit) {
    return static_cast<double>(bytes) / static_cast<double>(limit);
  };
  const std::size_t whole = std::max(stream.opener.unpacked_bytes(), stream.patience.received);
  const double used = std::max(share(whole, limits::kStreamMessageBytes),
                               share(stream.opener.announced_bytes(), limits::kStreamPayloadBytes));
  if (used < limits::kStateWarningShare) return;
  const std::uint64_t subject = journal_.subject(Address{stream.peer.ip, 0});
  journal_.log_state(LogCause::state_size, subject, LogLevel::warning, stream.peer, [&] {
    return LogLine(
        fmt::format("the state of {} for push/pull has {} % of the size that is accepted",
                    stream.peer.to_string(), static_cast<int>(100 * used)),
        {{"percent", std::to_string(static_cast<int>(100 * used))}});
  });
}

void Streams::hold(Stream& stream, std::size_t bytes) {
  budget_.hold(stream.peer.ip,
               static_cast<std::ptrdiff_t>(bytes) - static_cast<std::ptrdiff_t>(stream.held_bytes));
  stream.held_bytes = bytes;
}

/// Too much is held for incomplete streams: the peer that holds most is dropped.
void Streams::shed_heaviest() {
  const std::optional<IpAddress> peer = budget_.heaviest();
  if (!peer) return;
  std::uint64_t largest = 0;
  std::size_t most = 0;
  for (const auto& [number, stream] : streams_) {
    if (source_of(stream.peer.ip) != *peer || stream.held_bytes < most) continue;
    if (stream.held_bytes == most && number > largest) continue;  // whatever the table's order
    largest = number;
    most = stream.held_bytes;
  }
  const auto found = streams_.find(largest);
  if (found == streams_.end()) return;
  refuse(StreamId{largest}, found->second,
         {wire::WireErrorKind::limit, "busy: incomplete streams use too much memory", most});
}

void Streams::ended(StreamId id, Stream& stream) {
  if (stream.kind == Kind::inbound && !stream.opener.started()) {
    close(id);
    return finish(id, {});
  }
  if (stream.opener.started()) {
    return refuse(id, stream,
                  {wire::WireErrorKind::malformed, wire::kTruncated, stream.opener.held_bytes()});
  }
  // A peer that has another label, or cannot decrypt the request, closes without an answer.
  const std::string peer = stream.peer.to_string();
  abort(id);
  finish(
      id,
      fail(ErrorCode::protocol,
           peer + " closed the connection without an answer: does it have the same label and key?",
           peer));
}

void Streams::failed(StreamId id, const Error& error) { finish(id, std::unexpected(error)); }

void Streams::deadline(StreamId id) {
  const auto found = streams_.find(std::to_underlying(id));
  if (found == streams_.end()) return;
  Stream& stream = found->second;
  if (stream.kind != Kind::ping && stream.patience.first_byte) {
    // A message that comes fast enough is waited for.
    const TimePoint end = stream.patience.end(node_.config.tcp_timeout);
    if (end > clock_.now) {
      stream.deadline_timer =
          clock_.timers.schedule(end, {TimerEvent::Kind::stream, std::to_underlying(id)});
      return;
    }
  }
  if (stream.kind == Kind::inbound) {
    ++journal_.counters.dropped_limit;
    journal_.log_peer(LogCause::stream, LogLevel::warning, stream.peer, [&] {
      const std::chrono::duration<double> open = clock_.now - stream.patience.opened;
      return LogLine(fmt::format("stream closed: incomplete after {:.1f} s, {} bytes received",
                                 open.count(), stream.patience.received),
                     {{"bytes", std::to_string(stream.patience.received)}});
    });
  }
  const std::string peer = stream.peer.to_string();
  abort(id);
  finish(id, fail(ErrorCode::timed_out,
                  fmt::format("{} did not answer within {}", peer,
                              format_duration(node_.config.tcp_timeout)),
                  peer));
}

/// The stream has ended: informs the listener that started it, and forgets it.
void Streams::finish(StreamId id, const Result<void>& result) {
  auto node = streams_.extract(std::to_underlying(id));
  Stream& stream = node.mapped();
  clock_.timers.cancel(stream.deadline_timer);
  hold(stream, 0);
  switch (stream.kind) {
    case Kind::inbound:
      if (stream.counted_push_pull) {
        --served_push_pulls_;
        budget_.push_pull_closed(stream.peer.ip);
      }
      budget_.worked(stream.peer.ip, stream.patience.received,
                     stream.work_bytes + stream.opener.unpacked_bytes(), clock_.now);
      budget_.closed(stream.peer.ip);
      return;
    case Kind::ping:
      pings_.erase(stream.seq_no);  // how it went is judged at the probe's own deadline
      return;
    case Kind::user_message:
      if (result) {
        operations_.complete(stream.operation, OperationOutcome{});
      } else {
        operations_.complete(stream.operation, std::unexpected(result.error()));
      }
      return;
    case Kind::push_pull:
      self_recognition_.over(id);
      journal_.time(metric::kPushPullNode, clock_.now - stream.dialled);
      // That one's own address is in the list is what is meant where all hosts have the same list.
      if (!result && result.error().code != ErrorCode::own_address) {
        ++journal_.counters.push_pulls_failed;
        const std::uint64_t subject = journal_.subject(stream.peer);
        journal_.log_state(LogCause::stream, subject, LogLevel::warning, stream.peer, [&] {
          return LogLine("push/pull failed: " + escape_controls(result.error().message),
                         {{"error", std::string(to_string(result.error().code))}});
        });
      }
      listener_.on_push_pull_ended(id, result);
      return;
  }
}

// --- the answering side -------------------------------------------------------------------------

/// Counts a stream as a push/pull from its first message byte on. False: one too many, refused.
bool Streams::admit_push_pull(StreamId id, Stream& stream) {
  if (stream.counted_push_pull || stream.opener.first_type() != wire::MessageType::push_pull) {
    return true;
  }
  if (served_push_pulls_ >= limits::kConcurrentPushPulls) {
    ++journal_.counters.dropped_limit;
    answer_error(id,
                 fmt::format("busy: already serving {} push/pulls", limits::kConcurrentPushPulls));
    return false;
  }
  if (!budget_.admit_push_pull(stream.peer.ip)) {
    ++journal_.counters.dropped_limit;
    answer_error(id, fmt::format("busy: already serving {} push/pulls of yours",
                                 limits::kPushPullsPerSource));
    return false;
  }
  ++served_push_pulls_;
  stream.counted_push_pull = true;
  return true;
}

void Streams::serve(StreamId id, Stream& stream) {
  std::visit(
      Overloaded{
          [&](const wire::PushPullMessage& message) { serve_push_pull(id, stream, message); },
          [&](const wire::StreamUserMessage& message) {
            ++journal_.counters.user_messages;
            const MemberIndex sender = cluster_.table.find_unique(stream.peer.ip);
            out_.push(Event{UserMessage{
                stream.peer,
                sender == kNoMember ? std::string{} : cluster_.table.at(sender).record->name,
                to_bytes(message.payload), true}});
            close(id);
            finish(id, {});
          },
          [&](const wire::Ping& ping) { serve_ping(id, ping, stream.peer); },
          [&](const auto&) {
            refuse(id, stream,
                   {wire::WireErrorKind::malformed,
                    "message is a response, but a request was expected", 0});
          },
      },
      stream.opener.message());
}

/// Checks before it answers, so that a refused peer learns the reason (protocol 6,
/// docs/differences.md).
void Streams::serve_push_pull(StreamId id, Stream& stream, const wire::PushPullMessage& message) {
  if (message.header.join && self_recognition_.is_under_way(message)) {
    return send_error(id, self_recognition_.answer(node_.random));
  }
  if (!may_answer_push_pull(id, stream)) return;
  const Address from = stream.peer;
  const Result<void> verdict = admits(message, from);
  if (!verdict) {
    ++journal_.counters.push_pulls_failed;
    stream.work_bytes += cluster_.table.size() * kRefusalWorkOfMember;
    const std::uint64_t subject = journal_.subject(Address{from.ip, 0});
    journal_.log_state(LogCause::stream, subject, LogLevel::warning, from, [&] {
      return LogLine("push/pull refused: " + escape_controls(verdict.error().message),
                     {{"error", std::string(to_string(verdict.error().code))}});
    });
    return answer_error(id, verdict.error().message);
  }
  ++journal_.counters.push_pulls_served;
  PushPull::LocalState state = push_pull_.local_state(message.header.join, false);
  stream.work_bytes += state.work_bytes;
  send_sealed(id, std::move(state.sealed));
  close(id);
  push_pull_.merge(message, from, PushPull::Occasion::request);
  finish(id, {});
}

/// All whom this node can reach may be in its position, each of them waiting for another one. So an
/// old answer counts no longer for who wants to join.
void Streams::forget_name_holder() {
  if (!node_.name_holder || node_.life != Life::here) return;
  if (clock_.now - node_.name_holder->told_at < limits::kNameTakenTime) return;
  node_.name_holder.reset();
}

/// A node whose name is taken is not part of the cluster, so a node that joined through it would be
/// isolated while it believes that it has joined. Once this node has left, its state would say that
/// the member with the name has left.
Result<void> Streams::admits(const wire::PushPullMessage& message, const Address& from) {
  if (message.header.join) forget_name_holder();
  if (node_.name_holder && (message.header.join || (node_.life == Life::left))) {
    return fail(
        ErrorCode::name_taken,
        fmt::format("this node has not joined itself: its name {} is taken by the member "
                    "at {}",
                    show_name(cluster_.self_name()), node_.name_holder->address.to_string()));
  }
  return push_pull_.check(message, from);
}

/// The state may be a million times as long as the request. A peer that sends about as much as it
/// gets is always answered; others as long as their source has not caused too much work.
bool Streams::may_answer_push_pull(StreamId id, const Stream& stream) {
  const IpAddress& ip = stream.peer.ip;
  const std::size_t received = stream.patience.received;
  if (budget_.may_work(ip, received, push_pull_.expected_bytes(), clock_.now)) return true;
  ++journal_.counters.dropped_limit;
  const std::uint64_t subject = journal_.subject(Address{ip, 0});
  journal_.log_state(LogCause::limit, subject, LogLevel::warning, stream.peer, [&] {
    return fmt::format("push/pull refused: {} has recently requested more than {} bytes of state",
                       source_of(ip).to_string(), limits::kSourceWorkBytes);
  });
  answer_error(id, "busy: your address has requested too much state recently");
  return false;
}

void Streams::serve_ping(StreamId id, const wire::Ping& ping, const Address& from) {
  if (!ping.node.empty() && ping.node != cluster_.self_name()) {
    const std::uint64_t subject = journal_.subject(Address{from.ip, 0});
    journal_.log_state(LogCause::wrong_name, subject, LogLevel::warning, from, [&] {
      return LogLine(fmt::format("ping by stream for {} ignored: this node is {}",
                                 escape_for_log(ping.node), show_name(cluster_.self_name())),
                     {{"member", escape_for_log(ping.node)}});
    });
  } else {
    Bytes plain;
    ByteWriter out(plain);
    wire::encode(out, wire::Ack{ping.seq_no, {}});
    send(id, std::move(plain), false);
  }
  close(id);
  finish(id, {});
}

/// The stream cannot be read. A peer with another label gets no answer; others are told why. For
/// this node's own request, that the keys differ is `crypto`.
void Streams::refuse(StreamId id, const Stream& stream, const wire::WireError& error,
                     BytesView begin) {
  const Dropped dropped{.what = "stream",
                        .from = stream.peer,
                        .label = stream.opener.peer_label(),
                        .begin = begin,
                        .by_stream = true};
  const bool of_keys = is_about_keys(error.kind);
  if (stream.kind == Kind::inbound) {
    // The answer may end the stream, and with it what `dropped` refers to.
    const std::string text = of_keys ? error.what : error.to_string();
    journal_.drop(error, dropped);
    if (error.kind != wire::WireErrorKind::label) return answer_error(id, text);
    abort(id);
    return finish(id, {});
  }
  journal_.count_drop(error.kind);
  const std::string peer = stream.peer.to_string();
  const Error why{of_keys ? ErrorCode::crypto : ErrorCode::protocol,
                  fmt::format("invalid answer from {}: {}", peer, journal_.mistake(error, dropped)),
                  peer};
  abort(id);
  finish(id, std::unexpected(why));
}

/// Answers with an error message, unless there were too many of late, and ends the stream.
void Streams::answer_error(StreamId id, std::string_view text) {
  if (!budget_.take_error_reply(clock_.now)) {
    ++journal_.counters.dropped_limit;
    abort(id);
    return finish(id, {});
  }
  send_error(id, text);
}

void Streams::send_error(StreamId id, std::string_view text) {
  Bytes plain;
  ByteWriter out(plain);
  wire::encode(out, wire::ErrorMessage{text.substr(0, limits::kErrorTextBytes)});
  send(id, std::move(plain), false);
  close(id);
  finish(id, {});
}

// --- the dialling side --------------------------------------------------------------------------

void Streams::take_answer(StreamId id, Stream& stream) {
  close(id);
  if (stream.kind == Kind::push_pull) {
    const Result<void> result = take_push_pull_answer(id, stream);
    return finish(id, result);
  }
  const auto* ack = std::get_if<wire::Ack>(&stream.opener.message());
  if (ack != nullptr && ack->seq_no == stream.seq_no) listener_.on_stream_ack(stream.seq_no);
  finish(id, {});
}

Result<void> Streams::take_push_pull_answer(StreamId id, const Stream& stream) {
  const wire::StreamMessage& message = stream.opener.message();
  const Address& from = stream.peer;
  if (const auto* error = std::get_if<wire::ErrorMessage>(&message)) {
    return take_error(id, from, error->error);
  }
  const auto* answer = std::get_if<wire::PushPullMessage>(&message);
  if (answer == nullptr) {
    return fail(ErrorCode::protocol, from.to_string() + " did not answer with a push/pull message",
                from.to_string());
  }
  if (stream.join) {
    if (auto verdict = push_pull_.check_name(*answer, from); !verdict) return verdict;
  }
  if (auto verdict = push_pull_.check(*answer, from); !verdict) return verdict;
  push_pull_.merge(*answer, from,
                   stream.join ? PushPull::Occasion::answer_to_join : PushPull::Occasion::answer);
  return {};
}

Result<void> Streams::take_error(StreamId id, const Address& from, std::string_view text) {
  switch (self_recognition_.judge(id, text)) {
    case SelfRecognition::Verdict::self:
      return fail(ErrorCode::own_address, from.to_string() + " is this node itself",
                  from.to_string());
    case SelfRecognition::Verdict::same_name:
      return push_pull_.name_taken(from, from);
    case SelfRecognition::Verdict::other:
      break;
  }
  return fail(ErrorCode::refused_by_peer,
              fmt::format("{} refused: {}", from.to_string(), escape_for_log(text)),
              from.to_string());
}

void Streams::send(StreamId id, Bytes plain, bool with_label_header) {
  send_sealed(id, wire::seal_stream(keys_.sealing, std::move(plain), with_label_header, lzw_));
}

void Streams::send_sealed(StreamId id, Bytes sealed) {
  note_key_use(keys_, cluster_, journal_);
  journal_.counters.stream_bytes_sent += sealed.size();
  out_.push(WriteStream{id, std::move(sealed)});
}

}  // namespace memberlist::swim
