#include "swim/participation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/limits.hpp"
#include "base/own_packet.hpp"
#include "swim/message_checks.hpp"

namespace memberlist::swim {
namespace {

// A member that hears of the return before the leave treats it as a conflict. When this node has
// sent the leave as often as other updates, it is on its way to all; when twice as often, it has
// arrived.
constexpr int kLeavesOfAMove = 2;

// Why no member could be joined: the first reason other than that this node has reached itself, and
// whether it has.
Error summary_of(const std::vector<Error>& failures) {
  const auto is_self = [](const Error& error) { return error.code == ErrorCode::own_address; };
  const auto self = std::ranges::find_if(failures, is_self);
  auto first = std::ranges::find_if_not(failures, is_self);
  if (first == failures.end()) first = self;
  Error summary = *first;
  std::size_t others = failures.size() - 1;
  if (self != failures.end() && self != first) {
    summary.message += "; " + self->message;
    --others;
  }
  if (others > 0) summary.message += fmt::format(" (and {} more addresses failed)", others);
  return summary;
}

// The broadcast that an operation waits for carries its number.
BroadcastToken token_of(OperationId id) { return std::to_underlying(id); }

}  // namespace

Result<OperationId> Participation::join(std::vector<JoinTarget> targets, const JoinLimits& how) {
  if (node_.life == Life::left) return std::unexpected(left_error());
  if (targets.empty()) {
    return fail(ErrorCode::invalid_argument, "no address to join through was given", "addresses");
  }
  if (how.parallel == 0 || how.parallel > limits::kParallelJoins) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} exchanges at once: 1 to {} are allowed", how.parallel,
                            limits::kParallelJoins),
                "parallel");
  }
  if (node_.config.require_node_names) {
    for (const JoinTarget& target : targets) {
      if (!target.name.empty()) continue;
      return fail(ErrorCode::name_required,
                  fmt::format("require_node_names is on: write {} as NAME/{}",
                              target.address.to_string(), target.address.to_string()),
                  target.address.to_string());
    }
  }
  const OperationId id = operations_.start(how.timeout, "the join timed out");
  Join join{.targets = std::move(targets), .how = how, .outcome = {}};
  join.outcome.attempts.resize(join.targets.size());
  joins_.emplace(std::to_underlying(id), std::move(join));
  advance(id);
  return id;
}

void Participation::advance(OperationId id) {
  Join& join = joins_.at(std::to_underlying(id));
  if (join.how.enough > 0 && join.outcome.contacted >= join.how.enough) {
    drop_exchanges(id, {ErrorCode::cancelled, "enough others have answered", {}});
    return finish_join(id);
  }
  const std::size_t at_once = node_.behaviour.parallel_joins ? join.how.parallel : 1;
  while (join.next < join.targets.size() && join.active < at_once) {
    const StreamId stream = streams_.dial_push_pull(join.targets[join.next].address, true);
    steps_.emplace(std::to_underlying(stream), JoinStep{id, join.next});
    ++join.next;
    ++join.active;
  }
  if (join.active == 0) finish_join(id);
}

/// A leave was called while joins were under way, and the last of them has ended.
void Participation::go_on_leaving() {
  if (!leave_ || !operations_.is_open(*leave_) || !joins_.empty()) return;
  if (cluster_.others_alive()) return gossiper_.round();
  out_.push(Event{LeaveFinished{}});
  operations_.complete(*leave_, OperationOutcome{});
}

void Participation::on_push_pull_ended(StreamId id, const Result<void>& result) {
  const auto found = steps_.find(std::to_underlying(id));
  if (found == steps_.end()) return;
  const JoinStep step = found->second;
  steps_.erase(found);
  Join& join = joins_.at(std::to_underlying(step.join));
  --join.active;
  JoinAttempt& attempt = join.outcome.attempts[step.target];
  if (result) {
    attempt.merged = true;
    ++join.outcome.contacted;
  } else {
    attempt.failure = result.error();
    attempt.failure->subject = join.targets[step.target].address.to_string();
  }
  if (attempt.failure && attempt.failure->code == ErrorCode::name_taken) {
    end_as_taken(step.join, *attempt.failure);
  } else {
    advance(step.join);
  }
  go_on_leaving();
}

/// Further answers of a cluster that will not accept this node are useless. If it is already
/// leaving or moving, the leave that it has announced must not spread further: it would be
/// attributed to the other member.
void Participation::end_as_taken(OperationId id, const Error& why) {
  joins_.at(std::to_underlying(id)).taken = why;
  drop_exchanges(id, why);
  if (node_.life == Life::left) self_announcer_.leave_silently();
  if (move_) come_back(*move_);
  finish_join(id);
}

void Participation::finish_join(OperationId id) {
  auto node = joins_.extract(std::to_underlying(id));
  OperationOutcome& outcome = node.mapped().outcome;
  for (const JoinAttempt& attempt : outcome.attempts) {
    if (attempt.failure) outcome.failures.push_back(*attempt.failure);
  }
  out_.push(Event{JoinFinished{outcome.contacted, outcome.failures}});
  if (auto& taken = node.mapped().taken; taken) {
    operations_.complete(
        id, std::unexpected(OperationError{std::move(*taken), std::move(outcome.attempts)}));
    return;
  }
  if (outcome.contacted > 0) {
    node_.name_holder.reset();
    push_pull_schedule_.plan_after_join();
    operations_.complete(id, std::move(outcome));
    return;
  }
  if (auto& stopped = node.mapped().stopped; stopped) {
    operations_.complete(
        id, std::unexpected(OperationError{std::move(*stopped), std::move(outcome.attempts)}));
    return;
  }
  operations_.complete(id, std::unexpected(OperationError{summary_of(outcome.failures),
                                                          std::move(outcome.attempts)}));
}

Result<OperationId> Participation::leave(Duration timeout) {
  if (leave_ && operations_.is_open(*leave_)) return *leave_;
  // A member that is being joined right now may already know this node.
  const bool heard = !node_.name_holder.has_value();
  const bool wait =
      node_.life != Life::left && heard && (cluster_.others_alive() || !joins_.empty());
  leave_ = operations_.start(wait ? std::optional(timeout) : std::nullopt,
                             "the leave message was not fully transmitted within the timeout");
  if (node_.life != Life::left) {
    node_.life = Life::left;
    if (const auto ended = std::exchange(move_, std::nullopt)) {
      operations_.complete(ended->id, std::unexpected(left_error()));
    }
    if (heard) {
      self_announcer_.announce_leave(wait ? token_of(*leave_) : 0);
    } else {
      self_announcer_.leave_silently();
      stop_joins(left_error());  // what is still to be sent would say it
    }
  }
  if (wait) {
    if (node_.behaviour.prompt_leave) gossiper_.round();
  } else if (operations_.is_open(*leave_)) {  // the last join that was stopped may have ended it
    out_.push(Event{LeaveFinished{}});
    operations_.complete(*leave_, OperationOutcome{});
  }
  return *leave_;
}

Result<OperationId> Participation::update_meta(BytesView meta, Duration timeout) {
  if (node_.life == Life::left) return std::unexpected(left_error());
  if (auto fits = check_own_meta(node_.config, meta.size()); !fits) {
    return std::unexpected(fits.error());
  }
  const MemberRecord& before = *cluster_.self_entry().record;
  auto record =
      node_.record(before.name, before.address, meta, before.protocol, before.delegate_protocol);
  if (move_) {  // it is sent with the return, and has the same outcome
    cluster_.table.replace_record(cluster_.self, std::move(record));
    return move_->id;
  }
  const bool wait = cluster_.others_alive();
  const OperationId id = operations_.start(wait ? std::optional(timeout) : std::nullopt,
                                           "the new meta data was not fully transmitted within the "
                                           "timeout; the change still takes effect");
  self_announcer_.announce_update(std::move(record), wait ? token_of(id) : 0);
  if (!wait) operations_.complete(id, OperationOutcome{});
  return id;
}

/// Members do not accept another address of a live member (protocol 6, Move). So this node
/// announces that it leaves, and once that was sent often enough, that it is back.
Result<OperationId> Participation::advertise(const Address& address, Duration timeout) {
  if (node_.life == Life::left) return std::unexpected(left_error());
  if (auto valid = check_advertised(address); !valid) return std::unexpected(valid.error());
  node_.advertise = address;
  if (move_) {
    move_->to = address;
    return move_->id;
  }
  const bool changed = cluster_.self_entry().record->address != address;
  // A leave would be taken for that of the member which has this node's name.
  const bool wait = changed && cluster_.others_alive() && !node_.name_holder;
  const OperationId id = operations_.start(wait ? std::optional(timeout) : std::nullopt,
                                           "the new address was not fully transmitted within the "
                                           "timeout; the change still takes effect");
  if (wait) {
    move_ = {id, address, kLeavesOfAMove};
    node_.life = Life::moving;
    go_on_moving();
    gossiper_.round();
  } else if (changed) {
    come_back({id, address});
  } else {
    operations_.complete(id, OperationOutcome{});
  }
  return id;
}

/// The next step of a move, now that the last one has been sent.
void Participation::go_on_moving() {
  if (!move_) return;
  if (move_->leaves == 0) return come_back(*move_);
  --move_->leaves;
  self_announcer_.announce_leave(token_of(move_->id));
}

/// An operation that waits for the move waits until this was sent, too.
void Participation::come_back(Move move) {
  move_.reset();
  node_.life = Life::here;
  const MemberRecord& before = *cluster_.self_entry().record;
  remember_address(before.address);
  auto record =
      node_.record(before.name, move.to, before.meta, before.protocol, before.delegate_protocol);
  const bool wait = cluster_.others_alive();
  self_announcer_.announce_return(std::move(record), wait ? token_of(move.id) : 0);
  if (!wait) operations_.complete(move.id, OperationOutcome{});
}

void Participation::remember_address(const Address& address) {
  std::vector<Address>& former = node_.former_addresses;
  std::erase(former, address);
  former.push_back(address);
  if (former.size() > limits::kFormerAddresses) former.erase(former.begin());
}

/// Those under way fail with `why`, and the last of them ends the join, for the same reason.
bool Participation::stop_join(OperationId id, const Error& why) {
  const auto found = joins_.find(std::to_underlying(id));
  if (found == joins_.end()) return false;
  found->second.next = found->second.targets.size();
  found->second.stopped = why;
  for (const StreamId stream : exchanges_of(id)) streams_.stop_push_pull(stream, why);
  return true;
}

void Participation::stop_joins(const Error& why) {
  std::vector<std::uint64_t> ids;
  ids.reserve(joins_.size());
  for (const auto& [id, join] : joins_) ids.push_back(id);
  std::ranges::sort(ids);
  for (const std::uint64_t id : ids) stop_join(OperationId{id}, why);
}

/// In the order in which they began, whatever that of the table.
std::vector<StreamId> Participation::exchanges_of(OperationId id) const {
  std::vector<StreamId> exchanges;
  for (const auto& [stream, step] : steps_) {
    if (step.join == id) exchanges.push_back(StreamId{stream});
  }
  std::ranges::sort(exchanges);
  return exchanges;
}

/// What is still under way is neither a success nor a failure.
void Participation::drop_exchanges(OperationId id, const Error& why) {
  for (const StreamId stream : exchanges_of(id)) {
    steps_.erase(std::to_underlying(stream));
    streams_.stop_push_pull(stream, why);
  }
}

void Participation::stop_waiting(OperationId id, Error why) {
  if (leave_ == id && operations_.is_open(id)) out_.push(Event{LeaveFinished{}});
  if (move_ && move_->id == id) come_back(*move_);
  operations_.complete(id, std::unexpected(std::move(why)));
}

void Participation::settle() {
  // All others may have left or died meanwhile, and then nothing is sent any more. A member that is
  // being joined may already know this node.
  if (!cluster_.others_alive() && joins_.empty()) queues_.member_broadcasts.finish_tokens();
  finished_.clear();
  queues_.member_broadcasts.drain_finished(finished_);
  for (const BroadcastToken token : finished_) {
    const OperationId id{token};
    if (move_ && move_->id == id) {
      go_on_moving();
      continue;
    }
    if (leave_ == id && operations_.is_open(id)) out_.push(Event{LeaveFinished{}});
    operations_.complete(id, OperationOutcome{});
  }
}

}  // namespace memberlist::swim
