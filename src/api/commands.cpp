// Memberlist::Impl: what the application asks for, on its own threads.

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <memory>
#include <span>
#include <utility>
#include <variant>

#include "api/memberlist_impl.hpp"
#include "base/limits.hpp"
#include "base/own_packet.hpp"
#include "memberlist/name_text.hpp"
#include "net/advertised.hpp"
#include "swim/member_table.hpp"
#include "swim/message_checks.hpp"

namespace memberlist {
namespace {

constexpr Duration kAnnounceTimeout = std::chrono::seconds(5);

// The caller was told that it can be done.
void carry_out_checked([[maybe_unused]] const Result<void>& result) { assert(result); }

// A `done` for an operation whose outcome has no value.
api::Call::Then without_value(std::function<void(Result<void>)> done) {
  return [done = std::move(done)](api::Call::Outcome outcome) {
    done(outcome ? Result<void>{} : std::unexpected(std::move(outcome.error())));
  };
}

// Keys that wait to be handed to the engine are wiped when they were, or if they never are.
std::shared_ptr<const Bytes> keep_secret(BytesView key) {
  return {new Bytes(key.begin(), key.end()), [](Bytes* bytes) {
            wipe(std::span(*bytes));
            delete bytes;
          }};
}

// A key or a fingerprint, in memory of its own.
class OwnedKeyChoice {
 public:
  explicit OwnedKeyChoice(const input::KeyChoice& choice)
      : is_key_(std::holds_alternative<BytesView>(choice)),
        bytes_(keep_secret(is_key_ ? std::get<BytesView>(choice)
                                   : as_bytes(std::get<std::string_view>(choice)))) {}

  [[nodiscard]] input::KeyChoice get() const {
    return is_key_ ? input::KeyChoice(BytesView(*bytes_)) : input::KeyChoice(as_text(*bytes_));
  }

 private:
  bool is_key_;
  std::shared_ptr<const Bytes> bytes_;
};

}  // namespace

// --- calls --------------------------------------------------------------------------------------

bool Memberlist::Impl::begin(Start start, std::size_t bytes, const std::stop_token& stop,
                             const CallPointer& call) {
  std::optional<Error> refused = refusal();
  if (!refused && stop.stop_requested()) refused = api::cancelled_error();
  if (!refused && !await(call)) refused = shut_down_error();
  if (!refused) refused = hand_over_start(std::move(start), bytes, call);
  if (refused) {
    call->complete(std::unexpected(*std::move(refused)));
    return false;
  }
  watch(stop, call);
  return true;
}

std::optional<Error> Memberlist::Impl::hand_over_start(Start start, std::size_t bytes,
                                                       const CallPointer& call) try {
  const auto handed = hand_over({[this, call, start = std::move(start)](Engine&, TimePoint now) {
                                   start_operation(call, start, now);
                                 },
                                 bytes});
  return !handed && end_wait(call) ? std::optional(handed.error()) : std::nullopt;
} catch (...) {  // no memory: the caller learns that, and nothing else of the call
  (void)end_wait(call);
  throw;
}

void Memberlist::Impl::start_operation(const CallPointer& call, const Start& start, TimePoint now) {
  {
    const std::lock_guard lock(mutex_);
    if (!waiting_.contains(call)) return;  // it has ended before it began
  }
  const Result<OperationId> id = start(*engine_, now);
  const std::lock_guard lock(mutex_);
  if (waiting_.erase(call) == 0) return;
  if (id) {
    calls_.emplace(*id, call);
  } else {
    new_outcomes_.emplace_back(call, std::unexpected(OperationError{id.error()}));
  }
}

bool Memberlist::Impl::await(const CallPointer& call) {
  const std::lock_guard lock(mutex_);
  if (!stopping_) waiting_.insert(call);
  return !stopping_;
}

bool Memberlist::Impl::end_wait(const CallPointer& call) {
  const std::lock_guard lock(mutex_);
  return waiting_.erase(call) > 0;
}

// A stop may be requested from anywhere, also from within a Policy: the loop's thread acts on it.
void Memberlist::Impl::watch(const std::stop_token& stop, const CallPointer& call) {
  call->watch(stop, [weak = weak_from_this(), weak_call = std::weak_ptr(call)] {
    const auto self = weak.lock();
    if (!self) return;
    self->post([weak_call](Impl& owner) {
      if (const auto stopped = weak_call.lock()) owner.cancel(stopped);
    });
  });
}

Result<void> Memberlist::Impl::hand_over(api::Command command) {
  // Only messages wait for room, and not on the thread that makes it.
  const bool is_message = command.kind == api::Command::Kind::message;
  const bool waits = is_message && !on_loop_thread();
  switch (commands_.push(std::move(command), waits ? limits::kMessagePatience : Duration::zero())) {
    case api::CommandQueue::Pushed::yes:
      return {};
    case api::CommandQueue::Pushed::closed:
      return std::unexpected(shut_down_error());
    case api::CommandQueue::Pushed::full:
      break;
  }
  if (waits) {
    return fail(ErrorCode::timed_out,
                fmt::format("the protocol thread has not made room within {}: {} messages or {} "
                            "MiB wait for it",
                            format_duration(limits::kMessagePatience), limits::kWaitingMessages,
                            limits::kWaitingCommandBytes / limits::kMiB),
                config_.name);
  }
  return fail(
      ErrorCode::too_large,
      fmt::format("{} {} or {} MiB already wait for the protocol thread",
                  is_message ? limits::kWaitingMessages : limits::kWaitingCommands,
                  is_message ? "messages" : "calls", limits::kWaitingCommandBytes / limits::kMiB),
      config_.name);
}

// --- the commands -------------------------------------------------------------------------------

void Memberlist::Impl::leave(const CallOptions& options, Done<Result<void>> done) {
  const bool leaves = begin(
      [timeout = options.timeout.value_or(kAnnounceTimeout)](Engine& engine, TimePoint now) {
        return engine.leave(now, timeout);
      },
      0, options.stop,
      std::make_shared<api::Call>(without_value(std::move(done)), api::Call::OnCancel::detach));
  if (leaves) leaving_ = true;
}

// Where the machine's address is detected, and is another one by now. Not in a turn: the system is
// asked.
std::optional<net::AdvertisedChoice> Memberlist::Impl::detect_moved() const {
  if (!detects_address_) return std::nullopt;
  return net::detect_moved(config_.bind.ip, published_.self().address().ip);
}

void Memberlist::Impl::update_meta(BytesView meta, const CallOptions& options,
                                   Done<Result<void>> done) {
  if (auto refused = refusal()) return done(std::unexpected(*std::move(refused)));
  begin(
      [this, meta = to_bytes(meta), moved = detect_moved(), chosen = options.timeout](
          Engine& engine, TimePoint now) -> Result<OperationId> {
        const Duration usual = moved ? 2 * kAnnounceTimeout : kAnnounceTimeout;  // two messages
        const Duration timeout = chosen.value_or(usual);
        // Not for meta data that is refused: a call that fails at once changes nothing.
        if (moved && check_own_meta(config_, meta.size())) {
          const Address address{moved->ip, engine.local_member().address().port};
          if (auto moving = engine.advertise(now, address, timeout); !moving) return moving;
          post([choice = *moved](Impl& self) { self.log_choice(choice); });
        }
        return engine.update_meta(now, meta, timeout);
      },
      meta.size(), options.stop,
      std::make_shared<api::Call>(without_value(std::move(done)), api::Call::OnCancel::detach));
}

void Memberlist::Impl::send_reliable(const Receiver& to, BytesView payload,
                                     const CallOptions& options, Done<Result<void>> done) {
  const auto call = std::make_shared<api::Call>(without_value(std::move(done)));
  if (auto refused = refusal()) return call->complete(std::unexpected(*std::move(refused)));
  // Before the payload is copied.
  const auto address = address_of(to);
  if (!address) return call->complete(std::unexpected(address.error()));
  if (auto fits = swim::check_stream_message(payload.size()); !fits) {
    return call->complete(std::unexpected(std::move(fits.error())));
  }
  begin([to = *address, payload = to_bytes(payload), timeout = options.timeout](
            Engine& engine,
            TimePoint now) { return engine.send_reliable(now, to, payload, timeout); },
        payload.size(), options.stop, call);
}

void Memberlist::Impl::ping(std::string_view member, const CallOptions& options,
                            Done<Result<PingResult>> done) {
  begin([member = std::string(member), timeout = options.timeout](
            Engine& engine, TimePoint now) { return engine.ping(now, member, timeout); },
        member.size(), options.stop,
        std::make_shared<api::Call>([done = std::move(done)](Outcome outcome) {
          if (!outcome) return done(std::unexpected(std::move(outcome.error())));
          done(PingResult{outcome->round_trip, std::move(outcome->payload)});
        }));
}

Result<void> Memberlist::Impl::send_now(const Receiver& to, BytesView payload) {
  if (auto refused = refusal()) return std::unexpected(*std::move(refused));
  const auto address = address_of(to);
  if (!address) return std::unexpected(address.error());
  if (auto fits = swim::check_packet_message(payload.size(), max_packet_payload_); !fits) {
    return fits;
  }
  return hand_over({[to = *address, payload = to_bytes(payload)](Engine& engine, TimePoint now) {
                      carry_out_checked(engine.send_best_effort(now, to, payload));
                    },
                    payload.size(), api::Command::Kind::message});
}

Result<void> Memberlist::Impl::broadcast(BytesView payload, std::string_view name) {
  if (auto refused = refusal()) return std::unexpected(*std::move(refused));
  if (auto fits = swim::check_broadcast(payload.size(), max_packet_payload_); !fits) return fits;
  if (leaving_) return std::unexpected(swim::left_error());
  return hand_over(
      {[payload = to_bytes(payload), name = std::string(name)](Engine& engine, TimePoint now) {
         // Refused only if another thread leaves at the same time.
         [[maybe_unused]] const auto queued = engine.broadcast(now, payload, name);
       },
       payload.size() + name.size()});
}

Result<Address> Memberlist::Impl::address_of(const Receiver& to) const {
  if (const auto* address = std::get_if<Address>(&to)) {
    if (!config_.require_node_names) return *address;
    const std::string text = address->to_string();
    return fail(ErrorCode::name_required,
                fmt::format("require_node_names is on: send to a member's name, not to {}", text),
                text);
  }
  const std::string_view name = std::get<std::string_view>(to);
  const MemberSnapshot members = published_.members();
  const Member* member = members.find(name);
  if (member == nullptr) {
    return fail(ErrorCode::unknown_member, fmt::format("no member is called '{}'", show_name(name)),
                std::string(name));
  }
  if (member->status == MemberStatus::dead || member->status == MemberStatus::left) {
    return fail(ErrorCode::member_not_alive,
                fmt::format("'{}' is {}", show_name(name), to_string(member->status)),
                std::string(name));
  }
  return member->address();
}

// --- keys ---------------------------------------------------------------------------------------

// What the copy accepts, the engine accepts: both get the same commands in the same order.
Result<void> Memberlist::Impl::change_keys(
    const std::function<Result<void>(swim::KeyBook&)>& change,
    std::function<void(Engine&, TimePoint)> run) {
  if (auto refused = refusal()) return std::unexpected(*std::move(refused));
  const std::lock_guard lock(keys_mutex_);
  swim::KeyBook changed = keys_;
  if (auto done = change(changed); !done) return done;
  if (auto handed = hand_over({std::move(run)}); !handed) return handed;
  keys_ = std::move(changed);
  return {};
}

Result<void> Memberlist::Impl::add_key(BytesView key) {
  return change_keys([&](swim::KeyBook& keys) { return keys.keyring.add(key); },
                     [secret = keep_secret(key)](Engine& engine, TimePoint) {
                       carry_out_checked(engine.add_key(*secret));
                     });
}

Result<void> Memberlist::Impl::use_key(input::KeyChoice key) {
  return change_keys(
      [&](swim::KeyBook& keys) {
        return std::visit([&](const auto& which) { return keys.keyring.use(which); }, key);
      },
      [choice = OwnedKeyChoice(key)](Engine& engine, TimePoint) {
        std::visit([&](const auto& which) { carry_out_checked(engine.use_key(which)); },
                   choice.get());
      });
}

Result<void> Memberlist::Impl::remove_key(input::KeyChoice key) {
  return change_keys(
      [&](swim::KeyBook& keys) {
        return std::visit([&](const auto& which) { return keys.keyring.remove(which); }, key);
      },
      [choice = OwnedKeyChoice(key)](Engine& engine, TimePoint) {
        std::visit([&](const auto& which) { carry_out_checked(engine.remove_key(which)); },
                   choice.get());
      });
}

Result<void> Memberlist::Impl::set_gossip_verify(std::optional<bool> incoming,
                                                 std::optional<bool> outgoing) {
  return change_keys(
      [=](swim::KeyBook& keys) -> Result<void> {
        keys.set_verify(incoming, outgoing);
        return {};
      },
      [=](Engine& engine, TimePoint) { engine.set_gossip_verify(incoming, outgoing); });
}

// The keys as the commands have left them, with the counts that the engine has published of them.
std::vector<KeyInfo> Memberlist::Impl::keys() const {
  std::vector<KeyInfo> keys;
  {
    const auto lock = runtime_->fork_guard().lock(keys_mutex_);
    if (!lock) return {};
    keys = keys_.keyring.list();
  }
  const std::vector<KeyInfo> used = published_.keys();
  for (KeyInfo& key : keys) {
    const auto counted = std::ranges::find(used, key.fingerprint, &KeyInfo::fingerprint);
    key.encrypted = counted == used.end() ? 0 : counted->encrypted;
    key.decrypted = counted == used.end() ? 0 : counted->decrypted;
  }
  return keys;
}

GossipVerify Memberlist::Impl::gossip_verify() const {
  const auto lock = runtime_->fork_guard().lock(keys_mutex_);
  return lock ? keys_.verify : GossipVerify{};
}

// --- views --------------------------------------------------------------------------------------

EngineCounters Memberlist::Impl::counters() const {
  EngineCounters counters = published_.counters();
  if (events_ && !forked()) counters.dropped_limit += events_->dropped();
  return counters;
}

std::uint64_t Memberlist::Impl::view_digest() const {
  std::uint64_t digest = 0;
  for (const Member& member : published_.members()) {
    digest += swim::member_digest(*member.record, member.status, member.incarnation);
  }
  return digest;
}

}  // namespace memberlist
