#include "memberlist/trace.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <utility>

#include "base/overloaded.hpp"
#include "base/text.hpp"

namespace memberlist {
namespace {

template <class Enum, std::size_t N>
std::string_view spelled(Enum value, const std::array<std::string_view, N>& names) noexcept {
  const auto at = static_cast<std::size_t>(std::to_underlying(value));
  return at < N ? names[at] : "unknown";
}

constexpr std::array<std::string_view, 16> kVerdicts{
    "believed", "confirmed", "refuted", "same",   "older", "repeated", "not_live", "unknown",
    "buried",   "conflict",  "vetoed",  "poison", "full",  "network",  "limit",    "absent"};
static_assert(kVerdicts.size() == static_cast<std::size_t>(trace::Verdict::absent) + 1);

constexpr std::array<std::string_view, 3> kClaims{"alive", "suspect", "dead"};
constexpr std::array<std::string_view, 3> kAnswers{
    "was acknowledged", "got a nack: a helper got no answer either", "was answered by TCP"};
constexpr std::array<std::string_view, 4> kResults{"answered", "answered after helpers were asked",
                                                   "answered by TCP only", "failed"};
constexpr std::array<std::string_view, 5> kSteps{"started", "confirmed", "refuted", "expired",
                                                 "ended by a death report"};

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

std::string line(const trace::ProbeBegan& step) {
  return fmt::format("probe #{} of {} at {} began (incarnation {})", step.probe,
                     escape_for_log(step.member), step.address.to_string(), step.incarnation);
}
std::string line(const trace::ProbeRepeated& step) {
  return fmt::format("probe #{} is repeated", step.probe);
}
std::string line(const trace::HelperAsked& step) {
  return fmt::format("probe #{} asked {} for help", step.probe, escape_for_log(step.helper));
}
std::string line(const trace::TcpPing& step) {
  return fmt::format("probe #{} pings by TCP, too", step.probe);
}
std::string line(const trace::ProbeAnswer& step) {
  return fmt::format("probe #{} {}", step.probe, spelled(step.kind, kAnswers));
}
std::string line(const trace::ProbeEnded& step) {
  return fmt::format("probe #{} of {} ended: {} (helpers asked: {}, nacks: {})", step.probe,
                     escape_for_log(step.member), spelled(step.result, kResults),
                     step.helpers_asked, step.nacks);
}
std::string line(const trace::Claim& step) {
  std::string text = fmt::format("claim '{} is {}' (incarnation {}", escape_for_log(step.member),
                                 spelled(step.kind, kClaims), step.incarnation);
  if (!step.accuser.empty()) text += fmt::format(", accuser {}", escape_for_log(step.accuser));
  text += fmt::format(", by {}", to_string(step.by));
  if (step.source) text += fmt::format(" from {}", step.source->to_string());
  return text + fmt::format(", began #{}): {}", step.began, to_string(step.verdict));
}
std::string line(const trace::SuspicionChanged& step) {
  return fmt::format("suspicion #{} of {} {} (confirmations: {}, {:.3f} s left)", step.began,
                     escape_for_log(step.member), spelled(step.step, kSteps), step.confirmations,
                     seconds(step.left));
}
std::string line(const trace::Stall& step) {
  return fmt::format("this node stood still for {:.3f} s", seconds(step.paused));
}
std::string line(const trace::PacketSent& step) {
  return fmt::format("packet to {} carries updates of #{}", step.to.to_string(),
                     fmt::join(step.updates, ", #"));
}

}  // namespace

std::string_view to_string(trace::Verdict verdict) noexcept { return spelled(verdict, kVerdicts); }

std::string to_string(const TraceRecord& record) {
  return fmt::format("#{} {}", record.input,
                     std::visit([](const auto& step) { return line(step); }, record.step));
}

}  // namespace memberlist
