#include "sim/watch.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "base/byte_reader.hpp"
#include "base/overloaded.hpp"
#include "base/text.hpp"
#include "memberlist/input.hpp"
#include "sim/internals.hpp"

namespace memberlist::sim {

Watch::Watch(const Config& config, Reporter::OnViolation on_violation)
    : config_(config),
      keyring_(crypto::Keyring::create(config_.keys).value()),
      reporter_(false, on_violation),
      ledger_(reporter_, opening_) {
  opening_.label = config_.label;
  opening_.keyring = &keyring_;
}

void Watch::begin(const Engine& engine, const std::vector<Member>* known) {
  invariants_.emplace(reporter_, engine, opening_, known_);
  if (known != nullptr) invariants_->know(*known);
  reporter_.begin_step("create");
}

void Watch::input(const Input& input) {
  command_ = Command::other;
  std::visit(Overloaded{
                 [&](const input::Packet&) { reporter_.begin_step("packet"); },
                 [&](const input::Stream& stream) { take(stream); },
                 [&](const input::Deadline&) { reporter_.begin_step("deadline"); },
                 [&](const input::Leave&) {
                   reporter_.begin_step("leave");
                   command_ = Command::leave;
                 },
                 [&](const input::Advertise&) {
                   reporter_.begin_step("advertise");
                   command_ = Command::move;
                 },
                 [&](const input::AddKey& added) {
                   reporter_.begin_step("add key");
                   // What is refused is the engine's business.
                   static_cast<void>(keyring_.add(added.key));
                 },
                 [&](const auto&) { reporter_.begin_step("other input"); },
             },
             input);
}

void Watch::take(const input::Stream& stream) {
  reporter_.begin_step("stream");
  if (!ledger_.streams().contains(stream.id)) return;
  OpenStream& open = ledger_.streams().at(stream.id);
  if (const auto* data = std::get_if<StreamData>(&stream.event)) {
    open.heard.insert(open.heard.end(), data->bytes.begin(), data->bytes.end());
    heard_ = open.heard;
    heard_by_dialled_ = open.dialled;
  }
  if (std::holds_alternative<StreamConnected>(stream.event)) ledger_.connected(stream.id);
  if (std::holds_alternative<StreamFailed>(stream.event)) ledger_.failed(stream.id);
}

void Watch::started(OperationId id) {
  if (command_ == Command::move) ledger_.moving(id);
  if (command_ == Command::leave) invariants_.value().leaving();
  ledger_.started(id, command_ == Command::leave, false);
}

void Watch::output(const Output& output) {
  invariants_.value().take(output);
  std::visit(Overloaded{
                 [&](const DialStream& dial) { ledger_.take(dial); },
                 [&](const WriteStream& write) { ledger_.take(write); },
                 [&](const CloseStream& close) { ledger_.take(close); },
                 [&](const AbortStream& abort) { ledger_.take(abort); },
                 [&](const Completion& completion) { ledger_.take(completion); },
                 [](const auto&) {},
             },
             output);
}

void Watch::after_step(const Engine& engine) {
  invariants_.value().after_step(engine, ledger_);
  check_recognized(engine);
  check_internals(engine, reporter_);
}

/// A state that the engine has taken for its own, unread, is read here.
void Watch::check_recognized(const Engine& engine) {
  const std::uint64_t recognized = engine.counters().push_pulls_recognized;
  if (std::exchange(recognized_, recognized) == recognized) return;
  wire::Sealing reading = opening_;
  reading.verify_incoming = false;
  wire::StreamOpener opener(reading, !heard_by_dialled_);
  const auto progress = opener.feed(heard_);
  const bool whole = progress && *progress == wire::StreamOpener::Progress::complete;
  reporter_.require(whole, "what is recognized can be read");
  const auto* message = std::get_if<wire::PushPullMessage>(&opener.message());
  reporter_.require(message != nullptr, "what is recognized is a push/pull");
  reporter_.require(std::cmp_equal(message->header.nodes, engine.members()->size()),
                    "what is recognized has as many members as the table");
  ByteReader states(message->node_states);
  for (std::int64_t i = 0; i < message->header.nodes; ++i) {
    const wire::NodeState state = wire::decode<wire::NodeState>(states).value();
    const std::optional<Member> member = engine.member(state.name);
    const bool same = member && std::cmp_equal(state.state, std::to_underlying(member->status)) &&
                      state.incarnation == member->incarnation &&
                      state.port == member->address().port &&
                      std::ranges::equal(state.addr, member->address().ip.wire_bytes()) &&
                      std::ranges::equal(state.meta, member->meta());
    reporter_.require(same, "what is recognized is what the table says",
                      [&] { return escape_for_log(state.name); });
  }
}

}  // namespace memberlist::sim
