#include "swim/participation.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "base/limits.hpp"

namespace memberlist::swim {
namespace {

Error has_left() { return {ErrorCode::shut_down, "this node has left the cluster", {}}; }

// The broadcast that an operation waits for carries its number.
BroadcastToken token_of(OperationId id) { return std::to_underlying(id); }

}  // namespace

Result<OperationId> Participation::join(std::vector<JoinTarget> targets) {
  if (context_.leaving) return std::unexpected(has_left());
  if (targets.empty()) {
    return fail(ErrorCode::invalid_argument, "no address to join through was given", "addresses");
  }
  if (context_.config.require_node_names) {
    for (const JoinTarget& target : targets) {
      if (!target.name.empty()) continue;
      return fail(ErrorCode::name_required,
                  fmt::format("require_node_names is on: write {} as NAME/{}",
                              target.address.to_string(), target.address.to_string()),
                  target.address.to_string());
    }
  }
  const OperationId id = operations_.start();
  joins_.emplace(std::to_underlying(id), Join{.targets = std::move(targets), .outcome = {}});
  advance(id);
  return id;
}

void Participation::advance(OperationId id) {
  Join& join = joins_.at(std::to_underlying(id));
  while (join.next < join.targets.size() && join.active < limits::kParallelJoins) {
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
  if (context_.others_alive()) return gossiper_.round();
  context_.out.push(Event{LeaveFinished{}});
  operations_.complete(*leave_, OperationOutcome{});
}

void Participation::on_push_pull_ended(StreamId id, const Result<void>& result) {
  const auto found = steps_.find(std::to_underlying(id));
  if (found == steps_.end()) return;
  const JoinStep step = found->second;
  steps_.erase(found);
  Join& join = joins_.at(std::to_underlying(step.join));
  --join.active;
  if (result) {
    ++join.outcome.contacted;
  } else {
    Error error = result.error();
    error.subject = join.targets[step.target].address.to_string();
    join.outcome.failures.push_back(std::move(error));
  }
  advance(step.join);
  go_on_leaving();
}

void Participation::finish_join(OperationId id) {
  auto node = joins_.extract(std::to_underlying(id));
  OperationOutcome& outcome = node.mapped().outcome;
  context_.out.push(Event{JoinFinished{outcome.contacted, outcome.failures}});
  if (outcome.contacted > 0) {
    operations_.complete(id, std::move(outcome));
    return;
  }
  const Error& first = outcome.failures.front();
  std::string text = first.message;
  if (outcome.failures.size() > 1) {
    text += fmt::format(" (and {} more addresses failed)", outcome.failures.size() - 1);
  }
  operations_.complete(id, fail(first.code, std::move(text), first.subject));
}

Result<OperationId> Participation::leave(Duration timeout) {
  if (leave_ && operations_.is_open(*leave_)) return *leave_;
  // Whoever is being joined right now may know of this node already.
  const bool wait = !context_.leaving && (context_.others_alive() || !joins_.empty());
  leave_ = operations_.start(
      wait ? std::optional(timeout) : std::nullopt,
      "the leave message was not sent as often as it should within the time given");
  if (!context_.leaving) {
    context_.leaving = true;
    membership_.announce_leave(wait ? token_of(*leave_) : 0);
  }
  if (wait) {
    gossiper_.round();  // who goes says so at once, not at the next tick
  } else {
    context_.out.push(Event{LeaveFinished{}});
    operations_.complete(*leave_, OperationOutcome{});
  }
  return *leave_;
}

Result<OperationId> Participation::update_meta(BytesView meta, Duration timeout) {
  if (context_.leaving) return std::unexpected(has_left());
  if (meta.size() > limits::kMetaBytes) {
    return fail(ErrorCode::too_large,
                fmt::format("meta data of {} bytes: at most {} are allowed", meta.size(),
                            limits::kMetaBytes),
                "meta");
  }
  const bool wait = context_.others_alive();
  const OperationId id =
      operations_.start(wait ? std::optional(timeout) : std::nullopt,
                        "the new meta data was not sent as often as it should within the time "
                        "given; the change stands");
  auto record = std::make_shared<MemberRecord>(*context_.self_entry().record);
  record->meta = to_bytes(meta);
  membership_.announce_update(std::move(record), wait ? token_of(id) : 0);
  if (!wait) operations_.complete(id, OperationOutcome{});
  return id;
}

void Participation::on_operation_timeout(OperationId id) {
  if (leave_ == id && operations_.is_open(id)) context_.out.push(Event{LeaveFinished{}});
  operations_.timed_out(id);
}

void Participation::settle() {
  finished_.clear();
  context_.member_broadcasts.drain_finished(finished_);
  for (const BroadcastToken token : finished_) {
    const OperationId id{token};
    if (leave_ == id && operations_.is_open(id)) context_.out.push(Event{LeaveFinished{}});
    operations_.complete(id, OperationOutcome{});
  }
}

}  // namespace memberlist::swim
