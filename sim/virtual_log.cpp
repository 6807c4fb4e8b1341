#include <fmt/format.h>

#include <string>
#include <variant>

#include "base/overloaded.hpp"
#include "sim/virtual_cluster.hpp"

// Engine outputs as text: one line each, with everything in it that may differ between runs.
namespace memberlist::sim {
namespace {

std::string text_of(const Cause& cause) {
  std::string text = fmt::format("cause={} accuser={} source={} confirmations={} asked={} nacks={}",
                                 memberlist::to_string(cause.kind), cause.accuser,
                                 cause.source ? cause.source->to_string() : "-",
                                 cause.confirmations, cause.indirect_probes, cause.nacks);
  for (const std::string& accuser : cause.accusers) text += " by=" + accuser;
  return text;
}

std::string text_of(const Event& event) {
  return std::visit(
      Overloaded{
          [](const MemberEvent& e) {
            return fmt::format(
                "{} {}{} at {} meta={} status={} incarnation={} since={} other={} {}",
                memberlist::to_string(e.kind), e.member.name(), e.self ? " (self)" : "",
                e.member.address().to_string(), as_text(e.member.meta()),
                memberlist::to_string(e.member.status), e.member.incarnation,
                e.member.since.time_since_epoch().count(), e.other ? e.other->to_string() : "-",
                text_of(e.cause));
          },
          [](const UserMessage& e) {
            return fmt::format("user message from {} ({}) reliable={} {}", e.source.to_string(),
                               e.from, e.reliable, as_text(e.payload));
          },
          [](const StateMerged& e) {
            return fmt::format("state of {} ({}) join={} {}", e.source.to_string(), e.from, e.join,
                               as_text(e.state));
          },
          [](const HealthChanged& e) { return fmt::format("health {}", e.score); },
          [](const JoinFinished& e) {
            std::string text = fmt::format("join finished, contacted {}", e.contacted);
            for (const Error& error : e.failures) text += "; " + error.message;
            return text;
          },
          [](const LeaveFinished&) { return std::string("leave finished"); },
          [](const Failure& e) { return "failure: " + e.error.message; },
          [](const JoinRetrying& e) {
            return fmt::format("join retried after try {}: {}", e.attempt, e.error.message);
          },
      },
      event);
}

std::string text_of(const Completion& completion) {
  const auto id = static_cast<std::uint64_t>(completion.id);
  if (!completion.result) {
    return fmt::format("operation {} failed: {} {}", id,
                       memberlist::to_string(completion.result.error().code),
                       completion.result.error().message);
  }
  return fmt::format("operation {} done, contacted {}, {} ns, {}", id, completion.result->contacted,
                     completion.result->round_trip.count(), as_text(completion.result->payload));
}

std::string text_of(const LogRecord& record) {
  return fmt::format("[{}] {} ({})", memberlist::to_string(record.level), record.text, record.peer);
}

}  // namespace

std::string LoggedOutput::to_string() const {
  return fmt::format("{} n{:02} {}", (at - VirtualTimeline::kStart).count(), node,
                     std::visit([](const auto& value) { return text_of(value); }, what));
}

std::string VirtualCluster::transcript() const {
  std::string text;
  for (const LoggedOutput& line : log_) text += line.to_string() + "\n";
  return text;
}

}  // namespace memberlist::sim
