#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "forge.hpp"
#include "memberlist/engine.hpp"
#include "sim/invariants.hpp"
#include "sim/ledger.hpp"
#include "sim/reporter.hpp"
#include "world.hpp"

namespace memberlist::fuzz {

using sim::Ledger;
using sim::OpenStream;
using sim::Reporter;

/// One engine whose every input is a step: made, traced, and followed by all checks. Keeps to what
/// a network and an application may do, so that whatever breaks is the engine's fault.
class Driver {
 public:
  enum class Care : std::uint8_t { quick, checked, traced };

  /// `forge` is configured anew. `quick`: only the outputs are looked at.
  Driver(const Setup& setup, Forge& forge, Care care);
  Driver(const Driver&) = delete;  // the parts refer to each other
  Driver& operator=(const Driver&) = delete;

  [[nodiscard]] const Engine& engine() const noexcept { return engine_; }
  [[nodiscard]] const Reporter& reporter() const noexcept { return reporter_; }
  [[nodiscard]] Forge& forge() noexcept { return forge_; }
  [[nodiscard]] PeerKnowledge& known() noexcept { return known_; }
  [[nodiscard]] Ledger& ledger() noexcept { return ledger_; }
  [[nodiscard]] const Ledger& ledger() const noexcept { return ledger_; }
  [[nodiscard]] TimePoint now() const noexcept { return now_; }

  // --- what a network does ----------------------------------------------------------------------
  void packet(const Address& from, Bytes bytes);
  void send_error(const Address& to, ErrorCode code);
  std::optional<StreamId> accept(const Address& from);
  void connect(StreamId id);
  void feed(StreamId id, BytesView bytes);
  void end(StreamId id);
  void fail(StreamId id);

  // --- time -------------------------------------------------------------------------------------
  /// Time passes, and the engine is not called for it.
  void pass(Duration duration);
  /// The engine is called at this time, however late it is.
  void deadline();
  /// On to the next deadline, exactly.
  void next_deadline();

  // --- what an application does -----------------------------------------------------------------
  void join(std::vector<JoinTarget> targets);
  void leave(Duration timeout);
  void update_meta(BytesView meta, Duration timeout);
  void advertise(const Address& address, Duration timeout);
  void send_best_effort(const Address& to, BytesView payload);
  void send_reliable(const Address& to, BytesView payload);
  void broadcast(BytesView payload, std::string_view name);
  void ping(std::string_view member);
  /// Of an operation that is under way, or over, or was never begun.
  void cancel(OperationId id);
  void add_key(BytesView key);
  void use_key(BytesView key);
  void remove_key(BytesView key);
  void set_gossip_verify(bool incoming, bool outgoing);

  /// Lets all time pass that anything may take, with a network that is silent: what was begun must
  /// end.
  void drain();
  /// A digest of the outputs up to each step.
  [[nodiscard]] const std::vector<std::uint64_t>& digests() const noexcept { return digests_; }

 private:
  template <class Detail>
  void begin(const char* what, Detail&& detail);
  void finish();
  void finish_command(bool taken, const Error* error);
  void started(const Result<OperationId>& id, bool is_leave, bool may_last);
  void take(Output& output);
  void trace(const Output& output) const;
  [[nodiscard]] bool nothing_to_do();
  void require_cancelled(OperationId id, const Error& why);

  Care care_;
  Reporter reporter_;
  Forge& forge_;
  FuzzPolicy policy_;
  std::uint64_t nonces_ = 0;
  TimePoint now_;
  Engine engine_;
  PeerKnowledge known_;
  Ledger ledger_;
  sim::Invariants invariants_;
  std::uint64_t digest_ = 0;
  std::vector<std::uint64_t> digests_;
};

}  // namespace memberlist::fuzz
