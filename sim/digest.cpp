#include "sim/digest.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>
#include <utility>
#include <variant>

#include "base/overloaded.hpp"
#include "sim/mixer.hpp"

namespace memberlist::sim {
namespace {

/// Takes in what outputs are made of.
class OutputMixer : public Mixer {
 public:
  using Mixer::Mixer;

  void text(std::string_view view) noexcept { bytes(as_bytes(view)); }
  void address(const Address& address) noexcept {
    bytes(std::as_bytes(std::span(address.ip.bytes())));
    number(address.port);
  }
  void error(const Error& error) noexcept {
    number(std::to_underlying(error.code));
    text(error.message);
    text(error.subject);
  }
  void member(const Member& member) noexcept {
    text(member.name());
    address(member.address());
    bytes(member.meta());
    number(std::to_underlying(member.status));
    number(member.incarnation);
    number(static_cast<std::uint64_t>(member.since.time_since_epoch().count()));
  }
};

void mix_event(OutputMixer& mixer, const Event& event) {
  mixer.number(event.index());
  std::visit(Overloaded{
                 [&](const MemberEvent& e) {
                   mixer.number(std::to_underlying(e.kind));
                   mixer.member(e.member);
                   if (e.other) mixer.address(*e.other);
                   mixer.number(std::to_underlying(e.cause.kind));
                   mixer.text(e.cause.accuser);
                   for (const std::string& accuser : e.cause.accusers) mixer.text(accuser);
                   mixer.number(e.self ? 1 : 0);
                 },
                 [&](const UserMessage& e) {
                   mixer.address(e.source);
                   mixer.text(e.from);
                   mixer.bytes(e.payload);
                 },
                 [&](const StateMerged& e) {
                   mixer.address(e.source);
                   mixer.text(e.from);
                   mixer.bytes(e.state);
                 },
                 [&](const HealthChanged& e) { mixer.number(e.score); },
                 [&](const JoinFinished& e) {
                   mixer.number(e.contacted);
                   for (const Error& error : e.failures) mixer.error(error);
                 },
                 [&](const LeaveFinished&) {},
                 [&](const Failure& e) { mixer.error(e.error); },
                 [&](const JoinRetrying& e) { mixer.error(e.error); },
             },
             event);
}

void mix_completion(OutputMixer& mixer, const Completion& completion) {
  mixer.number(std::to_underlying(completion.id));
  if (!completion.result) return mixer.error(completion.result.error());
  mixer.number(completion.result->contacted);
  mixer.number(static_cast<std::uint64_t>(completion.result->round_trip.count()));
  mixer.bytes(completion.result->payload);
}

}  // namespace

std::uint64_t add_to_digest(std::uint64_t digest, const Output& output) {
  OutputMixer mixer(digest);
  mixer.number(output.index());
  std::visit(Overloaded{
                 [&](const SendPacket& o) {
                   mixer.address(o.to);
                   mixer.bytes(o.bytes);
                   mixer.address({o.from, 0});
                 },
                 [&](const DialStream& o) {
                   mixer.number(std::to_underlying(o.id));
                   mixer.address(o.to);
                   mixer.address({o.from, 0});
                 },
                 [&](const WriteStream& o) {
                   mixer.number(std::to_underlying(o.id));
                   mixer.bytes(o.bytes);
                 },
                 [&](const CloseStream& o) { mixer.number(std::to_underlying(o.id)); },
                 [&](const AbortStream& o) { mixer.number(std::to_underlying(o.id)); },
                 [&](const Event& o) { mix_event(mixer, o); },
                 [&](const Completion& o) { mix_completion(mixer, o); },
                 [&](const LogRecord& o) {
                   mixer.text(o.text);
                   mixer.text(o.peer);
                   for (const LogField& field : o.fields) {
                     mixer.text(field.name);
                     mixer.text(field.value);
                   }
                 },
                 [&](const MetricRecord& o) {
                   mixer.text(o.name);
                   mixer.number(std::bit_cast<std::uint64_t>(o.value));
                 },
                 [&](const TraceRecord& o) { mixer.text(to_string(o)); },
             },
             output);
  return mixer.state();
}

}  // namespace memberlist::sim
