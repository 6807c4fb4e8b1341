// Memberlist::Impl: a join, from the addresses as they are given to their results.

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "api/memberlist_impl.hpp"
#include "net/socket_address.hpp"

namespace memberlist {
namespace {

// What one name server has for one try, at most: half of a look-up's time must do for several.
constexpr auto kNameServerTime = std::chrono::seconds(2);

// Longer pauses make no sense within one call.
constexpr auto kLongestPause = std::chrono::hours(24);

// Whether another try could end otherwise: what is wrong is not the call itself.
bool may_pass(const Error& error) {
  switch (error.code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::name_required:
    case ErrorCode::shut_down:
    case ErrorCode::cancelled:
      return false;
    default:
      return true;
  }
}

Result<void> check(const JoinRetry& retry) {
  const auto wrong = [](const char* knob, const char* why) {
    return fail(ErrorCode::invalid_argument, fmt::format("{} of a retry: {}", knob, why), knob);
  };
  if (retry.first_pause <= Duration::zero()) return wrong("first_pause", "must be above 0");
  if (retry.longest_pause < retry.first_pause) {
    return wrong("longest_pause", "must not be below first_pause");
  }
  if (retry.longest_pause > kLongestPause) return wrong("longest_pause", "at most 24h is allowed");
  if (!(retry.jitter >= 0 && retry.jitter <= 1)) return wrong("jitter", "0 to 1 is allowed");
  return {};
}

// The pause after `tries` attempts, without jitter.
Duration pause_after(std::uint32_t tries, const JoinRetry& retry) {
  Duration pause = retry.first_pause;
  for (std::uint32_t i = 1; i < tries && pause < retry.longest_pause; ++i) {
    pause = pause > retry.longest_pause / 2 ? retry.longest_pause : 2 * pause;
  }
  return pause;
}

}  // namespace

// One running join. The thread that works on it (the caller's, then the loop's) has exclusive
// access.
struct Memberlist::Impl::Joining {
  /// A name to look up, and which of the addresses it comes from.
  struct Question {
    api::JoinAddress address;
    std::size_t given = 0;
    Result<std::vector<IpAddress>> answer = {};
  };

  std::vector<std::string> addresses;
  JoinOptions options;
  TimePoint deadline = kNever;
  Done<JoinOutcome> done;
  std::uint32_t tries = 0;

  // Of the try at hand.
  JoinResult result;
  std::vector<Question> questions;
  std::size_t open = 0;  // questions without an answer
  std::vector<JoinTarget> targets;
  std::vector<std::vector<std::size_t>> given;  // for each target, the addresses that it comes from

  void begin_try() {
    result = {.contacted = 0, .failures = {}, .addresses = {}, .tries = ++tries};
    questions.clear();
    targets.clear();
    given.clear();
  }
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
  /// What became of the targets, for the addresses that they come from.
  void take_attempts(const std::vector<JoinAttempt>& attempts) {
    for (std::size_t i = 0; i < attempts.size(); ++i) {
      const JoinAttempt& attempt = attempts[i];
      for (const std::size_t address : given[i]) {
        if (attempt.merged) ++result.addresses[address].contacted;
        if (attempt.failure) result.addresses[address].failures.push_back(*attempt.failure);
      }
    }
  }
  void fail(Error why) {
    done(std::unexpected(JoinError{std::move(why), std::move(result.addresses), tries}));
  }
  [[nodiscard]] Duration time_left() const {
    return deadline == kNever ? Duration::max() : deadline - net::Loop::now();
  }
};

void Memberlist::Impl::join(const std::vector<std::string>& addresses, const JoinOptions& options,
                            Done<JoinOutcome> done) {
  const auto refuse = [&done](Error why) { done(std::unexpected(JoinError{std::move(why)})); };
  if (auto refused = refusal()) return refuse(*std::move(refused));
  if (addresses.empty()) {
    return refuse(
        {ErrorCode::invalid_argument, "no address to join through was given", "addresses"});
  }
  if (options.retry) {
    if (auto valid = check(*options.retry); !valid) return refuse(valid.error());
  }
  const auto joining = std::make_shared<Joining>();
  joining->addresses = addresses;
  joining->options = options;
  joining->done = std::move(done);
  const TimePoint now = net::Loop::now();
  if (options.timeout && *options.timeout < kNever - now) {
    joining->deadline = now + *options.timeout;
  }
  try_once(joining);
}

void Memberlist::Impl::try_once(const JoiningPointer& joining) {
  joining->begin_try();
  for (std::size_t i = 0; i < joining->addresses.size(); ++i) {
    const std::string& text = joining->addresses[i];
    joining->result.addresses.push_back({.address = text, .failures = {}});
    auto address = api::parse_join_address(text, config_.bind.port);
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
    if (!outcome) return joining->fail(outcome.error());
    take_answers(*joining);
    dial(joining);
  });
  await_call(joining->options.stop, call, [joining, call](Impl& self) { self.ask(joining, call); });
}

void Memberlist::Impl::await_call(const std::stop_token& stop, const CallPointer& call,
                                  std::function<void(Impl&)> go_on) {
  if (!await(call)) return call->complete(std::unexpected(shut_down_error()));
  watch(stop, call);
  post(std::move(go_on));
}

void Memberlist::Impl::ask(const JoiningPointer& joining, const CallPointer& call) {
  for (Joining::Question& question : joining->questions) {
    const auto answer = [this, joining, call, &question](Result<std::vector<IpAddress>> found) {
      question.answer = std::move(found);
      if (--joining->open > 0) return;
      if (end_wait(call)) call->complete({});  // not cancelled, and not shut down
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
  // If a host has addresses of both families, those that no packet of this node can reach would
  // only fail.
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
    std::vector<Error>& failures = joining->result.failures;
    auto first = std::ranges::find_if(failures, may_pass);
    if (first == failures.end()) first = failures.begin();
    std::rotate(failures.begin(), first, first + 1);
    Error why = std::move(failures.front());
    failures.erase(failures.begin());
    return finish(joining, std::unexpected(OperationError{std::move(why)}));
  }
  JoinLimits limits{joining->options.enough, joining->options.parallel};
  if (joining->deadline != kNever) {
    limits.timeout = std::max(joining->time_left(), Duration::zero());
  }
  begin([joining, limits](Engine& engine,
                          TimePoint now) { return engine.join(now, joining->targets, limits); },
        0, joining->options.stop, std::make_shared<api::Call>([this, joining](Outcome outcome) {
          finish(joining, std::move(outcome));
        }));
}

void Memberlist::Impl::finish(const JoiningPointer& joining, Outcome outcome) {
  JoinResult& result = joining->result;
  joining->take_attempts(outcome ? outcome->attempts : outcome.error().attempts);
  if (!outcome) {
    Error error = std::move(outcome.error());
    for (const Error& other : result.failures) error.message += "; " + other.message;
    return end_try(joining, std::move(error));
  }
  result.contacted = outcome->contacted;
  result.failures.insert(result.failures.end(), outcome->failures.begin(), outcome->failures.end());
  joining->done(std::move(result));
}

// --- the next try -------------------------------------------------------------------------------

// The engine could enforce the time, but it knows no names, and these may resolve to other
// addresses by then.
void Memberlist::Impl::end_try(const JoiningPointer& joining, Error error) {
  const std::optional<JoinRetry>& retry = joining->options.retry;
  if (!retry || !may_pass(error)) return joining->fail(std::move(error));
  const std::uint32_t tries = joining->tries;
  const bool last = retry->attempts > 0 && tries >= retry->attempts;
  if (joining->time_left() <= pause_after(tries, *retry) || last) {
    if (!last && error.code != ErrorCode::timed_out) {
      error.message = "no time for another attempt: " + error.message;
      error.code = ErrorCode::timed_out;
    }
    error.message += fmt::format(" ({} {})", tries, tries == 1 ? "try" : "tries");
    return joining->fail(std::move(error));
  }
  const auto call = std::make_shared<api::Call>([this, joining](const Outcome& outcome) {
    if (!outcome) return joining->fail(outcome.error());
    try_once(joining);
  });
  await_call(joining->options.stop, call, [joining, call, error = std::move(error)](Impl& self) {
    self.pause(joining, call, error);
  });
}

void Memberlist::Impl::pause(const JoiningPointer& joining, const CallPointer& call,
                             const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    if (!waiting_.contains(call)) return;  // cancelled, or shut down
  }
  const JoinRetry retry = joining->options.retry.value_or(JoinRetry{});
  const Duration whole = pause_after(joining->tries, retry);
  const auto part = static_cast<Duration::rep>(static_cast<double>(whole.count()) * retry.jitter);
  const Duration pause = whole - random_.below(Duration(part));
  const auto shown = std::chrono::floor<std::chrono::milliseconds>(pause);
  log({LogLevel::warning,
       fmt::format("cannot join: {}; next attempt in {}", error.message, format_duration(shown)),
       {},
       {{"error", std::string(to_string(error.code))},
        {"attempt", std::to_string(joining->tries)},
        {"milliseconds", std::to_string(shown.count())}}});
  Event event = JoinRetrying{joining->tries, pause, error};
  if (events_->has_handler()) events_->push({&event, 1});
  const TimePoint until = net::Loop::now() + pause;
  const auto timer =
      pauses_.emplace(call, std::make_unique<net::Deadline>(
                                runtime_->loop(), [this, call, until] { end_pause(call, until); }));
  timer.first->second->set(until);
}

void Memberlist::Impl::end_pause(const CallPointer& call, TimePoint until) {
  const auto timer = pauses_.find(call);
  if (timer == pauses_.end()) return;
  if (net::Loop::now() < until) return timer->second->set(until);
  pauses_.erase(timer);
  if (end_wait(call)) call->complete({});
}

}  // namespace memberlist
