// Memberlist::Impl: what the application asks for, on its own threads.

#include <fmt/format.h>

#include <algorithm>

#include "api/memberlist_impl.hpp"
#include "net/family.hpp"

namespace memberlist {
namespace {

Result<void> without_value(const Result<OperationOutcome>& outcome) {
  if (!outcome) return std::unexpected(outcome.error());
  return {};
}

Result<Member> live_member(const Engine& engine, std::string_view name) {
  auto member = engine.member(name);
  if (!member) {
    return fail(ErrorCode::unknown_member, fmt::format("no member is called '{}'", name),
                std::string(name));
  }
  if (member->status == MemberStatus::dead || member->status == MemberStatus::left) {
    return fail(ErrorCode::member_not_alive,
                fmt::format("'{}' is {}", name, to_string(member->status)), std::string(name));
  }
  return std::move(*member);
}

}  // namespace

// Starts an operation and waits for its outcome.
template <class Start>
Memberlist::Impl::Outcome Memberlist::Impl::run(Start&& start) {
  const auto waiter = std::make_shared<api::Waiter>();
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return std::unexpected(shut_down_error());
    if (on_loop_thread()) {
      return fail(ErrorCode::invalid_argument, "a log handler must not call the Memberlist");
    }
    const Result<OperationId> id = start(*engine_, net::Loop::now());
    request_flush();
    if (!id) return std::unexpected(id.error());
    waiters_.emplace(*id, waiter);
  }
  return waiter->wait();
}

// --- join ---------------------------------------------------------------------------------------

// The questions of one join. Only the loop's thread touches `open` and `answers`, until the waiter
// is completed without an error.
struct Memberlist::Impl::Lookups {
  std::shared_ptr<api::Waiter> waiter = std::make_shared<api::Waiter>();
  std::vector<api::JoinAddress> questions;
  std::vector<Result<std::vector<IpAddress>>> answers;
  std::size_t open = 0;
};

Result<JoinResult> Memberlist::Impl::join(const std::vector<std::string>& addresses) {
  if (stopping()) return std::unexpected(shut_down_error());
  if (addresses.empty()) {
    return fail(ErrorCode::invalid_argument, "no address to join through was given", "addresses");
  }
  std::vector<api::JoinAddress> names;
  std::vector<JoinTarget> targets;
  JoinResult result;
  for (const std::string& text : addresses) {
    auto address = api::parse_join_address(text, config_.bind.port);
    if (!address) {
      result.failures.push_back(std::move(address.error()));
    } else if (const auto literal = IpAddress::parse(address->host)) {
      targets.push_back({address->name, {*literal, address->port}});
    } else {
      names.push_back(std::move(*address));
    }
  }
  if (auto looked_up = look_up(names, targets, result.failures); !looked_up) {
    return std::unexpected(std::move(looked_up.error()));
  }
  Outcome outcome;
  if (!targets.empty()) {
    outcome =
        run([&](Engine& engine, TimePoint now) { return engine.join(now, std::move(targets)); });
  } else {
    outcome = std::unexpected(result.failures.front());
    Event event = JoinFinished{0, result.failures};
    if (events_) events_->push({&event, 1});
    result.failures.erase(result.failures.begin());
  }
  if (outcome) {
    result.contacted = outcome->contacted;
    result.failures.insert(result.failures.end(), outcome->failures.begin(),
                           outcome->failures.end());
    return result;
  }
  Error error = std::move(outcome.error());
  for (const Error& other : result.failures) error.message += "; " + other.message;
  return std::unexpected(std::move(error));
}

Result<void> Memberlist::Impl::look_up(const std::vector<api::JoinAddress>& addresses,
                                       std::vector<JoinTarget>& targets,
                                       std::vector<Error>& failures) {
  if (addresses.empty()) return {};
  const auto lookups = std::make_shared<Lookups>();
  lookups->questions = addresses;
  lookups->answers.resize(addresses.size());
  lookups->open = addresses.size();
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return std::unexpected(shut_down_error());
    if (on_loop_thread()) {
      return fail(ErrorCode::invalid_argument, "a log handler must not call the Memberlist");
    }
    lookups_.insert(lookups->waiter);
    loop_.post([this, lookups] {
      for (std::size_t i = 0; i < lookups->questions.size(); ++i) {
        resolver_->resolve(lookups->questions[i].host, config_.tcp_timeout,
                           [lookups, i](Result<std::vector<IpAddress>> found) {
                             lookups->answers[i] = std::move(found);
                             if (--lookups->open == 0) lookups->waiter->complete({});
                           });
      }
    });
  }
  const Outcome finished = lookups->waiter->wait();
  {
    const std::lock_guard lock(mutex_);
    lookups_.erase(lookups->waiter);
  }
  if (!finished) return std::unexpected(finished.error());
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    take_answer(addresses[i], lookups->answers[i], targets, failures);
  }
  return {};
}

void Memberlist::Impl::take_answer(const api::JoinAddress& address,
                                   const Result<std::vector<IpAddress>>& found,
                                   std::vector<JoinTarget>& targets,
                                   std::vector<Error>& failures) const {
  if (!found) {
    failures.push_back({found.error().code, found.error().message, address.text});
    return;
  }
  // Of a host with addresses of both families, those that no packet of ours can reach would only
  // be failures.
  const net::Family family = net::family_of(config_.bind.ip);
  const auto reachable = [family](const IpAddress& ip) { return net::reaches(family, ip); };
  const bool choose = std::any_of(found->begin(), found->end(), reachable);
  for (const IpAddress& ip : *found) {
    if (choose && !reachable(ip)) continue;
    JoinTarget target{address.name, {ip, address.port}};
    const bool known = std::any_of(targets.begin(), targets.end(), [&](const JoinTarget& other) {
      return other.address == target.address;
    });
    if (!known) targets.push_back(std::move(target));
  }
}

// --- the other commands -------------------------------------------------------------------------

Result<void> Memberlist::Impl::leave(Duration timeout) {
  return without_value(
      run([timeout](Engine& engine, TimePoint now) { return engine.leave(now, timeout); }));
}

Result<void> Memberlist::Impl::update_meta(BytesView meta, Duration timeout) {
  return without_value(run([meta, timeout](Engine& engine, TimePoint now) {
    return engine.update_meta(now, meta, timeout);
  }));
}

Result<void> Memberlist::Impl::send(std::string_view member, BytesView payload, Delivery delivery) {
  if (delivery == Delivery::best_effort) return send_now(member, payload);
  return without_value(run([member, payload](Engine& engine, TimePoint now) -> Result<OperationId> {
    const auto target = live_member(engine, member);
    if (!target) return std::unexpected(target.error());
    return engine.send_reliable(now, target->address(), payload);
  }));
}

Result<void> Memberlist::Impl::send_now(std::string_view member, BytesView payload) {
  std::unique_lock lock(mutex_);
  if (!on_loop_thread()) {
    carried_out_.wait(
        lock, [this] { return stopping_ || engine_->outputs().size() < limits::kWaitingOutputs; });
  }
  if (stopping_) return std::unexpected(shut_down_error());
  const auto target = live_member(*engine_, member);
  if (!target) return std::unexpected(target.error());
  request_flush();
  return engine_->send_best_effort(net::Loop::now(), target->address(), payload);
}

Result<void> Memberlist::Impl::broadcast(BytesView payload, std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return std::unexpected(shut_down_error());
  request_flush();
  return engine_->broadcast(net::Loop::now(), payload, name);
}

Result<void> Memberlist::Impl::change(const std::function<Result<void>(Engine&)>& change) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return std::unexpected(shut_down_error());
  request_flush();
  return change(*engine_);
}

Result<PingResult> Memberlist::Impl::ping(std::string_view member) {
  auto outcome = run([member](Engine& engine, TimePoint now) { return engine.ping(now, member); });
  if (!outcome) return std::unexpected(std::move(outcome.error()));
  return PingResult{outcome->round_trip, std::move(outcome->payload)};
}

EngineCounters Memberlist::Impl::counters() const {
  EngineCounters counters;
  {
    const std::lock_guard lock(mutex_);
    counters = engine_->counters();
    counters.send_errors += packets_dropped_;
  }
  if (events_) counters.dropped_limit += events_->dropped();
  return counters;
}

}  // namespace memberlist
