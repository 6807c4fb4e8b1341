#pragma once

#include <cstdint>
#include <optional>

#include "crypto/keyring.hpp"
#include "memberlist/config.hpp"
#include "memberlist/engine.hpp"
#include "sim/invariants.hpp"
#include "sim/ledger.hpp"
#include "sim/peer_knowledge.hpp"
#include "sim/reporter.hpp"
#include "wire/packet.hpp"

namespace memberlist::sim {

/// Checks one engine of a cluster after each of its steps: the invariants that show from outside,
/// and those inside of it. A broken one aborts the process and says which. To be told all that the
/// engine is given and puts out, in order.
class Watch {
 public:
  explicit Watch(const Config& config);
  Watch(const Watch&) = delete;  // the checkers hold on to it
  Watch& operator=(const Watch&) = delete;

  /// The engine was made.
  void begin(const Engine& engine);
  /// `EngineEnvironment::on_input`
  void input(const Input& input);
  /// The engine accepted a stream.
  void accepted(StreamId id, const Address& from) { ledger_.accepted(id, from); }
  /// The last command was taken as this operation.
  void started(OperationId id);
  void output(const Output& output);
  /// All outputs of an input were told.
  void after_step(const Engine& engine);

 private:
  enum class Command : std::uint8_t { leave, move, other };

  void take(const input::Stream& stream);

  Config config_;
  crypto::Keyring keyring_;
  wire::Sealing opening_;
  PeerKnowledge known_;
  Reporter reporter_{false};
  Ledger ledger_;
  std::optional<Invariants> invariants_;
  Command command_ = Command::other;  // the last input
};

}  // namespace memberlist::sim
