#include <algorithm>

#include "memberlist/event.hpp"
#include "memberlist/member.hpp"
#include "memberlist/metrics.hpp"
#include "memberlist/version.hpp"

// The names of enumerators, as logs and the command line show them, and the lookups by name.
namespace memberlist {

std::string_view version() noexcept { return MEMBERLIST_VERSION; }

std::string_view LogRecord::field(std::string_view name) const noexcept {
  const auto found = std::ranges::find(fields, name, &LogField::name);
  return found == fields.end() ? std::string_view() : std::string_view(found->value);
}

std::string_view to_string(MemberStatus status) noexcept {
  switch (status) {
    case MemberStatus::alive:
      return "alive";
    case MemberStatus::suspect:
      return "suspect";
    case MemberStatus::dead:
      return "dead";
    case MemberStatus::left:
      return "left";
  }
  return "unknown";
}

std::string_view to_string(MemberEventKind kind) noexcept {
  switch (kind) {
    case MemberEventKind::join:
      return "join";
    case MemberEventKind::leave:
      return "leave";
    case MemberEventKind::update:
      return "update";
    case MemberEventKind::suspect:
      return "suspect";
    case MemberEventKind::alive:
      return "alive";
    case MemberEventKind::dead:
      return "dead";
    case MemberEventKind::conflict:
      return "conflict";
  }
  return "unknown";
}

std::string_view to_string(Cause::Kind kind) noexcept {
  switch (kind) {
    case Cause::Kind::gossip:
      return "gossip";
    case Cause::Kind::push_pull:
      return "push_pull";
    case Cause::Kind::probe_failed:
      return "probe_failed";
    case Cause::Kind::suspicion_expired:
      return "suspicion_expired";
    case Cause::Kind::command:
      return "command";
  }
  return "unknown";
}

std::string_view to_string(MetricKind kind) noexcept {
  switch (kind) {
    case MetricKind::counter:
      return "counter";
    case MetricKind::gauge:
      return "gauge";
    case MetricKind::sample:
      return "sample";
  }
  return "unknown";
}

std::string_view to_string(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "unknown";
}

}  // namespace memberlist
