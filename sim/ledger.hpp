#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "memberlist/engine.hpp"
#include "sim/peer_knowledge.hpp"
#include "sim/reporter.hpp"
#include "wire/stream.hpp"

namespace memberlist::sim {

/// A stream that the engine has not yet ended, as its network sees it.
struct OpenStream {
  Address peer;
  bool dialled = false;
  bool connected = false;
  bool peer_ended = false;
  PeerKnowledge known;  ///< what the peer has read
  Bytes on_the_way;     ///< what the peer has sent and the engine has not got yet
  Bytes heard;          ///< what the engine has got
  std::unique_ptr<wire::StreamOpener> reader;  ///< of what the engine writes
  bool read_all = false;                       ///< the reader has a whole message
};

/// What the engine has begun and not yet ended: streams and operations. Checks that it ends each
/// once, and touches none that is over.
class Ledger {
 public:
  Ledger(const Reporter& reporter, const wire::Sealing& opening)
      : reporter_(reporter), opening_(opening) {}

  void accepted(StreamId id, const Address& from);
  void connected(StreamId id) { streams_.at(id).connected = true; }
  /// The network has lost it; the engine was told.
  void failed(StreamId id) { streams_.erase(id); }
  /// A command was taken. The id of a leave may come again while it is open.
  void started(OperationId id, bool is_leave, bool may_last);
  /// The operation is a change of address, whose fate others may share.
  void moving(OperationId id) { move_ = id; }
  [[nodiscard]] bool is_moving() const { return move_ && operations_.contains(*move_); }

  void take(const DialStream& dial);
  void take(const WriteStream& write);
  void take(const CloseStream& close);
  void take(const AbortStream& abort);
  void take(const Completion& completion);

  [[nodiscard]] std::map<StreamId, OpenStream>& streams() noexcept { return streams_; }
  [[nodiscard]] const std::map<StreamId, OpenStream>& streams() const noexcept { return streams_; }
  /// Open operations that have an end in sight.
  [[nodiscard]] std::size_t bounded_operations() const noexcept;
  [[nodiscard]] const std::map<OperationId, bool>& operations() const noexcept {
    return operations_;
  }
  [[nodiscard]] std::uint64_t last_operation() const noexcept { return last_operation_; }
  [[nodiscard]] std::uint64_t last_stream() const noexcept { return last_stream_; }
  [[nodiscard]] std::uint64_t completed_leaves() const noexcept { return completed_leaves_; }

 private:
  void open(StreamId id, OpenStream stream);
  [[nodiscard]] OpenStream& writable(StreamId id, const char* invariant);
  void read(OpenStream& stream, BytesView bytes);

  const Reporter& reporter_;
  const wire::Sealing& opening_;
  std::map<StreamId, OpenStream> streams_;
  std::map<OperationId, bool> operations_;  // open ones: whether it has no end in sight
  std::optional<OperationId> leave_;
  std::optional<OperationId> move_;
  std::uint64_t last_stream_ = 0;
  std::uint64_t last_operation_ = 0;
  std::uint64_t completed_leaves_ = 0;
};

}  // namespace memberlist::sim
