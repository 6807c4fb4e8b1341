// Memberlist::Impl: a join, from the addresses as they are given to their results.

#include <algorithm>

#include "api/memberlist_impl.hpp"
#include "net/family.hpp"

namespace memberlist {
namespace {

// What one name server has for one try, at most: half of a look-up's time must do for several.
constexpr auto kNameServerTime = std::chrono::seconds(2);

}  // namespace

// One join under way. Whoever works on it (the calling thread, then the loop's) has it alone.
struct Memberlist::Impl::Joining {
  /// A name to look up, and which of the addresses it comes from.
  struct Question {
    api::JoinAddress address;
    std::size_t given = 0;
    Result<std::vector<IpAddress>> answer = {};
  };

  JoinOptions options;
  TimePoint deadline = kNever;
  Done<Result<JoinResult>> done;
  JoinResult result;
  std::vector<Question> questions;
  std::size_t open = 0;  // questions without an answer
  std::vector<JoinTarget> targets;
  std::vector<std::vector<std::size_t>> given;  // for each target, the addresses that it comes from

  void fail_address(std::size_t address, const Error& error) {
    result.addresses[address].failures.push_back(error);
    result.failures.push_back(error);
  }
  /// Each peer is dialled once, however often it is named.
  void add_target(const JoinTarget& target, std::size_t address) {
    const auto known = std::ranges::find(targets, target.address, &JoinTarget::address);
    const auto index = static_cast<std::size_t>(known - targets.begin());
    if (known == targets.end()) {
      targets.push_back(target);
      given.emplace_back();
    }
    given[index].push_back(address);
  }
  [[nodiscard]] Duration time_left() const {
    return deadline == kNever ? Duration::max() : deadline - net::Loop::now();
  }
};

void Memberlist::Impl::join(const std::vector<std::string>& addresses, const JoinOptions& options,
                            Done<Result<JoinResult>> done) {
  if (auto refused = refusal()) return done(std::unexpected(*std::move(refused)));
  if (addresses.empty()) {
    return done(
        fail(ErrorCode::invalid_argument, "no address to join through was given", "addresses"));
  }
  const auto joining = std::make_shared<Joining>();
  joining->options = options;
  joining->done = std::move(done);
  const TimePoint now = net::Loop::now();
  if (options.timeout && *options.timeout < kNever - now)
    joining->deadline = now + *options.timeout;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    joining->result.addresses.push_back({.address = addresses[i], .failures = {}});
    auto address = api::parse_join_address(addresses[i], config_.bind.port);
    if (!address) {
      joining->fail_address(i, address.error());
    } else if (const auto literal = IpAddress::parse(address->host)) {
      joining->add_target({address->name, {*literal, address->port}}, i);
    } else {
      joining->questions.push_back({std::move(*address), i});
    }
  }
  if (joining->questions.empty()) return dial(joining);
  look_up(joining);
}

void Memberlist::Impl::look_up(const JoiningPointer& joining) {
  joining->open = joining->questions.size();
  const auto call = std::make_shared<api::Call>([this, joining](const Outcome& outcome) {
    if (!outcome) return joining->done(std::unexpected(outcome.error()));
    take_answers(*joining);
    dial(joining);
  });
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) lookups_.insert(call);
  }
  if (auto refused = refusal()) return call->complete(std::unexpected(*std::move(refused)));
  watch(joining->options.stop, call);
  post([joining, call](Impl& self) { self.ask(joining, call); });
}

void Memberlist::Impl::ask(const JoiningPointer& joining, const CallPointer& call) {
  for (Joining::Question& question : joining->questions) {
    const auto answer = [this, joining, call, &question](Result<std::vector<IpAddress>> found) {
      question.answer = std::move(found);
      if (--joining->open > 0) return;
      {
        const std::lock_guard lock(mutex_);
        if (lookups_.erase(call) == 0) return;  // cancelled, or shut down
      }
      call->complete({});
    };
    if (auto made = make_resolver(); !made) {
      answer(std::unexpected(std::move(made.error())));
      continue;
    }
    const Duration patience = std::min(config_.tcp_timeout, joining->time_left());
    resolver_->resolve(question.address.host, std::max(patience, Duration::zero()), answer);
  }
}

Result<void> Memberlist::Impl::make_resolver() {
  if (resolver_) return {};
  auto made = net::Resolver::create(
      runtime_->loop(),
      {.servers = config_.dns_servers,
       .try_timeout = std::min<Duration>(kNameServerTime, config_.tcp_timeout / 8)});
  if (!made) return std::unexpected(std::move(made.error()));
  resolver_ = std::move(*made);
  return {};
}

void Memberlist::Impl::take_answers(Joining& joining) const {
  // Of a host with addresses of both families, those that no packet of ours can reach would only
  // be failures.
  const net::Family family = net::family_of(config_.bind.ip);
  const auto reachable = [family](const IpAddress& ip) { return net::reaches(family, ip); };
  for (const auto& [address, given, answer] : joining.questions) {
    if (!answer) {
      joining.fail_address(given, {answer.error().code, answer.error().message, address.text});
      continue;
    }
    const bool choose = std::ranges::any_of(*answer, reachable);
    for (const IpAddress& ip : *answer) {
      if (choose && !reachable(ip)) continue;
      joining.add_target({address.name, {ip, address.port}}, given);
    }
  }
}

void Memberlist::Impl::dial(const JoiningPointer& joining) {
  if (joining->targets.empty()) {
    Event event = JoinFinished{0, joining->result.failures};
    if (events_->has_handler()) events_->push({&event, 1});
    Error first = joining->result.failures.front();
    joining->result.failures.erase(joining->result.failures.begin());
    return finish(joining, std::unexpected(std::move(first)));
  }
  JoinLimits limits{joining->options.enough, joining->options.parallel};
  if (joining->deadline != kNever)
    limits.timeout = std::max(joining->time_left(), Duration::zero());
  begin([&](Engine& engine, TimePoint now) { return engine.join(now, joining->targets, limits); },
        joining->options.stop, std::make_shared<api::Call>([this, joining](Outcome outcome) {
          finish(joining, std::move(outcome));
        }));
}

void Memberlist::Impl::finish(const JoiningPointer& joining, Outcome outcome) {
  JoinResult& result = joining->result;
  if (!outcome) {
    Error error = std::move(outcome.error());
    for (const Error& other : result.failures) error.message += "; " + other.message;
    return joining->done(std::unexpected(std::move(error)));
  }
  result.contacted = outcome->contacted;
  for (std::size_t i = 0; i < outcome->attempts.size(); ++i) {
    const JoinAttempt& attempt = outcome->attempts[i];
    for (const std::size_t address : joining->given[i]) {
      if (attempt.merged) ++result.addresses[address].contacted;
      if (attempt.failure) result.addresses[address].failures.push_back(*attempt.failure);
    }
    if (attempt.failure) result.failures.push_back(*attempt.failure);
  }
  joining->done(std::move(result));
}

}  // namespace memberlist
