#pragma once

#include <cstdint>
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

namespace memberlist {

/// A command whose outcome comes later as a Completion; never reused within an engine's life.
enum class OperationId : std::uint64_t {};

/// Send one datagram. `bytes` is valid until `Engine::clear_outputs`.
struct SendPacket {
  Address to;       ///< where it goes
  BytesView bytes;  ///< the whole datagram, with all its layers
  /// The own address that it should leave from, where there are several: that which was asked, if
  /// this is an answer, else the advertised one.
  IpAddress from{};
};
/// Connect; answer with StreamConnected or StreamFailed. The engine keeps the deadline.
struct DialStream {
  StreamId id{};     ///< the new stream's
  Address to;        ///< where to connect
  IpAddress from{};  ///< the own address that it should come from, where there are several
};
/// Send bytes on a connected stream, after those of earlier writes.
struct WriteStream {
  StreamId id{};  ///< on which stream
  Bytes bytes;    ///< what to send; may be moved away
};
/// Send what was written, then close. Nothing more is wanted from this stream.
struct CloseStream {
  StreamId id{};  ///< which stream
};
/// Close at once; what was not yet sent is dropped. Nothing more is wanted from this stream.
struct AbortStream {
  StreamId id{};  ///< which stream
};

/// How one target of a join fared. Neither merged nor failed: it was not tried, or not to its end,
/// since enough others had answered, or this node's name is taken.
struct JoinAttempt {
  bool merged = false;           ///< the push/pull with it was merged
  std::optional<Error> failure;  ///< why it was not, if it was tried to its end
};

/// Outcome of one command.
struct OperationOutcome {
  std::uint32_t contacted = 0;        ///< join: others whose push/pull was merged
  std::vector<Error> failures;        ///< join: those of `attempts`
  std::vector<JoinAttempt> attempts;  ///< join: one for each target, in the order given
  Duration round_trip{};              ///< ping
  Bytes payload;                      ///< ping: what the peer's ping delegate put into the ack
};
/// The end of a command that returned an OperationId; each ends exactly once.
struct Completion {
  OperationId id{};                 ///< as the command returned it
  Result<OperationOutcome> result;  ///< how it ended
};

/// One thing to do, or to hear, in the order in which the engine wants it.
using Output = std::variant<SendPacket, DialStream, WriteStream, CloseStream, AbortStream, Event,
                            Completion, LogRecord, MetricRecord>;

}  // namespace memberlist
