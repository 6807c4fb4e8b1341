#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "crypto/keyring.hpp"
#include "memberlist/config.hpp"
#include "memberlist/engine.hpp"
#include "sim/invariants.hpp"
#include "sim/ledger.hpp"
#include "sim/peer_knowledge.hpp"
#include "sim/reporter.hpp"
#include "wire/packet.hpp"

namespace memberlist::sim {

/// Checks the invariants of one engine after each of its steps, as seen from outside and inside. A
/// violation is printed and aborts the process. It must see all inputs and outputs, in order.
class Watch {
 public:
  explicit Watch(const Config& config,
                 Reporter::OnViolation on_violation = Reporter::OnViolation::aborts);
  Watch(const Watch&) = delete;  // its checkers refer to each other
  Watch& operator=(const Watch&) = delete;

  /// The engine was created; it has known these members from the start, or none if null.
  void begin(const Engine& engine, const std::vector<Member>* known = nullptr);
  /// `EngineEnvironment::on_input`
  void input(const Input& input);
  /// The engine accepted a stream.
  void accepted(StreamId id, const Address& from) { ledger_.accepted(id, from); }
  /// The last command was accepted and returned this operation.
  void started(OperationId id);
  void output(const Output& output);
  /// To be called after all outputs of an input.
  void after_step(const Engine& engine);

 private:
  enum class Command : std::uint8_t { leave, move, other };

  void take(const input::Stream& stream);
  void check_recognized(const Engine& engine);

  Config config_;
  crypto::Keyring keyring_;
  wire::Sealing opening_;
  PeerKnowledge known_;
  Reporter reporter_;
  Ledger ledger_;
  std::optional<Invariants> invariants_;
  Command command_ = Command::other;  // the last input
  // The stream of the last input, if bytes came by it: all that came so far.
  Bytes heard_;
  bool heard_by_dialled_ = false;
  std::uint64_t recognized_ = 0;  // push/pulls
};

}  // namespace memberlist::sim
