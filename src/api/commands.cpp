// Memberlist::Impl: what the application asks for, on its own threads.

#include <fmt/format.h>

#include "api/memberlist_impl.hpp"
#include "base/limits.hpp"
#include "base/own_packet.hpp"
#include "memberlist/name_text.hpp"
#include "net/advertised.hpp"

namespace memberlist {
namespace {

constexpr Duration kAnnounceTimeout = std::chrono::seconds(5);

// A `done` for an operation whose outcome has no value.
api::Call::Then without_value(std::function<void(Result<void>)> done) {
  return [done = std::move(done)](api::Call::Outcome outcome) {
    done(outcome ? Result<void>{} : std::unexpected(std::move(outcome.error())));
  };
}

Result<Address> address_of(const Engine& engine, std::string_view name) {
  const auto member = engine.member(name);
  if (!member) {
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

Result<Address> address_of(const Engine& engine, const Address& address) {
  if (!engine.config().require_node_names) return address;
  const std::string text = address.to_string();
  return fail(ErrorCode::name_required,
              fmt::format("require_node_names is on: send to a member's name, not to {}", text),
              text);
}

template <class Receiver>
Result<Address> receiver_address(const Engine& engine, const Receiver& to) {
  return std::visit([&engine](const auto& what) { return address_of(engine, what); }, to);
}

}  // namespace

// --- calls --------------------------------------------------------------------------------------

// Starts an operation, whose outcome completes the call.
void Memberlist::Impl::begin(const Start& start, const std::stop_token& stop,
                             const CallPointer& call) {
  std::optional<Error> refused = refusal();
  if (!refused && stop.stop_requested()) refused = api::cancelled_error();
  if (!refused) {
    const std::lock_guard lock(mutex_);
    const Result<OperationId> id =
        stopping_ ? std::unexpected(shut_down_error()) : start(*engine_, net::Loop::now());
    request_flush();
    if (id) {
      calls_.emplace(*id, call);
    } else {
      refused = id.error();
    }
  }
  if (refused) return call->complete(std::unexpected(*std::move(refused)));
  watch(stop, call);
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

// --- the commands -------------------------------------------------------------------------------

void Memberlist::Impl::leave(const CallOptions& options, Done<Result<void>> done) {
  begin(
      [&](Engine& engine, TimePoint now) {
        return engine.leave(now, options.timeout.value_or(kAnnounceTimeout));
      },
      options.stop,
      std::make_shared<api::Call>(without_value(std::move(done)), api::Call::OnCancel::detach));
}

// Where the machine's address is detected, and is another one by now. Without the mutex: the system
// is asked.
std::optional<net::AdvertisedChoice> Memberlist::Impl::detect_moved() const {
  if (!detects_address_) return std::nullopt;
  const Address told = view([](const Engine& engine) { return engine.local_member().address(); });
  return net::detect_moved(config_.bind.ip, told.ip);
}

void Memberlist::Impl::update_meta(BytesView meta, const CallOptions& options,
                                   Done<Result<void>> done) {
  auto moved = detect_moved();
  begin(
      [&](Engine& engine, TimePoint now) {
        const Duration usual = moved ? 2 * kAnnounceTimeout : kAnnounceTimeout;  // two messages
        const Duration timeout = options.timeout.value_or(usual);
        // Not for meta data that is refused: a call that fails at once changes nothing.
        if (moved && check_own_meta(config_, meta.size())) {
          const Address address{moved->ip, engine.local_member().address().port};
          if (auto moving = engine.advertise(now, address, timeout); !moving) return moving;
          post([choice = std::move(*moved)](Impl& self) { self.log_choice(choice); });
        }
        return engine.update_meta(now, meta, timeout);
      },
      options.stop,
      std::make_shared<api::Call>(without_value(std::move(done)), api::Call::OnCancel::detach));
}

void Memberlist::Impl::send_reliable(const Receiver& to, BytesView payload,
                                     const CallOptions& options, Done<Result<void>> done) {
  begin(
      [&](Engine& engine, TimePoint now) -> Result<OperationId> {
        const auto address = receiver_address(engine, to);
        if (!address) return std::unexpected(address.error());
        return engine.send_reliable(now, *address, payload, options.timeout);
      },
      options.stop, std::make_shared<api::Call>(without_value(std::move(done))));
}

void Memberlist::Impl::ping(std::string_view member, const CallOptions& options,
                            Done<Result<PingResult>> done) {
  begin([&](Engine& engine, TimePoint now) { return engine.ping(now, member, options.timeout); },
        options.stop, std::make_shared<api::Call>([done = std::move(done)](Outcome outcome) {
          if (!outcome) return done(std::unexpected(std::move(outcome.error())));
          done(PingResult{outcome->round_trip, std::move(outcome->payload)});
        }));
}

Result<void> Memberlist::Impl::send_now(const Receiver& to, BytesView payload) {
  if (auto refused = refusal()) return std::unexpected(*std::move(refused));
  std::unique_lock lock(mutex_);
  if (!on_loop_thread()) {
    carried_out_.wait(
        lock, [this] { return stopping_ || engine_->outputs().size() < limits::kWaitingOutputs; });
  }
  if (stopping_) return std::unexpected(shut_down_error());
  const auto address = receiver_address(*engine_, to);
  if (!address) return std::unexpected(address.error());
  request_flush();
  return engine_->send_best_effort(net::Loop::now(), *address, payload);
}

Result<void> Memberlist::Impl::broadcast(BytesView payload, std::string_view name) {
  return change([&](Engine& engine) { return engine.broadcast(net::Loop::now(), payload, name); });
}

Result<void> Memberlist::Impl::change(const std::function<Result<void>(Engine&)>& change) {
  if (auto refused = refusal()) return std::unexpected(*std::move(refused));
  const std::lock_guard lock(mutex_);
  if (stopping_) return std::unexpected(shut_down_error());
  request_flush();
  return change(*engine_);
}

EngineCounters Memberlist::Impl::counters() const {
  EngineCounters counters = view([this](const Engine& engine) {
    EngineCounters seen = engine.counters();
    seen.send_errors += packets_dropped_;
    return seen;
  });
  if (events_) counters.dropped_limit += events_->dropped();
  return counters;
}

}  // namespace memberlist
