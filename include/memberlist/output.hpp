#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <variant>
#include <vector>

#include "memberlist/address.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/error.hpp"
#include "memberlist/event.hpp"
#include "memberlist/metrics.hpp"
#include "memberlist/stream.hpp"
#include "memberlist/time.hpp"
#include "memberlist/trace.hpp"

namespace memberlist {

/// A command whose outcome follows as a Completion; never reused during an engine's life.
enum class OperationId : std::uint64_t {};

/// Send one datagram. `bytes` is valid until `Engine::clear_outputs`.
struct SendPacket {
  Address to{};       ///< where it goes
  BytesView bytes{};  ///< the whole datagram, with all its layers
  /// The local address to send from, if there are several: for an answer the address that was
  /// asked, otherwise the advertised one.
  IpAddress from{};
  std::uint64_t input = 0;  ///< the number of the input that it was sent for
};
/// Connect; report StreamConnected or StreamFailed. The engine handles the timeout.
struct DialStream {
  StreamId id{};     ///< the new stream's
  Address to{};      ///< where to connect
  IpAddress from{};  ///< the local address to connect from, if there are several
};
/// Send bytes on a connected stream, after those of earlier writes.
struct WriteStream {
  StreamId id{};  ///< on which stream
  Bytes bytes{};  ///< what to send; may be moved away
};
/// Send what was written, then close. The stream is finished.
struct CloseStream {
  StreamId id{};  ///< which stream
};
/// Close immediately; unsent bytes are dropped. The stream is finished.
struct AbortStream {
  StreamId id{};  ///< which stream
};

/// The result of one target of a join. Neither merged nor failed: it was not tried, or not
/// completely, because enough others had answered, or this node's name is taken.
struct JoinAttempt {
  bool merged = false;             ///< the push/pull with it was merged
  std::optional<Error> failure{};  ///< why it was not, if the attempt ended
};

/// Outcome of one command.
struct OperationOutcome {
  std::uint32_t contacted = 0;          ///< join: others whose push/pull was merged
  std::vector<Error> failures{};        ///< join: those of `attempts`
  std::vector<JoinAttempt> attempts{};  ///< join: one for each target, in the order given
  Duration round_trip{};                ///< ping
  Bytes payload{};                      ///< ping: what the peer's ping delegate put into the ack
};
/// Why a command failed.
struct OperationError : Error {
  std::vector<JoinAttempt> attempts{};  ///< join: one for each target, in the order given
};
/// The end of a command that returned an OperationId; each ends exactly once.
struct Completion {
  OperationId id{};                                          ///< as the command returned it
  std::expected<OperationOutcome, OperationError> result{};  ///< how it ended
};

/// One action or report; they are to be handled in order.
using Output = std::variant<SendPacket, DialStream, WriteStream, CloseStream, AbortStream, Event,
                            Completion, LogRecord, MetricRecord, TraceRecord>;

}  // namespace memberlist
