#include "sim/check_book.hpp"

namespace memberlist::sim {
namespace {

constexpr std::array<std::string_view, kChecks> kNames = {
    "view_order",     "transitions", "own_incarnation",
    "suspicion_time", "evidence",    "probed_incarnation",
    "round_robin",    "table",       "packets",
    "inside",         "contract",    "accuracy",
    "leave_seen",     "newcomer",    "announcement",
    "at_rest"};

}  // namespace

std::string_view to_string(Check check) noexcept { return kNames[static_cast<std::size_t>(check)]; }

void CheckBook::finding(Check check, Duration at, std::string node, std::string text) {
  ++found_[index(check)];
  if (findings_.size() == kKeptFindings) return;
  findings_.push_back({std::string(to_string(check)), at, std::move(node), std::move(text)});
}

CheckReport CheckBook::report() const {
  CheckReport report;
  report.findings = findings_;
  for (std::size_t i = 0; i < kChecks; ++i) {
    report.counts.push_back({std::string(kNames[i]), counts_[i], found_[i]});
  }
  return report;
}

}  // namespace memberlist::sim
