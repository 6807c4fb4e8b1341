#include "driver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <string>
#include <utility>
#include <variant>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "sim/digest.hpp"
#include "sim/internals.hpp"

namespace memberlist::fuzz {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kShownBytes = 48;
// For each message of a packet an answer, an event or two and what is logged.
constexpr std::size_t kMaxOutputs = 4 * limits::kPacketMessages;

std::string hex(BytesView bytes) {
  std::string text = fmt::format("{} bytes", bytes.size());
  if (bytes.empty()) return text;
  text += ':';
  for (const std::byte byte : bytes.first(std::min(bytes.size(), kShownBytes))) {
    text += fmt::format(" {:02x}", std::to_integer<int>(byte));
  }
  return bytes.size() > kShownBytes ? text + " ..." : text;
}

std::string show(StreamId id) { return fmt::format("stream {}", std::to_underlying(id)); }

Engine make_engine(const Setup& setup, Policy& policy, std::uint64_t& nonces, TimePoint now) {
  EngineEnvironment environment;
  environment.advertise = member_address(0);
  environment.now = now;
  environment.seed = setup.seed;
  environment.nonce_source = [&nonces](std::span<std::byte> nonce) {
    ++nonces;
    for (std::size_t i = 0; i < nonce.size(); ++i) {
      nonce[i] = static_cast<std::byte>(nonces >> (8 * (i % 8)));
    }
  };
  environment.metrics = true;
  if (setup.with_policy) environment.policy = &policy;
  return Engine::create(setup.config, environment).value();
}

/// Where a sum would be beyond the end of time.
TimePoint later(TimePoint now, Duration duration) {
  return duration > kNever - now ? kNever : now + duration;
}

}  // namespace

Driver::Driver(const Setup& setup, Forge& forge, Care care)
    : care_(care),
      reporter_(care == Care::traced),
      forge_(forge),
      now_(TimePoint(1h)),
      engine_(make_engine(setup, policy_, nonces_, now_)),
      ledger_(reporter_, forge.opening()),
      invariants_(reporter_, engine_, forge.opening(), known_) {
  forge_.configure(setup.config);
  begin("create", [] { return std::string("an engine"); });
  finish();
}

template <class Detail>
void Driver::begin(const char* what, Detail&& detail) {
  reporter_.begin_step(what);
  if (!reporter_.tracing()) return;
  const auto at = std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch());
  reporter_.trace(fmt::format("{} ms  {}: {}", (at - 1h).count(), what, detail()));
}

void Driver::finish() {
  reporter_.require(engine_.outputs().size() <= kMaxOutputs, "an input has bounded outputs");
  const bool has_keys = !engine_.keys().empty();
  forge_.expect(has_keys, has_keys && engine_.gossip_verify().outgoing);
  for (Output& output : engine_.outputs()) take(output);
  engine_.clear_outputs();
  digests_.push_back(digest_);
  if (care_ == Care::quick) return;
  invariants_.after_step(engine_, ledger_);
  sim::check_internals(engine_, reporter_);
}

void Driver::take(Output& output) {
  if (reporter_.tracing()) trace(output);
  digest_ = sim::add_to_digest(digest_, output);
  if (care_ != Care::quick) {
    invariants_.take(output);
  } else if (const auto* packet = std::get_if<SendPacket>(&output)) {
    invariants_.take_packet(*packet);
  }
  std::visit(
      [this](const auto& what) {
        if constexpr (requires { ledger_.take(what); }) ledger_.take(what);
      },
      output);
}

void Driver::trace(const Output& output) const {
  std::string text;
  if (const auto* packet = std::get_if<SendPacket>(&output)) {
    text = fmt::format("packet to {}, {}", packet->to.to_string(), hex(packet->bytes));
  } else if (const auto* dial = std::get_if<DialStream>(&output)) {
    text = fmt::format("dial {}, {}", dial->to.to_string(), show(dial->id));
  } else if (const auto* write = std::get_if<WriteStream>(&output)) {
    text = fmt::format("write to {}, {}", show(write->id), hex(write->bytes));
  } else if (const auto* close = std::get_if<CloseStream>(&output)) {
    text = "close " + show(close->id);
  } else if (const auto* abort = std::get_if<AbortStream>(&output)) {
    text = "abort " + show(abort->id);
  } else if (const auto* completion = std::get_if<Completion>(&output)) {
    text = fmt::format("operation {} completes{}", std::to_underlying(completion->id),
                       completion->result ? "" : ": " + completion->result.error().message);
  } else if (const auto* record = std::get_if<LogRecord>(&output)) {
    text = "log: " + record->text;
  } else if (const auto* event = std::get_if<Event>(&output)) {
    const auto* member = std::get_if<MemberEvent>(event);
    text = member == nullptr
               ? fmt::format("event of kind {}", event->index())
               : fmt::format("event {}: {} is {} ({})", to_string(member->kind),
                             escape_for_log(member->member.name()),
                             to_string(member->member.status), member->member.incarnation);
  }
  reporter_.trace("    -> " + text);
}

// --- what a network does ------------------------------------------------------------------------

void Driver::packet(const Address& from, Bytes bytes) {
  begin("packet", [&] { return fmt::format("from {}, {}", from.to_string(), hex(bytes)); });
  engine_.handle_packet(now_, from, bytes);
  std::ranges::fill(bytes, std::byte{0xee});  // nothing may be left that views it
  finish();
}

void Driver::send_error(const Address& to, ErrorCode code) {
  begin("send error", [&] { return to.to_string(); });
  engine_.handle_send_error(now_, to, {code, "it could not be sent", to.to_string()});
  finish();
}

std::optional<StreamId> Driver::accept(const Address& from) {
  begin("accept", [&] { return from.to_string(); });
  const std::optional<StreamId> id = engine_.handle_accept(now_, from);
  if (id) ledger_.accepted(*id, from);
  finish();
  return id;
}

void Driver::connect(StreamId id) {
  begin("connected", [&] { return show(id); });
  ledger_.connected(id);
  engine_.handle_stream(now_, id, StreamConnected{});
  finish();
}

void Driver::feed(StreamId id, BytesView bytes) {
  begin("stream data", [&] { return fmt::format("{}, {}", show(id), hex(bytes)); });
  Bytes copy = to_bytes(bytes);
  engine_.handle_stream(now_, id, StreamData{copy});
  std::ranges::fill(copy, std::byte{0xee});
  finish();
}

void Driver::end(StreamId id) {
  begin("stream end", [&] { return show(id); });
  ledger_.streams().at(id).peer_ended = true;
  engine_.handle_stream(now_, id, StreamEnd{});
  finish();
}

void Driver::fail(StreamId id) {
  begin("stream failed", [&] { return show(id); });
  ledger_.failed(id);
  engine_.handle_stream(now_, id, StreamFailed{{ErrorCode::unreachable, "refused", {}}});
  finish();
}

// --- time ---------------------------------------------------------------------------------------

void Driver::pass(Duration duration) { now_ += duration; }

void Driver::deadline() {
  begin("deadline", [&] { return std::string("due"); });
  engine_.handle_deadline(now_);
  invariants_.after_deadline(engine_, now_);
  finish();
}

void Driver::next_deadline() {
  const TimePoint next = engine_.next_deadline();
  if (next == kNever) return;
  now_ = std::max(now_, next);
  deadline();
}

// --- what an application does -------------------------------------------------------------------

void Driver::started(const Result<OperationId>& id, bool is_leave, bool may_last) {
  if (id) ledger_.started(*id, is_leave, may_last);
  finish_command(id.has_value(), id ? nullptr : &id.error());
}

// Metrics that were not told yet are told at any call.
bool Driver::nothing_to_do() {
  return std::ranges::all_of(engine_.outputs(), [](const Output& output) {
    return std::holds_alternative<MetricRecord>(output);
  });
}

void Driver::finish_command(bool taken, const Error* error) {
  if (!taken) {
    reporter_.require(nothing_to_do(), "commands that fail at once change nothing");
    if (reporter_.tracing()) reporter_.trace("    -> refused: " + error->message);
  }
  finish();
}

void Driver::join(std::vector<JoinTarget> targets) {
  begin("join", [&] { return fmt::format("{} targets", targets.size()); });
  started(engine_.join(now_, std::move(targets)), false, false);
}

void Driver::leave(Duration timeout) {
  begin("leave", [&] { return fmt::format("within {}", format_duration(timeout)); });
  const Result<OperationId> id = engine_.leave(now_, timeout);
  if (id) invariants_.leaving();
  started(id, true, later(now_, timeout) == kNever);
}

void Driver::update_meta(BytesView meta, Duration timeout) {
  begin("update meta", [&] { return hex(meta); });
  started(engine_.update_meta(now_, meta, timeout), false, later(now_, timeout) == kNever);
}

void Driver::advertise(const Address& address, Duration timeout) {
  begin("advertise", [&] { return address.to_string(); });
  const Result<OperationId> id = engine_.advertise(now_, address, timeout);
  if (id) ledger_.moving(*id);
  started(id, false, later(now_, timeout) == kNever);
}

void Driver::send_best_effort(const Address& to, BytesView payload) {
  begin("send", [&] { return fmt::format("to {}, {}", to.to_string(), hex(payload)); });
  const Result<void> sent = engine_.send_best_effort(now_, to, payload);
  finish_command(sent.has_value(), sent ? nullptr : &sent.error());
}

void Driver::send_reliable(const Address& to, BytesView payload) {
  begin("send reliably", [&] { return fmt::format("to {}, {}", to.to_string(), hex(payload)); });
  started(engine_.send_reliable(now_, to, payload), false, false);
}

void Driver::broadcast(BytesView payload, std::string_view name) {
  begin("broadcast", [&] { return fmt::format("'{}', {}", escape_for_log(name), hex(payload)); });
  const Result<void> queued = engine_.broadcast(now_, payload, name);
  finish_command(queued.has_value(), queued ? nullptr : &queued.error());
}

void Driver::ping(std::string_view member) {
  begin("ping", [&] { return escape_for_log(member); });
  started(engine_.ping(now_, member), false, false);
}

void Driver::cancel(OperationId id) {
  begin("cancel", [&] { return fmt::format("operation {}", std::to_underlying(id)); });
  const Error why{ErrorCode::cancelled, "the fuzzer has changed its mind", {}};
  const bool open = ledger_.operations().contains(id);
  engine_.cancel(now_, id, why);
  if (open) {
    require_cancelled(id, why);
  } else {
    reporter_.require(nothing_to_do(), "an operation that is over is left alone");
  }
  finish();
}

void Driver::require_cancelled(OperationId id, const Error& why) {
  const auto outputs = engine_.outputs();
  const auto is_its_end = [&](const Output& output) {
    const auto* completion = std::get_if<Completion>(&output);
    return completion != nullptr && completion->id == id;
  };
  const auto end = std::ranges::find_if(outputs, is_its_end);
  reporter_.require(end != outputs.end(), "a cancelled operation ends at once");
  const auto& result = std::get<Completion>(*end).result;
  reporter_.require(result ? result->contacted > 0 : result.error() == why,
                    "a cancelled operation ends for the reason given, or as the join it has been");
}

void Driver::add_key(BytesView key) {
  begin("add key", [&] { return hex(key); });
  const Result<void> added = engine_.add_key(key);
  finish_command(added.has_value(), added ? nullptr : &added.error());
}

void Driver::use_key(BytesView key) {
  begin("use key", [&] { return hex(key); });
  const Result<void> used = engine_.use_key(key);
  finish_command(used.has_value(), used ? nullptr : &used.error());
}

void Driver::remove_key(BytesView key) {
  begin("remove key", [&] { return hex(key); });
  const Result<void> removed = engine_.remove_key(key);
  finish_command(removed.has_value(), removed ? nullptr : &removed.error());
}

void Driver::set_gossip_verify(bool incoming, bool outgoing) {
  begin("verify", [&] { return fmt::format("incoming {}, outgoing {}", incoming, outgoing); });
  engine_.set_gossip_verify(incoming, outgoing);
  finish();
}

/// In big strides, as a node would that gets little time: dials, exchanges, probes and suspicions
/// take tens of seconds, a timeout at most a day.
void Driver::drain() {
  constexpr Duration kStride = 11s;
  constexpr int kStrides = 12;
  constexpr Duration kLongest = 25h;
  if (ledger_.bounded_operations() == 0 && ledger_.streams().empty()) return;
  const std::uint64_t last_stream = ledger_.last_stream();
  for (int i = 0; i < kStrides; ++i) {
    pass(kStride);
    deadline();
  }
  pass(kLongest);
  deadline();
  reporter_.require(ledger_.bounded_operations() == 0, "every operation completes");
  const auto is_old = [&](const auto& stream) {
    return std::to_underlying(stream.first) <= last_stream;
  };
  reporter_.require(std::ranges::none_of(ledger_.streams(), is_old), "every stream ends");
}

}  // namespace memberlist::fuzz
